"""Daily weather: the tables that `records.weather` names and what services told, version by version, as one table."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, SourceDown
from agro.sources import weather_service
from agro.sources.weather import WEATHER_COLUMNS, files_of, read_weather
from agro.sources.weather_service import Point, Service
from agro.sources.web import place as where_is
from agro.store import history
from agro.store.index import Index
from agro.store.publish import digest, file_name
from flows.keeping import Result, content_of, keep
from flows.plan import Land
from flows.settings import Settings

_KEY = ["place", "day"]
_NEEDED = ["rain_mm", "tmin_c", "tmax_c"]


def points_of(land: Land) -> list[Point]:
    """Where the weather of each district is asked for: the middle of its fields; of all where none names a district."""
    points = land.outlines.geometry.representative_point()
    by = land.outlines["district"]
    by = by if by.notna().any() else by.fillna("region")
    middles = pd.DataFrame({"x": points.x, "y": points.y}).groupby(by).mean()
    return [Point(str(name), float(row.x), float(row.y)) for name, row in middles.iterrows()]


def ask_for_weather(settings: Settings, land: Land, source: Path | None, index: Index, today: date) -> list[Refusal]:
    """Publish what services tell that is new, or other than before; what was refused. Earlier versions stay."""
    refused: list[Refusal] = []
    try:
        service = _service(source)
        places = _asked_for(settings, land, source) if service else []
    except AgroError as error:
        return [error.refusal]
    kept = history.weather(index.store) if places else pd.DataFrame()
    for at in places:
        assert service is not None  # noqa: S101  somebody is asked
        try:
            refused += _ask(service, at, kept, index, today)
        except SourceDown as error:  # who does not answer for one place is not asked for the others
            return [*refused, error.refusal]
        except AgroError as error:
            refused.append(error.refusal)
    return refused


def weather_of(
    settings: Settings, source: Path | None, index: Index, as_of: date | None = None
) -> tuple[pd.DataFrame | None, list[Refusal]]:
    """The daily table as a day knew it, and what was refused of it; None where there is none.

    A day that a station has, with rain and temperatures, counts before what a service says of it.
    """
    if source is None:
        return None, []
    if not _services(source):
        return read_weather(source, settings.records.wind_height_m)
    table, refused = read_weather(source, settings.records.wind_height_m) if _has_tables(source) else (None, [])
    told = history.weather(index.store, f"{as_of:%Y-%m-%d}T23:59:59.999999Z" if as_of else None)
    parts = [part[list(WEATHER_COLUMNS)] for part in (table, told) if part is not None and len(part)]
    if not parts:
        return None, refused
    rows = pd.concat(parts, ignore_index=True)
    lacking = rows[_NEEDED].isna().any(axis=1) & (rows["et0_mm"].isna() | rows["rain_mm"].isna())
    rows = rows.loc[lacking.sort_values(kind="stable").index].drop_duplicates(_KEY, keep="first")
    return pd.concat([_every_day(own) for _, own in rows.groupby("place")], ignore_index=True), refused


def weather_identity(source: Path | None, index: Index, first: date, last: date) -> list[Any]:
    """What decides the weather of a time: the tables' content, and what services told of it."""
    told = [
        one.place
        for one in index.items("weather")
        if one.properties["agro:first"] <= last.isoformat() and one.properties["agro:last"] >= first.isoformat()
    ]
    return [*content_of(source), *(sorted(told) if _services(source) else [])]


def _ask(service: Service, at: Point, kept: pd.DataFrame, index: Index, today: date) -> list[Refusal]:
    own = kept[kept["place"] == at.name] if len(kept) else kept
    versions = [one.properties for one in index.items("weather") if one.properties["agro:place"] == at.name]
    first, last = service.since, today - timedelta(1)
    if versions and min(one["agro:since"] for one in versions) <= first.isoformat():  # else earlier days are wanted now
        first = max(first, own["day"].max().date() - timedelta(service.again_days))
    if first > last:
        return []
    table, refused = weather_service.read(service, at, first, last)
    new = _changed(table, own)
    if new.empty:
        return refused
    days = [f"{day:%Y-%m-%d}" for day in (new["day"].min(), new["day"].max())]
    properties = {
        "datetime": f"{days[1]}T00:00:00Z",
        "agro:place": at.name,
        "agro:since": service.since.isoformat(),
        "agro:first": days[0],
        "agro:last": days[1],
        "agro:inputs": [where_is(service.url), sorted(service.columns.items())],
        "agro:simulated": False,
    }
    rows = [[str(value) for value in row] for row in new.itertuples(index=False)]
    place = f"weather/{file_name(at.name)}/{days[1]}--{digest([rows, len(versions)])}"
    keep(index.store, index, place, Result(properties, None, tables={"weather": new}))
    return refused


def _changed(table: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """The days of a table that are not known, or known otherwise; a day without a number tells nothing."""
    values = [name for name in WEATHER_COLUMNS if name not in _KEY]
    table = table[table[values].drop(columns="wind_height_m").notna().any(axis=1)]
    if table.empty or known.empty:
        return table.reset_index(drop=True)
    mine, theirs = (rows.set_index("day")[values].astype("float64") for rows in (table, known))
    theirs = theirs.reindex(mine.index)
    same = (mine.eq(theirs) | (mine.isna() & theirs.isna())).all(axis=1)
    return table[~same.to_numpy()].reset_index(drop=True)


def _every_day(own: pd.DataFrame) -> pd.DataFrame:
    """A place's days from its first to its last, those without weather too."""
    days = pd.date_range(own["day"].min(), own["day"].max(), name="day")
    whole = own.set_index("day").reindex(days).reset_index()
    return whole.assign(place=own["place"].iloc[0])[list(WEATHER_COLUMNS)]


def _asked_for(settings: Settings, land: Land, source: Path | None) -> list[Point]:
    """Where a service is asked: the districts; where the tables have one place that is none of them, that place."""
    points = points_of(land)
    if source is None or not _has_tables(source):
        return points
    places = read_weather(source, settings.records.wind_height_m)[0]["place"].unique()
    if len(places) != 1 or places[0] in {at.name for at in points}:
        return points
    return [Point(str(places[0]), *np.mean([(at.longitude, at.latitude) for at in points], axis=0).tolist())]


def _has_tables(source: Path) -> bool:
    return source.suffix != ".toml" and bool(files_of(source))


def _services(source: Path | None) -> list[Path]:
    if source is None:
        return []
    return sorted(source.glob("*.toml")) if source.is_dir() else [source] if source.suffix == ".toml" else []


def _service(source: Path | None) -> Service | None:
    """The service that is asked, or None. Raises BadInput."""
    found = _services(source)
    if len(found) > 1:
        raise BadInput(
            "WEATHER-SERVICES",
            "{where}: {n} files name a service of weather; two would correct each other for ever",
            "leave one of them",
            where=", ".join(path.name for path in found),
            n=len(found),
        )
    return weather_service.service_of(found[0]) if found else None
