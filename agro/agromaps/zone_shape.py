"""Zones that a machine can work, never narrower than twice its width, and their outlines without gaps."""

import numpy as np
import shapely
from scipy import ndimage
from shapely import Geometry

from agro.domain.errors import BadInput
from agro.domain.grid import Grid

_MAJORITY_PX = 5  # [px] side of the window whose commonest zone a pixel takes
_ROUNDS = 20  # [1] most rounds of opening and merging
_MARGIN_PX = 3  # [px] zones are drawn this far beyond the field before they are cut to it
_BALANCE = 1e-6  # [1] share of the field's area by which the zones may miss it: rounding of coordinates
_M2_HA = 10_000.0  # [m2/ha]


def workable(zone: np.ndarray, pixel_m: float, implement_width_m: float, smallest_ha: float) -> np.ndarray:
    """Zones without what a machine cannot follow.

    zone               (y, x) classes from 1 [1], 0 outside the field
    pixel_m            side of a pixel [m]
    implement_width_m  working width [m]; every part of a zone holds a disk of twice this width
    smallest_ha        smallest part of a zone [ha]
    returns            (y, x) the same classes [1], some of them possibly gone; the field's pixels are the same
    source             ours: majority of 5 x 5, opening by a disk, what is left over to the nearest part that stays,
                       a part too small to the neighbour with the longest border; again until nothing changes
    """
    disk = disk_of(2 * implement_width_m / pixel_m)
    least_px = smallest_ha * _M2_HA / pixel_m**2
    shaped = _majority(zone)
    for _ in range(_ROUNDS):
        before = shaped
        shaped = _merged(_widened(shaped, disk), least_px)
        if np.array_equal(before, shaped):
            break
    return shaped


def disk_of(diameter_px: float) -> np.ndarray:
    """A disk of whole pixels, at least so wide.

    diameter_px  [px], rounded up
    returns      (y, x) True inside [1]
    source       ours: pixels whose centre is within half the diameter
    """
    side = max(1, int(np.ceil(diameter_px - 1e-9)))
    away = np.arange(side) - (side - 1) / 2
    disk: np.ndarray = away[:, None] ** 2 + away**2 <= (side / 2) ** 2
    return disk


