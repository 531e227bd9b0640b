"""A UAV flight over a simulated field: the satellite's picture of a day in fine pixels, put aside and mis-scaled."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import from_bounds
from scipy.ndimage import gaussian_filter, zoom

from agro.twin.chance import chance

BANDS = ("blue", "green", "red", "rededge1", "nir")
_NOISE = 0.03  # [1] of a fine pixel's value. assumption
_SATELLITE_NOISE_PX = 0.7  # [px] of 10 m: the satellite's own noise is smoothed away, for the flight has another
_LATER_H = 20.0  # [h] after the satellite. assumption


def write_flight(
    item: Path,
    bounds: tuple[float, float, float, float],
    target: Path,
    seed: int,
    aside_m: tuple[float, float] = (0.0, 0.0),
    wrong: Mapping[str, tuple[float, float]] | None = None,
    pixel_m: float = 0.5,
) -> Path:
    """Write an orthomosaic of whole 20 m pixels and its sidecar.

    item     of a scene of the simulated catalogue, without clouds there
    bounds   (west, south, east, north) [m] of the ground in the scene's CRS, multiples of 20 m
    aside_m  how far east and north of its true place the mosaic says it lies [m]
    wrong    by band (gain, offset [1]): the mosaic's reflectance is the true one times gain plus offset
    """
    told = json.loads(item.read_text())
    random, bands, crs = chance(seed, target.stem, "flight"), [], ""
    names = [band for band in BANDS if band in told["assets"]]
    for band in names:
        asset = told["assets"][band]
        about = asset["raster:bands"][0]
        with rasterio.open(item.parent / asset["href"]) as source:
            counts = source.read(1, window=from_bounds(*bounds, source.transform)).astype("float64")
            crs, size = source.crs.to_string(), source.transform.a
        seen = gaussian_filter(counts * about["scale"] + about["offset"], _SATELLITE_NOISE_PX * 10 / size)
        fine = zoom(seen, size / pixel_m, order=3, mode="grid-constant", grid_mode=True)
        fine *= 1 + _NOISE * random.standard_normal(fine.shape)
        gain, offset = (wrong or {}).get(band, (1.0, 0.0))
        bands.append(np.clip(np.rint((fine * gain + offset) * 10_000), 1, 65_535).astype("uint16"))
    height, width = bands[0].shape
    place = from_origin(bounds[0] + aside_m[0], bounds[3] + aside_m[1], pixel_m, pixel_m)
    profile = {"driver": "GTiff", "dtype": "uint16", "count": len(bands), "height": height, "width": width}
    with rasterio.open(target, "w", crs=crs, transform=place, nodata=0, compress="deflate", **profile) as raster:
        for n, pixels in enumerate(bands, start=1):
            raster.write(pixels, n)
    flown_at = datetime.fromisoformat(told["properties"]["datetime"]) + timedelta(hours=_LATER_H)
    listed = ", ".join(f'"{band}"' for band in names)
    target.with_suffix(".toml").write_text(
        f'time = {flown_at.isoformat()}\nbands = [{listed}]\nscale = 0.0001\ncamera = "simulated"\n', encoding="utf-8"
    )
    return target
