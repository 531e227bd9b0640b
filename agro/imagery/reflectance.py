"""Counts to surface reflectance, by the product's own scale and offset."""

import numpy as np
import xarray as xr

LOWEST = (
    -0.02
)  # [1] correction errors reach this far below zero; lower is not a surface. ours, after METHODS of ESA L2A
FLOOR = 1e-4  # [1] one count: what a ratio is computed from where reflectance is zero or slightly negative


def reflectance(counts: xr.DataArray, scale: float, offset: float, nodata: int = 0) -> xr.DataArray:
    """Surface reflectance of one band.

    counts   (y, x) as the product stores them [1]; `nodata` marks what was not measured
    scale    reflectance of one count [1]
    offset   reflectance of zero counts [1], -0.1 for most products since processing baseline 04.00
    returns  (y, x) `reflectance` [1]; NaN where nothing was measured or the value is below -0.02
    source   ESA S2 L2A product specification: (DN + BOA_ADD_OFFSET) / QUANTIFICATION_VALUE
    """
    # float64, then rounded to a millionth: the same surface written with other offsets must give the same bits
    value = (counts.astype("float64") * scale + offset).round(6).astype("float32")
    return value.where((counts != nodata) & (value >= LOWEST))


def for_ratios(band: xr.DataArray) -> xr.DataArray:
    """Reflectance that may stand in a ratio: never below one count.

    band     (y, x) `reflectance` [1]; NaN stays NaN
    returns  (y, x) `reflectance` [1], at least 0.0001
    source   ours: a difference index of slightly negative reflectance leaves -1..1
    """
    return band.clip(min=FLOOR)


def to_20_m(band: xr.DataArray) -> xr.DataArray:
    """The mean of each 2 by 2 pixels: 10 m reflectance on the 20 m lattice.

    band     (y, x) `reflectance` [1] on 10 m, even shape
    returns  (y, x) `reflectance` [1] on 20 m; NaN where any of the four is
    source   ours: base pixels are averaged, never overviews, which may hold nearest neighbours
    """
    return band.coarsen(y=2, x=2).reduce(np.mean)
