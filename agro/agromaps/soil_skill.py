"""How well a way of mapping tells places it has not seen: folds by field or block, and the figures of merit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agro.agromaps.soil_methods import Ground, variogram

NORMAL_90 = 1.6449  # [1] half width of a 90 % interval in standard errors of a normal distribution
_FEWEST_FIELDS = 5  # [1] from so many fields on, whole fields are left out. source: ours
_MOST_FOLDS, _FEWEST_FOLDS = 10, 5  # [1] source: ours: time, and enough left to learn from
_LEVEL = 0.90  # [1] of the interval that is promised


@dataclass(frozen=True)
class Folds:
    """Which samples are left out together: `number` of each, and how: `fields`, `blocks`, `parts` or `random`."""

    number: np.ndarray
    kind: str
    side_m: float = np.nan
    range_m: float = np.nan


@dataclass(frozen=True)
class Scores:
    """Figures of merit on samples that were left out, in the property's unit where it has one.

    `r2` compares with the average of all samples, `skill` with the average that could be known without the left-out
    ones, `skill_se` its standard error as if samples erred independently; `class_share` and `class_share_1` are the
    shares of the right class and of at most one class off; `squared_z` is the mean squared error over its own
    variance, `coverage_90` the share inside the 90 % interval.
    """

    n: int
    rmse: float
    mean_error: float
    r2: float
    skill: float
    skill_se: float
    ccc: float
    class_share: float
    class_share_1: float
    squared_z: float
    coverage_90: float


def spatial_folds(ground: Ground, values: np.ndarray) -> Folds:
    """The samples in parts that are left out one after the other.

    ground   the samples' places [m]; NaN where unknown
    values   (n,) the property, to know how far it is alike [u]
    returns  Folds: whole fields from 5 fields on (in at most 10 groups); else 5 to 10 blocks of neighbouring samples,
             as many as have sides [m] not shorter than the range of the variogram; at random where no place is known
    source   Roberts 2017 (blocks), Webster and Oliver 2007 (range); 5 to 10: ours
    """
    fields, of_field = np.unique(ground.field, return_inverse=True)
    if len(fields) >= _FEWEST_FIELDS:
        by_size = np.argsort(-np.bincount(of_field), kind="stable")
        group = np.empty(len(fields), int)
        group[by_size] = np.arange(len(fields)) % _MOST_FOLDS
        return Folds(group[of_field], "fields")
    if not ground.placed:
        return Folds(np.random.default_rng(0).permutation(len(ground)) % _MOST_FOLDS, "random")
    from shapely import MultiPoint
    from sklearn.cluster import KMeans

    area_m2 = float(MultiPoint(ground.xy).convex_hull.area)
    shape = variogram(ground.xy, values)
    alike_m = shape.range_m if shape.nugget < shape.sill else 0.0
    fit = int(area_m2 / alike_m**2) if alike_m else _MOST_FOLDS
    count = min(max(fit, _FEWEST_FOLDS), _MOST_FOLDS, len(np.unique(ground.xy, axis=0)))
    number = KMeans(count, n_init=10, random_state=0).fit_predict(ground.xy)
    return Folds(number, "blocks", float(np.sqrt(area_m2 / count)), alike_m)


def within_fields(ground: Ground) -> Folds:
    """A part of every field is left out at a time, so that each field keeps samples to be centred by.

    ground   the samples' places [m] and fields
    returns  Folds of 5 parts [1], each field's samples in blocks of neighbours; at random where no place is known
    source   ours
    """
    from sklearn.cluster import KMeans

    number = np.empty(len(ground), int)
    for turn, field in enumerate(np.unique(ground.field)):
        own = np.flatnonzero(ground.field == field)
        count = min(_FEWEST_FOLDS, len(np.unique(ground.xy[own], axis=0)))
        near = np.arange(len(own)) % _FEWEST_FOLDS
        if ground.placed:
            near = KMeans(count, n_init=3, random_state=0).fit_predict(ground.xy[own])
        number[own] = (near + turn) % _FEWEST_FOLDS
    return Folds(number, "parts")


def near_folds(ground: Ground) -> Folds:
    """The samples of every field dealt out one by one, so that each left-out one keeps its neighbours.

    ground   the samples' fields
    returns  Folds of 10 [1], at random
    source   ours
    """
    random, number, dealt = np.random.default_rng(0), np.empty(len(ground), int), 0
    for field in np.unique(ground.field):
        own = np.flatnonzero(ground.field == field)
        number[random.permutation(own)] = (dealt + np.arange(len(own))) % _MOST_FOLDS
        dealt += len(own)
    return Folds(number, "neighbours")


def usual_spacing_m(ground: Ground) -> float:
    """How far apart neighbouring samples usually lie.

    ground   the samples' places [m]
    returns  the middle of the distances to the nearest other sample [m]; infinite where no place is known
    source   ours
    """
    from scipy.spatial import cKDTree

    places = np.unique(ground.xy, axis=0) if ground.placed else ground.xy[:0]
    if len(places) < 2:
        return np.inf
    distance, _ = cKDTree(places).query(places, 2)
    return float(np.median(distance[:, 1]))


def calibration(residuals: np.ndarray, errors: np.ndarray) -> float:
    """By how much standard errors have to grow so that 90 % intervals hold 90 %.

    residuals  (n,) of samples that were left out [u]
    errors     (n,) their standard errors as the method tells them [u]
    returns    factor [1]
    source     split conformal prediction, Lei 2018: the rank (n + 1) 0.9, scaled by the method's own error
    """
    ratio = np.sort(np.abs(residuals) / np.maximum(errors, 1e-12))
    rank = min(int(np.ceil((len(ratio) + 1) * _LEVEL)), len(ratio))
    return float(ratio[rank - 1] / NORMAL_90)


def score(
    observed: np.ndarray, told: np.ndarray, plain: np.ndarray, z: np.ndarray, upper: Sequence[float] = ()
) -> Scores:
    """The figures of merit of what was told of left-out samples.

    observed, told  (n,) property [u]
    plain           (n,) the average that could be known without each [u]
    z               (n,) error over its standard error, on the scale that was modelled [1]
    upper           upper ends of the classes [u], none where the property has no classes
    returns         Scores; class shares NaN where there are no classes, r2 NaN where all samples are equal
    source          Lin 1989 (ccc), Webster and Oliver 2007 (squared z)
    """
    error = told - observed
    squares, spread = float((error**2).sum()), float(((observed - observed.mean()) ** 2).sum())
    moments = observed.var() + told.var() + (observed.mean() - told.mean()) ** 2
    apart = (
        np.abs(np.searchsorted(upper, observed) - np.searchsorted(upper, told)) if len(upper) else np.array([np.nan])
    )
    against = float(((observed - plain) ** 2).sum())
    return Scores(
        n=len(observed),
        rmse=float(np.sqrt(np.mean(error**2))),
        mean_error=float(error.mean()),
        r2=1 - squares / spread if spread else np.nan,
        skill=1 - squares / against if against else np.nan,
        skill_se=float(np.std((observed - plain) ** 2 - error**2) * np.sqrt(len(error)) / against)
        if against
        else np.nan,
        ccc=float(2 * np.mean((observed - observed.mean()) * (told - told.mean())) / moments) if moments else np.nan,
        class_share=float(np.mean(apart == 0)) if len(upper) else np.nan,
        class_share_1=float(np.mean(apart <= 1)) if len(upper) else np.nan,
        squared_z=float(np.mean(z**2)),
        coverage_90=float(np.mean(np.abs(z) <= NORMAL_90)),
    )
