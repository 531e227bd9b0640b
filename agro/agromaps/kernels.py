"""Vegetation layers of a window, compiled: from counts to what is stored, in one loop, equal to `vegetation`.

Integers in, integers out: no array of real numbers larger than a row ever exists. What a count means comes as a table
(reflectance [1] of each of 65,536 counts, NaN where nothing was measured), what to believe as a mask on the coarser
pixels, and how a value is stored as numbers: so these loops know neither the imagery nor the store. The functions of
`vegetation` stay the readable truth; a test holds these equal to them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numba
import numpy as np

from agro.agromaps.biophysical import NETWORKS
from agro.agromaps.vegetation import LAI_TOLERANCE, cosines
from agro.domain.imagery import Angles
from agro.domain.layers import LAYERS, Layer

_compiled: Callable[[Callable[..., Any]], Any] = numba.njit(nogil=True, cache=True, error_model="numpy")

# A difference index as gain * (high - low) / (high + weight * low + soil); the formulas are those of `vegetation`.
_RATIOS = {"ndvi": (1.0, 1.0, 0.0), "evi2": (2.5, 2.4, 1.0), "ndre": (1.0, 1.0, 0.0), "ndmi": (1.0, 1.0, 0.0)}
_TWO_BANDS = {
    "ndvi": ("red", "nir"),
    "evi2": ("red", "nir"),
    "ndre": ("rededge1", "nir08"),
    "ndmi": ("swir16", "nir08"),
}
_NEURONS, _BANDS = 5, 8  # of a leaf area network


def index_of(
    name: str, counts: Mapping[str, np.ndarray], tables: Mapping[str, np.ndarray], believed: np.ndarray
) -> np.ndarray:
    """A difference index as it is stored.

    name      a layer of `vegetation.INDICES`
    counts    (y, x) `uint16` of its two bands, as places in their tables [1]
    tables    (2, 65536) `reflectance` [1] of each band's counts; the second row may stand in ratios
    believed  (y, x) True where a value may be kept [1], on the bands' pixels or twice as coarse
    returns   (y, x) the layer as stored, in its register's steps [1]; its mark where not believed
    source    agro.agromaps.vegetation
    """
    low, high = _TWO_BANDS[name]
    stored = np.empty(counts[low].shape, LAYERS[name].dtype)
    ratio = np.array(_RATIOS[name], "float32")
    where = believed, _shift(counts[low], believed)
    _index(counts[low], tables[low][1], counts[high], tables[high][1], *where, ratio, _encoding(LAYERS[name]), stored)
    return stored


def band_of(name: str, counts: np.ndarray, table: np.ndarray, believed: np.ndarray) -> np.ndarray:
    """A band's reflectance as it is stored.

    name      a layer that keeps a band [1]
    counts    (y, x) `uint16`, as places in the table [1]
    table     (2, 65536) `reflectance` [1] of each count
    believed  (y, x) True where a value may be kept [1], on the band's pixels or twice as coarse
    returns   (y, x) the layer as stored, in its register's steps [1]; its mark where not believed
    source    agro.imagery.reflectance
    """
    stored = np.empty(counts.shape, LAYERS[name].dtype)
    _band(counts, table[0], believed, _shift(counts, believed), _encoding(LAYERS[name]), stored)
    return stored


def leaf_area(
    counts: Mapping[str, np.ndarray],
    tables: Mapping[str, np.ndarray],
    believed: np.ndarray,
    angles: Angles,
    net: str = "2.1",
) -> tuple[np.ndarray, np.ndarray]:
    """Green leaf area and its flag as they are stored, by the network of `vegetation.lai`.

    counts    (y, x) `uint16` of the network's eight bands, as places in their tables [1]; green and red on 10 m
    tables    (2, 65536) `reflectance` [1] of each band's counts
    believed  (y, x) True where a value may be kept [1], on 20 m
    angles    sun and view [deg], all four known
    net       version of the network [1]
    returns   (y, x) `lai` [m2/m2] and `lai_flag` [class] as stored; their marks where not believed
    source    agro.agromaps.vegetation; hyperbolic tangent: rational approximation of 13th over 6th degree
    """
    bands = LAYERS["lai"].bands
    weights, limits, closed = _network(angles, net)
    stored = np.empty(believed.shape, LAYERS["lai"].dtype), np.empty(believed.shape, LAYERS["lai_flag"].dtype)
    _leaf_area(
        tuple(counts[name] for name in bands),
        tuple(tables[name][0] for name in bands),
        believed,
        weights,
        limits,
        closed,
        _encoding(LAYERS["lai"]),
        LAYERS["lai_flag"].nodata,
        *stored,
    )
    return stored


def _shift(counts: np.ndarray, believed: np.ndarray) -> int:
    """0 where the mask lies on the pixels themselves, 1 where it is twice as coarse."""
    return int(counts.shape[0] // believed.shape[0]) - 1


def _encoding(layer: Layer) -> np.ndarray:
    """Lowest and highest value, step, mark: what `store.rasters.encode` does with a value."""
    return np.array([layer.lowest, layer.highest, layer.step, layer.nodata], "float32")


def _network(angles: Angles, net: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The network over reflectance itself: the scaling of inputs and the angles are folded into its weights.

    Weights: a row a neuron (8 of bands, bias, weight of its output), then a row of the output's scale and bias.
    Limits: lowest and highest of each band, rounded to `float32` so that comparisons stay what they were.
    Third: 1 where the angles themselves lie outside the domain.
    """
    network = NETWORKS[net]
    lowest, highest = np.asarray(network.input_lowest), np.asarray(network.input_highest)
    edges = zip(cosines(angles), (*lowest[_BANDS:], -1.0), (*highest[_BANDS:], 1.0), strict=True)
    fixed, outside = [], False
    for cosine, low, high in edges:
        fixed.append(2 * (cosine - low) / (high - low) - 1)
        outside = outside or not low - 1e-9 <= cosine <= high + 1e-9
    low, high = lowest[:_BANDS], highest[:_BANDS]
    hidden = np.asarray(network.hidden_weights)
    own, given = hidden[:, :_BANDS], hidden[:, _BANDS:]
    bias = np.asarray(network.hidden_biases) + given @ fixed - own @ (2 * low / (high - low) + 1)
    weights = np.zeros((_NEURONS + 1, _BANDS + 2), "float32")
    weights[:_NEURONS, :_BANDS], weights[:_NEURONS, _BANDS] = own * (2 / (high - low)), bias
    weights[:_NEURONS, _BANDS + 1] = network.output_weights
    bottom, top = network.output_range
    weights[_NEURONS, :2] = 0.5 * (top - bottom), 0.5 * (network.output_bias + 1) * (top - bottom) + bottom
    return weights, np.stack([_rounded(low, np.inf), _rounded(high, -np.inf)]), int(outside)


