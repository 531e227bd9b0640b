"""The rungs between trend and process: a ridge on anomalies, and boosted trees on what the trend leaves.

Both tell the logarithm of the yield over its trend, from features as they depart from what the unit usually has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from models.judge import simplest_good
from models.yield_levels import Past, past_of, trend

Array = np.ndarray
State = dict[str, Any]

_LEAST = 0.05  # [1] of the mean: a lost harvest counts as no less. source: ours, its logarithm has no bound
_ALPHAS = (10.0, 100.0, 1e3, 1e4, 1e5)  # [1] penalties tried, on features of deviation 1. source: ours
_SEASONS = (0.0, 3.0, 30.0)  # [1] penalties of a season's own effect tried; 0: seasons have none. source: ours
_KNOWN = 0.9  # [1] of the rows must know a feature of the ridge, which cannot do without. source: ours
_DRAWN = 1.0  # [a] seasons of the mean of all that a unit's own mean is drawn to. source: ours
_TREES = {"max_depth": 3, "learning_rate": 0.05, "max_iter": 150, "min_samples_leaf": 20, "l2_regularization": 1.0}


def fit_ridge(seen: pd.DataFrame, blocks: Mapping[str, Sequence[str]]) -> State:
    """A ridge on anomalies; its two penalties are chosen by leaving seasons out.

    seen     a row a unit and season with `yield_t_ha` [t/ha] and features
    blocks   names of the features [-] by block
    returns  all that `tell_ridge` needs [-]
    source   Hoerl and Kennard 1970; the strongest penalty within one standard error: Breiman 1984, by seasons, since
             a season's weather hits all rows of it
    """
    every = [name for columns in blocks.values() for name in columns]
    names = [name for name in every if seen[name].notna().mean() >= _KNOWN]
    state = _usual(seen, names)
    ratio, season = _ratio(seen), seen["season"].to_numpy()
    departures = _departures(state, seen, own=True)
    spread = departures.std(axis=0)
    state["spread"] = np.where(spread > 0, spread, 1.0)
    x = departures / state["spread"]
    state["low"], state["high"] = x.min(axis=0), x.max(axis=0)
    tried = list(product(sorted(_ALPHAS, reverse=True), _SEASONS))
    errors = pd.DataFrame({n: _left_out_errors(x, ratio, season, penalties) for n, penalties in enumerate(tried)})
    best = tried[int(simplest_good(errors))]
    state["weights"] = _solved(x, ratio, season, best)
    state["penalties"] = list(best)
    return state


def tell_ridge(state: State, past: Past, asked: pd.DataFrame) -> Array:
    """What the ridge expects.

    state    from `fit_ridge`
    past     the harvests it was fitted to [t/ha]
    asked    rows with the same features
    returns  (row,) [t/ha]
    source   Hoerl and Kennard 1970
    """
    departures = _departures(state, asked, own=False) / state["spread"]
    departures = departures.clip(state["low"], state["high"])  # a season farther off is told as the farthest known
    told: Array = _trend_of(past, asked) * np.exp(departures @ state["weights"])
    return told


def fit_boosting(seen: pd.DataFrame, blocks: Mapping[str, Sequence[str]]) -> State:
    """Boosted trees on what the trend leaves, from anomalies and from the features themselves.

    seen     a row a unit and season with `yield_t_ha` [t/ha] and features
    blocks   names of the features [-] by block
    returns  all that `tell_boosting` needs [-]
    source   Friedman 2001, Ke 2017 (histograms); trees of depth 3: METHODS, small data
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    state = _usual(seen, [name for columns in blocks.values() for name in columns])
    x = np.hstack([_departures(state, seen, own=True), seen[state["names"]].to_numpy("float64")])
    state["trees"] = HistGradientBoostingRegressor(random_state=0, **_TREES).fit(x, _ratio(seen))
    return state


def tell_boosting(state: State, past: Past, asked: pd.DataFrame) -> Array:
    """What the trees expect.

    state    from `fit_boosting`
    past     the harvests they were fitted to [t/ha]
    asked    rows with the same features
    returns  (row,) [t/ha]
    source   Friedman 2001
    """
    x = np.hstack([_departures(state, asked, own=False), asked[state["names"]].to_numpy("float64")])
    told: Array = _trend_of(past, asked) * np.exp(state["trees"].predict(x))
    return told


def _trend_of(past: Past, asked: pd.DataFrame) -> Array:
    """The trend of each row, which never reads the harvest of the row's own season."""
    told = np.empty(len(asked))
    for season, rows in asked.reset_index(drop=True).groupby("season"):
        levels = trend(past, int(season))
        own = past.of(rows["unit_id"].to_numpy(), levels)
        told[rows.index] = np.where(np.isfinite(own), own, np.nanmean(levels))
    return np.maximum(told, 1e-3)


def _ratio(seen: pd.DataFrame) -> Array:
    """The logarithm of each yield over a trend that does not know it."""
    yields = seen["yield_t_ha"].to_numpy("float64")
    ratio: Array = np.log(np.maximum(yields, _LEAST * yields.mean()) / _trend_of(past_of(seen), seen))
    return ratio


def _usual(seen: pd.DataFrame, names: list[str]) -> State:
    """Sums and counts of each feature by unit, and its mean over all."""
    sums = seen.groupby("unit_id")[names].sum()
    counts = seen.groupby("unit_id")[names].count()
    return {
        "names": names,
        "unit_ids": sums.index.to_numpy().astype("U"),
        "sums": sums.to_numpy("float64"),
        "counts": counts.to_numpy("float64"),
        "mean": seen[names].mean().to_numpy("float64"),
    }


def _departures(state: State, rows: pd.DataFrame, own: bool) -> Array:
    """Each feature less what its unit usually has, known from other seasons; 0 where unknown.

    `own`: the rows are among those that the usual was made of, and are taken out of it.
    """
    values = rows[state["names"]].to_numpy("float64")
    at = pd.Index(state["unit_ids"]).get_indexer(rows["unit_id"].astype(str))
    there = (at >= 0)[:, None]
    sums, counts = (np.where(there, state[name][at], 0.0) for name in ("sums", "counts"))
    if own:
        known = np.isfinite(values)
        sums, counts = sums - np.where(known, values, 0.0), counts - known
    usual = (sums + _DRAWN * state["mean"]) / (counts + _DRAWN)
    departures: Array = np.nan_to_num(values - usual)
    return departures


def _solved(x: Array, ratio: Array, season: Array, penalties: tuple[float, float]) -> Array:
    """Weights of the features, with an effect of each season beside them that is drawn to 0."""
    alpha, of_season = penalties
    z, penalty = x, np.full(x.shape[1], alpha)
    if of_season:
        own = (season[:, None] == np.unique(season)[None]).astype("float64")
        z, penalty = np.hstack([x, own]), np.concatenate([penalty, np.full(own.shape[1], of_season)])
    weights: Array = np.linalg.solve(z.T @ z + np.diag(penalty), z.T @ ratio)[: x.shape[1]]
    return weights


def _left_out_errors(x: Array, ratio: Array, season: Array, penalties: tuple[float, float]) -> list[float]:
    """The mean squared error of each season, told from the others."""
    errors = []
    for one in np.unique(season):
        asked = season == one
        weights = _solved(x[~asked], ratio[~asked], season[~asked], penalties)
        errors.append(float(np.mean((ratio[asked] - x[asked] @ weights) ** 2)))
    return errors
