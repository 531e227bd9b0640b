"""One season of a pixel or field, told by its daily curve: when it began, peaked and ended, how much grew."""

import math
from dataclasses import dataclass
from datetime import date
from enum import IntFlag
from typing import Any

import numpy as np
import xarray as xr

from agro.domain.errors import BadInput, Told

Period = tuple[date, date]  # first and last day, both included
_LATE_RISE = 0.8  # [1] share of the rise at which green-up is over; it begins at `edge_share`. ours
_HALF_SEEN = 0.5  # [1] a side that changes less than this share of the other was not seen from its base. ours
_STRIP_PX = 512  # [px] worked at once


class Flag(IntFlag):
    """What stands against a season's metrics; bits of the layer `season_flag`."""

    FEW_LOOKS = 1
    LONG_GAP = 2
    NO_SEASON = 4
    START_UNSEEN = 8
    END_UNSEEN = 16


@dataclass(frozen=True)
class SeasonRules:
    """What a season is. Days are counted from 1 January of the year in which `window` ends, so a sowing in the autumn
    before has a day below 1.

    `window`: where the season is sought. `critical`: where a gap between looks above `longest_gap_days` [d] makes the
    metrics unreliable. `edge_share` [1] of the rise and of the fall marks start and end. Under `fewest_looks` [1] days
    with a look nothing is told; under `smallest_amplitude`, in the curve's unit, nothing grew; above `green` it is
    green.
    """

    window: Period
    critical: Period
    edge_share: float = 0.2
    fewest_looks: int = 6
    longest_gap_days: float = 25.0
    smallest_amplitude: float = 0.15
    green: float = 0.6


def season(curves: xr.Dataset, seen: xr.Dataset, gaps: xr.DataArray, rules: SeasonRules) -> xr.Dataset:
    """When the season began, peaked and ended, how high it stood and how much grew.

    curves   Dataset: daily `curve`, `curve_se` (day, ...) of an index [1] over the window; `memory` (...) [d]
    seen     Dataset (...): `days_seen` [1] in the window, `first_look` and `last_look` of all, NaT where none
    gaps     (...) longest gap between looks in the critical period [d]
    rules    window of days, thresholds
    returns  Dataset (...) of `season_start`, `season_end`, `season_peak_day` [day of year], `season_peak`,
             `season_base`, `season_amplitude` [1], `season_integral` [d] start to end, `season_greenup_slope` [1/d],
             `season_green_days` [d], `season_gap` [d], `season_looks` [1], `season_flag` [class], and `_se` of most;
             NaN where not known; a gap too long is flagged, and the metrics stay
    raises   BadInput where the curve does not cover the window
    source   start and end at a share of the amplitude of each side: Jonsson and Eklundh 2004,
             10.1016/j.cageo.2004.05.006 (TIMESAT); errors: ours, by the slope where the curve crosses
    """
    within = _window(curves, rules.window)
    names = list(_NAMES)
    first_day, looks = _day_of_year(within["day"].values[:1], rules.window), seen[["first_look", "last_look"]]
    first_look, last_look = (_day_of_year(looks[name], rules.window) for name in ("first_look", "last_look"))
    outputs = xr.apply_ufunc(
        _in_strips,
        within["curve"],
        within["curve_se"],
        within["memory"],
        first_look,
        last_look,
        seen["days_seen"],
        gaps,
        kwargs={"first_day": float(first_day[0]), "rules": rules},
        input_core_dims=[["day"], ["day"], [], [], [], [], []],
        output_core_dims=[["metric"]],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"metric": len(names)}},
        output_dtypes=["float32"],
    )
    return xr.Dataset({name: outputs.isel(metric=i) for i, name in enumerate(names)})


def integral(curve: xr.DataArray, first: date, last: date) -> xr.DataArray:
    """The sum of a daily curve from one day to another, both included.

    curve    (day, ...) an index [1]
    first    first day [d]
    last     last day [d], for instance the day of a forecast
    returns  (...) sum [d]; NaN where the curve is, or does not reach
    source   ours: a constant 0.5 over 100 days is 50
    """
    span = _window(curve.to_dataset(name="curve"), (first, last))["curve"]
    return span.sum("day", skipna=False)


