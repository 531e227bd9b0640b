"""Several looks to one, compiled: equal to `composites` and `moisture` within a step of what is stored."""

from collections.abc import Callable, Mapping
from typing import Any

import numba
import numpy as np
import xarray as xr

from agro.agromaps.moisture import shortwave_transform
from agro.agromaps.moisture_edges import OVERSATURATED, Edges
from agro.domain.layers import LAYERS

_compiled: Callable[[Callable[..., Any]], Any] = numba.njit(nogil=True, cache=True, error_model="numpy")
_ABSENT = np.int16(32_767)  # [step] sorts behind every value of 16 bits that a layer can hold


def median_of(name: str, looks: np.ndarray) -> np.ndarray:
    """The median of several looks, in the steps in which they are stored.

    name     of a layer of 16 bits
    looks    (look, y, x) the layer of each look as stored, in its register's steps [1]; its mark where not believed
    returns  (y, x) the layer as stored [1]; its mark where no look is believed
    source   agro.agromaps.composites
    """
    median = np.empty(looks.shape[1:], looks.dtype)
    _median(looks, LAYERS[name].nodata, median)
    return median


def transform_table(table: np.ndarray) -> np.ndarray:
    """The transformed shortwave reflectance of every count.

    table    (2, 65536) `reflectance` [1] of each count
    returns  (65536,) transformed reflectance [1], NaN where nothing was measured or reflectance is not above 0
    source   agro.agromaps.moisture
    """
    return np.asarray(shortwave_transform(xr.DataArray(table[0])).values, "float32")


def edge_rows(edges: Mapping[int, Edges]) -> np.ndarray:
    """Edges of numbered groups as rows: whether there are any, whether exponential, both intercepts and slopes.

    edges    by the number of their group, 0 to 254 [1]
    returns  (256, 6) numbers of the edges [1]; zeros where a group has none
    source   agro.agromaps.moisture_edges
    """
    rows = np.zeros((256, 6), "float32")
    for number, own in edges.items():
        rows[number, :2] = 1, own.shape == "exponential"
        rows[number, 2:] = own.dry.intercept, own.dry.slope, own.wet.intercept, own.wet.slope
    return rows


def wetness_of(
    ndvi: np.ndarray,
    counts: np.ndarray,
    transform: np.ndarray,
    believed: np.ndarray,
    groups: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """Surface wetness between the edges of each pixel's group, as it is stored.

    ndvi       (y, x) `ndvi` as stored on 10 m, in steps [1]
    counts     (y, x) `uint16` of the shortwave band on 20 m, as places in the table [1]
    transform  (65536,) transformed reflectance of each count [1]
    believed   (y, x) True where a value may be kept [1], on 20 m
    groups     (y, x) `uint8` number of each pixel's group [1]
    rows       (256, 6) edges by that number [1]
    returns    (y, x) `wetness` as stored on 20 m [1]; its mark where not believed or where standing water is seen
    source     agro.agromaps.moisture
    """
    layer, greenness = LAYERS["wetness"], LAYERS["ndvi"]
    stored = np.empty(counts.shape, layer.dtype)
    steps = np.array([greenness.step, layer.step, 1 + OVERSATURATED], "float32")
    _wetness(ndvi, greenness.nodata, counts, transform, believed, groups, rows, steps, layer.nodata, stored)
    return stored


@_compiled
def _median(looks, mark, median):  # type: ignore[no-untyped-def]
    """Row by row: sort the looks of each pixel by exchanging whole rows, then take the middle of those there are."""
    number, height, width = looks.shape
    row = np.empty((number, width), looks.dtype)
    there = np.empty(width, np.int64)
    for y in range(height):
        there[:] = 0
        for k in range(number):
            for x in range(width):
                seen = looks[k, y, x] != mark
                there[x] += seen
                row[k, x] = looks[k, y, x] if seen else _ABSENT
        for last in range(number - 1, 0, -1):
            for k in range(last):
                for x in range(width):
                    a, b = row[k, x], row[k + 1, x]
                    row[k, x] = min(a, b)
                    row[k + 1, x] = max(a, b)
        for x in range(width):
            n = there[x]
            if n:
                low, high = np.int32(row[(n - 1) // 2, x]), np.int32(row[n // 2, x])
                median[y, x] = (low + high) >> 1
            else:
                median[y, x] = mark


@_compiled
def _wetness(ndvi, ndvi_mark, counts, transform, believed, groups, rows, steps, mark, stored):  # type: ignore[no-untyped-def]
    height, width = counts.shape
    for y in range(height):
        above, below = ndvi[2 * y], ndvi[2 * y + 1]
        for x in range(width):
            stored[y, x] = mark
            a, b, c, d = above[2 * x], above[2 * x + 1], below[2 * x], below[2 * x + 1]
            seen = (a != ndvi_mark) & (b != ndvi_mark) & (c != ndvi_mark) & (d != ndvi_mark)
            edge = rows[groups[y, x]]
            if not (believed[y, x] & seen) or edge[0] == 0:
                continue
            green = np.float32(0.25) * steps[0] * np.float32(np.int32(a) + b + c + d)
            dry, wet = edge[2] + edge[3] * green, edge[4] + edge[5] * green
            if edge[1]:
                dry, wet = edge[2] * np.exp(edge[3] * green), edge[4] * np.exp(edge[5] * green)
            place = transform[counts[y, x]]
            if wet > dry and place <= wet * steps[2]:
                relative = min(max((place - dry) / (wet - dry), np.float32(0)), np.float32(1))
                stored[y, x] = np.int16(np.rint(relative / steps[1]))
