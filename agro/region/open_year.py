"""The open year's yields by district and crop, their errors taken apart: from forecasts, where need be as usual."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from agro.domain.outlook import Misses
from agro.region.output_cells import Rules, usual_yield

_NORMAL_80 = 1.2816  # [1] half the width of a normal distribution's 80 % in standard errors
_COLUMNS = ["district", "product", "area_ha", "yield_t_ha", "area_cv", "year_cv", "district_cv", "own_cv", "how"]


def foreseen(
    areas: Mapping[tuple[str, str], tuple[float, float]],
    fields: pd.DataFrame,
    districts: pd.DataFrame,
    missed: Mapping[str, Misses | None],
    grown: pd.DataFrame,
    rules: Rules,
) -> pd.DataFrame:
    """Area and yield of each crop in each district in the open year.

    areas      (district, crop): area and its error [ha]
    fields     forecasts of fields: `subject`, `crop`, `district`, `area_ha` [ha], `value` [t/ha]
    districts  forecasts of districts and the region: `scope`, `subject`, `crop`, `quantity`, `value`, `se` [t/ha]
    missed     what forecasts of each crop missed before [1]
    grown      district, product, category, season, area_ha [ha], yield_t_ha [t/ha] of seasons before
    returns    (district, product) x (area_ha [ha], yield_t_ha [t/ha], area_cv, year_cv, district_cv, own_cv [1], `how`)
    source     a district's figure, else the mean of its fields (which is summed, never shown), else the region's, else
               as usual. Errors are as wide as the intervals that seasons left out vouch for: ours
    """
    rows = []
    for (district, crop), (area, area_se) in sorted(areas.items()):
        known = _known(district, crop, fields, districts)
        value, relative, how = known
        if not math.isfinite(value):
            value, year = _usual(district, crop, grown, rules)
            errors, how = (year, 0.0, 0.0), "usual"
        else:
            errors = _errors(relative, missed.get(crop), how, rules)
        cv = area_se / area if area else 0.0
        rows.append((district, crop, area, value, max(cv, rules.area_cv), *errors, how))
    return pd.DataFrame(rows, columns=_COLUMNS).set_index(["district", "product"])


def _known(district: str, crop: str, fields: pd.DataFrame, districts: pd.DataFrame) -> tuple[float, float, str]:
    """Yield [t/ha], its relative error [1] (of the district's own alone where its fields are summed), and from what."""
    own = districts[(districts["crop"] == crop) & districts["value"].gt(0)]
    for quantity, how in (("outcome_t_ha", "threshed"), ("yield_t_ha", "district")):
        row = own[(own["scope"] == "district") & (own["subject"] == district) & (own["quantity"] == quantity)]
        if len(row):
            return float(row["value"].iloc[0]), float(row["se"].iloc[0] / row["value"].iloc[0]), how
    seen = fields[(fields["crop"] == crop) & (fields["district"] == district) & fields["value"].notna()]
    if len(seen) and seen["area_ha"].sum() > 0:
        share = (seen["area_ha"] / seen["area_ha"].sum()).to_numpy()
        return float(share @ seen["value"].to_numpy()), math.sqrt(float((share**2).sum())), "fields"
    row = own[(own["scope"] == "region") & (own["quantity"] == "yield_t_ha")]
    if len(row):
        return float(row["value"].iloc[0]), float(row["se"].iloc[0] / row["value"].iloc[0]), "region"
    return np.nan, np.nan, ""


def _errors(relative: float, missed: Misses | None, how: str, rules: Rules) -> tuple[float, float, float]:
    """The relative error of a yield as what the year, the district, and this crop there make of it."""
    if missed is None:
        return rules.yield_cv, 0.0, 0.0
    wide = max(missed.reach.get(("region", 0.8), _NORMAL_80) / _NORMAL_80, 1.0)
    year, district = missed.year_cv, missed.district_cv
    if how == "fields":
        own = missed.field_cv * relative
    else:
        total2, shared2 = relative**2, year**2 + district**2
        own = math.sqrt(max(total2 - shared2, 0.0))
        if total2 < shared2:  # much is threshed already
            year, district = (part * relative / math.sqrt(shared2) for part in (year, district))
    return wide * year, wide * district, wide * own


def _usual(district: str, crop: str, grown: pd.DataFrame, rules: Rules) -> tuple[float, float]:
    own = grown[(grown["product"] == crop) & grown["area_ha"].gt(0)]
    here = own[own["district"] == district]
    rows = (here if len(here) else own).assign(tonnes=lambda table: table["area_ha"] * table["yield_t_ha"])
    sums = rows.groupby("season")[["tonnes", "area_ha"]].sum()
    return usual_yield(sums["tonnes"] / sums["area_ha"], rules)


def told_by_office(foretold: pd.DataFrame, office: pd.DataFrame, preliminary_cv: float) -> pd.DataFrame:
    """The same with what an office has told of the year itself already.

    foretold        of `foreseen` [t/ha]
    office          district, product, category, area_ha [ha], yield_t_ha [t/ha] of the year
    preliminary_cv  of a yield that may still be revised [1]
    returns         as `foretold` [t/ha]
    source          ours
    """
    if office.empty:
        return foretold
    rows = office.assign(tonnes=office["area_ha"] * office["yield_t_ha"])
    sums = rows.groupby(["district", "product"])[["tonnes", "area_ha"]].sum()
    out = foretold.copy()
    for cell in sums.index[sums["area_ha"] > 0]:
        area = float(sums.loc[cell, "area_ha"])
        value = float(sums.loc[cell, "tonnes"]) / area
        out.loc[cell, _COLUMNS[2:]] = [area, value, preliminary_cv, 0.0, 0.0, preliminary_cv, "office"]
    return out
