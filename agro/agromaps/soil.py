"""A soil property between its samples: the way that tells unseen places best, or plain averages where none does.

The ways of `soil_methods` are fitted without each part of the ground in turn and asked for it. Weights that are not
negative and sum to one join them so that the left-out samples are told best; they are judged on parts that the weights
have not seen either. Where the joined surface does not beat the plain average, no surface is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.soil_methods import METHODS, MOST_COVARIATES, Ground, Told, fit_methods
from agro.agromaps.soil_skill import (
    NORMAL_90,
    Folds,
    Scores,
    calibration,
    near_folds,
    score,
    spatial_folds,
    usual_spacing_m,
    within_fields,
)
from agro.agromaps.soil_trial import fit_ways, joined, judged, left_out, shares_of
from agro.domain.errors import BadInput, Refusal

_FEWEST = 10  # [1] samples of the ground that is mapped together; fewer make no surface. source: ours
_MOST = 1500  # [1] samples: beyond it kriging takes minutes
_MOST_OF_READING = 0.6  # [1] of the variance of a left-out reading: the laboratory's cannot be more. source: ours
_SHARE_USED = 1e-6  # [1] ways with a smaller share are not asked
_NOTHING = 1e-18  # [u2] rounding: the averages tell everything already
_OWN = 3  # [1] samples from which a field's own average is a rival. source: ours


@dataclass(frozen=True)
class Choice:
    """How a property is to be mapped, and how well that tells samples that were left out.

    `surface` says whether there is one; if not, `reason` says why, and plots or fields get their plain averages.
    `weights` of the ways that are joined, `scale` by which their standard errors grow, `alone` the skill of each way.
    `scale` is of ground left out; places nearer to a sample than `near_m` [m], the samples' own spacing, have
    `scale_near`, by which samples with their neighbours around them are told.
    `reading_se`: what of the error is the laboratory's, on the scale that is mapped; the map's own is without it.
    `folds` say what was left out: `fields`, `blocks` of `side_m` where the property is alike up to `range_m` [m], or
    `parts` of fields; then the ways tell deviations from the field's average (`centred`).
    """

    surface: bool
    covariates: tuple[str, ...]
    logarithmic: bool
    weights: dict[str, float]
    scale: float
    folds: str
    side_m: float
    range_m: float
    scores: Scores | None
    alone: dict[str, float] = field(default_factory=dict)
    reason: Refusal | None = None
    centred: bool = False
    reading_se: float = 0.0
    scale_near: float = 1.0
    near_m: float = 0.0


def choose_method(
    samples: pd.DataFrame,
    covariates: Sequence[str],
    logarithmic: bool = False,
    upper: Sequence[float] = (),
    reading_se: float = 0.0,
) -> Choice:
    """The way to map a property, by samples that were left out.

    samples      one row a sample: value [u], x_m, y_m [m] in the CRS of the map, covariates in any unit, field_number
                 [1] where there are several fields; a sample of a plot has the plot's middle and average covariates
    covariates   names of the columns that may explain the property [1]
    logarithmic  map the logarithm: P, K, N and all that is skewed [1]
    upper        upper ends of the property's classes [u], to know the share of right classes
    reading_se   standard error of a laboratory's reading [u], or its share [1] where logarithmic; 0: the standard
                 errors are those of another reading, else of the soil itself
    returns      Choice; `surface` is False, with the reason, below 10 samples, where all are equal, and where nothing
                 tells left-out samples better than the plain average
    raises       BadInput SOIL-TOO-MANY above 1500 samples
    source       Breiman 1996 (stacked regressions), Roberts 2017 (blocks), Lei 2018 (intervals); the joining: ours
    """
    ground, values = _known(samples, covariates)
    averages = Choice(False, tuple(covariates), logarithmic, {"mean": 1.0}, 1.0, "none", np.nan, np.nan, None, reading_se=reading_se)  # fmt: skip  # noqa: E501
    poor = _too_poor(values)
    if poor is not None:
        return replace(averages, reason=poor)
    target = np.log(_floored(values)) if logarithmic else values
    tries = [(spatial_folds(ground, target), False)]
    if len(np.unique(ground.field)) > 1:
        tries.append((within_fields(ground), True))
    choices = [_tried(replace(averages, centred=by), ground, values, folds, upper) for folds, by in tries]
    drawn = [choice for choice in choices if choice.surface]
    if not drawn:
        return choices[-1]
    best = min(drawn, key=lambda choice: choice.scores.rmse if choice.scores else np.inf)
    near = min(best.scale, _scale_near(ground, target, best.weights, best.centred))
    return replace(best, scale_near=near, near_m=usual_spacing_m(ground))


def _tried(averages: Choice, ground: Ground, values: np.ndarray, folds: Folds, upper: Sequence[float]) -> Choice:
    """The joined ways, judged by one set of folds; without a surface where averages are no worse."""
    logarithmic = averages.logarithmic
    target = np.log(_floored(values)) if logarithmic else values
    names = METHODS if ground.placed else ("mean", "ridge", "forest")
    trial = left_out(ground, target, folds.number, names, averages.centred)
    many = ground.covariates.shape[1] > MOST_COVARIATES
    (value, error, z), scale = judged(trial, target, folds.number, many)
    told = _natural(value, error, logarithmic)[0]
    plain = left_out(ground, values, folds.number, ("mean",))["mean"][0]
    choice = replace(
        averages,
        surface=True,
        weights=shares_of(trial, target, many),
        scale=scale,
        folds=folds.kind,
        side_m=folds.side_m,
        range_m=folds.range_m,
        scores=score(values, told, plain, z, upper),
        alone={name: score(values, _natural(*trial[name], logarithmic)[0], plain, z).skill for name in names},
    )
    reason = _beaten(values, told, plain, ground.field, folds.kind) or _beaten(target, value, trial["mean"][0])
    return choice if reason is None else replace(choice, surface=False, weights={"mean": 1.0}, scale=1.0, reason=reason)


def _scale_near(ground: Ground, target: np.ndarray, weights: dict[str, float], centred: bool) -> float:
    """By how much the standard errors of the joined ways have to grow where neighbours were sampled."""
    used = tuple(name for name, share in weights.items() if share > _SHARE_USED)
    trial = left_out(ground, target, near_folds(ground).number, used, centred)
    value, error = joined(trial, {name: weights[name] for name in used})
    return calibration(target - value, error)


def map_property(
    samples: pd.DataFrame, covariate_maps: xr.Dataset, choice: Choice, fields: xr.DataArray | None = None
) -> xr.Dataset:
    """The property and its standard error for every pixel, or the plain averages of the fields where none is better.

    samples         the table that the choice was made from
    covariate_maps  (y, x) each covariate in the unit it has in the table, with coordinates x and y [m]; NaN = unknown
    choice          from `choose_method`
    fields          (y, x) field_number [1] of each pixel, NaN = no field; without it all is one field
    returns         Dataset (y, x): value and se [u]. For a logarithmic property se is that of a skewed distribution:
                    `interval_90` gives its ends. NaN outside the fields, where a covariate that is used is unknown, in
                    fields without samples unless whole fields were left out in the trial, and se where one sample
                    alone stands for its field
    source          Webster and Oliver 2007; back-transform exp(m + s2 / 2), log-normal mean
    """
    ground, values = _known(samples, choice.covariates)
    y, x = covariate_maps["y"], covariate_maps["x"]
    row, column = xr.broadcast(y.astype("float64"), x.astype("float64"))
    number = xr.zeros_like(row) if fields is None else fields
    sampled = np.unique(ground.field)
    anywhere = choice.surface and choice.folds == "fields"
    if fields is None:
        ground = replace(ground, field=np.zeros(len(ground)))
    tell = _surface(ground, values, choice) if choice.surface else _averages(ground, values)

    def pixels(
        northing: np.ndarray, easting: np.ndarray, of: np.ndarray, *layers: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        table = np.stack([layer.ravel() for layer in layers], axis=1) if layers else np.zeros((of.size, 0))
        places = Ground(np.stack([easting.ravel(), northing.ravel()], axis=1).astype("float64"), table, of.ravel())
        there = np.isfinite(places.field) & np.isfinite(places.covariates).all(1)
        there &= anywhere | np.isin(places.field, sampled) if fields is not None else True
        value, error = np.full(of.size, np.nan), np.full(of.size, np.nan)
        if there.any():
            value[there], error[there] = tell(places.of(there))
        return value.reshape(of.shape), error.reshape(of.shape)

    used = choice.covariates if choice.surface else ()
    layers = [covariate_maps[name].astype("float64") for name in used]
    value, error = xr.apply_ufunc(
        pixels,
        row,
        column,
        number,
        *layers,
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[float, float],
    )
    return xr.Dataset({"value": value, "se": error})


def interval_90(value: xr.DataArray, se: xr.DataArray, logarithmic: bool) -> tuple[xr.DataArray, xr.DataArray]:
    """The ends between which nine of ten places lie.

    value, se    as `map_property` gives them [u]; NaN = unknown
    logarithmic  of the choice [1]
    returns      lower and upper end [u]; not below 0
    source       normal, or log-normal with this mean and standard error
    """
    if not logarithmic:
        return (value - NORMAL_90 * se).clip(min=0), value + NORMAL_90 * se
    variance = np.log1p((se / value) ** 2)
    middle, spread = np.log(value) - variance / 2, NORMAL_90 * np.sqrt(variance)
    low, high = (xr.apply_ufunc(np.exp, end, dask="allowed") for end in (middle - spread, middle + spread))
    return low, high


def tell_at(samples: pd.DataFrame, places: pd.DataFrame, choice: Choice) -> tuple[np.ndarray, np.ndarray]:
    """The property at places that lie on no grid, as plots do.

    samples  the table that the choice was made from
    places   the same columns but value [u]
    choice   from `choose_method`
    returns  value and standard error (n,) [u]; a covariate that is unknown takes the middle of the places
    source   as `map_property`
    """
    ground, values = _known(samples, choice.covariates)
    tell = _surface(ground, values, choice) if choice.surface else _averages(ground, values)
    return tell(_ground(places, choice.covariates))


def _known(samples: pd.DataFrame, covariates: Sequence[str]) -> tuple[Ground, np.ndarray]:
    known = samples[np.isfinite(samples["value"].to_numpy("float64"))]
    return _ground(known, covariates), known["value"].to_numpy("float64")


def _ground(samples: pd.DataFrame, covariates: Sequence[str]) -> Ground:
    """The samples' places; a covariate that is unknown at a sample takes the middle of the others."""
    table = samples[list(covariates)].astype("float64")
    numbers = samples["field_number"] if "field_number" in samples else pd.Series(0.0, index=samples.index)
    table = table.fillna(table.median()).fillna(0.0)
    return Ground(samples[["x_m", "y_m"]].to_numpy("float64"), table.to_numpy(), numbers.to_numpy("float64"))


