"""Heights of the ground from a local GeoTIFF, on the pixels of the zone's lattice.

Whatever is asked, whole blocks of the lattice are read and cut, so a pixel has one value in every window. Between the
model's own pixels heights are linear, and a pixel is the mean of the 10 m points in it: a plane stays a plane, and
nothing finer appears than the model holds. Whatever cannot be heights in metres is refused; missing data is NaN.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio.features import geometry_mask
from rasterio.windows import Window
from scipy.ndimage import map_coordinates
from shapely import Geometry

from agro.domain.errors import BadInput, Refusal, Told, WrongGrid
from agro.domain.grid import BLOCK_M, Grid, blocks_over, grid_around
from agro.sources.elevation_voids import zero_is_missing
from agro.sources.raster import check_frame, opened

_POINT_M = 10  # [m] distance of the points whose mean is a pixel
_FAR_PX = -1e6  # [px] where a point outside the model's coordinate system is put
_STRIP_PX = 16_000_000  # [px] of the model read at once
_HEIGHTS_M = (-500.0, 9000.0)  # [m] from the shore of the Dead Sea (-430) to Everest (8849)
_IN_METRES = {  # [m] one unit of a band's tag
    **dict.fromkeys(("", "m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimeter", "centimetres", "centimeters"), 0.01),
    **dict.fromkeys(("ft", "foot", "feet", "international foot"), 0.3048),
    **dict.fromkeys(("us-ft", "us survey foot", "us survey feet"), 1200 / 3937),
}


class _Model(NamedTuple):
    """An open height model: the points' way into its pixels, and what turns its numbers into metres."""

    source: Any
    where: str
    to_model: Transformer
    metres: float
    zero_missing: bool
    coarser: int  # [px] so many pixels of the model, each way, are averaged first


def read(path: Path, grid: Grid) -> xr.DataArray:
    """Heights (y, x) `height` [m] above the model's own zero, on the grid; NaN = no data, or outside the file.

    path     a GeoTIFF in any CRS, also in degrees; its pixels must not be larger than the grid's
    grid     edges on multiples of its pixel size, a multiple of 10 m: 40 m for the models of 30 m
    returns  attributes `zero_is_missing`: the file marks missing data with heights of exactly 0
    raises   BadInput when the file cannot be heights in metres, or has none on the whole grid; WrongGrid; TornFile
    """
    _check_grid(grid)
    with opened(path) as source:
        model = _model(source, path, grid)
        blocks = blocks_over(grid.crs, grid.bounds)
        whole = grid_around(blocks, grid.resolution_m)
        heights = np.full(whole.shape, np.nan)
        for block in blocks:
            square = block.grid(grid.resolution_m)
            heights[square.rows_and_columns_in(whole)] = _block_heights(model, square)
    cut = heights[grid.rows_and_columns_in(whole)].copy()
    if not np.isfinite(cut).any():
        _refuse_nothing(model)
    y, x = (
        grid.north_m - (np.arange(grid.height) + 0.5) * grid.resolution_m,
        grid.west_m + (np.arange(grid.width) + 0.5) * grid.resolution_m,
    )
    attributes = {"units": "m", "zero_is_missing": model.zero_missing}
    return xr.DataArray(cut, {"y": y, "x": x}, ("y", "x"), "height", attributes)


def uncovered(
    height: xr.DataArray, grid: Grid, field_ids: Sequence[str], outlines: Sequence[Geometry], margin_m: float
) -> list[Refusal]:
    """The fields without heights on every pixel that they touch, each with the share that is missing.

    height    what `read` gave for the grid
    outlines  polygons [m] in the grid's CRS
    margin_m  [m] how far around a field heights are needed too: slope looks at neighbours
    """
    refused = []
    for field_id, outline in zip(field_ids, outlines, strict=True):
        missing = _missing_share(height.values, grid, outline.buffer(margin_m))
        if missing:
            refusal = BadInput(
                "ELEVATION-UNCOVERED",
                "{where}: the height model has nothing on {share} % of the field and {margin} m around it (its zeros "
                "end in cliffs, so they are missing data and not the sea)"
                if height.attrs.get("zero_is_missing")
                else "{where}: the height model has nothing on {share} % of the field and {margin} m around it",
                "give a height model that covers the field, or leave the field without relief",
                where=field_id,
                share=max(0.1, round(100 * missing, 1)),
                margin=round(margin_m),
            )
            refused.append(refusal.about(field_id=field_id))
    return refused


