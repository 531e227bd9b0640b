"""The proof of zones: what zones drawn without a season say of that season."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agro.agromaps.stability import temporal_stability

_LOWER = 1.2816  # [1] standard errors below the mean: the lower 10 % of a normal distribution


@dataclass(frozen=True)
class Proof:
    """What zones explained of seasons that were left out of their drawing, as shares of variance [1].

    `by_season` holds one share a season, below 0 where the zones came out the other way round; `by_season_se` its
    standard error; `patches` to how many independent pixels the field amounts, since neighbours tell the same.
    """

    by_season: tuple[float, ...]
    by_season_se: tuple[float, ...]
    patches: tuple[float, ...]

    @property
    def explained(self) -> float:
        """The mean of the seasons [1]."""
        return float(np.mean(self.by_season))

    @property
    def explained_se(self) -> float:
        """Its standard error [1], as large as a season's: the seasons share their zones and their ground."""
        return float(np.mean(self.by_season_se))

    def holds(self, least: float) -> bool:
        """Whether the mean reaches `least` [1], its lower 10 % is above 0, and no season contradicts the zones."""
        lower = self.explained - _LOWER * self.explained_se
        return self.explained >= least and lower > 0 and min(self.by_season) > 0


def prove(scores: np.ndarray, draw: Callable[[np.ndarray], np.ndarray]) -> Proof:
    """Leave each season out, draw the zones from the others, and see what they explain of it.

    scores   (season, y, x) z [1], NaN outside the field and where not believed; two seasons or more
    draw     what makes zones (y, x) from some of the seasons
    returns  Proof [1]
    source   ours: the squared correlation, with its sign, of the left-out season with the means that the zones had in
             the other seasons; error by the delta method over the independent pixels of `independent_px`
    """
    shares, errors, patches = [], [], []
    for left_out in range(len(scores)):
        others = np.delete(scores, left_out, axis=0)
        foreseen = zone_means(draw(others), temporal_stability(others)[0])
        share = explained_share(foreseen, scores[left_out])
        count = independent_px(foreseen, scores[left_out])
        shares.append(share)
        errors.append(2 * np.sqrt(abs(share)) * (1 - abs(share)) / np.sqrt(max(count - 1, 1)))
        patches.append(count)
    return Proof(tuple(shares), tuple(map(float, errors)), tuple(patches))


def zone_means(zone: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What each zone measures on average, on its pixels.

    zone     (y, x) classes from 1 [1], 0 outside
    values   (y, x) in any unit [unit], NaN not believed
    returns  (y, x) the mean of the pixel's zone [unit]; NaN outside, and in a zone without a believed value
    source   ours
    """
    known = (zone > 0) & np.isfinite(values)
    count = np.bincount(zone[known], minlength=int(zone.max()) + 1)
    total = np.bincount(zone[known], weights=values[known], minlength=len(count))
    mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    mean[0] = np.nan
    means: np.ndarray = mean[zone]
    return means


def explained_share(foreseen: np.ndarray, found: np.ndarray) -> float:
    """The share of a map's variance that another map foresees up to its scale.

    foreseen  (y, x) in any unit [unit], NaN unknown
    found     (y, x) in any unit [unit], NaN unknown
    returns   squared correlation with its sign [1], -1..1; 0 where one of the two does not vary
    source    ours: a season's contrast is its own, so only the order and the spacing of the zones are held to account
    """
    x, y, _ = _centred(foreseen, found)
    across, along, both = float((x**2).sum()), float((y**2).sum()), float((x * y).sum())
    if min(across, along) <= 1e-12 * x.size:
        return 0.0
    return both * abs(both) / (across * along)


def independent_px(one: np.ndarray, other: np.ndarray) -> float:
    """How many independent pixels two maps amount to when they are correlated.

    one, other  (y, x) in any unit [unit], NaN unknown
    returns     effective sample size [1]: 1 + n^2 / sum of the products of both autocorrelations over all pairs of
                pixels; 1 where one of the two does not vary
    source      Dutilleul 1993, 10.2307/2532625, with autocorrelations by Fourier transform
    """
    x, y, known = _centred(one, other)
    if min((x**2).sum(), (y**2).sum()) <= 1e-12 * x.size:
        return 1.0
    pairs = _products_by_shift(known.astype("float64"))
    pairs = np.where(pairs > 0.5, pairs, np.inf)
    along, across = (_products_by_shift(values) for values in (x, y))
    alike = along / along.flat[0] * (across / across.flat[0]) / pairs
    return float(1 + 1 / max(alike.sum(), 1 / known.sum()))


def _centred(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both less their means where both are known, 0 elsewhere; and where that is."""
    known = np.isfinite(one) & np.isfinite(other)
    if not known.any():
        return np.zeros(one.shape), np.zeros(one.shape), known
    x, y = (np.where(known, values - values[known].mean(), 0.0) for values in (one, other))
    return x, y, known


def _products_by_shift(values: np.ndarray) -> np.ndarray:
    """Sums of products of all pixels with those a shift away, for every shift."""
    from scipy import fft

    shape = [fft.next_fast_len(2 * n, real=True) for n in values.shape]
    spectrum = fft.rfft2(values, shape)
    products: np.ndarray = fft.irfft2(np.abs(spectrum) ** 2, shape)
    return products
