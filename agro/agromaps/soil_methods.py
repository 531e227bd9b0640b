"""The ways to tell a soil property between its samples: mean, distances, kriging, regression, forest, and their sums.

Every way is fitted on the same ground and then asked for any other: it gives a value and a standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SURFACES = ("idw", "kriging", "ridge", "forest", "ridge_kriging", "forest_kriging")
METHODS = ("mean", *SURFACES)
_NEIGHBOURS, _POWER = 8, 2  # [1] nearest samples and exponent of inverse distances. source: Shepard 1968
_ALPHAS = np.logspace(-1, 5, 13)  # [1] ridge penalties that are tried, on standardised covariates. source: ours
_TREES, _LEAF, _SHARE = 100, 2, 1 / 3  # [1] Breiman 2001, regression: a third of the covariates a split; leaf ours
_MOST_COVARIATES = 30  # [1] more are put together in principal components for the trees. source: ours
_COMPONENTS = 20  # [1]
_RANGES = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)  # [1] practical ranges tried, shares of the longest distance. source: ours
_NUGGETS = np.array([0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0])  # [1] nugget to sill ratios tried. source: ours
_AT_ONCE = 20_000  # [1] places kriged at once, which bounds memory

Told = Callable[["Ground"], tuple[np.ndarray, np.ndarray]]


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
    for name, fit in (("mean", _mean), ("idw", _idw), ("kriging", _kriging)):
        if name in methods:
            told[name] = fit(ground, values)
    for name, trend in (("ridge", _ridge), ("forest", _forest)):
        if name in methods or f"{name}_kriging" in methods:
            told[name], left_out = trend(ground, values)
            if f"{name}_kriging" in methods:
                told[f"{name}_kriging"] = _sum(told[name], _kriging(ground, values - left_out))
    return {name: told[name] for name in methods}


def variogram(xy: np.ndarray, values: np.ndarray) -> Variogram:
    """The exponential variogram that makes the samples likeliest.

    xy       (n, 2) places [m]
    values   (n,) the property [u]
    returns  Variogram: sill and nugget [u2], practical range [m]
    source   restricted likelihood with an unknown mean, Kitanidis 1983; searched on a grid of ranges and nuggets, ours
    """
    from scipy.spatial.distance import cdist

    n = len(values)
    distance = cdist(xy, xy)
    longest, spread = float(distance.max()), float(np.var(values, ddof=1))
    best = (np.inf, Variogram(spread, spread, longest or 1.0))
    if spread <= 0 or longest <= 0:
        return best[1]
    for share in _RANGES:
        range_m = share * longest
        eigenvalues, vectors = np.linalg.eigh(np.exp(-3 * distance / range_m))
        ones, rotated = vectors.T @ np.ones(n), vectors.T @ values
        for ratio in _NUGGETS:
            weight = 1 / np.maximum((1 - ratio) * eigenvalues + ratio, 1e-8)
            information = float(weight @ ones**2)
            mean = float(weight @ (ones * rotated)) / information
            sill = float(weight @ (rotated - mean * ones) ** 2) / (n - 1)
            score = (n - 1) * np.log(sill) - float(np.log(weight).sum()) + np.log(information)
            if score < best[0] - 1e-9:
                best = (score, Variogram(sill, ratio * sill, range_m))
    return best[1]


def _mean(ground: Ground, values: np.ndarray) -> Told:
    """The plain average of the field where it has samples, else of all."""
    numbers, inverse, count = np.unique(ground.field, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, values) / count
    own = dict(zip(numbers, means, strict=True)) if len(numbers) > 1 else {}
    rest = values - (means[inverse] if own else values.mean())
    spread = float(np.sqrt((rest**2).sum() / max(len(values) - max(len(own), 1), 1)))
    overall, few = float(values.mean()), dict(zip(numbers, count, strict=True))

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        value = np.array([own.get(number, overall) for number in other.field])
        known = np.array([few.get(number, len(values)) if own else len(values) for number in other.field])
        unseen = np.array([bool(own) and number not in own for number in other.field])
        return value, np.where(unseen, values.std(ddof=1), spread) * np.sqrt(1 + 1 / known)

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


def _kriging(ground: Ground, values: np.ndarray) -> Told:
    from pykrige.ok import OrdinaryKriging

    xy, same = np.unique(ground.xy, axis=0, return_inverse=True)
    at_one = np.bincount(same.ravel(), values) / np.bincount(same.ravel())  # twice at one place would be singular
    shape = variogram(xy, at_one)
    overall, flat = float(values.mean()), shape.nugget >= shape.sill
    if flat:
        spread = np.sqrt(shape.sill * (1 + 1 / len(values)))
        return lambda other: (np.full(len(other), overall), np.full(len(other), spread))
    kriging = OrdinaryKriging(
        xy[:, 0],
        xy[:, 1],
        at_one,
        variogram_model="exponential",
        variogram_parameters={"psill": shape.sill - shape.nugget, "range": shape.range_m, "nugget": shape.nugget},
        exact_values=False,
    )

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        parts = [
            kriging.execute("points", *other.xy[first : first + _AT_ONCE].T, backend="vectorized")
            for first in range(0, len(other), _AT_ONCE)
        ]
        value, variance = (np.concatenate([np.asarray(part[i]) for part in parts]) for i in (0, 1))
        return value, np.sqrt(np.maximum(variance, shape.nugget))

    return at


def _ridge(ground: Ground, values: np.ndarray) -> tuple[Told, np.ndarray]:
    """The regression, and what it says of each sample when fitted without it."""
    from sklearn.linear_model import RidgeCV

    scaled, back = _standard(ground)
    alpha = float(RidgeCV(_ALPHAS).fit(scaled, values).alpha_)
    left, singular, right = np.linalg.svd(scaled, full_matrices=False)
    shrunk = singular**2 / (singular**2 + alpha)
    overall = float(values.mean())
    slopes = right.T @ (singular / (singular**2 + alpha) * (left.T @ (values - overall)))
    leverage = np.minimum((left**2 * shrunk).sum(1) + 1 / len(values), 0.99)
    left_out = values - (values - overall - scaled @ slopes) / (1 - leverage)
    spread = float(np.sqrt(np.mean((values - left_out) ** 2)))

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        return overall + back(other) @ slopes, np.full(len(other), spread)

    return at, left_out


def _forest(ground: Ground, values: np.ndarray) -> tuple[Told, np.ndarray]:
    """The forest, and what the trees that never met a sample say of it."""
    from sklearn.ensemble import RandomForestRegressor

    scaled, back = _standard(ground)
    turn = np.eye(scaled.shape[1])
    if scaled.shape[1] > _MOST_COVARIATES:
        components = min(_COMPONENTS, len(values) // 3)
        turn = np.linalg.svd(scaled, full_matrices=False)[2][:components].T
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=_LEAF, max_features=_SHARE, oob_score=True, random_state=0, n_jobs=1
    ).fit(scaled @ turn, values)
    left_out = np.asarray(forest.oob_prediction_)
    spread = float(np.sqrt(np.mean((values - left_out) ** 2)))

    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(forest.predict(back(other) @ turn)), np.full(len(other), spread)

    return at, left_out


def _sum(trend: Told, rest: Told) -> Told:
    def at(other: Ground) -> tuple[np.ndarray, np.ndarray]:
        value, (more, error) = trend(other)[0], rest(other)
        return value + more, error

    return at


def _standard(ground: Ground) -> tuple[np.ndarray, Callable[[Ground], np.ndarray]]:
    """Covariates and, where known, coordinates, each with mean 0 and deviation 1; constant ones stay 0."""
    placed = ground.placed

    def table(other: Ground) -> np.ndarray:
        return np.hstack([other.covariates, other.xy]) if placed else other.covariates

    own = table(ground)
    middle, spread = own.mean(0), own.std(0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(middle), 1), spread, np.inf)
    return (own - middle) / spread, lambda other: (table(other) - middle) / spread
