"""What varying a dose by zones would have earned on strips that the doses were not fitted on.

The doses are fitted without one season, or without one repetition where there is one season, and valued on it; so each
in turn. A gain found on the strips that gave the doses is worth nothing: among equal zones it is always above zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput
from models.response import best_dose
from models.zone_curves import Scheme, ZoneSums, curves_of, earned

_DRAWS = 400  # [1] redrawings of the strips' errors


@dataclass(frozen=True)
class Money:
    """What yields and nutrients are worth [money], and how surely.

    yield_price_t, nutrient_price_kg  [money/t], [money/kg] of the nutrient
    price_cv                          [1] of each of both
    zone_error                        [1] share of a zone that gets another zone's dose: drawing, position, section
    season_sd_kg_ha                   [kg/ha] by which a zone's best dose differs between seasons from the field's
    """

    yield_price_t: float
    nutrient_price_kg: float
    price_cv: float = 0.0
    zone_error: float = 0.0
    season_sd_kg_ha: float = 0.0


@dataclass(frozen=True)
class LeftOut:
    """What the doses of zones earned over the best uniform dose where neither was fitted [money/ha].

    gain        the mean over what was left out; nothing is deducted yet
    draws       the same, with the errors of response, zones and prices
    folds       of each season or repetition that was left out, by name
    by          what was left out
    deduction   of one season only: what its own chance adds to the gain and will not come again
    zone_kg_ha, uniform_kg_ha   doses from all strips [kg/ha]
    highest_kg_ha               the highest dose tried
    """

    gain: float
    draws: np.ndarray
    folds: Mapping[str, float]
    by: Literal["season", "rep"]
    deduction: float
    zone_kg_ha: Mapping[str, float]
    uniform_kg_ha: float
    highest_kg_ha: float


def left_out_gain(
    trial: pd.DataFrame,
    money: Money,
    scheme: Scheme = "shared",
    highest_kg_ha: float | None = None,
    draws: int = _DRAWS,
) -> LeftOut:
    """The gain of doses by zones over one dose, measured where they were not fitted.

    trial    season, rep, strip, zone, dose_kg_ha [kg/ha], yield_t_ha [t/ha] and, may be, area_ha [ha] of the row
    money    prices and what else is uncertain [money]
    scheme   `each_zone`: a parabola for each zone alone; `shared`: zones share the curvature, and their slopes are
             drawn to the field's by as much as their differences may be chance
    highest_kg_ha  the highest dose that may be given [kg/ha]; None: the highest of this trial
    draws    how many [1]
    returns  LeftOut [money/ha]
    raises   BadInput TRIAL-FOLDS where nothing can be left out, TRIAL-ZONES where there is one zone
    source   ours: leaving out whole repetitions or seasons; wild bootstrap by strips, Cameron, Gelbach and Miller 2008
    """
    cells, names, by = _cells(trial)
    highest = float(cells["dose"].max() if highest_kg_ha is None else highest_kg_ha)
    sums = ZoneSums(cells, _redrawn(cells, draws), scheme == "shared")
    random = np.random.default_rng(1)
    spread = np.exp(random.normal(0, money.price_cv, (2, draws)) - money.price_cv**2 / 2)
    prices = np.column_stack([np.ones(2), spread]) * [[money.yield_price_t], [money.nutrient_price_kg]]
    mixed = np.concatenate([[0.0], np.abs(random.normal(0, money.zone_error, draws))]).clip(0, 1)
    ratio = money.nutrient_price_kg / money.yield_price_t
    folds = range(len(names))
    seasons = cells["season"].nunique()
    gains, unmixed = [], []
    for one in folds:
        others = [k for k in folds if k != one]
        known = curves_of(sums, others, scheme, money.season_sd_kg_ha, seasons - 1 if by == "season" else seasons)
        doses = best_dose(known.slope, known.curve, ratio, highest)
        uniform = best_dose(known.field_slope, known.field_curve, ratio, highest)
        true, share = curves_of(sums, [one], scheme, None, 1), sums.share([one])
        gains.append(earned(true, doses, uniform, prices, mixed, share))
        unmixed.append(earned(true, doses, uniform, prices, np.zeros_like(mixed), share))
    each = np.stack(gains)
    total, whole = each.mean(axis=0), np.mean(unmixed, axis=0)
    final = curves_of(sums, list(folds), scheme, money.season_sd_kg_ha, seasons)
    doses = best_dose(final.slope, final.curve, ratio, highest)[:, 0]
    chance = 2 * np.abs(final.curve[:, 0]) * final.kept[:, 0] * money.season_sd_kg_ha**2
    deduction = float(money.yield_price_t * (sums.share(list(folds)) * chance).sum()) if by == "rep" else 0.0
    between = each[:, 0].std(ddof=1) / len(names) ** 0.5 if by == "season" else 0.0
    return LeftOut(
        float(total[0]),
        total[0] + total[1:] - whole[1:].mean() + random.normal(0, between, draws),
        {name: float(value) for name, value in zip(names, each[:, 0], strict=True)},
        by,
        deduction,
        {str(zone): float(dose) for zone, dose in zip(sums.zones, doses, strict=True)},
        float(best_dose(final.field_slope, final.field_curve, ratio, highest)[0]),
        highest,
    )


def worth(
    trial: pd.DataFrame, zone_kg_ha: Mapping[str, float], uniform_kg_ha: float, money: Money, scheme: Scheme = "shared"
) -> float:
    """What given doses earn over a given uniform one by the curves of another trial.

    trial          as for `left_out_gain`; one repetition is enough
    zone_kg_ha     doses by zone [kg/ha]
    uniform_kg_ha  [kg/ha]
    money          prices [money]
    scheme         how the curves are fitted
    returns        [money/ha]
    raises         BadInput TRIAL-ZONES where there is one zone
    source         ours
    """
    cells, names, _ = _cells(trial, folds=1)
    sums = ZoneSums(cells, cells[["y"]].to_numpy(), scheme == "shared")
    folds = list(range(len(names)))
    doses = np.array([[zone_kg_ha.get(str(zone), uniform_kg_ha)] for zone in sums.zones])
    prices = np.array([[money.yield_price_t], [money.nutrient_price_kg]])
    true = curves_of(sums, folds, scheme, None, 1)
    return float(earned(true, doses, np.array([uniform_kg_ha]), prices, np.zeros(1), sums.share(folds))[0])


def _cells(trial: pd.DataFrame, folds: int = 2) -> tuple[pd.DataFrame, list[str], Literal["season", "rep"]]:
    """Means of season, rep, strip, zone and dose; `fold` and `block` say what is left out together."""
    weight = trial["area_ha"] if "area_ha" in trial else pd.Series(1.0, trial.index)
    keys = ["season", "rep", "strip", "zone"]
    table = trial[keys].assign(dose=trial["dose_kg_ha"], total=weight * trial["yield_t_ha"], weight=weight)
    cells = table.groupby([*keys, "dose"], as_index=False, sort=True)[["total", "weight"]].sum()
    cells["y"] = cells["total"] / cells["weight"]
    by: Literal["season", "rep"] = "season" if cells["season"].nunique() > 1 else "rep"
    cells["fold"], names = pd.factorize(cells[by], sort=True)
    cells["block"] = pd.factorize(cells["season"].astype(str) + "/" + cells["rep"].astype(str), sort=True)[0]
    cells["strip"] = pd.factorize(cells["season"].astype(str) + "/" + cells["rep"].astype(str) + "/" + cells["strip"].astype(str))[0]  # fmt: skip  # noqa: E501
    if len(names) < folds:
        raise BadInput(
            "TRIAL-FOLDS",
            "the trial has one season and one repetition: nothing can be left out to test it on",
            "repeat the strips at least twice",
        )
    if cells["zone"].nunique() < 2:
        raise BadInput("TRIAL-ZONES", "the trial lies in one zone: there is nothing to vary", "apply one rate")
    return cells, [str(name) for name in names], by


def _redrawn(cells: pd.DataFrame, draws: int) -> np.ndarray:
    """(cell, 1 + draws) yields: as measured, then with the errors of whole strips turned over at random."""
    y, weight = cells["y"].to_numpy(), cells["weight"].to_numpy()
    block = pd.factorize(cells["block"].astype(str) + "/" + cells["zone"].astype(str))[0]
    zone = pd.get_dummies(cells["zone"]).to_numpy("float64")
    dose = cells["dose"].to_numpy()
    design = np.column_stack([np.eye(block.max() + 1)[block], zone * dose[:, None], zone * dose[:, None] ** 2])
    root = np.sqrt(weight)[:, None]
    fitted = design @ np.linalg.lstsq(design * root, y * root[:, 0], rcond=None)[0]
    strips = int(cells["strip"].max()) + 1
    freedom = max(strips - cells["block"].nunique() - 2, 1)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (strips, draws))[cells["strip"].to_numpy()]
    redrawn = fitted[:, None] + ((y - fitted) * (strips / freedom) ** 0.5)[:, None] * signs
    return np.column_stack([y, redrawn])
