"""Does a height model mark missing data with a height of exactly 0? Decided by evidence, over the whole file.

At a shore the first pixel of land rises from the sea much as the second rises from the first. Where 0 stands for
missing data, the first step is a cliff of the land's whole height, and behind it the land goes on as land does.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from agro.sources.raster import opened

_LARGE_PX = 100  # [px] so many zeros among nothing but zeros are an area: a lake or a gap, not chance. source: ours
_CLIFF = 5.0  # [1] a step this many times the next one is a cliff. source: ours
_LEAST_CLIFF = 5.0  # [unit of the file] a lower step may be a quay or a dyke. source: ours
_STRIP_PX = 4_000_000  # [px] read at once
_MOST_STEPS = 1_000_000  # [1] enough of them for a median


@lru_cache(maxsize=32)
def zero_is_missing(path: Path, changed_ns: int, size_bytes: int) -> bool:
    """True where exact zeros are an area with cliffs for shores, or all that the file holds. One pass over the file.

    Then every exact 0 of the file counts as missing. A file with both, the sea and gaps of 0, is judged by the longer
    shore.

    changed_ns, size_bytes  what makes the file another one: the answer is kept as long as they stay
    """
    inner, enough, heights = 0, 0, False
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    with opened(path) as source:
        for strip in _strips(source):
            zero = strip == 0
            heights = heights or bool((~zero & np.isfinite(strip)).any())
            inner += _among_zeros(zero)
            for one, two in _steps(strip, zero):
                if enough < _MOST_STEPS:
                    enough += len(one)
                    first.append(one)
                    second.append(two)
    if inner < _LARGE_PX:
        return False
    if not heights:
        return True
    if not enough:
        return False
    cliff, beyond = float(np.median(np.concatenate(first))), float(np.median(np.concatenate(second)))
    return cliff >= _LEAST_CLIFF and cliff >= _CLIFF * beyond


def _strips(source: Any) -> Iterator[np.ndarray]:
    """The file from north to south, NaN = no data; each strip begins with the last two rows of the one before."""
    step = max(3, _STRIP_PX // source.width)
    for top in range(0, source.height, step):
        above = min(2, top)
        window = Window(0, top - above, source.width, min(step, source.height - top) + above)
        yield source.read(1, window=window, masked=True).astype("float64").filled(np.nan)


def _among_zeros(zero: np.ndarray) -> int:
    """Zeros with zeros on all four sides."""
    return int((zero[1:-1, 1:-1] & zero[:-2, 1:-1] & zero[2:, 1:-1] & zero[1:-1, :-2] & zero[1:-1, 2:]).sum())


def _steps(strip: np.ndarray, zero: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """From each zero outward in four directions: the step to the first height, and from it to the second."""
    for turn in range(4):
        heights, none = np.rot90(strip, turn), np.rot90(zero, turn)
        shore = none[:-2] & ~none[1:-1] & ~none[2:] & np.isfinite(heights[1:-1]) & np.isfinite(heights[2:])
        yield np.abs(heights[1:-1][shore]), np.abs(heights[2:][shore] - heights[1:-1][shore])
