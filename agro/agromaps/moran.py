"""Points that do not fit among their neighbours: Moran's scatter plot and the local Moran index."""

import numpy as np


def neighbour_means(xy: np.ndarray, values: np.ndarray, reach_m: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each point's neighbours, and how many they are.

    xy       (n, 2) places [m]
    values   (n,) [u]
    reach_m  neighbours lie so near [m]; a point is none of its own
    returns  (n,) mean [u], NaN without a neighbour; (n,) count [1]
    source   row-standardised weights of equal size, Anselin 1995
    """
    from scipy.spatial import cKDTree

    tree, count, total = cKDTree(xy), np.zeros(len(xy), int), np.zeros(len(xy))
    for start in range(0, len(xy), _AT_ONCE):
        own = slice(start, start + _AT_ONCE)
        pairs = cKDTree(xy[own]).sparse_distance_matrix(tree, reach_m, output_type="coo_matrix")
        row, column = pairs.row + start, pairs.col
        other = row != column
        count += np.bincount(row[other], minlength=len(xy))
        total += np.bincount(row[other], values[column[other]], minlength=len(xy))
    return np.divide(total, count, out=np.full(len(xy), np.nan), where=count > 0), count


def influential(values: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Which points bend the line of Moran's scatter plot (neighbours' mean on own value).

    values   (n,) [u]
    means    (n,) of `neighbour_means` [u]
    returns  (n,) [bool]: any of dfbetas, dffits, covariance ratio, Cook's distance or leverage beyond its limit
    source   Anselin 1996; limits of influence.measures of R (Belsley, Kuh and Welsch 1980), two coefficients
    """
    from scipy.stats import f as fisher

    n, k = len(values), 2
    design = np.column_stack([np.ones(n), values])
    inverse = np.linalg.inv(design.T @ design)
    hat = np.einsum("ij,jk,ik->i", design, inverse, design)
    left = means - design @ (inverse @ design.T @ means)
    spread = float(left @ left)
    without = np.sqrt(np.maximum(spread - left**2 / (1 - hat), 0) / (n - k - 1))
    student = left / (without * np.sqrt(1 - hat))
    dfbetas = (design @ inverse) * (student / np.sqrt(1 - hat))[:, None] / np.sqrt(np.diag(inverse))
    dffits = student * np.sqrt(hat / (1 - hat))
    ratio = 1 / ((1 - hat) * ((n - k - 1 + student**2) / (n - k)) ** k)
    cook = (left / (1 - hat)) ** 2 * hat / (k * spread / (n - k))
    far: np.ndarray = (
        (np.abs(dfbetas) > 1).any(axis=1)
        | (np.abs(dffits) > 3 * np.sqrt(k / (n - k)))
        | (np.abs(1 - ratio) > 3 * k / (n - k))
        | (fisher.cdf(cook, k, n - k) > 0.5)
        | (hat > 3 * k / n)
    )
    return far


def against_neighbours(values: np.ndarray, means: np.ndarray, count: np.ndarray, level: float) -> np.ndarray:
    """Which points are surely high among low ones or low among high ones.

    values   (n,) [u]
    means    (n,) of `neighbour_means` [u]
    count    (n,) its neighbours [1]
    level    one-sided [1]
    returns  (n,) [bool]: local Moran index below 0 and below its expectation at this level
    source   Anselin 1995; conditional variance: Sauer, Oshan, Rey and Wolf 2021
    """
    from scipy.stats import norm

    n = len(values)
    away = values - values.mean()
    scale = float((away**2).mean())
    index = away / scale * (means - values.mean())
    expected = -(away**2) / ((n - 1) * scale)
    squares = np.divide(1.0, count, out=np.full(n, np.nan), where=count > 0)
    variance = (away / scale) ** 2 * (n / (n - 2)) * (squares - 1 / (n - 1)) * (scale - away**2 / (n - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        lower = norm.cdf((index - expected) / np.sqrt(variance))
    surely: np.ndarray = (index < 0) & (lower < level)
    return surely


def fitting(xy: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which points agree with the points next to them, however high or low these are.

    xy       (n, 2) places [m]
    values   (n,) [u]
    returns  (n,) [bool]: no farther from the mean of the 8 nearest than 3 robust deviations of such distances
    source   ours: the influence of a point in Moran's plot tells errors from a patch of high or low yield no better
             than its distance from the field's mean does
    """
    from scipy.spatial import cKDTree

    near = min(_NEXT + 1, len(xy))
    _, index = cKDTree(xy).query(xy, near)
    apart = values - values[index.reshape(len(xy), near)[:, 1:]].mean(axis=1)
    agree: np.ndarray = np.abs(apart) <= 3 * 1.4826 * np.median(np.abs(apart - np.median(apart)))
    return agree


_NEXT = 8  # [1]
_AT_ONCE = 4_000  # [1] points whose neighbours are held at once
