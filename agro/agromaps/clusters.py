"""Fuzzy clusters of pixels and how many of them there are.

The pixels are sorted by their features first, so the clusters depend on what the pixels hold and not on where they
lie. All starts run side by side on a sample; the best is then finished on more pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_STARTING_PX = 300  # [px] sample on which all starts run
_FINISHING_PX = 3000  # [px] sample on which the best start is finished
_STARTING_ROUNDS, _FINISHING_ROUNDS = 12, 60  # [1] most iterations
_STILL = 1e-4  # [features' unit] centres that move less have settled
_TIE = 0.01  # [1] indices that differ by less tell no difference (ours)
_NEAREST = 1e-12  # [features' unit, squared] a pixel on a centre is this far from it


@dataclass(frozen=True)
class Clusters:
    """Centres (cluster, feature) in the features' unit, and how clearly they part the pixels, 0 best to 1 worst."""

    centres: np.ndarray
    fpi: float
    nce: float

    @property
    def count(self) -> int:
        """How many clusters."""
        return len(self.centres)

    def of(self, features: np.ndarray) -> np.ndarray:
        """The nearest cluster of each pixel (pixel,), from 0."""
        nearest: np.ndarray = _squared_distance(features, self.centres).argmin(axis=-1)
        return nearest


def fuzzy_clusters(features: np.ndarray, count: int, fuzziness: float, starts: int, seed: int) -> Clusters:
    """Fuzzy c-means, the best of several starts.

    features   (pixel, feature) standardised [1], no NaN
    count      clusters [1], 2 or more
    fuzziness  exponent m [1], above 1; 1.3 to 1.5 for fields
    starts     random starts [1]
    seed       of the starts [1]; the same seed gives the same clusters, in whatever order the pixels come
    returns    Clusters [1], ordered by the first feature
    source     Bezdek 1981; starts on a sorted sample: ours, the result is within 0.01 of all pixels
    """
    ordered = features[np.lexsort(features.T[::-1])]
    few, many = _sample(ordered, _STARTING_PX), _sample(ordered, _FINISHING_PX)
    random = np.random.default_rng(seed)
    picked = np.stack([random.choice(len(few), count, replace=len(few) < count) for _ in range(starts)])
    centres = _settled(few, few[picked], fuzziness, _STARTING_ROUNDS)
    distance = _squared_distance(few, centres)
    cost = (_membership(distance, fuzziness) ** fuzziness * distance).sum(axis=(-2, -1))
    best = _settled(many, centres[int(np.argmin(cost))], fuzziness, _FINISHING_ROUNDS)
    best = best[np.lexsort(best.T[::-1])]
    membership = _membership(_squared_distance(many, best), fuzziness)
    return Clusters(best, fuzziness_performance_index(membership), normalised_entropy(membership))


def fuzziness_performance_index(membership: np.ndarray) -> float:
    """How much the clusters overlap.

    membership  (pixel, cluster) shares [1] that sum to 1
    returns     FPI [1], 0 crisp to 1 without structure: 1 - (cF - 1) / (c - 1), F the mean of the summed squares
    source      McBratney and Moore 1985, 10.1016/0168-1923(85)90082-6
    """
    count = membership.shape[1]
    partition = float((membership**2).sum(axis=1).mean())
    return float(1 - (count * partition - 1) / (count - 1))


def normalised_entropy(membership: np.ndarray) -> float:
    """How undecided the pixels are between clusters.

    membership  (pixel, cluster) shares [1] that sum to 1
    returns     NCE [1], 0 decided to 1 undecided: H / ln c
    source      Bezdek 1981, normalised by its greatest value: the textbook H / (1 - c/n) is not for many pixels
    """
    logarithm = np.log(np.where(membership > 0, membership, 1.0))
    entropy = -float((membership * logarithm).sum(axis=1).mean())
    return entropy / float(np.log(membership.shape[1]))


def clearest(candidates: Sequence[Clusters]) -> Clusters:
    """The number of clusters that both indices ask for.

    candidates  Clusters of one set of pixels, several counts [1]
    returns     the Clusters of least FPI or of least NCE [1]: where the two differ, or tie within .01, the fewer
    source      Fridgen 2004, 10.2134/agronj2004.1000 (minimum of both); the fewer, and the tie's width: ours
    """
    least_fpi, least_nce = min(one.fpi for one in candidates), min(one.nce for one in candidates)
    asked_for = [one for one in candidates if one.fpi <= least_fpi + _TIE or one.nce <= least_nce + _TIE]
    return min(asked_for, key=lambda one: one.count)


def main_components(features: np.ndarray, kept_variance: float) -> np.ndarray:
    """Fewer features that hold most of the variance.

    features       (pixel, feature) standardised [1], no NaN
    kept_variance  share of the variance to keep [1]
    returns        (pixel, component) [1], the fewest components that keep it; the sign as the first feature runs
    source         Jolliffe 2002, principal component analysis by singular values
    """
    centred = features - features.mean(axis=0)
    value, axes = np.linalg.eigh(centred.T @ centred)
    value, axes = value[::-1].clip(0), axes[:, ::-1]
    count = int(np.searchsorted(np.cumsum(value) / value.sum(), kept_variance - 1e-12)) + 1
    axes = axes[:, :count]
    leading = axes[np.abs(axes).argmax(axis=0), np.arange(count)]
    components: np.ndarray = centred @ (axes * np.sign(leading))
    return components


def _sample(ordered: np.ndarray, most: int) -> np.ndarray:
    if len(ordered) <= most:
        return ordered
    sample: np.ndarray = ordered[np.linspace(0, len(ordered) - 1, most).round().astype(int)]
    return sample


def _squared_distance(features: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(..., pixel, cluster) from (pixel, feature) and (..., cluster, feature)."""
    total = np.zeros((*centres.shape[:-2], len(features), centres.shape[-2]))
    for one in range(features.shape[1]):
        total += (features[:, one, None] - centres[..., None, :, one]) ** 2
    return total


def _membership(squared_distance: np.ndarray, fuzziness: float) -> np.ndarray:
    squared_distance = np.maximum(squared_distance, _NEAREST)
    nearness = (squared_distance.min(axis=-1, keepdims=True) / squared_distance) ** (1 / (fuzziness - 1))
    shares: np.ndarray = nearness / nearness.sum(axis=-1, keepdims=True)
    return shares


def _settled(features: np.ndarray, centres: np.ndarray, fuzziness: float, rounds: int) -> np.ndarray:
    for _ in range(rounds):
        weight = _membership(_squared_distance(features, centres), fuzziness) ** fuzziness
        moved = np.swapaxes(weight, -1, -2) @ features / weight.sum(axis=-2)[..., None]
        still = np.abs(moved - centres).max() < _STILL
        centres = moved
        if still:
            break
    return centres
