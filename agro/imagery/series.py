"""Many dates to one season: a smooth daily curve for each pixel or field, with its error.

The curve is Whittaker's: near the looks, and bending as little as it may. In a gap it is pulled toward a straight
course (`tension_days`), so that it neither swings over nor dives under what was seen on both sides. It is symmetric:
no upper envelope, since a curve that hides drops hides mowing, hail and harvest too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import xarray as xr

from agro.domain.errors import BadInput
from agro.domain.layers import Quality
from agro.imagery.banded import ABOUT, smoother

UNCERTAIN_WEIGHT = 0.5  # [1] of a clear look's. ours, after the scene classes 2 and 7 that nobody vouches for
CANDIDATES = (10.0, 30.0, 100.0, 300.0, 1000.0)  # [d4] half-power periods of daily looks: 11, 15, 20, 26, 35 d
_NEARLY_BEST = 1.05  # [1] of the lowest left-out error. ours, on Flemish fields and Slovene pixels

Period = tuple[date, date]  # first and last day, both included


@dataclass(frozen=True)
class Stiffness:
    """How a curve is drawn. `smoothing` [d4] is Whittaker's lambda on a daily grid with second differences.

    `tension_days` [d]: a departure from a straight course fades so fast in a gap; infinite: plain Whittaker.
    `noise` is a clear look's standard error in the values' own unit, and weighs as much as `noise_looks` [1] looks
    when a pixel's own scatter is judged.
    """

    smoothing: float = 100.0
    tension_days: float = 10.0
    noise: float = 0.03
    noise_looks: float = 10.0

    @property
    def tension(self) -> float:
        """The weight of the first differences [d2]."""
        return self.smoothing / self.tension_days**2


def look_weights(classes: xr.DataArray) -> xr.DataArray:
    """What each look weighs in a curve.

    classes  (time, y, x) `quality` [class]
    returns  (time, y, x) weight [1]: 1 clear, 0.5 uncertain, 0 otherwise
    source   ours: dark and unclassified pixels say something, but less
    """
    uncertain = (classes == Quality.UNCERTAIN).astype("float32") * np.float32(UNCERTAIN_WEIGHT)
    return uncertain.where(classes != Quality.CLEAR, np.float32(1))


def whittaker(
    values: xr.DataArray, weights: xr.DataArray | None, period: Period, stiffness: Stiffness | None = None
) -> xr.Dataset:
    """One smooth value a day for each pixel or field, and its standard error.

    values     (time, ...) any index or layer in its own unit; irregular dates, NaN = not seen; numpy, or dask with
               chunks over the other dimensions; several looks of a day count together
    weights    (time, ...) trust in each look [1], 0 = absent; None: 1 wherever there is a value
    period     first and last day of the curve [d]; looks outside it are not used
    stiffness  how the curve bends: `smoothing` [d4], `tension_days` [d], `noise` in the values' unit
    returns    Dataset: `curve` and `curve_se` (day, ...) in the values' unit, wide in gaps; `noise` (...) of one clear
               look; `memory` (...) [d] over which the curve's errors are alike; NaN where fewer than two days were seen
    raises     BadInput where the period is shorter than 5 days or a number is out of bounds
    source     Eilers 2003, 10.1021/ac034173t; errors: Wahba 1983, the posterior of the smoothing spline; tension: ours,
               linear interpolation beat the plain smoother in gaps above 25 d, and lost to this one
    """
    stiffness = _sound(stiffness or Stiffness())
    days = _days(period)
    inside, trust, day_of_look = _within(values, weights, period)
    outputs = xr.apply_ufunc(
        _curves,
        inside,
        trust,
        kwargs={"day_of_look": day_of_look, "days": len(days), "stiffness": stiffness},
        input_core_dims=[["time"], ["time"]],
        output_core_dims=[["day"], ["day"], ["about"]],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"day": len(days), "about": len(ABOUT)}},
        output_dtypes=["float32", "float32", "float32"],
    )
    curve, curve_se = (made.transpose("day", ...).assign_coords(day=days) for made in outputs[:2])
    about = outputs[2].assign_coords(about=list(ABOUT))
    known = about.sel(about="days_seen", drop=True) >= 2
    memory = _memory_days(about.sel(about="weight", drop=True) / len(days), stiffness)
    noise = about.sel(about="noise", drop=True)
    return xr.Dataset(
        {"curve": curve, "curve_se": curve_se, "noise": noise.where(known), "memory": memory.where(known)}
    )


def left_out(
    values: xr.DataArray,
    weights: xr.DataArray | None,
    period: Period,
    stiffness: Stiffness | None = None,
    candidates: Sequence[float] = CANDIDATES,
) -> xr.Dataset:
    """How well curves of several stiffnesses foretell a date that they have not seen.

    values, weights, period  as for `whittaker`, each in its unit [1]; a sample of some thousand pixels is enough
    stiffness                what stays the same: `tension_days` [d]
    candidates               `smoothing` [d4] to try
    returns                  Dataset (smoothing): `rmse` of the left-out dates, `noise` of one look that makes the
                             standard errors true to them, both in the values' unit; `dates` [1] that were left out;
                             NaN where no date has neighbours on both sides
    source                   leave one out by the hat matrix: Craven and Wahba 1979, 10.1007/BF01404567
    """
    stiffness = stiffness or Stiffness()
    inside, trust, day_of_look = _within(values, weights, period)
    seen, trusted = (np.moveaxis(np.asarray(part.transpose("time", ...)), 0, -1) for part in (inside, trust))
    rows = []
    for smoothing in candidates:
        tried = _sound(replace(stiffness, smoothing=float(smoothing)))
        _, _, about = _curves(seen, trusted, day_of_look, len(_days(period)), tried)
        total = dict(zip(ABOUT, about.reshape(-1, len(ABOUT)).astype("float64").sum(axis=0), strict=True))
        dates = total["standardised_count"]
        squared = (
            (total["left_out"] / total["left_out_weight"], total["standardised"] / dates) if dates else (np.nan,) * 2
        )
        rows.append((*np.sqrt(squared), dates))
    names = ("rmse", "noise", "dates")
    columns = {
        name: ("smoothing", np.array(column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    return xr.Dataset(columns, coords={"smoothing": list(candidates)})


def choose_stiffness(
    values: xr.DataArray,
    weights: xr.DataArray | None,
    period: Period,
    stiffness: Stiffness | None = None,
    candidates: Sequence[float] = CANDIDATES,
) -> Stiffness:
    """The stiffness that foretells left-out dates best, with the noise that makes its errors true.

    values, weights, period, stiffness, candidates  as for `left_out`, each in its unit [1]
    returns  Stiffness: the largest `smoothing` [d4] whose left-out error is within 5 % of the lowest, `noise` in the
             values' unit; what was given where no date can be left out
    source   ours: one choice for many pixels, as a single pixel's ten looks choose by luck; single dates left out say
             little of long gaps, where the stiffer of two equals swings less
    """
    scores = left_out(values, weights, period, stiffness, candidates)
    good = scores.where(scores["rmse"] <= _NEARLY_BEST * scores["rmse"].min(), drop=True)
    if not good.sizes["smoothing"]:
        return stiffness or Stiffness()
    best = good.isel(smoothing=int(np.argmax(good["smoothing"].values)))
    return replace(stiffness or Stiffness(), smoothing=float(best["smoothing"]), noise=float(best["noise"]))


def looks_within(values: xr.DataArray, weights: xr.DataArray | None, period: Period) -> xr.Dataset:
    """What was seen of a stretch of the season.

    values, weights  as for `whittaker` [1]
    period           first and last day [d]
    returns          Dataset (...): `days_seen` [1] days with a look in the period, `longest_gap` [d] without one, cut
                     at the period's ends, `first_look` and `last_look` [d] of all looks given, NaT where none
    source           ours: a metric between two looks a month apart is a guess
    """
    order = np.argsort(values["time"].values, kind="stable")
    seen = ((_trust(values, weights) > 0) & values.notnull()).isel(time=order)
    first, last = (int(np.datetime64(day, "D").astype("int64")) for day in period)
    days = seen["time"].values.astype("datetime64[D]").astype("int64")
    outputs = xr.apply_ufunc(
        _looks,
        _whole(seen),
        kwargs={"days": days, "first": first, "last": last},
        input_core_dims=[["time"]],
        output_core_dims=[[], [], [], []],
        dask="parallelized",
        output_dtypes=["float32", "float32", "datetime64[ns]", "datetime64[ns]"],
    )
    return xr.Dataset(dict(zip(("days_seen", "longest_gap", "first_look", "last_look"), outputs, strict=True)))


def _curves(
    values: np.ndarray, weights: np.ndarray, day_of_look: np.ndarray, days: int, stiffness: Stiffness
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Curves, errors and what was found, of arrays whose last axis is time."""
    where = values.shape[:-1]
    seen, trust = (
        np.require(np.moveaxis(part, -1, 0).reshape(part.shape[-1], math.prod(where)), "float32", ["C", "W"])
        for part in (values, np.broadcast_to(weights, values.shape))
    )
    curve, curve_se = np.empty((2, days, seen.shape[1]), "float32")
    about = np.empty((len(ABOUT), seen.shape[1]))
    strength = np.array([stiffness.smoothing, stiffness.tension])
    belief = np.array([stiffness.noise, stiffness.noise_looks])
    smoother()(seen, trust, day_of_look, strength, belief, curve, curve_se, about)
    curve, curve_se, about = (np.moveaxis(made.reshape(-1, *where), 0, -1) for made in (curve, curve_se, about))
    return curve, curve_se, about.astype("float32")


