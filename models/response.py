"""Yield over the dose of a nutrient, from strips that were driven on one field, and the dose that earns most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput

Form = Literal["quadratic", "plateau"]
_TOPS = 60  # [1] doses tried as the plateau's beginning
_DRAWS = 2000  # [1] of strips, for an interval
_RATIOS = np.concatenate([[0.0], np.logspace(-4, 2, 61)])  # [1] variance between strips over variance within
_FEWEST_DOSES = 3  # [1] a curve has three numbers


@dataclass(frozen=True)
class Response:
    """Yield [t/ha] = intercept + slope * x + curve * x^2; x is the dose [kg/ha], or `top_kg_ha` where it is above that.

    highest_kg_ha   the highest dose that was tried: nothing is said beyond it
    residual_t_ha   standard deviation of the yield about the curve, within strips
    between_t_ha    standard deviation of whole strips about the curve; 0 where strips were not told apart
    """

    intercept_t_ha: float
    slope: float
    curve: float
    top_kg_ha: float
    highest_kg_ha: float
    residual_t_ha: float
    between_t_ha: float
    strips: int


@dataclass(frozen=True)
class BestDose:
    """The dose that earns most [kg/ha], its 90 % interval from draws of whole strips, and all draws."""

    dose_kg_ha: float
    low_kg_ha: float
    high_kg_ha: float
    draws: np.ndarray


def fit(trial: pd.DataFrame, form: Form = "quadratic", highest_kg_ha: float | None = None) -> Response:
    """The curve of one trial.

    trial          dose_kg_ha [kg/ha], yield_t_ha [t/ha] and, may be, strip: rows of one strip share its error, whose
                   size is found by restricted likelihood; without the column rows are independent
    form           a parabola, or one that stays at its top
    highest_kg_ha  the highest dose tried [kg/ha]; None: of this trial
    returns        Response [t/ha over kg/ha]
    raises         BadInput RESPONSE-FEW where fewer than three doses were tried
    source         quadratic and quadratic-plateau, Cerrato and Blackmer 1990; random strips, Fuller and Battese 1973
    """
    x, y = _columns(trial)
    strips = pd.factorize(trial["strip"])[0] if "strip" in trial else None
    highest = float(x.max() if highest_kg_ha is None else highest_kg_ha)
    found = _gls(_curves(x, np.inf), y, strips, _RATIOS if strips is not None else (0.0,))
    top = np.inf
    if form == "plateau":
        at = {one: _gls(_curves(x, one), y, strips, (found.ratio,)) for one in _tops(highest)}
        top = min(at, key=lambda one: at[one].deviance)
        found = at[top]
    slope = float(found.coefficients[1])
    curve = -slope / (2 * top) if np.isfinite(top) else float(found.coefficients[2])
    between = found.within * found.ratio**0.5
    return Response(float(found.coefficients[0]), slope, curve, top, highest, found.within, between, _count(strips))


def predict(response: Response, dose_kg_ha: Any) -> Any:
    """The yield at a dose.

    response    from `fit`
    dose_kg_ha  any shape [kg/ha]
    returns     same shape [t/ha]; NaN beyond the highest dose that was tried
    source      ours
    """
    dose = np.asarray(dose_kg_ha, float)
    x = np.minimum(dose, response.top_kg_ha)
    said = response.intercept_t_ha + response.slope * x + response.curve * x**2
    return np.where(dose <= response.highest_kg_ha + 1e-9, said, np.nan)


def best_dose(slope: Any, curve: Any, price_ratio: Any, highest_kg_ha: float) -> Any:
    """The dose at which one more kilogram of nutrient pays for itself no longer; never below 0 or above the highest.

    slope, curve   of yield over dose [t/ha over kg/ha and its square], any shape
    price_ratio    price of 1 kg of nutrient over price of 1 t of yield [t/kg]
    highest_kg_ha  the highest dose that was tried [kg/ha]
    returns        same shape [kg/ha]; where the curve is not concave, the better of the two ends
    source         where the slope equals the ratio of prices: (ratio - b) / 2c; the ends: ours
    """
    slope, curve, ratio = np.broadcast_arrays(*(np.asarray(v, float) for v in (slope, curve, price_ratio)))
    concave = curve < 0
    with np.errstate(over="ignore"):  # a curve that hardly bends has its best dose beyond all
        inner = (ratio - slope) / np.where(concave, 2 * curve, 1.0)
    ends = np.where(slope * highest_kg_ha + curve * highest_kg_ha**2 > ratio * highest_kg_ha, highest_kg_ha, 0.0)
    return np.where(concave, np.clip(inner, 0.0, highest_kg_ha), ends)


def best_of(response: Response, price_ratio: float) -> float:
    """The dose that earns most by one curve.

    response     from `fit`
    price_ratio  price of 1 kg of nutrient over price of 1 t of yield [t/kg]
    returns      [kg/ha]
    source       as `best_dose`; the top of a plateau is never passed
    """
    best = float(best_dose(response.slope, response.curve, price_ratio, response.highest_kg_ha))
    return min(best, response.top_kg_ha)


def best_interval(
    trial: pd.DataFrame,
    price_ratio: float,
    price_cv: float = 0.0,
    form: Form = "quadratic",
    highest_kg_ha: float | None = None,
    draws: int = _DRAWS,
) -> BestDose:
    """The best dose of a trial with its 90 % interval: strips are drawn anew, and so is the ratio of prices.

    trial          as for `fit`, with the column strip
    price_ratio    price of 1 kg of nutrient over price of 1 t of yield [t/kg]
    price_cv       its coefficient of variation [1]
    highest_kg_ha  [kg/ha], as for `fit`
    draws          how many [1]
    returns        BestDose [kg/ha]
    raises         BadInput as `fit`
    source         ours, after Bachmaier 2012: intervals of the optimum are wide, and are told
    """
    x, y = _columns(trial)
    strips = pd.factorize(trial["strip"])[0]
    highest = float(x.max() if highest_kg_ha is None else highest_kg_ha)
    count = int(strips.max()) + 1
    random = np.random.default_rng(0)
    taken = random.multinomial(count, np.full(count, 1 / count), draws).astype(float)  # (draw, strip)
    ratio = price_ratio * np.exp(random.normal(0, price_cv, draws) - price_cv**2 / 2)
    found, least = np.zeros(draws), np.full(draws, np.inf)
    for top in (np.inf,) if form == "quadratic" else _tops(highest):
        slope, curve, rss = _redrawn(_curves(x, top), y, strips, taken, top)
        dose = np.minimum(best_dose(slope, curve, ratio, highest), top)
        found, least = np.where(rss < least, dose, found), np.minimum(rss, least)
    low, high = np.percentile(found, (5, 95))
    plain = trial.drop(columns="strip") if "strip" in trial else trial
    best = best_of(fit(plain, form, highest), price_ratio)
    return BestDose(best, min(float(low), best), max(float(high), best), found)


def _columns(trial: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    x, y = (trial[name].to_numpy("float64") for name in ("dose_kg_ha", "yield_t_ha"))
    doses = len(np.unique(x))
    if doses < _FEWEST_DOSES:
        raise BadInput(
            "RESPONSE-FEW",
            "the trial has {met} different doses, a response needs {expected}",
            "drive strips with at least three doses, one of them 0 or the field's usual one",
            met=doses,
            expected=_FEWEST_DOSES,
        )
    return x, y


def _curves(x: np.ndarray, top: float) -> np.ndarray:
    """The columns that the curve is a sum of."""
    if not np.isfinite(top):
        return np.stack([np.ones_like(x), x, x**2], axis=1)
    below = np.minimum(x, top)
    return np.stack([np.ones_like(x), below - below**2 / (2 * top)], axis=1)


def _count(strips: np.ndarray | None) -> int:
    return 0 if strips is None else int(strips.max()) + 1


def _tops(highest_kg_ha: float) -> list[float]:
    return [float(top) for top in np.linspace(0.15, 1.0, _TOPS) * highest_kg_ha]


@dataclass(frozen=True)
class _Found:
    """Coefficients, deviation within strips, its share between them, and minus twice the restricted likelihood."""

    coefficients: np.ndarray
    within: float
    ratio: float
    deviance: float


def _gls(columns: np.ndarray, y: np.ndarray, strips: np.ndarray | None, ratios: Iterable[float]) -> _Found:
    """The likeliest of some ratios of the variance between strips to that within."""
    groups = np.arange(len(y)) if strips is None else strips
    size = np.bincount(groups)
    whole = np.column_stack([columns, y])
    means = np.stack([np.bincount(groups, column) / size for column in whole.T], axis=1)[groups]
    freedom = max(len(y) - columns.shape[1], 1)
    found = []
    for ratio in ratios:
        share = 1 - 1 / np.sqrt(1 + ratio * size)
        turned = whole - share[groups][:, None] * means
        design, target = turned[:, :-1], turned[:, -1]
        coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
        variance = float(((target - design @ coefficients) ** 2).sum() / freedom)
        likelihood = freedom * np.log(max(variance, 1e-300)) + np.log1p(ratio * size).sum()
        deviance = float(likelihood + np.linalg.slogdet(design.T @ design)[1])
        found.append(_Found(coefficients, variance**0.5, float(ratio), deviance))
    return min(found, key=lambda one: one.deviance)


def _redrawn(
    columns: np.ndarray, y: np.ndarray, strips: np.ndarray, taken: np.ndarray, top: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope, curve and sum of squares of every draw, from the sums of each strip."""
    count, width = taken.shape[1], columns.shape[1]
    whole = np.column_stack([columns, y])
    sums = np.zeros((count, width + 1, width + 1))
    for strip in range(count):
        own = whole[strips == strip]
        sums[strip] = own.T @ own
    drawn = np.tensordot(taken, sums, axes=1)
    normal, right = drawn[:, :width, :width], drawn[:, :width, width]
    coefficients = (np.linalg.pinv(normal, hermitian=True) @ right[..., None])[..., 0]
    rss = drawn[:, width, width] - (coefficients * right).sum(axis=1)
    if np.isfinite(top):
        return coefficients[:, 1], -coefficients[:, 1] / (2 * top), rss
    return coefficients[:, 1], coefficients[:, 2], rss
