"""Vegetation layers from reflectance."""

import functools
import math
import operator
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from agro.agromaps.biophysical import NETWORKS
from agro.domain.imagery import Angles
from agro.domain.layers import LAYERS

LAI_TOLERANCE = 0.2  # [m2/m2] SNAP's tolerance: an output this far outside 0..8 is clipped without a flag


def ndvi(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Normalised difference vegetation index.

    red, nir  (y, x) `reflectance` [1] above 0, B04 and B08
    returns   (y, x) `ndvi` [1], -1..1; NaN where a band is
    source    Rouse 1974, NTRS 19740022614
    """
    return (nir - red) / (nir + red)


def evi2(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """Two-band enhanced vegetation index.

    red, nir  (y, x) `reflectance` [1] above 0, true reflectance: the index is not free of scale
    returns   (y, x) `evi2` [1]; NaN where a band is
    source    Jiang 2008, 10.1016/j.rse.2008.06.006
    """
    return 2.5 * (nir - red) / (nir + 2.4 * red + 1.0)


def ndre(rededge1: xr.DataArray, nir08: xr.DataArray) -> xr.DataArray:
    """Normalised difference red-edge index.

    rededge1, nir08  (y, x) `reflectance` [1] above 0, B05 and B8A
    returns          (y, x) `ndre` [1], -1..1; NaN where a band is
    source           Gitelson and Merzlyak 1994, 10.1016/1011-1344(93)06963-4
    """
    return (nir08 - rededge1) / (nir08 + rededge1)


def ndmi(nir08: xr.DataArray, swir16: xr.DataArray) -> xr.DataArray:
    """Normalised difference moisture index.

    nir08, swir16  (y, x) `reflectance` [1] above 0, B8A and B11
    returns        (y, x) `ndmi` [1], -1..1; NaN where a band is
    source         Wilson and Sader 2002, 10.1016/S0034-4257(01)00318-2
    """
    return (nir08 - swir16) / (nir08 + swir16)


def lai(bands: xr.Dataset, angles: Angles, net: str = "2.1") -> xr.Dataset:
    """Green leaf area by the biophysical network of the Sentinel-2 toolbox.

    bands    Dataset (y, x) of `reflectance` [1] on 20 m: green, red, rededge1..3, nir08, swir16, swir22
    angles   sun and view [deg], all four known
    net      version of the network: `2.1` for any Sentinel-2, `3A` and `3B` for one satellite
    returns  Dataset (y, x) of `lai` [m2/m2], 0..8, and `lai_flag` [class]:
             1 an input outside the domain, 2 output clipped, 3 both
    source   Weiss and Baret 2016, S2ToolBox Level 2 products ATBD 1.1 (2.1) and 2.1 (3A, 3B)
    """
    network = NETWORKS[net]
    inputs = [bands[name] for name in LAYERS["lai"].bands]
    lowest, highest = np.asarray(network.input_lowest), np.asarray(network.input_highest)
    outside = _any_outside(inputs, lowest, highest)
    scaled = [2 * (x - low) / (high - low) - 1 for x, low, high in zip(inputs, lowest, highest, strict=False)]
    for cosine, low, high in zip(cosines(angles), (*lowest[8:], -1.0), (*highest[8:], 1.0), strict=True):
        scaled.append(xr.full_like(scaled[0], 2 * (cosine - low) / (high - low) - 1))
        outside = outside | (not low - 1e-9 <= cosine <= high + 1e-9)
    hidden = [
        xr.apply_ufunc(np.tanh, _weighted(weights, scaled, bias), dask="allowed")
        for weights, bias in zip(network.hidden_weights, network.hidden_biases, strict=True)
    ]
    output = _weighted(network.output_weights, hidden, network.output_bias)
    low, high = network.output_range
    area = 0.5 * (output + 1) * (high - low) + low
    layer = LAYERS["lai"]
    clipped = (area < layer.lowest - LAI_TOLERANCE) | (area > layer.highest + LAI_TOLERANCE)
    flag = (outside.astype("float32") + 2 * clipped.astype("float32")).where(area.notnull())
    return xr.Dataset({"lai": area.clip(layer.lowest, layer.highest), "lai_flag": flag})


def _weighted(weights: Sequence[float], inputs: Sequence[xr.DataArray], bias: float) -> xr.DataArray:
    total: xr.DataArray = functools.reduce(operator.add, (w * x for w, x in zip(weights, inputs, strict=True)))
    return total + bias


def _any_outside(inputs: Sequence[xr.DataArray], lowest: np.ndarray, highest: np.ndarray) -> xr.DataArray:
    beyond = ((x < low) | (x > high) for x, low, high in zip(inputs, lowest, highest, strict=False))
    outside: xr.DataArray = functools.reduce(operator.or_, beyond)
    return outside


def cosines(angles: Angles) -> tuple[float, float, float]:
    """The angles as the leaf area network takes them.

    angles   sun and view [deg], all four known
    returns  cosine of view zenith, of sun zenith and of the relative azimuth [1]
    source   Weiss and Baret 2016, S2ToolBox Level 2 products ATBD 1.1
    """
    sun, view = angles.sun_zenith_deg or 0.0, angles.view_zenith_deg or 0.0
    relative = (angles.sun_azimuth_deg or 0.0) - (angles.view_azimuth_deg or 0.0)
    return tuple(math.cos(math.radians(angle)) for angle in (view, sun, relative))  # type: ignore[return-value]


def gli(red: xr.DataArray, green: xr.DataArray, blue: xr.DataArray) -> xr.DataArray:
    """Green leaf index: how green a colour picture is. No NDVI: it sees no infrared, and light and camera colour it.

    red, green, blue  (y, x) brightness [1] of a colour camera, any common scale from 0
    returns           (y, x) `gli` [1], -1..1; NaN where a band is, and where all is black
    source            Louhaichi 2001, 10.1080/10106040108542184
    """
    total = 2 * green + red + blue
    return (2 * green - red - blue) / total.where(total > 0)


INDICES: dict[str, Callable[..., xr.DataArray]] = {"ndvi": ndvi, "evi2": evi2, "ndre": ndre, "ndmi": ndmi}
