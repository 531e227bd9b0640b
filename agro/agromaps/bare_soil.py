"""The colour of bare soil: what the passes of several seasons show of a pixel when nothing covers it.

Red and near infrared are not kept, but the two vegetation indices that are kept hold them; so do NDMI and the kept band
at 2190 nm hold that at 1610 nm. A dark place has more humus, clay or water than a bright one of the same field.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

_MEDIAN_SE = 1.2533  # [1] standard error of a median over that of a mean, sqrt(pi / 2). source: any textbook
_LEAST_SLOPE = 0.02  # [1] below it an index of two bands no longer tells how bright they are. source: ours


@dataclass(frozen=True)
class BareRules:
    """When a pixel is bare: section `bare_soil` of configs/soils.toml.

    Greenness between `ndvi_lowest` (water, snow and stone lie below) and `ndvi_highest`, and a difference of both
    shortwave bands over their sum not above `residue_highest`: straw lies above. A composite takes `fewest_looks`.
    """

    ndvi_lowest: float
    ndvi_highest: float
    residue_highest: float
    fewest_looks: int


def red_and_nir(ndvi: xr.DataArray, evi2: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """The two bands that both indices were made of.

    ndvi     `ndvi` [1] any dims
    evi2     `evi2` [1] the same dims
    returns  reflectance [1] of red and of near infrared; NaN where an index is, or NDVI is nearer to 0 than 0.02: there
             the indices tell nothing of brightness
    source   ours: EVI2 = 2.5 (N - R) / (N + 2.4 R + 1) solved for N with R = N (1 - NDVI) / (1 + NDVI)
    """
    ratio = (1 - ndvi) / (1 + ndvi)
    below = 2.5 * (1 - ratio) - evi2 * (1 + 2.4 * ratio)
    nir = evi2 / below.where(np.abs(ndvi) >= _LEAST_SLOPE)
    nir = nir.where((nir > 0) & (nir < 2))
    return nir * ratio, nir


def is_bare(ndvi: xr.DataArray, ndmi: xr.DataArray, nir: xr.DataArray, swir22: xr.DataArray, rules: BareRules) -> xr.DataArray:  # fmt: skip  # noqa: E501
    """Whether soil is seen, and nothing else.

    ndvi     (y, x) `ndvi` [1] on 20 m
    ndmi     (y, x) `ndmi` [1]
    nir      (y, x) reflectance [1] of near infrared, which stands for the narrower band of NDMI
    swir22   (y, x) `swir22` [1]
    rules    limits
    returns  (y, x) True where bare [1]; False where an input is NaN
    source   thresholds on NDVI and NBR2 as Dematte 2018, 10.1016/j.rse.2018.04.047, does (from memory)
    """
    swir16 = nir * (1 - ndmi) / (1 + ndmi)
    residue = (swir16 - swir22) / (swir16 + swir22)
    green = (ndvi >= rules.ndvi_lowest) & (ndvi <= rules.ndvi_highest)
    return green & (residue <= rules.residue_highest)


def bare_composite(looks: xr.Dataset, fewest_looks: int) -> xr.Dataset:
    """The usual colour of each pixel's bare soil, without what was common to a date: wet days are dark everywhere.

    looks         Dataset (time, pixel): `red`, `nir`, `swir22` reflectance [1]; NaN where not bare or not clear
    fewest_looks  [1] pixels with fewer stay unknown
    returns       Dataset (pixel): `bare_red`, `bare_nir`, `bare_swir22`, `bare_brightness` [1] (the root mean square of
                  red and near infrared), `bare_brightness_se` [1] from the scatter between its looks, `bare_looks` [1]
    source        brightness: Escadafal 1989 (from memory); the effect of the date: medians of logarithms, as Tukey's
                  median polish, one round: ours
    """
    brightness: xr.DataArray = ((looks["red"] ** 2 + looks["nir"] ** 2) / 2) ** 0.5
    n_looks = brightness.notnull().sum("time")
    enough = n_looks >= fewest_looks
    found = {"bare_looks": n_looks.astype("float32")}
    for name, values in {**looks.data_vars, "brightness": brightness}.items():
        logs: xr.DataArray = xr.apply_ufunc(np.log, values.where(values > 0))
        of_pixel = logs.median("time")
        of_date = (logs - of_pixel).median("pixel")
        even = logs - of_date
        found[f"bare_{name}"] = xr.apply_ufunc(np.exp, even.median("time")).where(enough)
        if name == "brightness":
            share = _MEDIAN_SE * even.std("time", ddof=0) / np.sqrt((n_looks - 1).where(n_looks > 1))
            found["bare_brightness_se"] = (found["bare_brightness"] * share).where(enough)
    return xr.Dataset(found)