def _rounded(limit: np.ndarray, toward: float) -> np.ndarray:
    """The nearest `float32` that does not lie on the other side."""
    near = limit.astype("float32")
    wrong = near < limit if toward > 0 else near > limit
    return np.where(wrong, np.nextafter(near, np.float32(toward)), near)


@_compiled
def _index(low, low_table, high, high_table, believed, shift, ratio, encoding, stored):  # type: ignore[no-untyped-def]
    height, width = low.shape
    gain, weight, soil = ratio[0], ratio[1], ratio[2]
    lowest, highest, step, mark = encoding[0], encoding[1], encoding[2], encoding[3]
    first, second, seen = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.bool_)
    for y in range(height):
        for x in range(width):
            seen[x] = believed[y >> shift, x >> shift]
            first[x] = low_table[low[y, x]]
            second[x] = high_table[high[y, x]]
        for x in range(width):
            value = gain * (second[x] - first[x]) / (second[x] + weight * first[x] + soil)
            kept = seen[x] and value >= lowest and value <= highest
            stored[y, x] = np.int16(np.rint(value / step if kept else mark))


@_compiled
def _band(counts, table, believed, shift, encoding, stored):  # type: ignore[no-untyped-def]
    height, width = counts.shape
    lowest, highest, step, mark = encoding[0], encoding[1], encoding[2], encoding[3]
    first, seen = np.empty(width, np.float32), np.empty(width, np.bool_)
    for y in range(height):
        for x in range(width):
            seen[x] = believed[y >> shift, x >> shift]
            first[x] = table[counts[y, x]]
        for x in range(width):
            kept = seen[x] and first[x] >= lowest and first[x] <= highest
            stored[y, x] = np.int16(np.rint(first[x] / step if kept else mark))


