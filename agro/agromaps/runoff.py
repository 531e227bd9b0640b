"""Where water gathers: the ground above each pixel, and what follows from it. Needs a whole region at once.

A pixel is known only where all the ground above it lies inside the heights: where a catchment reaches their edge or
missing data, there is no value, as nobody knows what comes from beyond. A hollow cut by the edge runs out over it.
"""

import numpy as np
import xarray as xr

_FLATTEST = (
    0.001  # [1] tangent of the least slope in the wetness index. source: ours, level ground is not endlessly wet
)
_PLOT_M = 22.13  # [m] length of the unit plot. source: Wischmeier and Smith 1978
_PLOT_SINE = 0.0896  # [1] sine of the unit plot's slope of 9 %. source: Moore and Burch 1986
_LENGTH_POWER, _STEEPNESS_POWER = 0.4, 1.3  # [1] source: Moore and Burch 1986
_STEPS_PER_M = 1024  # [1/m] pyflwdir sorts heights as 32-bit floats: these steps of 1 mm are exact in them up to 16 km
_NODATA = -9999.0  # [m] mark of missing data towards pyflwdir
WHOLE, CUT, HOLLOW = 0, 1, 2  # [class] runoff_flag

NO_RUNOFF_ERROR = {
    "specific_catchment_area": "a small error of height turns the way of water: no formula gives its spread",
    "twi": "follows from the catchment area, which has none",
    "ls_factor": "follows from the catchment area, which has none",
}

# The eight facets of a pixel, Tarboton 1997: steps (row, column) to the near neighbour and to the diagonal one.
_FACETS = tuple(
    (near, diagonal)
    for near in ((0, 1), (-1, 0), (0, -1), (1, 0))
    for diagonal in ((-1, 1), (-1, -1), (1, -1), (1, 1))
    if near[0] in (0, diagonal[0]) and near[1] in (0, diagonal[1])
)


def runoff(height: xr.DataArray, slope: xr.DataArray, resolution_m: float, hollow_m: float) -> xr.Dataset:
    """Ground above each pixel, topographic wetness and the slope's length and steepness factor of erosion.

    height        (y, x) smoothed `height` [m] of a region with a margin, in a CRS in metres; NaN = no data
    slope         (y, x) `slope` [deg] on the same pixels
    resolution_m  pixel size [m]
    hollow_m      [m] a closed hollow deeper than this is flagged: it may be real, and then it holds its water
    returns       Dataset (y, x): specific_catchment_area [m2/m] (area above and of the pixel over the pixel's width),
                  twi [1], ls_factor [1]: NaN where the catchment leaves the heights; runoff_flag [class]: 0 known,
                  1 catchment cut, 2 in a hollow that was filled to let water out; NaN where there is no height
    source        hollows: Wang and Liu 2006, 10.1080/13658810500433453, by pyflwdir; area: Tarboton 1997,
                  10.1029/96WR03137, on level ground the one way out of the filling
    """
    heights = np.rint(height.values.astype("float64") * _STEPS_PER_M) / _STEPS_PER_M
    filled, way_out, order = _filled(heights)
    gathered, cut = _gathered(filled, way_out, order, resolution_m)
    valid = np.isfinite(heights)
    flag = np.where(filled - np.where(valid, heights, 0) > hollow_m, HOLLOW, WHOLE).astype("float64")
    flag[cut], flag[~valid] = CUT, np.nan
    area = height.copy(data=np.where(valid & ~cut, gathered, np.nan))
    return xr.Dataset(
        {
            "specific_catchment_area": area,
            "twi": twi(area, slope),
            "ls_factor": ls_factor(area, slope),
            "runoff_flag": height.copy(data=flag),
        }
    )


def twi(specific_area: xr.DataArray, slope: xr.DataArray) -> xr.DataArray:
    """Topographic wetness index: high where much ground drains into little slope.

    specific_area  (y, x) specific catchment area [m2/m]
    slope          (y, x) `slope` [deg]; below 0.057 deg (0.1 %) it counts as that
    returns        (y, x) `twi` [1]; NaN where one of the two is
    source         Beven and Kirkby 1979, 10.1080/02626667909491834; the least slope: ours
    """
    tangent = np.tan(np.radians(slope)).clip(min=_FLATTEST)
    wetness: xr.DataArray = xr.apply_ufunc(np.log, specific_area / tangent)
    return wetness


