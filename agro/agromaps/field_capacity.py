"""Relative wetness in per cent of field capacity: only where probes or soil samples of the same soil allow it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from agro.domain.errors import AgroError, BadInput, Refusal

PAIR_COLUMNS = ("soil_group", "seen_on", "wetness", "field_capacity_pct")


@dataclass(frozen=True)
class AnchorRules:
    """When wetness may be told in per cent of field capacity: section `anchor` of configs/moisture.toml."""

    shape: Literal["linear", "isotonic"]
    fewest_pairs: int
    fewest_dates: int


@dataclass(frozen=True)
class Anchor:
    """Wetness to per cent of field capacity in one soil group: straight between the points, level beyond the ends.

    `rmse_pct` is of dates that the fit has not seen, `rmse_of_mean_pct` of the plain mean on the same dates.
    """

    soil_group: str
    shape: Literal["linear", "isotonic"]
    wetness: tuple[float, ...]
    field_capacity_pct: tuple[float, ...]
    rmse_pct: float
    rmse_of_mean_pct: float
    n_pairs: int
    n_dates: int


def anchor(pairs: pd.DataFrame, rules: AnchorRules) -> tuple[dict[str, Anchor], list[Refusal]]:
    """What measured moisture says of each soil group's wetness.

    pairs    table: soil_group, seen_on, wetness [1] seen from above, field_capacity_pct [%] measured in the upper
             5 cm on that date; rows with NaN are left out
    rules    when and how
    returns  anchors [%] by soil group, and refusals: these groups stay relative
    source   ours: 20 pairs on 5 dates; error by leaving out one date at a time, as pairs of one date share its weather
    """
    anchors, refused = {}, []
    for soil_group, own in pairs.dropna(subset=list(PAIR_COLUMNS)).groupby("soil_group", sort=True):
        try:
            anchors[str(soil_group)] = _anchored(str(soil_group), own, rules)
        except AgroError as error:
            refused.append(error.refusal)
    return anchors, refused


def of_field_capacity(wetness: xr.DataArray, soil_group: xr.DataArray, anchors: Mapping[int, Anchor]) -> xr.DataArray:
    """Surface moisture in per cent of field capacity.

    wetness     (y, x) `wetness` [1]
    soil_group  (y, x) number of each pixel's soil group [1]
    anchors     by that number
    returns     (y, x) [%] of field capacity; NaN where wetness is, and where the group has no anchor: there the map
                stays relative
    source      Sadeghi 2017, 10.1016/j.rse.2017.05.041: moisture is a rising function of wetness
    """
    whole = xr.full_like(wetness, np.nan, dtype="float64")
    for number, own in anchors.items():
        told = xr.apply_ufunc(
            _interpolated,
            wetness,
            kwargs={"at": own.wetness, "values": own.field_capacity_pct},
            dask="parallelized",
            output_dtypes=["float64"],
        )
        whole = told.where(soil_group == number, whole)
    return whole


def _interpolated(wetness: np.ndarray, at: tuple[float, ...], values: tuple[float, ...]) -> Any:
    return np.interp(wetness, at, values)


def _anchored(soil_group: str, pairs: pd.DataFrame, rules: AnchorRules) -> Anchor:
    n_dates = pairs["seen_on"].nunique()
    if len(pairs) < rules.fewest_pairs or n_dates < rules.fewest_dates:
        raise BadInput(
            "ANCHOR-FEW",
            "{where}: {met} measured pairs on {dates} date(s), field capacity needs {expected} on {expected_dates}",
            "wetness of this soil stays relative, 0 to 1; measure moisture on more days with a clear pass",
            where=soil_group,
            met=len(pairs),
            dates=n_dates,
            expected=rules.fewest_pairs,
            expected_dates=rules.fewest_dates,
        )
    seen, measured = pairs["wetness"].to_numpy("float64"), pairs["field_capacity_pct"].to_numpy("float64")
    missed, missed_by_mean = np.empty(len(pairs)), np.empty(len(pairs))
    for day in pairs["seen_on"].unique():
        out = (pairs["seen_on"] == day).to_numpy()
        missed[out] = np.interp(seen[out], *_fitted(seen[~out], measured[~out], rules.shape)) - measured[out]
        missed_by_mean[out] = measured[~out].mean() - measured[out]
    rmse, rmse_of_mean = (float(np.sqrt(np.mean(error**2))) for error in (missed, missed_by_mean))
    at, values = _fitted(seen, measured, rules.shape)
    if values[-1] <= values[0] or rmse >= rmse_of_mean:
        raise BadInput(
            "ANCHOR-NO-SKILL",
            "{where}: on dates left out, wetness misses measured moisture by {met} %, the plain mean by {expected} %",
            "wetness of this soil stays relative, 0 to 1; check the places and depths of the measurements",
            where=soil_group,
            met=round(rmse, 1),
            expected=round(rmse_of_mean, 1),
        )
    knots = tuple(map(float, at)), tuple(map(float, values))
    return Anchor(soil_group, rules.shape, *knots, rmse, rmse_of_mean, len(pairs), int(n_dates))


def _fitted(seen: np.ndarray, measured: np.ndarray, shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Points of the curve."""
    if shape == "linear":
        if np.ptp(seen) == 0:
            return np.array([0.0, 1.0]), np.full(2, measured.mean())
        slope, intercept = np.polyfit(seen, measured, 1)
        at = np.array([0.0, 1.0])
        return at, np.maximum(intercept + slope * at, 0.0)
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(out_of_bounds="clip").fit(seen, measured)
    return curve.X_thresholds_, curve.y_thresholds_
