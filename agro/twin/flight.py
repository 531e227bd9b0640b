"""A UAV flight over a simulated field: what grows there on the day of the flight, as a camera near the ground sees it.

Nothing of it is taken from a satellite's picture: the light is that of the flight's own day and sun, with rows and
clumps finer than any satellite sees, strips that were lit differently, a mosaic that is stitched not quite straight,
and a camera whose bands are not those of the satellite. Then it is put aside and mis-scaled on purpose.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import from_origin
from scipy.ndimage import map_coordinates

from agro.domain.grid import Grid
from agro.twin.chance import chance, random_field
from agro.twin.drawn import below, evenings, season_of
from agro.twin.region import setting
from agro.twin.sky import sun_angles

BANDS = ("blue", "green", "red", "rededge1", "nir")
_BESIDE = {"blue": "green", "green": "red", "red": "green", "rededge1": "red", "nir": "rededge1"}
_STRAY = 0.06  # [1] of the light of each band is that of the one beside it: another camera. assumption
_NOISE = 0.03  # [1] of a fine pixel's value. assumption
_CLUMPS, _CLUMP_M = 0.08, 3.0  # [1], [m] stand denser and thinner than the 10 m around it. assumption
_ROWS, _ROW_M = 0.10, 24.0  # [1], [m] wheel tracks of the sprayer. assumption
_STRIPS, _STRIP_M = 0.02, 40.0  # [1], [m] strips of the flight were lit differently. assumption
_TOWARD_SUN = (
    0.04  # [1] brighter on one side of the ground than in its middle: the camera looks with the sun. assumption
)
_BENT_M, _BENT_OVER_M = 0.4, 120.0  # [m] the mosaic is stitched not quite straight. assumption


def write_flight(
    light: Mapping[str, np.ndarray],
    grid: Grid,
    bounds: tuple[float, float, float, float],
    target: Path,
    flown_at: datetime,
    seed: int,
    aside_m: tuple[float, float] = (0.0, 0.0),
    wrong: Mapping[str, tuple[float, float]] | None = None,
    pixel_m: float = 0.5,
) -> Path:
    """Write an orthomosaic and its sidecar.

    light    true reflectance [1] of each band on the grid, at the hour of the flight
    bounds   (west, south, east, north) [m] of the ground, inside the grid and not at its edge
    aside_m  how far east and north of its true place the mosaic says it lies [m]
    wrong    by band (gain, offset [1]): the mosaic's reflectance is what the camera saw times gain plus offset
    """
    random = chance(seed, target.stem, "flight")
    west, south, east, north = bounds
    height, width = round((north - south) / pixel_m), round((east - west) / pixel_m)
    names = [band for band in BANDS if band in light]
    lit, dense = _lit(random, (height, width), pixel_m), _dense(random, (height, width), pixel_m)
    bent = [_BENT_M / grid.resolution_m * random_field(random, (height, width), _BENT_OVER_M / pixel_m) for _ in "yx"]
    y, x = np.mgrid[0:height, 0:width] * (pixel_m / grid.resolution_m) + pixel_m / grid.resolution_m / 2 - 0.5
    at = (
        y + (grid.north_m - north) / grid.resolution_m + bent[0],
        x + (west - grid.west_m) / grid.resolution_m + bent[1],
    )
    bands = []
    for band in names:
        other = _BESIDE[band] if _BESIDE[band] in light else band
        seen = map_coordinates((1 - _STRAY) * light[band] + _STRAY * light[other], at, order=1, mode="nearest")
        leafy = 1 + dense if band == "nir" else 1 - 0.7 * dense  # more leaves: brighter in infrared, darker in the rest
        seen *= leafy * lit * (1 + _NOISE * random.standard_normal(seen.shape))
        gain, offset = (wrong or {}).get(band, (1.0, 0.0))
        bands.append(np.clip(np.rint((seen * gain + offset) * 10_000), 1, 65_535).astype("uint16"))
    place = from_origin(west + aside_m[0], north + aside_m[1], pixel_m, pixel_m)
    profile = {"driver": "GTiff", "dtype": "uint16", "count": len(bands), "height": height, "width": width}
    with rasterio.open(target, "w", crs=grid.crs, transform=place, nodata=0, compress="deflate", **profile) as raster:
        for n, pixels in enumerate(bands, start=1):
            raster.write(pixels, n)
    listed = ", ".join(f'"{band}"' for band in names)
    target.with_suffix(".toml").write_text(
        f'time = {flown_at.isoformat()}\nbands = [{listed}]\nscale = 0.0001\ncamera = "simulated"\n', encoding="utf-8"
    )
    return target


def light_on(
    on: datetime,
    district: str,
    outlines: gpd.GeoDataFrame,
    told: pd.DataFrame | None,
    facts: Mapping[str, Any],
    seasons: Sequence[int],
    seed: int,
    crs: str,
    world: str = "first",
) -> tuple[dict[str, np.ndarray], Grid]:
    """The true reflectance [1] of a district of the simulated region at an instant, and its grid of 10 m."""
    places, was = setting(outlines, told, facts, seasons, seed, crs, world)
    place = next(one for one in places if one.district == district)
    work = was.work[(was.work["season"] == on.year) & (was.work["district"] == district)]
    days = was.days[(was.days["place"] == district) & was.days["radiation_mj_m2"].notna()]
    drawn = season_of(place, work, days[days["day"].dt.year == on.year], was)
    due = (on.date() - date(on.year, 4, 1)).days
    states, around = next(evening for day, evening in enumerate(evenings(drawn)) if day == due)
    light = was.world.mixed(below(drawn, states, around), sun_angles(on, *place.middle)[0])
    return {band: np.asarray(light[band]) for band in BANDS}, place.grid


def _lit(random: np.random.Generator, shape: tuple[int, int], pixel_m: float) -> np.ndarray:
    """How much brighter than the truth each pixel was lit [1]: toward the sun, and strip by strip."""
    x = (np.arange(shape[1]) + 0.5) * pixel_m
    strips = random.standard_normal(int(x[-1] // _STRIP_M) + 1)[(x // _STRIP_M).astype(int)]
    slope = _TOWARD_SUN * (2 * x / x[-1] - 1)
    return np.broadcast_to(1 + slope + _STRIPS * strips, shape)


def _dense(random: np.random.Generator, shape: tuple[int, int], pixel_m: float) -> np.ndarray:
    """How much denser than the 10 m around it each pixel stands [1]: clumps, and wheel tracks without a plant."""
    x = (np.arange(shape[1]) + 0.5) * pixel_m
    tracks = np.where(x % _ROW_M < 1.0, -1.0, 1.0 / _ROW_M)
    return np.asarray(_CLUMPS * random_field(random, shape, _CLUMP_M / pixel_m) + _ROWS * tracks[None, :])
