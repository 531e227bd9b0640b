"""What the farms do: rotations, varieties, sowing, fertiliser, harvest, straw; one row a field and season."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.chance import chance
from agro.twin.estate import Soil
from agro.twin.plots import Plots, traits
from agro.twin.trial import TRIED

_EARLIEST_SOWING = 37  # [d] from 1 April: 8 May. assumption
_AUTUMN_SOWING = -219  # [d] 25 August of the year before. assumption
_WINTER_CROPS = ("winter_rye", "winter_wheat")
_GRASSES = ("perennial_grass", "idle_grass")
_UNFED = ("fallow", "pea", "soy", "idle_grass")  # get no nitrogen
_CUTS = 5  # [1] at most, in a season
_ABOUT = ("field_id", "farm_id", "district", "category", "area_ha", "mapped", "use")  # columns of the fields
_SEASON_COLUMNS = ("crop", "previous_crop", "straw", "n_kg_ha")  # what a season table may tell


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

    fields: those of `agro.twin.estate.Estate`; weather and winter_mm [mm] are those of each (district,
    season). `told` is a season table: what it says of crops, straw and nitrogen holds, the rest is made up.
    Days are counted from 1 April.
    """
    known = _known(told)
    rows = []
    for one in fields.itertuples(index=False):
        habits = _habits(one.farm_id, one.category, facts["care"], seed)
        habits["tilled"] &= one.use != "no_till"
        years = range(min(seasons) - 1, max(seasons) + 1)
        crops = _used(one, _rotation(one, years, facts["rotations"], known, seed))
        about = {name: getattr(one, name) for name in _ABOUT}
        for season in seasons:
            here = one.district, season
            said = known.get((one.field_id, season), {})
            habits["straw"] = said.get("straw", habits["straw"])
            made = _season(one.field_id, here, crops, habits, weather[here], winter_mm[here], facts, seed)
            rows.append({**about, **made, **_idle(season, one.idle_since, facts["parcels"]), **said})
    order = {field_id: i for i, field_id in enumerate(fields["field_id"])}
    work = pd.DataFrame(rows)
    work["_order"] = work["field_id"].map(order)
    return work.sort_values(["season", "_order"], ignore_index=True).drop(columns="_order")


def _known(told: pd.DataFrame | None) -> dict[tuple[str, int], dict[str, Any]]:
    """What a season table says, by field and season."""
    if told is None:
        return {}
    columns = [name for name in _SEASON_COLUMNS if name in told]
    return {
        (field_id, season): {name: value for name, value in zip(columns, values, strict=True) if not pd.isna(value)}
        for (field_id, season), *values in zip(
            zip(told["field_id"], told["season"], strict=True), *(told[name] for name in columns), strict=True
        )
    }


def _habits(farm_id: str, category: str, rules: Mapping[str, Any], seed: int) -> dict[str, Any]:
    farm = chance(seed, "farm", farm_id)
    return {
        "vigour": farm.normal(0, rules["vigour_farm_sd"]),
        "n_kg_ha": rules["n_kg_ha"].get(category, 0.0) * farm.uniform(0.4, 1.6),
        "straw": "left" if farm.random() < rules["straw_left_share"] else "removed",
        "tilled": bool(farm.random() >= rules["no_till_share"]),
    }


def _used(one: Any, crops: dict[int, str]) -> dict[int, str]:
    """The crops of a field or parcel by its use: hay every season, idle grass since nobody works it."""
    if one.use == "hay":
        return dict.fromkeys(crops, "perennial_grass")
    return {season: "idle_grass" if season >= one.idle_since else crop for season, crop in crops.items()}


def _idle(season: int, since: float, rules: Mapping[str, Any]) -> dict[str, Any]:
    """What years without work leave: last year's grass standing, and birches in the end."""
    years = season - since + 1
    if not years >= 1:
        return {"woody": 0.0}
    woody = rules["woody_share"] / (1 + np.exp(-(years - rules["woody_after"]) / 1.3))
    return {"woody": float(woody) if years > 2 else 0.0, "straw_lai": min(1.6, 0.3 + 0.45 * years)}