def _too_poor(values: np.ndarray) -> Refusal | None:
    if len(values) > _MOST:
        raise BadInput(
            "SOIL-TOO-MANY",
            "{met} samples in one map, at most {limit} are joined",
            "map each farm by itself",
            met=len(values),
            limit=_MOST,
        )
    if len(values) < _FEWEST:
        return Refusal(
            "SOIL-FEW",
            "{met} samples make no surface, at least {limit} are needed; plots and fields have their averages",
            "take more samples, or map the fields of the farm together",
            {"met": len(values), "limit": _FEWEST},
        )
    if np.ptp(values) <= 1e-9 * abs(float(values.mean())):
        return Refusal(
            "SOIL-EQUAL",
            "all {met} samples are equal; the average is the map",
            "check whether the laboratory rounded them",
            {"met": len(values)},
        )
    return None


def _floored(values: np.ndarray) -> np.ndarray:
    """Nothing has no logarithm: half of the smallest figure stands for it."""
    floored: np.ndarray = np.maximum(values, values[values > 0].min() / 2)
    return floored


def _natural(value: np.ndarray, error: np.ndarray, logarithmic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Back from the logarithm; no property of soil is below 0."""
    if not logarithmic:
        return np.maximum(value, 0.0), error
    mean = np.exp(value + error**2 / 2)
    return mean, mean * np.sqrt(np.expm1(error**2))


def _beaten(
    observed: np.ndarray, told: np.ndarray, plain: np.ndarray, field_number: np.ndarray | None = None, kind: str = ""
) -> Refusal | None:
    """Why the surface is no better than averages, if so."""
    against = float(((observed - plain) ** 2).sum())
    skill = 1 - float(((observed - told) ** 2).sum()) / against if against > _NOTHING * len(observed) else 0.0
    if skill <= 0:
        return Refusal(
            "SOIL-NO-SKILL",
            "no way of mapping tells left-out samples better than the plain average (skill {skill}); plots and fields "
            "have their averages",
            "take more samples, or find a map that explains the property",
            {"skill": round(skill, 3)},
        )
    if field_number is None or kind != "fields":
        return None
    _, of_field, count = np.unique(field_number, return_inverse=True, return_counts=True)
    enough = count[of_field] >= _OWN
    own = (np.bincount(of_field, observed)[of_field] - observed) / np.maximum(count[of_field] - 1, 1)
    squares = [float(((observed - by)[enough] ** 2).sum()) for by in (own, told)]
    if 2 * enough.sum() >= len(observed) and squares[0] < squares[1]:
        return Refusal(
            "SOIL-OWN-MEANS",
            "the average of a field's own samples tells it better than the surface (root mean square error {own} "
            "against {met}); the fields have their averages",
            "take more samples inside the fields",
            {name: round(float(np.sqrt(s / enough.sum())), 3) for name, s in zip(("own", "met"), squares, strict=True)},
        )
    return None


def _surface(ground: Ground, values: np.ndarray, choice: Choice) -> Told:
    """The joined ways, fitted on all samples, in the property's unit."""
    target = np.log(_floored(values)) if choice.logarithmic else values
    used = [name for name, share in choice.weights.items() if share > _SHARE_USED]
    fitted = fit_ways(ground, target, used, choice.centred)
    weights = {name: choice.weights[name] for name in fitted}
    nearest = _nearest_m(ground)

    def tell(places: Ground) -> tuple[np.ndarray, np.ndarray]:
        value, error = joined({name: ask(places) for name, ask in fitted.items()}, weights)
        scale = np.where(nearest(places) <= choice.near_m, choice.scale_near, choice.scale)
        return _natural(value, _of_the_soil(error * scale, choice.reading_se), choice.logarithmic)

    return tell


def _nearest_m(ground: Ground) -> Callable[[Ground], np.ndarray]:
    """How far [m] places lie from the nearest sample; 0 where no place is known."""
    from scipy.spatial import cKDTree

    if not ground.placed:
        return lambda places: np.zeros(len(places))
    tree = cKDTree(ground.xy)
    return lambda places: np.asarray(tree.query(places.xy)[0])


def _of_the_soil(error: np.ndarray, reading_se: float) -> np.ndarray:
    """The error with which the soil is told, where `error` is that with which a reading of it is."""
    least = (1 - _MOST_OF_READING) * error**2
    return np.sqrt(np.maximum(error**2 - reading_se**2, least))


def _averages(ground: Ground, values: np.ndarray) -> Told:
    """The plain average of each field, with the error of one place in it."""
    from scipy.stats import t

    if not len(values):
        return lambda places: (np.full(len(places), np.nan), np.full(len(places), np.nan))
    (mean,) = fit_methods(ground, values, ("mean",)).values()
    free = len(values) - len(np.unique(ground.field))
    wider = t.ppf(0.95, free) / NORMAL_90 if free > 0 else np.nan

    def tell(places: Ground) -> tuple[np.ndarray, np.ndarray]:
        value, error = mean(places)
        return value, error * wider

    return tell
