"""Wetness of the soil's surface from above: where a pixel lies between the dry and the wet edge of its district.

It tells of the upper 0 to 5 cm, relative from 0 to 1; under a closed canopy it tells of water in the leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.moisture_edges import OVERSATURATED, Edges

DEFAULT_BAND = "swir22"  # B12, 2190 nm; B11 (swir16) may be configured. source: Sadeghi 2017
LOWEST_AGREEMENT = 0.4  # [1] rank correlation below which a field's wetness is doubted. source: ours, assumption
FEWEST_COMMON_DATES = 6  # [1] fewer say nothing of a rank correlation. source: ours, assumption


class WetnessFlag(IntFlag):
    """What is the matter with a pixel of `wetness`; the layer `wetness_flag` is their sum."""

    CLIPPED = 1
    CANOPY_WATER = 2
    OUTSIDE_EDGES = 4
    STANDING_WATER = 8


@dataclass(frozen=True)
class WetnessRules:
    """Limits and noise of one look: section `wetness` of configs/moisture.toml.

    The standard error of reflectance is `reflectance_se + reflectance_se_share * reflectance` [1].
    """

    canopy_ndvi: float
    reflectance_se: float
    reflectance_se_share: float
    ndvi_se: float


def shortwave_transform(swir: xr.DataArray) -> xr.DataArray:
    """Transformed shortwave reflectance STR = (1 - R)^2 / (2 R), which rises in proportion to surface water.

    swir     (y, x) `reflectance` [1] above 0, B12 (2190 nm), or B11 (1610 nm) with edges of its own
    returns  (y, x) transformed reflectance [1], at least 0; NaN where the band is, or is not above 0
    source   Sadeghi 2017, 10.1016/j.rse.2017.05.041
    """
    positive = swir.where(swir > 0)
    return (1 - positive) ** 2 / (2 * positive)


def wetness(ndvi: xr.DataArray, swir: xr.DataArray, edges: Edges, rules: WetnessRules) -> xr.Dataset:
    """Relative surface wetness between the dry and the wet edge.

    ndvi     (y, x) `ndvi` [1] on 20 m; NaN where not clear
    swir     (y, x) `reflectance` [1] of the band that `edges.band` names, on 20 m; NaN where not clear
    edges    of the pixels' district and crop class
    rules    limits and noise
    returns  Dataset (y, x): `wetness` [1] 0..1, NaN also where standing water is seen or the edges meet; `wetness_se`
             [1] from the edges' covariance and the noise of both inputs, NaN where the edges have no covariance;
             `wetness_flag` [class], sum of 1 clipped to 0..1, 2 water of the canopy, 4 NDVI outside the edges, 8
             standing water; NaN where an input is
    source   Sadeghi 2017, 10.1016/j.rse.2017.05.041; Ambrosone 2020, 10.1016/j.jag.2020.102113; first-order
             propagation of errors
    """
    transform = shortwave_transform(swir)
    _, wet = edges.at(ndvi)
    relative, _ = _between(ndvi, transform, edges)
    flooded = transform > wet * (1 + OVERSATURATED)
    outside = (ndvi < edges.ndvi_low) | (ndvi > edges.ndvi_high)
    clipped = ((relative < 0) | (relative > 1)) & ~flooded
    flag = sum(
        int(bit) * where.astype("float32")
        for bit, where in (
            (WetnessFlag.CLIPPED, clipped),
            (WetnessFlag.CANOPY_WATER, ndvi > rules.canopy_ndvi),
            (WetnessFlag.OUTSIDE_EDGES, outside),
            (WetnessFlag.STANDING_WATER, flooded),
        )
    )
    value = relative.clip(0, 1).where(~flooded)
    return xr.Dataset(
        {
            "wetness": value,
            "wetness_se": _standard_error(ndvi, swir, edges, rules).where(value.notnull()),
            "wetness_flag": flag.where(transform.notnull() & ndvi.notnull()),  # type: ignore[union-attr]
        }
    )


def wetness_of_groups(
    ndvi: xr.DataArray,
    swir: xr.DataArray,
    group: xr.DataArray,
    edges: Mapping[int, Edges],
    rules: WetnessRules,
) -> xr.Dataset:
    """Wetness of a block whose fields belong to several districts and crop classes, each with its own edges.

    ndvi, swir  (y, x) `ndvi` [1] and `reflectance` [1], as for `wetness`
    group       (y, x) number of each pixel's group [1]
    edges       by that number; all of one band
    rules       limits and noise
    returns     Dataset (y, x) `wetness` [1], `wetness_se` [1], `wetness_flag` [class]; NaN where a group has no edges
    source      as `wetness`
    """
    whole = xr.Dataset(
        {name: xr.full_like(ndvi, np.nan, dtype="float64") for name in ("wetness", "wetness_se", "wetness_flag")}
    )
    for number, own in edges.items():
        whole = wetness(ndvi, swir, own, rules).where(group == number, whole)
    return whole


def agreement(seen: pd.DataFrame, modelled: pd.DataFrame) -> pd.DataFrame:
    """Whether the wetness that is seen goes up and down with that of a water balance's top layer, field by field.

    seen      table dates x field_id: wetness [1]; NaN where not seen
    modelled  table dates x field_id: wetness of the top layer [1], any scale that rises with water
    returns   table: field_id, spearman_rho [1], n_dates [1], flag: `not_enough_dates` below six common dates and
              `no_change` where either never changes, both with NaN, `low_agreement` below 0.4, else empty
    source    Spearman 1904; limits: ours, assumption
    """
    rows = []
    for field_id in seen.columns:
        pair = pd.DataFrame({"seen": seen[field_id], "modelled": modelled.get(field_id)}, dtype="float64").dropna()
        rho, flag = _rank_correlation(pair["seen"].to_numpy(), pair["modelled"].to_numpy())
        rows.append((field_id, rho, len(pair), flag))
    return pd.DataFrame(rows, columns=["field_id", "spearman_rho", "n_dates", "flag"])


def _rank_correlation(seen: np.ndarray, modelled: np.ndarray) -> tuple[float, str]:
    from scipy.stats import spearmanr

    if len(seen) < FEWEST_COMMON_DATES:
        return float("nan"), "not_enough_dates"
    if np.ptp(seen) == 0 or np.ptp(modelled) == 0:
        return float("nan"), "no_change"
    rho = float(spearmanr(seen, modelled).statistic)
    return rho, "low_agreement" if rho < LOWEST_AGREEMENT else ""


def _between(ndvi: xr.DataArray, transform: xr.DataArray, edges: Edges) -> tuple[xr.DataArray, xr.DataArray]:
    """Place between the edges, 0 dry to 1 wet and beyond, and the width between them; NaN where they meet."""
    dry, wet = edges.at(ndvi)
    width = (wet - dry).where(wet > dry)
    return (transform - dry) / width, width


def _standard_error(ndvi: xr.DataArray, swir: xr.DataArray, edges: Edges, rules: WetnessRules) -> xr.DataArray:
    """Of the wetness before it is clipped: what the edges, the band and the greenness add."""
    positive = swir.where(swir > 0)
    relative, width = _between(ndvi, shortwave_transform(positive), edges)
    by_dry, by_wet = (relative - 1) / width, -relative / width
    by_swir = -(1 - positive**2) / (2 * positive**2) / width
    dry_slope, wet_slope = _slopes(ndvi, edges)
    by_ndvi = by_dry * dry_slope + by_wet * wet_slope
    noise = rules.reflectance_se + rules.reflectance_se_share * positive
    variance = _variance_of_edges(ndvi, edges, by_dry, by_wet) + (by_swir * noise) ** 2
    return (variance + (by_ndvi * rules.ndvi_se) ** 2) ** 0.5


def _slopes(ndvi: xr.DataArray, edges: Edges) -> Sequence[xr.DataArray | float]:
    if edges.shape == "linear":
        return edges.dry.slope, edges.wet.slope
    return [edge.slope * at for edge, at in zip((edges.dry, edges.wet), edges.at(ndvi), strict=True)]


def _variance_of_edges(
    ndvi: xr.DataArray, edges: Edges, by_dry: xr.DataArray, by_wet: xr.DataArray
) -> xr.DataArray | float:
    if edges.covariance is None:
        return float("nan")
    gradient = []
    for edge, by_edge in ((edges.dry, by_dry), (edges.wet, by_wet)):
        if edges.shape == "linear":
            gradient += [by_edge, by_edge * ndvi]
        else:
            growth = np.exp(edge.slope * ndvi)
            gradient += [by_edge * growth, by_edge * growth * edge.intercept * ndvi]
    total: xr.DataArray = sum(  # type: ignore[assignment]
        edges.covariance[i][j] * gradient[i] * gradient[j] for i in range(4) for j in range(4)
    )
    return total.clip(min=0)
