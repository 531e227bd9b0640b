"""A terminal's rules, and an implement that drives by them: which rate holds where, which section is on."""

from dataclasses import dataclass

import numpy as np
from pyproj import Geod
from shapely import MultiPolygon, Polygon, contains_xy, minimum_rotated_rectangle, prepare, transform

from agro.domain.terminal import Cells, TaskMap
from agro.domain.work import Prescription

_GEOD = Geod(ellps="WGS84")
_A, _E2 = 6_378_137.0, 6.69437999014e-3  # [m], [1] of WGS 84. source: NIMA TR8350.2
_ASKEW = 0.35  # [rad] off the longest side: along an edge every section would err to the same side


@dataclass(frozen=True)
class Rules:
    """Rates [any unit, one column a product] by areas or cells, the rate elsewhere in the field and outside of it."""

    areas: tuple[tuple[Polygon, np.ndarray], ...]
    cells: Cells | None
    boundary: MultiPolygon | Polygon | None
    default: np.ndarray
    outside: np.ndarray

    def inside(self, places: np.ndarray) -> np.ndarray:
        """Whether each place (n, 2) [deg] is in the field; where the file has no boundary, in any of its areas."""
        if self.boundary is not None:
            return _within(self.boundary, places)
        found = np.zeros(len(places), bool)
        for area, _ in self.areas:
            found |= _within(area, places)
        return found

    def mapped(self, places: np.ndarray) -> np.ndarray:
        """The rates (n, products) that the map itself says at places (n, 2) [deg]; NaN where it says none."""
        rates = np.full((len(places), len(self.default)), np.nan)
        if self.cells is not None:
            rows = np.floor((places[:, 1] - self.cells.south_deg) / self.cells.north_step_deg).astype(int)
            columns = np.floor((places[:, 0] - self.cells.west_deg) / self.cells.east_step_deg).astype(int)
            height, width = self.cells.rates.shape[:2]
            there = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            rates[there] = self.cells.rates[rows[there], columns[there]]
        for area, own in self.areas:
            rates[_within(area, places)] = own
        return rates

    def rates(self, places: np.ndarray) -> np.ndarray:
        """The rates (n, products) that the machine is told: the map's; where it is silent the default, or outside."""
        found = self.mapped(places)
        silent = np.isnan(found).any(axis=1)
        instead = np.where(self.inside(places[silent])[:, None], self.default, self.outside)
        found[silent] = np.where(np.isnan(found[silent]), instead, found[silent])
        return found


@dataclass(frozen=True)
class Driven:
    """What an implement puts out: kilograms of each product, and at how many places a section was looked at.

    `misplaced` [1] is the share that lands elsewhere where one rate holds over the whole width, not one a section.
    """

    kg: np.ndarray
    misplaced: np.ndarray
    places: int


def rules_of_prescription(prescription: Prescription) -> Rules:
    """The prescription itself, taken as a terminal takes a map; rates in kg/ha."""
    areas = [(polygon, np.array(zone.rate_kg_ha)) for zone in prescription.zones for polygon in zone.outline.geoms]
    default, outside = np.array(prescription.default_kg_ha), np.array(prescription.outside_kg_ha)
    return Rules(tuple(areas), None, prescription.boundary, default, outside)


def rules_of_map(task: TaskMap) -> Rules:
    """A file's map; a rate that the file does not say is 0, as on a terminal without one."""
    nothing = np.zeros(len(task.columns))
    default, outside = (nothing if rates is None else np.nan_to_num(rates) for rates in (task.default, task.outside))
    areas = tuple((area.outline, np.array(area.rates)) for area in task.areas)
    return Rules(areas, task.cells, task.boundary, default, outside)