def flags_of(flag: float, rules: SeasonRules) -> tuple[Told, ...]:
    """The reasons behind a season's flag, as sentences.

    flag     `season_flag` [class]; NaN has none
    rules    by which it was given
    returns  the sentences' pieces [1], gravest first; empty where nothing stands against the metrics
    source   ours
    """
    if np.isnan(flag):
        return ()
    told = {
        Flag.FEW_LOOKS: Told(
            "fewer than {few} days with a clear look: nothing can be said of this season", {"few": rules.fewest_looks}
        ),
        Flag.NO_SEASON: Told("no rise and fall of green in the season: fallow, or a meadow that stays green", {}),
        Flag.LONG_GAP: Told(
            "more than {gap} days without a clear look while the crop grew: the dates are unreliable",
            {"gap": f"{rules.longest_gap_days:g}"},
        ),
        Flag.START_UNSEEN: Told(
            "the start was not seen: it lies before the first clear look, or before the window", {}
        ),
        Flag.END_UNSEEN: Told("the end was not seen: it lies after the last clear look, or after the window", {}),
    }
    return tuple(sentence for bit, sentence in told.items() if int(flag) & bit)


_NAMES = (
    "season_start",
    "season_start_se",
    "season_end",
    "season_end_se",
    "season_peak_day",
    "season_peak",
    "season_peak_se",
    "season_base",
    "season_amplitude",
    "season_amplitude_se",
    "season_integral",
    "season_integral_se",
    "season_greenup_slope",
    "season_green_days",
    "season_gap",
    "season_looks",
    "season_flag",
)


def _in_strips(
    curve: np.ndarray, curve_se: np.ndarray, *of_pixel: np.ndarray, first_day: float, rules: SeasonRules
) -> np.ndarray:
    """The metrics strip by strip, so that what is in work stays in the processor's cache."""
    where = curve.shape[:-1]
    curves = [np.moveaxis(part, -1, 0).reshape(part.shape[-1], math.prod(where)) for part in (curve, curve_se)]
    single = [np.broadcast_to(part, where).reshape(-1) for part in of_pixel]
    made = np.empty((math.prod(where), len(_NAMES)), "float32")
    for first in range(0, len(made), _STRIP_PX):
        strip = slice(first, first + _STRIP_PX)
        lines = [np.ascontiguousarray(part[:, strip].T, dtype="float64") for part in curves]
        made[strip] = _metrics(*lines, *(part[strip] for part in single), first_day=first_day, rules=rules)
    return made.reshape(*where, len(_NAMES))


def _metrics(
    curve: np.ndarray,
    curve_se: np.ndarray,
    memory: np.ndarray,
    first_look: np.ndarray,
    last_look: np.ndarray,
    days_seen: np.ndarray,
    gaps: np.ndarray,
    *,
    first_day: float,
    rules: SeasonRules,
) -> np.ndarray:
    """All metrics of arrays whose last axis is the day, along a new last axis."""
    known = (days_seen >= rules.fewest_looks) & ~np.isnan(curve).any(axis=-1)
    line, spread = np.where(known[..., None], curve, 0.0), np.where(known[..., None], curve_se, 0.0)
    day = np.arange(line.shape[-1])
    at_peak = line.argmax(axis=-1)
    peak, peak_se = _at(line, at_peak), _at(spread, at_peak)
    rise = _side(line, spread, at_peak, rules.edge_share)
    fall = _side(line[..., ::-1], spread[..., ::-1], day[-1] - at_peak, rules.edge_share)
    amplitude = peak - (rise["base"] + fall["base"]) / 2
    grew = amplitude >= rules.smallest_amplitude
    start, end = rise["crossing"] + first_day, day[-1] - fall["crossing"] + first_day
    steep = np.maximum(peak - rise["base"], peak - fall["base"]) * _HALF_SEEN
    start_seen = (peak - rise["base"] >= steep) & (start >= first_look)
    end_seen = (peak - fall["base"] >= steep) & (end <= last_look)
    flag = _flag(known, grew, start_seen, end_seen, gaps > rules.longest_gap_days)
    start, end = np.where(grew & start_seen, start, np.nan), np.where(grew & end_seen, end, np.nan)
    grown = _share_of_day(day + first_day, start[..., None], end[..., None])
    whole = np.isfinite(start + end)
    made = {
        "season_start": start,
        "season_start_se": np.where(np.isfinite(start), rise["crossing_se"], np.nan),
        "season_end": end,
        "season_end_se": np.where(np.isfinite(end), fall["crossing_se"], np.nan),
        "season_peak_day": np.where(grew, at_peak + first_day, np.nan),
        "season_peak": peak,
        "season_peak_se": peak_se,
        "season_base": (rise["base"] + fall["base"]) / 2,
        "season_amplitude": amplitude,
        "season_amplitude_se": np.sqrt(peak_se**2 + (rise["base_se"] ** 2 + fall["base_se"] ** 2) / 4),
        "season_integral": np.where(whole, (grown * line).sum(axis=-1), np.nan),
        "season_integral_se": np.where(whole, np.sqrt(memory * (grown * spread**2).sum(axis=-1)), np.nan),
        "season_greenup_slope": np.where(np.isfinite(start), rise["slope"], np.nan),
        "season_green_days": (line > rules.green).sum(axis=-1),
    }
    told = {name: np.where(known, value, np.nan) for name, value in made.items()}
    told |= {"season_gap": gaps, "season_looks": days_seen, "season_flag": flag}
    return np.stack([told[name] for name in _NAMES], axis=-1).astype("float32")


