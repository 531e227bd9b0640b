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

Scheme = Literal["each_zone", "shared"]
_DRAWS = 400  # [1] redrawings of the strips' errors
_TINY = 1e-12


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
    sums = _Sums(cells, _redrawn(cells, draws), scheme == "shared")
    random = np.random.default_rng(1)
    spread = np.exp(random.normal(0, money.price_cv, (2, draws)) - money.price_cv**2 / 2)
    prices = np.column_stack([np.ones(2), spread]) * [[money.yield_price_t], [money.nutrient_price_kg]]
    mixed = np.concatenate([[0.0], np.abs(random.normal(0, money.zone_error, draws))]).clip(0, 1)
    ratio = money.nutrient_price_kg / money.yield_price_t
    folds = range(len(names))
    seasons = cells["season"].nunique()
    gains = []
    for one in folds:
        others = [k for k in folds if k != one]
        known = _fitted(sums, others, scheme, ratio, money, seasons - 1 if by == "season" else seasons)
        doses = best_dose(known.slope, known.curve, ratio, highest)
        uniform = best_dose(known.field_slope, known.field_curve, ratio, highest)
        gains.append(_worth(_fitted(sums, [one], scheme, ratio, None, 1), doses, uniform, prices, mixed, sums.share([one])))
    each = np.stack(gains)
    total = each.mean(axis=0)
    final = _fitted(sums, list(folds), scheme, ratio, money, seasons)
    doses = best_dose(final.slope, final.curve, ratio, highest)[:, 0]
    chance = 2 * np.abs(final.curve[:, 0]) * final.kept[:, 0] * money.season_sd_kg_ha**2
    deduction = float(money.yield_price_t * (sums.share(list(folds)) * chance).sum()) if by == "rep" else 0.0
    between = each[:, 0].std(ddof=1) / len(names) ** 0.5 if by == "season" else 0.0
    return LeftOut(
        float(total[0]),
        total[0] + total[1:] - total[1:].mean() + random.normal(0, between, draws),
        {name: float(value) for name, value in zip(names, each[:, 0], strict=True)},
        by,
        deduction,
        {str(zone): float(dose) for zone, dose in zip(sums.zones, doses, strict=True)},
        float(best_dose(final.field_slope, final.field_curve, ratio, highest)[0]),
        highest,
    )


def _cells(trial: pd.DataFrame) -> tuple[pd.DataFrame, list[str], Literal["season", "rep"]]:
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
    if len(names) < 2:
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


