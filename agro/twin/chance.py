"""Chance from one seed: the same name under the same seed gives the same numbers."""

import zlib
from collections.abc import Callable

import numpy as np


def chance(seed: int, *names: object) -> np.random.Generator:
    """A generator of its own for each name."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def random_field(random: np.random.Generator, shape: tuple[int, int], range_px: float) -> np.ndarray:
    """A smooth Gaussian random surface (y, x) with mean 0 and deviation 1, correlated over about `range_px`."""
    from scipy.ndimage import zoom

    coarse = max(1.0, range_px / 4)  # noise is drawn on a coarser lattice and interpolated: smooth and quick
    small = random.normal(size=tuple(int(np.ceil(n / coarse)) + 4 for n in shape))
    fine = zoom(_smoothed(small), coarse, order=1)[: shape[0], : shape[1]]
    surface: np.ndarray = (fine - fine.mean()) / max(fine.std(), 1e-9)
    return surface


def _smoothed(surface: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    result: np.ndarray = gaussian_filter(surface, 1.3, mode="reflect")
    return result


def random_surface(
    random: np.random.Generator, range_m: float, count: int = 60
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The same kind of surface as a function of x and y [m]: a sum of waves. source: Rahimi and Recht 2007"""
    waves = random.normal(size=(2, count)) / (0.46 * range_m)  # 0.46: as smooth as `random_field`
    phase = random.uniform(0, 2 * np.pi, count)

    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        turns = np.multiply.outer(x, waves[0]) + np.multiply.outer(y, waves[1]) + phase
        return np.asarray(np.cos(turns).sum(axis=-1) * np.sqrt(2 / count))

    return height
