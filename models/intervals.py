"""Intervals that hold: by what forecasts missed in seasons they had not seen, for fields, districts and the region.

A season's weather hits all fields alike, so fields of one season are no independent witnesses: every quantile is taken
in each season first, and then over the seasons.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from agro.domain.outlook import LEVELS, SCOPES, Misses, Scope

Array = np.ndarray


def season_rule(miss: Array, season: Array, level: float) -> float | None:
    """How far off forecasts are in a season to come, with a probability.

    miss     (n,) absolute errors of seasons that were not seen, in any one unit [u]
    season   (n,) year of harvest of each [a]
    level    probability [1]
    returns  the bound [u]: each season's quantile, of these the ceil((seasons + 1) level)-th; None where the seasons
             are too few for it (fewer than 4 for 80 %, 9 for 90 %)
    source   METHODS: conformal quantile over groups that share an error; Dunn 2022 (hierarchical conformal sets)
    """
    by_season = pd.Series(miss).groupby(season).quantile(level, interpolation="linear").sort_values().to_numpy()
    place = math.ceil((len(by_season) + 1) * level - 1e-9)
    return float(by_season[place - 1]) if place <= len(by_season) else None


def misses(left_out: pd.DataFrame) -> Misses:
    """What forecasts of seasons not seen missed, taken apart: what all fields share, a district, and each alone.

    left_out   a row a field and season: `season`, `district`, `area_ha` [ha], `told_t_ha` [t/ha] what was foreseen,
               `error` observed over foreseen, less 1 [1]
    returns    Misses: coefficients of variation [1], and for each scope and level half the interval's width in
               standard errors [1]
    source     analysis of variance by moments, errors about 0, so that a lasting bias counts too; `season_rule`
    """
    weight = left_out["area_ha"].fillna(1.0) * left_out["told_t_ha"]
    rows = left_out.assign(district=left_out["district"].fillna(""), weight=weight)
    cells = rows.groupby(["season", "district"])["error"]
    cell = cells.agg(["mean", "size"]).reset_index()
    inside = rows["error"] - cells.transform("mean")
    field2 = float((inside**2).sum() / max(len(rows) - len(cell), 1))
    apart = cell["mean"] - cell.groupby("season")["mean"].transform("mean")
    degrees = len(cell) - cell["season"].nunique()
    own2 = field2 / cell["size"]
    district2 = max(float((apart**2).sum()) / degrees - float(own2.mean()), 0.0) if degrees else 0.0
    season = cell.assign(own2=own2).groupby("season").agg({"mean": "mean", "size": "size", "own2": "mean"})
    shared2 = season["mean"] ** 2 - (district2 + season["own2"]) / season["size"]
    cv = math.sqrt(max(float(shared2.mean()), 0.0)), math.sqrt(district2), math.sqrt(field2)
    reach: dict[tuple[Scope, float], float] = {}
    for scope in SCOPES:
        missed = _missed(rows, scope, cv)
        for level in LEVELS:
            bound = season_rule(missed["z"].to_numpy(), missed["season"].to_numpy(), level)
            if bound is not None:
                reach[scope, level] = bound
    return Misses(*cv, reach, len(season))


def _missed(rows: pd.DataFrame, scope: Scope, cv: tuple[float, float, float]) -> pd.DataFrame:
    """Absolute errors over their standard errors, a row a subject of the scope and season."""
    year2, district2, field2 = (v**2 for v in cv)
    if scope == "field":
        total = math.sqrt(year2 + district2 + field2)
        return pd.DataFrame({"season": rows["season"], "z": rows["error"].abs() / (total or np.inf)})
    weighed = rows.assign(missed=rows["weight"] * rows["error"], square=rows["weight"] ** 2)
    sums = weighed.groupby(["season", "district"], as_index=False)[["weight", "missed", "square"]].sum()
    sums["squares"] = sums["weight"] ** 2
    if scope == "region":
        sums = sums.groupby("season", as_index=False)[["weight", "missed", "square", "squares"]].sum()
    part = (district2 * sums["squares"] + field2 * sums["square"]) / sums["weight"] ** 2
    error = sums["missed"].abs() / sums["weight"]
    return pd.DataFrame({"season": sums["season"], "z": error / np.sqrt(year2 + part).replace(0.0, np.inf)})
