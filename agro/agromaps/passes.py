"""The passes of a combine in the order of its points, and the time that grain takes from the header to the sensor."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_TURN_DEG = 40.0  # [deg] between the ways in and out of a point over two steps: a turn, not a bend of a pass. ours
_FEWEST = 5  # [1] points of a pass; fewer are manoeuvres. source: ours
_GAP = 4.0  # [1] times the usual interval or step: the log was interrupted. source: ours
_FASTEST_M_S = 12.0  # [m/s] no combine drives faster, so its position jumped. source: ours
_JUMP_M = 25.0  # [m] a step where no clock tells the speed. source: ours
_LONGEST_JUMP = 60  # [1] points away before they count as driven
_OPPOSITE_DEG = 150.0  # [deg] between two headings that are opposite
_NEIGHBOURS = 3  # [1] opposite neighbours of a point that are compared
_BOOTSTRAPS = 200  # [1]
_FEWEST_PAIRS = 200  # [1] fewer tell no delay. source: ours
_INNER_S, _EARLIEST_S = (27.0, 18.0, 12.0), 9.0  # [s] longest delay looked for, and how much too early. source: ours
_STEADY_S = 2.0  # [s] standard error of a delay that is believed. source: ours
_SMOOTH_S = 20.0  # [s] over which flow is averaged before passes are compared: noise tells no delay. source: ours
_LEAST_GAIN = 0.01  # [1] of the criterion: the best of many candidates gains this much by chance. source: ours


@dataclass(frozen=True)
class Delay:
    """How long grain takes [s], its standard error [s], and whether it is surely not nought.

    `criterion` (candidate) is the mean squared difference of opposite neighbours over that without a delay [1],
    `candidates_s` [s] what was tried.
    """

    delay_s: float
    delay_se_s: float
    sure: bool
    candidates_s: np.ndarray
    criterion: np.ndarray
    pairs: int


def jumps(points: pd.DataFrame) -> np.ndarray:
    """Which points lie where the machine cannot have been.

    points   rows in driving order: `log`, `x_m`, `y_m` [m] (NaN without a fix), `clock_s` [s] or NaN
    returns  (n,) [bool]
    source   ours: a short stretch between two steps that are faster than a combine, or a spike of one point
    """
    found = np.zeros(len(points), bool)
    known = points["x_m"].notna().to_numpy()
    for rows in _logs(points, known):
        xy, clock = points[["x_m", "y_m"]].to_numpy()[rows], points["clock_s"].to_numpy("float64")[rows]
        step = np.hypot(*np.diff(xy, axis=0).T)
        time = np.diff(clock)
        usual = np.median(step) if len(step) else 0.0
        timed = np.isfinite(time) & (time > 0)
        limit = np.where(timed, _FASTEST_M_S * np.where(timed, time, 0) + usual, max(_JUMP_M, 10 * usual))
        cuts = np.flatnonzero(step > limit) + 1
        edges = np.concatenate([[0], cuts, [len(rows)]])
        sizes = np.diff(edges)
        for n in np.flatnonzero(sizes <= _LONGEST_JUMP):
            beside = max(sizes[n - 1] if n else 0, sizes[n + 1] if n + 1 < len(sizes) else 0)
            if len(sizes) > 1 and sizes[n] < beside and (timed.any() or _comes_back(xy, edges, int(n), usual)):
                found[rows[edges[n] : edges[n + 1]]] = True
    return found


def _comes_back(xy: np.ndarray, edges: np.ndarray, n: int, usual: float) -> bool:
    """Whether the way goes on where it was left: without a clock a step alone may be the way to the next pass."""
    if n == 0 or n + 2 >= len(edges):
        return False
    before, after = xy[edges[n] - 1], xy[edges[n + 1]]
    return bool(np.hypot(*(after - before)) <= max(_JUMP_M, 10 * usual))


def passes(points: pd.DataFrame, usable: np.ndarray) -> np.ndarray:
    """The number of each point's pass, -1 in turns, manoeuvres and where not usable.

    points   rows in driving order: `log`, `x_m`, `y_m` [m], `clock_s` [s]
    usable   (n,) points with a place that can be driven [bool]
    returns  (n,) [1]
    source   ours: a pass ends at a gap of the log and at a turn of more than 40 degrees over four points
    """
    number, found = np.full(len(points), -1), 0
    for rows in _logs(points, usable):
        xy, clock = points[["x_m", "y_m"]].to_numpy()[rows], points["clock_s"].to_numpy("float64")[rows]
        if len(rows) < _FEWEST:
            continue
        step, time = np.hypot(*np.diff(xy, axis=0).T), np.diff(clock)
        usual_s = pd.Series(time).median()
        broken = (step > _GAP * np.median(step) + 5.0) | (time > max(_GAP * usual_s, 5.0)) | (time < 0)  # [m], [s]
        stretch = np.concatenate([[0], np.cumsum(broken)])
        turning = np.concatenate([_turning(xy[stretch == one]) for one in range(stretch[-1] + 1)])
        run = np.concatenate([[0], np.cumsum(broken | (turning[1:] != turning[:-1]))])
        for one in np.unique(run):
            own = rows[run == one]
            if len(own) >= _FEWEST and not turning[run == one][0]:
                number[own] = found
                found += 1
    return number


def headings(points: pd.DataFrame, pass_no: np.ndarray) -> np.ndarray:
    """The direction of travel of each point of a pass, from its neighbours in the pass.

    points   rows in driving order: `x_m`, `y_m` [m]
    pass_no  (n,) of `passes` [1]
    returns  (n, 2) unit vectors east and north [1], NaN outside passes
    source   ours
    """
    way = np.full((len(points), 2), np.nan)
    xy = points[["x_m", "y_m"]].to_numpy()
    for own in _each(pass_no):
        along = np.gradient(pd.DataFrame(xy[own]).rolling(5, center=True, min_periods=1).mean().to_numpy(), axis=0)
        length = np.hypot(*along.T)
        way[own] = along / np.where(length > 0, length, np.nan)[:, None]
    return way


def flow_delay(points: pd.DataFrame, pass_no: np.ndarray, good: np.ndarray, swath_m: float) -> Delay:
    """The delay at which neighbouring passes of opposite direction agree best.

    points   rows in driving order: `log`, `x_m`, `y_m` [m], `clock_s` [s], and `flow` (t/ha, or kg/s) [u]
    pass_no  (n,) of `passes` [1]
    good     (n,) points whose value is to be believed [bool]
    swath_m  width of a pass [m]
    returns  Delay; not sure where passes do not differ enough to tell
    source   principle of Sudduth and Drummond 2007 (Yield Editor) and of Lee et al. 2012: least semivariance of
             adjacent opposite passes; its error by resampling passes, ours
    """
    clock = points["clock_s"].to_numpy("float64")
    none = Delay(0.0, np.nan, False, np.zeros(1), np.full(1, np.nan), 0)
    if np.isfinite(clock).sum() < 2:
        return none
    step = max(float(pd.Series(np.diff(clock)).median()), 1.0)
    first, second = _opposite_pairs(points, pass_no, good, swath_m)
    for longest_s in _INNER_S:
        inner = _from_ends(clock, pass_no) >= longest_s
        mine = inner[first] & inner[second]
        if mine.sum() >= _FEWEST_PAIRS:
            tried = np.concatenate(
                [-np.arange(step, _EARLIEST_S + step / 2, step)[::-1], np.arange(0, longest_s, step)]
            )
            even = points.assign(flow=_smoothed(points, good, step))
            moved = np.column_stack([shifted(even, pass_no, seconds) for seconds in tried])
            return _compared(tried, moved, first[mine], second[mine], pass_no)
    return none


def _smoothed(points: pd.DataFrame, good: np.ndarray, step_s: float) -> pd.Series:
    """The flow averaged over some seconds of each uninterrupted stretch, where it is to be believed."""
    width = 2 * int(_SMOOTH_S / step_s / 2) + 1
    believed = points["flow"].where(good).groupby(_runs(points))
    return believed.transform(lambda flow: flow.rolling(width, center=True, min_periods=1).mean())


def _from_ends(clock: np.ndarray, pass_no: np.ndarray) -> np.ndarray:
    """How long before or after each point its pass begins or ends [s]: what flows there is not of the crop around."""
    inside = pd.Series(clock).groupby(pass_no)
    near: np.ndarray = np.minimum(clock - inside.transform("min"), inside.transform("max") - clock)
    return np.where(pass_no >= 0, near, -1.0)


def _compared(
    tried: np.ndarray, moved: np.ndarray, first: np.ndarray, second: np.ndarray, pass_no: np.ndarray
) -> Delay:
    """What each candidate makes of the pairs; the criterion is told by pass, so that passes can be drawn again."""
    apart = moved[first] - moved[second]
    zero = np.flatnonzero(tried == 0)[0]
    whole = np.isfinite(apart).all(axis=1)
    if whole.sum() < _FEWEST_PAIRS:
        return Delay(0.0, np.nan, False, tried, np.full(len(tried), np.nan), int(whole.sum()))
    apart = np.abs(apart[whole])
    square = np.minimum(apart, 3 * 1.4826 * np.median(apart[:, zero])) ** 2
    owner, rows = np.unique(pass_no[first[whole]], return_inverse=True)
    own = np.zeros((len(owner), len(tried)))
    np.add.at(own, rows, square)
    return _chosen(tried, own, own[:, [zero]], int(whole.sum()))


def shifted(points: pd.DataFrame, pass_no: np.ndarray, delay_s: float) -> np.ndarray:
    """What reached the sensor `delay_s` after each point was cut.

    points   rows in driving order: `log`, `clock_s` [s], `flow` [u]
    pass_no  (n,) of `passes`; grain is never taken from before or after an interruption of the log [1]
    delay_s  [s]
    returns  (n,) [u], NaN where the log ends before it
    source   ours
    """
    values, clock = points["flow"].to_numpy("float64"), points["clock_s"].to_numpy("float64")
    out = np.full(len(points), np.nan)
    for own in _each(_runs(points)):
        known = own[np.isfinite(values[own]) & np.isfinite(clock[own])]
        if len(known) > 1:
            wanted = clock[own] + delay_s
            found = np.interp(wanted, clock[known], values[known])
            inside = (wanted >= clock[known[0]]) & (wanted <= clock[known[-1]])
            out[own] = np.where(inside, found, np.nan)
    return np.where(pass_no >= 0, out, np.nan)


def _chosen(tried: np.ndarray, own: np.ndarray, plain: np.ndarray, pairs: int) -> Delay:
    """The best candidate, refined between its neighbours, and how it varies when passes are drawn again."""
    drawn = np.random.default_rng(0).integers(0, len(own), (_BOOTSTRAPS, len(own)))
    again = own[drawn].sum(1) / np.maximum(plain[drawn].sum(1), 1e-300)
    criterion = own.sum(0) / plain.sum(0)
    lowest = int(np.argmin(criterion))
    gained = 1 - again[:, lowest]
    spread = float(np.std([_least(tried, one) for one in again]))
    inside, gain = 0 < lowest < len(tried) - 1, float(1 - criterion[lowest])
    sure = inside and gain > max(_LEAST_GAIN, 3 * float(gained.std())) and spread < _STEADY_S
    return Delay(_least(tried, criterion) if sure else 0.0, spread, sure, tried, criterion, pairs)


def _least(tried: np.ndarray, criterion: np.ndarray) -> float:
    """Where a parabola through the least value and its neighbours is least."""
    n = int(np.argmin(criterion))
    if not 0 < n < len(tried) - 1:
        return float(tried[n])
    a, b, _ = np.polyfit(tried[n - 1 : n + 2], criterion[n - 1 : n + 2], 2)
    return float(-b / (2 * a)) if a > 0 else float(tried[n])


def _opposite_pairs(
    points: pd.DataFrame, pass_no: np.ndarray, good: np.ndarray, swath_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points and their nearest points in passes of opposite direction beside them."""
    from scipy.spatial import cKDTree

    way = headings(points, pass_no)
    inner = good & (pass_no >= 0) & np.isfinite(way).all(axis=1)
    rows = np.flatnonzero(inner)
    if len(rows) < 2:
        return rows[:0], rows[:0]
    tree = cKDTree(points[["x_m", "y_m"]].to_numpy()[rows])
    _, near = tree.query(tree.data, min(24, len(rows)), distance_upper_bound=1.6 * swath_m)
    first, second = np.repeat(np.arange(len(rows)), near.shape[1]), near.ravel()
    real = second < len(rows)
    first, second = rows[first[real]], rows[second[real]]
    opposite = (way[first] * way[second]).sum(1) < np.cos(np.radians(_OPPOSITE_DEG))
    pairs = pd.DataFrame({"first": first[opposite], "second": second[opposite]})
    pairs = pairs[pairs.groupby("first").cumcount() < _NEIGHBOURS]
    return pairs["first"].to_numpy(), pairs["second"].to_numpy()


