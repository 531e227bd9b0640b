"""How well a forecast does on what it has not seen: honest splits, figures of merit, and the choice between models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

Array = np.ndarray


def left_out(groups: Array) -> Iterator[tuple[Array, Array]]:
    """Each group alone against all the others: seasons, farms, or blocks of ground.

    groups   (n,) the group of each row [-], of at least two kinds
    returns  which rows [-] to learn from and which to ask, (n,) each, one pair a group in sorted order
    source   Roberts 2017: whole groups that share an error go together; random rows flatter two to three times
    """
    for group in np.unique(groups):
        asked = groups == group
        yield ~asked, asked


def ground_blocks(x_m: Array, y_m: Array, side_m: float) -> Array:
    """The square of ground that each place lies in, as a group for `left_out`.

    x_m, y_m   (n,) [m]
    side_m     side of a square [m], at least as long as yields are alike
    returns    (n,) number of the square [-]
    source     Roberts 2017
    """
    cells = np.stack([np.floor(x_m / side_m), np.floor(y_m / side_m)], axis=1)
    number: Array = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    return number


@dataclass(frozen=True)
class Scores:
    """Figures of merit on rows that were not seen, of those that were answered; [1] where not said otherwise.

    rmse_t_ha    [t/ha]; bias_t_ha [t/ha] told less observed
    nrmse        root mean squared error over the mean, all rows together; nrmse_median: by season, then the median
    mape         mean of the absolute error over the observed
    r2           against the mean of all rows
    skill_average, skill_trend   1 - squared error over that of the plain average and of the trend, on the same rows
    answered     share of the rows that were answered
    """

    n: int
    rmse_t_ha: float
    bias_t_ha: float
    nrmse: float
    nrmse_median: float
    mape: float
    r2: float
    skill_average: float
    skill_trend: float
    answered: float


def scores(told: pd.DataFrame) -> Scores:
    """Figures of merit of forecasts of seasons that were not seen.

    told     a row a forecast: `season`, `observed_t_ha` [t/ha], `told_t_ha` [t/ha] (NaN: it abstained),
             `average_t_ha` and `trend_t_ha` [t/ha], what the plain average and the trend said
    returns  Scores [1], [t/ha]; NaN where nothing was answered
    source   Paudel 2021 and the CY-Bench baselines (median of the seasons' NRMSE); skill: Murphy 1988
    """
    asked, told = len(told), told[told["told_t_ha"].notna() & told["observed_t_ha"].notna()]
    if told.empty:
        return Scores(0, *(8 * [np.nan]), 0.0)  # type: ignore[call-arg]
    observed = told["observed_t_ha"].to_numpy()
    error = told["told_t_ha"].to_numpy() - observed
    square = pd.Series(error**2)
    season = told["season"].to_numpy()
    by_season = np.sqrt(square.groupby(season).mean()) / pd.Series(observed).groupby(season).mean()
    return Scores(
        n=len(told),
        rmse_t_ha=float(np.sqrt(square.mean())),
        bias_t_ha=float(error.mean()),
        nrmse=float(np.sqrt(square.mean()) / observed.mean()),
        nrmse_median=float(by_season.median()),
        mape=float(np.mean(np.abs(error) / observed)),
        r2=_less(square, (observed - observed.mean()) ** 2),
        skill_average=_less(square, (told["average_t_ha"].to_numpy() - observed) ** 2),
        skill_trend=_less(square, (told["trend_t_ha"].to_numpy() - observed) ** 2),
        answered=len(told) / asked,
    )


def _less(square: pd.Series, against: Array) -> float:
    """By how much the squared error is smaller than another one."""
    other = np.nansum(against)
    return float(1 - square[np.isfinite(against)].sum() / other) if other > 0 else np.nan


def interval_score(observed: Array, low: Array, high: Array, level: float) -> float:
    """The price of intervals: their width, and a fine for what lies outside.

    observed    (n,) [t/ha]
    low, high   (n,) ends of the intervals [t/ha]
    level       of the intervals [1]
    returns     mean over the rows that have an interval [t/ha], NaN where none has; smaller is better
    source      Gneiting and Raftery 2007, equation 43
    """
    outside = np.clip(low - observed, 0, None) + np.clip(observed - high, 0, None)
    price = high - low + 2 / (1 - level) * outside
    told = np.isfinite(price)
    return float(price[told].mean()) if told.any() else np.nan


def coverage_by_season(season: Array, observed: Array, low: Array, high: Array) -> pd.Series:
    """The share of each season's truths that lie inside their intervals.

    season      (n,) year of harvest [a]
    observed    (n,) [t/ha]
    low, high   (n,) ends of the intervals [t/ha]; NaN where there is none: such rows do not count
    returns     the share [1] by season
    source      ours
    """
    told = np.isfinite(low) & np.isfinite(high) & np.isfinite(observed)
    inside = (observed >= low) & (observed <= high)
    return pd.Series(inside[told]).groupby(season[told]).mean()


def simplest_good(squares: pd.DataFrame) -> str:
    """The simplest model that is not surely worse than the best: paired comparison, one standard error.

    squares   mean squared error [t2/ha2], a row a left-out season, a column a model, the simplest first
    returns   the name [-] of the first column whose mean loss to the best one is at most the loss's standard error
              over seasons
    source    Breiman 1984, section 3.4.3 (one standard error); paired by season: ours, a season's weather hits all
    """
    best = squares.mean().idxmin()
    for name in squares.columns:
        loss = squares[name] - squares[best]
        if name == best or loss.mean() <= loss.std(ddof=1) / np.sqrt(len(loss)):
            return str(name)
    return str(best)