def ls_factor(specific_area: xr.DataArray, slope: xr.DataArray) -> xr.DataArray:
    """Length and steepness factor of erosion by water, 1 at the foot of the unit plot (22.13 m of 9 %).

    specific_area  (y, x) specific catchment area [m2/m]
    slope          (y, x) `slope` [deg]
    returns        (y, x) `ls_factor` [1]; NaN where one of the two is; for slopes, not for the beds of streams
    source         Moore and Burch 1986, 10.2136/sssaj1986.03615995005000050042x: without the factor 1.4 of later papers
    """
    steepness = np.sin(np.radians(slope)) / _PLOT_SINE
    return (specific_area / _PLOT_M) ** _LENGTH_POWER * steepness**_STEEPNESS_POWER


def _filled(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights without hollows; the flat index of each pixel's one way out; pixels ordered so that water goes on."""
    import pyflwdir

    marked = np.where(np.isfinite(heights), heights, _NODATA)
    filled, directions = pyflwdir.fill_depressions(marked, nodata=_NODATA)
    if (marked == _NODATA).all():
        own = np.arange(heights.size)
        return filled, own, own
    network = pyflwdir.from_array(directions, ftype="d8")
    way_out = np.where(network.idxs_ds < 0, np.arange(heights.size), network.idxs_ds)
    return filled, way_out, np.lexsort((-network.rank.ravel(), -filled.ravel()))


def _gathered(
    filled: np.ndarray, way_out: np.ndarray, order: np.ndarray, resolution_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Specific catchment area [m2/m], and where the catchment is cut by the edge of the heights."""
    from scipy.sparse import csr_array, eye_array
    from scipy.sparse.linalg import spsolve_triangular

    receivers, shares = _ways(filled, way_out)
    size = filled.size
    place = np.empty(size, dtype="int64")
    place[order] = np.arange(size)
    givers = np.tile(np.arange(size), 2)
    gives = shares > 0
    inflow = csr_array((shares[gives], (place[receivers[gives]], place[givers[gives]])), shape=(size, size))
    begins = np.column_stack([np.full(size, float(resolution_m)), _on_edge(filled).ravel()[order]])
    balance = (eye_array(size, format="csr") - inflow).tocsr()
    gathered = spsolve_triangular(balance, begins, lower=True, unit_diagonal=True)
    area, from_edge = (column[place].reshape(filled.shape) for column in gathered.T)
    return area, from_edge > 0


def _ways(filled: np.ndarray, way_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two receivers (flat indices) of each pixel and the share [1] that each gets: all first ones, then all second."""
    around = np.pad(np.where(filled == _NODATA, np.nan, filled), 1, constant_values=np.nan)
    rows, columns = filled.shape
    own = np.arange(filled.size).reshape(filled.shape)
    steepest = np.zeros(filled.shape)
    near_to, far_to, far_share = way_out.reshape(filled.shape).copy(), own.copy(), np.zeros(filled.shape)
    for near, diagonal in _FACETS:
        beside, beyond = (around[1 + r : 1 + r + rows, 1 + c : 1 + c + columns] for r, c in (near, diagonal))
        down, across = filled - beside, beside - beyond
        angle = np.clip(np.nan_to_num(np.arctan2(across, down)), 0, np.pi / 4)
        fall = np.where(
            angle >= np.pi / 4, (filled - beyond) / np.sqrt(2), np.where(angle > 0, np.hypot(down, across), down)
        )
        better = fall > steepest  # never where the near height is missing; towards a missing diagonal nothing turns
        steepest = np.where(better, fall, steepest)
        near_to = np.where(better, own + near[0] * columns + near[1], near_to)
        far_to = np.where(better, own + diagonal[0] * columns + diagonal[1], far_to)
        far_share = np.where(better, angle / (np.pi / 4), far_share)
    near_share = np.where(near_to == own, 0.0, 1 - far_share)
    return np.concatenate([near_to.ravel(), far_to.ravel()]), np.concatenate([near_share.ravel(), far_share.ravel()])


def _on_edge(filled: np.ndarray) -> np.ndarray:
    """Pixels with missing data, or nothing, beside them."""
    from scipy.ndimage import binary_erosion

    valid = filled != _NODATA
    edge: np.ndarray = valid & ~binary_erosion(valid, np.ones((3, 3)))
    return edge
