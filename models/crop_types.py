"""What grows on a field, told from its season as seen from above: a class and its probability, or silence and why.

Majority, nearest usual season, a forest of trees: all are fitted, each farm or place is told from the others, and the
simplest that is not surely worse than the best speaks. Probabilities are those that left-out farms proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput, Refusal
from models.gaps import standardised
from models.judge import simplest_good
from models.yield_hull import Hull, hull_of, outside

Array = np.ndarray
State = dict[str, Any]

VERSION = 1  # raise it when the same table gives another model
RUNGS = ("majority", "nearest", "forest")  # the simplest first
OTHER = "other"  # what is grown too seldom to be learnt
_TREES = {"n_estimators": 300, "min_samples_leaf": 2, "max_features": "sqrt", "class_weight": "balanced_subsample"}
_LEAST = 1e-4  # [1] no class is told to be impossible
_SHARPNESS = np.geomspace(0.1, 4.0, 40)  # [1] exponents of probabilities that are tried
_HALF = 0.5  # [1] of the features must be known


@dataclass(frozen=True)
class CropRules:
    """What can be learnt and when to be silent; units and sources in configs/crop_types.toml."""

    fewest_fields: int
    fewest_groups: int
    folds: int
    least_probability: float
    hull_margin: float


@dataclass(frozen=True)
class CropModel:
    """A fitted classifier.

    classes      what it tells apart, sorted; names: its features
    sharpness    exponent that makes the chosen rung's probabilities true on left-out groups
    left_out     unit_id, season, group, area_ha, observed, and for each rung what it said without knowing the group
                 (`RUNG`) and how surely (`RUNG_p`); `told`: what the model would have said, None where silent
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    chosen: str
    state: Mapping[str, Any]
    sharpness: float
    rules: CropRules
    left_out: pd.DataFrame
    hull: Hull


def merged(crops: pd.Series, groups: Mapping[str, Sequence[str]]) -> pd.Series:
    """Crops by the classes that can be told apart from above.

    crops    codes [-]
    groups   codes [-] by class, such as wheat, barley and oats as spring cereals
    returns  class [-] of each; a code of no group is its own class
    source   ours: spring cereals are spectrally near
    """
    of = {code: name for name, codes in groups.items() for code in codes}
    return crops.map(lambda code: of.get(code, code))


def fit(table: pd.DataFrame, names: Sequence[str], rules: CropRules) -> CropModel:
    """Fit all rungs and choose.

    table    a row a field and season: `unit_id`, `season` [a], `group` (farm or place), `area_ha` [ha], `crop`
             (declared class) and the features
    names    of the features [-]
    rules    what can be learnt [1]
    returns  CropModel, probabilities [1]
    raises   BadInput where groups or classes are too few to be told from one another
    source   forest: Breiman 2001; whole groups left out: Roberts 2017; one exponent for all probabilities (Guo 2017,
             temperature): ours instead of isotonic curves, which need more fields a class than there are
    """
    seen = table.sort_values(["season", "unit_id"], ignore_index=True)
    seen = seen.assign(crop=_learnable(seen, rules))
    classes = tuple(sorted(seen["crop"].unique()))
    if len(classes) < 2 or seen["group"].nunique() < rules.fewest_groups:
        raise BadInput(
            "CROP-FEW",
            "{classes} crops on the fields of {groups} farms are declared; telling them apart takes at least 2 crops, "
            "each on {fields} fields, and {fewest} farms",
            "declare what grew on more fields",
            classes=len(set(classes) - {OTHER}),
            groups=seen["group"].nunique(),
            fields=rules.fewest_fields,
            fewest=rules.fewest_groups,
        )
    fold = _folds(seen["group"].to_numpy(), rules.folds)
    truth = np.searchsorted(classes, seen["crop"])
    raw = {rung: _left_out(rung, seen, names, classes, fold) for rung in RUNGS}
    sharp = {rung: _sharpness(raw[rung], truth) for rung in RUNGS}
    true = {rung: _sharpened(raw[rung], sharp[rung]) for rung in RUNGS}
    losses = pd.DataFrame({rung: _log_loss(true[rung], truth) for rung in RUNGS})
    chosen = simplest_good(losses.groupby(seen["group"]).mean())
    left_out = seen[["unit_id", "season", "group", "area_ha"]].assign(observed=seen["crop"])
    for rung in RUNGS:
        left_out[rung], left_out[f"{rung}_p"] = np.array(classes)[true[rung].argmax(axis=1)], true[rung].max(axis=1)
    sure = left_out[f"{chosen}_p"] >= rules.least_probability
    blind = seen[list(names)].notna().mean(axis=1) < _HALF
    left_out["told"] = left_out[chosen].where(sure & ~blind, None)
    state = _FIT[chosen](seen, names, classes)
    hull = hull_of(seen.assign(season=seen["group"]), names, rules.hull_margin)
    return CropModel(classes, tuple(names), chosen, state, sharp[chosen], rules, left_out, hull)


