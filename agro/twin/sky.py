"""Clouds that hide the ground, shadows that they throw, and a classification that errs as the real one does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from agro.twin.chance import random_field, random_surface
from agro.twin.light import BANDS, to_20_m

_CLOUD = (
    0.62,
    0.60,
    0.60,
    0.61,
    0.62,
    0.62,
    0.63,
    0.64,
    0.50,
    0.38,
)  # [1] thick cloud in the order of BANDS. assumption
_THIN_OPACITY = 0.25  # [1] of cirrus. assumption
_WAVES = 20  # [1] of a sky that is evaluated at points
_CIRRUS_SHARE = 0.15  # [1] of passes. assumption


@dataclass(frozen=True)
class Sky:
    """Maps (y, x) on 10 m: opacity of cloud [1], darkness of shadow [1]; the cloud cover of the place [1]."""

    opacity: np.ndarray
    shade: np.ndarray
    cover: float


def sun_angles(instant: datetime, longitude_deg: float, latitude_deg: float) -> tuple[float, float]:
    """Zenith and azimuth of the sun [deg]. source: Spencer 1971, to about half a degree."""
    day = instant.timetuple().tm_yday
    turn = 2 * np.pi * (day - 1) / 365
    declination = (
        0.006918
        - 0.399912 * np.cos(turn)
        + 0.070257 * np.sin(turn)
        - 0.006758 * np.cos(2 * turn)
        + 0.000907 * np.sin(2 * turn)
    )
    minutes = 229.18 * (
        0.000075
        + 0.001868 * np.cos(turn)
        - 0.032077 * np.sin(turn)
        - 0.014615 * np.cos(2 * turn)
        - 0.040849 * np.sin(2 * turn)
    )
    hours = instant.hour + instant.minute / 60 + minutes / 60 + longitude_deg / 15
    angle, latitude = np.radians(15 * (hours - 12)), np.radians(latitude_deg)
    cosine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    azimuth = np.arctan2(np.sin(angle), np.cos(angle) * np.sin(latitude) - np.tan(declination) * np.cos(latitude))
    return float(np.degrees(np.arccos(cosine))), float((np.degrees(azimuth) + 180) % 360)


def sky(
    shape: tuple[int, int], chances: Mapping[str, Any], sun: tuple[float, float], random: np.random.Generator
) -> Sky:
    """The sky of one pass over a place."""
    from scipy.ndimage import shift

    cover = _cover(chances, random)
    surface = random_field(random, shape, float(random.uniform(35, 110))) + 0.25 * random_field(random, shape, 9)
    edge = np.quantile(surface, 1 - cover) if 0 < cover < 1 else (np.inf if cover == 0 else -np.inf)
    thick = np.clip((surface - edge) * 3.5, 0, 1)
    cirrus = random.random() < _CIRRUS_SHARE
    thin = _THIN_OPACITY * np.clip(random_field(random, shape, 120), 0, 1) if cirrus else np.zeros(shape)
    height_px = random.uniform(800, 2400) / 10
    zenith, azimuth = np.radians(sun)
    away = height_px * np.tan(zenith)
    shade = shift(thick, (away * np.cos(azimuth), -away * np.sin(azimuth)), order=1)
    return Sky(np.maximum(thick, thin), np.clip(shade, 0, 1) * (1 - thick), float((thick > 0.2).mean()))


def _cover(chances: Mapping[str, Any], random: np.random.Generator) -> float:
    kind = random.random()
    if kind < chances["clear_share"]:
        return float(random.uniform(0, 0.04))
    if kind > 1 - chances["overcast_share"]:
        return float(random.uniform(0.9, 1.0))
    return float(random.beta(1.1, 1.4))


def sky_at(
    x_m: np.ndarray,
    y_m: np.ndarray,
    chances: Mapping[str, Any],
    sun: tuple[float, float],
    margin_m: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same sky at points [m]: opacity and shade [1], and whether a classification would believe the pixel.

    A pixel within `margin_m` of what is called cloud or shadow is not believed; a whole veil of cirrus is missed now
    and then.
    """
    from scipy.special import ndtri

    cover, range_m = _cover(chances, random), float(random.uniform(350, 1100))
    wide = random_surface(random, range_m, _WAVES)
    edge = 1.03 * ndtri(1 - np.clip(cover, 1e-6, 1 - 1e-6))
    near = 0.7 * margin_m / (0.46 * range_m)  # so much the surface changes over the margin
    away = random.uniform(800, 2400) * np.tan(np.radians(sun[0]))
    east, north = -away * np.sin(np.radians(sun[1])), -away * np.cos(np.radians(sun[1]))
    ragged = 0.25 * random.normal(size=(2, *x_m.shape)) - edge
    above, toward_sun = wide(x_m, y_m) + ragged[0], wide(x_m - east, y_m - north) + ragged[1]
    thick, shade = np.clip(3.5 * above, 0, 1), np.clip(3.5 * toward_sun, 0, 1)
    opacity = thick
    veiled, missed = random.random() < _CIRRUS_SHARE, random.random() < chances["missed_veil_share"]
    if veiled:
        opacity = np.maximum(thick, _THIN_OPACITY * np.clip(random_surface(random, 1200, _WAVES)(x_m, y_m), 0, 1))
    called = (3.5 * (above + near) > 0.12) | (3.5 * (toward_sun + near) > 0.12) | ((opacity > 0.12) & (not missed))
    return opacity, shade * (1 - thick), ~called


def through(reflectance: Mapping[str, np.ndarray], opacity: np.ndarray, shade: np.ndarray) -> dict[str, np.ndarray]:
    """Reflectance as the sensor's product would show it, cloud and shadow included."""
    seen = {}
    for i, band in enumerate(BANDS):
        shaded = reflectance[band] * (1 - 0.6 * shade)
        seen[band] = shaded * (1 - opacity) + _CLOUD[i] * opacity
    return seen


def scene_classes(
    reflectance: Mapping[str, np.ndarray], above: Sky, chances: Mapping[str, Any], random: np.random.Generator
) -> np.ndarray:
    """The scene classification on 20 m, with the mistakes of a real one."""
    from scipy.ndimage import binary_dilation, binary_erosion

    red, nir = to_20_m(reflectance["red"]), to_20_m(reflectance["nir"])
    opacity, shade = to_20_m(above.opacity), to_20_m(above.shade)
    classes = np.where((nir - red) / (nir + red) > 0.4, 4, 5).astype("uint8")
    classes[random.random(classes.shape) < 0.002] = 7
    classes[shade > 0.25] = 3
    classes[(shade > 0.12) & (shade <= 0.25)] = 2
    cloud = opacity > 0.12
    missed = cloud & ~binary_erosion(cloud) & (random.random(cloud.shape) < 6 * chances["missed_cloud_share"])
    classes[cloud & (opacity <= 0.3)] = 10
    classes[(opacity > 0.3) & (opacity <= 0.7)] = 8
    classes[opacity > 0.7] = 9
    classes[missed] = np.where((nir - red) / (nir + red) > 0.4, 4, 5)[missed]
    if random.random() < 0.3:  # bright dry soil called cloud
        seeds = random.random(classes.shape) < chances["false_cloud_share"] / 9
        classes[binary_dilation(seeds, iterations=1) & (classes == 5)] = 8
    return classes
