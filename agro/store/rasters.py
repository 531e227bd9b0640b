"""Layers as cloud-optimised GeoTIFF bytes: integers with a step and a nodata mark outside, values and NaN inside."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.windows import Window

from agro.domain.errors import TornFile
from agro.domain.grid import Grid
from agro.domain.layers import Layer
from agro.store.cog import Cog, Counted, assembled, compressed


def encode(layer: Layer, values: np.ndarray) -> np.ndarray:
    """Values (y, x) in the layer's unit to what is stored; NaN and what leaves the valid range become nodata."""
    believed = np.isfinite(values) & (values >= layer.lowest) & (values <= layer.highest)
    stored = np.full(values.shape, layer.nodata, layer.dtype)
    stored[believed] = np.rint(values[believed] / layer.step).astype(layer.dtype)
    return stored


def decode(layer: Layer, stored: np.ndarray) -> np.ndarray:
    """What is stored (y, x) to values in the layer's unit, `float32`; nodata becomes NaN (classes stay as they are)."""
    if layer.is_class:
        return stored
    values: np.ndarray = np.multiply(stored, np.float32(layer.step), dtype="float32")
    values[stored == layer.nodata] = np.nan
    return values


def to_cog(layer: Layer, stored: np.ndarray, grid: Grid) -> Cog:
    """Stored integers (y, x) as a COG. Equal input gives equal bytes.

    The file is made in memory: a full disk must not be able to leave a torn file that still opens.
    """
    return assembled(layer, grid, [compressed(layer, stored, 0, 0)])


def from_cog(content: bytes) -> tuple[np.ndarray, Grid]:
    """The stored integers (y, x) and where they lie."""
    with _opened(content) as (cog, grid):
        return cog.read(1), grid


def window_of_cog(content: bytes, grid: Grid, nodata: int) -> np.ndarray:
    """The stored integers (y, x) on a grid of the same lattice; nodata where the raster does not reach."""
    with _opened(content) as (cog, whole):
        pixels = np.full(grid.shape, nodata, cog.dtypes[0])
        common = grid.cut_to(whole.bounds)
        if common is not None:
            pixels[common.rows_and_columns_in(grid)] = _read(cog, common, whole)
        return pixels


def windows_of_cog(content: bytes, side_m: int, wanted: Callable[[Grid], bool]) -> Iterator[tuple[Grid, np.ndarray]]:
    """The stored integers (y, x) of each wanted window [m] from the raster's corner; no other one is decoded."""
    with _opened(content) as (cog, whole):
        for window in whole.windows(side_m):
            if wanted(window):
                yield window, _read(cog, window, whole)


@contextmanager
def _opened(content: bytes) -> Iterator[tuple[Any, Grid]]:
    """A COG and where it lies; what cannot be read in it is told."""
    try:
        with MemoryFile(content) as memory, memory.open(driver="GTiff") as cog:
            t = cog.transform
            yield cog, Grid(cog.crs.to_string(), round(t.c), round(t.f), round(t.a), cog.height, cog.width)
    except rasterio.errors.RasterioError as error:
        raise _cut(error) from error


def _read(cog: Any, window: Grid, whole: Grid) -> np.ndarray:
    return np.asarray(cog.read(1, window=Window.from_slices(*window.rows_and_columns_in(whole))))


def _cut(error: Exception) -> TornFile:
    return TornFile(
        "RASTER-TRUNCATED",
        "{where}: the pixels cannot be read ({met})",
        "download it again",
        where="COG",
        met=str(error),
    )


def described(layer: Layer, counted: Counted) -> dict[str, Any]:
    """The asset's `raster:bands` entry: unit, encoding, and statistics of the believed pixels in the layer's unit."""
    about: dict[str, Any] = {
        "data_type": layer.dtype,
        "nodata": layer.nodata,
        "unit": layer.unit,
        "scale": layer.step,
        "offset": 0,
        "spatial_resolution": layer.resolution_m,
    }
    if tags := counted.as_tags():
        about["statistics"] = {
            "minimum": round(tags["MINIMUM"] * layer.step, 6),
            "maximum": round(tags["MAXIMUM"] * layer.step, 6),
            "mean": round(tags["MEAN"] * layer.step, 6),
            "stddev": round(tags["STDDEV"] * layer.step, 6),
            "valid_percent": tags["VALID_PERCENT"],
        }
    return about
