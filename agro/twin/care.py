"""What the farms do: rotations, sowing, fertiliser, harvest, straw; one row a field and season."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.chance import chance
from agro.twin.estate import Soil
from agro.twin.plots import Plots, traits

_EARLIEST_SOWING = (5, 8)  # month, day. assumption
_STANDS = ("winter_rye", "perennial_grass", "idle_grass")  # on 1 April already
_CUTS = 5  # [1] at most, in a season


def care(
    fields: pd.DataFrame,
    seasons: Sequence[int],
    weather: Mapping[tuple[str, int], pd.DataFrame],
    winter_mm: Mapping[tuple[str, int], float],
    facts: Mapping[str, Any],
    seed: int,
    told: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The work of every field and season, by season and then in the order of the fields.

    fields: field_id, farm_id, district, category, area_ha; weather and winter_mm [mm] are those of each (district,
    season); `told` names crops that are known already (field_id, season, crop). Days are counted from 1 April.
    """
    known = (
        {} if told is None else {(f, s): c for f, s, c in told[["field_id", "season", "crop"]].itertuples(index=False)}
    )
    rows = []
    for one in fields.itertuples(index=False):
        farm = chance(seed, "farm", one.farm_id)
        habits = {
            "vigour": farm.normal(0, facts["care"]["vigour_farm_sd"]),
            "n_kg_ha": facts["care"]["n_kg_ha"].get(one.category, 0.0) * farm.uniform(0.4, 1.6),
            "straw": "left" if farm.random() < facts["care"]["straw_left_share"] else "removed",
            "tilled": bool(farm.random() >= facts["care"]["no_till_share"]),
        }
        crops = _rotation(one.field_id, range(min(seasons) - 1, max(seasons) + 1), facts["rotations"], known, seed)
        for season in seasons:
            here = one.district, season
            rows.append(
                {
                    **{name: getattr(one, name) for name in ("field_id", "farm_id", "district", "category", "area_ha")},
                    **habits,
                    **_season(one.field_id, here, crops, habits, weather[here], winter_mm[here], facts, seed),
                }
            )
    order = {field_id: i for i, field_id in enumerate(fields["field_id"])}
    work = pd.DataFrame(rows)
    work["_order"] = work["field_id"].map(order)
    return work.sort_values(["season", "_order"], ignore_index=True).drop(columns="_order")


def _rotation(
    field_id: str, seasons: Sequence[int], rotations: Mapping[str, Any], known: Mapping[Any, str], seed: int
) -> dict[int, str]:
    random = chance(seed, "rotation", field_id)
    weight = np.array([rotation["weight"] for rotation in rotations.values()], float)
    crops = list(rotations.values())[random.choice(len(weight), p=weight / weight.sum())]["crops"]
    start = int(random.integers(len(crops)))
    return {season: known.get((field_id, season), crops[(season + start) % len(crops)]) for season in seasons}


