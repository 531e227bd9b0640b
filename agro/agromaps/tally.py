"""The field table of a pass while it is mapped: windows in, rows out, in stored integers and one counting pass.

Each window's pixels that belong to fields are laid down where their field's list has its place; when all windows are
in, every list is counted once. Equal to `fieldstats.field_rows` on the same layers, percentiles included.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numba
import numpy as np
import pandas as pd

from agro.agromaps.fieldstats import COLUMNS, SHARES, FieldPixels, flagged
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS, Layer, Quality

_compiled: Callable[[Callable[..., Any]], Any] = numba.njit(nogil=True, cache=True, error_model="numpy")
_CLEAR, _NO_DATA, _BINS = int(Quality.CLEAR), int(Quality.NO_DATA), 65_536


class Tally:
    """Stored layers of one resolution over the pixels of some fields; windows come in any order, from any thread."""

    def __init__(self, pixels: FieldPixels, layers: Sequence[str]) -> None:
        size = int(pixels.offsets[-1])
        self.layers, self._pixels = tuple(layers), pixels
        self._classes = np.full(size, LAYERS["quality"].nodata, LAYERS["quality"].dtype)
        self._values = {name: np.full(size, LAYERS[name].nodata, LAYERS[name].dtype) for name in layers}

    def meets(self, grid: Grid) -> bool:
        """Whether any field reaches into the grid."""
        return self._pixels.meet(grid.at(self._pixels.resolution_m))

    def add(self, grid: Grid, classes: np.ndarray | None, stored: Mapping[str, np.ndarray]) -> None:
        """A window: classes (y, x) on 20 m, layers (y, x) as they are stored, those of other resolutions left alone.

        What is marked as not believed leaves what was there.
        """
        if classes is not None:
            shift = LAYERS["quality"].resolution_m // self._pixels.resolution_m // 2
            self._lay(grid, classes, shift, LAYERS["quality"], self._classes)
        for name, values in self._values.items():
            if name in stored:
                self._lay(grid, stored[name], 0, LAYERS[name], values)

    def rows(self, few_px: int, low_clear_fraction: float) -> pd.DataFrame:
        """One row for each field and layer, as `fieldstats.field_rows` gives them."""
        start, tables = self._pixels.start, []
        measured = _measured(self._classes, start)
        for name, values in self._values.items():
            if LAYERS[name].statistics:
                found = self._statistics(LAYERS[name], values, start)
                tables.append(flagged(name, found, self._pixels, measured, few_px, low_clear_fraction))
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["field_id", *COLUMNS])

    def _statistics(self, layer: Layer, values: np.ndarray, start: np.ndarray) -> pd.DataFrame:
        marks = self._values.get(f"{layer.name}_flag")
        flags = values[:0].astype("uint8") if marks is None else marks
        found = np.full((len(start) - 1, 2 + len(SHARES)), np.nan)
        counts = np.zeros((len(start) - 1, 2), "int64")
        _count(values, self._classes, flags, start, layer.nodata, np.array(SHARES), found, counts)
        names = ["mean", "std", *(f"p{round(100 * share)}" for share in SHARES)]
        table = pd.DataFrame(found * layer.step, columns=names).assign(n_px=counts[:, 0])
        return table if marks is None else table.assign(marked=counts[:, 1])

    def _lay(self, grid: Grid, stored: np.ndarray, shift: int, layer: Layer, values: np.ndarray) -> None:
        own = self._pixels
        size = own.resolution_m
        place = grid.at(size)
        corner = np.array([-place.north_m // size, place.west_m // size, *place.shape])
        _lay(*own.spans, own.offsets, own.boxes, corner, shift, stored, values.dtype.type(layer.nodata), values)


@_compiled
def _lay(start, row, first, stop, offsets, boxes, corner, shift, stored, nodata, values):  # type: ignore[no-untyped-def]
    """Put a window's pixels where their field's list has its place; nodata leaves what was there."""
    north, west, height, width = corner[0], corner[1], corner[2], corner[3]
    for i in range(len(start) - 1):
        box = boxes[i]
        if box[1] < north or box[0] >= north + height or box[3] < west or box[2] >= west + width:
            continue
        for run in range(start[i], start[i + 1]):
            y = row[run] - north
            left, right = max(first[run] - west, 0), min(stop[run] - west, width)
            if 0 <= y < height and left < right:
                at = offsets[run] + left + west - first[run]
                own, line = values[at : at + right - left], stored[y >> shift, left >> shift :]
                if shift:
                    for x in range(len(own)):
                        value = line[((left & 1) + x) >> 1]
                        own[x] = value if value != nodata else own[x]
                else:
                    for x in range(len(own)):
                        value = line[x]
                        own[x] = value if value != nodata else own[x]


@_compiled
def _measured(classes, start):  # type: ignore[no-untyped-def]
    measured = np.zeros(len(start) - 1, np.int64)
    for i in range(len(measured)):
        for pixel in range(start[i], start[i + 1]):
            measured[i] += classes[pixel] != _NO_DATA
    return measured


@_compiled
def _count(values, classes, flags, start, nodata, shares, found, counts):  # type: ignore[no-untyped-def]
    """Mean, deviation and percentiles of each list's clear values, in steps; how many there are, how many flagged."""
    bins = np.zeros(_BINS + 1, np.int32)  # the last one takes what is not used: no branch in the loop
    for i in range(len(start) - 1):
        own, kinds = values[start[i] : start[i + 1]], classes[start[i] : start[i + 1]]
        n, lowest, highest = 0, np.int32(_BINS), np.int32(-_BINS)
        for p in range(len(own)):
            value = np.int32(own[p])
            used = (kinds[p] == _CLEAR) & (value != nodata)
            n += used
            lowest = min(lowest, value if used else np.int32(_BINS))
            highest = max(highest, value if used else np.int32(-_BINS))
        counts[i, 0] = n
        if n == 0:
            continue
        for p in range(len(own)):
            used = (kinds[p] == _CLEAR) & (own[p] != nodata)
            bins[np.int64(own[p]) - lowest if used else _BINS] += 1
        _describe(bins[: highest - lowest + 1], n, lowest, shares, found[i])
        bins[: highest - lowest + 1] = 0
        if len(flags):
            marks = flags[start[i] : start[i + 1]]
            for p in range(len(own)):
                counts[i, 1] += (kinds[p] == _CLEAR) & (own[p] != nodata) & (marks[p] > 0)


@_compiled
def _describe(bins, n, lowest, shares, found):  # type: ignore[no-untyped-def]
    """Fill mean, deviation and percentiles of n values of which bins[k] are lowest + k."""
    total, squares = np.int64(0), np.int64(0)
    for k in range(len(bins)):
        weighted = np.int64(bins[k]) * k
        total += weighted
        squares += weighted * k
    mean = total / n
    found[0], found[1] = lowest + mean, np.sqrt(max(squares / n - mean * mean, 0.0))
    k, passed = 0, np.int64(bins[0])  # values at most lowest + k
    for s in range(len(shares)):
        place = shares[s] * (n - 1)
        rank = np.int64(np.floor(place))
        while passed <= rank:
            k += 1
            passed += bins[k]
        upper = k
        if passed <= rank + 1 < n:
            upper += 1
            while bins[upper] == 0:
                upper += 1
        found[2 + s] = lowest + k + (upper - k) * (place - rank)
