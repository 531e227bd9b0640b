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
_TREES = {"max_depth": 3, "learning_rate": 0.05, "max_iter": 150, "min_samples_leaf": 20, "l2_regularization": 1.0, "max_bins": 32}  # fmt: skip  # noqa: E501


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
    state["weights"], state["penalties"] = _chosen_weights(x, ratio, season)
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
    season, unit_id = asked["season"].to_numpy(), asked["unit_id"].to_numpy("O")
    for one in np.unique(season):
        levels = trend(past, int(one))
        own = past.of(unit_id[season == one], levels)
        told[season == one] = np.where(np.isfinite(own), own, np.nanmean(levels))
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


def _chosen_weights(x: Array, ratio: Array, season: Array) -> tuple[Array, list[float]]:
    """Weights of the features by the penalties that do well on seasons left out, and these penalties.

    A season's own effect stands beside the features and is drawn to 0. A season left out takes its own share out of
    the sums of products, which are made once.
    """
    seasons = np.unique(season)
    z = np.hstack([x, season[:, None] == seasons])
    inside = [season == one for one in seasons]
    products = np.stack([z[own].T @ z[own] for own in inside])
    targets = np.stack([z[own].T @ ratio[own] for own in inside])
    features = np.arange(z.shape[1]) < x.shape[1]
    errors, every = pd.DataFrame(), {}
    for number, (alpha, of_season) in enumerate(product(sorted(_ALPHAS, reverse=True), _SEASONS)):
        used = features | (of_season > 0)
        penalty = np.diag(np.where(features, alpha, of_season)[used])

        def solved(products: Array, targets: Array, used: Array = used, penalty: Array = penalty) -> Array:
            found = np.linalg.solve(products[..., used, :][..., used] + penalty, targets[..., used, None])[..., 0]
            weights: Array = found[..., : x.shape[1]]
            return weights

        left_out = solved(products.sum(axis=0) - products, targets.sum(axis=0) - targets)
        errors[number] = [float(np.mean((ratio[own] - x[own] @ w) ** 2)) for own, w in zip(inside, left_out, strict=True)]  # fmt: skip  # noqa: E501
        every[number] = (solved(products.sum(axis=0), targets.sum(axis=0)), [alpha, of_season])
    return every[int(simplest_good(errors))]
