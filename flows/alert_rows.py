"""Alerts as rows of a table, and back."""

from typing import Any

import geopandas as gpd
import pandas as pd
from shapely import MultiPoint

from agro.domain.alert import Alert


def table_of(alerts: list[tuple[Alert, str]], outlines: gpd.GeoDataFrame, crops: dict[str, str]) -> gpd.GeoDataFrame:
    """A row an alert; the geometry holds the places to go to, in EPSG:4326."""
    farms = dict(zip(outlines["field_id"], outlines["farm_id"], strict=True))
    named = dict(zip(outlines["field_id"], outlines["area_ha"], strict=True))
    table: dict[str, list[Any]] = {
        "alert_id": [f"{a.field_id} {a.what} {a.since:%Y-%m-%d} {_spot(a)}" for a, _ in alerts],
        "field_id": [a.field_id for a, _ in alerts],
        "farm_id": [farms[a.field_id] if isinstance(farms[a.field_id], str) else "" for a, _ in alerts],
        "crop": [crops.get(a.field_id, "") for a, _ in alerts],
        "field_area_ha": [float(named[a.field_id]) for a, _ in alerts],
        "what": [a.what for a, _ in alerts],
        "against": [a.against for a, _ in alerts],
        "since": pd.to_datetime([a.since for a, _ in alerts], utc=True).as_unit("us"),
        "well_at": pd.to_datetime([a.well_at for a, _ in alerts], utc=True).as_unit("us"),
        "last_look": pd.to_datetime([a.last_look for a, _ in alerts], utc=True).as_unit("us"),
        "area_ha": [a.area_ha for a, _ in alerts],
        "drop": [a.drop for a, _ in alerts],
        "first_drop": [a.first_drop for a, _ in alerts],
        "noise": [a.noise for a, _ in alerts],
        "looks": [a.looks for a, _ in alerts],
        "length_m": [a.length_m for a, _ in alerts],
        "width_m": [a.width_m for a, _ in alerts],
    }
    return gpd.GeoDataFrame(table, geometry=_places(alerts), crs=4326)


def _places(alerts: list[tuple[Alert, str]]) -> list[MultiPoint]:
    """The places of each, from its own CRS to degrees."""
    found: dict[int, MultiPoint] = {}
    for crs in {crs for _, crs in alerts}:
        mine = [number for number, (_, own) in enumerate(alerts) if own == crs]
        points = gpd.GeoSeries([MultiPoint(list(alerts[number][0].worst)) for number in mine], crs=crs)
        found |= zip(mine, points.to_crs(4326), strict=True)
    return [found[number] for number in range(len(alerts))]


def _spot(alert: Alert) -> str:
    return f"{alert.worst[0][0]:.0f},{alert.worst[0][1]:.0f}" if alert.worst else ""


def alert_of(row: Any) -> Alert:
    """The alert of a row, its places left out. Rows kept before version 2027-01 of the rule know less."""
    well_at = getattr(row, "well_at", pd.NaT)
    return Alert(
        row.field_id,
        row.what,
        getattr(row, "against", "neighbours" if row.what == "field_behind" else "this_season"),
        row.since.to_pydatetime(),
        None if pd.isna(well_at) else well_at.to_pydatetime(),
        row.last_look.to_pydatetime(),
        row.area_ha,
        row.drop,
        getattr(row, "first_drop", row.drop),
        row.noise,
        row.looks,
        getattr(row, "length_m", 0.0),
        getattr(row, "width_m", 0.0),
        (),
    )
