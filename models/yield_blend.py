"""Several rungs speak as one: each weighs as much as its company was worth, seasons drawn again and again.

One rung chosen of many flips with every season more; weights that are the mean over redrawn seasons do not, and where
a rung's worth is chance they lie on average and trend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from models.judge import simplest_good
from models.yield_ladder import PLAIN

Array = np.ndarray

BLEND = "blend"
_DRAWS = 100  # [1] of seasons, with putting back
_LEAST_SAY = 0.1  # [1] a rung that would weigh less is not heard at all: it adds more noise than news. source: ours
_SUM_FIRMNESS = 1e3  # [1] by which the sum of the weights is held at 1


@dataclass(frozen=True)
class Choice:
    """What speaks: `average`, `trend` or `blend`; the weights [1] of the rungs in it; what was said of seasons left out
    [t/ha], with a column `blend` where there is one."""

    chosen: str
    weights: dict[str, float]
    left_out: pd.DataFrame


def choose(left_out: pd.DataFrame, rungs: Sequence[str]) -> Choice:
    """The plain rung that is not surely worse than the blend, else the blend.

    left_out   a row a unit and season: `season` [a], `observed_t_ha` [t/ha] and a column a rung with what it said of
               the season without knowing it [t/ha]
    rungs      their names, average and trend first [-]
    returns    Choice; the blend's weights for a season are of the other seasons
    source     Breiman 1996 (stacked regressions: weights that are no less than 0); bagged by seasons: ours; choice:
               Breiman 1984, one standard error, paired by season
    """
    plain = [rung for rung in rungs if rung in PLAIN]
    season, seasons = left_out["season"].to_numpy(), np.unique(left_out["season"])
    each = left_out[list(rungs)].to_numpy("float64")
    off = each - left_out[["observed_t_ha"]].to_numpy("float64")
    products = np.stack([off[season == one].T @ off[season == one] / (season == one).sum() for one in seasons])
    tried = plain
    if len(rungs) > len(plain) and len(seasons) > 2:
        told = np.empty(len(left_out))
        for place, one in enumerate(seasons):
            told[season == one] = each[season == one] @ _weights(np.delete(products, place, axis=0))
        left_out, tried = left_out.assign(**{BLEND: told}), [*plain, BLEND]
    chosen = simplest_good(squares(left_out, tried))
    weights = dict(zip(rungs, _weights(products), strict=True)) if chosen == BLEND else {chosen: 1.0}
    return Choice(chosen, {name: float(value) for name, value in weights.items() if value > 0}, left_out)


def squares(left_out: pd.DataFrame, rungs: Sequence[str]) -> pd.DataFrame:
    """How far off each rung was in each season.

    left_out   as for `choose` [t/ha]
    rungs      their names [-]
    returns    mean squared error [t2/ha2], a row a season, a column a rung
    source     ours
    """
    square = left_out[list(rungs)].sub(left_out["observed_t_ha"], axis=0) ** 2
    return square.groupby(left_out["season"]).mean()


def _weights(products: Array) -> Array:
    """Weights of the rungs, none below 0 and together 1: the mean of the best ones of redrawn seasons.

    `products` (season, rung, rung): mean products of the rungs' errors in each season.
    """
    random, seasons = np.random.default_rng(0), len(products)
    total = np.zeros(products.shape[1])
    for counts in random.multinomial(seasons, np.full(seasons, 1 / seasons), _DRAWS):
        mean = np.tensordot(counts, products, 1) / seasons
        value, vector = np.linalg.eigh(mean)
        root = np.sqrt(np.maximum(value, 0))[:, None] * vector.T
        firm = np.full((1, len(total)), _SUM_FIRMNESS * max(float(np.sqrt(value.max())), 1e-9))
        best, _ = nnls(np.vstack([root, firm]), np.append(np.zeros(len(total)), firm[0, 0]))
        total += best / best.sum()
    heard = np.where(total >= _LEAST_SAY * _DRAWS, total, 0.0)
    weights: Array = heard / heard.sum()
    return weights
