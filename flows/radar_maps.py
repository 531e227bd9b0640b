"""Moisture by radar, where the catalogue has looks of it: backscatter kept, its driest and wettest, the index between.

Cloud does not matter; leaves, frost and the angle do. So each relative orbit is a series of its own, and a pixel tells
only where the last clear look of the days before showed thin cover.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import rasterize

from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.agromaps.radar_wetness import despeckled, radar_references, radar_wetness
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.grid import Block, Grid, grid_around
from agro.domain.imagery import Acquisition
from agro.domain.layers import LAYERS, Quality
from agro.sources import radar
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store, digest, file_name
from agro.store.stac import bbox_of
from flows.keeping import Result, keep
from flows.moisture_maps import current_passes
from flows.plan import Land, below_of
from flows.settings import CONFIGS, Settings, band_aliases, facts, season_day

ALGORITHM = 2  # raise it when the same looks give another index
_PIXEL_M = LAYERS["vv"].resolution_m

Optical = Sequence[tuple[list[Published], pd.Timestamp]]


@dataclass
class _Ground:
    """What all radar looks share: rules, fields, the published optical passes and their greenness, read once."""

    settings: Settings
    land: Land
    store: Store
    rules: dict[str, Any]
    optical: Optical
    seen: dict[tuple[str, Grid], np.ndarray] = field(default_factory=dict)

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """The blocks that a field itself reaches, not only the box around it, by id."""
        return {block.block_id: block for block in below_of(None, self.land).blocks if len(self.fields_of(block))}

    def fields_of(self, block: Block) -> gpd.GeoDataFrame:
        """The fields that reach a block."""
        west, south, east, north = block.bounds
        return self.land.on_grid.cx[west:east, south:north]

    def before(self, at: datetime) -> list[tuple[list[Published], pd.Timestamp]]:
        """The optical passes of the days before a look, newest first."""
        first = at - timedelta(days=self.rules["ndvi_days"])
        return [one for one in reversed(self.optical) if first <= one[1] <= at]

    def ndvi(self, at: datetime, grid: Grid) -> xr.DataArray:
        """The newest clear greenness (y, x) that was known by a radar look; NaN where none is young enough."""
        newest = np.full(grid.shape, np.nan, "float32")
        passes = {("+".join(part.place for part in parts), grid): parts for parts, _ in self.before(at)}
        for key in self.seen.keys() - passes.keys():
            del self.seen[key]  # looks come in order: older greenness is needed no more
        for key, parts in passes.items():
            if key not in self.seen:
                self.seen[key] = _clear_ndvi(self.store, parts, grid)
            newest = np.where(np.isnan(newest), self.seen[key], newest)
        return xr.DataArray(newest, dims=("y", "x"))

    def fields(self, grid: Grid) -> xr.DataArray:
        """The number of each pixel's field (y, x), 0 outside all."""
        shapes = [(outline, n) for n, outline in enumerate(self.land.on_grid, start=1)]
        pixels = rasterize(shapes, grid.shape, fill=0, transform=grid.transform, dtype="int32")
        return xr.DataArray(pixels, dims=("y", "x"))

    def smooth(self, look: Published, grid: Grid, numbers: xr.DataArray) -> xr.DataArray:
        """The backscatter (y, x) of a look with less speckle [dB]."""
        values = xr.DataArray(windowed(self.store, [look], "vv", grid), dims=("y", "x"))
        return despeckled(values, numbers, self.rules["smoothed_px"])


def make_radar(settings: Settings, land: Land, store: Store, index: Index, today: date) -> list[Refusal]:
    """Keep the radar looks over the fields and tell the wetness of each, where it is not done; what was refused."""
    refused = _keep_looks(settings, land, store, index)
    kept = index.items("radar")
    if not kept:
        return refused
    ground = _Ground(settings, land, store, facts(CONFIGS / "moisture.toml")["radar"], current_passes(store))
    oldest_first = sorted(_for_these_fields(kept, ground), key=lambda look: str(look.properties["datetime"]))
    refused += [*_gaps(ground, oldest_first), *_keep_edges(ground, oldest_first, index, today)]
    edges = [one for one in index.items("radar_edges") if one.properties.get("agro:land") == land.key]
    for look in oldest_first:
        _keep_wetness(ground, look, edges, index)
    return refused


def _for_these_fields(kept: Sequence[Published], ground: _Ground) -> list[Published]:
    """Each look once: what was kept of it for these fields, where other fields had their part of it, too."""
    best: dict[str, tuple[int, Published]] = {}
    for one in kept:
        name, shown = str(one.properties["agro:acquisition_id"]), len(_series_of(one, ground))
        if name not in best or shown >= best[name][0]:
            best[name] = shown, one
    return [one for _, one in best.values()]