def spread(zone: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Classes carried to the nearest pixels that have none.

    zone     (y, x) classes from 1 [1], 0 where none
    over     (y, x) True where a class is wanted [1]
    returns  (y, x) classes [1], 0 outside `over`; all 0 where there is no class at all
    source   ours: nearest by distance between pixel centres
    """
    if not zone.any():
        return np.zeros_like(zone)
    rows, columns = ndimage.distance_transform_edt(zone == 0, return_distances=False, return_indices=True)
    return np.where(over, zone[rows, columns], 0).astype(zone.dtype)


def outlines(zone: np.ndarray, grid: Grid, field: Geometry | None = None, corner_m: float = 5.0) -> list[Geometry]:
    """One outline for each zone; together they are the field, without gap or overlap.

    zone      (y, x) classes 1..n [1] on `grid`, 0 outside the field
    grid      where the pixels lie [m]
    field     the field's own outline [m] in the grid's CRS, kept exactly; without it the edges of its pixels
    corner_m  corners between zones smaller than this are cut [m]: the root of the cut triangle's area
    returns   polygons or multipolygons [m] of zones 1..n in order
    raises    BadInput when there is no zone, or the outlines do not make up the field
    source    ours: steps of pixels bevelled at half a pixel, then Visvalingam and Whyatt 1993 on the whole coverage
    """
    if not zone.any():
        raise BadInput(
            "ZONE-NONE", "there are no zones to draw", "draw the zones of a field that has pixels of its own"
        )
    if field is None:
        field = shapely.simplify(_squares(zone > 0, grid), 0)
    west, south, east, north = grid.bounds
    reach = max(west - field.bounds[0], south - field.bounds[1], field.bounds[2] - east, field.bounds[3] - north, 0)
    margin = _MARGIN_PX + int(np.ceil(reach / grid.resolution_m))
    wide = np.pad(zone, margin)
    wide = spread(wide, np.ones_like(wide, bool))
    lines = _bevelled(_borders(wide, grid.padded(margin * grid.resolution_m)), grid.resolution_m)
    faces = shapely.get_parts(shapely.polygonize(lines))
    classes = _classes_of(faces, wide, grid.padded(margin * grid.resolution_m))
    cut = shapely.intersection(shapely.coverage_simplify(faces, corner_m), field)
    drawn = [_polygonal(cut[classes == one]) for one in range(1, int(zone.max()) + 1)]
    _require_balance(drawn, field)
    return drawn


def _majority(zone: np.ndarray) -> np.ndarray:
    """The commonest class in the window of each pixel; where several tie, the pixel's own stays if it is one."""
    classes = [int(one) for one in np.unique(zone) if one]
    if len(classes) < 2:
        return zone
    window = np.ones(_MAJORITY_PX)
    votes = []
    for one in classes:
        count = ndimage.convolve1d((zone == one).astype("int32"), window.astype("int32"), axis=0, mode="constant")
        count = ndimage.convolve1d(count, window.astype("int32"), axis=1, mode="constant")
        votes.append(2 * count + (zone == one))
    commonest = np.asarray(classes)[np.argmax(votes, axis=0)]
    return np.where(zone > 0, commonest, 0).astype(zone.dtype)


def _widened(zone: np.ndarray, disk: np.ndarray) -> np.ndarray:
    """Each class opened by the disk; pixels that no disk of their class reaches go to the nearest that one does."""
    kept = np.zeros_like(zone)
    for one in np.unique(zone[zone > 0]):
        kept[ndimage.binary_opening(np.pad(zone == one, 1), disk)[1:-1, 1:-1]] = one
    if not kept.any():
        return np.where(zone > 0, _commonest(zone), 0).astype(zone.dtype)
    return spread(kept, zone > 0)


def _merged(zone: np.ndarray, least_px: float) -> np.ndarray:
    """Parts smaller than asked, the smallest first, given to the neighbour with the longest border."""
    zone = zone.copy()
    while True:
        parts, count = _parts(zone)
        size = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        touching = _border_px(parts, count)
        small = [one for one in np.argsort(size, kind="stable") if size[one] < least_px and touching[one].any()]
        if not small:
            return zone
        class_of = np.zeros(count, zone.dtype)
        class_of[parts[zone > 0] - 1] = zone[zone > 0]
        zone[parts == small[0] + 1] = class_of[touching[small[0]].argmax()]


def _parts(zone: np.ndarray) -> tuple[np.ndarray, int]:
    """Connected parts of each class, numbered from 1."""
    parts, total = np.zeros(zone.shape, "int64"), 0
    for one in np.unique(zone[zone > 0]):
        own, count = ndimage.label(zone == one)
        parts[own > 0] = own[own > 0] + total
        total += count
    return parts, total


def _border_px(parts: np.ndarray, count: int) -> np.ndarray:
    """(part, part) pixel edges that two parts share."""
    shared = np.zeros((count, count), "int64")
    for here, there in ((parts[1:], parts[:-1]), (parts[:, 1:], parts[:, :-1])):
        edge = (here != there) & (here > 0) & (there > 0)
        np.add.at(shared, (here[edge] - 1, there[edge] - 1), 1)
    return shared + shared.T


def _commonest(zone: np.ndarray) -> int:
    return int(np.bincount(zone[zone > 0]).argmax())


def _squares(inside: np.ndarray, grid: Grid) -> Geometry:
    """The ground of the pixels: their runs along the rows, united."""
    edges = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype("int8"), axis=1)
    row, first = np.nonzero(edges == 1)
    after = np.nonzero(edges == -1)[1]
    size, west, north = grid.resolution_m, grid.west_m, grid.north_m
    return shapely.union_all(
        shapely.box(west + first * size, north - (row + 1) * size, west + after * size, north - row * size)
    )


def _borders(zone: np.ndarray, grid: Grid) -> Geometry:
    """The lines between classes and around them all, each drawn once, joined from knot to knot."""
    rings = [shapely.boundary(_squares(zone == one, grid)) for one in np.unique(zone)]
    return shapely.line_merge(shapely.union_all(rings))


def _bevelled(lines: Geometry, pixel_m: float) -> list[Geometry]:
    """Steps of pixels cut from middle to middle of their edges; no line moves by more than half a pixel."""
    drawn = []
    for line in shapely.get_parts(lines):
        points = shapely.get_coordinates(shapely.segmentize(line, pixel_m))
        middles = (points[1:] + points[:-1]) / 2
        closed = np.array_equal(points[0], points[-1])
        ends = (middles, middles[:1]) if closed else (points[:1], middles, points[-1:])
        drawn.append(shapely.LineString(np.concatenate(ends)))
    return drawn


def _classes_of(faces: np.ndarray, zone: np.ndarray, grid: Grid) -> np.ndarray:
    middle = shapely.get_coordinates(shapely.point_on_surface(faces))
    column = ((middle[:, 0] - grid.west_m) // grid.resolution_m).astype(int)
    row = ((grid.north_m - middle[:, 1]) // grid.resolution_m).astype(int)
    classes: np.ndarray = zone[row, column]
    return classes


def _polygonal(pieces: np.ndarray) -> Geometry:
    """The pieces as one outline, without the points and lines that a cut leaves."""
    polygons = [part for part in shapely.get_parts(shapely.get_parts(pieces)) if part.geom_type == "Polygon"]
    return shapely.union_all(polygons)


def _require_balance(drawn: list[Geometry], field: Geometry) -> None:
    total_ha, field_ha = sum(one.area for one in drawn) / _M2_HA, field.area / _M2_HA
    if abs(total_ha - field_ha) > _BALANCE * field_ha:
        raise BadInput(
            "ZONE-BALANCE",
            "the zones measure {met} ha, their field {expected} ha",
            "check that the outline is sound and lies where the pixels do",
            met=round(total_ha, 4),
            expected=round(field_ha, 4),
        )
