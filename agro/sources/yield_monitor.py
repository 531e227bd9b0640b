"""Points of combine monitors: CSV, XLSX, Shapefile and ISOXML time logs, each as its maker writes it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.harvest import Monitored
from agro.domain.land import Crop
from agro.sources.monitor_logs import read_logs
from agro.sources.monitor_points import points_of
from agro.sources.monitor_said import Said, said_beside
from agro.sources.outlines import read_features
from agro.sources.season_fields import crop_of, crop_words
from agro.sources.tables import plain, read_rows
from agro.sources.yield_headings import Form, read_headings

FORM = Form(
    {
        "lon": "lon|longitude|long|долгота|длг",
        "lat": "lat|latitude|широта|шир",
        "x": "x|easting|восток",
        "y": "y|northing|север",
        "clock": "clock|time|timestamp|date time|datetime|iso time|isotime|gps time|время|дата и время|дата время|utc",
        "day": "day|date|дата|datestamp",
        "interval_s": "interval|duration|cycles|log time|logging interval|seconds|интервал|длительность",
        "distance_m": "distance|расстояние|пройдено|путь",
        "swath_m": "swath|swath width|swth wdth|swathwidth|header width|width|row width|ширина захвата|ширина жатки",
        "speed_m_s": "speed|velocity|скорость",
        "heading_deg": "heading|track|course|курс|направление",
        "flow_kg_s": "flow|mass flow|grain flow|crop flw m|crop flow|flow rate|поток|поток зерна",
        "yield_t_ha": "yield|wet yield|yield wet|yld mass wet|yld mass|yield mass|урожайность|урожай",
        "dry_yield_t_ha": "dry yield|yield dry|yld mass dry|урожайность сухая|урожайность при стандартной влажности",
        "moisture_pct": "moisture|grain moisture|влажность|влажность зерна",
        "working": "working|work state|header down|рабочее состояние|жатка опущена",
    },
    ("lon / x", "lat / y", "yield_t_ha / dry_yield_t_ha / flow_kg_s"),
    machine=True,
)
_SUFFIXES = (".csv", ".xlsx", ".shp", ".zip")


def read_monitors(source: Path, crops: Sequence[Crop], today: date) -> tuple[list[Monitored], list[Refusal]]:
    """The points of a file, or of every file and task data folder in a folder; a bad one is refused alone.

    raises   BadInput where there is nothing to read
    """
    found = [source]
    if source.is_dir() and not _is_task_data(source):
        found = sorted(p for p in source.iterdir() if p.suffix.lower() in _SUFFIXES or _is_task_data(p))
    if not found:
        raise BadInput(
            "MONITOR-NONE",
            "{where}: holds no file of a yield monitor",
            "put CSV, XLSX, Shapefile or task data of ISOXML there, or take it out",
            where=source.name,
        )
    read: list[Monitored] = []
    refused: list[Refusal] = []
    for path in found:
        try:
            one, bad = read_monitor(path, crops, today)
            read.append(one)
            refused += bad
        except AgroError as error:
            refused.append(error.refusal)
    return read, refused


def read_monitor(path: Path, crops: Sequence[Crop], today: date) -> tuple[Monitored, list[Refusal]]:
    """The points of one file (see `agro.domain.harvest`), and what of it was left out. Raises BadInput, TornFile."""
    said, words, where = said_beside(path), crop_words(crops), path.name
    if path.is_dir() or path.suffix.lower() in (".zip", ".xml"):
        columns, crop, refused = read_logs(path)
        code = words.get(plain(crop))  # a terminal calls a crop as it likes: the season table tells it too
    else:
        columns, refused = _table(path, said)
        code = None
    points = points_of(columns, said, path.name)
    late = points["day"] > pd.Timestamp(today)
    if late.any():
        raise BadInput(
            "MONITOR-DAY",
            "{where}: {count} points were logged on days to come, for instance {met}",
            "mend the clock in the file, or take out the column and say the season",
            where=where,
            count=int(late.sum()),
            met=f"{points['day'][late].iloc[0]:%Y-%m-%d}",
        )
    code = crop_of(said.crop, words, where) if said.crop else code
    about = (said.weight_basis, code, said.season, said.field_id, said.to_moisture_pct, said.delay_corrected)
    return Monitored(path.name, points, *about), refused


def _is_task_data(path: Path) -> bool:
    return path.is_dir() and any(inner.name.lower() == "taskdata.xml" for inner in path.iterdir())


def _table(path: Path, said: Said) -> tuple[dict[str, pd.Series], list[Refusal]]:
    """The columns of a table or Shapefile by our names, numbers in our units, text as it stands."""
    refused: list[Refusal] = []
    if path.suffix.lower() == ".shp":
        cells, places = _features(path, said)
    else:
        rows, refused = _rectangular(read_rows(path), path.name)
        cells, places = pd.DataFrame(rows[1:], columns=range(len(rows[0])), dtype=object), None
        cells.columns = pd.Index([str(heading) for heading in rows[0]])
    if not len(cells):
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=path.name
        )
    headings = [*cells.columns, *(("lon", "lat") if places is not None else ())]
    if places is not None:
        cells = cells.assign(lon=places.x.to_numpy(), lat=places.y.to_numpy())
    read, _ = read_headings(headings, FORM, path.name, said.columns)
    columns = {}
    for column in read:
        own = cells.iloc[:, column.place]
        quantity = column.name not in ("clock", "day", "working")
        columns[column.name] = _numbers(own) * (column.factor or 1.0) if quantity else own.reset_index(drop=True)
    if "lon" not in columns or "lat" not in columns:
        columns["lon"], columns["lat"] = _degrees(columns["x"], columns["y"], said.crs, path.name)
    return {"log": pd.Series(path.name, index=range(len(cells))), **columns}, refused


def _features(path: Path, said: Said) -> tuple[pd.DataFrame, gpd.GeoSeries]:
    features = read_features(path, None, said.encoding)
    if isinstance(features, gpd.GeoDataFrame) and features.crs is None and said.crs:
        features = features.set_crs(_crs(said.crs, path.name))
    if not isinstance(features, gpd.GeoDataFrame) or features.crs is None:
        raise BadInput(
            "VECTOR-NO-CRS",
            "{where}: does not say in which coordinate system it is",
            "add the .prj file, or save it with its CRS",
            where=path.name,
        )
    points = features.geometry.to_crs(4326)
    if not (points.geom_type == "Point").all():
        raise BadInput(
            "MONITOR-SHAPE",
            "{where}: holds shapes that are no points",
            "export the monitor's points, not the polygons made of them",
            where=path.name,
        )
    return pd.DataFrame(features.drop(columns=[features.geometry.name])), points


def _rectangular(rows: list[list[Any]], where: str) -> tuple[list[list[Any]], list[Refusal]]:
    """The rows that have as many cells as the heading; the others are counted and told once."""
    if not rows:
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=where
        )
    width = len(rows[0])
    ragged = [n for n, row in enumerate(rows[1:], start=2) if row and len(row) != width]
    if not ragged:
        return [row for row in rows if row], []
    told = BadInput(
        "MONITOR-ROWS",
        "{where}: {count} rows have not the {expected} cells of the heading, the first is row {met}; they are left out",
        "export the file again where these are many",
        where=where,
        count=len(ragged),
        expected=width,
        met=ragged[0],
    )
    return [row for row in rows if len(row) == width], [told.refusal]


def _numbers(cells: pd.Series) -> pd.Series:
    """Numbers with a decimal point or comma, NaN where there is none."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells.astype("float64").reset_index(drop=True)
    text = cells.map(lambda cell: cell.replace(",", ".") if isinstance(cell, str) else cell)
    return pd.to_numeric(text, errors="coerce").astype("float64").reset_index(drop=True)


def _crs(code: str, where: str) -> CRS:
    try:
        return CRS(code)
    except CRSError:
        raise BadInput(
            "SOIL-CRS",
            "{where}: no coordinate system is called {met}",
            "name it by its code, for instance EPSG:32645",
            where=where,
            met=code,
        ) from None


def _degrees(x: pd.Series, y: pd.Series, crs: str | None, where: str) -> tuple[pd.Series, pd.Series]:
    """Longitude and latitude of columns in a named coordinate system."""
    if crs is None:
        raise BadInput(
            "MONITOR-NO-CRS",
            "{where}: has places in x and y, and nobody says in which coordinate system",
            'write crs = "EPSG:..." into the .toml beside it, or give columns of longitude and latitude',
            where=where,
        )
    turn = Transformer.from_crs(_crs(crs, where), 4326, always_xy=True)
    lon, lat = turn.transform(x.to_numpy(), y.to_numpy())
    return pd.Series(lon), pd.Series(lat)
