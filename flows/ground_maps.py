"""Maps of the ground, which change with their sources only: relief by district."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.agromaps.relief import relief
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS, RELIEF, Quality
from agro.sources import elevation
from agro.sources.elevation_files import files_of
from agro.store.index import Index
from agro.store.publish import Store, digest, file_name, now
from agro.store.stac import bbox_of
from flows.keeping import Result, content_of, keep
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts

ALGORITHM = 1  # raise it when the same heights give another map
_MARGIN_M = 8_000  # [m] around the fields: what drains into them comes from there
_SHOWN_M = 1_000  # [m] around the fields that is published
_FIELD_MARGIN_M = 160.0  # [m] slope and curvature of a field's edge look so far
_PIXEL_M = LAYERS["height"].resolution_m


@dataclass(frozen=True)
class Group:
    """The fields of one district, or of none: their numbers in the table of outlines, and their bounds [m]."""

    name: str
    fields: tuple[int, ...]
    bounds: tuple[float, float, float, float]


def groups_of(land: Land) -> list[Group]:
    """The land by district."""
    names = land.outlines["district"].where(land.outlines["district"].notna(), "fields")
    return [
        Group(
            str(name),
            tuple(np.flatnonzero(names == name).tolist()),
            tuple(land.on_grid[(names == name).to_numpy()].total_bounds),
        )
        for name in sorted(names.unique())
    ]


def make_relief(settings: Settings, land: Land, source: Path | None, store: Store, index: Index) -> list[Refusal]:
    """Relief of every district from the height model, where it is not made yet; what was refused."""
    if source is None:
        return []
    rules, identity, refused = facts(CONFIGS / "relief.toml"), content_of(source), []
    for group in groups_of(land):
        own = land.outlines.iloc[list(group.fields)]
        versions = sorted(zip(own["field_id"], own["version"], strict=True))
        key = digest([identity, versions, rules, land.crs, ALGORITHM])
        place = f"relief/{file_name(group.name)}/{key}"
        if index.at(place):
            continue
        try:
            result, without = _relief(group, land, source, rules["glo30"]["height_se_m"])
        except AgroError as error:
            refused.append(error.refusal)
            continue
        refused += without
        properties = {
            "datetime": now(),
            "agro:district": group.name,
            "agro:inputs": identity,
            "agro:fields": len(group.fields),
            "agro:refused": {str(one.field_id): one.reason for one in without},
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, result.bbox, result.layers, result.tables))
    return refused


def _relief(group: Group, land: Land, source: Path, height_se_m: float) -> tuple[Result, list[Refusal]]:
    grid = around(land.crs, group.bounds, _PIXEL_M, _MARGIN_M)
    height = _heights(source, grid)
    maps = relief(height, _PIXEL_M, height_se_m)
    shown = around(land.crs, group.bounds, _PIXEL_M, _SHOWN_M)
    rows, columns = shown.rows_and_columns_in(grid)
    ids = [str(land.outlines["field_id"].iloc[i]) for i in group.fields]
    outlines = [land.on_grid.iloc[i] for i in group.fields]
    without = elevation.uncovered(height, grid, ids, outlines, _FIELD_MARGIN_M)
    known_px = xr.where(np.isfinite(height), int(Quality.CLEAR), int(Quality.NO_DATA))  # type: ignore[no-untyped-call]
    table = field_rows(maps, known_px, grid, field_pixels(ids, outlines, _PIXEL_M), 1, 0.0)
    cut = {name: (maps[name].values[rows, columns], shown) for name in RELIEF}
    told = table[~table["field_id"].isin([one.field_id for one in without])].reset_index(drop=True)
    return Result({}, bbox_of(shown), cut, {"fields": told}), without


def _heights(source: Path, grid: Grid) -> xr.DataArray:
    """Heights from a file, or from the files of a folder that lie here; the first that knows a pixel tells it."""
    height: xr.DataArray | None = None
    refusal: AgroError | None = None
    for file in files_of(source):
        try:
            found = elevation.read(file, grid)
        except AgroError as error:
            if error.refusal.code != "ELEVATION-NOTHING":
                raise
            refusal = error
            continue
        height = found if height is None else height.combine_first(found).assign_attrs(height.attrs)
    if height is None:
        raise refusal or BadInput(
            "ELEVATION-NONE",
            "{where}: no height model lies here",
            "give a GeoTIFF of heights, or a folder of them",
            where=source.name,
        )
    return height
