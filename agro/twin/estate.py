"""Fields of the table path: where they lie, whose they are, and the soil below some tens of pixels of each."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.affinity import rotate
from shapely.geometry import box

from agro.twin.chance import chance, random_surface
from agro.twin.parcels import parcels_beyond

LAND_CRS = "EPSG:32645"  # of the places of configs/twin.toml
_SPACING_M = 1900.0  # [m] between the middles of neighbouring fields
CATEGORIES = ("organisations", "farmers", "households")


@dataclass(frozen=True)
class Soil:
    """Arrays of one shape: water capacity [mm], nitrogen of a normal season [kg/ha], stand [1], brightness [1].

    `height_m` [m] and `slope_deg` [deg] are the ground's; `nutrients` are the topsoil's, by the columns of the samples.
    """

    capacity_mm: np.ndarray
    mineral_kg_ha: np.ndarray
    stand: np.ndarray
    brightness: np.ndarray
    height_m: np.ndarray
    slope_deg: np.ndarray
    nutrients: Mapping[str, np.ndarray]

    def at(self, index: np.ndarray) -> "Soil":
        """The soil of some pixels, by their number when the arrays are laid end to end."""
        own = {name: getattr(self, name).ravel()[index] for name in _NUMBERS}
        return Soil(**own, nutrients={name: values.ravel()[index] for name, values in self.nutrients.items()})


_NUMBERS = ("capacity_mm", "mineral_kg_ha", "stand", "brightness", "height_m", "slope_deg")


@dataclass(frozen=True)
class Estate:
    """The fields of some districts, a row each, and sample pixels (field, pixel) of each with x and y [m] and soil.

    fields: field_id, farm_id, district, category, crop (None), area_ha, version, geometry in EPSG:4326; mapped: whether
    it has an outline on record; use and idle_since, see `agro.twin.parcels` (`field` is a field as any)
    places: longitude and latitude [deg] of each district's fields
    """

    fields: gpd.GeoDataFrame
    x_m: np.ndarray
    y_m: np.ndarray
    soil: Soil
    places: Mapping[str, tuple[float, float]]


def estate(
    facts: Mapping[str, Any],
    seed: int,
    n_fields: int,
    pixels: int,
    mapped_share: float,
    parcels_until: int | None = None,
) -> Estate:
    """A made-up set of fields over the four districts; a `mapped_share` of them has an outline on record.

    With parcels beyond the fields where `parcels_until` says the last season that they are watched.
    """
    districts = sorted(facts["places"])
    parts = [
        _district(facts, seed, district, len(range(i, n_fields, len(districts))), pixels, mapped_share)
        for i, district in enumerate(districts)
    ]
    if parcels_until is not None:
        parts += [_parcels(facts, seed, part[0], pixels, parcels_until) for part in parts]
    fields = gpd.GeoDataFrame(pd.concat([part[0] for part in parts], ignore_index=True), crs=4326)
    x, y = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    return Estate(fields, x, y, joined([part[3] for part in parts]), facts["places"])


def joined(soils: Sequence[Soil]) -> Soil:
    """Soils one after the other."""
    own = {name: np.concatenate([getattr(soil, name) for soil in soils]) for name in _NUMBERS}
    nutrients = {name: np.concatenate([soil.nutrients[name] for soil in soils]) for name in soils[0].nutrients}
    return Soil(**own, nutrients=nutrients)


def _district(
    facts: Mapping[str, Any], seed: int, district: str, n: int, pixels: int, mapped_share: float
) -> tuple[gpd.GeoDataFrame, np.ndarray, np.ndarray, Soil]:
    random = chance(seed, "estate", district)
    middle = gpd.GeoSeries.from_xy([facts["places"][district][0]], [facts["places"][district][1]], crs=4326)
    middle_x, middle_y = (float(v.iloc[0]) for v in (middle.to_crs(LAND_CRS).x, middle.to_crs(LAND_CRS).y))
    side = int(np.ceil(np.sqrt(n)))
    places = random.permutation(side * side)[:n]
    x0 = middle_x + (places % side - side / 2) * _SPACING_M + random.uniform(-150, 150, n)
    y0 = middle_y + (places // side - side / 2) * _SPACING_M + random.uniform(-150, 150, n)
    low, high = facts["land"]["area_ha"]
    area = low + (high - low) * random.beta(1.3, 2.2, n)
    stretch, turn = random.uniform(1, 2.2, n), random.uniform(0, np.pi, n)
    long, wide = np.sqrt(1e4 * area * stretch), np.sqrt(1e4 * area / stretch)
    shapes = [
        rotate(box(x - a / 2, y - b / 2, x + a / 2, y + b / 2), angle, use_radians=True)
        for x, y, a, b, angle in zip(x0, y0, long, wide, turn, strict=True)
    ]
    u, v = (random.uniform(-0.5, 0.5, (n, pixels)) * (length[:, None] - 40) for length in (long, wide))
    x = x0[:, None] + u * np.cos(turn)[:, None] - v * np.sin(turn)[:, None]
    y = y0[:, None] + u * np.sin(turn)[:, None] + v * np.cos(turn)[:, None]
    farm, category = _farms(facts["land"]["fields_a_farm"], n, random)
    outlines = gpd.GeoSeries(shapes, crs=LAND_CRS).to_crs(4326)
    fields = gpd.GeoDataFrame(
        {
            "field_id": [f"{district}-{i + 1:03d}" for i in range(n)],
            "farm_id": [f"{district}-farm-{i + 1}" for i in farm],
            "district": district,
            "crop": None,
            "area_ha": area,
            "version": [f"{zlib.crc32(shape.wkb):08x}" for shape in outlines],
            "category": category,
            "mapped": random.random(n) < mapped_share,
            "use": "field",
            "idle_since": np.nan,
        },
        geometry=outlines.to_numpy(),
        crs=4326,
    )
    return fields, x, y, soil_at(facts, seed, district, x, y)


def _parcels(
    facts: Mapping[str, Any], seed: int, fields: gpd.GeoDataFrame, pixels: int, last_season: int
) -> tuple[gpd.GeoDataFrame, np.ndarray, np.ndarray, Soil]:
    """The parcels beyond the fields of one district, none of them on record."""
    shapes, district = fields.geometry.to_crs(LAND_CRS), str(fields["district"].iloc[0])
    found = parcels_beyond(
        list(shapes), tuple(shapes.total_bounds), district, facts["parcels"], last_season, seed
    ).set_crs(LAND_CRS)
    corners = np.stack([np.array(shape.exterior.coords)[:4] for shape in found.geometry])
    along, across = corners[:, [1]] - corners[:, [0]], corners[:, [3]] - corners[:, [0]]
    u, v = chance(seed, "parcel pixels", district).uniform(0.05, 0.95, (2, len(found), pixels, 1))
    x, y = np.moveaxis(corners[:, [0]] + u * along + v * across, 2, 0)
    farms = fields.drop_duplicates("farm_id").set_index("farm_id")["category"]
    table = found.to_crs(4326).assign(
        district=district,
        crop=None,
        area_ha=found.geometry.area / 1e4,
        version=[f"{zlib.crc32(shape.wkb):08x}" for shape in found.geometry],
        category=found["farm_id"].map(farms).fillna(CATEGORIES[0]),
        mapped=False,
    )
    return table[list(fields)], x, y, soil_at(facts, seed, district, x, y)


def _farms(fields_a_farm: float, n: int, random: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Whose each field is, and the farm's category: about half of the farms are organisations, with most fields."""
    farms = max(3, round(n / fields_a_farm))
    is_large = np.arange(farms) % 2 == 0
    weight = np.where(is_large, 3.0, 1.0)
    farm = np.concatenate([np.arange(farms), random.choice(farms, max(n - farms, 0), p=weight / weight.sum())])[:n]
    random.shuffle(farm)
    return farm, [CATEGORIES[0] if is_large[i] else CATEGORIES[1] for i in farm]


