"""Intervals that hold: by what forecasts missed in seasons they had not seen, for fields, districts and the region.

A season's weather hits all fields alike, so fields of one season are no independent witnesses: every quantile is taken
in each season first, and then over the seasons.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from agro.domain.outlook import LEVELS, SCOPES, Interval, Misses, Scope

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

    left_out   a row a field and season: `season`, `district`, `area_ha` [ha], `error_t_ha` [t/ha] told less observed
    returns    Misses: standard deviations [t/ha], and for each scope and level half the interval's width in standard
               errors [1]
    source     analysis of variance by moments, errors about 0, so that a lasting bias counts too; `season_rule`
    """
    rows = left_out.assign(district=left_out["district"].fillna(""), share=left_out["area_ha"].fillna(1.0))
    cell = rows.groupby(["season", "district"])["error_t_ha"].agg(["mean", "size"]).reset_index()
    inside = rows["error_t_ha"] - rows.groupby(["season", "district"])["error_t_ha"].transform("mean")
    field2 = float((inside**2).sum() / max(len(rows) - len(cell), 1))
    apart = cell["mean"] - cell.groupby("season")["mean"].transform("mean")
    degrees = len(cell) - cell["season"].nunique()
    district2 = max(float((apart**2).sum()) / degrees - field2 * float((1 / cell["size"]).mean()), 0.0) if degrees else 0.0  # fmt: skip  # noqa: E501
    season = cell.assign(own=1 / cell["size"]).groupby("season").agg(mean=("mean", "mean"), n=("mean", "size"), own=("own", "mean"))  # fmt: skip  # noqa: E501
    year2 = max(float((season["mean"] ** 2 - (district2 + field2 * season["own"]) / season["n"]).mean()), 0.0)
    sd = tuple(math.sqrt(v) for v in (year2, district2, field2))
    reach: dict[tuple[Scope, float], float] = {}
    for scope in SCOPES:
        missed = _missed(rows, scope, sd)
        for level in LEVELS:
            bound = season_rule(missed["z"].to_numpy(), missed["season"].to_numpy(), level)
            if bound is not None:
                reach[scope, level] = bound
    return Misses(*sd, reach, len(season))


def standard_error(known: Misses, area_ha: Array, district: Array) -> float:
    """The error of an area-weighted mean of fields' forecasts.

    known      what forecasts missed
    area_ha    (n,) weights of the fields [ha]
    district   (n,) their districts [-]
    returns    [t/ha]: what the season gives all is not averaged out, what a district shares only over districts
    source     ours
    """
    share = area_ha / area_ha.sum()
    by_district = pd.Series(share).groupby(district).sum().to_numpy()
    variance = (
        known.year_sd**2 + known.district_sd**2 * (by_district**2).sum() + known.field_sd**2 * (share**2).sum()
    )
    return float(math.sqrt(variance))


def intervals(value_t_ha: float, se_t_ha: float, known: Misses, scope: Scope) -> tuple[Interval, ...]:
    """The intervals that the seasons on record can vouch for.

    value_t_ha   what is foreseen [t/ha]
    se_t_ha      its standard error [t/ha]
    known        what forecasts missed
    scope        field, district or region: each has bounds of its own
    returns      an Interval a level [1], ends [t/ha], the lower one not below 0
    source       ours
    """
    return tuple(
        Interval(level, max(value_t_ha - known.reach[scope, level] * se_t_ha, 0.0), value_t_ha + known.reach[scope, level] * se_t_ha)  # fmt: skip  # noqa: E501
        for level in LEVELS
        if (scope, level) in known.reach
    )


def _missed(rows: pd.DataFrame, scope: Scope, sd: tuple[float, float, float]) -> pd.DataFrame:
    """Absolute errors over their standard errors, a row a subject of the scope and season."""
    year2, district2, field2 = (v**2 for v in sd)
    if scope == "field":
        total = math.sqrt(year2 + district2 + field2)
        return pd.DataFrame({"season": rows["season"], "z": rows["error_t_ha"].abs() / (total or np.inf)})
    weighed = rows.assign(told=rows["share"] * rows["error_t_ha"], square=rows["share"] ** 2)
    by_district = weighed.groupby(["season", "district"], as_index=False)[["share", "told", "square"]].sum()
    by_district["squares"] = by_district["share"] ** 2
    if scope == "region":
        by_district = by_district.groupby("season", as_index=False)[["share", "told", "square", "squares"]].sum()
    part = (district2 * by_district["squares"] + field2 * by_district["square"]) / by_district["share"] ** 2
    error = by_district["told"].abs() / by_district["share"]
    return pd.DataFrame({"season": by_district["season"], "z": error / np.sqrt(year2 + part).replace(0.0, np.inf)})
