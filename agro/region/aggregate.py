"""Fields to districts to the region: yield and tonnes of a crop, with what was not seen and what all fields share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from agro.domain.errors import Refusal
from agro.domain.outlook import Estimate, Forecast, Misses, Scope, few_seasons

Array = np.ndarray

_FEWEST_FOR_SLOPE = 8  # [1] fields below which no regression on their green is told from chance. source: ours


@dataclass(frozen=True)
class Cover:
    """When a district's figure is told: at least this share of the crop's area [1] foreseen, of so many farms."""

    least_share: float
    fewest_farms: int


@dataclass(frozen=True)
class Asked:
    """What the figures are of, by which model, what the region is called, and what the model missed before.

    missed   None where seasons are too few to know
    """

    crop: str
    season: int
    as_of: date
    model: str
    region: str
    missed: Misses | None


@dataclass(frozen=True)
class DistrictYield:
    """A district's figure taken apart, before it is told.

    value_t_ha            [t/ha]; NaN where no field is foreseen
    own2                  [1] relative variance that no other district shares
    area_ha, area_se_ha   [ha] of the crop; seen_ha [ha] of it are foreseen field by field, of so many farms
    why                   why it is withheld, None where it is told
    """

    district: str
    value_t_ha: float
    own2: float
    area_ha: float
    area_se_ha: float
    seen_ha: float
    farms: int
    why: Refusal | None

    @property
    def share(self) -> float:
        """[1] of the crop's area that is foreseen field by field."""
        return self.seen_ha / self.area_ha if self.area_ha else 0.0


def district_yield(
    district: str, fields: pd.DataFrame, area: tuple[float, float] | None, field_cv: float, cover: Cover
) -> DistrictYield:
    """The yield of a crop in one district: its fields by area, and a regression on their green for the rest.

    district   its code [-]
    fields     a row a mapped field of the crop: `farm_id`, `area_ha` [ha], `value_t_ha` [t/ha] (NaN: not foreseen),
               `green` any index of the canopy that is known of most fields [1], NaN where not seen
    area       area of the crop in the district and its standard error [ha]; None: nobody said more than is mapped
    field_cv   of a field's own error [1]
    cover      when the figure is told
    returns    DistrictYield [t/ha]; the sampling error counts what was not foreseen, (1 - f) S2 (1 - r2) / n, and
               the fields' own errors over as many fields as the whole area has
    source     Cochran 1977, section 7.1 (regression estimator); n as if fields were equal: Kish 1965
    """
    told = fields[fields["value_t_ha"].notna()]
    mapped, seen = float(fields["area_ha"].sum()), float(told["area_ha"].sum())
    area_ha, area_se_ha = area if area is not None else (mapped, 0.0)
    area_ha = max(area_ha, mapped)
    if told.empty:
        return DistrictYield(district, np.nan, np.nan, area_ha, area_se_ha, 0.0, 0, _withheld(0, 0.0, cover))
    share, value = told["area_ha"].to_numpy() / seen, told["value_t_ha"].to_numpy()
    slope, explained = _regression(told["green"].to_numpy("float64"), value, share)
    known = fields.dropna(subset=["green"])
    shift = 0.0
    if slope and len(known):
        shift = float(np.average(known["green"], weights=known["area_ha"]) - share @ told["green"].to_numpy("float64"))
    mean = float(share @ value)
    spread2, crowd = float(share @ (value - mean) ** 2), float((share**2).sum())
    mean = max(mean + slope * shift, 0.0)
    unseen = 1 - seen / area_ha
    own2 = unseen * crowd * spread2 * (1 - explained) / max(mean, 1e-6) ** 2 + field_cv**2 * crowd * (1 - unseen)
    farms = int(told["farm_id"].nunique())
    why = _withheld(farms, seen / area_ha, cover)
    return DistrictYield(district, mean, own2, area_ha, area_se_ha, seen, farms, why)


