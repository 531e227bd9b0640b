"""A local raster: opened by the drivers that are allowed, its place checked against what its item says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from agro.domain.errors import BadInput, TornFile
from agro.domain.grid import Grid
from agro.sources.guard import raster_driver

LARGEST_SIDE_PX = 40_000  # [px] a side above this is not a band of a satellite tile
_ENVIRONMENT = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": 128}  # [MB]


def read_values(path: Path, grid: Grid, declared_crs: str | None, nodata: float) -> np.ndarray:
    """Values (y, x) `float32` of band 1 on the grid, as they are stored; NaN where the raster ends or says nodata.

    Same lattice: a window, untouched. Otherwise warped: bilinear, and averaged where the raster is finer.
    """
    with opened(path) as source:
        crs = crs_of(source, path, declared_crs)
        check_frame(source, path)
        window = window_of(source, grid) if crs == rasterio.CRS.from_user_input(grid.crs) else None
        values = np.full(grid.shape, np.nan, "float32")
        if window is not None:
            place, read = _part(source, window)
            values[place] = _as_values(read, nodata, source.nodata)
            return values
        own = nodata if source.nodata is None else source.nodata
        return _as_values(warped(source, crs, grid, src_nodata=own, nodata=np.nan, dtype="float32"), nodata, None)


def warped(source: Any, crs: Any, grid: Grid, classes: bool = False, **marks: Any) -> np.ndarray:
    """Band 1 (y, x) of an open raster on another lattice.

    Bilinear, averaged where the raster is finer; classes by the nearest pixel, or the commonest.

    `marks` say what counts as nothing, as WarpedVRT takes them.
    """
    ways = (Resampling.mode, Resampling.nearest) if classes else (Resampling.average, Resampling.bilinear)
    resampling = ways[0] if abs(source.transform.a) < grid.resolution_m else ways[1]
    place = {"transform": grid.transform, "width": grid.width, "height": grid.height}
    with WarpedVRT(source, src_crs=crs, crs=grid.crs, resampling=resampling, **place, **marks) as vrt:
        return np.asarray(vrt.read(1))


def bounds_on(path: Path, declared_crs: str | None, crs: str) -> tuple[float, float, float, float]:
    """The raster's bounds (west, south, east, north) [m] in another CRS; only the header is read."""
    with opened(path) as source:
        own = crs_of(source, path, declared_crs)
        west, south, east, north = source.bounds
        if own == rasterio.CRS.from_user_input(crs):
            return west, south, east, north
        west, south, east, north = transform_bounds(own, crs, west, south, east, north, densify_pts=21)
        return west, south, east, north


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The raster, by the drivers that are allowed; whatever cannot be read in it is told."""
    with told(path), open_raster(path) as source:
        yield source


def open_raster(path: Path) -> Any:
    """The same for whoever closes it himself; to be used inside `told`."""
    return rasterio.open(path, driver=raster_driver(path), OVERVIEW_LEVEL="NONE")


@contextmanager
def told(path: Path) -> Iterator[None]:
    """The raster library as it is to behave, and a sentence of what it says of a file."""
    try:
        with rasterio.Env(**_ENVIRONMENT):
            yield
    except RasterioError as error:
        raise TornFile(
            "RASTER-TRUNCATED",
            "{where}: the pixels cannot be read ({met})",
            "download it again",
            where=path.name,
            met=_last_line(error),
        ) from error


def crs_of(source: Any, path: Path, declared: str | None) -> Any:
    """The raster's CRS, after a look at whether it lies where its item says."""
    if source.crs is None and declared is None:
        raise BadInput(
            "RASTER-NO-CRS",
            "{where}: has no coordinate system, and its item names none",
            "write the CRS into the file or the item",
            where=path.name,
        )
    if source.crs is None:
        return _named(str(declared), path)
    if declared is not None and source.crs != _named(declared, path):
        raise BadInput(
            "RASTER-CRS",
            "{where}: lies in {met}, its item says {expected}",
            "mend the item or the file",
            where=path.name,
            met=source.crs.to_string()[:40],
            expected=declared,
        )
    return source.crs


def check_counts(source: Any, path: Path) -> None:
    """Refuse a raster that cannot hold counts."""
    if np.dtype(source.dtypes[0]).kind not in "ui":
        raise BadInput(
            "RASTER-DTYPE",
            "{where}: holds {met} values, counts are whole numbers",
            "give the product's own counts with their scale and offset",
            where=path.name,
            met=source.dtypes[0],
        )
    check_frame(source, path)


def check_frame(source: Any, path: Path) -> None:
    """Refuse a raster too large to be read, or without a usable pixel size."""
    if max(source.shape) > LARGEST_SIDE_PX:
        raise BadInput(
            "RASTER-TOO-LARGE",
            "{where}: {met} pixels a side, the limit is {expected}",
            "cut it into tiles",
            where=path.name,
            met=max(source.shape),
            expected=LARGEST_SIDE_PX,
        )
    a, b, _, d, e, _ = source.transform[:6]
    if not (np.isfinite([a, b, d, e]).all() and a * e - b * d != 0):
        raise BadInput("RASTER-TRANSFORM", "{where}: has no usable pixel size", "georeference it", where=path.name)


def window_of(source: Any, grid: Grid) -> Window | None:
    """The grid as a window of a raster in the same CRS, or None where the lattices differ."""
    transform = source.transform
    if transform.b or transform.d:
        return None
    if abs(transform.a - grid.resolution_m) > 1e-6 or abs(transform.e + grid.resolution_m) > 1e-6:
        return None
    column = (grid.west_m - transform.c) / grid.resolution_m
    row = (transform.f - grid.north_m) / grid.resolution_m
    if abs(column - round(column)) > 1e-4 or abs(row - round(row)) > 1e-4:
        return None
    return Window(round(column), round(row), grid.width, grid.height)


def _part(source: Any, window: Window) -> tuple[tuple[slice, slice], np.ndarray]:
    """What the raster has of a window, and where in the window it belongs."""
    left, top = max(window.col_off, 0), max(window.row_off, 0)
    right = min(window.col_off + window.width, source.width)
    bottom = min(window.row_off + window.height, source.height)
    if right <= left or bottom <= top:
        return (slice(0, 0), slice(0, 0)), np.empty((0, 0), source.dtypes[0])
    read = source.read(1, window=Window(left, top, right - left, bottom - top))
    top, left = top - window.row_off, left - window.col_off
    return (slice(top, top + read.shape[0]), slice(left, left + read.shape[1])), read


def _as_values(read: np.ndarray, nodata: float, own_nodata: float | None) -> np.ndarray:
    """Values with NaN where the item or the file itself says that nothing was measured."""
    values = read.astype("float32")
    values[(read == nodata) | (read == own_nodata)] = np.nan
    return values


def _named(declared: str, path: Path) -> Any:
    try:
        return rasterio.CRS.from_user_input(declared)
    except CRSError:
        raise BadInput(
            "RASTER-CRS-NAME",
            "{where}: its item names the coordinate system {met}, which is not known",
            "mend `proj:code` or `proj:epsg` in the item",
            where=path.name,
            met=declared,
        ) from None


def _last_line(error: Exception) -> str:
    cause = error.__cause__ or error
    return str(cause).strip().splitlines()[-1][:160] if str(cause).strip() else type(cause).__name__