@_compiled
def _tanh(x):  # type: ignore[no-untyped-def]
    """Within 4e-7: odd polynomial of degree 13 over an even one of degree 6, coefficients of Eigen 3.4"""
    x = min(max(x, np.float32(-7.9988117)), np.float32(7.9988117))
    s = x * x
    p = s * np.float32(-2.76076847742355e-16) + np.float32(2.00018790482477e-13)
    p = s * p + np.float32(-8.60467152213735e-11)
    p = s * p + np.float32(5.12229709037114e-08)
    p = s * p + np.float32(1.48572235717979e-05)
    p = s * p + np.float32(6.37261928875436e-04)
    p = s * p + np.float32(4.89352455891786e-03)
    q = s * np.float32(1.19825839466702e-06) + np.float32(1.18534705686654e-04)
    q = s * q + np.float32(2.26843463243900e-03)
    q = s * q + np.float32(4.89352518554385e-03)
    return x * p / q


@_compiled
def _mean_of_four(counts, table, row, out):  # type: ignore[no-untyped-def]
    """A row of 20 m from two rows of 10 m; NaN where any of the four is."""
    for i in range(len(out)):
        above = table[counts[2 * row, 2 * i]] + table[counts[2 * row, 2 * i + 1]]
        below = table[counts[2 * row + 1, 2 * i]] + table[counts[2 * row + 1, 2 * i + 1]]
        out[i] = np.float32(0.25) * (above + below)


@_compiled
def _row_of(counts, table, row, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = table[counts[row, i]]


@_compiled
def _leaf_area(  # type: ignore[no-untyped-def]
    counts, tables, believed, weights, limits, closed, encoding, flag_mark, stored, flagged
):
    height, width = believed.shape
    lowest, highest, step, mark = encoding[0], encoding[1], encoding[2], encoding[3]
    low_end, high_end = lowest - np.float32(LAI_TOLERANCE), highest + np.float32(LAI_TOLERANCE)
    x = np.empty((8, width), np.float32)
    area, outside = np.empty(width, np.float32), np.empty(width, np.uint8)
    for row in range(height):
        for k in range(2):
            _mean_of_four(counts[k], tables[k], row, x[k])
        for k in range(2, 8):
            _row_of(counts[k], tables[k], row, x[k])
        area[:], outside[:] = weights[5, 1], closed
        for k in range(8):
            low, high = limits[0, k], limits[1, k]
            for i in range(width):
                outside[i] |= (x[k, i] < low) | (x[k, i] > high)
        for n in range(5):
            w = weights[n]
            for i in range(width):
                s = w[8] + w[0] * x[0, i] + w[1] * x[1, i] + w[2] * x[2, i] + w[3] * x[3, i]
                s += w[4] * x[4, i] + w[5] * x[5, i] + w[6] * x[6, i] + w[7] * x[7, i]
                area[i] += weights[5, 0] * w[9] * _tanh(s)
        for i in range(width):
            kept = believed[row, i] & (area[i] == area[i])  # NaN is not itself
            value = min(max(area[i], lowest), highest)
            stored[row, i] = np.int16(np.rint(value / step if kept else mark))
        for i in range(width):
            kept = believed[row, i] & (area[i] == area[i])
            clipped = (area[i] < low_end) | (area[i] > high_end)
            flagged[row, i] = outside[i] + 2 * clipped if kept else flag_mark
