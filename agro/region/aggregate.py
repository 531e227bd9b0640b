"""Fields to districts to the region: yields and tonnes of a crop, with what was not seen and what all fields share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from agro.domain.errors import Refusal
from agro.domain.outlook import Estimate, Forecast, Interval, Misses, Scope

Array = np.ndarray

_FEWEST_FOR_SLOPE = 8  # [1] fields below which no regression on their green is told from chance. source: ours


@dataclass(frozen=True)
class Cover:
    """When a district's figure is told: at least this share of the crop's area [1] foreseen, of so many farms."""

    least_share: float
    fewest_farms: int


@dataclass(frozen=True)
class Asked:
    """What the figures are of: crop, season, the day of knowledge, the fitted model's name, the region's name."""

    crop: str
    season: int
    as_of: date
    model: str
    region: str


@dataclass(frozen=True)
class DistrictYield:
    """A district's figure taken apart: `value_t_ha`; `own2` [t2/ha2] is the variance that no other district shares.

    area_ha, area_se_ha   of the crop; seen_ha of it are foreseen field by field
    why                   why it is withheld, None where it is told
    """

    district: str
    value_t_ha: float
    own2: float
    area_ha: float
    area_se_ha: float
    seen_ha: float
    why: Refusal | None


def district_yield(district: str, fields: pd.DataFrame, area: tuple[float, float] | None, field_sd: float, cover: Cover) -> DistrictYield:  # fmt: skip  # noqa: E501
    """The yield of a crop in one district: its fields by area, and a regression on their green for the rest.

    district   its code [-]
    fields     a row a mapped field of the crop: `farm_id`, `area_ha` [ha], `value_t_ha` [t/ha] (NaN: not foreseen),
               `green` any wall-to-wall index of the crop [1], NaN where not seen
    area       area of the crop in the district and its standard error [ha]; None: nobody said more than the mapped
    field_sd   of a field's own error [t/ha]
    cover      when the figure is told
    returns    DistrictYield; the sampling error counts what was not foreseen: (1 - f) S2 (1 - r2) / n
    source     Cochran 1977, section 7.1 (regression estimator); n as if fields were equal: Kish 1965
    """
    told = fields[fields["value_t_ha"].notna()]
    mapped = float(fields["area_ha"].sum())
    area_ha, area_se_ha = area if area is not None else (mapped, 0.0)
    area_ha = max(area_ha, mapped)
    seen = float(told["area_ha"].sum())
    why = _withheld(district, told, seen / area_ha if area_ha else 0.0, cover)
    if told.empty:
        return DistrictYield(district, np.nan, np.nan, area_ha, area_se_ha, 0.0, why)
    share = told["area_ha"].to_numpy() / seen
    value = told["value_t_ha"].to_numpy()
    mean = float(share @ value)
    spread2 = float(share @ (value - mean) ** 2)
    slope, explained = _regression(told, share, mean)
    green = fields.dropna(subset=["green"])
    if slope and len(green):
        shift = np.average(green["green"], weights=green["area_ha"]) - np.average(told["green"], weights=share)
        mean += slope * float(shift)
    crowd = float((share**2).sum())
    unseen = 1 - seen / area_ha
    own2 = unseen * crowd * spread2 * (1 - explained) + field_sd**2 * crowd * (1 - unseen)
    return DistrictYield(district, max(mean, 0.0), own2, area_ha, area_se_ha, seen, why)


def _regression(told: pd.DataFrame, share: Array, mean: float) -> tuple[float, float]:
    """Slope of the fields' yields on their green and the share of variance it explains; 0 where they are too few."""
    green = told["green"].to_numpy("float64")
    if len(told) < _FEWEST_FOR_SLOPE or not np.isfinite(green).all():
        return 0.0, 0.0
    away, off = green - share @ green, told["value_t_ha"].to_numpy() - mean
    spread, both, total = (float(share @ v) for v in (away**2, away * off, off**2))
    if not spread or not total:
        return 0.0, 0.0
    return both / spread, both**2 / (spread * total)


