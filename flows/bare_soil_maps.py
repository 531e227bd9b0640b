"""The colour of bare soil, block by block, from the passes of finished seasons."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import geometry_mask

from agro.agromaps.bare_soil import BareRules, bare_composite, is_bare, red_and_nir
from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.domain.errors import Refusal
from agro.domain.grid import Block, Grid
from agro.domain.layers import LAYERS, Quality
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store, digest
from agro.store.stac import bbox_of
from flows.keeping import Result, keep
from flows.moisture_maps import current_passes
from flows.plan import Land
from flows.season_maps import blocks_of, outlines_in
from flows.settings import CONFIGS, Settings, facts, season_day

ALGORITHM = 1  # raise it when the same passes give another colour
_NEEDED = {"ndvi", "evi2", "ndmi", "swir22"}
_PIXEL_M = LAYERS["bare_brightness"].resolution_m


def bare_rules() -> BareRules:
    """When a pixel is bare, by the configuration."""
    rules = facts(CONFIGS / "soils.toml")["bare_soil"]
    return BareRules(**{name: rules[name] for name in BareRules.__dataclass_fields__})


def make_bare_soil(settings: Settings, land: Land, store: Store, index: Index, today: date) -> list[Refusal]:
    """The colour of bare soil in every block that holds fields, where it is not made yet."""
    rules, last_day = bare_rules(), settings.maps.season_last_day
    looks = [
        (parts, at)
        for parts, at in current_passes(store)
        if season_day(at.year, last_day) < today and set(parts[-1].properties["agro:layers"]) >= _NEEDED
    ]
    for block in blocks_of(land):
        own = [(parts, at) for parts, at in looks if any(block.block_id in p.properties["agro:blocks"] for p in parts)]
        parents = sorted(part.place for parts, _ in own for part in parts)
        key = digest([parents, asdict(rules), outlines_in(land, block), ALGORITHM])
        newest = max((at.year for _, at in own), default=0)
        place = f"bare_soil/{newest}/{block.block_id}--{key}"
        if not own or index.at(place):
            continue
        layers, grid, rows = _colour(settings, land, store, block, [parts for parts, _ in own], rules)
        properties = {
            "datetime": f"{season_day(newest, last_day)}T00:00:00Z",
            "agro:block": block.block_id,
            "agro:parents": parents,
            "agro:parameters": asdict(rules),
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, bbox_of(grid), layers, {"fields": rows}))
    return []


def _colour(
    settings: Settings, land: Land, store: Store, block: Block, looks: Sequence[list[Published]], rules: BareRules
) -> tuple[dict[str, tuple[np.ndarray, Grid]], Grid, pd.DataFrame]:
    """The layers (y, x) of one block's fields, and a row a field."""
    west, south, east, north = block.bounds
    outlines = land.on_grid.cx[west:east, south:north]
    grid = block.grid(_PIXEL_M).cut_to(tuple(outlines.total_bounds)) or block.grid(_PIXEL_M)
    inside = geometry_mask(list(outlines), grid.shape, grid.transform, all_touched=True, invert=True)
    seen = [_bare_look(store, parts, grid, inside, rules) for parts in looks]
    stacked = {n: (("time", "pixel"), np.stack([look[n] for look in seen])) for n in ("red", "nir", "swir22")}
    composite = bare_composite(xr.Dataset(stacked), rules.fewest_looks)
    maps: dict[str, Any] = {}
    for name, values in composite.items():
        maps[str(name)] = np.full(grid.shape, np.nan)
        maps[str(name)][inside] = values.values
    ids = [str(land.outlines["field_id"].loc[i]) for i in outlines.index]
    known = np.where(np.isfinite(maps["bare_brightness"]), int(Quality.CLEAR), int(Quality.CLOUD))
    rows = field_rows(
        xr.Dataset({name: (("y", "x"), values) for name, values in maps.items()}),
        xr.DataArray(known, dims=("y", "x")),
        grid,
        field_pixels(ids, list(outlines), _PIXEL_M),
        settings.fields.few_px,
        settings.fields.low_clear_fraction,
    )
    return {name: (values, grid) for name, values in maps.items()}, grid, rows[rows["n_px"] > 0].reset_index(drop=True)


def _bare_look(
    store: Store, parts: list[Published], grid: Grid, inside: np.ndarray, rules: BareRules
) -> dict[str, np.ndarray]:
    """Reflectance (pixel) of one pass where soil is bare, NaN elsewhere."""
    fine = {n: windowed(store, parts, n, grid.at(LAYERS[n].resolution_m)) for n in ("ndvi", "evi2")}
    red, nir = (
        band.coarsen(y=2, x=2).reduce(np.mean)
        for band in red_and_nir(*(xr.DataArray(fine[n], dims=("y", "x")) for n in ("ndvi", "evi2")))
    )
    ndmi, swir22 = (xr.DataArray(windowed(store, parts, n, grid), dims=("y", "x")) for n in ("ndmi", "swir22"))
    bare = is_bare((nir - red) / (nir + red), ndmi, nir, swir22, rules)
    bare &= windowed(store, parts, "quality", grid) == Quality.CLEAR
    bands = {"red": red, "nir": nir, "swir22": swir22}
    return {name: band.where(bare).values[inside].astype("float32") for name, band in bands.items()}
