"""The way of a pass: read, measure, believe, map, count, keep. One acquisition at a time, block by block."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from dask.base import compute
from dask.delayed import delayed

from agro.agromaps.fieldstats import FieldPixels, field_pixels, field_rows
from agro.agromaps.vegetation import INDICES, lai
from agro.domain.errors import BadInput, Refusal
from agro.domain.grid import Grid, grid_around
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.domain.layers import KEPT, LAYERS, VEGETATION
from agro.imagery.clearsky import keep_believed, on_pixels_of, quality
from agro.imagery.reflectance import for_ratios, reflectance, to_20_m
from agro.sources import stac
from agro.store import rasters
from agro.store import stac as items
from agro.store.maps import joined
from agro.store.publish import Published, Store, digest, now, publish
from agro.store.tables import to_parquet
from flows.plan import Land, Pass, parameters, pass_place
from flows.settings import Settings


@dataclass(frozen=True)
class Done:
    """What became of one pass: its clear share over the fields [1], its layers, what was left out, what was made."""

    clear_fraction: float
    layers: tuple[str, ...]
    left_out: dict[str, Refusal]
    published: tuple[Published, ...] = ()


@dataclass
class Season:
    """What all passes of one run share: settings, land and store. It travels to other machines without any pixels."""

    settings: Settings
    land: Land
    store: Store

    def pixels(self, resolution_m: int) -> FieldPixels:
        """The fields' pixels at one resolution, found once where they are needed."""
        known: dict[int, FieldPixels] = self.__dict__.setdefault("_pixels", {})
        if resolution_m not in known:
            ids, outlines = list(self.land.outlines["field_id"]), list(self.land.on_grid)
            known[resolution_m] = field_pixels(ids, outlines, resolution_m)
        return known[resolution_m]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_pixels"}


def keep_land(season: Season, outlines_place: str | None, seasons_place: str | None) -> list[Published]:
    """Publish the outlines, so that every result can be drawn and checked against what it was made for."""
    land, kept = season.land, []
    about = {
        "datetime": now(),
        "agro:field_ids": land.field_ids,
        "agro:simulated": season.settings.imagery.source == "twin",
    }
    if outlines_place:
        item = items.item(
            outlines_place.rsplit("/", 1)[-1],
            tuple(land.outlines.total_bounds),
            {**about, "agro:kind": "outlines", "agro:fields": len(land.outlines)},
            {"fields": items.table_asset("fields.parquet", "field outlines")},
        )
        kept.append(publish(season.store, outlines_place, {"fields": to_parquet(land.outlines)}, item))
    if seasons_place:
        item = items.item(
            seasons_place.rsplit("/", 1)[-1],
            None,
            {**about, "agro:kind": "season_fields"},
            {"seasons": items.table_asset("seasons.parquet", "what grew where")},
        )
        kept.append(publish(season.store, seasons_place, {"seasons": to_parquet(land.seasons)}, item))
    return kept


def take(one: Pass, season: Season) -> Done:
    """Take one pass all its way. Raises an AgroError that says why not; then nothing of it is visible."""
    new = [_map_and_keep(one, season)] if one.blocks else []
    parts = [*one.parts, *new]
    rows = _count(one, parts, season)
    if one.table_place:
        new.append(_keep_rows(one, one.table_place, parts, rows, season))
    layers, left_out = _possible(one.acquisition)
    clear = rows.drop_duplicates("field_id")
    weight = season.land.outlines.set_index("field_id").loc[clear["field_id"], "area_ha"]
    return Done(
        float(np.average(clear["clear_fraction"], weights=weight)) if len(clear) else 0.0,
        tuple(name for name in layers if LAYERS[name].statistics),
        left_out,
        tuple(new),
    )


