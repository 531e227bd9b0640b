"""What a field yields without a look at the season: its plain average, and its trend.

Neither ever reads the harvest of the season that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.gaps import mean_of_known

Array = np.ndarray

AVERAGE_OF = 5  # [a] seasons of the plain average. source: METHODS of the EU's crop forecasts, five-year average
_ROUNDS = 30  # [1] of the two-way fit, which settles in a few
_FEWEST_FOR_SLOPE = 4  # [a] seasons below which no slope is told from chance. source: ours


@dataclass(frozen=True)
class Past:
    """Harvests of one crop: `yields` (unit, season) [t/ha], NaN where none is on record.

    unit_ids (unit); seasons (season) ascending [a]; groups (unit) what a unit belongs to: its farm, else its district
    """

    unit_ids: Array
    seasons: Array
    groups: Array
    yields: Array

    def without(self, season: int) -> Past:
        """The same as if nothing of one season were known."""
        kept = self.seasons != season
        return replace(self, seasons=self.seasons[kept], yields=self.yields[:, kept])

    def of(self, unit_ids: Array, at_unit: Array) -> Array:
        """Values (unit) by unit id, NaN for units that are not on record."""
        at = pd.Index(self.unit_ids, dtype="object").get_indexer(pd.Index(unit_ids, dtype="object"))
        values: Array = np.where(at >= 0, at_unit[at], np.nan)
        return values


def past_of(table: pd.DataFrame) -> Past:
    """The harvests of a table as a matrix.

    table    a row a unit and season: `unit_id`, `farm_id`, `district`, `season` [a], `yield_t_ha` [t/ha], NaN: unknown
    returns  Past, yields [t/ha], of the seasons that have any
    source   ours
    """
    told = table[table["yield_t_ha"].notna()]
    wide = told.pivot_table(index="unit_id", columns="season", values="yield_t_ha", aggfunc="mean")
    units = table.drop_duplicates("unit_id").set_index("unit_id")
    group = units["farm_id"].where(units["farm_id"].notna(), units["district"]).fillna("")
    wide = wide.reindex(units.index)
    return Past(wide.index.to_numpy(), wide.columns.to_numpy("int64"), group.to_numpy(), wide.to_numpy("float64"))


def plain_average(past: Past, season: int) -> Array:
    """The average of the five seasons next to the one that is asked for, the earlier first.

    past     harvests on record
    season   year of harvest that is asked for [a]; its own harvest is never read
    returns  (unit,) [t/ha]: of the unit's own harvests, else the mean of its group's averages, else of all; NaN
             where there is no harvest at all
    source   ours: in a season to come it is the average of the last five
    """
    others = past.without(season)
    away = others.seasons - season
    order = np.lexsort((away > 0, np.abs(away)))
    known = np.isfinite(others.yields[:, order])
    taken = known & (np.cumsum(known, axis=1) <= AVERAGE_OF)
    count = taken.sum(axis=1)
    total = np.where(taken, others.yields[:, order], 0.0).sum(axis=1)
    own = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return _filled(own, others.groups)


def trend(past: Past, season: int) -> Array:
    """The unit's level and slope, each drawn to what its neighbours show as far as its own record is short.

    past     harvests on record
    season   year of harvest that is asked for [a]; its own harvest is never read
    returns  (unit,) [t/ha], never below 0; NaN where there is no harvest at all
    source   slope: Theil 1950, Sen 1968, over the seasons' common departures; drawing in: Efron and Morris 1973;
             levels free of good and bad seasons (two-way fit): ours, a field that grew the crop in good years only
    """
    others = past.without(season)
    if not np.isfinite(others.yields).any():
        return np.full(len(others.unit_ids), np.nan)
    common = _common(others.yields)
    year = others.seasons - float(season)
    slope = _slope(year, common)
    departure = common - slope * year
    departure -= departure.mean()
    own = others.yields - departure
    slopes = _own_slopes(own, year, slope)
    level = mean_of_known(own - slopes[:, None] * year, axis=1)
    count = np.isfinite(own).sum(axis=1)
    left = own - level[:, None] - slopes[:, None] * year
    noise = float(np.nansum(left**2) / max(count.sum() - (count > 0).sum(), 1))
    group = _drawn_in(level, noise / np.maximum(count, 1), others.groups)
    told: Array = np.clip(group, 0.0, None)
    return told


def _filled(own: Array, groups: Array) -> Array:
    """The same with the mean of the group, else of all, where a unit has nothing of its own."""
    values = pd.Series(own)
    mean: Array = values.fillna(values.groupby(groups).transform("mean")).fillna(values.mean()).to_numpy("float64")
    return mean


def _common(yields: Array) -> Array:
    """The common departure of each season, mean 0, by least squares of a level a unit and a departure a season."""
    known = np.isfinite(yields)
    filled = np.where(known, yields, 0.0)
    per_unit, per_season = np.maximum(known.sum(axis=1), 1), np.maximum(known.sum(axis=0), 1)
    common = np.zeros(yields.shape[1])
    for _ in range(_ROUNDS):
        unit = (filled - np.where(known, common, 0.0)).sum(axis=1) / per_unit
        common = (filled - np.where(known, unit[:, None], 0.0)).sum(axis=0) / per_season
        common -= common.mean()
    return common


def _slope(year: Array, common: Array) -> float:
    """The common slope [t/ha/a], drawn to 0 by its own error; 0 where the seasons are too few to tell it."""
    if len(year) < _FEWEST_FOR_SLOPE:
        return 0.0
    i, j = np.triu_indices(len(year), 1)
    slope = float(np.median((common[j] - common[i]) / (year[j] - year[i])))
    left = common - slope * year
    error2 = left.var(ddof=2) / ((year - year.mean()) ** 2).sum() if len(year) > 2 else np.inf
    return slope * max(0.0, 1 - error2 / slope**2) if slope else 0.0


def _own_slopes(own: Array, year: Array, slope: float) -> Array:
    """Each unit's slope, drawn to the common one by what the units' slopes differ beyond chance."""
    known = np.isfinite(own)
    count = known.sum(axis=1)
    at = np.where(known, year, 0.0)
    middle = at.sum(axis=1) / np.maximum(count, 1)
    away = np.where(known, year - middle[:, None], 0.0)
    spread = (away**2).sum(axis=1)
    value = np.where(known, own, 0.0)
    level = value.sum(axis=1) / np.maximum(count, 1)
    found = np.divide((away * value).sum(axis=1), spread, out=np.full(len(own), slope), where=spread > 0)
    left = np.where(known, own - level[:, None] - found[:, None] * away, 0.0)
    enough = (count > _FEWEST_FOR_SLOPE) & (spread > 0)
    if enough.sum() < 2:
        return np.full(len(own), slope)
    noise = (left[enough] ** 2).sum() / (count[enough] - 2).sum()
    error2 = noise / spread[enough]
    beyond = max(float(np.mean((found[enough] - slope) ** 2 - error2)), 0.0)
    share = np.where(enough, beyond / (beyond + noise / np.where(spread > 0, spread, 1.0)), 0.0) if noise else 0.0
    drawn: Array = slope + share * (found - slope)
    return drawn


def _drawn_in(level: Array, error2: Array, groups: Array) -> Array:
    """Levels drawn to their group's mean, and the groups' means to the mean of all, as far as chance can be."""
    known, group = np.isfinite(level), np.unique(groups, return_inverse=True)[1]
    size = np.bincount(group[known], minlength=group.max() + 1)
    there, mean_error2 = size > 0, error2[known].mean()
    all_mean = float(level[known].mean())
    mean = np.bincount(group[known], level[known], len(size)) / np.maximum(size, 1)
    inside = level[known] - mean[group[known]]
    degrees = max(len(inside) - int(there.sum()), 1)
    within = max(float((inside**2).sum() / degrees - mean_error2), 0.0)
    group_error2 = (within + mean_error2) / np.maximum(size, 1)
    between = max(float(mean[there].var() - group_error2[there].mean()), 0.0) if there.sum() > 1 else 0.0
    share = np.where(there, between / (between + group_error2), 0.0) if between else np.zeros(len(size))
    centre = (all_mean + share * (mean - all_mean))[group]
    own_share = np.where(known, within / (within + np.where(known, error2, 1.0)) if within else 0.0, 0.0)
    drawn: Array = centre + own_share * (np.where(known, level, 0.0) - centre)
    return drawn
