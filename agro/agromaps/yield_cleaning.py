"""Points of a yield monitor, cleaned: every point that is left out has its reason."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely

from agro.agromaps.moran import against_neighbours, fitting, influential, neighbour_means
from agro.agromaps.passes import Delay, flow_delay, headings, jumps, passes, shifted

# Why a point is left out, in the order in which it is looked at; the first that applies holds.
REASONS = (
    *("no_fix", "gps_jump", "outside", "not_working", "no_swath", "narrow", "stopped", "too_fast", "turn"),
    *("speed_change", "overlap", "pass_start", "pass_end", "no_yield", "null", "too_high"),
    *("border", "outlier", "moran_plot", "local_moran"),
)
_OUTSIDE_M = 15.0  # [m] out of the outline: no edge of the field, GNSS errors included. source: ours
_FULL_SWATH = 0.95  # [1] quantile of the logged swaths that stands for the whole header
_ACROSS, _ALONG = 7, 2  # [1] places of a point's footprint that are looked at
_FEWEST = 10  # [1] points that have neighbours to be compared with. source: ours
_APART_S = 1e6  # [s] between passes of a log that has no clock
_EDGE = 0.85  # [1] of the half swath: neighbouring passes touch within GNSS error. source: ours


@dataclass(frozen=True)
class CleaningRules:
    """The limits. source: Vega et al. 2019 for border, deviations, reach and level; the others Sudduth and Drummond
    2007 (Yield Editor) in kind, their values ours."""

    highest_t_ha: float = 20.0
    border_m: float = 10.0
    deviations: float = 3.0
    reach_m: float = 40.0
    level: float = 0.05
    slowest: float = 0.4  # [1] of the usual speed
    fastest: float = 1.8  # [1] of the usual speed
    speed_change: float = 0.35  # [1] of the speed before
    narrowest: float = 0.5  # [1] of the full swath
    covered: float = 0.5  # [1] of the footprint that was cut before
    start_s: float = 4.0
    end_s: float = 2.0
    confirmed: bool = True  # what the last two rules flag goes only where it differs from the points next to it too
    delay_s: float | None = field(default=None)  # what is known of it; None: estimated


@dataclass(frozen=True)
class Cleaned:
    """`points` as they came with `pass_no` [1], `cleaned_t_ha` [t/ha] moved to where it grew (NaN where none),
    `reason` ("" where the point is kept) and `flagged` (what the protocol as published says of the points that come
    to its last two rules); the delay that was used."""

    points: pd.DataFrame
    delay: Delay

    @property
    def kept(self) -> pd.DataFrame:
        """The points that are believed."""
        return self.points[self.points["reason"] == ""]

    @property
    def counts(self) -> dict[str, int]:
        """How many points each reason took, in its order; kept ones under ""."""
        found = self.points["reason"].value_counts()
        return {reason: int(found[reason]) for reason in ("", *REASONS) if reason in found}


def clean(points: pd.DataFrame, outline: shapely.Geometry | None, rules: CleaningRules) -> Cleaned:
    """The points with the reason of each that is left out.

    points   rows in driving order: `log`, `x_m`, `y_m` [m] (NaN without a fix), `clock_s` [s], `yield_t_ha` [t/ha],
             `speed_m_s` [m/s], `distance_m` [m], `interval_s` [s], `swath_m` [m], `working`; NaN where not logged
    outline  the field in the same metres; None: the border and what lies outside are not looked at
    rules    CleaningRules
    returns  Cleaned
    source   Sudduth and Drummond 2007 (10.2134/agronj2006.0326) for what the machine did; then Vega et al. 2019
             (10.1007/s11119-018-09632-8): border, nought, deviations, Moran's plot, local Moran. Ours: the last two
             flag points of a patch of high or low yield, and one side of an even noise, as well as errors; so a point
             goes where it is no less than 3 robust deviations from the mean of the 8 next to it, too
    """
    points = points.reset_index(drop=True)
    if points.empty:
        none = Delay(0.0, np.nan, False, np.zeros(1), np.full(1, np.nan), 0)
        return Cleaned(points.assign(pass_no=-1, cleaned_t_ha=np.nan, reason="", flagged=""), none)
    reason = np.full(len(points), "", object)
    _note(reason, "no_fix", points["x_m"].isna().to_numpy())
    _note(reason, "gps_jump", jumps(points.assign(x_m=points["x_m"].where(reason == ""))))
    if outline is not None:
        xy = points[["x_m", "y_m"]].to_numpy()
        _note(reason, "outside", ~shapely.contains_xy(outline.buffer(_OUTSIDE_M), *xy.T))
    driven = reason == ""
    _note(reason, "not_working", ~points["working"].to_numpy(bool))
    _note_swath(reason, points, rules)
    pass_no = passes(points, driven)
    points = _clocked(points, pass_no)
    speed = speeds(points, driven)
    usual = float(pd.Series(speed[pass_no >= 0]).median())
    with np.errstate(invalid="ignore"):
        _note(reason, "stopped", speed < rules.slowest * usual)
        _note(reason, "too_fast", speed > rules.fastest * usual)
        if (pass_no >= 0).any():
            _note(reason, "turn", pass_no < 0)
        _note(reason, "speed_change", _changes(speed, pass_no) > rules.speed_change)
    swath_m = _full_swath(points)
    if np.isfinite(swath_m):
        _note(reason, "overlap", covered(points, pass_no, swath_m) > rules.covered)
    _note_ends(reason, points, pass_no, rules)
    moved, delay = _moved(points, pass_no, reason == "", speed, rules)
    _note(reason, "pass_end", (pass_no >= 0) & np.isnan(moved) & points["yield_t_ha"].notna().to_numpy())
    xy = points[["x_m", "y_m"]].to_numpy()
    _note_values(reason, xy, moved, outline, rules)
    flagged = _against_neighbours(reason, xy, moved, rules)
    return Cleaned(points.assign(pass_no=pass_no, cleaned_t_ha=moved, reason=reason, flagged=flagged), delay)


def speeds(points: pd.DataFrame, driven: np.ndarray) -> np.ndarray:
    """How fast the machine drove at each point.

    points   `speed_m_s` [m/s] where it was logged, else `distance_m` [m] and `interval_s` [s], else places and clock
    driven   (n,) points with a place that can be driven [bool]
    returns  (n,) [m/s], NaN where nothing tells it
    source   ours
    """
    logged = points["speed_m_s"].to_numpy("float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        by_distance = points["distance_m"].to_numpy("float64") / points["interval_s"].to_numpy("float64")
        known = points.where(pd.Series(driven, index=points.index))
        step = np.hypot(known["x_m"].diff(), known["y_m"].diff()).to_numpy()
        by_place = step / points["clock_s"].diff().to_numpy("float64")
    for speed in (logged, by_distance, by_place):
        if np.isfinite(speed).mean() > 0.5:
            return np.where(np.isfinite(speed), speed, np.nan)
    return np.full(len(points), np.nan)


def covered(points: pd.DataFrame, pass_no: np.ndarray, swath_m: float) -> np.ndarray:
    """Which share of each point's footprint had been cut by an earlier pass.

    points   rows in driving order: `x_m`, `y_m`, `distance_m`, `swath_m` [m]
    pass_no  (n,) of `passes` [1]
    swath_m  of the whole header [m]
    returns  (n,) [1], 0 outside passes
    source   bitmap method of Yield Editor (Drummond and Sudduth 2005)
    """
    way = headings(points, pass_no)
    rows = np.flatnonzero((pass_no >= 0) & np.isfinite(way).all(axis=1))
    share = np.zeros(len(points))
    if not len(rows):
        return share
    xy, along = points[["x_m", "y_m"]].to_numpy()[rows], way[rows]
    swath = points["swath_m"].to_numpy("float64")[rows]
    swath = np.where(swath > 0, swath, swath_m)
    step = points["distance_m"].to_numpy("float64")[rows]
    driven = np.hypot(*np.gradient(xy, axis=0).T)
    step = np.where(step > 0, step, np.minimum(driven, 2 * np.median(driven)))
    across = np.linspace(-_EDGE / 2, _EDGE / 2, _ACROSS)[:, None] * swath
    back = -(np.arange(_ALONG)[:, None] + 0.5) / _ALONG * step
    normal = along[:, ::-1] * [1, -1]
    places = xy + across[:, None, :, None] * normal + back[None, :, :, None] * along
    cell = swath_m / (_ACROSS + 1)
    index = np.floor((places - places.reshape(-1, 2).min(0)) / cell).astype("i8").reshape(-1, len(rows), 2)
    code = index[..., 0] * (index[..., 1].max() + 1) + index[..., 1]
    table = pd.DataFrame({"cell": code.ravel(), "pass": np.tile(pass_no[rows], len(code))})
    first = table.groupby("cell")["pass"].transform("min").to_numpy()
    earlier = (first < table["pass"].to_numpy()).reshape(len(code), len(rows))
    share[rows] = earlier.mean(axis=0)
    return share


def _clocked(points: pd.DataFrame, pass_no: np.ndarray) -> pd.DataFrame:
    """The points with a clock: where none was logged, intervals are counted in each pass, and passes lie far apart."""
    if points["clock_s"].notna().any() or not points["interval_s"].notna().any():
        return points
    return points.assign(clock_s=points["interval_s"].fillna(0).cumsum() + _APART_S * pass_no)


def _note(reason: np.ndarray, why: str, which: np.ndarray) -> None:
    reason[(reason == "") & which] = why


def _note_swath(reason: np.ndarray, points: pd.DataFrame, rules: CleaningRules) -> None:
    swath = points["swath_m"].to_numpy("float64")
    with np.errstate(invalid="ignore"):
        _note(reason, "no_swath", swath <= 0)
        _note(reason, "narrow", swath < rules.narrowest * _full_swath(points))


def _full_swath(points: pd.DataFrame) -> float:
    swath = points["swath_m"][points["swath_m"] > 0]
    return float(swath.quantile(_FULL_SWATH)) if len(swath) else np.nan


def _changes(speed: np.ndarray, pass_no: np.ndarray) -> np.ndarray:
    """The change of speed against the point before in the pass [1]."""
    table = pd.Series(speed)
    before = table.groupby(pass_no).shift()
    return np.where(pass_no >= 0, (table - before).abs() / before, 0.0)


def _moved(
    points: pd.DataFrame, pass_no: np.ndarray, good: np.ndarray, speed: np.ndarray, rules: CleaningRules
) -> tuple[np.ndarray, Delay]:
    """Yields moved back by the delay; flow is moved where it follows from yield, speed and swath, not the yield."""
    swath_m = _full_swath(points)
    yields = points["yield_t_ha"].to_numpy("float64")
    area = speed * points["swath_m"].to_numpy("float64")
    area = np.where(area > 0, area, np.nan) if (area > 0).mean() > 0.5 else np.ones(len(points))
    flowing = points.assign(flow=yields * area)
    sound = good & (yields > 0) & (yields <= rules.highest_t_ha)
    if rules.delay_s is None and np.isfinite(swath_m):
        delay = flow_delay(points.assign(flow=yields), pass_no, sound, swath_m)
    else:
        known = rules.delay_s or 0.0
        delay = Delay(known, np.nan, rules.delay_s is not None, np.array([known]), np.array([np.nan]), 0)
    if delay.delay_s == 0.0:
        return np.where(np.isfinite(yields), yields, np.nan), delay
    return shifted(flowing, pass_no, delay.delay_s) / area, delay


def _note_ends(reason: np.ndarray, points: pd.DataFrame, pass_no: np.ndarray, rules: CleaningRules) -> None:
    """The first seconds of a pass, while the machine fills, and the last, while it empties."""
    clock = points["clock_s"]
    if not clock.notna().any():
        return
    inside = clock.where(pass_no >= 0).groupby(pass_no)
    _note(reason, "pass_start", ((clock - inside.transform("min") < rules.start_s) & (pass_no >= 0)).to_numpy())
    _note(reason, "pass_end", ((inside.transform("max") - clock < rules.end_s) & (pass_no >= 0)).to_numpy())


def _note_values(
    reason: np.ndarray, xy: np.ndarray, moved: np.ndarray, outline: shapely.Geometry | None, rules: CleaningRules
) -> None:
    """The protocol of Vega et al. 2019 on what is left, up to its global limits."""
    _note(reason, "no_yield", np.isnan(moved))
    with np.errstate(invalid="ignore"):
        _note(reason, "null", moved <= 0)
        _note(reason, "too_high", moved > rules.highest_t_ha)
    if outline is not None:
        _note(reason, "border", ~shapely.intersects_xy(outline.buffer(-rules.border_m), *xy.T))
    left = np.flatnonzero(reason == "")
    if len(left) > 3:
        middle, spread = moved[left].mean(), moved[left].std(ddof=1)
        reason[left[np.abs(moved[left] - middle) >= rules.deviations * spread]] = "outlier" if spread > 0 else ""


def _against_neighbours(reason: np.ndarray, xy: np.ndarray, moved: np.ndarray, rules: CleaningRules) -> np.ndarray:
    """The verdict of the protocol's last two rules on what is left; it is a reason where it is confirmed, too."""
    flagged = np.full(len(reason), "", object)
    left = np.flatnonzero(reason == "")
    if len(left) < _FEWEST or not np.ptp(moved[left]):
        return flagged
    means, count = neighbour_means(xy[left], moved[left], rules.reach_m)
    left, means, count = left[count > 0], means[count > 0], count[count > 0]
    if len(left) < _FEWEST:
        return flagged
    flagged[left[against_neighbours(moved[left], means, count, rules.level)]] = "local_moran"
    flagged[left[influential(moved[left], means)]] = "moran_plot"
    goes = flagged[left] != ""
    if rules.confirmed:
        goes &= ~fitting(xy[left], moved[left])
    reason[left[goes]] = flagged[left[goes]]
    return flagged