def _map_and_keep(one: Pass, season: Season) -> Published:
    """Map the missing blocks of one acquisition and publish them as one part."""
    look, settings = one.acquisition, season.settings
    layers, left_out = _possible(look)
    covered = stac.bounds(look, season.land.crs)
    grid = grid_around(list(one.blocks), 10).cut_to(covered)
    if grid is None:
        raise BadInput(
            "SCENE-ELSEWHERE",
            "{where}: shows other ground than its footprint says",
            "mend the item's geometry or its files",
            where=look.acquisition_id,
        )
    windows = [window for block in one.blocks if (window := grid.cut_to(block.bounds)) is not None]
    mapped = compute(
        *[delayed(_map_block)(look, window, layers, settings, pure=False) for window in windows],
        scheduler="threads",
        num_workers=settings.compute.workers,
    )
    stored = {name: _assembled(name, grid, windows, mapped) for name in (*layers, "quality")}
    where = {name: grid.at(LAYERS[name].resolution_m) for name in stored}
    content = {name: rasters.to_cog(LAYERS[name], pixels, where[name]) for name, pixels in stored.items()}
    place = pass_place(one)
    properties = {
        **_about(look, season),
        "agro:kind": "pass",
        "agro:inputs": one.inputs,
        "agro:blocks": [block.block_id for block in one.blocks],
        "agro:layers": list(layers),
        "agro:left_out": {name: why.reason for name, why in left_out.items()},
        "agro:parameters": parameters(settings),
        "proj:code": grid.crs,
        "view:sun_elevation": _rounded(look.angles.sun_zenith_deg, 90.0),
        "view:sun_azimuth": look.angles.sun_azimuth_deg,
        "view:off_nadir": look.angles.view_zenith_deg,
        "view:azimuth": look.angles.view_azimuth_deg,
    }
    assets = {
        name: items.raster_asset(name, LAYERS[name].meaning, where[name], rasters.described(LAYERS[name], pixels))
        for name, pixels in stored.items()
    }
    return publish(
        season.store, place, content, items.item(place.rsplit("/", 1)[-1], items.bbox_of(grid), properties, assets)
    )


def _possible(look: Acquisition) -> tuple[tuple[str, ...], dict[str, Refusal]]:
    """The layers that the acquisition's assets allow, and why the others are left out."""
    left_out = {}
    for name in VEGETATION:
        missing = [band for band in LAYERS[name].bands if band not in look.bands]
        if missing:
            left_out[name] = Refusal(
                "LAYER-BANDS",
                "the item names no asset for {met}",
                "take items that have it",
                {"met": ", ".join(missing)},
            )
        elif name == "lai" and not look.angles.complete:
            left_out[name] = Refusal(
                "LAYER-ANGLES", "the item does not name the angles of sun and view", "take items that have them"
            )
    possible = tuple(name for name in VEGETATION if name not in left_out)
    if not possible:
        raise BadInput(
            "STAC-BANDS-FEW",
            "{where}: names too few bands for any layer, only {met}",
            "add the missing assets to the item",
            where=look.acquisition_id,
            met=", ".join(look.bands),
        )
    kept = tuple(name for name in KEPT if name in look.bands)
    return (*possible, *(["lai_flag"] if "lai" in possible else []), *kept), left_out


def _map_block(look: Acquisition, window: Grid, layers: tuple[str, ...], settings: Settings) -> dict[str, np.ndarray]:
    """The layers and the quality of one block, as they will be stored."""
    imagery = settings.imagery
    margin = max(imagery.cloud_margin_m, imagery.shadow_margin_m)
    coarse = window.at(20)
    outer = coarse.padded(int(np.ceil(margin)))
    scene_classes = stac.read(look, outer, [SCENE_CLASS_BAND])[SCENE_CLASS_BAND]
    rows, columns = coarse.rows_and_columns_in(outer)
    classes = quality(scene_classes, imagery.cloud_margin_m, imagery.shadow_margin_m).isel(y=rows, x=columns)
    maps = _map_layers(_scene(look, window, layers, classes), layers, look, settings)
    return {name: rasters.encode(LAYERS[name], values.values) for name, values in {**maps, "quality": classes}.items()}


def _scene(look: Acquisition, window: Grid, layers: tuple[str, ...], classes: xr.DataArray) -> dict[int, xr.Dataset]:
    """Believed reflectance of the bands that the layers need, on 10 m and on 20 m."""
    needed: dict[int, dict[str, None]] = {10: {}, 20: {}}
    for name in layers:
        for band in LAYERS[name].bands:
            needed[10 if band in ("green", "red", "nir") else 20][band] = None
    scene = {}
    for size, bands in needed.items():
        counts = stac.read(look, window.at(size), list(bands))
        scene[size] = xr.Dataset({name: _measured(look, counts[name], classes) for name in bands})
    return scene


def _measured(look: Acquisition, counts: xr.DataArray, classes: xr.DataArray) -> xr.DataArray:
    band = look.bands[str(counts.name)]
    assert band.scale is not None and band.offset is not None  # every band but the scene classes has them
    return keep_believed(reflectance(counts, band.scale, band.offset), classes)


