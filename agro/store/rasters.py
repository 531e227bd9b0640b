"""Layers as cloud-optimised GeoTIFF bytes: integers with a step and a nodata mark outside, values and NaN inside."""

from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.windows import Window

from agro.domain.errors import TornFile
from agro.domain.grid import Grid
from agro.domain.layers import Layer

_CREATION = {"compress": "zstd", "level": 3, "predictor": 2, "blocksize": 512, "sparse_ok": True, "overviews": "auto"}


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


def to_cog(layer: Layer, stored: np.ndarray, grid: Grid) -> bytes:
    """Stored integers (y, x) as the bytes of a COG, read back and found equal. Equal input gives equal bytes.

    The file is made in memory: a full disk must not be able to leave a torn file that still opens.
    """
    resampling = "nearest" if layer.is_class else "average"
    with MemoryFile() as memory:
        with memory.open(
            driver="COG",
            dtype=layer.dtype,
            count=1,
            height=grid.height,
            width=grid.width,
            crs=grid.crs,
            transform=grid.transform,
            nodata=layer.nodata,
            overview_resampling=resampling,
            **_CREATION,
        ) as cog:
            cog.write(stored, 1)
            cog.set_band_description(1, layer.name)
            cog.scales, cog.units = (layer.step,), (layer.unit,)
            cog.update_tags(1, **{f"STATISTICS_{name}": repr(value) for name, value in _counted(layer, stored).items()})
        content = bytes(memory.getbuffer())
    again, _ = from_cog(content)
    if not np.array_equal(again, stored):
        raise TornFile("RASTER-READBACK", "{where}: the raster read back differs", "run again", where=layer.name)
    return content


def from_cog(content: bytes) -> tuple[np.ndarray, Grid]:
    """The stored integers (y, x) and where they lie."""
    try:
        with MemoryFile(content) as memory, memory.open(driver="GTiff") as cog:
            t = cog.transform
            grid = Grid(cog.crs.to_string(), round(t.c), round(t.f), round(t.a), cog.height, cog.width)
            return cog.read(1), grid
    except rasterio.errors.RasterioError as error:
        raise _cut(error) from error


def _cut(error: Exception) -> TornFile:
    return TornFile(
        "RASTER-TRUNCATED",
        "{where}: the pixels cannot be read ({met})",
        "download it again",
        where="COG",
        met=str(error),
    )


def window_of_cog(content: bytes, grid: Grid, nodata: int) -> np.ndarray:
    """The stored integers (y, x) on a grid of the same lattice; nodata where the raster does not reach."""
    try:
        with MemoryFile(content) as memory, memory.open(driver="GTiff") as cog:
            t = cog.transform
            whole = Grid(cog.crs.to_string(), round(t.c), round(t.f), round(t.a), cog.height, cog.width)
            pixels = np.full(grid.shape, nodata, cog.dtypes[0])
            common = grid.cut_to(whole.bounds)
            if common is not None:
                rows, columns = common.rows_and_columns_in(whole)
                pixels[common.rows_and_columns_in(grid)] = cog.read(1, window=Window.from_slices(rows, columns))
            return pixels
    except rasterio.errors.RasterioError as error:
        raise _cut(error) from error


def described(layer: Layer, stored: np.ndarray) -> dict[str, Any]:
    """The asset's `raster:bands` entry: unit, encoding, and statistics of the believed pixels in the layer's unit."""
    counted = _counted(layer, stored)
    about: dict[str, Any] = {
        "data_type": layer.dtype,
        "nodata": layer.nodata,
        "unit": layer.unit,
        "scale": layer.step,
        "offset": 0,
        "spatial_resolution": layer.resolution_m,
    }
    if counted:
        about["statistics"] = {
            "minimum": round(counted["MINIMUM"] * layer.step, 6),
            "maximum": round(counted["MAXIMUM"] * layer.step, 6),
            "mean": round(counted["MEAN"] * layer.step, 6),
            "stddev": round(counted["STDDEV"] * layer.step, 6),
            "valid_percent": counted["VALID_PERCENT"],
        }
    return about


def _counted(layer: Layer, stored: np.ndarray) -> dict[str, float]:
    valid = stored[stored != layer.nodata]
    if not valid.size:
        return {}
    return {
        "MINIMUM": int(valid.min()),
        "MAXIMUM": int(valid.max()),
        "MEAN": float(valid.mean(dtype="float64")),
        "STDDEV": float(valid.std(dtype="float64")),
        "VALID_PERCENT": round(100 * valid.size / stored.size, 4),
    }
