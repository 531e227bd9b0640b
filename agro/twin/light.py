"""What the satellite would measure above the clouds: leaf, straw and soil mixed by what each covers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

BANDS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")
FINE = ("blue", "green", "red", "nir")  # 10 m, the others 20 m
# Reflectance [1] of the parts in the order of BANDS: typical of spectral libraries, rounded; assumption.
_LEAF = (0.022, 0.050, 0.025, 0.090, 0.285, 0.390, 0.430, 0.450, 0.200, 0.090)
_PALE_LEAF = (0.035, 0.095, 0.050, 0.160, 0.300, 0.360, 0.395, 0.410, 0.230, 0.115)
_STRAW = (0.070, 0.105, 0.145, 0.180, 0.215, 0.240, 0.265, 0.285, 0.350, 0.270)
_DRY_SOIL = (0.085, 0.105, 0.135, 0.160, 0.180, 0.200, 0.220, 0.230, 0.330, 0.290)
_WET_SOIL = (0.045, 0.055, 0.070, 0.085, 0.095, 0.105, 0.115, 0.120, 0.140, 0.105)
_FLOWER = (0.060, 0.190, 0.170, 0.240, 0.330, 0.380, 0.410, 0.430, 0.230, 0.110)
_EXTINCTION = 0.55  # [1] of the view through leaves. assumption
_BLUR_PX = 0.55  # [px] light of neighbours. assumption
_PIXEL_NOISE = 0.012  # [1] of the value. assumption
_DATE_NOISE = 0.012  # [1] error common to a date and band. assumption
_ORBIT_GAIN = 0.02  # [1] one orbit looks with the sun, the other against it. assumption


@dataclass(frozen=True)
class Cover:
    """What lies below the sky, arrays of any one shape.

    lai, dead_lai [m2/m2]; wetness of the surface and root_water [1]; nni [1] of the nitrogen the leaves need;
    brightness [1] of the soil; bloom [1] of the ground hidden by yellow flowers; woody [1] of it below trees
    """

    lai: np.ndarray
    dead_lai: np.ndarray
    wetness: np.ndarray
    root_water: np.ndarray
    nni: np.ndarray
    brightness: np.ndarray
    bloom: np.ndarray
    woody: np.ndarray


def mixed(cover: Cover, sun_zenith_deg: float) -> dict[str, np.ndarray]:
    """Surface reflectance [1] of each band, without an error."""
    green = 1 - np.exp(-_EXTINCTION * cover.lai)
    straw = (1 - green) * (1 - np.exp(-_EXTINCTION * cover.dead_lai))
    soil = 1 - green - straw
    pale = np.clip((1.0 - cover.nni) / 0.6, 0, 1)
    thick = 1 - np.exp(-0.45 * cover.lai)  # more layers of leaves scatter more infrared and hold more water
    reflectance = {}
    for i, band in enumerate(BANDS):
        leaf = _LEAF[i] * (1 - pale) + _PALE_LEAF[i] * pale
        if band in ("rededge2", "rededge3", "nir", "nir08"):
            leaf = leaf * (0.72 + 0.36 * thick)
        if band in ("swir16", "swir22"):
            leaf = leaf * (1.35 - 0.40 * thick - 0.12 * cover.root_water)
        leaf = leaf * (1 - 0.28 * cover.woody)  # crowns throw shadows
        bare = cover.brightness * (_DRY_SOIL[i] * (1 - cover.wetness) + _WET_SOIL[i] * cover.wetness)
        whole = green * leaf + straw * _STRAW[i] + soil * bare
        reflectance[band] = whole * (1 - cover.bloom) + _FLOWER[i] * cover.bloom
    return reflectance


def with_errors(
    reflectance: Mapping[str, np.ndarray], orbit_sign: float, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """The same as a sensor gives it: an error common to the date, the orbit's side, the pixel's noise."""
    measured = {}
    for band, values in reflectance.items():
        gain = 1 + random.normal(0, _DATE_NOISE) + orbit_sign * _ORBIT_GAIN / 2
        measured[band] = values * (gain + _PIXEL_NOISE * random.standard_normal(values.shape, dtype="float32"))
    return measured


def blurred(pixels: np.ndarray) -> np.ndarray:
    """A map with the light of each pixel's neighbours."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(pixels, _BLUR_PX))


def to_20_m(pixels: np.ndarray) -> np.ndarray:
    """The mean of each 2 by 2 pixels."""
    rows, columns = pixels.shape
    coarse: np.ndarray = pixels.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return coarse
