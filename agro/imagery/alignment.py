"""Where an image truly lies, by another one of the same ground: phase correlation, far below a pixel."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

_TAPER_PX = 3.0  # [px] so far inside its edge the common ground weighs less. source: ours
_HIGHEST_PER_PX = 0.25  # [1/px] details finer than this are mostly noise of either sensor. source: ours
_LEVEL_PX = 5.0  # [px] what changes more slowly than this is level and no detail. source: ours
_FARTHEST_PX = 8  # [px] no shift is sought beyond it. source: ours
_STEP_PX = 0.01  # [px] to which the peak is found
_APART_PX = 2.0  # [px] a peak so far from the highest one is another one. source: ours


@dataclass(frozen=True)
class Shift:
    """How far the second image has to be moved onto the first: right and down [px], and how clear that is.

    clearness  [1] height of the peak over that of the next one; near 1 nothing common was found
    """

    right_px: float
    down_px: float
    clearness: float


def shift(reference: np.ndarray, moved: np.ndarray) -> Shift | None:
    """The shift of an image against a reference on the same grid, all bands together.

    reference  (band, y, x) `reflectance` [1]; NaN = not seen
    moved      (band, y, x) `reflectance` [1] of the same bands; any gain and offset; NaN = not seen
    returns    Shift [px], or None where too little is seen by both
    source     Kuglin and Hines 1975 (phase correlation); Guizar-Sicairos 2008, 10.1364/OL.33.000156 (finer peak)
    """
    common = np.isfinite(reference).all(axis=0) & np.isfinite(moved).all(axis=0)
    if common.sum() < (2 * _TAPER_PX) ** 2:
        return None
    weight = np.minimum(distance_transform_edt(np.pad(common, 1))[1:-1, 1:-1] / _TAPER_PX, 1.0)
    power = np.sum([_cross_power(a, b, weight) for a, b in zip(reference, moved, strict=True)], axis=0)
    size = np.abs(power)
    if not size.max() > 0:
        return None
    fy, fx = np.fft.fftfreq(power.shape[0])[:, None], np.fft.fftfreq(power.shape[1])[None, :]
    low_pass = np.exp(-(fy**2 + fx**2) / (2 * (_HIGHEST_PER_PX / 2) ** 2))
    phase = low_pass * power / np.maximum(size, 1e-12 * size.max())
    surface = np.fft.ifft2(phase).real
    down, right, clearness = _peak(surface)
    down, right = _finer(phase, fy, fx, down, right)
    return Shift(right, down, clearness)


def _cross_power(reference: np.ndarray, moved: np.ndarray, weight: np.ndarray) -> np.ndarray:
    shape = tuple(size + 2 * _FARTHEST_PX for size in weight.shape)
    spectra = []
    for image in (reference, moved):
        known = np.where(weight > 0, image, 0.0)
        around = np.maximum(gaussian_filter(weight, _LEVEL_PX), 1e-6)
        detail = known - gaussian_filter(known * weight, _LEVEL_PX) / around  # the level would tie edge to edge
        spread = np.sqrt((weight * detail**2).sum() / weight.sum())
        spectra.append(np.fft.fft2(weight * detail / max(float(spread), 1e-9), shape))
    power: np.ndarray = spectra[0] * np.conj(spectra[1])
    return power


def _peak(surface: np.ndarray) -> tuple[float, float, float]:
    """The highest place within the farthest shift, and how it stands out."""
    n = _FARTHEST_PX
    near = np.roll(surface, (n, n), (0, 1))[: 2 * n + 1, : 2 * n + 1]
    row, column = np.unravel_index(np.argmax(near), near.shape)
    rows, columns = np.indices(near.shape)
    other = near[np.hypot(rows - row, columns - column) > _APART_PX].max()
    return float(row) - n, float(column) - n, float(near[row, column] / max(float(other), 1e-12))


def _finer(phase: np.ndarray, fy: np.ndarray, fx: np.ndarray, down: float, right: float) -> tuple[float, float]:
    """The peak near a whole pixel, by the transform itself on ever finer places."""
    for step in (0.1, _STEP_PX):
        places = np.arange(-10, 11) * step
        rows = np.exp(2j * np.pi * (down + places)[:, None] * fy.T)
        columns = np.exp(2j * np.pi * fx.T * (right + places)[None, :])
        surface = (rows @ phase @ columns).real
        row, column = np.unravel_index(np.argmax(surface), surface.shape)
        down, right = down + float(places[row]), right + float(places[column])
    return down, right
