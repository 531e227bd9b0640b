"""The Gaussian process rung: a field, its farm, its district and the season each have a share in what is alike.

What all fields of a season share beyond their features is a part of the model, so that features are believed between
seasons only as far as the seasons on record bear it. The logarithm of the yield is modelled: effects multiply. Crops of
one kind teach each other: what rows of a kindred crop share with it, and what they do not, is told from the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpotrf, dpotri

from models.gaps import standardised

Array = np.ndarray
State = dict[str, Any]

CURVED = "growth"  # the block whose effect may bend
_LEAST_SHARE = 0.05  # [1] of the mean: a lost harvest counts as no less. source: ours, its logarithm has no bound
_STEPS, _LONGEST = 30, 2.0  # [1] steps of the search, and how far one goes
_SETTLED = 0.02  # [1] gain of the likelihood's logarithm below which the search ends
_PRIOR_SHARE, _PRIOR_SD = 0.1, 2.5  # [1] of the variance for each part, and how sure that is (of its logarithm). ours
_REACH = 1.5  # [1] standard deviations of the features over which yields are alike. source: ours
_LIGHT, _LIGHT_POWER = "growth_light_log", 0.5  # [1] yields are expected to rise with this power of the light that was
# used, before any harvest is seen: Monteith's proportion, halved for what grain is not. source: ours
_SLOPE_SD = 0.015  # [1/a] progress and decline are not known beforehand. assumption, as large as usual progress
_NAMES = ("unit_id", "farm_id", "district", "crop", "variety")


def fit_process(
    seen: pd.DataFrame,
    blocks: Mapping[str, Sequence[str]],
    kin: pd.DataFrame | None = None,
    near: Mapping[str, float] | None = None,
) -> State:
    """Learn from rows whose yield is known.

    seen     a row a unit and season: `unit_id`, `farm_id`, `district`, `season` [a], `yield_t_ha` [t/ha], features
             and, may be, `crop` and `variety`
    blocks   names of the features [-] by block
    kin      the same of crops of its kind; None: there are none
    near     variances by part from which the search begins, those of nearly the same rows; None: from nowhere [1]
    returns  all that `tell_process` needs, arrays and text [-]
    source   Rasmussen and Williams 2006, sections 2.7 and 5.4.1 (marginal likelihood); the parts: ours
    """
    state: State = {"blocks": {name: list(columns) for name, columns in blocks.items()}}
    state["scale"] = {name: standardised(seen[list(columns)].to_numpy("float64")) for name, columns in blocks.items()}
    state["first"] = float(seen["season"].mean())
    state["least"] = _LEAST_SHARE * float(seen["yield_t_ha"].mean())
    lit = any(_LIGHT in columns for columns in blocks.values())
    state["light"] = float(seen[_LIGHT].mean()) if lit else None
    if kin is not None and len(kin):
        seen = pd.concat([seen, kin], ignore_index=True)
    state["pooled"] = "crop" in seen and seen["crop"].nunique() > 1
    state["varied"] = "variety" in seen and seen["variety"].nunique() > 1
    rows = _rows(seen, state)
    logs = _logs(seen, rows, state)
    state["centre"] = float(logs.mean())
    parts = _parts(rows, rows, state)
    variance = _variances(parts, logs - state["centre"], near)
    state["variance"] = {name: float(v) for name, v in zip((*parts, "noise"), variance, strict=True)}
    state["weights"] = cho_solve(cho_factor(_sum(parts, state)), logs - state["centre"])
    state["rows"] = rows
    return state


def tell_process(state: State, asked: pd.DataFrame) -> Array:
    """What the process expects.

    state    from `fit_process`
    asked    rows with the same features; seasons and units need not be known
    returns  (row,) mean of the yield [t/ha]
    source   Rasmussen and Williams 2006, equation 2.25; mean of a lognormal
    """
    rows = _rows(asked, state)
    parts = _parts(rows, state["rows"], state)
    told = sum(v * parts[name] for name, v in state["variance"].items() if name in parts) @ state["weights"]
    return _yields(np.asarray(told) + rows["light"], state)


def _logs(table: pd.DataFrame, rows: State, state: State) -> Array:
    """The logarithm of each yield, less what is expected of the light alone."""
    logs: Array = np.log(np.maximum(table["yield_t_ha"].to_numpy("float64"), state["least"])) - rows["light"]
    return logs


def _yields(logs: Array, state: State) -> Array:
    v = state["variance"]
    apart = sum(v.get(name, 0.0) for name in ("season", "district_season", "crop_season", "noise"))
    told: Array = np.exp(state["centre"] + logs + apart / 2)
    return told


def _rows(table: pd.DataFrame, state: State) -> State:
    """The rows as arrays: names, season, features of mean 0 and deviation 1 (0 where unknown), and who was unseen."""
    season = table["season"].to_numpy("int64")
    nothing = pd.Series("", index=table.index)
    text = {name: table.get(name, nothing).fillna("").astype(str).to_numpy("U") for name in _NAMES}
    light = np.zeros(len(table))
    if state["light"] is not None:
        light = _LIGHT_POWER * np.nan_to_num(table[_LIGHT].to_numpy("float64") - state["light"])
    features, unseen = {}, np.zeros(len(table))
    for name, columns in state["blocks"].items():
        middle, spread = state["scale"][name]
        raw = (table[columns].to_numpy("float64") - middle) / spread
        features[name] = np.clip(np.nan_to_num(raw), -5, 5)
        if name == "canopy":
            unseen = np.isnan(raw).all(axis=1).astype("float64")
    about = {"season": season, "year": season - state["first"], "light": light, "unseen": unseen}
    return {**text, **about, "features": features}


def _parts(one: State, other: State, state: State) -> dict[str, Array]:
    """How alike rows are, by each part of the model [1]; noise is not among them."""
    season = _same(one["season"], other["season"])
    district = _same(one["district"], other["district"])
    parts = {
        "level": np.ones(season.shape),
        "slope": np.outer(one["year"], other["year"]),
        "unit": _same(one["unit_id"], other["unit_id"]),
        "farm": _same(one["farm_id"], other["farm_id"]),
        "district": district,
        "season": season,
        "district_season": district * season,
    }
    for name, features in one["features"].items():
        parts[f"by_{name}"] = features @ other["features"][name].T / features.shape[1]
    if CURVED in one["features"]:
        away = _distance(one["features"][CURVED], other["features"][CURVED]) * np.sqrt(3) / _REACH
        parts["bent"] = (1 + away) * np.exp(-away)
    if state["varied"]:
        parts["variety"] = _same(one["variety"], other["variety"])
    if state["pooled"]:
        crop = _same(one["crop"], other["crop"])
        mine = ("season", "unit", *(name for name in parts if name.startswith("by_")))
        parts |= {"crop": crop, **{f"crop_{name}": crop * parts[name] for name in mine}}
    if one["unseen"].any() or other["unseen"].any():
        parts["unseen_season"] = season * np.outer(one["unseen"], other["unseen"])
        parts["unseen"] = parts["unseen_season"] * parts["unit"]
    return parts


def _variances(named: Mapping[str, Array], logs: Array, near: Mapping[str, float] | None) -> Array:
    """The variance of each part and of the noise that make the yields likeliest, with a weak prior.

    Newton's steps with the average information, damped where they lead nowhere: Gilmour, Thompson and Cullis 1995.
    """
    parts = np.stack([*named.values(), np.eye(len(logs))])
    prior = np.log(np.full(len(parts), _PRIOR_SHARE * max(float(logs.var()), 1e-6)))
    sure = np.full(len(prior), _PRIOR_SD)
    prior[:2], sure[:2] = np.log([1.0, _SLOPE_SD**2]), (0.1, 1.0)
    bounds = prior - 9, prior + 4
    at = prior if near is None else np.array([np.log(near.get(name, np.exp(p))) for name, p in zip((*named, "noise"), prior, strict=True)]).clip(*bounds)  # fmt: skip  # noqa: E501
    value, slope, bend = _unlikely(at, parts, logs)
    off = (at - prior) / sure
    value, damping = value + 0.5 * off @ off, 0.0
    for _ in range(_STEPS):
        whole, down = bend + np.diag(sure**-2.0), slope + off / sure
        step = -np.linalg.solve(whole + damping * np.diag(np.diag(whole)), down)
        if -down @ step < _SETTLED:
            break
        there = (at + step.clip(-_LONGEST, _LONGEST)).clip(*bounds)
        new_off = (there - prior) / sure
        new_value, new_slope, new_bend = _unlikely(there, parts, logs)
        new_value += 0.5 * new_off @ new_off
        if new_value > value:
            damping = max(4 * damping, 0.1)
            continue
        at, value, slope, bend, off, damping = there, new_value, new_slope, new_bend, new_off, damping / 4
    variances: Array = np.exp(at)
    return variances


def _unlikely(at: Array, parts: Array, logs: Array) -> tuple[float, Array, Array]:
    """How unlikely the yields are at logarithms of variances, its slopes, and the average information about them."""
    variance = np.exp(at)
    flat = parts.reshape(len(parts), -1)
    factor, failed = dpotrf((variance @ flat).reshape(parts.shape[1:]), lower=1, clean=1)
    if failed:
        return np.inf, at, np.eye(len(at))
    pull = cho_solve((factor, True), logs)
    twice = 2 * dpotri(factor, lower=1)[0]  # of the lower half, which is what both halves come to
    twice[np.diag_indices_from(twice)] /= 2
    pulled = parts @ pull
    slope = 0.5 * variance * (flat @ twice.ravel() - pulled @ pull)
    bend = 0.5 * np.outer(variance, variance) * (pulled @ cho_solve((factor, True), pulled.T))
    return float(0.5 * logs @ pull + np.log(np.diag(factor)).sum()), slope, bend


def _sum(parts: Mapping[str, Array], state: State) -> Array:
    total = sum(state["variance"][name] * part for name, part in parts.items())
    whole: Array = np.asarray(total) + state["variance"]["noise"] * np.eye(len(np.asarray(total)))
    return whole


def _same(one: Array, other: Array) -> Array:
    alike: Array = (one[:, None] == other[None]).astype("float64")
    return alike


def _distance(one: Array, other: Array) -> Array:
    square = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    away: Array = np.sqrt(np.maximum(square, 0) / one.shape[1])
    return away
