"""Which pixels an outline covers wholly: exact areas, counted edge by edge in one sweep over each outline."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
import shapely

_WHOLE = (
    0.999  # [1] coverage that counts as whole: outlines drawn along pixel edges keep their pixels after reprojection
)
_BAND_PX = 4_000_000  # [px] of an outline's box that are swept at once
_compiled: Callable[[Callable[..., Any]], Any] = numba.njit(nogil=True, cache=True, error_model="numpy")


class Spans(NamedTuple):
    """Pixels of several outlines as runs along rows.

    Outline i owns runs start[i]:start[i+1]; run k is columns first[k] to stop[k] (not included) of row[k], counted from
    the lattice's origin southward and eastward.
    """

    start: np.ndarray
    row: np.ndarray
    first: np.ndarray
    stop: np.ndarray

    def of(self, outlines: Sequence[int]) -> "Spans":
        """The runs of some of the outlines, by their number."""
        counts = np.diff(self.start)[list(outlines)] if len(outlines) else np.empty(0, "int64")
        runs = np.concatenate([np.arange(self.start[i], self.start[i + 1]) for i in outlines] or [np.empty(0, "int64")])
        start = np.concatenate([[0], np.cumsum(counts)]).astype("int64")
        return Spans(start, self.row[runs], self.first[runs], self.stop[runs])

    def filled(self, missing: np.ndarray, others: "Spans") -> "Spans":
        """With the runs of others in place of outlines that have none; `missing` are their numbers, in order."""
        if not len(missing):
            return self
        number = np.arange(len(self.start) - 1)
        number[missing] = len(number) + np.arange(len(missing))
        both = Spans(
            np.concatenate([self.start, self.start[-1] + others.start[1:]]),
            *(np.concatenate(pair) for pair in zip(self[1:], others[1:], strict=True)),
        )
        return both.of(number.tolist())


def spans_inside(outlines: np.ndarray, resolution_m: int) -> Spans:
    """The pixels that lie wholly inside each outline.

    outlines      polygons or multipolygons [m] in the CRS of the lattice, any of them empty
    resolution_m  pixel size [m]
    returns       Spans [px]
    source        ours: signed areas right of each edge, summed along the row, as font rasterisers do; whole from 0.999
    """
    polygons, owner = shapely.get_parts(shapely.orient_polygons(outlines), return_index=True)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    places = np.column_stack([corners[:, 0], -corners[:, 1]]) / resolution_m
    last_of_ring = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    field = owner[polygon][ring] if len(ring) else np.empty(0, "int64")
    first_corner = np.searchsorted(field, np.arange(len(outlines) + 1))
    count, row, first, stop = _sweep(places, last_of_ring, first_corner)
    return Spans(np.concatenate([[0], np.cumsum(count)]).astype("int64"), row, first, stop)


def spans_centred(outlines: np.ndarray, resolution_m: int) -> Spans:
    """The pixels whose centre lies inside each outline.

    outlines      polygons or multipolygons [m] in the CRS of the lattice
    resolution_m  pixel size [m]
    returns       Spans [px]
    source        ours: what rasterisers take by default
    """
    runs, count = [np.empty((3, 0), "int32")], np.zeros(len(outlines), "int64")
    for i, outline in enumerate(outlines):
        if outline.is_empty:
            continue
        west, south, east, north = np.array(outline.bounds) / resolution_m
        rows, columns = (
            index.ravel()
            for index in np.mgrid[int(-north // 1) : int(-(south // 1)), int(west // 1) : int(-(-east // 1))]
        )
        inside = shapely.contains_xy(outline, (columns + 0.5) * resolution_m, -(rows + 0.5) * resolution_m)
        row, column = rows[inside], columns[inside]
        begins = np.flatnonzero((np.diff(row, prepend=row[:1] - 1) != 0) | (np.diff(column, prepend=-1) != 1))
        length = np.diff(np.append(begins, len(row)))
        runs.append(np.stack([row[begins], column[begins], column[begins] + length]).astype("int32"))
        count[i] = len(begins)
    return Spans(np.concatenate([[0], np.cumsum(count)]), *np.concatenate(runs, axis=1))


@_compiled
def _sweep(places, last_of_ring, first_corner):  # type: ignore[no-untyped-def]
    """For each outline how many runs it has, and the runs of all: row, first, stop."""
    outlines = len(first_corner) - 1
    count = np.zeros(outlines, np.int64)
    runs = np.empty((1024, 3), np.int32)
    filled = 0
    for i in range(outlines):
        begin, end = first_corner[i], first_corner[i + 1]
        if end - begin < 4:
            continue
        x, y = places[begin:end, 0], places[begin:end, 1]
        west, north = int(np.floor(x.min())), int(np.floor(y.min()))
        wide, south = int(np.ceil(x.max())) - west, int(np.ceil(y.max()))
        high = max(_BAND_PX // (wide + 2), 1)
        before = filled
        for top in range(north, south, high):
            areas = np.zeros((min(high, south - top), wide + 2))
            for corner in range(begin, end - 1):
                if not last_of_ring[corner]:
                    _add_edge(places[corner], places[corner + 1], west, top, areas)
            for r in range(areas.shape[0]):
                if filled + wide > len(runs):
                    longer = np.empty((2 * len(runs) + wide, 3), np.int32)
                    longer[:filled] = runs[:filled]
                    runs = longer
                filled = _add_runs(areas[r], top + r, west, runs, filled)
        count[i] = filled - before
    return count, runs[:filled, 0].copy(), runs[:filled, 1].copy(), runs[:filled, 2].copy()


@_compiled
def _add_edge(one, other, west, top, areas):  # type: ignore[no-untyped-def]
    """Add the signed area that lies right of an edge to the pixels it crosses and, whole, to the next ones."""
    x0, y0, x1, y1, sign = one[0] - west, one[1] - top, other[0] - west, other[1] - top, 1.0
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, -1.0
    if y0 == y1:
        return
    lean = (x1 - x0) / (y1 - y0)
    for r in range(max(int(np.floor(y0)), 0), min(int(np.ceil(y1)), areas.shape[0])):
        upper, lower = max(y0, np.float64(r)), min(y1, np.float64(r + 1))
        left, right = x0 + (upper - y0) * lean, x0 + (lower - y0) * lean
        if left > right:
            left, right = right, left
        height = sign * (lower - upper)
        first, last = max(int(np.floor(left)), 0), min(int(np.floor(right)), areas.shape[1] - 2)
        for c in range(first, last + 1):
            if first == last:
                part, middle = height, 0.5 * (left + right) - c
            else:
                begin, end = max(left, np.float64(c)), min(right, np.float64(c + 1))
                part, middle = height * (end - begin) / (right - left), 0.5 * (begin + end) - c
            areas[r, c] += part * (1.0 - middle)
            areas[r, c + 1] += part * middle


@_compiled
def _add_runs(areas, row, west, runs, filled):  # type: ignore[no-untyped-def]
    covered, inside = 0.0, False
    for c in range(len(areas)):
        covered += areas[c]
        whole = abs(covered) >= _WHOLE
        if whole and not inside:
            runs[filled] = row, west + c, west + c + 1
            filled += 1
        elif whole:
            runs[filled - 1, 2] = west + c + 1
        inside = whole
    return filled
