"""Relief from heights: slope, aspect and curvature of each place, with their errors.

Everything here is local: a pixel depends on the square of `HALO_PX` pixels around it and on nothing else, so blocks
with that halo and the whole region give equal numbers. Where water gathers is `agro.agromaps.runoff`.
"""

import math

import numpy as np
import xarray as xr
from scipy.ndimage import correlate

from agro.agromaps.runoff import NO_RUNOFF_ERROR, runoff
from agro.domain.errors import BadInput

SMOOTHING_PX = 1.0  # [px] sigma of the Gaussian before any derivative. source: ours, white noise makes false slope
_REACH_PX = 3  # [px] the Gaussian ends here: its weight is 1 % of the middle's
HALO_PX = _REACH_PX + 1  # [px] what a block needs beyond its edge: the Gaussian and the 3 x 3 window
_SMALLEST_PIXEL_M = 1.0  # [m] a smaller pixel is a length in degrees, or a model that must be averaged first

# Windows of 3 x 3, north up: height times window / pixel size = derivative.
_EAST = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8  # [1/px] Horn 1981
_NORTH = np.rot90(_EAST)  # [1/px] Horn 1981
_EAST_EAST = np.array([[1.0, -2.0, 1.0]] * 3) / 3  # [1/px2] Evans 1979, least squares of a quadratic
_NORTH_NORTH = _EAST_EAST.T  # [1/px2] Evans 1979
_EAST_NORTH = np.array([[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, -1.0]]) / 4  # [1/px2] Evans 1979

NO_ERROR = {
    "height": "its error is the model's own: `height_se_m`, which is given and not estimated here",
    **NO_RUNOFF_ERROR,
}


def relief(height: xr.DataArray, resolution_m: float, height_se_m: float) -> xr.Dataset:
    """All relief layers of a region: `landform` and `runoff` of the same smoothed heights.

    height        (y, x) `height` [m], north up, in a CRS in metres, with a margin of kilometres around what is asked,
                  as runoff is known only where its whole catchment is inside; NaN = no data
    resolution_m  pixel size [m]
    height_se_m   [m] standard error of one height against its neighbours (not against the sea)
    returns       Dataset (y, x): height [m], slope [deg], aspect [deg], profile_curvature, plan_curvature [1/m], each
                  with `_se` in its unit but height; specific_catchment_area [m2/m], twi [1], ls_factor [1],
                  runoff_flag [class]; a layer without `_se` has its reason in `NO_ERROR`
    raises        BadInput when the pixel is not one in metres, or the axes are not y and x
    source        ours: the sum of both
    """
    local = landform(height, resolution_m, height_se_m)
    hollow_m = 2 * height_se_m * _gain(np.ones((1, 1)))
    return local.merge(runoff(smoothed(height), local["slope"], resolution_m, hollow_m))


def landform(height: xr.DataArray, resolution_m: float, height_se_m: float) -> xr.Dataset:
    """Slope, aspect and curvature of smoothed heights. Equal in blocks with `HALO_PX` and whole.

    height        (y, x) `height` [m], north up, in a CRS in metres; NaN = no data
    resolution_m  pixel size [m]
    height_se_m   [m] standard error of one height against its neighbours, taken as independent of them: errors that
                  neighbours share make the true error of slope smaller
    returns       Dataset (y, x): height [m] as it came; slope [deg], 0..90; aspect [deg] clockwise from north, where
                  the ground falls to, NaN where the slope is not above its standard error (its noise has no direction);
                  profile_curvature (along the fall) and plan_curvature (across it) [1/m], above 0 where convex: water
                  speeds up, or spreads; NaN on level ground; `_se` of each but height. NaN where one of the 3 x 3 is
    raises        BadInput when the pixel is not one in metres, or the axes are not y and x
    source        Horn 1981, 10.1109/PROC.1981.11918 (slope, aspect); Evans 1979 and Wood 1996 (quadratic),
                  normal sections after Shary 1995, 10.1007/BF02084608; errors: ours, independent errors through the
                  linear windows. On level ground noise alone shows a median slope of 1.18 times slope_se
    """
    _checked(height, resolution_m)
    smooth = smoothed(height).values
    p, q = (_window(smooth, kernel) / resolution_m for kernel in (_EAST, _NORTH))
    rise = np.hypot(p, q)
    rise_se = height_se_m * _gain(_EAST) / resolution_m
    with np.errstate(divide="ignore", invalid="ignore"):
        aspect_se = np.degrees(rise_se / rise)
    directed = rise > max(rise_se, np.finfo("float32").eps)
    aspect = np.where(directed, np.degrees(np.arctan2(-p, -q)) % 360, np.nan)
    slope = np.degrees(np.arctan(rise))
    profile, plan = _curvatures(smooth, resolution_m, p, q)
    curvature_se = height_se_m * _gain(_EAST_EAST) / resolution_m**2
    layers = {
        "height": height.values,
        "slope": slope,
        "slope_se": np.degrees(rise_se / (1 + rise**2)),
        "aspect": aspect,
        "aspect_se": np.where(directed, aspect_se, np.nan),
        "profile_curvature": profile,
        "profile_curvature_se": np.where(np.isfinite(profile), curvature_se, np.nan),
        "plan_curvature": plan,
        "plan_curvature_se": np.where(np.isfinite(plan), curvature_se, np.nan),
    }
    return xr.Dataset({name: (("y", "x"), values) for name, values in layers.items()}, coords=height.coords)