def drive_over(rules: Rules, ground: MultiPolygon | Polygon, width_m: float, places: int) -> Driven:
    """Swaths of a width [m] slantwise over `ground`; a section is on in the field, and where the map says.

    `places` [1] is at how many sections are looked at: on a small field they are finer than any machine's.
    """
    cell_m = 0.0 if rules.cells is None else rules.cells.north_step_deg * metres_per_degree(rules.cells.south_deg)[1]
    spots, step, section_ha = _sections(ground, width_m, cell_m, places)
    told = rules.rates(spots)
    on = (told != rules.outside).any(axis=1)
    if rules.outside.any():  # else what is off puts out as much as what is on
        on |= rules.inside(spots)
    told, spots, step = told[on], spots[on], step[on]
    total = told.sum(axis=0) * section_ha
    count = np.maximum(np.bincount(step), 1)
    middle = np.column_stack([np.bincount(step, spots[:, axis]) / count for axis in (0, 1)])
    over_width = rules.rates(middle)[step]
    elsewhere = np.abs(over_width - told).sum(axis=0) / 2 * section_ha
    return Driven(total, elsewhere / np.maximum(total, 1e-9), len(spots))


def _sections(
    ground: MultiPolygon | Polygon, width_m: float, margin_m: float, places: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Middle of each section at each step (n, 2) [deg], the number of its step, and its area [ha]."""
    east, north = ground.centroid.coords[0]
    scale = np.array(metres_per_degree(north))
    local = transform(ground, lambda xy: (xy - (east, north)) * scale)
    corners = np.asarray(minimum_rotated_rectangle(local).exterior.coords)
    sides = np.diff(corners, axis=0)[:2]
    heading = np.arctan2(*sides[np.argmax(np.hypot(*sides.T))]) + _ASKEW
    along = np.array([np.sin(heading), np.cos(heading)])
    across = np.array([-along[1], along[0]])
    hull = np.asarray(local.convex_hull.exterior.coords)
    (first, last), (left, right) = (
        ((hull @ axis).min() - margin_m, (hull @ axis).max() + margin_m) for axis in (along, across)
    )
    step = float(np.sqrt((last - first) * (right - left) / places))
    count = max(1, round(width_m / step))
    section = width_m / count
    steps = np.arange(first + step / 2, last + step / 2, step)
    swaths = np.arange(left + width_m / 2, right + width_m / 2, width_m)
    offsets = (np.arange(count) + 0.5) * section - width_m / 2
    v, u, o = (axis.ravel() for axis in np.meshgrid(swaths, steps, offsets, indexing="ij"))
    metres = u[:, None] * along + (v + o)[:, None] * across
    return metres / scale + (east, north), np.arange(len(u)) // count, float(step * section / 1e4)


def metres_per_degree(latitude_deg: float) -> tuple[float, float]:
    """Metres of one degree eastwards and northwards."""
    phi = np.radians(latitude_deg)
    root = np.sqrt(1 - _E2 * np.sin(phi) ** 2)
    return float(np.radians(_A * np.cos(phi) / root)), float(np.radians(_A * (1 - _E2) / root**3))


def row_areas_ha(cells: Cells) -> np.ndarray:
    """The area of a cell of each row [ha], from the closed form of a band between two parallels."""
    edges = np.radians(cells.south_deg + np.arange(cells.rates.shape[0] + 1) * cells.north_step_deg)
    sine, e = np.sin(edges), np.sqrt(_E2)
    to_pole = sine / (1 - _E2 * sine**2) + np.arctanh(e * sine) / e
    areas: np.ndarray = np.diff(to_pole) * _A**2 * (1 - _E2) / 2 * np.radians(cells.east_step_deg) / 1e4
    return areas


def polygon_ha(shape: MultiPolygon | Polygon) -> float:
    """The geodesic area [ha]."""
    return abs(float(_GEOD.geometry_area_perimeter(shape)[0])) / 1e4


def _within(shape: MultiPolygon | Polygon, places: np.ndarray) -> np.ndarray:
    prepare(shape)
    west, south, east, north = shape.bounds
    near = (places[:, 0] >= west) & (places[:, 0] <= east) & (places[:, 1] >= south) & (places[:, 1] <= north)
    found = np.zeros(len(places), bool)
    found[near] = contains_xy(shape, places[near, 0], places[near, 1])
    return found