def _withheld(district: str, told: pd.DataFrame, share: float, cover: Cover) -> Refusal | None:
    farms = told["farm_id"].nunique()
    if told.empty:
        return Refusal(
            "DISTRICT-NOTHING",
            "{district}: no field of the crop is foreseen",
            "see why in the table of fields",
            {"district": district},
        )
    if farms < cover.fewest_farms:
        return Refusal(
            "DISTRICT-FEW-FARMS",
            "{district}: fields of {met} farms, a figure is told from {expected}, so that it shows no single farm",
            "add the fields of more farms",
            {"district": district, "met": farms, "expected": cover.fewest_farms},
        )
    if share < cover.least_share:
        return Refusal(
            "DISTRICT-LITTLE-SEEN",
            "{district}: {met} % of the crop's area is foreseen field by field, a figure is told from {expected} %",
            "add outlines and harvests of more fields",
            {"district": district, "met": round(100 * share), "expected": round(100 * cover.least_share)},
        )
    return None


def told_yields(districts: list[DistrictYield], known: Misses, asked: Asked) -> list[Forecast]:
    """Forecasts of yield and tonnes for each district, and for the region: all of one season's common error.

    districts   of one crop
    known       what forecasts missed in seasons not seen [t/ha]
    asked       what the figures are of
    returns     two Forecasts a district and two of the region, in [t/ha] and [t]; the region's rest on the districts
                that are told, so that no withheld one can be found by subtraction
    source      product of two errors: Goodman 1960; common season error: ours
    """
    shared2 = known.year_sd**2 + known.district_sd**2
    forecasts = []
    for one in districts:
        estimate = None if one.why else Estimate(one.value_t_ha, math.sqrt(shared2 + one.own2), "t/ha")
        forecasts += _pair("district", one.district, estimate, (one.area_ha, one.area_se_ha), one.seen_ha / one.area_ha if one.area_ha else 0.0, one.why, known, asked)  # fmt: skip  # noqa: E501
    return [*forecasts, *_region(districts, known, asked)]


def _region(districts: list[DistrictYield], known: Misses, asked: Asked) -> list[Forecast]:
    told = [one for one in districts if one.why is None]
    area = np.array([one.area_ha for one in told])
    every = sum(one.area_ha for one in districts)
    seen = sum(one.seen_ha for one in told)
    if not told:
        why = Refusal("REGION-NOTHING", "{region}: no district can be told", "see why district by district", {"region": asked.region})  # fmt: skip  # noqa: E501
        return _pair("region", asked.region, None, (every, 0.0), 0.0, why, known, asked)
    share = area / area.sum()
    value = float(share @ np.array([one.value_t_ha for one in told]))
    own2 = float(share**2 @ np.array([known.district_sd**2 + one.own2 for one in told]))
    estimate = Estimate(value, math.sqrt(known.year_sd**2 + own2), "t/ha")
    area_se = math.sqrt(sum(one.area_se_ha**2 for one in told))
    return _pair("region", asked.region, estimate, (float(area.sum()), area_se), seen / every, None, known, asked)


def _pair(scope: Scope, subject: str, estimate: Estimate | None, area: tuple[float, float], answered: float, why: Refusal | None, known: Misses, asked: Asked) -> list[Forecast]:  # fmt: skip  # noqa: E501
    """The yield, and the tonnes on the crop's area."""
    tonnes = None
    if estimate is not None:
        area_ha, area_se = area
        variance = (area_ha * estimate.se) ** 2 + (estimate.value * area_se) ** 2 + (area_se * estimate.se) ** 2
        tonnes = Estimate(estimate.value * area_ha, math.sqrt(variance), "t")
    reach = {level: r for (of, level), r in known.reach.items() if of == scope}
    if why is None and not reach:
        why = few_seasons(known.seasons)
    common = (asked.as_of, asked.model, answered, why)
    return [
        _forecast(scope, subject, asked, "yield_t_ha", estimate, reach, common),
        _forecast(scope, subject, asked, "production_t", tonnes, reach, common),
    ]


def _forecast(scope: Scope, subject: str, asked: Asked, quantity, estimate, reach: Mapping[float, float], common) -> Forecast:  # type: ignore[no-untyped-def]  # fmt: skip  # noqa: E501
    as_of, model, answered, why = common
    ends = () if estimate is None else tuple(
        Interval(level, max(estimate.value - r * estimate.se, 0.0), estimate.value + r * estimate.se)
        for level, r in sorted(reach.items())
    )
    return Forecast(scope, subject, asked.crop, asked.season, quantity, as_of, estimate, ends, model, answered, why)
