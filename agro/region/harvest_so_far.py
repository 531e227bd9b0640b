"""The season's outcome once the harvest has begun: what is threshed, and what the forecast says of the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agro.domain.outlook import Estimate

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
