"""What farms and the statistical office write down of the harvest: by field, and by district, crop and kind of farm."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from agro.twin.chance import chance

NO_HARVEST = ("fallow", "idle_grass")
_GREEN = ("perennial_grass", "potato", "maize")  # weighed as they are: no bunker, no cleaning
_STANDARD_MOISTURE_PCT = 14.0  # [%] of grain that was cleaned and dried
_FIRST_ERROR = 0.02  # [1] of the first figures of a season against the last. assumption


@dataclass(frozen=True)
class Weighing:
    """How a field's harvest is weighed: bunker or barn, moisture [%], the scale [1], and weight as it comes over clean
    and dry weight [1]."""

    basis: str
    moisture_pct: float
    scale: float
    over_barn: float


def weighing(one: Any, rules: Mapping[str, Any], seed: int, in_bunker: bool | None = None) -> Weighing:
    """How the harvest of a field and season is weighed; `one` has field_id, farm_id, season and crop.

    Most farms weigh in the bunker: grain as it comes, wet and with weeds; `in_bunker` says that it is so.
    """
    if in_bunker is None:
        in_bunker = chance(seed, "basis", one.farm_id).random() < rules["bunker_share"] and one.crop not in _GREEN
    own, scale = chance(seed, "record", one.field_id, one.season), scale_of(one.farm_id, rules, seed)
    moisture = max(9.0, _STANDARD_MOISTURE_PCT + own.normal(3.0, 1.5))
    weeds = max(0.0, own.normal(rules["bunker_weeds"], 0.015))
    if not in_bunker:
        return Weighing("barn", _STANDARD_MOISTURE_PCT, scale, 1.0)
    return Weighing("bunker", moisture, scale, (1 + weeds) * (100 - _STANDARD_MOISTURE_PCT) / (100 - moisture))


def scale_of(farm_id: str, rules: Mapping[str, Any], seed: int) -> float:
    """What a farm's scale shows of one tonne."""
    return float(1 + chance(seed, "scale", farm_id).normal(0, rules["farm_scale_sd"]))


def harvest_records(fields: pd.DataFrame, facts: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """What the farms weighed, a row a field and season with a harvest; `fields` are those of the truth."""
    rows = []
    for one in fields[fields["yield_t_ha"].notna()].itertuples(index=False):
        weighed = weighing(one, facts["care"], seed)
        rows.append(
            {
                **{name: getattr(one, name) for name in ("field_id", "season", "crop", "harvested_on")},
                "area_ha": round(one.area_ha, 1),
                "yield_t_ha": round(one.yield_t_ha * weighed.scale * weighed.over_barn, 2),
                "weight_basis": weighed.basis,
                "moisture_pct": round(weighed.moisture_pct, 1) if one.crop not in _GREEN else None,
            }
        )
    columns = ["field_id", "season", "crop", "harvested_on", "area_ha", "yield_t_ha", "weight_basis", "moisture_pct"]
    return pd.DataFrame(rows, columns=columns)


def district_statistics(fields: pd.DataFrame, facts: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """The office's figures of each season: first in November, then, revised and right to the tonne, in March.

    Of every field, whether it has an outline on record or not, and of the potatoes that households grow.
    """
    grown = fields[fields["yield_t_ha"].notna()]
    keys = ["district", "crop", "category", "season"]
    sums = grown.groupby(keys, as_index=False)[["area_ha", "production_t"]].sum()
    sums = pd.concat([sums, _households(fields, facts["statistics"], seed)], ignore_index=True)
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


def _households(fields: pd.DataFrame, rules: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """Potatoes of households, on gardens that no map shows: slowly less, and good and bad years."""
    rows = []
    for district in sorted(fields["district"].unique()):
        area = chance(seed, "gardens", district).uniform(*rules["garden_ha"])
        for season in sorted(fields["season"].unique()):
            year = chance(seed, "gardens", season).normal(0, 0.10) + chance(seed, "gardens", district, season).normal(
                0, 0.05
            )
            here = area * (1 + rules["garden_trend"]) ** (season - 2017)
            tonnes = here * rules["garden_t_ha"] * (1 + year)
            rows.append((district, "potato", "households", season, here, tonnes))
    return pd.DataFrame(rows, columns=["district", "crop", "category", "season", "area_ha", "production_t"])
