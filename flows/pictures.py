"""Pictures of what is published: the store's maps and tables, carried to the reports."""

from datetime import UTC, date, datetime, time

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS, VEGETATION
from agro.reports.field_map import FieldView, field_picture, overview_picture
from agro.reports.styles import STYLES
from agro.store import history
from agro.store.maps import windowed
from agro.store.publish import Published, Store
from flows.settings import crops, districts

_ENOUGH_CLEAR = 0.5  # [1] a look that a picture takes by itself shows at least this share of the field
_AROUND_M = 60  # [m] of ground shown around a field


def picture(store: Store, field_id: str | None, layer: str, until: date | None, language: str) -> bytes:
    """PNG of one field, or of all where `field_id` is None; by `until` where it is given. Raises BadInput."""
    if layer not in VEGETATION:
        raise BadInput(
            "SHOW-LAYER", "unknown layer {met}", "choose one of {expected}", met=layer, expected=", ".join(STYLES)
        )
    rows = history.fieldstats(store)
    rows = rows[rows["layer"] == layer]
    if until is not None:
        rows = rows[rows["acquired_at"] <= datetime.combine(until, time.max, UTC)]
    if rows.empty:
        raise _nothing(layer)
    if field_id is None:
        return _overview(store, history.outlines(store), rows, layer, language)
    row = history.field(store, field_id)
    return _one(store, row, rows[rows["field_id"] == field_id], layer, until is not None, language)


def _one(store: Store, field: pd.Series, rows: pd.DataFrame, layer: str, day_chosen: bool, language: str) -> bytes:
    if rows.empty:
        raise _nothing(layer)
    clear = rows[rows["clear_fraction"] >= _ENOUGH_CLEAR]
    look = (rows if day_chosen or clear.empty else clear).sort_values("acquired_at").iloc[-1]
    parts = history.parts_of(store, look["acquisition_id"])
    outline = gpd.GeoSeries([field.geometry], crs=4326).to_crs(parts[-1].properties["proj:code"]).iloc[0]
    values, grid = _window(store, parts, layer, outline.bounds)
    quality, _ = _window(store, parts, "quality", outline.bounds)
    times = grid.height // quality.shape[0]
    view = FieldView(
        field_id=str(field.name),
        layer=layer,
        seen_at=look["acquired_at"].to_pydatetime(),
        clear_fraction=float(look["clear_fraction"]),
        values=values,
        quality=quality.repeat(times, axis=0).repeat(times, axis=1),
        grid=grid,
        outline=outline,
        history=rows,
        crop=crop_name(store, field, look["acquired_at"].year, language),
        area_ha=float(field["area_ha"]),
        simulated=bool(parts[-1].properties["agro:simulated"]),
    )
    return field_picture(view, language)


def _nothing(layer: str) -> BadInput:
    return BadInput(
        "SHOW-NOTHING",
        "no pass with {layer} is published by then",
        "choose a later day or another layer",
        layer=layer,
    )


def _window(
    store: Store, parts: list[Published], name: str, bounds: tuple[float, float, float, float]
) -> tuple[np.ndarray, Grid]:
    """One layer's values around bounds [m], from all parts of a pass."""
    west, south, east, north = bounds
    step = 20  # [m] edges that both resolutions share
    west, south = (int((v - _AROUND_M) // step) * step for v in (west, south))
    east, north = (int(-(-(v + _AROUND_M) // step)) * step for v in (east, north))
    size = LAYERS[name].resolution_m
    window = Grid(parts[-1].properties["proj:code"], west, north, size, (north - south) // size, (east - west) // size)
    return windowed(store, parts, name, window), window


def crop_name(store: Store, field: pd.Series, season: int, language: str) -> str | None:
    table = history.seasons(store)
    here = table[(table["field_id"] == field.name) & (table["season"] == season)]
    code = here["crop"].iloc[0] if len(here) else field.get("crop")
    if not isinstance(code, str):
        return None
    known = {crop.code: crop for crop in crops()}
    known |= {crop.english: crop for crop in known.values()} | {
        word: crop for crop in known.values() for word in crop.also
    }
    crop = known.get(code)
    return code if crop is None else crop.name(language)


def _overview(store: Store, outlines: gpd.GeoDataFrame, rows: pd.DataFrame, layer: str, language: str) -> bytes:
    clear = (
        rows[rows["clear_fraction"] >= _ENOUGH_CLEAR]
        .sort_values("acquired_at")
        .drop_duplicates("field_id", keep="last")
    )
    clear = clear.set_index("field_id")
    table = outlines.to_crs(outlines.estimate_utm_crs())
    table["group"] = [district if isinstance(district, str) else "" for district in table["district"]]
    table["value"] = clear["p50"].reindex(table["field_id"]).to_numpy()
    table["seen_at"] = clear["acquired_at"].reindex(table["field_id"]).to_numpy()
    table["seen_at"] = pd.to_datetime(table["seen_at"], utc=True)
    simulated = any(
        part.properties["agro:simulated"] for part in history.parts_of(store, rows["acquisition_id"].iloc[-1])
    )
    names = districts(language)
    groups = {group: names.get(group, group) for group in sorted(table["group"].unique())}
    return overview_picture(pd.DataFrame(table), layer, groups, simulated, language)
