"""Intervals that hold: by what forecasts missed in seasons they had not seen, for fields, districts and the region.

A season's weather hits all fields alike, so fields of one season are no independent witnesses: seasons weigh alike, and
a quantile is taken as much higher as few seasons with few independent errors ask for.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from agro.domain.outlook import LEVELS, SCOPES, Misses, Scope

Array = np.ndarray


def season_rule(miss: Array, season: Array, level: float, shared: float = 1.0) -> float | None:
    """How far off a forecast is in a season to come, with a probability.

    miss     (n,) absolute errors of seasons that were not seen, in any one unit [u]
    season   (n,) year of harvest of each [a]
    level    probability [1]
    shared   correlation of two errors of one season [1]
    returns  the bound [u]: the quantile of all errors, seasons weighing alike, at level (1 + 1/w), where the errors are
             worth w independent ones, their sizes going together as `shared` squared; with one error a season the
             ceil((seasons + 1) level)-th; None where the seasons are too few for that (4 for 80 %, 9 for 90 %)
    source   Dunn 2022 (conformal sets of groups, pooled); w: Kish 1965, the design effect of clusters. A quantile in
             each season and then over the seasons, as before, asks for the level twice: 90 % held 96 % of fields
    """
    _, place, count = np.unique(season, return_inverse=True, return_counts=True)
    seasons, rows = len(count), len(miss)
    if math.ceil((seasons + 1) * level - 1e-9) > seasons:
        return None
    worth = rows / (1 + (rows / seasons - 1) * shared**2)
    order = np.argsort(miss)
    reached = np.cumsum(1 / count[place][order]) / seasons
    at = np.searchsorted(reached, min(level * (1 + 1 / worth), 1.0) - 1e-9)
    return float(miss[order][min(int(at), rows - 1)])


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
            shared = float(missed["shared"].mean())
            bound = season_rule(missed["z"].to_numpy(), missed["season"].to_numpy(), level, shared)
            if bound is not None:
                reach[scope, level] = bound
    return Misses(*cv, reach, len(season))


def _missed(rows: pd.DataFrame, scope: Scope, cv: tuple[float, float, float]) -> pd.DataFrame:
    """Absolute errors over their standard errors and what a season shares of their variance, a row a subject."""
    year2, district2, field2 = (v**2 for v in cv)
    if scope == "field":
        season, error, part = rows["season"], rows["error"].abs(), district2 + field2
    else:
        weighed = rows.assign(missed=rows["weight"] * rows["error"], square=rows["weight"] ** 2)
        sums = weighed.groupby(["season", "district"], as_index=False)[["weight", "missed", "square"]].sum()
        sums["squares"] = sums["weight"] ** 2
        if scope == "region":
            sums = sums.groupby("season", as_index=False)[["weight", "missed", "square", "squares"]].sum()
        season, error = sums["season"], sums["missed"].abs() / sums["weight"]
        part = (district2 * sums["squares"] + field2 * sums["square"]) / sums["weight"] ** 2
    total = year2 + part
    shared = year2 / total if np.all(total) else 1.0
    return pd.DataFrame({"season": season, "z": error / np.sqrt(np.where(total, total, np.inf)), "shared": shared})
