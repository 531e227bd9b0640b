"""What is known of a field's season by a day: its canopy, its growth, the weather, the ground, the work done.

Everything after the day is cut off here, once more, whatever the caller did: no column can look ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
import pandas as pd

Array = np.ndarray

LAYERS = ("ndvi", "evi2", "ndre", "ndmi", "lai")
_MONTHS = {5: "may", 6: "june", 7: "july", 8: "august"}
_FEWEST_DAYS = 5  # [d] of a month that make a figure of it. source: ours
_LATE_D = 30  # [d] "lately". source: ours
_NOW_D = 5  # [d] "now". source: ours
_RISEN = 0.45  # [1] NDVI of a closed row. source: ours
_WARM_C = 10.0  # [degC] days that count for the hydrothermal coefficient. source: Selyaninov 1937
_DOWNPOUR_MM, _WET_MM = 10.0, 2.0  # [mm/d] rain that lays a heavy crop down, and that keeps the combine away. ours
_GDD_BASE_C = 5.0  # [degC] growing degree days. source: METHODS
_VEIL, _VEIL_D = (
    0.08,
    35,
)  # [1] NDVI below its neighbours, no farther than that apart [d]: an unseen cloud. source: ours
_PULSES, _CEREALS = ("pea", "soy"), ("spring_wheat", "barley", "oats", "winter_rye", "winter_wheat")


@dataclass(frozen=True)
class GrowthRules:
    """Numbers of light, warmth, stress and stages; units and sources in configs/yields.toml."""

    light_share: float
    bare_ndvi: float
    full_ndvi: float
    lowest_c: float
    best_c: float
    heat_c: float
    stress_below: float
    flowers_from_cd: float
    filling_from_cd: float
    ripe_cd: float


@dataclass(frozen=True)
class Known:
    """One season of some fields, day by day: arrays (day, field), NaN where unknown.

    days                      (day) from the autumn before to the last day that is known
    canopy                    daily curves of LAYERS, NaN for fields and days that were not seen
    usual_ndvi                the crop's usual curve, which stands in where a field was not seen at all
    rain_mm, tmean_c, tmax_c, radiation_mj_m2, et0_mm   the weather [mm, degC, MJ/m2, mm]
    stress, transpiration_mm, water_100cm_mm            the soil water balance [1, mm, mm]
    """

    days: pd.DatetimeIndex
    canopy: Mapping[str, Array]
    usual_ndvi: Array
    rain_mm: Array
    tmean_c: Array
    tmax_c: Array
    radiation_mj_m2: Array
    et0_mm: Array
    stress: Array
    transpiration_mm: Array
    water_100cm_mm: Array


def believed(day: Array, ndvi: Array) -> Array:
    """Which looks are believed: not one that alone lies far below the line between its neighbours.

    day      (look,) days in order [d]
    ndvi     (look,) `ndvi` of a field [1]
    returns  (look,) whether it is kept [-]; the first and the last always are
    source   ours: thin cloud that the classification missed; a real fall lasts to the next look
    """
    kept = list(range(len(day)))
    place = 1
    while 0 < place < len(kept) - 1:
        a, b, c = kept[place - 1], kept[place], kept[place + 1]
        line = ndvi[a] + (ndvi[c] - ndvi[a]) * (day[b] - day[a]) / (day[c] - day[a])
        if ndvi[b] < line - _VEIL and day[c] - day[a] <= _VEIL_D:
            del kept[place]
            place = max(place - 1, 1)
        else:
            place += 1
    which: Array = np.isin(np.arange(len(day)), kept)
    return which


def selyaninov(rain_mm: Array, tmean_c: Array) -> Array:
    """The hydrothermal coefficient: rain over a tenth of the warmth, of the days above 10 degC.

    rain_mm, tmean_c   (day, field) [mm], [degC]
    returns            (field,) [1]; NaN where no day was that warm
    source             Selyaninov 1937; 200 mm and 1600 degC give 1.25
    """
    warm = tmean_c > _WARM_C
    sum_c = np.where(warm, tmean_c, 0.0).sum(axis=0)
    rain = np.where(warm, rain_mm, 0.0).sum(axis=0)
    told: Array = np.divide(rain, 0.1 * sum_c, out=np.full(len(sum_c), np.nan), where=sum_c > 0)
    return told


def season_features(table: pd.DataFrame, known: Known, rules: GrowthRules, as_of: date) -> pd.DataFrame:
    """The features of some fields of one season, as of a day.

    table    a row a field, in the order of `known`: `field_id`, `season`, `sown_on`, `previous_crop`, `n_kg_ha` [kg/ha]
             and any columns of the ground, which are taken as they are
    known    the season day by day; what lies after the day is not read
    rules    numbers of growth [1, degC]
    as_of    the last day that is known [date]
    returns  a row a field: `field_id`, `season` and the columns of `feature_blocks`, units in their names; NaN: unknown
    source   Monteith 1977 (light), Steduto 2009 (transpiration), Selyaninov 1937; choice of windows: ours
    """
    known = _by(known, as_of)
    sown = pd.to_datetime(table["sown_on"])
    table = table.assign(sown_on=sown.where(sown <= pd.Timestamp(as_of)))
    season = int(table["season"].iloc[0])
    green = np.where(np.isfinite(known.canopy["ndvi"]), known.canopy["ndvi"], known.usual_ndvi)
    columns = {
        **_canopy(known, season),
        **_growth(known, green, rules, season),
        **_stages(known, green, _since_sowing(known, table, season), rules),
        **_weather(known, table, rules, season),
        **_work(table, season),
    }
    ground = {name: table[name] for name in table.columns if name.startswith("ground_")}
    return pd.DataFrame(
        {"field_id": table["field_id"].to_numpy(), "season": season, **columns, **ground}, index=table.index
    )


def feature_blocks(features: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """The features by what they tell of; those that say nothing are left out.

    features   as `season_features` gives them, of all seasons
    returns    names of columns [-] by block: canopy, growth, weather, ground, work; without columns that are known
               nowhere or the same everywhere
    source     ours
    """
    alive = [name for name in features.columns if "_" in name and features[name].nunique() > 1]
    names = ("canopy", "growth", "weather", "ground", "work")
    return {block: mine for block in names if (mine := tuple(name for name in alive if name.startswith(f"{block}_")))}


def _by(known: Known, as_of: date) -> Known:
    last = int(known.days.searchsorted(pd.Timestamp(as_of), side="right"))
    cut = {one.name: getattr(known, one.name) for one in fields(known)}
    layers = {name: values[:last] for name, values in known.canopy.items()}
    return replace(known, **{name: values[:last] for name, values in cut.items() if name != "canopy"}, canopy=layers)


def _canopy(known: Known, season: int) -> dict[str, Array]:
    """Season curve and integrals to date, red edge, moisture."""
    spring = known.days >= pd.Timestamp(season, 4, 1)
    curve = {name: values[spring] for name, values in known.canopy.items()}
    ndvi = curve["ndvi"]
    seen = np.isfinite(ndvi).any(axis=0)
    told: dict[str, Array] = {}
    for name, values in curve.items():
        told[f"canopy_{name}_peak"] = _over(np.nanmax, values)
        told[f"canopy_{name}_lately"] = _over(np.nanmean, values[-_LATE_D:])
    told["canopy_ndvi_now"] = _over(np.nanmean, ndvi[-_NOW_D:])
    told["canopy_lai_now"] = _over(np.nanmean, curve["lai"][-_NOW_D:])
    told["canopy_evi2_sum_d"] = np.where(seen, np.nansum(curve["evi2"], axis=0), np.nan)
    told["canopy_lai_sum_d"] = np.where(seen, np.nansum(curve["lai"], axis=0), np.nan)
    filled = np.where(np.isfinite(ndvi), ndvi, -1.0)
    told["canopy_peak_day_d"] = np.where(seen, filled.argmax(axis=0), np.nan)
    risen = filled > _RISEN
    told["canopy_rise_day_d"] = np.where(seen, np.where(risen.any(axis=0), risen.argmax(axis=0), len(ndvi)), np.nan)
    told["canopy_lai_peak_log"] = np.log(np.maximum(told["canopy_lai_peak"], 0.1))
    return told


def _growth(known: Known, green: Array, rules: GrowthRules, season: int) -> dict[str, Array]:
    """Light and water that the canopy took, and what of it came after its peak, when grain fills."""
    spring = known.days >= pd.Timestamp(season, 4, 1)
    ndvi, stress, mean, hot = (v[spring] for v in (green, known.stress, known.tmean_c, known.tmax_c))
    light = rules.light_share * known.radiation_mj_m2[spring]
    taken = np.clip((ndvi - rules.bare_ndvi) / (rules.full_ndvi - rules.bare_ndvi), 0, 1)
    warm = np.clip((mean - rules.lowest_c) / (rules.best_c - rules.lowest_c), 0, 1)
    possible = light * taken * warm
    made = possible * stress
    water = known.transpiration_mm[spring] / np.maximum(known.et0_mm[spring], 0.1)
    peak = np.where(np.isfinite(ndvi), ndvi, -1.0).argmax(axis=0)
    after = np.arange(len(ndvi))[:, None] > peak
    late = slice(-_LATE_D, None)
    told = {
        "growth_light_mj_m2": _sum(made),
        "growth_light_log": np.log(np.maximum(_sum(made), 1.0)),
        "growth_possible_mj_m2": _sum(possible),
        "growth_after_peak_mj_m2": _sum(np.where(after, made, 0.0)),
        "growth_water_d": _sum(water),
        "growth_water_after_peak_d": _sum(np.where(after, water, 0.0)),
        "growth_filling": _sum(np.where(after, np.cumsum(made, axis=0) * np.maximum(mean, 0) / 18, 0.0)) / 100,
        "growth_heat_after_peak_cd": _sum(np.where(after, np.maximum(hot - rules.heat_c, 0), 0.0)),
        "growth_warmth_after_peak_cd": _sum(np.where(after, np.maximum(mean, 0), 0.0)),
        "growth_stress_lately": stress[late].mean(axis=0),
        "growth_ndvi_lately": ndvi[late].mean(axis=0),
        "growth_ndvi_peak": ndvi.max(axis=0),
        "growth_soil_water_mm": known.water_100cm_mm[-1],
        "growth_stress_days_d": _sum(np.where(np.isfinite(stress), stress < rules.stress_below, np.nan)),
    }
    return told


def _stages(known: Known, green: Array, since: Array, rules: GrowthRules) -> dict[str, Array]:
    """What each stage gave and wanted, stages told by the warmth since sowing: leaves, flowers, filling."""
    spring = known.days >= pd.Timestamp(known.days[-1].year, 4, 1)
    ndvi, since, stress, tmean = (v[spring] for v in (green, since, known.stress, known.tmean_c))
    mean = np.where(since, np.maximum(tmean, 0.0), 0.0)
    warmth = np.cumsum(mean, axis=0)
    taken = np.clip((ndvi - rules.bare_ndvi) / (rules.full_ndvi - rules.bare_ndvi), 0, 1)
    warm = np.clip((tmean - rules.lowest_c) / (rules.best_c - rules.lowest_c), 0, 1)
    light = np.where(since, rules.light_share * known.radiation_mj_m2[spring] * taken, 0.0)
    told = {}
    ends = (0.0, rules.flowers_from_cd, rules.filling_from_cd, rules.ripe_cd)
    for name, begins, over in zip(("leaves", "flowers", "filling"), ends[:-1], ends[1:], strict=True):
        inside = since & (warmth >= begins) & (warmth < over)
        told[f"growth_want_{name}"] = _sum(np.where(inside, (1 - stress) * mean / (over - begins), 0.0))
        told[f"growth_light_{name}_mj_m2"] = _sum(np.where(inside, light, 0.0))
    grain = _sum(np.where(inside, np.cumsum(light * warm * stress, axis=0) * mean / 18, 0.0))
    told["growth_grain_log"] = np.log(np.maximum(grain, 100.0))
    told["growth_heat_filling_cd"] = _sum(np.where(inside, np.maximum(known.tmax_c[spring] - rules.heat_c, 0), 0.0))
    told["growth_rain_filling_mm"] = _sum(np.where(inside, known.rain_mm[spring], 0.0))
    told["growth_downpours_filling_d"] = _sum(inside & (known.rain_mm[spring] > _DOWNPOUR_MM))
    ripe = warmth >= rules.ripe_cd
    told["growth_waiting_d"] = _sum(ripe * (1.0 + (known.rain_mm[spring] > _WET_MM)))
    told["growth_warmth_cd"] = warmth[-1]
    return told


def _since_sowing(known: Known, table: pd.DataFrame, season: int) -> Array:
    """(day, field): whether the day is of the season and the field is sown; from 1 May where the day is unknown."""
    sown = pd.to_datetime(table["sown_on"]).fillna(pd.Timestamp(season, 5, 1)).to_numpy()
    since: Array = known.days.to_numpy()[:, None] >= np.maximum(sown, np.datetime64(f"{season}-04-01"))[None]
    return since


def _weather(known: Known, table: pd.DataFrame, rules: GrowthRules, season: int) -> dict[str, Array]:
    days, rain, mean = known.days, known.rain_mm, known.tmean_c
    spring, month = days >= pd.Timestamp(season, 4, 1), days.month
    told = {"weather_winter_rain_mm": _sum(rain[~spring])}
    told["weather_gdd_cd"] = _sum(np.where(_since_sowing(known, table, season), np.maximum(mean - _GDD_BASE_C, 0), 0.0))
    for first, last, name in ((5, 6, "may_june"), (6, 7, "june_july"), (7, 8, "july_august")):
        part = spring & (month >= first) & (month <= last)
        if (spring & (month == last)).sum() >= _FEWEST_DAYS:
            told[f"weather_htc_{name}"] = selyaninov(rain[part], mean[part])
    for number, name in _MONTHS.items():
        part = spring & (month == number)
        if part.sum() < _FEWEST_DAYS:
            continue
        told[f"weather_rain_{name}_mm"] = _sum(rain[part])
        told[f"weather_mean_{name}_c"] = mean[part].mean(axis=0)
        told[f"weather_et0_{name}_mm"] = _sum(known.et0_mm[part])
        told[f"weather_light_{name}_mj_m2"] = known.radiation_mj_m2[part].mean(axis=0)
        told[f"weather_hot_days_{name}_d"] = _sum(known.tmax_c[part] > rules.heat_c)
        told[f"weather_stress_{name}_d"] = _sum(1 - known.stress[part])
    return told


def _work(table: pd.DataFrame, season: int) -> dict[str, Array]:
    before = table["previous_crop"]
    unknown = before.isna().to_numpy()
    groups = {"fallow": ("fallow",), "pulse": _PULSES, "cereal": _CEREALS, "grass": ("perennial_grass",)}
    told = {f"work_after_{name}": np.where(unknown, np.nan, before.isin(words)) for name, words in groups.items()}
    sown = (pd.to_datetime(table["sown_on"]) - pd.Timestamp(season, 5, 1)).dt.days
    return told | {"work_sown_day_d": sown.to_numpy("float64"), "work_n_kg_ha": table["n_kg_ha"].to_numpy("float64")}


def _sum(values: Array) -> Array:
    total: Array = values.sum(axis=0)
    return total


def _over(figure, values: Array) -> Array:  # type: ignore[no-untyped-def]
    """A figure over the days that are known; NaN where none is."""
    some = np.isfinite(values).any(axis=0) if len(values) else np.zeros(values.shape[1], bool)
    told = np.full(values.shape[1], np.nan)
    if some.any():
        told[some] = figure(values[:, some], axis=0)
    return told