def soil_at(facts: Mapping[str, Any], seed: int, district: str, x: np.ndarray, y: np.ndarray) -> Soil:
    """The soil of one district at points (field, pixel) [m]; fields are not equally uneven."""
    land = facts["land"]

    def shape(name: str, range_m: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return random_surface(chance(seed, "soil", district, name), range_m)

    def surface(name: str, range_m: float) -> np.ndarray:
        return shape(name, range_m)(x, y)

    wide, near = shape("height", 2500), shape("relief", 600)

    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(190 + 22 * wide(x, y) + 7 * near(x, y))

    relief, hollow = near(x, y), surface("hollow", 180)
    uneven = chance(seed, "uneven", district).choice([0.4, 1.0, 2.0], (len(x), 1), p=[0.35, 0.4, 0.25])
    capacity = land["capacity_mm"] + 22 * relief + 14 * hollow * uneven
    rich = 1 + land["mineral_cv"] * uneven * surface("mineral", 250) + 0.10 * relief
    return Soil(
        np.clip(capacity, 70, 240),
        land["mineral_kg_ha"] * np.clip(rich, 0.3, 1.9),
        np.clip(1 + 0.07 * surface("stand", 90), 0.5, 1.25),
        np.clip(0.72 - 0.05 * relief + 0.03 * hollow, 0.5, 1.0),
        height(x, y),
        np.degrees(np.arctan(np.hypot(height(x + 20, y) - height(x, y), height(x, y + 20) - height(x, y)) / 20)),
        {
            "humus_pct": np.clip(6.4 + 0.8 * relief + 0.7 * surface("humus", 700), 2, 12),
            "ph_kcl": np.clip(5.4 - 0.15 * relief + 0.25 * surface("ph", 500), 3.8, 7.4),
            "p2o5_mg_kg": np.clip(115 * np.exp(0.12 * relief + 0.28 * surface("p2o5", 450)), 10, 500),
            "k2o_mg_kg": np.clip(120 * np.exp(0.10 * relief + 0.25 * surface("k2o", 400)), 15, 500),
        },
    )
