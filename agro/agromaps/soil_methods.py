"""The ways to tell a soil property between its samples: mean, distances, kriging, regression, forest, and their sums.

Every way is fitted on the same ground and then asked for any other: it gives a value and a standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SURFACES = ("idw", "kriging", "ridge", "forest", "ridge_kriging", "forest_kriging")
METHODS = ("mean", *SURFACES)
_NEIGHBOURS, _POWER = 8, 2  # [1] nearest samples and exponent of inverse distances. source: Shepard 1968
_ALPHAS = np.logspace(-1, 5, 13)  # [1] ridge penalties that are tried, on covariates of deviation 1. source: ours
_TREES, _LEAF, _SHARE = 64, 2, 1 / 3  # [1] Breiman 2001, regression: a third of the covariates a split; leaf ours
MOST_COVARIATES = 30  # [1] more are put together in principal components for the trees. source: ours
_COMPONENTS = 20  # [1]
_RANGES = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)  # [1] practical ranges tried, shares of the longest distance. source: ours
_NUGGETS = np.array([0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0])  # [1] nugget to sill ratios tried. source: ours
_FEWEST_PLACES = 4  # [1] fewer show no variogram. source: ours
_NO_SPREAD = 1e-20  # [u2] rounding of equal values: no laboratory writes ten digits
_AT_ONCE = 20_000  # [1] places kriged at once, which bounds memory

Told = Callable[["Ground"], tuple[np.ndarray, np.ndarray]]
Likeness = list[tuple[float, np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Ground:
    """Places and what is known there: `xy` (n, 2) [m], NaN where unknown; `covariates` (n, p); `field` (n,) number."""

    xy: np.ndarray
    covariates: np.ndarray
    field: np.ndarray

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def placed(self) -> bool:
        """Are the coordinates known?"""
        return bool(np.isfinite(self.xy).all())

    def of(self, which: np.ndarray) -> Ground:
        """Some of the places."""
        return Ground(self.xy[which], self.covariates[which], self.field[which])


@dataclass(frozen=True)
class Variogram:
    """Exponential variogram: `sill` is all of it, `nugget` its part at once, `range_m` where 95 % is reached."""

    sill: float
    nugget: float
    range_m: float


def fit_methods(ground: Ground, values: np.ndarray, methods: tuple[str, ...]) -> dict[str, Told]:
    """Each named way, fitted.

    ground   the samples' places [m], covariates without NaN
    values   (n,) the property, any unit [u], or its logarithm
    methods  names out of METHODS
    returns  name to a function of other Ground, giving value and standard error, both [u]
    source   Shepard 1968 (distances), Webster and Oliver 2007 (kriging), Breiman 2001 (forest), Hengl 2007 (sums)
    """
    told: dict[str, Told] = {}
    krige = _kriging(ground) if any("kriging" in name for name in methods) else None
    turned = _turned(ground) if any(name.startswith(("ridge", "forest")) for name in methods) else None
    for name, fit in (("mean", _mean), ("idw", _idw)):
        if name in methods:
            told[name] = fit(ground, values)
    if krige and "kriging" in methods:
        told["kriging"] = krige(values)
    for name, trend in (("ridge", _ridge), ("forest", _forest)):
        if turned and (name in methods or f"{name}_kriging" in methods):
            told[name], left_out = trend(turned, values)
            if krige and f"{name}_kriging" in methods:
                told[f"{name}_kriging"] = _sum(told[name], krige(values - left_out))
    return {name: told[name] for name in methods}


def variogram(xy: np.ndarray, values: np.ndarray, likeness: Likeness | None = None) -> Variogram:
    """The exponential variogram that makes the samples likeliest.

    xy        (n, 2) places [m]
    values    (n,) the property [u]
    likeness  what `likeness_at` gives for the places, where it is known already [1]
    returns   Variogram: sill and nugget [u2], practical range [m]
    source    restricted likelihood with an unknown mean, Kitanidis 1983; searched on a grid of ranges and nuggets, ours
    """
    n, spread = len(values), float(np.var(values, ddof=1))
    likeness = likeness_at(xy) if likeness is None else likeness
    best = (np.inf, Variogram(spread, spread, 1.0))
    if spread <= max(1e-12 * float(np.mean(values**2)), _NO_SPREAD):
        return best[1]
    for range_m, eigenvalues, vectors in likeness:
        ones, rotated = vectors.T @ np.ones(n), vectors.T @ values
        for ratio in _NUGGETS:
            weight = 1 / np.maximum((1 - ratio) * eigenvalues + ratio, 1e-8)
            information = float(weight @ ones**2)
            mean = float(weight @ (ones * rotated)) / information
            sill = float(weight @ (rotated - mean * ones) ** 2) / (n - 1)
            minus_log = (n - 1) * np.log(sill) - float(np.log(weight).sum()) + np.log(information)
            if minus_log < best[0] - 1e-9:
                best = (minus_log, Variogram(sill, ratio * sill, range_m))
    return best[1]


def likeness_at(xy: np.ndarray) -> Likeness:
    """How alike places are at each range that is tried.

    xy       (n, 2) places [m], no two the same
    returns  for each range [m] the eigenvalues [1] and eigenvectors [1] of exp(-3 distance / range); none for one place
    source   ours: found once, used by every kriging of the same places
    """
    from scipy.spatial.distance import cdist

    distance = cdist(xy, xy)
    longest = float(distance.max())
    if not longest:
        return []
    return [(share * longest, *np.linalg.eigh(np.exp(-3 * distance / (share * longest)))) for share in _RANGES]


def _mean(ground: Ground, values: np.ndarray) -> Told:
    """The plain average of the field where it has samples, else of all."""
    numbers, inverse, count = np.unique(ground.field, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, values) / count
    own = dict(zip(numbers, means, strict=True)) if len(numbers) > 1 else {}
    rest = values - (means[inverse] if own else values.mean())
    spread = float(np.sqrt((rest**2).sum() / max(len(values) - max(len(own), 1), 1)))
    overall, few = float(values.mean()), dict(zip(numbers, count, strict=True))
    of_all = float(values.std(ddof=1)) if len(values) > 1 else spread

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        value = np.array([own.get(number, overall) for number in other.field])
        known = np.array([few.get(number, len(values)) if own else len(values) for number in other.field])
        unseen = np.array([bool(own) and number not in own for number in other.field])
        return value, np.where(unseen, of_all, spread) * np.sqrt(1 + 1 / known)

    return at


def _idw(ground: Ground, values: np.ndarray) -> Told:
    from scipy.spatial import cKDTree

    tree = cKDTree(ground.xy)
    near = min(_NEIGHBOURS, len(values))

    def weigh(distance: np.ndarray, index: np.ndarray) -> np.ndarray:
        weight = 1 / np.maximum(distance, 1e-3) ** _POWER  # [m] nearer than a millimetre is the sample itself
        told: np.ndarray = (weight * values[index]).sum(1) / weight.sum(1)
        return told

    distance, index = (found.reshape(len(values), -1)[:, 1:] for found in tree.query(ground.xy, near + 1))
    spread = float(np.sqrt(np.mean((values - weigh(distance[:, :near], index[:, :near] % len(values))) ** 2)))

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        distance, index = (found.reshape(len(other), -1) for found in tree.query(other.xy, near))
        return weigh(distance, index), np.full(len(other), spread)

    return at


def _kriging(ground: Ground) -> Callable[[np.ndarray], Told]:
    """Ordinary kriging of any values at these places."""
    from pykrige.ok import OrdinaryKriging

    xy, place = np.unique(ground.xy, axis=0, return_inverse=True)
    place = place.ravel()
    likeness = likeness_at(xy)

    def krige(values: np.ndarray) -> Told:
        at_one = np.bincount(place, values) / np.bincount(place)  # twice at one place would be singular
        shape = variogram(xy, at_one, likeness)
        if shape.nugget >= shape.sill or len(xy) < _FEWEST_PLACES:
            overall, spread = float(values.mean()), np.sqrt(shape.sill * (1 + 1 / len(values)))
            return lambda other: (np.full(len(other), overall), np.full(len(other), spread))
        kriging = OrdinaryKriging(
            *xy.T,
            at_one,
            variogram_model="exponential",
            variogram_parameters={"psill": shape.sill - shape.nugget, "range": shape.range_m, "nugget": shape.nugget},
            exact_values=False,
        )
        return lambda other: _kriged(kriging, other.xy, shape.nugget)

    return krige


def _kriged(kriging: Any, xy: np.ndarray, nugget: float) -> tuple[np.ndarray, np.ndarray]:
    starts = range(0, len(xy), _AT_ONCE)
    parts = [kriging.execute("points", *xy[i : i + _AT_ONCE].T, backend="vectorized") for i in starts]
    value, variance = (np.concatenate([np.asarray(part[i]) for part in parts]) for i in (0, 1))
    return value, np.sqrt(np.maximum(variance, nugget))


def _ridge(turned: Turned, values: np.ndarray) -> tuple[Told, np.ndarray]:
    """The regression whose left-out samples it tells best, and what it says of each sample when fitted without it."""
    middle = float(values.mean())
    along = turned.left.T @ (values - middle)

    def without(alpha: float) -> np.ndarray:
        kept = turned.singular**2 / (turned.singular**2 + alpha)
        leverage = np.minimum((turned.left**2 * kept).sum(1) + 1 / len(values), 0.99)
        told: np.ndarray = values - (values - middle - turned.left @ (kept * along)) / (1 - leverage)
        return told

    trials = {alpha: without(alpha) for alpha in _ALPHAS}
    alpha, left_out = min(trials.items(), key=lambda trial: float(((values - trial[1]) ** 2).sum()))
    slopes = turned.singular / (turned.singular**2 + alpha) * along
    spread = float(np.sqrt(np.mean((values - left_out) ** 2)))
    return lambda other: (middle + turned.at(other) @ slopes, np.full(len(other), spread)), left_out


def _forest(turned: Turned, values: np.ndarray) -> tuple[Told, np.ndarray]:
    """The forest, and what the trees that never met a sample say of it."""
    from sklearn import config_context
    from sklearn.ensemble import RandomForestRegressor

    many = turned.scaled.shape[1] > MOST_COVARIATES
    first = slice(min(_COMPONENTS, len(values) // 3))
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=_LEAF, max_features=_SHARE, oob_score=True, random_state=0, n_jobs=1
    )
    with config_context(skip_parameter_validation=True, assume_finite=True):  # half of the time of a small forest
        forest.fit((turned.left * turned.singular)[:, first] if many else turned.scaled, values)
    left_out = np.asarray(forest.oob_prediction_)
    spread = float(np.sqrt(np.mean((values - left_out) ** 2)))

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        table = turned.at(other)[:, first] if many else turned.scale(other)
        return np.asarray(forest.predict(table)), np.full(len(other), spread)

    return at, left_out


def _sum(trend: Told, rest: Told) -> Told:
    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        value, (more, error) = trend(other)[0], rest(other)
        return value + more, error

    return at


@dataclass(frozen=True)
class Turned:
    """Covariates and, where known, coordinates: scaled to mean 0 and deviation 1, and along their components."""

    scaled: np.ndarray
    left: np.ndarray
    singular: np.ndarray
    right: np.ndarray
    scale: Callable[[Ground], np.ndarray]

    def at(self, other: Ground) -> np.ndarray:
        """Other places along the components."""
        along: np.ndarray = self.scale(other) @ self.right.T
        return along


def _turned(ground: Ground) -> Turned:
    placed = ground.placed

    def table(other: Ground) -> np.ndarray:
        return np.hstack([other.covariates, other.xy]) if placed else other.covariates

    own = table(ground)
    middle, spread = own.mean(0), own.std(0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(middle), 1), spread, np.inf)  # a constant one stays 0
    scaled = (own - middle) / spread
    return Turned(
        scaled, *np.linalg.svd(scaled, full_matrices=False), scale=lambda other: (table(other) - middle) / spread
    )