def _looks(seen: np.ndarray, days: np.ndarray, first: int, last: int) -> tuple[np.ndarray, ...]:
    where = seen.shape[:-1]
    before, gap, count = np.full(where, first), np.zeros(where), np.zeros(where, "float32")
    earliest, latest = np.full(where, "NaT", "datetime64[D]"), np.full(where, "NaT", "datetime64[D]")
    for look, day in enumerate(days):
        here = seen[..., look]
        count += here & (first <= day <= last) & (latest != np.datetime64(int(day), "D"))
        clipped = min(max(day, first), last)
        gap = np.where(here, np.maximum(gap, clipped - before), gap)
        before = np.where(here, clipped, before)
        earliest = np.where(here & np.isnat(earliest), np.datetime64(int(day), "D"), earliest)
        latest = np.where(here, np.datetime64(int(day), "D"), latest)
    gap = np.maximum(gap, last - before).astype("float32")
    return count, gap, earliest.astype("datetime64[ns]"), latest.astype("datetime64[ns]")


def _memory_days(looks_per_day: xr.DataArray, stiffness: Stiffness) -> xr.DataArray:
    """The integral of the errors' correlation over all lags, for looks spread evenly."""
    bend = stiffness.tension + 2 * (stiffness.smoothing * looks_per_day) ** 0.5
    memory: xr.DataArray = 2 * (bend / looks_per_day.where(looks_per_day > 0)) ** 0.5
    return memory


