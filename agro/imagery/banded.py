"""The banded solver under the smoother: pixels side by side, five diagonals, never an n x n matrix.

Each pixel's looks lose their straight line, then (W + smoothing D2'D2 + tension D1'D1) z = W y is factored as
L diag(pivot) L' with two bands under the diagonal. The diagonal of the inverse, which the standard errors and the
left-out residuals need, comes from the same factors, backward. Arrays are (look, pixel) and (day, pixel).
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

LANES = 16  # [px] pixels worked side by side: their factors stay in the processor's cache
_SIGNATURE = "void(f4[:,::1], f4[:,::1], i8[::1], f8[::1], f8[::1], f4[:,::1], f4[:,::1], f8[:,::1])"
ABOUT = ("noise", "days_seen", "weight", "left_out", "left_out_weight", "standardised", "standardised_count")
_LEVERAGE = 0.98  # [1] a day that the curve follows so closely has no residual of its own. ours


@functools.cache
def smoother() -> Callable[..., None]:
    """The compiled smoother; the first call compiles it, some seconds in each process.

    returns  function(values, weights, day_of_look, stiffness, belief, curve, curve_se, about): stiffness is (smoothing
             [d4], tension [d2]), belief is (noise in the values' unit, number of looks it is worth [1]); it fills
             curve and curve_se (day, pixel) and about (ABOUT, pixel); NaN where fewer than two days are seen
    source   Eilers 2003, 10.1021/ac034173t; diagonal of a banded inverse: Hutchinson and de Hoog 1985,
             10.1007/BF01389878
    """
    import numba

    def compiled(step: Callable[..., Any]) -> Any:
        return numba.njit(step, nogil=True, error_model="numpy")  # a pixel without looks divides by 0: NaN, no raise

    gather, line, factor, solve = (compiled(step) for step in (_gather, _take_line, _factor, _solve))
    invert, judge = compiled(_invert), compiled(_judge)

    def smooth(values, weights, day_of_look, stiffness, belief, curve, curve_se, about):  # type: ignore[no-untyped-def]
        days, pixels = curve.shape
        weight, total, z = np.empty((days, LANES)), np.empty((days, LANES)), np.empty((days, LANES))
        pivot, below, below2 = np.empty((days, LANES)), np.empty((days, LANES)), np.empty((days, LANES))
        variance, level, slope = np.empty((days, LANES)), np.empty(LANES), np.empty(LANES)
        for first in range(0, pixels, LANES):
            last = min(first + LANES, pixels)
            seen, trust = values[:, first:last], weights[:, first:last]
            gather(seen, trust, day_of_look, weight, total)
            line(weight, total, level, slope)
            z[:] = total
            factor(weight, stiffness[0], stiffness[1], pivot, below, below2)
            solve(pivot, below, below2, z)
            invert(pivot, below, below2, variance)
            judge(weight, total, z, variance, belief, about[:, first:last])
            for day in range(days):
                for p in range(first, last):
                    known = about[1, p] >= 2
                    here = z[day, p - first] + level[p - first] + slope[p - first] * day
                    curve[day, p] = here if known else np.nan
                    curve_se[day, p] = about[0, p] * np.sqrt(variance[day, p - first]) if known else np.nan

    return numba.njit(_SIGNATURE, nogil=True, error_model="numpy")(smooth)


def _gather(values, weights, day_of_look, weight, total):  # type: ignore[no-untyped-def]
    """Each day's weight and weighted sum of its looks."""
    weight[:], total[:] = 0.0, 0.0
    for look in range(values.shape[0]):
        day = day_of_look[look]
        for p in range(values.shape[1]):
            if weights[look, p] > 0.0 and not np.isnan(values[look, p]):
                weight[day, p] += weights[look, p]
                total[day, p] += weights[look, p] * values[look, p]


def _take_line(weight, total, level, slope):  # type: ignore[no-untyped-def]
    """Take each pixel's straight line of least squares out of its weighted sums."""
    days, lanes = weight.shape
    for p in range(lanes):
        w = wx = wy = wxx = wxy = 0.0
        for day in range(days):
            w += weight[day, p]
            wx += weight[day, p] * day
            wy += total[day, p]
            wxx += weight[day, p] * day * day
            wxy += total[day, p] * day
        slope[p] = (w * wxy - wx * wy) / (w * wxx - wx * wx)
        level[p] = (wy - slope[p] * wx) / w
        for day in range(days):
            if weight[day, p] > 0.0:
                total[day, p] -= weight[day, p] * (level[p] + slope[p] * day)


def _factor(weight, smoothing, tension, pivot, below, below2):  # type: ignore[no-untyped-def]
    """The penalised matrix = L diag(pivot) L'; below and below2 are the bands of L under the diagonal."""
    days, lanes = weight.shape
    for i in range(days):
        starts, centred, ends = int(i < days - 2), int(0 < i < days - 1), int(i > 1)
        own = smoothing * (starts + 4 * centred + ends) + tension * (int(i > 0) + int(i < days - 1))
        beside, far = -2 * smoothing * (starts + centred) - tension * int(i < days - 1), smoothing * starts
        for p in range(lanes):
            pivot[i, p], below[i, p] = weight[i, p] + own, beside
        if i > 0:
            for p in range(lanes):
                carried = below[i - 1, p] * pivot[i - 1, p]
                pivot[i, p] -= below[i - 1, p] * carried
                below[i, p] -= below2[i - 1, p] * carried
        if i > 1:
            for p in range(lanes):
                pivot[i, p] -= below2[i - 2, p] * below2[i - 2, p] * pivot[i - 2, p]
        for p in range(lanes):
            below[i, p] /= pivot[i, p]
            below2[i, p] = far / pivot[i, p]


def _solve(pivot, below, below2, z):  # type: ignore[no-untyped-def]
    """Turn the right side z into the solution, in place."""
    days, lanes = z.shape
    for p in range(lanes):
        z[1, p] -= below[0, p] * z[0, p]
    for i in range(2, days):
        for p in range(lanes):
            z[i, p] -= below[i - 1, p] * z[i - 1, p] + below2[i - 2, p] * z[i - 2, p]
    for p in range(lanes):
        z[days - 1, p] /= pivot[days - 1, p]
        z[days - 2, p] = z[days - 2, p] / pivot[days - 2, p] - below[days - 2, p] * z[days - 1, p]
    for i in range(days - 3, -1, -1):
        for p in range(lanes):
            z[i, p] = z[i, p] / pivot[i, p] - below[i, p] * z[i + 1, p] - below2[i, p] * z[i + 2, p]


def _invert(pivot, below, below2, variance):  # type: ignore[no-untyped-def]
    """The diagonal of the inverse, from the last day backward; only entries inside the band are ever formed."""
    days, lanes = variance.shape
    next1, next12, next2 = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)  # [i+1, i+1], [i+1, i+2], [i+2, i+2]
    for i in range(days - 1, -1, -1):
        for p in range(lanes):
            beside = -below[i, p] * next1[p] - below2[i, p] * next12[p]
            far = -below[i, p] * next12[p] - below2[i, p] * next2[p]
            variance[i, p] = 1.0 / pivot[i, p] - below[i, p] * beside - below2[i, p] * far
            next2[p], next1[p], next12[p] = next1[p], variance[i, p], beside


def _judge(weight, total, z, variance, belief, about):  # type: ignore[no-untyped-def]
    """Noise from what the curve leaves and what was believed before; residuals of each inner day as if left out."""
    days = z.shape[0]
    for p in range(about.shape[1]):
        unexplained = used = 0.0
        first, last = days, -1
        about[:, p] = 0.0
        for day in range(days):
            if weight[day, p] > 0.0:
                first, last = min(first, day), day
        for day in range(days):
            w = weight[day, p]
            if w > 0.0:
                residual, leverage = total[day, p] / w - z[day, p], w * variance[day, p]
                about[1, p] += 1.0
                about[2, p] += w
                unexplained += w * residual * residual
                used += leverage
                if first < day < last and leverage < _LEVERAGE:
                    about[3, p] += w * (residual / (1.0 - leverage)) ** 2
                    about[4, p] += w
                    about[5, p] += w * residual * residual / (1.0 - leverage)
                    about[6, p] += 1.0
        free = max(about[1, p] - used - 1.0, 0.0)  # the slope of the line is one more number that was fitted
        about[0, p] = np.sqrt((belief[1] * belief[0] ** 2 + unexplained) / (belief[1] + free))
