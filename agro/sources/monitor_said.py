"""What a file of a yield monitor does not say itself: a small TOML beside it, with the same name."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from agro.domain.errors import BadInput
from agro.domain.harvest import WEIGHT_BASES
from agro.sources.guard import read_text

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Said:
    """What the one who sends a monitor's file says of it.

    crop, season, field_id  where they follow neither from the file nor from its place and the season table
    crs                     of columns x and y, or of a Shapefile without .prj
    encoding                of a Shapefile
    weight_basis            bunker (what a monitor weighs), or barn where it was calibrated so
    moisture                "not measured", where the file has no column of it
    to_moisture_pct         [%] yields are brought to this moisture; else they stay as weighed
    swath_m                 [m] the width of the header, where the file has no column of it
    delay_corrected         the monitor's software moved the yields to where they grew already
    columns                 heading = "name, unit" of columns whose headings do not say it
    """

    crop: str | None = None
    season: int | None = None
    field_id: str | None = None
    crs: str | None = None
    encoding: str | None = None
    weight_basis: str = "bunker"
    moisture: str | None = None
    to_moisture_pct: float | None = None
    swath_m: float | None = None
    delay_corrected: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)


_TYPES: dict[str, tuple[type, ...]] = {
    "season": (int,),
    "to_moisture_pct": (int, float),
    "swath_m": (int, float),
    "delay_corrected": (bool,),
    "columns": (dict,),
}


def said_beside(path: Path) -> Said:
    """What the TOML beside a file or folder says; nothing where there is none. Raises BadInput."""
    beside = path.with_suffix(".toml") if path.is_file() else path.with_name(f"{path.name}.toml")
    if not beside.is_file():
        return Said()
    try:
        told = tomllib.loads(read_text(beside, beside.name))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(
            "CFG-TOML", "{where}: not TOML ({met})", "mend the file", where=beside.name, met=str(error)
        ) from None
    for name, value in told.items():
        _check(name, value, beside.name)
    return Said(**told)


def _check(name: str, value: Any, where: str) -> None:
    known = Said.__dataclass_fields__
    if name not in known:
        near = get_close_matches(name, list(known), n=1)
        raise BadInput(
            "MONITOR-KEY",
            "{where}: unknown key {met}",
            "did you mean {near}?" if near else "the documentation of inputs lists every key",
            where=where,
            met=name,
            near=", ".join(near),
        )
    allowed = {"weight_basis": WEIGHT_BASES, "moisture": (NOT_MEASURED,)}.get(name)
    numbers = {"season": (1990, 2100), "to_moisture_pct": (0, 60), "swath_m": (0.2, 60)}.get(name)
    typed = isinstance(value, _TYPES.get(name, (str,))) and (name == "delay_corrected" or not isinstance(value, bool))
    ranged = numbers is None or (typed and numbers[0] <= value <= numbers[1])
    if typed and ranged and (allowed is None or value in allowed) and (name != "columns" or _texts(value)):
        return
    raise BadInput(
        "MONITOR-SAID",
        "{where}: {name} is {met}, expected {expected}",
        "the documentation of inputs says what each key takes",
        where=where,
        name=name,
        met=str(value)[:60],
        expected=", ".join(allowed)
        if allowed
        else f"{numbers[0]} to {numbers[1]}"
        if numbers
        else "text"
        if name != "delay_corrected"
        else "true, false",
    )


def _texts(table: Mapping[str, Any]) -> bool:
    return all(isinstance(value, str) for value in table.values())
