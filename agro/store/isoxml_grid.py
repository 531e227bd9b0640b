"""The cells of a prescription: a grid in degrees, fine enough that its kilograms are the ordered ones.

A cell belongs to the zone in which its centre lies; on a border it is the one side's or the other's, never both's.
Sizes are tried from coarse to fine, each at nine places of its origin, until the kilograms agree; all numbers of a grid
are whole billionths of a degree, as the format takes them.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from affine import Affine
from pyproj import Geod
from rasterio.features import rasterize
from shapely import unary_union

from agro.domain.errors import BadInput
from agro.domain.work import Prescription

_GEOD = Geod(ellps="WGS84")
_SIZES_M = (10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.7, 0.5)  # [m]
_PHASES = (0.0, 1 / 3, 2 / 3)  # [1] of a cell
_TOTAL_OFF, _ZONES_OFF = 2e-4, 1e-2  # [1] of the kilograms: all together, and summed over the zones
_TOTAL_AT_MOST = 6e-4  # [1] a grid that is farther off is not written; the proof allows 1e-3
_DIGITS = 9  # decimals of a degree. source: ISO 11783-10 schema V4-3, GRD A and B


@dataclass(frozen=True)
class ZoneCells:
    """South-west corner and cell size [deg]; for each cell (rows from the south) the zone's place + 1, 0 outside."""

    south_deg: float
    west_deg: float
    north_step_deg: float
    east_step_deg: float
    zone: np.ndarray


def zone_cells(prescription: Prescription, most_cells: int) -> ZoneCells:
    """The coarsest grid of at most `most_cells` whose kilograms agree. Raises BadInput where none does."""
    best: tuple[float, ZoneCells] | None = None
    for size_m, row, column in product(_SIZES_M, _PHASES, _PHASES):
        cells = _laid(prescription, size_m, row, column, most_cells)
        if cells is None:
            break  # finer ones have more cells still
        total_off, zones_off = _off(prescription, cells)
        if total_off <= _TOTAL_OFF and zones_off <= _ZONES_OFF:
            return cells
        if best is None or total_off < best[0]:
            best = total_off, cells
    if best is None or best[0] > _TOTAL_AT_MOST:
        raise BadInput(
            "RX-CELLS",
            "{field}: {limit} cells are too few for this field: the kilograms would be off by {off} %",
            "take a terminal that reads polygons, or split the field",
            field=prescription.field_id,
            limit=most_cells,
            off="-" if best is None else f"{100 * best[0]:.2f}",
        )
    return best[1]


def _laid(prescription: Prescription, size_m: float, row: float, column: float, most: int) -> ZoneCells | None:
    """The grid of a cell size [m] with its origin shifted by shares of a cell; None where it has too many cells."""
    whole = unary_union([zone.outline for zone in prescription.zones])
    west, south, east, north = whole.bounds
    middle = (south + north) / 2
    north_step = round(size_m / _metres_per_degree(west, middle, 0.0), _DIGITS)
    east_step = round(size_m / _metres_per_degree(west, middle, 90.0), _DIGITS)
    south = round(south - (1 + row) * north_step, _DIGITS)
    west = round(west - (1 + column) * east_step, _DIGITS)
    rows, columns = (
        int((high - low) / step) + 2 for high, low, step in ((north, south, north_step), (east, west, east_step))
    )
    if rows * columns > most:
        return None
    shapes = [(zone.outline, place + 1) for place, zone in enumerate(prescription.zones)]
    drawn = rasterize(
        shapes,
        (rows, columns),
        transform=Affine(east_step, 0, west, 0, -north_step, south + rows * north_step),
        dtype="int32",
    )
    return ZoneCells(south, west, north_step, east_step, drawn[::-1])


def _metres_per_degree(longitude: float, latitude: float, azimuth: float) -> float:
    """Metres of one degree northwards (azimuth 0) or eastwards (90), from a short line."""
    reach_m = 100.0
    east, north, _ = _GEOD.fwd(longitude, latitude, azimuth, reach_m)
    return reach_m / float(north - latitude if azimuth == 0 else east - longitude)


def _off(prescription: Prescription, cells: ZoneCells) -> tuple[float, float]:
    """How far the kilograms of cells are from those of the zones [1]: all together, and summed over the zones."""
    areas = np.repeat(_row_areas_ha(cells), cells.zone.shape[1])
    drawn = np.bincount(cells.zone.ravel(), areas, minlength=len(prescription.zones) + 1)[1:]
    rates = np.array([zone.rate_kg_ha for zone in prescription.zones])
    meant = rates * np.array([[zone.area_ha] for zone in prescription.zones])
    ordered = np.maximum(meant.sum(axis=0), 1e-9)
    miss = rates * drawn[:, None] - meant
    return float((np.abs(miss.sum(axis=0)) / ordered).max()), float((np.abs(miss).sum(axis=0) / ordered).max())


def _row_areas_ha(cells: ZoneCells) -> np.ndarray:
    """The area of a cell of each row [ha]."""
    east = [cells.west_deg, cells.west_deg + cells.east_step_deg]
    areas = []
    for row in range(cells.zone.shape[0]):
        low = cells.south_deg + row * cells.north_step_deg
        high = low + cells.north_step_deg
        areas.append(_GEOD.polygon_area_perimeter([*east, *east[::-1]], [low, low, high, high])[0] / 1e4)
    return np.array(areas)
