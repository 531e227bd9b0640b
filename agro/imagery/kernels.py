"""What to believe of a window and the reflectance of its counts, compiled: equal to `clearsky` and `reflectance`.

The counts stay integers. What a count means is a table of all 65,536, filled by the readable function itself, so that
its formula stands in one place; the loops over pixels that use it are `agro.agromaps.kernels`.
"""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import xarray as xr

from agro.domain.errors import BadInput
from agro.domain.grid import LATTICE_M
from agro.domain.layers import Quality
from agro.imagery.clearsky import MEANING
from agro.imagery.reflectance import for_ratios, reflectance

_compiled: Callable[[Callable[..., Any]], Any] = numba.njit(nogil=True, cache=True, error_model="numpy")
_CLOUD, _SHADOW, _NO_DATA = int(Quality.CLOUD), int(Quality.SHADOW), int(Quality.NO_DATA)
_FAR = 255  # [px] a distance that no margin reaches
_SIGN = 32_768  # [1] added to signed counts, so that they become an index


def count_tables(scale: float, offset: float, signed: bool = False) -> np.ndarray:
    """The reflectance of every count that 16 bits can hold, as `reflectance` and `for_ratios` say it.

    scale    reflectance of one count [1]
    offset   reflectance of zero counts [1]
    signed   counts lie in -32768..32767: the table begins with the lowest
    returns  (2, 65536) `float32`: `reflectance` [1], and the same at least 0.0001, to stand in ratios; NaN where
             nothing was measured
    source   agro.imagery.reflectance
    """
    counts = np.arange(2 * _SIGN, dtype="int32") - (_SIGN if signed else 0)
    value = reflectance(xr.DataArray(counts), scale, offset)
    return np.stack([value.values, for_ratios(value).values])


def as_index(counts: np.ndarray) -> np.ndarray:
    """Counts as the place of each in its table.

    counts   (y, x) of 16 bits [1], signed or not
    returns  (y, x) `uint16` [1]; unsigned counts are their own place
    source   ours
    """
    return counts if counts.dtype == np.uint16 else counts.view(np.uint16) ^ np.uint16(_SIGN)


def classes_of(scene_classes: np.ndarray, border: int, cloud_margin_m: float, shadow_margin_m: float) -> np.ndarray:
    """What each pixel of a window shows, with margins around cloud and shadow, as `clearsky.quality` says it.

    scene_classes    (y, x) `uint8` scene classes 0..11 [1] on 20 m, the window with a border
    border           [px] on each side, which is cut off again
    cloud_margin_m   [m] pixels this near to a cloud are cloud
    shadow_margin_m  [m] pixels this near to a cloud's shadow are shadow
    returns          (y, x) `quality` [class] of the window
    raises           BadInput when a class is above 11
    source           agro.imagery.clearsky; the disk by horizontal distances, row by row: ours
    """
    classes = np.empty_like(scene_classes)
    highest = _translate(scene_classes, MEANING, classes)
    if highest >= len(MEANING):
        raise BadInput(
            "MASK-CLASS",
            "the scene classification holds class {met}, known are 0 to 11",
            "use the SCL band of Sentinel-2 L2A",
            met=highest,
        )
    rows, columns = (slice(border, side - border) for side in classes.shape)
    inner = classes[rows, columns].copy()
    for found, margin_m in ((_SHADOW, shadow_margin_m), (_CLOUD, cloud_margin_m)):
        _grow(classes, found, _half_widths(margin_m / LATTICE_M), border, inner)
    return inner


def believed_in(classes: np.ndarray) -> np.ndarray:
    """Where a value may be kept, as `clearsky.believed` says it.

    classes  (y, x) `quality` [class]
    returns  (y, x) `bool` [1]
    source   agro.imagery.clearsky
    """
    return np.asarray((classes == Quality.CLEAR) | (classes == Quality.UNCERTAIN))


def _half_widths(radius_px: float) -> np.ndarray:
    """Of a disk, row by row from its middle: how far it reaches to each side [px]."""
    reach = math.floor(radius_px)
    across = np.arange(reach + 1)
    return np.array([across[np.sqrt(across**2 + down**2) <= radius_px].max() for down in range(reach + 1)], "uint8")


@_compiled
def _translate(scene_classes, meaning, classes):  # type: ignore[no-untyped-def]
    """Fill `classes`; the highest scene class that was met."""
    highest = 0
    for y in range(scene_classes.shape[0]):
        for x in range(scene_classes.shape[1]):
            met = scene_classes[y, x]
            highest = max(highest, met)
            classes[y, x] = meaning[min(met, len(meaning) - 1)]
    return highest


@_compiled
def _grow(classes, found, half_widths, border, inner):  # type: ignore[no-untyped-def]
    """Write `found` into the measured pixels of `inner` that a disk around a pixel of that class reaches."""
    height, width = classes.shape
    near = np.empty((height, width), np.uint8)
    there = np.zeros(height, np.bool_)
    for y in range(height):
        distance = _FAR
        for x in range(width):
            distance = 0 if classes[y, x] == found else min(distance + 1, _FAR)
            near[y, x] = distance
        there[y] = near[y].min() == 0
        if there[y]:
            distance = _FAR
            for x in range(width - 1, -1, -1):
                distance = min(distance + 1, near[y, x])
                near[y, x] = distance
    reach = len(half_widths) - 1
    for y in range(inner.shape[0]):
        for other in range(max(y + border - reach, 0), min(y + border + reach, height - 1) + 1):
            if there[other]:
                half = half_widths[abs(other - y - border)]
                for x in range(inner.shape[1]):
                    reached = near[other, x + border] <= half and inner[y, x] != _NO_DATA
                    inner[y, x] = found if reached else inner[y, x]
