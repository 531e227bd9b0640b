"""Weather of a reanalysis as rows: AgERA5 in NetCDF, cell by cell, and the JSON of a service in NASA POWER's shape.

Both become rows with the units that they declare in the heading; `weather` reads them as it reads any table.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agro.domain.errors import BadInput, TornFile
from agro.sources.guard import read_text

# What a service calls a quantity, and our heading for it.
POWER = {
    "T2M_MIN": "tmin",
    "T2M_MAX": "tmax",
    "T2M": "tmean",
    "PRECTOTCORR": "rain",
    "ALLSKY_SFC_SW_DWN": "srad",
    "WS2M": "wind_2m",
    "WS10M": "wind_10m",
    "RH2M": "humidity",
    "T2MDEW": "dew_point",
}  # source: NASA POWER daily API, parameters of the community AG
_PER_DAY = re.compile(r"[\s/]*(d-1|day-1|day)$")
_FARTHEST_DEG = 0.3  # [deg] a place farther from any cell is not of this grid; AgERA5 has cells of 0.1
_MOST_CELLS = 10_000  # [1] of a grid without places: more is no table


def rows_of_json(path: Path) -> list[list[Any]]:
    """The table of a JSON answer in a file, its heading first. Raises BadInput."""
    return rows_of_answer(read_text(path, path.name), path.name, POWER)


def rows_of_answer(
    text: str,
    where: str,
    names: Mapping[str, str],
    values: str = "properties.parameter",
    missing: float | None = None,
) -> list[list[Any]]:
    """The table of a service's answer, its heading first: our word and the unit that the answer declares.

    names    what the service calls a quantity, and our word for it; other quantities are left alone
    values   where in the answer the quantities stand, each by day, as names joined by dots
    missing  the mark of what is missing, beside the one that the answer declares
    """
    try:
        answer = json.loads(text)
        quantities = answer
        for name in values.split("."):
            quantities = quantities[name]
        known = [name for name in quantities if name in names]
        about = answer.get("parameters", {})
        units = {name: _PER_DAY.sub("", str(about.get(name, {}).get("units", ""))) for name in known}
        marks = (None, missing, answer.get("header", {}).get("fill_value"))
        days = sorted({str(day) for name in known for day in quantities[name]})
        body = [[day, *(_cell(quantities[name].get(day), marks) for name in known)] for day in days]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(
            "WEATHER-JSON",
            "{where}: is no answer of a weather service ({met})",
            "give the JSON of NASA POWER's daily point, or of a service of its shape",
            where=where,
            met=f"{type(error).__name__}: {error}"[:120],
        ) from None
    return [["day", *(f"{names[name]} {units[name]}".strip() for name in known)], *body]


def _cell(value: Any, marks: Sequence[Any]) -> Any:
    return "" if value in marks else value


def rows_of_grids(
    files: Sequence[Path], places: Mapping[str, tuple[float, float]] | None, where: str
) -> list[list[Any]]:
    """One table of NetCDF files, each with some quantities and days, its heading first.

    places  by name (longitude, latitude) [deg]: each gets the nearest cell; without them each cell is a place
    """
    values: dict[tuple[str, str], dict[str, float | str]] = {}
    headings: dict[str, None] = {}
    for file in files:
        for heading, place, day, value in _values(file, places):
            headings[heading] = None
            values.setdefault((place, day), {})[heading] = value
    if not values:
        raise BadInput(
            "WEATHER-EMPTY",
            "{where}: no row has a day that can be read",
            "write dates as YYYY-MM-DD or DD.MM.YYYY",
            where=where,
        )
    body = [[place, day, *(row.get(h, "") for h in headings)] for (place, day), row in sorted(values.items())]
    return [["place", "day", *headings], *body]


def _values(
    path: Path, places: Mapping[str, tuple[float, float]] | None
) -> Iterator[tuple[str, str, str, float | str]]:
    """Heading, place, day and value of everything in a file that lies on time, latitude and longitude."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            axes = [next(n for n in (name, name[:3]) if n in file.variables) for name in ("latitude", "longitude")]
            lat, lon = (np.asarray(file.variables[axis][:], "float64") for axis in axes)
            time = file.variables["time"]
            told = netCDF4.num2date(time[:], time.units, getattr(time, "calendar", "standard"))
            instants: list[Any] = np.atleast_1d(np.asarray(told, dtype=object)).tolist()
            days = [instant.strftime("%Y-%m-%d") for instant in instants]
            cells = _cells(lat, lon, places, path.name)
            for name, variable in file.variables.items():
                if variable.dimensions != (time.dimensions[0], *axes):
                    continue
                heading = f"{name} {_PER_DAY.sub('', str(getattr(variable, 'units', '')))}"
                for place, (row, column) in cells.items():
                    series = np.ma.filled(variable[:, row, column].astype("float64"), np.nan)
                    for day, value in zip(days, series, strict=True):
                        yield heading, place, day, float(value) if np.isfinite(value) else ""
    except (OSError, RuntimeError, StopIteration, KeyError, AttributeError, ValueError) as error:
        raise TornFile(
            "WEATHER-NETCDF",
            "{where}: is no NetCDF of days by latitude and longitude ({met})",
            "download it again",
            where=path.name,
            met=f"{type(error).__name__}: {error}"[:120],
        ) from None


def _cells(
    lat: np.ndarray, lon: np.ndarray, places: Mapping[str, tuple[float, float]] | None, where: str
) -> dict[str, tuple[int, int]]:
    """The cell of each place."""
    if places is None:
        if lat.size * lon.size > _MOST_CELLS:
            raise BadInput(
                "WEATHER-GRID",
                "{where}: {met} cells, and no place is named",
                "cut the grid to your fields, or give fields with districts",
                where=where,
                met=lat.size * lon.size,
            )
        return {f"{y:.2f} {x:.2f}": (row, column) for row, y in enumerate(lat) for column, x in enumerate(lon)}
    found = {}
    for place, (x, y) in places.items():
        row, column = int(np.abs(lat - y).argmin()), int(np.abs(lon - x).argmin())
        if max(abs(lat[row] - y), abs(lon[column] - x)) > _FARTHEST_DEG:
            raise BadInput(
                "WEATHER-ELSEWHERE",
                "{where}: has no cell near {place} ({met}, north and east)",
                "download the grid over your fields",
                where=where,
                place=place,
                met=f"{y:.2f} {x:.2f}",
            )
        found[place] = row, column
    return found
