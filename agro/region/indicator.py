"""What is told of the index: its interval, the chance of each scenario, what its change is made of, what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput
from agro.domain.outlook import LEVELS
from agro.domain.output import Scenario
from agro.region.output import contributions, needed_growth_pct

Array = np.ndarray
FACTORS = ("area", "mix", "yield", "livestock", "rest")  # of which the change is made up, exactly
BASE_YEAR_PCT = 100.0  # [%] the base year itself


def scenario_pct(scenario: Scenario, year: int, base_year: int) -> float:
    """A scenario's output in a year.

    scenario   its printed years [% of the base year]
    year       from the base year to the last printed one
    base_year  which is 100 % [a]
    returns    [% of the base year]; between printed years by constant growth
    raises     BadInput outside the years of the strategy
    source     strategy of the region to 2035; log-linear between its years: ours
    """
    nodes = {base_year: BASE_YEAR_PCT, **scenario.nodes}
    if not min(nodes) <= year <= max(nodes):
        raise BadInput(
            "SCENARIO-YEAR",
            "the strategy says nothing of {met}, only of {first} to {last}",
            "ask for another year",
            met=year,
            first=min(nodes),
            last=max(nodes),
        )
    if year in nodes:
        return nodes[year]
    years = sorted(nodes)
    return float(np.exp(np.interp(year, years, np.log([nodes[one] for one in years]))))


def told(index_pct: Array) -> dict[str, float]:
    """The distribution in figures.

    index_pct  (draw) [%]
    returns    median, mean, se and ends of the intervals [%], as `low_80`, ...
    source     quantiles of the draws
    """
    figures = {"median": np.median(index_pct), "mean": index_pct.mean(), "se": index_pct.std(ddof=1)}
    for level in LEVELS:
        ends = np.quantile(index_pct, [(1 - level) / 2, (1 + level) / 2])
        figures |= dict(zip((f"low_{round(100 * level)}", f"high_{round(100 * level)}"), ends, strict=True))
    return {name: float(value) for name, value in figures.items()}


def chances(index_pct: Array, goals_pct: Mapping[str, float]) -> dict[str, float]:
    """How probable it is that output reaches at least each scenario.

    index_pct  (draw) [% of the base year]
    goals_pct  of each scenario [% of the base year]
    returns    [1] by scenario
    source     share of the draws
    """
    return {name: float(np.mean(index_pct >= goal)) for name, goal in goals_pct.items()}


def told_apart(lower_pct: float, upper_pct: float, se_pct: float) -> float:
    """How often one who forecasts with this error would name the right one of two scenarios.

    lower_pct, upper_pct  their output [% of the base year]
    se_pct   standard error of the forecast [%]
    returns  [1] from 0.5 (a coin) to 1
    source   two normal distributions, the border half way: Phi(gap / 2 se)
    """
    if not se_pct:
        return 1.0 if upper_pct > lower_pct else 0.5
    return 0.5 * (1 + math.erf((upper_pct - lower_pct) / (2 * se_pct) / math.sqrt(2)))


def still_needed(now_pct: float, year: int, goal_pct: float, goal_year: int, base_year: int) -> tuple[float, float]:
    """The growth a year that a far goal still needs, and the growth a year since the base year.

    now_pct, goal_pct  [% of the base year]
    year, goal_year, base_year  [a]
    returns  [%/a], [%/a]; no forecast of the far year: it says what would have to happen
    source   constant growth
    """
    since = needed_growth_pct(BASE_YEAR_PCT, now_pct, year - base_year) if year > base_year else 0.0
    return needed_growth_pct(now_pct, goal_pct, goal_year - year), since


def change_by_parts(before: pd.DataFrame, now: pd.DataFrame, price: Mapping[str, float]) -> pd.DataFrame:
    """The change of the index since the year before, taken apart by district; its parts add up exactly.

    before, now  (district, category, product) x (`value` [t or thousand], `area_ha` [ha], NaN where no field shows it,
                 `group`)
    price        [RUB for the unit] of the year before, by product
    returns      (district) x (area, mix, yield, livestock, rest, total) [percentage points of the region's index]
    source       crops: `agro.region.output.contributions`; others: the change of their worth
    """
    weight = before.index.get_level_values("product").map(price).to_numpy("float64")
    worth = float((before["value"] * weight).sum())
    crops = before["area_ha"].notna() & now["area_ha"].notna()
    parts = pd.DataFrame(0.0, sorted(before.index.get_level_values("district").unique()), list(FACTORS))
    if crops.any():
        areas, tonnes = (
            pd.DataFrame({"before": before[crops][name], "now": now[crops][name]})
            .groupby(level=["district", "product"])
            .sum()
            .rename_axis(["district", "crop"])
            for name in ("area_ha", "value")
        )
        grown = contributions(areas, tonnes / areas.where(areas > 0), price)
        parts.loc[grown.index, ["area", "mix", "yield"]] = grown[["area", "mix", "yield"]].to_numpy()
    change = (now["value"] - before["value"]) * weight
    for name in ("livestock", "rest"):
        own = ~crops & ((before["group"] == "livestock") == (name == "livestock"))
        sums = change[own].groupby(level="district").sum()
        parts.loc[sums.index, name] = sums
    parts = 100.0 * parts / worth
    parts.index.name = "district"
    return parts.assign(total=parts.sum(axis=1))


def levers(index_pct: float, goal_pct: float, base_pct: float, shares: Mapping[str, float]) -> pd.DataFrame:
    """What would have to happen for a goal, one thing alone.

    index_pct  expected [% of the base year]
    goal_pct   to be reached [% of the base year]
    base_pct   of the year before [% of the base year]
    shares     worth of each part of the year's output over that of the year before [1]
    returns    (part) x (`one_more` [percentage points that 1 % more of it adds], `needed` [% more of it])
    source     the index is a weighted sum: 1 % of a part of share w adds w per cent
    """
    rows = {
        name: {"one_more": base_pct * share / 100.0, "needed": 100.0 * (goal_pct - index_pct) / (base_pct * share)}
        for name, share in shares.items()
        if share > 0
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["one_more", "needed"]).rename_axis("part")


def scored(index_pct: float, said: Mapping[str, float], goals_pct: Mapping[str, float]) -> dict[str, float]:
    """How an outlook did once its year has closed.

    index_pct  the official one [% of the base year]
    said       as `told`, with `p_<scenario>` [1]
    goals_pct  of each scenario [% of the base year]
    returns    error [%], `covered_80`, `covered_90` [0 or 1], Brier score of each scenario and their mean [1]
    source     Brier 1950
    """
    figures = {"error": said["median"] - index_pct}
    for level in LEVELS:
        n = round(100 * level)
        figures[f"covered_{n}"] = float(said[f"low_{n}"] <= index_pct <= said[f"high_{n}"])
    brier = {f"brier_{name}": (said[f"p_{name}"] - float(index_pct >= goal)) ** 2 for name, goal in goals_pct.items()}
    return {**figures, **brier, "brier": float(np.mean(list(brier.values())))}


def per_hectare(cells: pd.DataFrame, price: Mapping[str, float], of: Sequence[str]) -> pd.Series:
    """Crop output a hectare of crops, at the given prices.

    cells    (district, category, product) x (`value` [t], `area_ha` [ha])
    price    [RUB/t] by product
    of       level of the rows: `district`
    returns  (district) [RUB/ha]; NaN where nothing grows
    source   worth over area
    """
    crops = cells[cells["area_ha"].notna()]
    worth = crops["value"] * crops.index.get_level_values("product").map(price).to_numpy("float64")
    area = crops["area_ha"].groupby(level=list(of)).sum()
    out: pd.Series = worth.groupby(level=list(of)).sum() / area.where(area > 0)
    return out
