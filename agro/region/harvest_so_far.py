"""The season's outcome once the harvest has begun: what is threshed, and what the forecast says of the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from agro.domain.outlook import Estimate, Forecast, Misses, Quantity

Array = np.ndarray

_FEWEST_SEASONS = 3  # [a] that show how what is harvested first differs from the whole. source: ours
UNKNOWN_RATIO = (1.0, 0.10)  # [1] yield of what is harvested first over the whole, and its deviation. assumption


@dataclass(frozen=True)
class SoFar:
    """What is threshed of a crop in a district: share of its area [1], yield of it and its error [t/ha]."""

    share: float
    yield_t_ha: float
    se_t_ha: float


def first_ratio(harvests: pd.DataFrame, share: float) -> tuple[float, float]:
    """How much more or less the part yields that is harvested first.

    harvests   a row a field of past seasons: `season` [a], `harvested_on` [date], `area_ha` [ha], `yield_t_ha` [t/ha]
    share      of the area that is harvested [1]
    returns    mean over the seasons of the first part's yield over the whole's [1], and its deviation between seasons
               [1]; 1 and an assumed deviation, less as the share grows, where fewer than 3 seasons show it
    source     ours
    """
    known = harvests.dropna(subset=["harvested_on", "area_ha", "yield_t_ha"])
    ratios = [_ratio(own, share) for _, own in known.groupby("season") if len(own) > 1]
    if len(ratios) < _FEWEST_SEASONS:
        return UNKNOWN_RATIO[0], UNKNOWN_RATIO[1] * (1 - share)
    return float(np.mean(ratios)), float(np.std(ratios, ddof=1))


def _ratio(own: pd.DataFrame, share: float) -> float:
    """Of one season: the fields in the order of their harvest, the last one in part."""
    rows = own.sort_values(["harvested_on", "yield_t_ha"])
    area, value = rows["area_ha"].to_numpy("float64"), rows["yield_t_ha"].to_numpy("float64")
    before = np.cumsum(area) - area
    taken = np.clip(share * area.sum() - before, 0.0, area)
    return float((taken @ value / taken.sum()) / (area @ value / area.sum()))


def season_outcome(
    so_far: SoFar, forecast: Estimate, common_se_t_ha: float, ratio: tuple[float, float]
) -> tuple[Estimate, Estimate]:
    """Harvested, and the remaining area times its forecast.

    so_far           what is threshed: share [1], yield [t/ha]
    forecast         of the whole area, made without knowing any of the harvest [t/ha]
    common_se_t_ha   of its error, the part that all fields share [t/ha]
    ratio            of `first_ratio` [1]: what is harvested first over the whole
    returns          the outcome [t/ha], and what is foreseen for the rest [t/ha]. The rest's forecast makes up for
                     the better or worse part that is gone, and follows the surprise of the harvest so far as far as
                     that is more likely shared than chance
    source           conditional mean of normal errors; the correction: ours
    """
    share, (part, part_sd) = so_far.share, ratio
    if share >= 1:
        return Estimate(so_far.yield_t_ha, so_far.se_t_ha, "t/ha"), Estimate(np.nan, np.nan, "t/ha")
    expected = part * forecast.value
    chance2 = so_far.se_t_ha**2 + (forecast.value * part_sd) ** 2
    common2 = common_se_t_ha**2
    follow = common2 / (common2 + chance2) if common2 else 0.0
    rest = (forecast.value - share * expected) / (1 - share) + follow * (so_far.yield_t_ha - expected)
    own2 = max(forecast.se**2 - common2, 0.0)
    rest2 = common2 * (1 - follow) + own2 + (share / (1 - share) * forecast.value * part_sd) ** 2
    rest = max(rest, 0.0)
    outcome = share * so_far.yield_t_ha + (1 - share) * rest
    error = math.hypot(share * so_far.se_t_ha, (1 - share) * math.sqrt(rest2))
    return Estimate(outcome, error, "t/ha"), Estimate(rest, math.sqrt(rest2), "t/ha")


def told_outcomes(
    forecasts: Sequence[Forecast], so_far: Mapping[str, SoFar], harvests: pd.DataFrame, missed: Misses
) -> list[Forecast]:
    """The season's outcome of one crop in each district that has begun its harvest, and in the region.

    forecasts   of districts and the region, made without knowing any of the harvest [t/ha], [t]
    so_far      what is threshed, by district
    harvests    a row a field of past seasons, as for `first_ratio`
    missed      what forecasts missed before [1]
    returns     Forecasts of `outcome_t_ha` [t/ha] and `outcome_t` [t]; none where nothing told is threshed yet. The
                region's errors go together as far as a season's weather makes them
    source      `season_outcome`; intervals keep their width in standard errors: ours
    """
    of = {(one.scope, one.subject, one.quantity): one for one in forecasts if one.estimate is not None}
    common = math.hypot(missed.year_cv, missed.district_cv)
    told: list[Forecast] = []
    values: list[tuple[float, Estimate]] = []
    for (scope, subject, quantity), one in of.items():
        if scope != "district" or quantity != "yield_t_ha" or one.estimate is None:
            continue
        outcome, area_ha = one.estimate, _area(of[scope, subject, "production_t"], one)
        if subject in so_far:
            ratio = first_ratio(harvests, so_far[subject].share)
            outcome, _ = season_outcome(so_far[subject], one.estimate, common * one.estimate.value, ratio)
            told += _pair(one, outcome, area_ha, missed)
        values.append((area_ha, outcome))
    region = next((one for one in of.values() if one.scope == "region" and one.quantity == "yield_t_ha"), None)
    if told and region is not None and values:
        area = np.array([area_ha for area_ha, _ in values])
        share, se = area / area.sum(), np.array([outcome.se for _, outcome in values])
        shared = missed.year_cv**2 / max(missed.year_cv**2 + missed.district_cv**2, 1e-12)
        variance = shared * float(share @ se) ** 2 + (1 - shared) * float(share**2 @ se**2)
        value = float(share @ np.array([outcome.value for _, outcome in values]))
        told += _pair(region, Estimate(value, math.sqrt(variance), "t/ha"), float(area.sum()), missed)
    return told


def _area(tonnes: Forecast, yields: Forecast) -> float:
    """The area [ha] that a pair of forecasts is of."""
    if tonnes.estimate is None or yields.estimate is None or not yields.estimate.value:
        return 0.0
    return tonnes.estimate.value / yields.estimate.value


def _pair(one: Forecast, outcome: Estimate, area_ha: float, missed: Misses) -> list[Forecast]:
    tonnes = Estimate(outcome.value * area_ha, outcome.se * area_ha, "t")
    told = []
    quantities: tuple[tuple[Quantity, Estimate], ...] = (("outcome_t_ha", outcome), ("outcome_t", tonnes))
    for quantity, estimate in quantities:
        ends = missed.ends(estimate.value, estimate.se, one.scope)
        told.append(replace(one, quantity=quantity, estimate=estimate, intervals=ends))
    return told
