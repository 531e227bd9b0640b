"""The cells of a prescription: a grid in degrees, fine enough that its kilograms are the ordered ones.

A cell belongs to the zone in which its centre lies; on a border it is the one side's or the other's, never both's.
Sizes are tried from coarse to fine, each at nine places of its origin, until the kilograms and their centre agree; all
numbers of a grid are whole billionths of a degree, as the format takes them.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from affine import Affine
from pyproj import Geod
from rasterio.features import rasterize
from shapely import total_bounds

from agro.domain.errors import BadInput
from agro.domain.work import Prescription

_GEOD = Geod(ellps="WGS84")
_COARSE_M = (12.0, 15.0, 20.0, 25.0, 30.0, 40.0)  # [m] for fields that have too many cells of 10 m
_SIZES_M = (10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.7, 0.5)  # [m]
_PHASES = (0.0, 1 / 3, 2 / 3)  # [1] of a cell
_WANTED = np.array([2e-4, 1e-2, 0.2])  # [1] of all kilograms, [1] of those summed over the zones, [cell] of the centre
_AT_MOST = np.array([6e-4, np.inf, 0.25])  # a grid that is farther off is not written; the proof allows 1e-3 and 0.3
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
    """The grid of at most `most_cells` whose kilograms agree, nearest to 10 m. Raises BadInput where none does."""
    best: tuple[float, np.ndarray, ZoneCells] | None = None
    fits = _laid(prescription, _SIZES_M[0], 0.0, 0.0, most_cells) is not None
    for size_m, row, column in product(_SIZES_M if fits else _COARSE_M, _PHASES, _PHASES):
        cells = _laid(prescription, size_m, row, column, most_cells)
        if cells is None:
            continue
        off = _off(prescription, cells)
        worst = float((off / _WANTED).max())
        if worst <= 1:
            return cells
        if best is None or worst < best[0]:
            best = worst, off, cells
    if best is None or (best[1] > _AT_MOST).any():
        raise BadInput(
            "RX-CELLS",
            "{field}: {limit} cells are too few for this field: the kilograms would be off by {off} %",
            "take a terminal that reads polygons, or split the field",
            field=prescription.field_id,
            limit=most_cells,
            off="-" if best is None else f"{100 * best[1][0]:.2f}",
        )
    return best[2]


def _laid(prescription: Prescription, size_m: float, row: float, column: float, most: int) -> ZoneCells | None:
    """The grid of a cell size [m] with its origin shifted by shares of a cell; None where it has too many cells."""
    west, south, east, north = total_bounds([zone.outline for zone in prescription.zones])
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


def _off(prescription: Prescription, cells: ZoneCells) -> np.ndarray:
    """How far cells are from zones: all kilograms [1], those summed over the zones [1], the centre of mass [cell]."""
    areas = np.repeat(_row_areas_ha(cells), cells.zone.shape[1])
    count = len(prescription.zones) + 1
    drawn = np.bincount(cells.zone.ravel(), areas, minlength=count)
    rates = np.array([zone.rate_kg_ha for zone in prescription.zones])
    ground = np.array([[zone.area_ha] for zone in prescription.zones])
    ordered = np.maximum((rates * ground).sum(axis=0), 1e-9)
    miss = rates * (drawn[1:, None] - ground)
    above = np.abs(rates - np.array(prescription.outside_kg_ha))
    rows, columns = (axis.ravel() for axis in np.indices(cells.zone.shape))
    sums = [np.bincount(cells.zone.ravel(), areas * axis, minlength=count)[1:] for axis in (columns, rows)]
    middles = np.array([zone.outline.centroid.coords[0] for zone in prescription.zones])
    corner = cells.west_deg, cells.south_deg
    meant = (middles - corner) / (cells.east_step_deg, cells.north_step_deg) - 0.5
    mass = np.maximum((above * ground).sum(axis=0), 1e-9)
    found = np.array([above.T @ axis for axis in sums]) / np.maximum(above.T @ drawn[1:], 1e-9)
    apart = found - ((above * ground).T @ meant).T / mass
    return np.array(
        [(np.abs(miss.sum(axis=0)) / ordered).max(), (np.abs(miss).sum(axis=0) / ordered).max(), np.abs(apart).max()]
    )


def _row_areas_ha(cells: ZoneCells) -> np.ndarray:
    """The area of a cell of each row [ha]."""
    east = [cells.west_deg, cells.west_deg + cells.east_step_deg]
    areas = []
    for row in range(cells.zone.shape[0]):
        low = cells.south_deg + row * cells.north_step_deg
        high = low + cells.north_step_deg
        areas.append(_GEOD.polygon_area_perimeter([*east, *east[::-1]], [low, low, high, high])[0] / 1e4)
    return np.array(areas)
