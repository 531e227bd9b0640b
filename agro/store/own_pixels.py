"""A raster in its own pixels, whatever they are, as a cloud-optimised GeoTIFF: written window by window, read back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.shutil import copy
from rasterio.windows import Window

from agro.domain.errors import StoreDown


@dataclass(frozen=True)
class OwnPixels:
    """Where pixels lie and what they are: CRS, transform, shape (rows, columns), type, nodata, names of the bands."""

    crs: str
    transform: Affine
    shape: tuple[int, int]
    dtype: str
    nodata: float | None
    bands: Sequence[str]


def write_own(target: Path, about: OwnPixels, windows: Iterator[tuple[Window, np.ndarray]]) -> Path:
    """Make the file of windows (band, y, x). Raises StoreDown where it cannot be written whole."""
    plain = target.with_suffix(".plain.tif")
    profile = {
        "driver": "GTiff",
        "crs": about.crs,
        "transform": about.transform,
        "height": about.shape[0],
        "width": about.shape[1],
        "count": len(about.bands),
        "dtype": about.dtype,
        "nodata": about.nodata,
    }
    try:
        with rasterio.open(plain, "w", tiled=True, compress="deflate", bigtiff="if_safer", **profile) as raster:
            for window, pixels in windows:
                raster.write(pixels, window=window)
            for n, name in enumerate(about.bands, start=1):
                raster.set_band_description(n, name)
        copy(plain, target, driver="COG", compress="deflate", blocksize=512)
        with rasterio.open(target) as made:  # the library says nothing of a full disk: what is read back was written
            for _, window in made.block_windows(1):
                made.read(window=window)
    except (RasterioError, OSError) as error:
        target.unlink(missing_ok=True)
        raise StoreDown(
            "STORE-FULL",
            "{where}: no room is left on the disk",
            "make room and run again: what is published stays, the rest is made then",
            where=str(target.parent),
        ) from error
    finally:
        plain.unlink(missing_ok=True)
    return target