def told_yields(districts: Sequence[DistrictYield], asked: Asked, cover: Cover) -> list[Forecast]:
    """Forecasts of yield and tonnes for each district and for the region, all of one season's common error.

    districts   of one crop
    asked       what the figures are of
    cover       when a figure is told [1]
    returns     two Forecasts a district and two of the region, in [t/ha] and [t]; the region's rest on the districts
                that are told, so that no withheld one can be found by subtraction; on all where none is told
    source      product of two errors: Goodman 1960; common season error: ours
    """
    forecasts = []
    shared2 = asked.missed.year_cv**2 + asked.missed.district_cv**2 if asked.missed else np.nan
    for one in districts:
        estimate = None if one.why else _estimate(one.value_t_ha, shared2 + one.own2)
        forecasts += _pair("district", one.district, asked, estimate, (one.area_ha, one.area_se_ha, one.share), one.why)
    return [*forecasts, *_region(districts, asked, cover)]


def _region(districts: Sequence[DistrictYield], asked: Asked, cover: Cover) -> list[Forecast]:
    told = [one for one in districts if one.why is None] or [one for one in districts if one.seen_ha]
    every = sum(one.area_ha for one in districts)
    seen = sum(one.seen_ha for one in told) / every if every else 0.0
    why = _withheld(sum(one.farms for one in told), seen, cover)
    if why is not None:
        return _pair("region", asked.region, asked, None, (every, 0.0, 0.0), why)
    area, value, own2 = (np.array([getattr(one, name) for one in told]) for name in ("area_ha", "value_t_ha", "own2"))
    yields = float(area @ value / area.sum())
    share = area * value / (area @ value) if yields else area / area.sum()
    missed = asked.missed
    variance = missed.year_cv**2 + float(share**2 @ (missed.district_cv**2 + own2)) if missed else np.nan
    area_se = math.sqrt(sum(one.area_se_ha**2 for one in told))
    about = (float(area.sum()), area_se, seen)
    return _pair("region", asked.region, asked, _estimate(yields, variance), about, None)


def _estimate(value: float, variance: float) -> Estimate:
    return Estimate(value, value * math.sqrt(variance) if variance == variance else np.nan, "t/ha")


def _pair(
    scope: Scope,
    subject: str,
    asked: Asked,
    estimate: Estimate | None,
    about: tuple[float, float, float],
    why: Refusal | None,
) -> list[Forecast]:
    """The yield, and the tonnes on the crop's area; `about`: area and its error [ha], share foreseen [1]."""
    area_ha, area_se, answered = about
    tonnes = None
    if estimate is not None:
        variance = (area_ha * estimate.se) ** 2 + (estimate.value * area_se) ** 2 + (area_se * estimate.se) ** 2
        tonnes = Estimate(estimate.value * area_ha, math.sqrt(variance), "t")
    missed = asked.missed
    if why is None and not (missed and missed.ends(0.0, 0.0, scope)):
        why = few_seasons(missed.seasons if missed else 0)
    told = []
    for quantity, one in (("yield_t_ha", estimate), ("production_t", tonnes)):
        ends = missed.ends(one.value, one.se, scope) if one and missed else ()
        common = (scope, subject, asked.crop, asked.season, quantity, asked.as_of)
        told.append(Forecast(*common, one, ends, asked.model, answered, why))  # type: ignore[arg-type]
    return told


def _regression(green: Array, value: Array, share: Array) -> tuple[float, float]:
    """Slope of the fields' yields on their green and the share of variance it explains; 0 where they are too few."""
    if len(value) < _FEWEST_FOR_SLOPE or not np.isfinite(green).all():
        return 0.0, 0.0
    away, off = green - share @ green, value - share @ value
    spread, both, total = (float(share @ v) for v in (away**2, away * off, off**2))
    return (both / spread, both**2 / (spread * total)) if spread and total else (0.0, 0.0)


def _withheld(farms: int, share: float, cover: Cover) -> Refusal | None:
    seen, least = round(100 * share), round(100 * cover.least_share)
    facts = {"farms": farms, "fewest": cover.fewest_farms, "seen": seen, "least": least}
    if not farms and not share:
        return Refusal("DISTRICT-NOTHING", "no field of the crop is foreseen", "see why in the table of fields", facts)
    if farms < cover.fewest_farms:
        return Refusal(
            "DISTRICT-FEW-FARMS",
            "fields of too few farms ({farms}); a figure is told from {fewest}, so that it shows no single farm",
            "add the fields of more farms",
            facts,
        )
    if share < cover.least_share:
        return Refusal(
            "DISTRICT-LITTLE-SEEN",
            "{seen} % of the crop's area is foreseen field by field; a figure is told from {least} %",
            "add outlines and harvests of more fields",
            facts,
        )
    return None
