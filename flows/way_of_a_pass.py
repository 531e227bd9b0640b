"""The way of a pass: read, measure, believe, map, count, keep. One acquisition at a time, window by window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.agromaps.fieldstats import FieldPixels
from agro.agromaps.tally import Tally
from agro.domain.errors import BadInput, Refusal
from agro.domain.grid import LATTICE_M, Block, Grid, grid_around
from agro.domain.imagery import Acquisition
from agro.domain.layers import KEPT, LAYERS, VEGETATION
from agro.sources import stac
from agro.store import rasters
from agro.store import stac as items
from agro.store.publish import Published, Store, digest, now, publish, read_asset
from agro.store.tables import to_parquet
from flows.field_lists import kept_field_pixels
from flows.imagery_doors import on_disk, with_angles_of
from flows.keeping import cog_assets
from flows.plan import BANDS, Land, Pass, parameters, pass_place
from flows.settings import Settings
from flows.windows import WINDOW_M, Ground
from flows.windows_of_a_pass import cogs_of_a_pass


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
        """The fields' pixels at one resolution, found once for these outlines and kept beside the index."""
        known: dict[int, FieldPixels] = self.__dict__.setdefault("_pixels", {})
        if resolution_m not in known:
            known[resolution_m] = kept_field_pixels(self.store, self.land, resolution_m)
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
    with on_disk([one.acquisition], one.blocks, BANDS, season.settings) as (look,):
        for part in one.parts:
            look = with_angles_of(look, part.properties)
        return _take(replace(one, acquisition=look), season)


def _take(one: Pass, season: Season) -> Done:
    """The way of a pass whose counts are at hand."""
    layers, left_out = _possible(one.acquisition)
    tallies = _tallies(one, season, layers)
    for part in one.parts:
        _recount(season.store, part, tallies)
    new = [_map_and_keep(one, season, layers, left_out, tallies)] if one.blocks else []
    rows = _rows(one, season, tallies)
    if one.table_place:
        new.append(_keep_rows(one, one.table_place, [*one.parts, *new], rows, season))
    clear = rows.drop_duplicates("field_id")
    weight = season.land.outlines.set_index("field_id").loc[clear["field_id"], "area_ha"]
    return Done(
        float(np.average(clear["clear_fraction"], weights=weight)) if len(clear) else 0.0,
        tuple(name for name in layers if LAYERS[name].statistics),
        left_out,
        tuple(new),
    )


def _map_and_keep(
    one: Pass, season: Season, layers: tuple[str, ...], left_out: dict[str, Refusal], tallies: dict[int, Tally]
) -> Published:
    """Map the missing blocks of one acquisition and publish them as one part."""
    look, settings = one.acquisition, season.settings
    grid = ground_of(look.acquisition_id, one.blocks, stac.bounds(look, season.land.crs))
    cogs = cogs_of_a_pass(look, settings, layers, Ground(grid, one.blocks, settings.compute.workers), tallies)
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
    item = items.item(place.rsplit("/", 1)[-1], items.bbox_of(grid), properties, cog_assets(cogs, grid))
    return publish(season.store, place, {name: cog.content for name, cog in cogs.items()}, item)


def ground_of(seen: str, blocks: Sequence[Block], covered: tuple[float, float, float, float]) -> Grid:
    """Where blocks lie inside what an image covers; grown so that the tiles of the maps are those of the image."""
    west, _, _, north = covered
    grid = grid_around(list(blocks), 10).cut_to(covered)
    if grid is None:
        raise BadInput(
            "SCENE-ELSEWHERE",
            "{where}: shows other ground than its footprint says",
            "mend the item's geometry or its files",
            where=seen,
        )
    corner = int(west // LATTICE_M) * LATTICE_M, int(-(-north // LATTICE_M)) * LATTICE_M
    return grid.anchored(*corner, WINDOW_M)


def _possible(look: Acquisition) -> tuple[tuple[str, ...], dict[str, Refusal]]:
    """The layers that the acquisition's assets allow, and why the others are left out."""
    left_out = {}
    for name in VEGETATION:
        missing = [band for band in LAYERS[name].bands if band not in look.bands]
        if missing:
            left_out[name] = without_bands(missing)
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


def without_bands(missing: Sequence[str]) -> Refusal:
    """What to say of an item that lacks bands."""
    told = {"met": ", ".join(missing)}
    return Refusal("LAYER-BANDS", "the item names no asset for {met}", "take items that have it", told)


def _tallies(one: Pass, season: Season, layers: tuple[str, ...]) -> dict[int, Tally]:
    """Where the fields' pixels of each layer are laid down, by resolution."""
    counted = [LAYERS[name] for name in layers if LAYERS[name].statistics or name.endswith("_flag")]
    return {
        size: Tally(season.pixels(size).of(one.fields), [layer.name for layer in counted if layer.resolution_m == size])
        for size in sorted({layer.resolution_m for layer in counted})
    }


def _recount(store: Store, part: Published, tallies: dict[int, Tally]) -> None:
    """Lay down what a published part holds of the fields; windows without fields are not decoded."""
    for name in ("quality", *(name for tally in tallies.values() for name in tally.layers)):
        mine = [tally for tally in tallies.values() if name == "quality" or name in tally.layers]
        for window, stored in rasters.windows_of_cog(read_asset(store, part, name), WINDOW_M, _any_meets(mine)):
            for tally in mine:
                tally.add(window, stored if name == "quality" else None, {name: stored})


def _any_meets(tallies: Sequence[Tally]) -> Callable[[Grid], bool]:
    return lambda window: any(tally.meets(window) for tally in tallies)


def _rows(one: Pass, season: Season, tallies: dict[int, Tally]) -> pd.DataFrame:
    """One row for each field below the pass and each layer."""
    fields = season.settings.fields
    tables = [tally.rows(fields.few_px, fields.low_clear_fraction) for tally in tallies.values()]
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
