"""Block kriging of dense points: the mean of each pixel from the points nearest to it, and its standard error."""

from dataclasses import dataclass, replace

import numpy as np

_NEAREST = 32  # [1] points that a pixel is told from. source: ours; VESPER takes 90 to 100 (Whelan et al. 2002)
_POWERS = (1.0, 1.5, 1.9)  # [1] of the distance: from rough (exponential) to smooth values. source: ours
_INSIDE = 4  # [1] places across a pixel at which its inside is looked at
_SAMPLED, _LAGS, _RANGES = 2_000, 15, 25  # [1] points, distances and ranges from which the variogram is found. ours
_AT_ONCE = 2_000  # [1] pixels


@dataclass(frozen=True)
class Variogram:
    """How values differ with distance: `sill` is all of it, `nugget` its part at once [u2], `range_m` where 95 %
    is reached, `power` of the distance [1]; 1 is the exponential model, near 2 a smooth one. `common` is the variance
    of what the witnesses of one group err in alike [u2], beside all of these."""

    sill: float
    nugget: float
    range_m: float
    power: float = 1.0
    common: float = 0.0

    def alike(self, apart_m: np.ndarray) -> np.ndarray:
        """The correlation of what is not nugget at these distances."""
        like: np.ndarray = np.exp(-3 * (apart_m / max(self.range_m, 1e-6)) ** self.power)
        return like


@dataclass(frozen=True)
class Witnesses:
    """What was measured where: `xy` (n, 2) [m], no two the same, `values` (n,) [u], `group` (n,) the number of the pass
    or day of each, and the least variance of a value's own error, `noise` [u2]."""

    xy: np.ndarray
    values: np.ndarray
    group: np.ndarray
    noise: float = 0.0


def krige_blocks(
    known: Witnesses, shape: Variogram, pixels: np.ndarray, pixel_m: float, reach_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """The mean of pixels and its standard error.

    known    Witnesses [u]
    shape    `variogram_of` them
    pixels   (m, 2) middles of the pixels [m]
    pixel_m  their side [m]
    reach_m  a pixel farther from every point than this has no value [m]
    returns  (m,) and (m,) [u], NaN where no point is in reach
    source   ordinary block kriging in a local neighbourhood: Burgess and Webster 1980. What a group errs in alike
             does not change the weights (a difference of two passes may be real), but the error: ours
    """
    from scipy.spatial import cKDTree

    value, error = np.full(len(pixels), np.nan), np.full(len(pixels), np.nan)
    distance, near = cKDTree(known.xy).query(pixels, min(_NEAREST, len(known.values)))
    told = np.flatnonzero(distance.reshape(len(pixels), -1)[:, 0] <= reach_m)
    near = near.reshape(len(pixels), -1)
    for start in range(0, len(told), _AT_ONCE):
        own = told[start : start + _AT_ONCE]
        weight, variance = _blocks(known.xy[near[own]], pixels[own], pixel_m, shape)
        group = known.group[near[own]]
        alike = np.einsum("pi,pij,pj->p", weight, group[:, :, None] == group[:, None], weight)
        value[own] = (weight * known.values[near[own]]).sum(axis=1)
        error[own] = np.sqrt(np.maximum(variance, 0) + shape.common * alike)
    return value, error


def variogram_of(known: Witnesses) -> Variogram:
    """The variogram that lies nearest to half the mean squared differences at each distance, in a group and between.

    known    Witnesses [u]
    returns  Variogram
    source   Matheron 1963; weighted least squares, Cressie 1985; on a sample of the points, ours
    """
    from scipy.optimize import nnls
    from scipy.spatial.distance import pdist

    chosen = np.random.default_rng(0).permutation(len(known.values))[:_SAMPLED]
    xy, values, noise = known.xy[chosen], known.values[chosen], known.noise
    apart, half = pdist(xy), pdist(values[:, None], "sqeuclidean") / 2
    between = pdist(known.group[chosen][:, None], "chebyshev") > 0
    edges = np.unique(np.quantile(apart[apart <= apart.max() / 3], np.linspace(0, 1, _LAGS + 1) ** 3))
    lag = 2 * (np.digitize(apart, edges) - 1) + between
    lag = np.where(apart < edges[-1], lag, 2 * _LAGS)
    count = np.bincount(lag, minlength=2 * _LAGS + 1)[:-1]
    mean, at = (np.bincount(lag, one, 2 * _LAGS + 1)[:-1] / np.maximum(count, 1) for one in (half, apart))
    weight = np.sqrt(count) / np.maximum(mean, 1e-12)
    best = (np.inf, Variogram(float(values.var()), float(values.var()), 1.0))
    for range_m in np.geomspace(max(2 * at[count > 0].min(), 1.0), max(apart.max(), 2.0), _RANGES):
        for power in _POWERS:
            shape = Variogram(1.0, 0.0, float(range_m), power)
            design = np.column_stack([np.ones(2 * _LAGS), 1 - shape.alike(at), np.arange(2 * _LAGS) % 2])
            (own, even, common), away = nnls(design * weight[:, None], np.maximum(mean - noise, 0) * weight)
            if away < best[0]:
                nugget = float(noise + own)
                best = (away, replace(shape, sill=nugget + float(even), nugget=nugget, common=float(common)))
    return best[1]


def mean_error(shape: Variogram, pixels: np.ndarray, error: np.ndarray) -> float:
    """The standard error of the mean of pixels whose errors are alike as far as the values are.

    shape    variogram of the values [u2]
    pixels   (m, 2) middles of the pixels [m]
    error    (m,) their standard errors [u]
    returns  [u]; an upper bound, as kriging leaves less likeness between errors than there is between values
    source   ours: variance of a mean with exponential correlation, on a sample of the pixels
    """
    from scipy.spatial.distance import cdist

    if len(pixels) > _AT_ONCE:
        chosen = np.random.default_rng(0).choice(len(pixels), _AT_ONCE, replace=False)
        pixels, error = pixels[chosen], error[chosen]
    alike = shape.alike(cdist(pixels, pixels))
    return float(np.sqrt(error @ alike @ error) / len(error))


def _blocks(xy: np.ndarray, pixels: np.ndarray, pixel_m: float, shape: Variogram) -> tuple[np.ndarray, np.ndarray]:
    """Weights (m, k) of ordinary kriging for pixels (m), each from its own points (m, k, 2), and its variance (m)."""
    count, near = xy.shape[:2]
    even = shape.sill - shape.nugget
    apart = np.hypot(*(xy[:, :, None] - xy[:, None]).transpose(3, 0, 1, 2))
    system = np.ones((count, near + 1, near + 1))
    system[:, :near, :near] = even * shape.alike(apart)
    system[:, range(near), range(near)] += max(shape.nugget, 1e-9 * shape.sill + 1e-12)
    system[:, near, near] = 0
    inside = (np.arange(_INSIDE) + 0.5) / _INSIDE * pixel_m - pixel_m / 2
    inner = np.stack(np.meshgrid(inside, inside), axis=-1).reshape(-1, 2)
    to_block = np.hypot(*(xy[:, :, None] - (pixels[:, None, None] + inner)).transpose(3, 0, 1, 2))
    right = np.ones((count, near + 1))
    right[:, :near] = even * shape.alike(to_block).mean(axis=2)
    weight = np.linalg.solve(system, right[..., None])[..., 0]
    within = even * shape.alike(np.hypot(*(inner[:, None] - inner).transpose(2, 0, 1))).mean()
    return weight[:, :near], within - (weight * right).sum(axis=1)
