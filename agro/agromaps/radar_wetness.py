"""Wetness of bare and thinly covered soil from radar: each pixel against its own driest and wettest looks.

Clouds do not matter, but leaves do, and so does the angle of the look: each relative orbit is compared with itself.
"""

import numpy as np
import xarray as xr

THIN_NDVI = 0.5  # [1] denser canopies scatter the signal themselves. source: ours, after Gao 2017, PMC5621168
_DRY_AND_WET = (0.05, 0.95)  # [1] quantiles of a pixel's looks. source: change detection of TU Wien, not verified


def despeckled(backscatter_db: xr.DataArray, field: xr.DataArray, side_px: int) -> xr.DataArray:
    """Backscatter with less speckle: the mean power of the neighbours that lie in the same field.

    backscatter_db  (y, x) `vv` [dB] of one look; NaN where not seen
    field           (y, x) number of each pixel's field [1], 0 outside all
    side_px         [px] side of the square of neighbours, odd
    returns         (y, x) `vv` [dB]; NaN outside the fields and where not seen
    source          multi-looking of power, as in any textbook of radar; inside one field only: ours
    """
    from scipy.ndimage import find_objects, uniform_filter

    power = 10 ** (np.asarray(backscatter_db.values, "float64") / 10)
    smooth = np.full(power.shape, np.nan)
    for number, place in enumerate(find_objects(field.values.astype("int32")), start=1):
        if place is None:
            continue
        own = (field.values[place] == number) & np.isfinite(power[place])
        total = uniform_filter(np.where(own, power[place], 0.0), side_px, mode="constant")
        share = uniform_filter(own.astype("float64"), side_px, mode="constant")
        smooth[place][own] = total[own] / share[own]
    return backscatter_db.copy(data=10 * np.log10(smooth))


def radar_references(backscatter_db: xr.DataArray, ndvi: xr.DataArray, fewest_looks: int) -> xr.Dataset:
    """The dry and the wet backscatter of each pixel in one relative orbit.

    backscatter_db  (time, y, x) VV or VH backscatter [dB] of one relative orbit; NaN where not seen
    ndvi            (time, y, x) `ndvi` [1] of the same days, taken from looks of the past; NaN where not known
    fewest_looks    [1] fewer looks at NDVI below 0.5 give NaN
    returns         Dataset (y, x): `dry_db`, `wet_db` [dB], `n_looks` [1]
    source          Wagner 1999, 10.1016/S0034-4257(99)00036-X (from memory); quantiles in place of extremes: ours
    """
    bare = backscatter_db.where(ndvi < THIN_NDVI)
    n_looks = bare.notnull().sum("time")
    known = bare.chunk(time=-1) if bare.chunks is not None else bare
    dry, wet = (
        xr.apply_ufunc(
            _quantile,
            known,
            input_core_dims=[["time"]],
            kwargs={"share": share},
            dask="parallelized",
            output_dtypes=["float64"],
        ).where(n_looks >= fewest_looks)
        for share in _DRY_AND_WET
    )
    return xr.Dataset({"dry_db": dry, "wet_db": wet, "n_looks": n_looks})


def radar_wetness(backscatter_db: xr.DataArray, ndvi: xr.DataArray, references: xr.Dataset) -> xr.DataArray:
    """Change index of one look: 0 as at the pixel's driest, 1 as at its wettest.

    backscatter_db  (y, x) or (time, y, x) backscatter [dB], the polarisation and relative orbit of `references`
    ndvi            the same dims, `ndvi` [1] of the day; NaN where not known
    references      as `radar_references` gives them
    returns         the same dims, `wetness_s1` [1] 0..1, clipped; NaN where NDVI is 0.5 or more or not known, where the
                    references are, and where wet is not above dry
    source          as `radar_references`; linear in dB
    """
    width = references["wet_db"] - references["dry_db"]
    index = (backscatter_db - references["dry_db"]) / width.where(width > 0)
    return index.clip(0, 1).where(ndvi < THIN_NDVI)


def _quantile(looks: np.ndarray, share: float) -> np.ndarray:
    """Along the last axis, NaN left out, linear interpolation (type 7); NaN where nothing is left."""
    ordered = np.sort(looks, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1)
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below, above = (np.take_along_axis(ordered, at[..., None], -1)[..., 0] for at in (low, high))
    return np.asarray(below + (place - low) * (above - below))
