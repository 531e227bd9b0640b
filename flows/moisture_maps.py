"""Moisture from above: the dry and wet edges of each district and crop, and the wetness of each pass between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import rasterize

from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.agromaps.moisture import WetnessRules, shortwave_transform, wetness_of_groups
from agro.agromaps.moisture_counts import add_counts, edge_counts
from agro.agromaps.moisture_edges import EdgeRules, Edges, fit_all_edges
from agro.domain.errors import Refusal
from agro.domain.grid import Grid
from agro.domain.layers import Quality
from agro.store import history
from agro.store.index import Index
from agro.store.maps import joined
from agro.store.publish import Published, Store, digest, file_name, now
from agro.store.stac import bbox_of
from flows.keeping import Result, keep
from flows.plan import Land, crops_of
from flows.settings import CONFIGS, Settings, facts, season_day

ALGORITHM = 1  # raise it when the same pixels give other edges or another wetness
_OUTSIDE = -1


@dataclass(frozen=True)
class _Look:
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


def make_edges(settings: Settings, land: Land, store: Store, index: Index, today: date) -> list[Refusal]:
    """Fit the edges of every group from all clear passes of finished seasons, where that is not done yet.

    A running season would move them, and all wetness with them, with every pass. Returns which groups had too few.
    """
    rules = facts(CONFIGS / "moisture.toml")["edges"]
    looks = [
        (parts, at) for parts, at in current_passes(store) if season_day(at.year, settings.maps.season_last_day) < today
    ]
    parents = sorted(part.place for parts, _ in looks for part in parts)
    key = digest([parents, rules, land.key, land.seasons_key, ALGORITHM])
    if any(result.properties["agro:key"] == key for result in index.items("moisture_edges")):
        return []
    counts = [_counts(store, land, parts, seen_on) for parts, seen_on in looks]
    told = [table for table in counts if table is not None and len(table)]
    if not told:
        return []
    total = add_counts(told)
    edges, refused = fit_all_edges(total, EdgeRules(**rules))
    for group, fitted in edges.items():
        properties = {
            "datetime": now(),
            "agro:key": key,
            "agro:group": group,
            "agro:edges": fitted.as_json(),
            "agro:parents": parents,
            "agro:parameters": rules,
            "agro:simulated": settings.imagery.source == "twin",
        }
        table = total[total["group"] == group].reset_index(drop=True)
        place = f"moisture_edges/{file_name(group.replace('/', '+'))}/{key}"
        keep(store, index, place, Result(properties, None, tables={"counts": table}))
    return refused


def make_wetness(settings: Settings, land: Land, store: Store, index: Index) -> list[Refusal]:
    """The wetness of every current pass whose groups have edges, where it is not made yet."""
    newest = {edges.properties["agro:group"]: edges for edges in index.items("moisture_edges")}
    if not newest:
        return []
    rules = WetnessRules(**facts(CONFIGS / "moisture.toml")["wetness"])
    for parts, seen_on in current_passes(store):
        here = {name: newest[name] for name in sorted(set(groups(land, seen_on.year).values())) if name in newest}
        about = parts[-1].properties
        name = file_name(str(about["agro:acquisition_id"]))
        parents = [*(part.place for part in parts), *(edges.place for edges in here.values())]
        key = digest([parents, land.key, land.seasons_key, ALGORITHM])
        place = f"moisture/{seen_on.year}/{name}--{key}"
        if not here or index.at(place):
            continue
        look = _look(store, parts, seen_on)
        if look is None:
            continue
        result = _wetness(settings, land, look, {g: Edges.from_json(e.properties["agro:edges"]) for g, e in here.items()}, rules)  # fmt: skip  # noqa: E501
        if result is None:
            continue
        properties = {
            "datetime": about["datetime"],
            "agro:acquisition_id": about["agro:acquisition_id"],
            "agro:parents": parents,
            "agro:simulated": about["agro:simulated"],
        }
        keep(store, index, place, Result(properties, result.bbox, result.layers, result.tables))
    return []


def current_passes(store: Store) -> list[tuple[list[Published], pd.Timestamp]]:
    """The parts and the date of every current acquisition that shows something, oldest first."""
    rows = history.fieldstats(store)
    parts = history.all_parts(store)
    seen = rows[rows["n_px"] > 0].drop_duplicates("acquisition_id").sort_values("acquired_at")
    return [(parts(name), at) for name, at in zip(seen["acquisition_id"], seen["acquired_at"], strict=True)]


def _look(store: Store, parts: Sequence[Published], seen_on: pd.Timestamp) -> _Look | None:
    """The clear pixels of a pass on 20 m; None where it lacks a band."""
    if not {"ndvi", "swir22"} <= set(parts[-1].properties["agro:layers"]):
        return None
    fine, _ = joined(store, parts, "ndvi")
    swir, grid = joined(store, parts, "swir22")
    quality, _ = joined(store, parts, "quality")
    ndvi = fine.coarsen(y=2, x=2).reduce(np.mean)  # NaN where one of the four is: an edge of cloud is no clear pixel
    clear = quality == Quality.CLEAR
    return _Look(parts, seen_on, ndvi.where(clear), swir.where(clear), grid)


def _group_map(land: Land, look: _Look) -> tuple[xr.DataArray, list[str]]:
    """The number of each pixel's group (y, x), -1 outside all fields, and the groups' names."""
    own = groups(land, look.seen_on.year)
    names = sorted(set(own.values()))
    shapes = [
        (outline, names.index(own[field_id]))
        for field_id, outline in zip(land.outlines["field_id"], land.on_grid, strict=True)
    ]
    pixels = rasterize(shapes, look.grid.shape, fill=_OUTSIDE, transform=look.grid.transform, dtype="int16")
    return xr.DataArray(pixels, dims=("y", "x")), names


def _counts(store: Store, land: Land, parts: Sequence[Published], seen_on: pd.Timestamp) -> pd.DataFrame | None:
    look = _look(store, parts, seen_on)
    if look is None:
        return None
    group, names = _group_map(land, look)
    return edge_counts(look.ndvi, shortwave_transform(look.swir), group, names, seen_on.date())


def _wetness(
    settings: Settings, land: Land, look: _Look, edges: Mapping[str, Edges], rules: WetnessRules
) -> Result | None:
    """The wetness of one pass and its field rows; None where no field of it has edges."""
    group, names = _group_map(land, look)
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