def _season(
    field_id: str,
    here: tuple[str, int],
    crops: Mapping[int, str],
    habits: Mapping[str, Any],
    weather: pd.DataFrame,
    winter_mm: float,
    facts: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """One field's season: its crop, days [d], nitrogen [kg/ha], water [1], and what makes it better or worse."""
    rules, (district, season) = facts["care"], here
    crop, before = crops[season], crops[season - 1]
    random = chance(seed, "care", field_id, season)
    year, place = chance(seed, "unseen", season), chance(seed, "unseen", district, season)
    shared, share = year.normal(), rules["shared_by_crops"]
    own = chance(seed, "unseen", season, crop).normal()
    common = rules["unseen_year_sd"] * (np.sqrt(share) * shared + np.sqrt(1 - share) * own)
    better = rules["trend"] * (season - rules["trend_from"])
    field = chance(seed, "field", field_id).normal(0, rules["vigour_field_sd"])
    after = rules["nitrate_kg_ha"].get(before, rules["nitrate_kg_ha"]["other"])
    fed = crop not in ("fallow", "pea", "soy", "idle_grass") and before != "fallow" and random.random() < 0.85
    stands = crop in _STANDS
    normal_mm = sum(facts["climate"]["winter_precipitation_mm"])
    moist = 0.80 * (winter_mm / normal_mm) ** 0.5 + 0.08 * (before == "fallow") + random.normal(0, 0.04)
    return {
        "season": season,
        "crop": crop,
        "previous_crop": before,
        "sown": -1
        if stands
        else _sowing_day(weather, facts["crops"], crop) + int(random.integers(rules["sowing_days"])),
        "reaped_after": 128 + int(random.integers(rules["harvest_days"])),
        "n_kg_ha": float(5 * np.rint(max(0.0, habits["n_kg_ha"] * random.normal(1, 0.25)) / 5)) if fed else 0.0,
        "nitrate_kg_ha": after * np.exp(random.normal(0, rules["nitrate_cv"])),
        "water": float(np.clip(moist, 0.35, 1.0)),
        "vigour": (1 + 0.3 * better) * np.exp(habits["vigour"] + field + random.normal(0, rules["vigour_season_sd"])),
        "progress": 1 + 0.7 * better,
        "luck": common + place.normal(0, rules["unseen_district_sd"]) + random.normal(0, rules["unseen_field_sd"]),
        "straw_lai": _straw_lai(crop, before, habits["straw"], habits["tilled"]),
        "cuts": _cuts(crop, random),
    }


def _sowing_day(weather: pd.DataFrame, crops: Mapping[str, Any], crop: str) -> int:
    threshold = crops[crop].get("sowing_c", crops["spring_wheat"]["sowing_c"])
    warm = weather["tmean_c"].rolling(5).mean() > threshold
    first = pd.Timestamp(weather["day"].iloc[0].year, *_EARLIEST_SOWING)
    days = np.flatnonzero(warm & (weather["day"] >= first))
    return int(days[0]) if len(days) else 50


def _straw_lai(crop: str, before: str, straw: str, tilled: bool) -> float:
    if crop == "idle_grass":
        return 1.6
    if crop == "perennial_grass":
        return 0.5
    if before in ("fallow", "potato") or tilled:
        return 0.15
    return 1.1 if straw == "left" else 0.5


def _cuts(crop: str, random: np.random.Generator) -> tuple[int, ...]:
    """The days on which grass is mown, or a fallow is tilled."""
    if crop == "perennial_grass":
        first = int(random.integers(84, 106))
        return (first, first + int(random.integers(48, 62))) if random.random() < 0.6 else (first,)
    if crop == "fallow":
        return tuple(int(50 + 27 * i + random.integers(0, 9)) for i in range(_CUTS))
    return ()


def plots(work: pd.DataFrame, row: np.ndarray, soil: Soil, facts: Mapping[str, Any]) -> Plots:
    """The pixels of the fields and seasons of `work`; `row` says which row each pixel is of, `soil` what is below it.

    The weather's columns are the (season, district) of `work` in the order of their coming.
    """
    codes = sorted(work["crop"].unique())
    crop = work["crop"].map({code: i for i, code in enumerate(codes)}).to_numpy()
    places = work[["season", "district"]].drop_duplicates().reset_index(drop=True)
    place = work[["season", "district"]].merge(places.assign(place=places.index), on=["season", "district"])["place"]
    cuts = np.full((_CUTS, len(work)), -1)
    for i, days in enumerate(work["cuts"]):
        cuts[: len(days), i] = days
    rich = (soil.mineral_kg_ha / facts["land"]["mineral_kg_ha"]) ** 0.7
    own = ("sown", "reaped_after", "n_kg_ha", "water", "straw_lai", "tilled", "vigour")
    return Plots(
        traits=traits(facts["crops"], codes, crop[row] if len(codes) > 1 else np.zeros(1, int)),
        place=place.to_numpy()[row],
        capacity_mm=soil.capacity_mm,
        mineral_kg_ha=soil.mineral_kg_ha,
        stand=soil.stand,
        brightness=soil.brightness,
        nitrate_kg_ha=work["nitrate_kg_ha"].to_numpy()[row] * rich,
        unseen=(work["progress"] * np.exp(work["luck"])).to_numpy()[row],
        cuts=cuts[:, row],
        **{name: work[name].to_numpy()[row] for name in own},
    )