def _keep_looks(settings: Settings, land: Land, store: Store, index: Index) -> list[Refusal]:
    """Publish the backscatter of every look that is not in the store yet."""
    imagery = settings.imagery
    if imagery.catalog is None or not imagery.radar_collections:
        return []
    aliases = band_aliases(imagery.bands, imagery.radar_collections)
    west, south, east, north = land.outlines.total_bounds
    bbox = (west, south, east, north)
    found, refused = radar.find(imagery.catalog, imagery.radar_collections, aliases, bbox, None, imagery.unlinked)
    for look in found:
        blocks = sorted(below_of(look.footprint, land).blocks)
        key = digest([_identity(look), [block.block_id for block in blocks], ALGORITHM])
        place = f"radar/{look.acquired_at.year}/{file_name(look.acquisition_id)}--{key}"
        if not blocks or index.at(place):
            continue
        try:
            layers, grid = _backscatter(look, blocks)
        except AgroError as error:
            refused.append(error.about(acquisition_id=look.acquisition_id))
            continue
        properties = {
            "datetime": look.acquired_at.isoformat().replace("+00:00", "Z"),
            "platform": look.platform,
            "sat:relative_orbit": look.relative_orbit,
            "agro:acquisition_id": look.acquisition_id,
            "agro:collection": look.collection,
            "agro:blocks": [block.block_id for block in blocks],
            "agro:simulated": imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, bbox_of(grid), layers))
    return refused


def _identity(look: Acquisition) -> list[Any]:
    bands = [[b.name, b.href.rsplit("/", 1)[-1], b.scale, b.offset, b.unit, b.nodata, b.size, b.checksum] for b in look.bands.values()]  # fmt: skip  # noqa: E501
    return [look.acquisition_id, look.acquired_at.isoformat(), look.collection, look.crs, look.relative_orbit, bands]


def _backscatter(look: Acquisition, blocks: list[Block]) -> tuple[dict[str, tuple[np.ndarray, Grid]], Grid]:
    """The layer `vv` (y, x) of the blocks [dB], read block by block."""
    grid = grid_around(blocks, _PIXEL_M)
    values = np.full(grid.shape, np.nan, "float32")
    for block in blocks:
        own = block.grid(_PIXEL_M)
        values[own.rows_and_columns_in(grid)] = radar.read(look, own, ["vv"])["vv"].values
    return {"vv": (values, grid)}, grid


