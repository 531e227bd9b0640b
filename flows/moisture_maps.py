"""Moisture from above: the wetness of each pass between the dry and the wet edge of its districts and crops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import rasterize

from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.agromaps.moisture import WetnessRules, wetness_of_groups
from agro.agromaps.moisture_edges import Edges
from agro.domain.errors import Refusal
from agro.domain.grid import Grid, blocks_over
from agro.domain.layers import Quality
from agro.store import history
from agro.store.index import Index
from agro.store.maps import joined
from agro.store.publish import Published, Store, digest, file_name
from agro.store.stac import bbox_of
from flows.keeping import Result, keep
from flows.plan import Land, crops_of
from flows.settings import CONFIGS, Settings, facts

ALGORITHM = 2  # raise it when the same pixels give another wetness
_OUTSIDE = -1


@dataclass(frozen=True)
class Look:
    """One current acquisition: its parts, its date, and the clear pixels (y, x) of both bands on 20 m."""

    parts: Sequence[Published]
    seen_on: pd.Timestamp
    ndvi: xr.DataArray
    swir: xr.DataArray
    grid: Grid


def groups(land: Land, season: int) -> dict[str, str]:
    """The district and crop class of each field in a season; `-` where nobody told the crop."""
    outlines = land.outlines
    district = dict(
        zip(outlines["field_id"], outlines["district"].where(outlines["district"].notna(), "-"), strict=True)
    )
    crop = crops_of(outlines, land.seasons, season)
    return {field_id: f"{place}/{crop.get(field_id, '-')}" for field_id, place in district.items()}


def make_wetness(settings: Settings, land: Land, store: Store, index: Index) -> list[Refusal]:
    """The wetness of every current pass whose groups have edges, where it is not made yet.

    It is made again where the edges of its own fields have moved, or these fields or their crops are others.
    """
    newest = {edges.properties["agro:group"]: edges for edges in index.items("moisture_edges")}
    if not newest:
        return []
    rules, below = facts(CONFIGS / "moisture.toml")["wetness"], _fields_of_blocks(land)
    for parts, seen_on in current_passes(store):
        fields = {n for part in parts for block in part.properties["agro:blocks"] for n in below.get(block, ())}
        own = groups(land, seen_on.year)
        ground = sorted(
            (*land.outlines.loc[n, ["field_id", "version"]], own[land.outlines["field_id"][n]]) for n in fields
        )
        here = {name: newest[name] for name in sorted({name for _, _, name in ground}) if name in newest}
        about = parts[-1].properties
        name = file_name(str(about["agro:acquisition_id"]))
        fitted = {name: edges.properties["agro:edges"] for name, edges in here.items()}
        key = digest([[part.place for part in parts], fitted, ground, rules, ALGORITHM])
        place = f"moisture/{seen_on.year}/{name}--{key}"
        if not here or index.at(place):
            continue
        look = look_of(store, parts, seen_on)
        if look is None:
            continue
        edges = {name: Edges.from_json(content) for name, content in fitted.items()}
        result = _wetness(settings, land, look, edges, WetnessRules(**rules))
        if result is None:
            continue
        properties = {
            "datetime": about["datetime"],
            "agro:acquisition_id": about["agro:acquisition_id"],
            "agro:parents": [*(part.place for part in parts), *(edges.place for edges in here.values())],
            "agro:simulated": about["agro:simulated"],
        }
        keep(store, index, place, Result(properties, result.bbox, result.layers, result.tables))
    return []


def _fields_of_blocks(land: Land) -> dict[str, list[int]]:
    """The numbers of the fields in each block."""
    found: dict[str, list[int]] = {}
    for number, bounds in enumerate(land.on_grid.bounds.to_numpy()):
        for block in blocks_over(land.crs, tuple(bounds)):
            found.setdefault(block.block_id, []).append(number)
    return found


def current_passes(store: Store) -> list[tuple[list[Published], pd.Timestamp]]:
    """The parts and the date of every current acquisition that shows something, oldest first."""
    rows = history.fieldstats(store)
    parts = history.all_parts(store)
    seen = rows[rows["n_px"] > 0].drop_duplicates("acquisition_id").sort_values("acquired_at")
    return [(parts(name), at) for name, at in zip(seen["acquisition_id"], seen["acquired_at"], strict=True)]


def look_of(store: Store, parts: Sequence[Published], seen_on: pd.Timestamp) -> Look | None:
    """The clear pixels of a pass on 20 m; None where it lacks a band."""
    if not {"ndvi", "swir22"} <= set(parts[-1].properties["agro:layers"]):
        return None
    fine, _ = joined(store, parts, "ndvi")
    swir, grid = joined(store, parts, "swir22")
    quality, _ = joined(store, parts, "quality")
    ndvi = fine.coarsen(y=2, x=2).reduce(np.mean)  # NaN where one of the four is: an edge of cloud is no clear pixel
    clear = quality == Quality.CLEAR
    return Look(parts, seen_on, ndvi.where(clear), swir.where(clear), grid)


def group_map(land: Land, look: Look) -> tuple[xr.DataArray, list[str]]:
    """The number of each pixel's group (y, x), -1 outside all fields, and the groups' names."""
    own = groups(land, look.seen_on.year)
    names = sorted(set(own.values()))
    shapes = [
        (outline, names.index(own[field_id]))
        for field_id, outline in zip(land.outlines["field_id"], land.on_grid, strict=True)
    ]
    pixels = rasterize(shapes, look.grid.shape, fill=_OUTSIDE, transform=look.grid.transform, dtype="int16")
    return xr.DataArray(pixels, dims=("y", "x")), names


def _wetness(
    settings: Settings, land: Land, look: Look, edges: Mapping[str, Edges], rules: WetnessRules
) -> Result | None:
    """The wetness of one pass and its field rows; None where no field of it has edges."""
    group, names = group_map(land, look)
    present = set(np.unique(group.values).tolist())
    numbered = {n: edges[name] for n, name in enumerate(names) if name in edges and n in present}
    if not numbered:
        return None
    maps = wetness_of_groups(look.ndvi, look.swir, group, numbered, rules)
    west, south, east, north = look.grid.bounds
    inside = land.on_grid.cx[west:east, south:north]
    ids = [str(land.outlines["field_id"].loc[i]) for i in inside.index]
    pixels = field_pixels(ids, list(inside), look.grid.resolution_m)
    clear = xr.where(maps["wetness"].notnull(), int(Quality.CLEAR), int(Quality.CLOUD))  # type: ignore[no-untyped-call]
    flagged = maps.assign(wetness_flag=maps["wetness_flag"].fillna(0))
    table = field_rows(flagged, clear, look.grid, pixels, settings.fields.few_px, settings.fields.low_clear_fraction)
    seen = pd.Timestamp(look.seen_on).as_unit("us")
    rows = table[table["n_px"] > 0].assign(acquired_at=seen).reset_index(drop=True)
    layers = {str(name): (layer.values, look.grid) for name, layer in maps.items()}
    return Result({}, bbox_of(look.grid), layers, {"fields": rows})