def _map_layers(
    scene: dict[int, xr.Dataset], layers: tuple[str, ...], look: Acquisition, settings: Settings
) -> dict[str, xr.DataArray]:
    maps = {}
    for name in layers:
        layer = LAYERS[name]
        if name in INDICES:
            maps[name] = INDICES[name](**{band: for_ratios(scene[layer.resolution_m][band]) for band in layer.bands})
        elif name in KEPT:
            maps[name] = scene[layer.resolution_m][name]
    if "lai" in layers:
        fine = {band: to_20_m(scene[10][band]) for band in ("green", "red")}
        area = lai(scene[20].assign(fine), look.angles, settings.imagery.lai_net)
        maps.update(lai=area["lai"], lai_flag=area["lai_flag"])
    return maps


def _assembled(name: str, grid: Grid, windows: list[Grid], mapped: tuple[dict[str, np.ndarray], ...]) -> np.ndarray:
    layer = LAYERS[name]
    whole = grid.at(layer.resolution_m)
    pixels = np.full(whole.shape, layer.nodata, layer.dtype)
    for window, block in zip(windows, mapped, strict=True):
        pixels[window.at(layer.resolution_m).rows_and_columns_in(whole)] = block[name]
    return pixels


def _count(one: Pass, parts: list[Published], season: Season) -> pd.DataFrame:
    """One row for each field below the pass and each published layer, from the maps as they are published."""
    fields = season.settings.fields
    published = parts[-1].properties["agro:layers"]
    quality, _ = joined(season.store, parts, "quality")
    tables = []
    for name in published:  # one layer at a time: a whole tile of each would fill the memory
        if not LAYERS[name].statistics:
            continue
        layer, grid = joined(season.store, parts, name)
        both = {name: layer}
        if f"{name}_flag" in published:
            both[f"{name}_flag"], _ = joined(season.store, parts, f"{name}_flag")
        pixels = season.pixels(grid.resolution_m).of(one.fields)
        classes = on_pixels_of(quality, layer)
        tables.append(field_rows(xr.Dataset(both), classes, grid, pixels, fields.few_px, fields.low_clear_fraction))
    rows = pd.concat(tables, ignore_index=True)
    look = one.acquisition
    sun = look.angles.sun_zenith_deg
    if sun is not None and sun > season.settings.imagery.low_sun_zenith_deg:
        rows["flag"] = [";".join(filter(None, (flag, "low_sun"))) for flag in rows["flag"]]
    rows["acquired_at"] = pd.Timestamp(look.acquired_at).as_unit("us")
    rows["acquisition_id"], rows["platform"] = look.acquisition_id, look.platform
    order = ["field_id", "acquired_at", "acquisition_id", "platform", "layer"]
    return rows[order + [name for name in rows.columns if name not in order]].sort_values(
        ["field_id", "layer"], ignore_index=True
    )


def _keep_rows(one: Pass, place: str, parts: list[Published], rows: pd.DataFrame, season: Season) -> Published:
    outlines: gpd.GeoDataFrame = season.land.outlines.iloc[list(one.fields)]
    properties = {
        **_about(one.acquisition, season),
        "agro:kind": "fieldstats",
        "agro:parents": [part.place for part in parts],
        "agro:outlines": season.land.key,
        "agro:field_ids": digest(sorted(outlines["field_id"])),
        "agro:rows": len(rows),
    }
    item = items.item(
        place.rsplit("/", 1)[-1],
        tuple(outlines.total_bounds),
        properties,
        {"fields": items.table_asset("fields.parquet", "one row for each field and layer")},
    )
    return publish(season.store, place, {"fields": to_parquet(rows)}, item)


def _about(look: Acquisition, season: Season) -> dict[str, Any]:
    return {
        "datetime": look.acquired_at.isoformat().replace("+00:00", "Z"),
        "platform": look.platform,
        "agro:acquisition_id": look.acquisition_id,
        "agro:collection": look.collection,
        "agro:look": look.look_id,
        "agro:tile": look.tile,
        "agro:processing_baseline": look.processing_baseline,
        "agro:simulated": season.settings.imagery.source == "twin",
    }


def _rounded(value: float | None, minus_from: float) -> float | None:
    return None if value is None else round(minus_from - value, 6)
