"""One sensor's reflectance brought to another's: a line for each band, with what it explains."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Line:
    """reference = intercept + slope * own, from n pixels; r2 [1] is the share of the reference that it explains."""

    slope: float
    intercept: float
    r2: float
    n_px: int


def line(reference: np.ndarray, own: np.ndarray) -> Line:
    """The line from one sensor to another by least squares.

    reference, own  any one shape, `reflectance` [1]; NaN = not seen
    returns         Line [1]; slope and r2 are 0 where fewer than three pixels are common or one image is flat
    source          Claverie 2018, 10.1016/j.rse.2018.09.002 (bandpass adjustment by lines); r2: of Pearson
    """
    common = np.isfinite(reference) & np.isfinite(own)
    x, y = own[common].astype("float64"), reference[common].astype("float64")
    spread = x.var() if len(x) > 2 else 0.0
    if not spread > 0 or not y.var() > 0:
        return Line(0.0, float(y.mean()) if len(y) else 0.0, 0.0, int(common.sum()))
    together = ((x - x.mean()) * (y - y.mean())).mean()
    slope = together / spread
    return Line(
        float(slope), float(y.mean() - slope * x.mean()), float(together**2 / (spread * y.var())), int(common.sum())
    )
