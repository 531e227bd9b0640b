"""Planned against applied: where a machine put what, what it left out and doubled, and how late its rate came."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

_LONGEST_GAP = 3.0  # [1] times the usual time between records: beyond it the machine stood, or the log has a hole
_FASTEST_M_S = 15.0  # [m/s] a jump of the position, no drive
_NEAR = 0.1  # [1] of the planned rate: what counts as right
_LAGS_S = np.arange(-5.0, 20.01, 0.25)  # [s] that are tried
_LEAST_SPREAD = 0.02  # [1] of the mean: a plan that varies less tells no lag
_LEAST_CORRELATION = 0.3  # [1] below it no lag is told


@dataclass(frozen=True)
class Comparison:
    """What came of the work. Kilograms stand for litres where the log is in litres; None is what nobody can tell.

    Areas [ha]: worked (with overlaps), doubled, left out, outside the field. `bias` and `error` [kg/ha] are means over
    the worked area of applied less planned, and of its size; `near` [1] is the share of the area within 10 %.
    """

    field_ha: float
    worked_ha: float
    doubled_ha: float | None
    left_out_ha: float | None
    outside_ha: float | None
    applied_kg: float
    counter_kg: float | None
    planned_kg: float | None
    bias_kg_ha: float | None
    error_kg_ha: float | None
    near: float | None
    lag_s: float | None
    lag_correlation: float | None


def strokes(rows: pd.DataFrame, behind_m: float = 0.0) -> pd.DataFrame:
    """What was worked between one record and the next.

    rows     x_m, y_m [m] and the columns of `agro.domain.terminal.APPLIED_COLUMNS`, in the order of time
    behind_m how far behind the logged place the machine puts out [m]
    returns  a row a worked stroke: seconds [s], rate and target [kg/ha], x_m, y_m (its middle) [m], east, north (unit
             vector of the drive) [1], length_m, left_m, right_m [m] of the middle, area_ha [ha]
    source   ours: a record's rate holds until the next one, over the width that was on
    """
    after = rows.shift(-1)
    east, north = after["x_m"] - rows["x_m"], after["y_m"] - rows["y_m"]
    length = np.hypot(east, north)
    lasted = after["seconds"] - rows["seconds"]
    usual = lasted[lasted > 0].median()
    table = pd.DataFrame(
        {
            "seconds": rows["seconds"],
            "rate": rows["rate"],
            "target": rows["target"],
            "x_m": rows["x_m"] + east * (0.5 - behind_m / length),
            "y_m": rows["y_m"] + north * (0.5 - behind_m / length),
            "east": east / length,
            "north": north / length,
            "length_m": length,
            "left_m": rows["left"] * rows["width_m"],
            "right_m": rows["right"] * rows["width_m"],
        }
    )
    table["area_ha"] = length * (table["right_m"] - table["left_m"]) / 1e4
    own = rows["area_m2"].notna()  # polygons have no drive
    table.loc[own, ["x_m", "y_m"]] = rows.loc[own, ["x_m", "y_m"]]
    table.loc[own, "area_ha"] = rows.loc[own, "area_m2"] / 1e4
    drive = (length > 0) & (lasted > 0) & (lasted <= _LONGEST_GAP * usual) & (length <= _FASTEST_M_S * lasted)
    sound = rows["working"].astype(bool) & (drive | own) & (table["area_ha"] > 0) & table["rate"].notna()
    return table[sound].reset_index(drop=True)


def laid(worked: pd.DataFrame, field: xr.DataArray) -> xr.Dataset:
    """What lies on each cell after all strokes.

    worked   of `strokes`, each with a drive
    field    (y, x) any unit: the cells to lay it on, y falling
    returns  (y, x) `applied` [kg/ha], the sum of the rates that passed over a cell's middle; `times` [1] how often
    source   ours
    """
    x, y = field["x"].values, field["y"].values
    size = float(x[1] - x[0])
    applied, times = np.zeros(field.shape), np.zeros(field.shape, "int32")
    reach = np.maximum(worked["right_m"].abs(), worked["left_m"].abs()) + worked["length_m"]
    names = ["x_m", "y_m", "east", "north", "length_m", "left_m", "right_m", "rate"]
    for (mx, my, east, north, length, left, right, rate), far in zip(worked[names].to_numpy(), reach, strict=True):
        low, high = (np.clip(round((mx + sign * far - x[0]) / size), 0, len(x)) for sign in (-1, 1))
        top, bottom = (np.clip(round((y[0] - my + sign * far) / size), 0, len(y)) for sign in (-1, 1))
        dx, dy = x[low : high + 1] - mx, y[top : bottom + 1, None] - my
        along, across = dx * east + dy * north, dx * north - dy * east
        under = (along >= -length / 2) & (along < length / 2) & (across >= left) & (across < right)
        applied[top : bottom + 1, low : high + 1] += under * rate
        times[top : bottom + 1, low : high + 1] += under
    return xr.Dataset({"applied": (("y", "x"), applied), "times": (("y", "x"), times)}, coords=field.coords)


def compare(
    worked: pd.DataFrame, field: xr.DataArray, planned: xr.DataArray | None, counter: float | None
) -> Comparison:
    """What came of the work, held against what was planned.

    worked   of `strokes`
    field    (y, x) [1] 1 inside the field, 0 outside; square cells [m]
    planned  (y, x) [kg/ha] on the same cells, NaN where nothing is planned; None where nobody knows
    counter  what the machine itself counted [kg]
    returns  areas [ha], kilograms [kg], means over the worked area [kg/ha], the lag [s]
    source   ours; the lag is where applied and planned rates correlate best
    """
    cell_ha = float(field["x"][1] - field["x"][0]) ** 2 / 1e4
    inside = field.values > 0
    driven = worked["length_m"].notna().all()
    times = laid(worked, field)["times"].values if driven else None
    area = worked["area_ha"].to_numpy()
    meant = None if planned is None else looked_up(planned, worked["x_m"].to_numpy(), worked["y_m"].to_numpy())
    known = np.zeros(len(worked), bool) if meant is None else np.isfinite(meant)
    told = meant is not None and bool(known.any())
    off = worked["rate"].to_numpy()[known] - meant[known] if told and meant is not None else np.array([])
    lag, correlation = lag_of(worked, planned) if planned is not None else (None, None)
    return Comparison(
        field_ha=float(inside.sum() * cell_ha),
        worked_ha=float(area.sum()),
        doubled_ha=None if times is None else float(np.maximum(times[inside] - 1, 0).sum() * cell_ha),
        left_out_ha=None if times is None else float((times[inside] == 0).sum() * cell_ha),
        outside_ha=None if times is None else float(times[~inside].sum() * cell_ha),
        applied_kg=float((area * worked["rate"]).sum()),
        counter_kg=counter,
        planned_kg=None if planned is None else float(np.nansum(planned.values) * cell_ha),
        bias_kg_ha=float(np.average(off, weights=area[known])) if told else None,
        error_kg_ha=float(np.average(np.abs(off), weights=area[known])) if told else None,
        near=float(np.average(np.abs(off) <= _NEAR * meant[known], weights=area[known]))
        if told and meant is not None
        else None,
        lag_s=lag,
        lag_correlation=correlation,
    )


def looked_up(cells: xr.DataArray, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    """The values of the cells that hold these places.

    cells    (y, x) any unit, y falling, square cells [m]
    returns  (n) in the same unit; NaN outside the cells
    source   ours
    """
    x, y = cells["x"].values, cells["y"].values
    size = float(x[1] - x[0])
    with np.errstate(invalid="ignore"):
        column, row = np.rint((x_m - x[0]) / size), np.rint((y[0] - y_m) / size)
    there = (column >= 0) & (column < len(x)) & (row >= 0) & (row < len(y))
    found = np.full(len(x_m), np.nan)
    found[there] = cells.values[row[there].astype(int), column[there].astype(int)]
    return found


def lag_of(worked: pd.DataFrame, planned: xr.DataArray) -> tuple[float | None, float | None]:
    """By how many seconds the applied rate trails the planned one.

    worked   of `strokes`; seconds are needed
    planned  (y, x) [kg/ha]
    returns  the lag [s] and the correlation [1] at it; None where the plan hardly varies, the log has no clock, or
             nothing correlates
    source   ours: cross-correlation over lags of -5 to 20 s, its top by a parabola
    """
    back = worked["length_m"].fillna(0.0) / 2  # a record stands where its stroke begins
    starts = worked["x_m"] - worked["east"].fillna(0.0) * back, worked["y_m"] - worked["north"].fillna(0.0) * back
    meant = looked_up(planned, *(place.to_numpy() for place in starts))
    seconds, rate = worked["seconds"].to_numpy(), worked["rate"].to_numpy()
    sound = np.isfinite(meant) & np.isfinite(seconds)
    if sound.sum() < 30 or meant[sound].std() < _LEAST_SPREAD * max(abs(meant[sound].mean()), 1e-9):
        return None, None
    seconds, rate, meant = seconds[sound], rate[sound], meant[sound]
    gap = _LONGEST_GAP * float(np.median(np.diff(seconds)))
    found = np.array([_correlation(seconds, rate, meant, lag, gap) for lag in _LAGS_S])
    if not np.isfinite(found).any() or np.nanmax(found) < _LEAST_CORRELATION:
        return None, None
    best = int(np.nanargmax(found))
    shift = 0.0
    if 0 < best < len(found) - 1 and np.isfinite(found[[best - 1, best + 1]]).all():
        before, top, after = found[best - 1 : best + 2]
        shift = 0.5 * (before - after) / min(before - 2 * top + after, -1e-12)
    return float(_LAGS_S[best] + shift * (_LAGS_S[1] - _LAGS_S[0])), float(found[best])


def _correlation(seconds: np.ndarray, rate: np.ndarray, meant: np.ndarray, lag: float, gap: float) -> float:
    """Of the rate now with the plan `lag` seconds ago, where the machine was working then."""
    then = seconds - lag
    place = np.clip(np.searchsorted(seconds, then), 1, len(seconds) - 1)
    known = (seconds[place] - seconds[place - 1] <= gap) & (then >= seconds[0]) & (then <= seconds[-1])
    if known.sum() < 30:
        return float("nan")
    earlier = np.interp(then[known], seconds, meant)
    now = rate[known]
    if earlier.std() == 0 or now.std() == 0:
        return float("nan")
    return float(np.corrcoef(earlier, now)[0, 1])