def smoothed(height: xr.DataArray) -> xr.DataArray:
    """Heights under a Gaussian of one pixel that keeps every plane as it is, also beside missing data.

    height   (y, x) `height` [m]; NaN = no data
    returns  (y, x) `height` [m]; NaN where it was
    source   ours: a pixel counts only together with its mirror image, else slope would appear along every gap
    """
    valid = np.isfinite(height.values)
    padded = np.pad(np.where(valid, height.values, 0.0).astype("float64"), _REACH_PX)
    known = np.pad(valid, _REACH_PX)
    total, weights = np.zeros(height.shape), np.ones(height.shape)
    for row, column, weight in _pairs():
        ahead, behind = (_shifted(known, sign * row, sign * column) for sign in (1, -1))
        both = ahead & behind
        pair = _shifted(padded, row, column) + _shifted(padded, -row, -column) - 2 * _shifted(padded, 0, 0)
        total += np.where(both, weight * pair, 0.0)
        weights += 2 * weight * both
    return height.copy(data=np.where(valid, _shifted(padded, 0, 0) + total / weights, np.nan))


def _pairs() -> list[tuple[int, int, float]]:
    """Half of the Gaussian's offsets (row, column) and their weight over the middle's."""
    reach = range(-_REACH_PX, _REACH_PX + 1)
    return [
        (row, column, math.exp(-(row**2 + column**2) / (2 * SMOOTHING_PX**2)))
        for row in reach
        for column in reach
        if (row, column) > (0, 0)
    ]


def _shifted(padded: np.ndarray, row: int, column: int) -> np.ndarray:
    height, width = (side - 2 * _REACH_PX for side in padded.shape)
    top, left = _REACH_PX + row, _REACH_PX + column
    return padded[top : top + height, left : left + width]


def _window(heights: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The kernel over each 3 x 3 (not mirrored); NaN where one of the nine is, or lies outside."""
    around = np.pad(heights, 1, constant_values=np.nan)
    height, width = heights.shape
    total = np.zeros_like(heights)
    for (row, column), weight in np.ndenumerate(kernel):
        total += weight * around[row : row + height, column : column + width]
    return total


def _curvatures(smooth: np.ndarray, resolution_m: float, p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curvature of the normal sections along and across the fall [1/m]; NaN where there is no fall."""
    r, t, s = (_window(smooth, kernel) / resolution_m**2 for kernel in (_EAST_EAST, _NORTH_NORTH, _EAST_NORTH))
    fall = p**2 + q**2
    some = fall > np.finfo("float32").eps ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        profile = -(r * p**2 + 2 * s * p * q + t * q**2) / (fall * (1 + fall) ** 1.5)
        plan = -(t * p**2 - 2 * s * p * q + r * q**2) / (fall * np.sqrt(1 + fall))
    return np.where(some, profile, np.nan), np.where(some, plan, np.nan)


def _gain(kernel: np.ndarray) -> float:
    """Standard deviation of a window's result where heights have independent errors of 1, after the smoothing."""
    gaussian = np.zeros((4 * _REACH_PX + 1,) * 2)
    middle = 2 * _REACH_PX
    gaussian[middle, middle] = 1.0
    for row, column, weight in _pairs():
        for sign in (1, -1):
            gaussian[middle + sign * row, middle + sign * column] = weight
    return float(np.sqrt((correlate(gaussian / gaussian.sum(), kernel, mode="constant") ** 2).sum()))


def _checked(height: xr.DataArray, resolution_m: float) -> None:
    if height.dims != ("y", "x"):
        raise BadInput(
            "RELIEF-AXES",
            "heights lie on the axes {met}, relief needs y and x in metres",
            "bring the height model to the zone's grid first",
            met=", ".join(map(str, height.dims)),
        )
    if not resolution_m >= _SMALLEST_PIXEL_M:
        raise BadInput(
            "RELIEF-PIXEL",
            "a pixel of {met} m: relief needs pixels of {expected} m or more, in metres and not in degrees",
            "bring the height model to the zone's grid first",
            met=resolution_m,
            expected=_SMALLEST_PIXEL_M,
        )
