"""The ground of one district's cluster of fields: which pixel is whose, and how soil and stand vary."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from rasterio.features import rasterize

from agro.domain.grid import Grid
from agro.twin.chance import chance, random_field

_MARGIN_M = 400  # [m] of land around the fields
_LATTICE_M = 60  # [m] the images' corners lie on it, as those of the satellite do


@dataclass(frozen=True)
class Ground:
    """Maps (y, x) on 10 m: field number (0 = none), water capacity [mm], nitrogen supply [1], stand [1], soil [1].

    `height` [m] is the ground's; `nutrients` are the topsoil's, by the column names of the table of samples.
    """

    district: str
    grid: Grid
    field_ids: tuple[str, ...]
    field: np.ndarray
    capacity_mm: np.ndarray
    nitrogen: np.ndarray
    stand: np.ndarray
    brightness: np.ndarray
    height_m: np.ndarray
    nutrients: Mapping[str, np.ndarray]


def ground(outlines: gpd.GeoDataFrame, district: str, crs: str, seed: int) -> Ground:
    """The ground below one district's outlines."""
    own = outlines[outlines["district"] == district].to_crs(crs)
    west, south, east, north = own.total_bounds
    west, south = (int((v - _MARGIN_M) // _LATTICE_M) * _LATTICE_M for v in (west, south))
    east, north = (int(-(-(v + _MARGIN_M) // _LATTICE_M)) * _LATTICE_M for v in (east, north))
    grid = Grid(crs, west, north, 10, (north - south) // 10, (east - west) // 10)
    shapes = [(outline, i + 1) for i, outline in enumerate(own.geometry)]
    field = rasterize(shapes, grid.shape, transform=grid.transform, dtype="uint16")
    random = chance(seed, "ground", district)
    relief = random_field(random, grid.shape, 60)
    hollow = random_field(random, grid.shape, 18)
    capacity = 150 + 22 * relief + 14 * hollow
    nitrogen = 0.93 + 0.06 * random_field(random, grid.shape, 25) + 0.04 * relief
    stand = 1 + 0.07 * random_field(random, grid.shape, 9)
    slow = random_field(chance(seed, "height", district), grid.shape, 250)
    farm = chance(seed, "farm", district).normal(0, 0.05, len(shapes) + 1)  # fields are not managed alike
    return Ground(
        district,
        grid,
        tuple(own["field_id"]),
        field,
        np.clip(capacity, 70, 240),
        np.clip(nitrogen + farm[field], 0.6, 1.08),
        np.clip(stand, 0.5, 1.25),
        np.clip(0.72 - 0.05 * relief + 0.03 * hollow, 0.5, 1.0),
        190 + 22 * slow + 7 * relief,
        _nutrients(grid.shape, relief, chance(seed, "nutrients", district)),
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