def _turning(xy: np.ndarray) -> np.ndarray:
    """Whether the way in and the way out of a point, two steps each, differ by more than a bend does."""
    if len(xy) < _FEWEST:
        return np.zeros(len(xy), bool)
    back, on = np.empty_like(xy), np.empty_like(xy)
    back[2:], on[:-2] = xy[2:] - xy[:-2], xy[2:] - xy[:-2]
    back[:2], on[-2:] = on[:2], back[-2:]
    length = np.hypot(*back.T) * np.hypot(*on.T)
    cosine = np.divide((back * on).sum(1), length, out=np.ones(len(xy)), where=length > 0)
    turning: np.ndarray = cosine < np.cos(np.radians(_TURN_DEG))
    return turning


def _runs(points: pd.DataFrame) -> np.ndarray:
    """The number of each uninterrupted stretch of a log."""
    time = points["clock_s"].diff()
    usual = float(time.abs().median())
    broken = (points["log"] != points["log"].shift()) | ~time.between(0, max(_GAP * usual, 5.0))  # [s]
    return np.asarray(broken.cumsum())


def _logs(points: pd.DataFrame, known: np.ndarray) -> list[np.ndarray]:
    """The row numbers of each log, those that are known."""
    codes = np.where(known, pd.factorize(points["log"])[0], -1)
    return list(_each(codes))


def _each(numbers: np.ndarray) -> list[np.ndarray]:
    """The rows of each number from 0 up, in order."""
    order = np.argsort(numbers, kind="stable")
    order = order[numbers[order] >= 0]
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    return [rows for rows in np.split(order, cuts) if len(rows)]