def _check_grid(grid: Grid) -> None:
    crs, size = CRS.from_user_input(grid.crs), grid.resolution_m
    metres = crs.is_projected and all(axis.unit_conversion_factor == 1 for axis in crs.axis_info)
    if not metres or size % _POINT_M or BLOCK_M % size or grid.west_m % size or grid.north_m % size:
        raise WrongGrid(
            "ELEVATION-GRID",
            "heights are asked for on {met}, expected a CRS in metres and edges on multiples of the pixel size",
            "take the grid from the zone's lattice, `Grid.at(40)`",
            met=f"{grid.crs}, {grid.west_m} {grid.north_m}, {size} m",
        )


def _model(source: Any, path: Path, grid: Grid) -> _Model:
    where = path.name
    check_numbers(source, path)
    to_model = _way_into(source, where, grid)
    pixel_m = _pixel_m(source, to_model)
    if pixel_m > grid.resolution_m * 1.01:
        raise BadInput(
            "ELEVATION-COARSE",
            "{where}: a height every {met} m, finer ground than that would be invented; {expected} m or less is needed",
            "take a model of 30 m, for instance Copernicus GLO-30",
            where=where,
            met=round(pixel_m, 1),
            expected=grid.resolution_m,
        )
    stat = path.stat()
    missing = zero_is_missing(path, stat.st_mtime_ns, stat.st_size)
    return _Model(source, where, to_model, metres_in(source, where), missing, max(1, int(_POINT_M / pixel_m + 1e-6)))


def check_numbers(source: Any, path: Path) -> None:
    """Refuse what is not one band of numbers. Raises BadInput."""
    if source.count != 1 or np.dtype(source.dtypes[0]).kind not in "uif":
        raise BadInput(
            "ELEVATION-BANDS",
            "{where}: {count} bands of {met}, a height model is one band of numbers",
            "give the heights themselves, not a picture of them",
            where=path.name,
            count=source.count,
            met=source.dtypes[0],
        )
    check_frame(source, path)


def _way_into(source: Any, where: str, grid: Grid) -> Transformer:
    if source.crs is None or source.transform.is_identity:
        raise BadInput(
            "ELEVATION-NO-PLACE",
            "{where}: the height model does not say where it lies",
            "write its coordinate system and its corner into the GeoTIFF",
            where=where,
        )
    try:
        crs = CRS.from_wkt(source.crs.to_wkt())
        horizontal = crs.sub_crs_list[0] if crs.is_compound else crs
        way = Transformer.from_crs(grid.crs, horizontal, always_xy=True)
    except ProjError:
        way = None
    if way is None or not (horizontal.is_projected or horizontal.is_geographic):
        raise BadInput(
            "ELEVATION-CRS",
            "{where}: the coordinate system {met} has no known place on the Earth",
            "bring the model to a coordinate system with an EPSG code",
            where=where,
            met=source.crs.to_string()[:60],
        )
    west, south, east, north = source.bounds
    degrees = max(abs(west), abs(east)) <= 360.1 and max(abs(south), abs(north)) <= 90.1
    if horizontal.is_geographic != degrees:
        raise BadInput(
            "ELEVATION-CRS-UNIT",
            "{where}: its corner {met} does not fit its coordinate system, which is in {expected}",
            "write the coordinate system that the numbers are in",
            where=where,
            met=f"{west:.6g} {north:.6g}",
            expected=Told("degrees", {}) if horizontal.is_geographic else Told("metres", {}),
        )
    return way


def _pixel_m(source: Any, to_model: Transformer) -> float:
    """The longer side of a pixel in the middle of the file [m]."""
    column, row = source.width / 2, source.height / 2
    corners = [source.transform @ (column + c, row + r) for c, r in ((0, 0), (1, 0), (0, 1))]
    east, north = np.transpose(corners)
    x, y = to_model.transform(east, north, direction="INVERSE")
    return float(np.hypot(x[1:] - x[0], y[1:] - y[0]).max())


def metres_in(source: Any, where: str) -> float:
    """Metres in one unit of height: by the band's tag, else by the vertical system; metres where neither tells."""
    tag = (source.units[0] or "").strip().casefold()
    if tag not in _IN_METRES:
        raise BadInput(
            "ELEVATION-UNIT",
            "{where}: its heights are tagged as {met}, known are metres, centimetres and feet",
            "write heights in metres, and the tag `m`",
            where=where,
            met=source.units[0],
        )
    crs = CRS.from_wkt(source.crs.to_wkt())
    if not tag and crs.is_compound:
        return float(crs.sub_crs_list[1].axis_info[0].unit_conversion_factor)
    return _IN_METRES[tag]


