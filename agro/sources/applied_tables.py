"""What a machine put out, as a table of records: CSV or XLSX, or the points or polygons of a GIS file."""

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Geod

from agro.domain.errors import BadInput
from agro.domain.terminal import APPLIED_COLUMNS, Applied
from agro.sources.outlines import read_features
from agro.sources.tables import read_rows

_GEOD = Geod(ellps="WGS84")
# How a heading begins; its unit follows. The longest match wins; other columns are left alone.
_WORDS = {
    "lon": "lon longitude долгота",
    "lat": "lat latitude широта",
    "rate": "rate applied appliedrate applied_rate actual_rate норма внесено фактическая_норма факт",
    "target": "target targetrate target_rate setpoint задано заданная_норма план",
    "width_m": "width swath swathwidth swath_width ширина ширина_захвата захват",
    "time": "time isotime timestamp date_time datetime время дата_время",
    "working": "working work state work_state status работа включено состояние",
    "product": "product продукт удобрение",
}
_HEADINGS = {word: name for name, words in _WORDS.items() for word in words.split()}
_RATES = {"kg_ha": "kg/ha", "кг_га": "kg/ha", "l_ha": "l/ha", "л_га": "l/ha"}
_OFF = {"0", "0.0", "false", "no", "off", "нет", "выкл"}
_CLOCKS = ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%H:%M:%S")


def read_table(path: Path) -> Applied:
    """The records of a file. Raises BadInput where a rate has no unit, or nobody says where the machine was."""
    where = path.name
    table = _of_rows(path) if path.suffix.lower() in (".csv", ".xlsx") else _of_features(path)
    table, units = _renamed(table, where)
    missing = [name for name in ("lon", "lat", "rate") if name not in table]
    if missing or table.empty:
        raise BadInput(
            "APPLIED-COLUMNS",
            "{where}: no record tells {missing}",
            "give the columns lon, lat and rate_kg_ha (or rate_l_ha); width_m and time too where they are known",
            where=where,
            missing=", ".join(missing) or "-",
        )
    rows = pd.DataFrame({name: _numbers(table, name) for name in APPLIED_COLUMNS if name not in ("seconds", "working")})
    rows["left"], rows["right"] = rows["left"].fillna(-0.5), rows["right"].fillna(0.5)
    clock = _clock(table)
    rows["seconds"] = (clock - clock.min()).dt.total_seconds()
    on = table["working"].map(lambda cell: str(cell).strip().casefold() not in _OFF) if "working" in table else True
    rows["working"] = on & (rows["rate"] > 0)
    rows = rows.sort_values("seconds", kind="stable", na_position="last")[list(APPLIED_COLUMNS)]
    product = str(table["product"].iloc[0]) if "product" in table else ""
    began = clock.min()
    return Applied(product, units["rate"], "" if pd.isna(began) else began.isoformat(), rows.reset_index(drop=True))


def _of_rows(path: Path) -> pd.DataFrame:
    heading, *cells = read_rows(path) or [[]]
    width = len(heading)
    return pd.DataFrame([row[:width] + [None] * (width - len(row)) for row in cells], columns=list(map(str, heading)))


def _of_features(path: Path) -> pd.DataFrame:
    """The attributes of points or polygons with `lon`, `lat`, and a polygon's `area_m2`."""
    features = read_features(path, None, None)
    if not isinstance(features, gpd.GeoDataFrame) or features.crs is None:
        raise BadInput(
            "VECTOR-NO-CRS",
            "{where}: does not say in which coordinate system it is",
            "add the .prj file, or save it with its CRS",
            where=path.name,
        )
    shapes = features.geometry.to_crs(4326)
    places = shapes.representative_point()
    table = pd.DataFrame(features.drop(columns=[features.geometry.name]))
    areas = [
        abs(_GEOD.geometry_area_perimeter(one)[0]) if one is not None and one.area > 0 else np.nan for one in shapes
    ]
    return table.assign(lon=places.x, lat=places.y, area_m2=areas)


def _renamed(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table with our names, and the unit of each rate. Raises BadInput."""
    units: dict[str, str] = {}
    names: dict[str, str] = {}
    for column in table.columns:
        words = re.sub(r"[^\w%]+", "_", str(column).casefold()).strip("_")
        word = max((one for one in _HEADINGS if words == one or words.startswith(one + "_")), key=len, default=None)
        if word is None or _HEADINGS[word] in names.values():
            continue
        name, unit = _HEADINGS[word], words.removeprefix(word).strip("_")
        if name in ("rate", "target"):
            if unit not in _RATES:
                raise BadInput(
                    "APPLIED-UNIT",
                    "{where}: the column {met} does not say its unit",
                    "write it into the heading: rate_kg_ha or rate_l_ha",
                    where=where,
                    met=str(column),
                )
            units[name] = _RATES[unit]
        names[column] = name
    return table.rename(columns=names), units


def _numbers(table: pd.DataFrame, name: str) -> pd.Series:
    """A column as numbers, decimal comma or point; NaN where there is no such column."""
    if name not in table:
        return pd.Series(np.nan, index=table.index)
    return pd.to_numeric(table[name].map(_plain), errors="coerce").astype(float)


def _plain(cell: Any) -> Any:
    return cell.replace(",", ".").replace("\u00a0", "").replace(" ", "") if isinstance(cell, str) else cell


def _clock(table: pd.DataFrame) -> pd.Series:
    """When each record was; NaT where nobody says."""
    if "time" not in table:
        return pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    seconds = _numbers(table, "time")
    if seconds.notna().mean() > 0.5:
        return pd.to_datetime(seconds, unit="s", errors="coerce").astype("datetime64[ns]")
    text = table["time"].map(lambda cell: cell.isoformat() if hasattr(cell, "isoformat") else str(cell).strip())
    found = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    for form in _CLOCKS:
        found = found.fillna(
            pd.to_datetime(text.str.removesuffix("Z"), format=form, errors="coerce").astype("datetime64[ns]")
        )
    return found
