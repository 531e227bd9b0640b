"""Productivity zones of every field, from its finished seasons and its relief."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import geometry_mask
from shapely import Geometry

from agro.agromaps.zone_shape import outlines as zone_outlines
from agro.agromaps.zones import FieldZones, ZoneRules, field_zones
from agro.domain.errors import AgroError, Refusal
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store, digest, file_name
from agro.store.stac import bbox_of
from flows.ground_maps import Group, groups_of
from flows.keeping import Result, keep
from flows.moisture_maps import groups
from flows.plan import Land
from flows.settings import Settings, crops

ALGORITHM = 2  # raise it when the same seasons give other zones
_STATIC = ("twi", "slope")


@dataclass(frozen=True)
class _Sources:
    """What zones are made of: the season items by year, and the relief of the district."""

    seasons: dict[int, list[Published]]
    relief: Published | None

    @property
    def places(self) -> list[str]:
        """The places of all."""
        own = [result.place for results in self.seasons.values() for result in results]
        return sorted([*own, *([self.relief.place] if self.relief else [])])


def make_zones(settings: Settings, land: Land, store: Store, index: Index) -> list[Refusal]:
    """The zones of every district's fields, where they are not made yet; what was refused."""
    refused: list[Refusal] = []
    newest: dict[tuple[int, str], Published] = {
        (r.properties["agro:season"], r.properties["agro:block"]): r for r in index.items("seasons")
    }
    if not newest:
        return []
    rules = ZoneRules(implement_width_m=settings.maps.implement_width_m)
    for group in groups_of(land):
        seasons: dict[int, list[Published]] = {}
        for (year, _), result in sorted(newest.items()):
            if _meets(result, land.outlines.iloc[list(group.fields)]):
                seasons.setdefault(year, []).append(result)
        relief = [r for r in index.items("relief") if r.properties["agro:district"] == group.name]
        sources = _Sources(seasons, relief[-1] if relief else None)
        own = land.outlines.iloc[list(group.fields)]
        versions = sorted(zip(own["field_id"], own["version"], strict=True))
        key = digest([sources.places, versions, land.seasons_key, asdict(rules), ALGORITHM])
        place = f"zones/{file_name(group.name)}/{key}"
        if not seasons or index.at(place):
            continue
        drawing, without = _district(land, store, group, sources, rules)
        refused += without
        properties = {
            "datetime": max(str(own[-1].properties["datetime"]) for own in seasons.values()),
            "agro:district": group.name,
            "agro:parents": sources.places,
            "agro:parameters": asdict(rules),
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, drawing.bbox, drawing.layers, drawing.tables))
    return refused


def _meets(result: Published, outlines: gpd.GeoDataFrame) -> bool:
    west, south, east, north = result.item["bbox"]
    return bool(len(outlines.cx[west:east, south:north]))


def _district(
    land: Land, store: Store, group: Group, sources: _Sources, rules: ZoneRules
) -> tuple[Result, list[Refusal]]:
    """The zones of one district: two layers, a row a zone with its outline, a row a field with the reason."""
    grid = around(land.crs, group.bounds, LAYERS["zone"].resolution_m)
    integrals = {year: windowed(store, own, "season_integral", grid) for year, own in sources.seasons.items()}
    static = _static(store, sources.relief, grid)
    layers = {name: np.zeros(grid.shape, "uint8") for name in ("zone", "zone_stability")}
    zone_rows, field_rows, refused = [], [], []
    for number in group.fields:
        field_id, outline = str(land.outlines["field_id"].iloc[number]), land.on_grid.iloc[number]
        window = grid.cut_to(outline.bounds)
        if window is None:
            continue
        place = window.rows_and_columns_in(grid)
        years = _alike(land, field_id, sorted(integrals))
        inside = geometry_mask([outline], window.shape, window.transform, invert=True)
        try:
            stack = xr.DataArray(np.stack([integrals[year][place] for year in years]), dims=("season", "y", "x"))
            ground = xr.DataArray(static[(slice(None), *place)], dims=("layer", "y", "x")) if len(static) else None
            field = xr.DataArray(inside, dims=("y", "x"))
            zones = field_zones(stack, field, window.resolution_m, rules, ground)
            table = _rows(zones, outline, window, land.crs).assign(field_id=field_id)
        except AgroError as error:
            refused.append(error.about(field_id=field_id))
            continue
        for name, pixels in layers.items():
            pixels[place] = np.where(inside, zones.layers[name].values, pixels[place])
        zone_rows.append(table)
        field_rows.append({"field_id": field_id, "seasons": len(years), **_told(zones)})
    tables = {"zones": pd.concat(zone_rows, ignore_index=True), "fields": pd.DataFrame(field_rows)} if zone_rows else {}
    tables = tables or {"zones": pd.DataFrame({"field_id": []}), "fields": pd.DataFrame({"field_id": []})}
    return Result({}, bbox_of(grid), {name: (pixels, grid) for name, pixels in layers.items()}, tables), refused


def _static(store: Store, relief: Published | None, grid: Grid) -> np.ndarray:
    """Relief (layer, y, x) on the zones' pixels, each repeated from its own; no layer where there is no relief."""
    if relief is None:
        return np.empty((0, *grid.shape), "float32")
    times = LAYERS["twi"].resolution_m // grid.resolution_m
    coarse = grid.at(LAYERS["twi"].resolution_m)
    found = [windowed(store, [relief], name, coarse) for name in _STATIC]
    return np.stack([layer.repeat(times, axis=0).repeat(times, axis=1) for layer in found])


def _alike(land: Land, field_id: str, years: Sequence[int]) -> list[int]:
    """The seasons of the kind of crops that the field grew most often: kinds differ in how much green they make."""
    kind = {crop.code: crop.kind or crop.code for crop in crops()}
    code = {year: groups(land, year)[field_id].rsplit("/", 1)[-1] for year in years}
    grown = {year: kind.get(one, one) for year, one in code.items()}
    most, _ = Counter(grown.values()).most_common(1)[0]
    return [year for year in years if grown[year] == most]


def _rows(zones: FieldZones, outline: Geometry, window: Grid, crs: str) -> gpd.GeoDataFrame:
    drawn = zone_outlines(zones.layers["zone"].values, window, outline)
    shapes = gpd.GeoSeries(drawn, crs=crs).to_crs(4326)
    return gpd.GeoDataFrame(zones.rows.reset_index(drop=True), geometry=shapes)


def _told(zones: FieldZones) -> dict[str, Any]:
    reason = zones.reason
    return {
        "zones": zones.count,
        "code": reason.code if reason else "",
        "reason": reason.reason if reason else "",
        "explained": zones.proof.explained if zones.proof else float("nan"),
        "explained_se": zones.proof.explained_se if zones.proof else float("nan"),
        "with_relief": zones.with_static,
        "stable_fraction": zones.stable_fraction,
    }