def _block_heights(model: _Model, square: Grid) -> np.ndarray:
    """Heights of one whole block [m]: the mean of the points of each pixel, NaN where one of them has none."""
    points = square.at(_POINT_M)
    x = points.west_m + (np.arange(points.width) + 0.5) * _POINT_M
    y = points.north_m - (np.arange(points.height) + 0.5) * _POINT_M
    columns, rows = ~model.source.transform @ model.to_model.transform(*np.meshgrid(x, y))
    n = model.coarser
    inside = np.isfinite(rows) & np.isfinite(columns)
    rows, columns = (np.where(inside, index / n - 0.5, _FAR_PX) for index in (rows, columns))
    if not inside.any():
        return np.full(square.shape, np.nan)
    height, width = model.source.height // n, model.source.width // n
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (rows[inside].min() - 1, rows[inside].max() + 2))
    left, right = (int(np.clip(edge, 0, width)) for edge in (columns[inside].min() - 1, columns[inside].max() + 2))
    if bottom - top < 1 or right - left < 1:
        return np.full(square.shape, np.nan)
    own = _own_heights(model, Window(left * n, top * n, (right - left) * n, (bottom - top) * n))
    beyond = np.pad(own, 1, constant_values=np.nan)
    found = map_coordinates(beyond, [rows - top + 1, columns - left + 1], order=1, mode="constant", cval=np.nan)
    times = square.resolution_m // _POINT_M
    mean: np.ndarray = found.reshape(square.height, times, square.width, times).mean(axis=(1, 3))
    return mean


def _own_heights(model: _Model, window: Window) -> np.ndarray:
    """The model's own pixels [m], averaged where they are much finer than the points; NaN where there is no data."""
    n = model.coarser
    if n == 1:
        return _measured(model, window)
    height, width = int(window.height) // n, int(window.width) // n
    step = max(1, _STRIP_PX // (int(window.width) * n))
    means = []
    for top in range(0, height, step):
        rows = min(step, height - top)
        strip = _measured(model, Window(window.col_off, window.row_off + top * n, width * n, rows * n))
        means.append(strip.reshape(rows, n, width, n).mean(axis=(1, 3)))
    return np.concatenate(means)


def _measured(model: _Model, window: Window) -> np.ndarray:
    """Heights as the file has them [m], NaN = no data; a number that cannot be a height is refused."""
    heights: np.ndarray = model.source.read(1, window=window, masked=True).astype("float64").filled(np.nan)
    if model.zero_missing:
        heights[heights == 0] = np.nan
    heights = (heights * model.source.scales[0] + model.source.offsets[0]) * model.metres
    check_heights(heights, model.where)
    return heights


def check_heights(heights_m: np.ndarray, where: str) -> None:
    """Refuse numbers that cannot be heights. Raises BadInput."""
    low, high = _HEIGHTS_M
    strange = heights_m[(heights_m < low) | (heights_m > high)]
    if strange.size:
        raise BadInput(
            "ELEVATION-RANGE",
            "{where}: {count} heights outside {expected} m, for instance {met} m",
            "if the number marks missing data, write it into the file as nodata; else check the unit",
            where=where,
            count=strange.size,
            expected=f"{low:.0f}..{high:.0f}",
            met=f"{strange[0]:.6g}",
        )


def _refuse_nothing(model: _Model) -> None:
    raise BadInput(
        "ELEVATION-NOTHING",
        "{where}: has no height on the asked ground: its zeros end in cliffs, so they are missing data and not the sea"
        if model.zero_missing
        else "{where}: has no height anywhere on the asked ground",
        "give a height model that covers the fields",
        where=model.where,
    )


def _missing_share(heights: np.ndarray, grid: Grid, ground: Geometry) -> float:
    """The share [1] of the pixels touched by the ground that have no height or lie outside the grid."""
    size = grid.resolution_m
    west, south, east, north = ground.bounds
    left, top = int(west // size), int(-north // size)
    shape = int(-(-east // size)) - left, int(-(south // size)) - top
    window = Grid(grid.crs, left * size, -top * size, size, max(1, shape[1]), max(1, shape[0]))
    touched = geometry_mask([ground], window.shape, window.transform, all_touched=True, invert=True)
    rows, columns = np.nonzero(touched)
    rows, columns = rows + (grid.north_m - window.north_m) // size, columns + (window.west_m - grid.west_m) // size
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    known = np.isfinite(heights[rows[inside], columns[inside]]).sum()
    return float(1 - known / max(1, len(rows)))