def _days(period: Period) -> np.ndarray:
    first, last = (np.datetime64(day, "D") for day in period)
    if (last - first).astype(int) < 4:
        raise BadInput(
            "SERIES-PERIOD",
            "a curve from {first} to {last}: expected at least 5 days",
            "give the season's first and last day",
            first=str(first),
            last=str(last),
        )
    return np.arange(first, last + 1).astype("datetime64[ns]")


def _within(
    values: xr.DataArray, weights: xr.DataArray | None, period: Period
) -> tuple[xr.DataArray, xr.DataArray, np.ndarray]:
    """The looks of the period, their weights, and the day of each, counted from the first."""
    first, last = (np.datetime64(day, "D") for day in period)
    days = values["time"].values.astype("datetime64[D]")
    inside = np.flatnonzero((days >= first) & (days <= last))
    trust = _trust(values, weights)
    seen, trusted = (_whole(part.isel(time=inside)) for part in (values, trust))
    return seen, trusted, (days[inside] - first).astype("int64")


def _trust(values: xr.DataArray, weights: xr.DataArray | None) -> xr.DataArray:
    if weights is None:
        return values.notnull().astype("float32")
    return weights.transpose(*values.dims)


def _whole(looks: xr.DataArray) -> xr.DataArray:
    """All looks of a pixel in one chunk."""
    return looks if looks.chunks is None else looks.chunk(time=-1)


def _sound(stiffness: Stiffness) -> Stiffness:
    for name in ("smoothing", "tension_days", "noise", "noise_looks"):
        number = getattr(stiffness, name)
        if math.isnan(number) or number <= 0 or (number == math.inf and name != "tension_days"):
            raise BadInput(
                "SERIES-STIFFNESS", "{name} is {met}, expected above 0", "mend the number", name=name, met=number
            )
    return stiffness