def _rotation(
    one: Any,
    seasons: Sequence[int],
    rotations: Mapping[str, Any],
    known: Mapping[tuple[str, int], Mapping[str, Any]],
    seed: int,
) -> dict[int, str]:
    random, field_id = chance(seed, "rotation", one.field_id), one.field_id
    weight = np.array([rotation["weight"] for rotation in rotations.values()], float)
    crops = list(rotations.values())[random.choice(len(weight), p=weight / weight.sum())]["crops"]
    if one.use == "no_till":
        crops = [crop for crop in crops if crop not in ("fallow", "perennial_grass", "potato")]
    start = int(random.integers(len(crops)))
    made = {season: crops[(season + start) % len(crops)] for season in seasons}
    before = {season: known.get((field_id, season + 1), {}).get("previous_crop", crop) for season, crop in made.items()}
    return {season: known.get((field_id, season), {}).get("crop", crop) for season, crop in before.items()}


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
    rules, season = facts["care"], here[1]
    crop, before = crops[season], crops[season - 1]
    random = chance(seed, "care", field_id, season)
    better = rules["trend"] * (season - rules["trend_from"])
    field = chance(seed, "field", field_id).normal(0, rules["vigour_field_sd"])
    fed = crop not in _UNFED and before != "fallow" and random.random() < rules["fed_share"]
    variety = str(random.choice(list(rules["varieties"])))
    return {
        "season": season,
        "crop": crop,
        "previous_crop": before,
        "variety": variety,
        "sown": _sown(crop, weather, facts["crops"], rules, random),
        "reaped_after": 128 + int(random.integers(rules["harvest_days"])),
        "n_kg_ha": float(5 * np.rint(max(0.0, habits["n_kg_ha"] * random.normal(1, 0.25)) / 5)) if fed else 0.0,
        "nitrate_kg_ha": _nitrate(before, habits, rules) * np.exp(random.normal(0, rules["nitrate_cv"])),
        "water": _water(before, habits, winter_mm / sum(facts["climate"]["winter_precipitation_mm"]), random),
        "lateness": rules["varieties"][variety]["lateness"],
        "vigour": (1 + 0.3 * better)
        * rules["varieties"][variety]["vigour"]
        * np.exp(habits["vigour"] + field + random.normal(0, rules["vigour_season_sd"])),
        "progress": 1 + 0.7 * better,
        "luck": _luck(here, crop, rules, seed) + random.normal(0, rules["unseen_field_sd"]),
        "straw": habits["straw"],
        "tilled": habits["tilled"],
        "straw_lai": _straw_lai(crop, before, habits["straw"], habits["tilled"]),
        "cuts": _cuts(crop, random),
        "trial": crop in TRIED and chance(seed, "tried", field_id, season).random() < facts["trial"]["field_share"],
    }


def _luck(here: tuple[str, int], crop: str, rules: Mapping[str, Any], seed: int) -> float:
    """What no leaf shows and all fields of a season share, and those of a district: of the yield's logarithm."""
    district, season = here
    shared, own = chance(seed, "unseen", season).normal(), chance(seed, "unseen", season, crop).normal()
    share = rules["shared_by_crops"]
    common = rules["unseen_year_sd"] * (np.sqrt(share) * shared + np.sqrt(1 - share) * own)
    return float(common + chance(seed, "unseen", district, season).normal(0, rules["unseen_district_sd"]))


def _nitrate(before: str, habits: Mapping[str, Any], rules: Mapping[str, Any]) -> float:
    """Nitrogen in the root zone before sowing [kg/ha]; straw that rots binds some, untilled soil frees less."""
    left = rules["nitrate_kg_ha"].get(before, rules["nitrate_kg_ha"]["other"])
    bound = 0.92 if habits["straw"] == "left" and before not in ("fallow", "potato") else 1.0
    return float(left * bound * (1.0 if habits["tilled"] else 0.9))


def _water(before: str, habits: Mapping[str, Any], winter: float, random: np.random.Generator) -> float:
    """Share of the root zone that is full on 1 April; a fallow and untilled stubble keep more of the snow."""
    kept = 0.08 * (before == "fallow") + 0.05 * (not habits["tilled"])
    return float(np.clip(0.80 * winter**0.5 + kept + random.normal(0, 0.04), 0.35, 1.0))


def _sown(
    crop: str, weather: pd.DataFrame, crops: Mapping[str, Any], rules: Mapping[str, Any], random: np.random.Generator
) -> int:
    """The day of sowing: as soon as five days were warm enough, and one farm's fields one after the other."""
    later = int(random.integers(rules["sowing_days"]))
    if crop in _GRASSES:
        return -1
    if crop in _WINTER_CROPS:
        return _AUTUMN_SOWING + later
    threshold = crops[crop].get("sowing_c", crops["spring_wheat"]["sowing_c"]) if crop in crops else 9.0
    sums = np.concatenate([np.zeros(1), weather["tmean_c"].to_numpy().cumsum()])
    warm = (sums[5:] - sums[:-5]) / 5 > threshold  # of five days, the last of them the fifth
    days = np.flatnonzero(warm[_EARLIEST_SOWING - 4 :])
    return later + (_EARLIEST_SOWING + int(days[0]) if len(days) else 50)


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
    own = ("sown", "reaped_after", "n_kg_ha", "water", "straw_lai", "tilled", "lateness", "vigour", "woody")
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