def predict(model: CropModel, asked: pd.DataFrame) -> pd.DataFrame:
    """What grows where.

    model    fitted
    asked    a row a field with the model's features
    returns  in order: `crop` (None where silent), `likely` (the likeliest class all the same), `probability` [1],
             `why` (a Refusal where silent, else None)
    source   ours: silence below a probability, where most features are unknown, and far from all rows
             that the model was fitted to
    """
    if asked.empty:
        return pd.DataFrame(columns=["crop", "likely", "probability", "why"], index=asked.index)
    said = _sharpened(_TELL[model.chosen](model.state, asked, model.names), model.sharpness)
    likely, probability = np.array(model.classes)[said.argmax(axis=1)], said.max(axis=1)
    known = asked[list(model.names)].notna().mean(axis=1).to_numpy()
    far = outside(model.hull, asked)
    why = [_silence(model, *one) for one in zip(probability, known, far, strict=True)]
    crop = [None if silent else name for name, silent in zip(likely, why, strict=True)]
    return pd.DataFrame(
        {"crop": pd.Series(crop, dtype="object"), "likely": likely, "probability": probability, "why": why}
    ).set_axis(asked.index)


def _silence(model: CropModel, probability: float, known: float, far: Refusal | None) -> Refusal | None:
    if known < _HALF:
        return Refusal(
            "CROP-UNSEEN",
            "too few clear looks: {met} % of the season is known",
            "wait for clear passes",
            {"met": round(100 * known)},
        )
    if far is not None:
        return Refusal(
            "CROP-UNLIKE",
            "unlike all fields whose crop is declared: {feature} is {met}, known are {low} to {high}",
            "declare what grows there, or on fields like it",
            far.facts,
        )
    if probability < model.rules.least_probability:
        return Refusal(
            "CROP-UNSURE",
            "the likeliest crop has a probability of {met} %; told from {least} %",
            "declare what grows there",
            {"met": round(100 * probability), "least": round(100 * model.rules.least_probability)},
        )
    return None


def _learnable(seen: pd.DataFrame, rules: CropRules) -> pd.Series:
    """The classes; what is grown on too few fields, or by one farm alone, counts as other."""
    fields, groups = (seen.groupby("crop")[name].transform("nunique") for name in ("unit_id", "group"))
    return seen["crop"].where((fields >= rules.fewest_fields) & (groups >= 2), OTHER)


def _folds(group: Array, folds: int) -> Array:
    """Which fold each row is left out with: whole groups, folds of about one size."""
    names, place, count = np.unique(group.astype(str), return_inverse=True, return_counts=True)
    load, of = np.zeros(min(folds, len(names))), np.zeros(len(names), int)
    for one in np.argsort(-count, kind="stable"):
        of[one] = load.argmin()
        load[of[one]] += count[one]
    told: Array = of[place]
    return told


