"""The trial of the ways of mapping: each part of the ground is left out, told by the rest, and the ways are joined.

With `centred` ways everything is told as the deviation from the average of its own field: fields that were manured for
decades differ by a step that no map of relief shows, and inside them the map may still explain the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agro.agromaps.soil_methods import Ground, Told, fit_methods
from agro.agromaps.soil_skill import calibration

Trial = dict[str, tuple[np.ndarray, np.ndarray]]

# Shares that the weights are drawn to [1], with _PULL chosen on field data, bench/soil_methods.py: trees first where
# covariates are few, the regression first where they are many.
_LIKELY = {"kriging": 1.0, "ridge_kriging": 1.0, "forest_kriging": 2.0, "ridge": 0.01, "forest": 0.02}
_LIKELY_OF_MANY = {"kriging": 1.0, "ridge_kriging": 3.0, "forest_kriging": 1.0, "ridge": 0.03, "forest": 0.01}
_PULL = 0.7  # [1] how strongly, in standard deviations of the property


def fit_ways(ground: Ground, target: np.ndarray, methods: Sequence[str], centred: bool) -> dict[str, Told]:
    """Each named way, fitted as it is or inside the fields.

    ground   the samples' places [m], covariates, fields
    target   (n,) the property, or its logarithm [u]
    methods  names out of METHODS
    centred  tell deviations of property and covariates from the averages of the field's samples [1]
    returns  name to a function of other Ground, giving value and standard error [u]
    source   ours; the fixed effects of fields as in any textbook of panels
    """
    if not centred:
        return fit_methods(ground, target, tuple(methods))
    base = fit_methods(ground, target, ("mean",))["mean"]
    usual = [fit_methods(ground, column, ("mean",))["mean"] for column in ground.covariates.T]

    def inside(places: Ground) -> Ground:
        offsets = np.stack([of(places)[0] for of in usual], axis=1) if usual else np.zeros((len(places), 0))
        return replace(places, covariates=places.covariates - offsets)

    fitted = fit_methods(inside(ground), target - base(ground)[0], tuple(methods))

    def added(tell: Told) -> Told:
        def at(places: Ground) -> tuple[np.ndarray, np.ndarray]:
            value, error = tell(inside(places))
            return base(places)[0] + value, error

        return at

    return {name: added(tell) for name, tell in fitted.items()}


def left_out(
    ground: Ground, target: np.ndarray, number: np.ndarray, methods: Sequence[str], centred: bool = False
) -> Trial:
    """What each way tells of each sample when its fold is left out.

    ground   the samples' places [m] and covariates
    target   (n,) the property, or its logarithm [u]
    number   (n,) fold of each sample [1]
    methods  names out of METHODS
    centred  as in `fit_ways` [1]
    returns  name to value and standard error (n,) [u]
    source   ours
    """
    trial: Trial = {name: (np.empty(len(target)), np.empty(len(target))) for name in methods}
    for fold in np.unique(number):
        rest, gone = np.flatnonzero(number != fold), np.flatnonzero(number == fold)
        for name, tell in fit_ways(ground.of(rest), target[rest], methods, centred).items():
            trial[name][0][gone], trial[name][1][gone] = tell(ground.of(gone))
    return trial


def shares_of(trial: Trial, target: np.ndarray, many: bool) -> dict[str, float]:
    """Shares of the ways that together tell the left-out samples best.

    trial    what each way told [u]
    target   (n,) what was measured [u]
    many     more covariates than trees can use one by one [1]
    returns  name to share [1], none negative, sum 1
    source   Breiman 1996, Stacked regressions; drawn to likely shares because tens of samples do not fix six of them
    """
    from scipy.optimize import nnls

    likely = np.array([(_LIKELY_OF_MANY if many else _LIKELY).get(name, 0.0) for name in trial])
    told = np.stack([value for value, _ in trial.values()], axis=1)
    spread, n = float(target.std()) or 1.0, len(target)
    pull = _PULL * np.sqrt(n)
    system = np.vstack([(told - target.mean()) / spread, pull * np.eye(len(trial)), np.full((1, len(trial)), 1e3)])
    wanted = np.concatenate([(target - target.mean()) / spread, pull * likely / likely.sum(), [1e3]])
    shares = nnls(system, wanted)[0]
    return {name: float(share) for name, share in zip(trial, shares / shares.sum(), strict=True)}


def joined(trial: Trial, weights: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """The ways together.

    trial    value and standard error of each way [u]
    weights  their shares [1]
    returns  value and standard error [u]; the variance is the ways' own, weighted, before calibration
    source   ours
    """
    value = sum(weight * trial[name][0] for name, weight in weights.items())
    variance = sum(weight * trial[name][1] ** 2 for name, weight in weights.items())
    return np.asarray(value), np.sqrt(np.asarray(variance))


def judged(
    trial: Trial, target: np.ndarray, number: np.ndarray, many: bool
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], float]:
    """The ways together, judged on folds that neither their shares nor the scale of their error has seen.

    trial    value and standard error of each way [u]
    target   (n,) what was measured [u]
    number   (n,) fold of each sample [1]
    many     as in `shares_of` [1]
    returns  (value [u], standard error [u], error over it [1]) of each sample, and the scale [1] for the map
    source   ours: nested, as Varma and Simon 2006 ask
    """
    value, error, scaled = (np.empty(len(target)) for _ in range(3))
    for fold in np.unique(number):
        gone = number == fold
        rest = {name: (told[~gone], spread[~gone]) for name, (told, spread) in trial.items()}
        value[gone], error[gone] = (part[gone] for part in joined(trial, shares_of(rest, target[~gone], many)))
    for fold in np.unique(number):
        gone = number == fold
        scaled[gone] = error[gone] * calibration((target - value)[~gone], error[~gone])
    return (value, scaled, (target - value) / np.maximum(scaled, 1e-12)), calibration(target - value, error)
