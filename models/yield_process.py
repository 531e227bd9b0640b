"""The Gaussian process rung: a field, its farm, its district and the season each have a share in what is alike.

What all fields of a season share beyond their features is a part of the model, so that features are believed between
seasons only as far as the seasons on record bear it. The logarithm of the yield is modelled: effects multiply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from models.gaps import standardised

Array = np.ndarray
State = dict[str, Any]

CURVED = "growth"  # the block whose effect may bend
_LEAST_SHARE = 0.05  # [1] of the mean: a lost harvest counts as no less. source: ours, its logarithm has no bound
_STEPS = 40  # [1] of the optimiser; the likelihood is flat long before
_PRIOR_SHARE, _PRIOR_SD = 0.1, 2.5  # [1] of the variance for each part, and how sure that is (of its logarithm). ours
_REACH = 1.5  # [1] standard deviations of the features over which yields are alike. source: ours
_SLOPE_SD = 0.015  # [1/a] progress and decline are not known beforehand. assumption, as large as usual progress
_ALWAYS = ("level", "slope", "unit", "farm", "district", "season", "district_season")


def fit_process(seen: pd.DataFrame, blocks: Mapping[str, Sequence[str]]) -> State:
    """Learn from rows whose yield is known.

    seen     a row a unit and season: `unit_id`, `farm_id`, `district`, `season` [a], `yield_t_ha` [t/ha], features
    blocks   names of the features [-] by block
    returns  all that `tell_process` needs, arrays and text [-]
    source   Rasmussen and Williams 2006, sections 2.7 and 5.4.1 (marginal likelihood); the parts: ours
    """
    state: State = {"blocks": {name: list(columns) for name, columns in blocks.items()}}
    state["scale"] = {name: standardised(seen[list(columns)].to_numpy("float64")) for name, columns in blocks.items()}
    state["first"] = float(seen["season"].mean())
    state["least"] = _LEAST_SHARE * float(seen["yield_t_ha"].mean())
    rows = _rows(seen, state)
    logs = np.log(np.maximum(seen["yield_t_ha"].to_numpy("float64"), state["least"]))
    state["centre"] = float(logs.mean())
    parts = _parts(rows, rows)
    variance = _variances(list(parts.values()), logs - state["centre"])
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
    parts = _parts(_rows(asked, state), state["rows"])
    told = sum(v * parts[name] for name, v in state["variance"].items() if name in parts) @ state["weights"]
    return _yields(np.asarray(told), state)


def left_out_process(state: State, seen: pd.DataFrame) -> Array:
    """What it would have said of each season without that season's yields, its variances kept as they are.

    state    fitted to the same rows
    seen     the rows it was fitted to
    returns  (row,) [t/ha]
    source   Rasmussen and Williams 2006, section 5.4.2, by groups: the inverse's own block of a season
    """
    inverse = np.linalg.inv(_sum(_parts(state["rows"], state["rows"]), state))
    logs = np.log(np.maximum(seen["yield_t_ha"].to_numpy("float64"), state["least"])) - state["centre"]
    pull = inverse @ logs
    told = np.empty(len(logs))
    for season in np.unique(state["rows"]["season"]):
        own = np.flatnonzero(state["rows"]["season"] == season)
        told[own] = logs[own] - np.linalg.solve(inverse[np.ix_(own, own)], pull[own])
    return _yields(told, state)


def _yields(logs: Array, state: State) -> Array:
    v = state["variance"]
    told: Array = np.exp(state["centre"] + logs + (v["season"] + v["district_season"] + v["noise"]) / 2)
    return told


def _rows(table: pd.DataFrame, state: State) -> State:
    """The rows as arrays: names, season, features of mean 0 and deviation 1 (0 where unknown), and who was unseen."""
    season = table["season"].to_numpy("int64")
    text = {name: table[name].fillna("").astype(str).to_numpy("U") for name in ("unit_id", "farm_id", "district")}
    features, unseen = {}, np.zeros(len(table))
    for name, columns in state["blocks"].items():
        middle, spread = state["scale"][name]
        raw = (table[columns].to_numpy("float64") - middle) / spread
        features[name] = np.clip(np.nan_to_num(raw), -5, 5)
        if name == "canopy":
            unseen = np.isnan(raw).all(axis=1).astype("float64")
    return {**text, "season": season, "year": season - state["first"], "features": features, "unseen": unseen}


def _parts(one: State, other: State) -> dict[str, Array]:
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
    if one["unseen"].any() or other["unseen"].any():
        parts["unseen_season"] = season * np.outer(one["unseen"], other["unseen"])
        parts["unseen"] = parts["unseen_season"] * parts["unit"]
    return parts


def _variances(parts: Sequence[Array], logs: Array) -> Array:
    """The variance of each part and of the noise that make the yields likeliest, with a weak prior."""
    prior = np.log(np.full(len(parts) + 1, _PRIOR_SHARE * max(float(logs.var()), 1e-6)))
    sure = np.full(len(prior), _PRIOR_SD)
    prior[:2], sure[:2] = np.log([1.0, _SLOPE_SD**2]), (0.1, 1.0)

    def unlikely(at: Array) -> tuple[float, Array]:
        variance = np.exp(at)
        whole = sum(v * part for v, part in zip(variance[:-1], parts, strict=True)) + variance[-1] * np.eye(len(logs))
        factor = cho_factor(whole, lower=True)
        pull = cho_solve(factor, logs)
        inverse = cho_solve(factor, np.eye(len(logs)))
        slopes = [np.vdot(inverse, part) - pull @ part @ pull for part in parts]
        slope = 0.5 * variance * np.array([*slopes, np.trace(inverse) - pull @ pull])
        off = (at - prior) / sure
        value = 0.5 * logs @ pull + np.log(np.diag(factor[0])).sum() + 0.5 * off @ off
        return float(value), slope + off / sure

    bounds = [(p - 9, p + 4) for p in prior]
    found = minimize(unlikely, prior, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
    variances: Array = np.exp(found.x)
    return variances


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