def _share_of_day(day: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How much of each day, from half a day before to half a day after, lies between start and end."""
    share: np.ndarray = np.clip(np.minimum(end, day + 0.5) - np.maximum(start, day - 0.5), 0, 1)
    return share


def _side(line: np.ndarray, spread: np.ndarray, at_peak: np.ndarray, share: float) -> dict[str, np.ndarray]:
    """The rise to the peak: its lowest point, where it last crossed the share, and how fast it went on from there."""
    day = np.arange(line.shape[-1])
    before = day <= at_peak[..., None]
    at_base = np.where(before, line, np.inf).argmin(axis=-1)
    base, peak = _at(line, at_base), _at(line, at_peak)
    edge, late = base + share * (peak - base), base + _LATE_RISE * (peak - base)
    below = before & (line < edge[..., None])
    under = day[-1] - below[..., ::-1].argmax(axis=-1)  # the last day below; the base itself where nothing rises
    under = np.where(below.any(axis=-1), np.minimum(under, day[-1] - 1), np.minimum(at_base, day[-1] - 1))
    step = np.maximum(_at(line, under + 1) - _at(line, under), 1e-9)
    crossing = under + np.clip((edge - _at(line, under)) / step, 0, 1)
    risen = (day > under[..., None]) & (line >= late[..., None])
    top = risen.argmax(axis=-1)
    passed = np.clip(
        (_at(line, top) - late) / np.maximum(_at(line, top) - _at(line, np.maximum(top - 1, 0)), 1e-9), 0, 1
    )
    lasted = np.maximum(top - passed - crossing, 1.0)
    doubt = _at(spread, under) ** 2 + ((1 - share) * _at(spread, at_base)) ** 2 + (share * _at(spread, at_peak)) ** 2
    return {
        "base": base,
        "base_se": _at(spread, at_base),
        "crossing": crossing,
        "crossing_se": np.minimum(np.sqrt(doubt) / step, len(day)),  # a flat crossing may lie anywhere in the window
        "slope": (late - edge) / lasted,
    }


def _flag(
    known: np.ndarray, grew: np.ndarray, start_seen: np.ndarray, end_seen: np.ndarray, long_gap: np.ndarray
) -> np.ndarray:
    flag = np.where(known, 0, int(Flag.FEW_LOOKS)) + np.where(long_gap, int(Flag.LONG_GAP), 0)
    for bit, stands in (
        (Flag.NO_SEASON, ~grew),
        (Flag.START_UNSEEN, grew & ~start_seen),
        (Flag.END_UNSEEN, grew & ~end_seen),
    ):
        flag = flag + np.where(known & stands, int(bit), 0)
    return flag


def _at(line: np.ndarray, place: np.ndarray) -> np.ndarray:
    taken: np.ndarray = np.take_along_axis(line, place[..., None], axis=-1)[..., 0]
    return taken


def _window(curves: xr.Dataset, period: Period) -> xr.Dataset:
    first, last = (np.datetime64(day, "D") for day in period)
    day = curves["day"].values.astype("datetime64[D]")
    inside = (day >= first) & (day <= last)
    if inside.sum() != (last - first).astype(int) + 1:
        raise BadInput(
            "SEASON-WINDOW",
            "the curve runs from {met_first} to {met_last}, the window from {first} to {last}",
            "draw the curve over the whole window",
            met_first=str(day[0]),
            met_last=str(day[-1]),
            first=str(first),
            last=str(last),
        )
    within = curves.isel(day=np.flatnonzero(inside))
    return within.chunk(day=-1) if within["curve"].chunks is not None else within


def _day_of_year(days: Any, window: Period) -> Any:
    """Days [d] from 1 January of the year in which the window ends, which is day 1; NaN for NaT."""
    new_year = np.datetime64(f"{window[1].year - 1}-12-31", "ns")
    return (days - new_year) / np.timedelta64(1, "D")
