"""The ground of one district's cluster of fields, drawn: which pixel is whose, and how soil and stand vary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Transformer
from rasterio.features import rasterize

from agro.domain.grid import Grid
from agro.twin.chance import chance, random_field
from agro.twin.estate import CATEGORIES, Estate, Soil, joined
from agro.twin.parcels import parcels_beyond

_MARGIN_M = 400  # [m] of land around the fields
_LATTICE_M = 60  # [m] the images' corners lie on it, as those of the satellite do


@dataclass(frozen=True)
class Ground:
    """One district on 10 m: maps (y, x) of the field's number (0 = none) and the soil.

    fields: those of `agro.twin.estate.Estate`, the parcels beyond the outlines at their end
    middle: longitude, latitude [deg]
    """

    district: str
    grid: Grid
    fields: gpd.GeoDataFrame
    field: np.ndarray
    soil: Soil
    middle: tuple[float, float]

    @property
    def field_ids(self) -> tuple[str, ...]:
        """In the order of their numbers, from 1."""
        return tuple(self.fields["field_id"])

    @property
    def on_record(self) -> np.ndarray:
        """The map (y, x) of the numbers of fields that have an outline on record, 0 elsewhere."""
        return np.where(self.field <= int(self.fields["mapped"].sum()), self.field, 0)

    def x_y_m(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The middles of pixels, by their number when the map is laid end to end."""
        row, column = np.divmod(index, self.grid.width)
        return self.grid.west_m + 10 * column + 5, self.grid.north_m - 10 * row - 5


def ground(
    outlines: gpd.GeoDataFrame, district: str, crs: str, facts: Mapping[str, Any], last_season: int, seed: int
) -> Ground:
    """The ground below one district's outlines, and parcels beyond them; `last_season` is the last that is drawn."""
    own = outlines[outlines["district"] == district].reset_index(drop=True)
    shapes = own.geometry.to_crs(crs)
    west, south, east, north = shapes.total_bounds
    west, south = (int((v - _MARGIN_M) // _LATTICE_M) * _LATTICE_M for v in (west, south))
    east, north = (int(-(-(v + _MARGIN_M) // _LATTICE_M)) * _LATTICE_M for v in (east, north))
    grid = Grid(crs, west, north, 10, (north - south) // 10, (east - west) // 10)
    beyond = parcels_beyond(list(shapes), grid.bounds, district, facts["parcels"], last_season, seed).set_crs(crs)
    numbered = [(outline, i + 1) for i, outline in enumerate([*shapes, *beyond.geometry])]
    field = rasterize(numbered, grid.shape, transform=grid.transform, dtype="uint16")
    to_degrees = Transformer.from_crs(crs, 4326, always_xy=True)
    middle = to_degrees.transform((west + east) / 2, (south + north) / 2)
    fields = _fields(own, shapes.area / 1e4, beyond.assign(district=district), seed)
    return Ground(district, grid, fields, field, _soil(field, district, facts["land"], seed), middle)


def _fields(own: gpd.GeoDataFrame, drawn_ha: pd.Series, beyond: gpd.GeoDataFrame, seed: int) -> gpd.GeoDataFrame:
    """The outlines as the estate of a table has them, and the parcels, not on record; a farm's category is made up."""
    farm = own["farm_id"].fillna(own["field_id"]) if "farm_id" in own else own["field_id"]
    categories = {name: CATEGORIES[int(chance(seed, "category", name).random() < 0.45)] for name in farm.unique()}
    area = own.get("area_ha", drawn_ha)
    fields = own.assign(farm_id=farm, area_ha=area, mapped=True, use="field", idle_since=np.nan)
    parcels = beyond.to_crs(own.crs).assign(area_ha=beyond.geometry.area / 1e4, mapped=False)
    both = gpd.GeoDataFrame(pd.concat([fields, parcels] if len(parcels) else [fields], ignore_index=True), crs=own.crs)
    return both.assign(category=both["farm_id"].map(categories).fillna(CATEGORIES[0]))


def _soil(field: np.ndarray, district: str, land: Mapping[str, Any], seed: int) -> Soil:
    shape = field.shape
    random = chance(seed, "ground", district)
    relief = random_field(random, shape, 60)
    hollow = random_field(random, shape, 18)
    uneven = chance(seed, "uneven", district).choice([0.4, 1.0, 2.0], int(field.max()) + 1, p=[0.35, 0.4, 0.25])[field]
    rich = 1 + land["mineral_cv"] * uneven * random_field(random, shape, 25) + 0.10 * relief
    stand = 1 + 0.07 * random_field(random, shape, 9)
    slow = random_field(chance(seed, "height", district), shape, 250)
    height = 190 + 22 * slow + 7 * relief
    steep_y, steep_x = np.gradient(height, 10.0)
    return Soil(
        np.clip(land["capacity_mm"] + 22 * relief + 14 * hollow * uneven, 70, 240),
        land["mineral_kg_ha"] * np.clip(rich, 0.3, 1.9),
        np.clip(stand, 0.5, 1.25),
        np.clip(0.72 - 0.05 * relief + 0.03 * hollow, 0.5, 1.0),
        height,
        np.degrees(np.arctan(np.hypot(steep_y, steep_x))),
        _nutrients(shape, relief, chance(seed, "nutrients", district)),
    )


def _nutrients(shape: tuple[int, int], relief: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Topsoil that follows the relief in part, and varies by itself over some hundred metres. assumption"""
    own = [random_field(random, shape, range_px) for range_px in (70, 50, 45, 40)]
    return {
        "humus_pct": np.clip(6.4 + 0.8 * relief + 0.7 * own[0], 2, 12),
        "ph_kcl": np.clip(5.4 - 0.15 * relief + 0.25 * own[1], 3.8, 7.4),
        "p2o5_mg_kg": np.clip(115 * np.exp(0.12 * relief + 0.28 * own[2]), 10, 500),
        "k2o_mg_kg": np.clip(120 * np.exp(0.10 * relief + 0.25 * own[3]), 15, 500),
    }


def sampled(grounds: list[Ground], pixels: int, seed: int) -> Estate:
    """Some pixels of each drawn field: the same ground for the table path."""
    x, y, soils = [], [], []
    for place in grounds:
        numbers = place.field.ravel()
        for number, field_id in enumerate(place.field_ids, start=1):
            own = np.flatnonzero(numbers == number)
            index = np.sort(chance(seed, "sampled", field_id).choice(own, pixels, replace=len(own) < pixels))
            at_x, at_y = place.x_y_m(index)
            x.append(at_x)
            y.append(at_y)
            soils.append(place.soil.at(index))
    fields = gpd.GeoDataFrame(pd.concat([place.fields for place in grounds], ignore_index=True), crs=4326)
    return Estate(fields, np.stack(x), np.stack(y), joined(soils), {p.district: p.middle for p in grounds})