def _left_out(rung: str, seen: pd.DataFrame, names: Sequence[str], classes: Sequence[str], fold: Array) -> Array:
    """The probabilities (row, class) that a rung gives without knowing the row's group."""
    told = np.empty((len(seen), len(classes)))
    for one in np.unique(fold):
        asked = fold == one
        told[asked] = _TELL[rung](_FIT[rung](seen[~asked], names, classes), seen[asked], names)
    return told


def _fit_majority(seen: pd.DataFrame, names: Sequence[str], classes: Sequence[str]) -> State:
    share = seen["crop"].value_counts(normalize=True).reindex(classes).fillna(0.0)
    return {"share": share.to_numpy()}


def _tell_majority(state: Mapping[str, Any], asked: pd.DataFrame, names: Sequence[str]) -> Array:
    told: Array = np.tile(state["share"], (len(asked), 1))
    return told


def _fit_nearest(seen: pd.DataFrame, names: Sequence[str], classes: Sequence[str]) -> State:
    """The usual season of each class, of features of deviation 1; a class that is not there is infinitely far."""
    values = seen[list(names)].to_numpy("float64")
    middle, spread = standardised(values)
    usual = pd.DataFrame((values - middle) / spread).groupby(seen["crop"].to_numpy()).mean().reindex(classes)
    there = usual.notna().any(axis=1).to_numpy()
    return {"middle": middle, "spread": spread, "usual": usual.fillna(0.0).to_numpy(), "there": there}


def _tell_nearest(state: Mapping[str, Any], asked: pd.DataFrame, names: Sequence[str]) -> Array:
    """The nearer, the likelier: by the mean square over the features that are known."""
    rows = (asked[list(names)].to_numpy("float64") - state["middle"]) / state["spread"]
    known = np.isfinite(rows)
    square = (np.nan_to_num(rows)[:, None] - state["usual"][None]) ** 2 * known[:, None]
    away = square.sum(axis=2) / np.maximum(known.sum(axis=1), 1)[:, None]
    near = np.where(state["there"], np.exp(-8 * (away - away.min(axis=1, keepdims=True))), 0.0)
    told: Array = near / near.sum(axis=1, keepdims=True)
    return told


def _fit_forest(seen: pd.DataFrame, names: Sequence[str], classes: Sequence[str]) -> State:
    from sklearn.ensemble import RandomForestClassifier

    trees = RandomForestClassifier(random_state=0, **_TREES)
    trees.fit(seen[list(names)].to_numpy("float64"), np.searchsorted(classes, seen["crop"]))
    return {"trees": trees, "classes": len(classes)}


def _tell_forest(state: Mapping[str, Any], asked: pd.DataFrame, names: Sequence[str]) -> Array:
    told = np.zeros((len(asked), state["classes"]))
    told[:, state["trees"].classes_] = state["trees"].predict_proba(asked[list(names)].to_numpy("float64"))
    return told


_FIT: dict[str, Callable[[pd.DataFrame, Sequence[str], Sequence[str]], State]] = {
    "majority": _fit_majority,
    "nearest": _fit_nearest,
    "forest": _fit_forest,
}
_TELL: dict[str, Callable[[Mapping[str, Any], pd.DataFrame, Sequence[str]], Array]] = {
    "majority": _tell_majority,
    "nearest": _tell_nearest,
    "forest": _tell_forest,
}


def _sharpened(told: Array, exponent: float) -> Array:
    power = np.maximum(told, _LEAST) ** exponent
    sharp: Array = power / power.sum(axis=1, keepdims=True)
    return sharp


def _log_loss(told: Array, truth: Array) -> Array:
    loss: Array = -np.log(told[np.arange(len(truth)), truth])
    return loss


def _sharpness(told: Array, truth: Array) -> float:
    """The exponent under which left-out probabilities are truest."""
    losses = [_log_loss(_sharpened(told, one), truth).mean() for one in _SHARPNESS]
    return float(_SHARPNESS[int(np.argmin(losses))])
