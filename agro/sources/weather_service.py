"""Daily weather of a service over HTTP, in the shape of NASA POWER's daily point: what is asked stands in a TOML file.

The file says the address with its blanks, what the service calls each quantity and the unit it comes in. What it
answers is checked as any table is; a unit that it declares must be the one that the file names.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agro.domain.errors import BadInput, Refusal
from agro.sources.guard import read_text
from agro.sources.weather import WEATHER_COLUMNS, table_of
from agro.sources.weather_grids import rows_of_answer
from agro.sources.weather_headings import column_of, comes_as_said
from agro.sources.web import Patience, asked, checked_address, place

BLANKS = ("{longitude}", "{latitude}", "{first}", "{last}")  # [deg], [deg], YYYYMMDD, YYYYMMDD
_LARGEST_BYTES = 20_000_000  # [byte] forty years of ten quantities at one point are 5 MB
_NEAR_DEG = 0.6  # [deg] the answer may be of the middle of a cell; those of POWER are half a degree


class Service(BaseModel):
    """What is asked of a service, as its file says it.

    url         the address, with the blanks of `BLANKS`
    columns     what the service calls a quantity, and our heading for it with its unit, as in a table
    values      where in the answer the quantities stand, each by day, as names joined by dots
    missing     the mark of what is missing, beside the one that the answer declares
    since       the first day that is wanted
    again_days  [d] the newest days are asked for again so far back, for services correct them
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    columns: dict[str, str] = Field(min_length=1)
    since: date
    values: str = "properties.parameter"
    missing: float | None = None
    again_days: int = Field(default=30, ge=0, le=366)
    attempts: int = Field(default=4, ge=1, le=20)
    timeout_s: float = Field(default=60.0, gt=0, le=3600)
    deadline_s: float = Field(default=180.0, gt=0, le=86_400)


@dataclass(frozen=True)
class Point:
    """A place of the weather, and where it lies [deg]."""

    name: str
    longitude: float
    latitude: float


def service_of(path: Path) -> Service:
    """The service that a TOML file names, checked. Raises BadInput."""
    try:
        service = Service(**tomllib.loads(read_text(path, path.name)))
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        met = str(error) if isinstance(error, tomllib.TOMLDecodeError) else _first_of(error)
        raise BadInput(
            "WEATHER-SERVICE-FILE",
            "{where}: does not say how a weather service is asked ({met})",
            "write it as configs/weather/nasa-power.toml is written",
            where=path.name,
            met=met,
        ) from None
    checked_address(service.url, path.name)
    plain = service.url
    for blank in BLANKS:
        plain = plain.replace(blank, "")
    if any(blank not in service.url for blank in BLANKS) or "{" in plain or "}" in plain:
        raise BadInput(
            "WEATHER-SERVICE-BLANKS",
            "{where}: the address must have the blanks {expected}, and no others",
            "write it as configs/weather/nasa-power.toml is written",
            where=path.name,
            expected=", ".join(BLANKS),
        )
    for heading in service.columns.values():
        column_of(heading, path.name)
    return service


def read(service: Service, at: Point, first: date, last: date) -> tuple[pd.DataFrame, list[Refusal]]:
    """The weather of a place by day, as `weather.read_weather` gives it, and what was refused.

    Days at the end that hold nothing yet are left away; without any day the table is empty.
    raises   SourceDown or BadInput where no answer comes that can be used
    """
    where = f"{place(service.url)}, {at.name}"
    answer = _answer(service, at, first, last, where)
    _check_place(answer, at, where)
    names = {name: name for name in service.columns}
    heading, *body = rows_of_answer(answer, where, names, service.values, service.missing)
    columns = [_column(cell, service, where) for cell in heading[1:]]
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    wanted = {f"{day:%Y%m%d}": day.isoformat() for day in days}
    kept = [[wanted[row[0]], *row[1:]] for row in body if row[0] in wanted]
    while kept and not any(cell != "" for cell in kept[-1][1:]):
        kept.pop()
    if not kept:
        return pd.DataFrame(columns=list(WEATHER_COLUMNS)), []
    return table_of([["day", *columns], *kept], where, at.name, None, None, by_day=True)


def _answer(service: Service, at: Point, first: date, last: date, where: str) -> str:
    """The text of the answer; who refuses is told with its own words."""
    told = (f"{at.longitude:.4f}", f"{at.latitude:.4f}", f"{first:%Y%m%d}", f"{last:%Y%m%d}")
    url = service.url
    for blank, value in zip(BLANKS, told, strict=True):
        url = url.replace(blank, value)
    patience = Patience(service.attempts, service.timeout_s, service.deadline_s)
    answer = asked(patience, "GET", url, lambda: {"Accept": "application/json"}, _LARGEST_BYTES, follow=True)
    if not answer.ok:
        raise BadInput(
            "WEATHER-SERVICE",
            "{where}: refuses the request (HTTP {met})",
            "check the address and the quantities in the service's file",
            where=where,
            met=f"{answer.status_code}: {' '.join(answer.text.split())[:120]}",
        )
    return answer.text


def _column(cell: str, service: Service, where: str) -> str:
    """Our heading of a column, whose cell is the service's name and the unit that the answer declares, if it does."""
    name, _, unit = cell.partition(" ")
    heading = service.columns[name]
    if unit and not comes_as_said(heading, unit, where):
        raise BadInput(
            "WEATHER-SERVICE-UNIT",
            "{where}: {column} comes in {met}, the service's file says {expected}",
            "write the unit that comes into the heading of the service's file; it is then converted",
            where=where,
            column=name,
            met=unit,
            expected=heading,
        )
    return heading


def _check_place(text: str, at: Point, where: str) -> None:
    """Refuse an answer that says itself that it is of other ground."""
    try:
        longitude, latitude = (float(value) for value in json.loads(text)["geometry"]["coordinates"][:2])
    except (ValueError, KeyError, TypeError, RecursionError):
        return  # it does not say; whether it is an answer at all is looked at next
    if max(abs(longitude - at.longitude), abs(latitude - at.latitude)) > _NEAR_DEG:
        raise BadInput(
            "WEATHER-SERVICE-PLACE",
            "{where}: the answer is of {met} (north, east), asked was {expected}",
            "check the order of longitude and latitude in the service's address",
            where=where,
            met=f"{latitude:.2f} {longitude:.2f}",
            expected=f"{at.latitude:.2f} {at.longitude:.2f}",
        )


def _first_of(error: Exception) -> str:
    """What is wrong first with a file, in a few words."""
    if not isinstance(error, ValidationError):
        return str(error)[:120]
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:120]
