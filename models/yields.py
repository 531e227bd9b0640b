"""The yield forecast of one crop and day of the season: a ladder of models that speak together, or a plain one.

Average, trend, ridge on anomalies, boosted trees, Gaussian process: all are fitted, each season is told from the
others, and what each said decides what it weighs in their blend. Where the blend does not surely beat average and
trend one of these speaks, and says so. Rows far from all that is known are not told at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.domain.outlook import Estimate, Forecast, Interval, Misses, few_seasons
from models.intervals import misses
from models.yield_blend import choose
from models.yield_hull import Hull, hull_of, outside
from models.yield_ladder import (
    PLAIN,
    RUNGS,
    Blocks,
    LadderRules,
    fit_rung,
    names_of,
    not_tried,
    tell_left_out,
    tell_rung,
)
from models.yield_levels import Past, past_of
from models.yield_words import in_words

Array = np.ndarray

VERSION = 4  # raise it when the same table gives another model
_MOSTLY = 0.5  # [1] of the rows a model was fitted to knew a feature: it lives on it. source: ours
_UNSEEN = {
    "weather": Refusal(
        "YIELD-NO-WEATHER",
        "no weather of the season is known, and the model lives on it",
        "add the season's days to the table that records.weather names",
    ),
    "canopy": Refusal(
        "YIELD-UNSEEN",
        "no clear look at the field this season, and the model lives on looks",
        "wait for a clear pass",
    ),
}
_LEAST_T_HA = 1e-3  # [t/ha] no forecast is less, so that shares of it exist


@dataclass(frozen=True)
class YieldModel:
    """A fitted ladder.

    day         month-day to which features were known
    chosen      what speaks: average, trend, or the blend
    weights     [1] of the rungs in what speaks; `states` are their own
    left_out    a row a unit and season: unit_id, farm_id, district, season, area_ha, observed_t_ha, and a column a
                rung and the blend with what it said of the season without knowing it [t/ha]
    not_tried   why a rung was not tried, by rung
    missed      what the chosen one missed; None where seasons are too few to know
    hull        where it knows its way; None for average and trend, which know it everywhere
    """

    crop: str
    day: str
    chosen: str
    blocks: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, float]
    states: Mapping[str, Any]
    past: Past
    left_out: pd.DataFrame
    not_tried: Mapping[str, Refusal]
    missed: Misses | None
    hull: Hull | None

    @property
    def why_plain(self) -> Refusal | None:
        """Why the average or the trend speaks; None where features do."""
        if self.chosen not in PLAIN:
            return None
        return Refusal(
            "YIELD-FALLBACK",
            "in {seasons} seasons on record no model surely beats average and trend",
            "more seasons, fields and imagery may tell more",
            {"seasons": len(self.past.seasons)},
        )


def fit(
    crop: str, day: str, table: pd.DataFrame, blocks: Blocks, rules: LadderRules, kin: pd.DataFrame | None = None
) -> YieldModel:
    """Fit all rungs and choose.

    crop     its code [-]
    day      month-day to which the features of all seasons are known [-]
    table    a row a unit and season of the crop: `unit_id`, `farm_id`, `district`, `season` [a], `area_ha` [ha],
             `yield_t_ha` [t/ha] (rows without are not used) and the features
    blocks   names of the features [-] by block
    rules    when which rung is tried [1]
    kin      rows of other crops of its kind, as in `table`; left aside where all rows are too many for the process
    returns  YieldModel, yields [t/ha]
    raises   BadInput where no harvest of the crop is on record
    source   METHODS (ladder); choice: Breiman 1984, paired by season
    """
    seen = table[table["yield_t_ha"].notna()].sort_values(["season", "unit_id"], ignore_index=True)
    if seen.empty:
        raise BadInput(
            "YIELD-NO-HARVEST",
            "{crop}: no harvest is on record, so nothing can be foreseen",
            "give harvests of past seasons",
            crop=crop,
        )
    if kin is not None and not 0 < len(kin) <= rules.most_rows_for_process - len(seen):
        kin = None
    seasons, skipped = int(seen["season"].nunique()), not_tried(seen, blocks, rules)
    left_out = seen[["unit_id", "farm_id", "district", "season", "area_ha"]].assign(observed_t_ha=seen["yield_t_ha"])
    chosen, weights, missed = "average", {"average": 1.0}, None
    if seasons >= rules.fewest_seasons:
        told = {rung: tell_left_out(rung, seen, blocks, kin) for rung in RUNGS if rung not in skipped}
        choice = choose(left_out.assign(**told), list(told))
        chosen, weights, left_out = choice.chosen, choice.weights, choice.left_out
        missed = misses(_errors(left_out, chosen))
    hull = None if chosen in PLAIN else hull_of(seen, names_of(blocks), rules.hull_margin)
    used = {name: tuple(columns) for name, columns in blocks.items()}
    states = {rung: fit_rung(rung, seen, blocks, kin) for rung in weights}
    return YieldModel(crop, day, chosen, used, weights, states, past_of(seen), left_out, skipped, missed, hull)


def tell(model: YieldModel, asked: pd.DataFrame) -> Array:
    """The bare expectation.

    model    fitted
    asked    rows with its features
    returns  (row,) [t/ha]; NaN where nothing is known
    source   see the rungs
    """
    parts = [weight * tell_rung(rung, model.states[rung], model.past, asked) for rung, weight in model.weights.items()]
    told: Array = np.maximum(np.sum(parts, axis=0), _LEAST_T_HA)
    return told


def predict(model: YieldModel, asked: pd.DataFrame, as_of: date, day: str, name: str) -> list[Forecast]:
    """What the model foresees for fields of one season.

    model    fitted to the same features by the same month-day
    asked    a row a field: `unit_id`, `farm_id`, `district`, `season` [a] and the features
    as_of    the last day that is known [date]
    day      month-day to which the features are known [-]
    name     what the model is called, with the key of its file [-]
    returns  one Forecast a row [t/ha], in order; without estimate where it abstains, and then `why`
    raises   BadInput where the features are not those of the model
    source   ours
    """
    check_features(model, asked, day, name)
    value, told = tell(model, asked), []
    for unit, season, v, silent in zip(asked["unit_id"], asked["season"], value, silences(model, asked), strict=True):
        estimate, ends, why = (None, (), silent) if silent else _told(model, float(v))
        common = (model.crop, int(season), "yield_t_ha", as_of, estimate, ends, f"{name}: {model.chosen}")
        told.append(Forecast("field", str(unit), *common, float(estimate is not None), why))  # type: ignore[arg-type]
    return told


def check_features(model: YieldModel, asked: pd.DataFrame, day: str, name: str) -> None:
    """Refuse rows that the model was not made for.

    model    fitted
    asked    rows with features
    day      month-day to which they are known [-]
    name     what the model is called [-]
    returns  nothing [-]
    raises   BadInput
    source   ours
    """
    missing = [one for one in names_of(model.blocks) if one not in asked] if model.chosen not in PLAIN else []
    if missing or day != model.day:
        raise BadInput(
            "MODEL-FEATURES",
            "{where}: was fitted to features known by {expected}; met {met}"
            if day != model.day
            else "{where}: was fitted to features known by {expected}; missing here is {met}",
            "fit a model for this day with `agro train`",
            where=name,
            expected=model.day,
            met=in_words(missing[0]) if day == model.day else day,
        )


def silences(model: YieldModel, asked: pd.DataFrame) -> list[Refusal | None]:
    """Why rows are not told.

    model    fitted
    asked    rows with its features
    returns  a refusal [-] for each row, None where it is told
    source   ours
    """
    if len(model.past.seasons) < 2:
        one = Refusal(
            "YIELD-ONE-SEASON",
            "{crop}: harvests of one season only; how seasons differ is not known",
            "give harvests of more seasons",
            {"crop": model.crop},
        )
        return [one] * len(asked)
    if model.hull is None:
        return [None] * len(asked)
    told = outside(model.hull, asked)
    for block, unseen in _UNSEEN.items():
        mostly = [
            name
            for name, share in zip(model.hull.names, model.hull.known_share, strict=True)
            if name in model.blocks.get(block, ()) and share >= _MOSTLY
        ]
        blind = asked[mostly].isna().all(axis=1).to_numpy() & bool(mostly)
        told = [unseen if b else why for b, why in zip(blind, told, strict=True)]
    return told


def _told(model: YieldModel, value: float) -> tuple[Estimate, tuple[Interval, ...], Refusal | None]:
    missed = model.missed
    if missed is None:
        return Estimate(value, np.nan, "t/ha"), (), few_seasons(len(model.past.seasons))
    error = value * float(np.sqrt(missed.year_cv**2 + missed.district_cv**2 + missed.field_cv**2))
    return Estimate(value, error, "t/ha"), missed.ends(value, error, "field"), model.why_plain


def _errors(left_out: pd.DataFrame, rung: str) -> pd.DataFrame:
    told = left_out[rung].clip(lower=_LEAST_T_HA)
    rows = left_out[["unit_id", "district", "season", "area_ha"]]
    return rows.assign(told_t_ha=told, error=left_out["observed_t_ha"] / told - 1)