class _Sums:
    """Sums over cells by fold, block and zone: of 1, x, x^2 with each other and with each draw of the yields."""

    def __init__(self, cells: pd.DataFrame, yields: np.ndarray, blocks: bool) -> None:
        self.blocks = blocks
        codes, self.zones = pd.factorize(cells["zone"], sort=True)
        x, weight = cells["dose"].to_numpy(), cells["weight"].to_numpy()
        powers = np.stack([np.ones_like(x), x, x**2], axis=1)
        shape = int(cells["fold"].max()) + 1, int(cells["block"].max()) + 1, len(self.zones)
        self.normal, self.right = np.zeros((*shape, 3, 3)), np.zeros((*shape, 3, yields.shape[1]))
        self.square, self.count = np.zeros((*shape, yields.shape[1])), np.zeros(shape)
        place = cells["fold"].to_numpy(), cells["block"].to_numpy(), codes
        np.add.at(self.normal, place, weight[:, None, None] * powers[:, :, None] * powers[:, None])
        np.add.at(self.right, place, weight[:, None, None] * powers[:, :, None] * yields[:, None])
        np.add.at(self.square, place, weight[:, None] * yields**2)
        np.add.at(self.count, place, 1.0)
        self.area = np.zeros((shape[0], shape[2]))
        np.add.at(self.area, (cells["fold"].to_numpy(), codes), weight)

    def share(self, folds: list[int]) -> np.ndarray:
        """Of the ground of these folds, by zone [1]."""
        area = self.area[folds].sum(axis=0)
        return np.asarray(area / area.sum())

    def centred(self, folds: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of each zone in these folds: sums about the mean (zone, 2, 2), (zone, 2, draw), (zone, draw), freedom."""
        normal, right, square = self.normal[folds], self.right[folds], self.square[folds]
        if not self.blocks:
            normal, right, square = (part.sum(axis=(0, 1), keepdims=True) for part in (normal, right, square))
        a, r, s = _about_mean(normal, right, square)
        freedom = self.count[folds].sum(axis=(0, 1)) - (self.count[folds] > 0).sum(axis=(0, 1)) - 1
        return a.sum(axis=(0, 1)), r.sum(axis=(0, 1)), s.sum(axis=(0, 1)), freedom

    def of_field(self, folds: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """The same of the field without a look at zones: (2, 2), (2, draw)."""
        normal, right, square = (part[folds].sum(axis=(0, 1, 2)) for part in (self.normal, self.right, self.square))
        a, r, _ = _about_mean(normal, right, square)
        return a, r


def _about_mean(
    normal: np.ndarray, right: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = np.maximum(normal[..., :1, :1], _TINY)
    side = normal[..., 1:, :1]
    return (
        normal[..., 1:, 1:] - side * np.swapaxes(side, -1, -2) / n,
        right[..., 1:, :] - side * right[..., :1, :] / n,
        square - (right[..., :1, :] ** 2 / n)[..., 0, :],
    )


@dataclass(frozen=True)
class _Fitted:
    """Slope and curvature of zones (zone, draw) and of the field (draw); how much of a difference is kept."""

    slope: np.ndarray
    curve: np.ndarray
    field_slope: np.ndarray
    field_curve: np.ndarray
    kept: np.ndarray


def _fitted(
    sums: _Sums, folds: list[int], scheme: Scheme, ratio: float, money: Money | None, seasons: int
) -> _Fitted:
    """The curves of some folds; with `money` they are to give doses, without it they value them."""
    a, r, s, freedom = sums.centred(folds)
    if scheme == "each_zone":
        own = np.linalg.pinv(a, hermitian=True) @ r
        whole, right = sums.of_field(folds)
        field = np.linalg.pinv(whole, hermitian=True) @ right
        return _Fitted(own[:, 0], own[:, 1], field[0], field[1], np.ones_like(own[:, 0]))
    xx, xq, qq = (np.maximum(a[:, 0, 0], _TINY)[:, None], a[:, 0, 1][:, None], a[:, 1, 1][:, None])
    curve = (r[:, 1] - xq / xx * r[:, 0]).sum(axis=0) / max(float((qq - xq**2 / xx).sum()), _TINY)
    slope = (r[:, 0] - curve * xq) / xx
    field = (r[:, 0] - curve * xq).sum(axis=0) / xx.sum()
    kept = np.ones_like(slope)
    if money is not None:
        kept = _kept(slope, field, curve, (xx, sums.share(folds)[:, None]), _noise(a, r, s, slope, curve, freedom), money, seasons)  # fmt: skip  # noqa: E501
    return _Fitted(field + kept * (slope - field), np.broadcast_to(curve, slope.shape), field, curve, kept)


def _noise(
    a: np.ndarray, r: np.ndarray, s: np.ndarray, slope: np.ndarray, curve: np.ndarray, freedom: np.ndarray
) -> np.ndarray:
    """The variance of a cell of weight 1 about the curves, by draw."""
    explained = (
        2 * (slope * r[:, 0] + curve * r[:, 1])
        - slope**2 * a[:, 0, 0][:, None]
        - 2 * slope * curve * a[:, 0, 1][:, None]
        - curve**2 * a[:, 1, 1][:, None]
    )
    variance: np.ndarray = np.maximum((s - explained).sum(axis=0), 0) / max(float(freedom.sum()) - 1, 1)
    return variance


def _kept(
    slope: np.ndarray,
    field: np.ndarray,
    curve: np.ndarray,
    weights: tuple[np.ndarray, np.ndarray],
    noise: np.ndarray,
    money: Money,
    seasons: int,
) -> np.ndarray:
    """How much of each zone's difference is kept: none where the zones differ by no more than chance would have it."""
    xx, share = weights
    error = noise / xx + (2 * curve * money.season_sd_kg_ha) ** 2 / seasons
    chance = (share * (1 - share) * error).sum(axis=0)
    seen = (share * (slope - field) ** 2).sum(axis=0)
    real = np.maximum(seen - chance, 0) / float((share * (1 - share)).sum())
    kept = real / np.maximum(real + error, _TINY)
    return np.where(curve < 0, kept, 0.0)


def _worth(
    true: _Fitted, doses: np.ndarray, uniform: np.ndarray, prices: np.ndarray, mixed: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """What the doses earn over the uniform one by other curves [money/ha], by draw."""

    def earned(slope: np.ndarray, curve: np.ndarray, dose: np.ndarray) -> np.ndarray:
        return prices[0] * (slope * dose + curve * dose**2) - prices[1] * dose

    weight = share[:, None]
    own = (weight * (earned(true.slope, true.curve, doses) - earned(true.slope, true.curve, uniform))).sum(axis=0)
    slope, curve = (weight * true.slope).sum(axis=0), (weight * true.curve).sum(axis=0)
    strayed = (weight * (earned(slope, curve, doses) - earned(slope, curve, uniform))).sum(axis=0)
    return (1 - mixed) * own + mixed * strayed
