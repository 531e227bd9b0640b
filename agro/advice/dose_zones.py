"""Where a field asks for one dose and where for another: pixels of alike doses, as few groups as tell them apart."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

_STARTS = 5  # [1]


def dose_classes(doses_kg_ha: np.ndarray, inside: np.ndarray, close_kg_ha: float, most: int) -> np.ndarray:
    """Classes of pixels by the doses that they ask for.

    doses_kg_ha  (nutrient, y, x) [kg/ha]; NaN where unknown
    inside       (y, x) the field [1]
    close_kg_ha  [kg/ha] that a pixel may be off its class on average
    most         [1] classes
    returns      (y, x) classes from 1 [1], by rising sum of the doses, 0 outside the field; all 1 where doses do not
                 differ by more than that
    source       k-means, the fewest classes whose mean absolute deviation is close enough
    """
    classes = np.zeros(inside.shape, "uint8")
    known = inside & np.isfinite(doses_kg_ha).all(axis=0)
    classes[inside] = 1
    values = doses_kg_ha[:, known].T
    if not len(values):
        return classes
    for count in range(1, most + 1):
        if count > len(np.unique(values.round(3), axis=0)):
            break
        found = KMeans(count, n_init=_STARTS, random_state=0).fit(values)
        labels, middles = found.labels_, found.cluster_centers_
        if np.abs(values - middles[labels]).max(axis=1).mean() <= close_kg_ha:
            break
    rank = np.argsort(np.argsort(middles.sum(axis=1)))
    classes[known] = rank[labels] + 1
    return classes
