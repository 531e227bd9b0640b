"""What farms and the statistical office write down of the harvest: by field, and by district, crop and kind of farm."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from agro.twin.chance import chance

NO_HARVEST = ("fallow", "idle_grass")
_GREEN = ("perennial_grass", "potato")  # weighed as they are: no bunker, no cleaning
_STANDARD_MOISTURE_PCT = 14.0  # [%] of grain that was cleaned and dried
_FIRST_ERROR = 0.02  # [1] of the first figures of a season against the last. assumption


def harvest_records(fields: pd.DataFrame, facts: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """What the farms weighed, a row a field and season with a harvest; `fields` are those of the truth.

    Most farms weigh in the bunker: grain as it comes, wet and with weeds; every farm's scale errs in its own way.
    """
    rules, rows = facts["care"], []
    for one in fields[fields["yield_t_ha"].notna()].itertuples(index=False):
        farm, own = chance(seed, "scale", one.farm_id), chance(seed, "record", one.field_id, one.season)
        scale = 1 + farm.normal(0, rules["farm_scale_sd"])
        basis = "bunker" if farm.random() < rules["bunker_share"] and one.crop not in _GREEN else "barn"
        moisture = (
            max(9.0, _STANDARD_MOISTURE_PCT + own.normal(3.0, 1.5)) if basis == "bunker" else _STANDARD_MOISTURE_PCT
        )
        weeds = max(0.0, own.normal(rules["bunker_weeds"], 0.015)) if basis == "bunker" else 0.0
        wet = (100 - _STANDARD_MOISTURE_PCT) / (100 - moisture)
        rows.append(
            {
                **{name: getattr(one, name) for name in ("field_id", "season", "crop", "harvested_on")},
                "area_ha": round(one.area_ha, 1),
                "yield_t_ha": round(one.yield_t_ha * scale * (1 + weeds) * wet, 2),
                "weight_basis": basis,
                "moisture_pct": round(moisture, 1) if one.crop not in _GREEN else None,
            }
        )
    columns = ["field_id", "season", "crop", "harvested_on", "area_ha", "yield_t_ha", "weight_basis", "moisture_pct"]
    return pd.DataFrame(rows, columns=columns)


def district_statistics(fields: pd.DataFrame, facts: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """The office's figures of each season: first in November, then, revised and right to the tonne, in March."""
    grown = fields[fields["yield_t_ha"].notna()]
    keys = ["district", "crop", "category", "season"]
    sums = grown.groupby(keys, as_index=False)[["area_ha", "production_t"]].sum()
    sums = sums.assign(weight_basis="barn")
    random = chance(seed, "office")
    first = sums.assign(
        area_ha=(sums["area_ha"] * (1 + random.normal(0, _FIRST_ERROR / 2, len(sums)))).round(-1),
        production_t=(sums["production_t"] * (1 + random.normal(0, _FIRST_ERROR, len(sums)))).round(-1),
        vintage=[date(season, 11, 20) for season in sums["season"]],
    )
    last = sums.assign(
        area_ha=sums["area_ha"].round(),
        production_t=sums["production_t"].round(),
        vintage=[date(season + 1, 3, 15) for season in sums["season"]],
    )
    return pd.concat([first, last], ignore_index=True).sort_values([*keys, "vintage"], ignore_index=True)
