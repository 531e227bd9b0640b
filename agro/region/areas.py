"""Areas from a map and a sample of what is truly there: what the map mistakes is put right, and its error told."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import t as student

from agro.domain.errors import BadInput

_FEWEST = 2  # [1] checked units of a mapped class: of one alone no error is known
_ROUNDING = 1e-9  # [1]
_LEVEL = 0.9  # [1] of the interval that is told


def adjusted_areas(
    sample: pd.DataFrame, mapped_ha: Mapping[str, float], squares_ha2: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """The area of each class as a checked sample corrects the map.

    sample     a row a checked unit: `mapped` and `observed` class [-], `weight` (1 for points drawn by area, else the
               unit's area [ha]), `cluster` (units that share an error, such as fields of one farm; each its own, if
               none do)
    mapped_ha  area of each mapped class [ha]; a class of what was not told is a mapped class as any
    squares_ha2  by mapped class, the sum of the squared areas of its units [ha2], where these are few enough to differ
               from what is usual: then the units' own chance is in the error, too
    returns    a row a class: `area_ha`, `se_ha`, `low_90_ha`, `high_90_ha` [ha], `mapped_ha` [ha], `users`, `users_se`,
               `producers`, `producers_se` [1]: how much of what is mapped is so, and how much of what is so is
               mapped; NaN errors where the checked units of a mapped class are of one cluster
    raises     BadInput where a mapped class has an area and fewer than two checked units
    source     Olofsson 2014 (10.1016/j.rse.2014.02.015), equations 1 to 11; with weights and clusters the ratio
               estimator of Cochran 1977, 6.3, which is theirs where each weight is 1 and each unit its own cluster.
               Intervals: Student's t, for the errors of few clusters are themselves hardly known (Satterthwaite 1946)
    """
    classes = sorted({*mapped_ha, *sample["observed"]})
    strata = [name for name in classes if mapped_ha.get(name, 0.0) > 0]
    met = sample.groupby("mapped").size().to_dict()
    few = [name for name in strata if met.get(name, 0) < _FEWEST]
    if few:
        raise BadInput(
            "AREA-SAMPLE",
            "{where}: fewer than {expected} places of this class were checked, so its area has no error",
            "check more places of the class",
            where=", ".join(few),
            expected=_FEWEST,
        )
    shares, variances = (np.zeros((len(strata), len(classes))) for _ in range(2))
    clusters = np.zeros(len(strata))
    for row, name in enumerate(strata):
        own = sample[sample["mapped"] == name]
        shares[row], variances[row] = _shares(own, classes)
        clusters[row] = own["cluster"].nunique()
    area = np.array([mapped_ha[name] for name in strata])
    told = area @ shares
    own_chance = np.array([(squares_ha2 or {}).get(name, 0.0) for name in strata]) @ np.clip(
        shares * (1 - shares), 0, None
    )
    table = pd.DataFrame({"class": classes, "area_ha": told, "se_ha": np.sqrt(area**2 @ variances + own_chance)})
    half = _quantile(area[:, None] ** 2 * variances, own_chance, clusters) * table["se_ha"]
    table["low_90_ha"], table["high_90_ha"] = (table["area_ha"] - half).clip(lower=0.0), table["area_ha"] + half
    table["mapped_ha"] = [float(mapped_ha.get(name, 0.0)) for name in classes]
    for column, values in _accuracies(strata, classes, area, shares, variances).items():
        table[column] = values
    return table


def overall_accuracy(sample: pd.DataFrame, mapped_ha: Mapping[str, float]) -> tuple[float, float]:
    """How much of the whole area is mapped as it is.

    sample, mapped_ha   as for `adjusted_areas`
    returns             share and its standard error [1]
    source              Olofsson 2014, equations 1 and 5
    """
    total, share, variance = float(sum(mapped_ha.values())), 0.0, 0.0
    for name, area in mapped_ha.items():
        own = sample[sample["mapped"] == name]
        if area > 0 and len(own):
            right, spread = _shares(own, [name])
            share += area / total * right[0]
            variance += (area / total) ** 2 * spread[0]
    return share, float(np.sqrt(variance))


def _quantile(parts: np.ndarray, own_chance: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Of Student's t, with as many degrees of freedom as the variances (stratum, class) of so many clusters have."""
    small = (parts**2 / np.maximum(clusters - 1, 1)[:, None]).sum(axis=0)
    whole = (parts.sum(axis=0) + own_chance) ** 2
    degrees = np.divide(whole, small, out=np.full(len(small), np.inf), where=small > 0)
    quantile: np.ndarray = student.ppf((1 + _LEVEL) / 2, degrees)
    return quantile


def _shares(own: pd.DataFrame, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The share of each class among the checked units of one mapped class, and its variance.

    That nothing was found amiss in a few clusters does not make it sure: half of one more is counted against it (the
    binomial's usual prior, Brown 2001).
    """
    weight = own["weight"].to_numpy("float64")
    is_so = own["observed"].to_numpy()[:, None] == np.array(classes, dtype=object)[None]
    share = weight @ is_so / weight.sum()
    off = pd.DataFrame(weight[:, None] * (is_so - share)).groupby(own["cluster"].to_numpy()).sum().to_numpy()
    n = len(off)
    variance = n / (n - 1) * (off**2).sum(axis=0) / weight.sum() ** 2 if n > 1 else np.full(len(classes), np.nan)
    faultless = share > 1 - _ROUNDING
    if n > 1 and faultless.any():
        variance[faultless] = (n + 0.5) * 0.5 / (n + 1) ** 3
    return share, variance


def _accuracies(
    strata: list[str], classes: list[str], area: np.ndarray, shares: np.ndarray, variances: np.ndarray
) -> dict[str, np.ndarray]:
    """User's and producer's accuracy of each class with their errors."""
    told = {name: np.full(len(classes), np.nan) for name in ("users", "users_se", "producers", "producers_se")}
    for place, name in enumerate(classes):
        if name not in strata:
            continue
        row = strata.index(name)
        told["users"][place], told["users_se"][place] = shares[row, place], np.sqrt(variances[row, place])
        whole = float(area @ shares[:, place])
        if whole <= 0:
            continue
        right = area[row] * shares[row, place] / whole
        others = np.arange(len(strata)) != row
        spread = area[row] ** 2 * (1 - right) ** 2 * variances[row, place]
        spread += right**2 * float(area[others] ** 2 @ variances[others, place])
        told["producers"][place], told["producers_se"][place] = right, np.sqrt(spread) / whole
    return told
