"""The proof of zones: what zones drawn without a season say of that season."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from agro.agromaps.stability import temporal_stability

_BLOCKS = 36  # [1] about so many squares a field is cut into for the error: pixels near each other are no news
_SMALLEST_BLOCK_M = 60.0  # [m] side of a square, above the reach of a sensor's blur and a machine's pass
_DRAWS = 500  # [1] draws of the bootstrap
_LOWER = 0.1  # [1] quantile that must be above 0


@dataclass(frozen=True)
class Proof:
    """What zones explained of seasons that were left out of their drawing, as shares of variance [1].

    `by_season` holds one share a season, below 0 where the zones came out the other way round; `explained` is their
    mean, `explained_se` its standard error over squares of ground, `explained_low` its lower 10 %.
    """

    by_season: tuple[float, ...]
    explained: float
    explained_se: float
    explained_low: float

    def holds(self, least: float) -> bool:
        """Whether the mean reaches `least` [1], its lower 10 % is above 0, and no season contradicts the zones."""
        return self.explained >= least and self.explained_low > 0 and min(self.by_season) > 0


def prove(
    scores: np.ndarray, inside: np.ndarray, pixel_m: float, draw: Callable[[np.ndarray], np.ndarray], seed: int
) -> Proof:
    """Leave each season out, draw the zones from the others, and see what they explain of it.

    scores   (season, y, x) z [1], NaN not believed; two seasons or more
    inside   (y, x) True on the field's pixels [1]
    pixel_m  side of a pixel [m]
    draw     what makes zones (y, x) from some of the seasons
    seed     of the bootstrap [1]
    returns  Proof [1]
    source   ours: the squared correlation, with its sign, of the left-out season with the means that the zones had in
             the other seasons; error by spatial blocks, Kuensch 1989
    """
    square = _squares(inside, pixel_m)
    sums = []
    for left_out in range(len(scores)):
        others = np.delete(scores, left_out, axis=0)
        foreseen = zone_means(draw(others), temporal_stability(others)[0])
        sums.append(_sums_by_square(foreseen, scores[left_out], square))
    count = int(square.max()) + 1
    weight = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), _DRAWS)
    drawn = np.mean([_signed_share(weight @ one) for one in sums], axis=0)
    by_season = tuple(float(_signed_share(one.sum(axis=0))) for one in sums)
    return Proof(by_season, float(np.mean(by_season)), float(drawn.std()), float(np.quantile(drawn, _LOWER)))


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


def explained_share(zone: np.ndarray, learnt: np.ndarray, left_out: np.ndarray) -> float:
    """The share of a map's variance that zones foresee, without error; for maps of any origin.

    zone      (y, x) classes from 1 [1], 0 outside
    learnt    (y, x) what the zones were drawn from [unit], NaN not believed
    left_out  (y, x) what they are tried on [unit], NaN not believed
    returns   squared correlation of `left_out` with the zones' means of `learnt`, with its sign [1], -1..1; 0 for one
              zone
    source    ours
    """
    square = np.where(zone > 0, 0, -1)
    return float(_signed_share(_sums_by_square(zone_means(zone, learnt), left_out, square)[0]))


def _squares(inside: np.ndarray, pixel_m: float) -> np.ndarray:
    """(y, x) the number of the square that a pixel of the field lies in; -1 outside."""
    side_px = max(_SMALLEST_BLOCK_M / pixel_m, np.sqrt(inside.sum() / _BLOCKS))
    rows, columns = np.nonzero(inside)
    cell = ((rows - rows.min()) // side_px).astype(int), ((columns - columns.min()) // side_px).astype(int)
    square = np.full(inside.shape, -1)
    square[inside] = np.unique(np.stack(cell), axis=1, return_inverse=True)[1].ravel()
    return square


def _sums_by_square(x: np.ndarray, y: np.ndarray, square: np.ndarray) -> np.ndarray:
    """(square, 6) of n, x, y, xx, yy, xy over the pixels where both are known."""
    known = (square >= 0) & np.isfinite(x) & np.isfinite(y)
    x, y, where = x[known], y[known], square[known]
    terms = (np.ones(len(x)), x, y, x * x, y * y, x * y)
    return np.stack([np.bincount(where, weights=one, minlength=int(square.max()) + 1) for one in terms], axis=-1)


def _signed_share(sums: np.ndarray) -> np.ndarray:
    """(...) squared correlation with its sign from (..., 6) sums; 0 where one of the two does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    n = np.maximum(n, 1)
    across, along, both = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2, xy / n - x * y / n**2
    varied = (across > 1e-12) & (along > 1e-12)
    share: np.ndarray = np.divide(both * np.abs(both), across * along, out=np.zeros(np.shape(both)), where=varied)
    clipped: np.ndarray = share.clip(-1, 1)
    return clipped