def _keep_edges(ground: _Ground, looks: list[Published], index: Index, today: date) -> list[Refusal]:
    """The driest and wettest of each block and relative orbit, from looks of finished seasons."""
    settings, refused = ground.settings, []
    over = [look for look in looks if season_day(_at(look).year, settings.maps.season_last_day) < today]
    series: dict[tuple[int, Block], list[Published]] = {}
    for look in over:
        for one in _series_of(look, ground):
            series.setdefault(one, []).append(look)
    for (orbit, block), own in sorted(series.items(), key=lambda one: one[0]):
        if len(own) < ground.rules["fewest_looks"]:
            refused.append(_too_few(orbit, block, len(own), ground.rules["fewest_looks"]))
            continue
        known = sorted({part.place for look in own for parts, _ in ground.before(_at(look)) for part in parts})
        parents = [look.place for look in own]
        key = digest([parents, known, ground.rules, ground.land.key, ALGORITHM])
        place = f"radar_edges/{orbit:03d}/{block.block_id}--{key}"
        if index.at(place):
            continue
        layers, grid = _edges(ground, own, block)
        properties = {
            "datetime": own[-1].properties["datetime"],
            "sat:relative_orbit": orbit,
            "agro:block": block.block_id,
            "agro:land": ground.land.key,
            "agro:parents": [*parents, *known],
            "agro:parameters": ground.rules,
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(ground.store, index, place, Result(properties, bbox_of(grid), layers))
    return refused


def _series_of(look: Published, ground: _Ground) -> list[tuple[int, Block]]:
    """The series that a look belongs to: its relative orbit, block by block."""
    names, orbit = look.properties["agro:blocks"], int(look.properties["sat:relative_orbit"])
    return [(orbit, ground.blocks[name]) for name in names if name in ground.blocks]


def _gaps(ground: _Ground, looks: Sequence[Published]) -> list[Refusal]:
    """The long times without a look in each relative orbit's series, from its first look of a season to its last."""
    series: dict[tuple[int, int], list[date]] = {}
    for look in looks:
        day = _at(look).date()
        ends = ground.settings.maps.season_first_day, ground.settings.maps.season_last_day
        if season_day(day.year, ends[0]) <= day <= season_day(day.year, ends[1]):
            series.setdefault((int(look.properties["sat:relative_orbit"]), day.year), []).append(day)
    return [
        BadInput(
            "RADAR-GAP",
            "no radar look from relative orbit {orbit} between {first} and {last}: {days} days",
            "add the looks that are missing, if there are any; wetness by radar keeps silent in between",
            orbit=orbit,
            first=f"{before}",
            last=f"{after}",
            days=(after - before).days,
        ).refusal
        for (orbit, _), days in sorted(series.items())
        for before, after in pairwise(sorted(set(days)))
        if (after - before).days > ground.rules["gap_days"]
    ]


def _too_few(orbit: int, block: Block, met: int, expected: int) -> Refusal:
    return BadInput(
        "RADAR-FEW",
        "{where}: {met} radar looks from relative orbit {orbit}, their driest and wettest need {expected}",
        "wait for more looks, or add earlier ones; until then there is no wetness by radar from this orbit",
        where=block.block_id,
        met=met,
        orbit=orbit,
        expected=expected,
    ).refusal


def _edges(ground: _Ground, looks: list[Published], block: Block) -> tuple[dict[str, tuple[np.ndarray, Grid]], Grid]:
    grid = block.grid(_PIXEL_M).cut_to(tuple(ground.fields_of(block).total_bounds)) or block.grid(_PIXEL_M)
    numbers = ground.fields(grid)
    seen = xr.concat([ground.smooth(look, grid, numbers) for look in looks], "time")
    green = xr.concat([ground.ndvi(_at(look), grid) for look in looks], "time")
    found = radar_references(seen, green, ground.rules["fewest_looks"])
    names = {"vv_dry": "dry_db", "vv_wet": "wet_db", "vv_looks": "n_looks"}
    return {name: (found[own].values.astype("float64"), grid) for name, own in names.items()}, grid


def _keep_wetness(ground: _Ground, look: Published, all_edges: list[Published], index: Index) -> None:
    """The wetness by radar of one look and its field rows, where its orbit's driest and wettest are known."""
    orbit = look.properties["sat:relative_orbit"]
    edges = {
        str(r.properties["agro:block"]): r
        for r in all_edges
        if r.properties["sat:relative_orbit"] == orbit and r.properties["agro:block"] in look.properties["agro:blocks"]
    }
    at = _at(look)
    known = sorted({part.place for parts, _ in ground.before(at) for part in parts})
    parents = [look.place, *sorted(r.place for r in edges.values()), *known]
    key = digest([parents, ground.rules, ground.land.key, ALGORITHM])
    name = file_name(str(look.properties["agro:acquisition_id"]))
    place = f"radar_wetness/{at.year}/{name}--{key}"
    if not edges or index.at(place):
        return
    result = _wetness(ground, look, list(edges.values()), at)
    properties = {
        "datetime": look.properties["datetime"],
        "sat:relative_orbit": orbit,
        "agro:acquisition_id": look.properties["agro:acquisition_id"],
        "agro:parents": parents,
        "agro:parameters": ground.rules,
        "agro:simulated": look.properties["agro:simulated"],
    }
    keep(ground.store, index, place, Result(properties, result.bbox, result.layers, result.tables))


def _wetness(ground: _Ground, look: Published, edges: list[Published], at: datetime) -> Result:
    blocks = [block for _, block in _series_of(look, ground)]
    whole = grid_around(blocks, _PIXEL_M)
    grid = whole.cut_to(tuple(ground.land.on_grid.total_bounds)) or whole
    numbers = ground.fields(grid)
    references = xr.Dataset(
        {
            name: (("y", "x"), windowed(ground.store, edges, layer, grid))
            for name, layer in (("dry_db", "vv_dry"), ("wet_db", "vv_wet"))
        }
    )
    index = radar_wetness(ground.smooth(look, grid, numbers), ground.ndvi(at, grid), references)
    ids = list(ground.land.outlines["field_id"])
    pixels = field_pixels(ids, list(ground.land.on_grid), _PIXEL_M)
    seen = xr.where(index.notnull(), int(Quality.CLEAR), int(Quality.CLOUD))  # type: ignore[no-untyped-call]
    few, low = ground.settings.fields.few_px, ground.settings.fields.low_clear_fraction
    rows = field_rows(index.to_dataset(name="wetness_s1"), seen, grid, pixels, few, low)
    rows = rows[rows["n_px"] > 0].assign(acquired_at=pd.Timestamp(at).as_unit("us")).reset_index(drop=True)
    return Result({}, bbox_of(grid), {"wetness_s1": (index.values, grid)}, {"fields": rows})


def _at(look: Published) -> datetime:
    return datetime.fromisoformat(str(look.properties["datetime"]))


def _clear_ndvi(store: Store, parts: Sequence[Published], grid: Grid) -> np.ndarray:
    """NDVI (y, x) on 20 m where all of a pixel is clear, NaN elsewhere."""
    if "ndvi" not in parts[-1].properties["agro:layers"]:
        return np.full(grid.shape, np.nan, "float32")
    fine = windowed(store, parts, "ndvi", grid.at(LAYERS["ndvi"].resolution_m))
    coarse = fine.reshape(grid.height, 2, grid.width, 2).mean(axis=(1, 3))
    clear = windowed(store, parts, "quality", grid) == Quality.CLEAR
    return np.where(clear, coarse, np.nan).astype("float32")
