"""Crops and water, day by day and pixel by pixel: SAFY leaves over a bucket of two layers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.chance import chance
from agro.twin.harm import Harm
from agro.twin.land import Ground

_SURFACE_MM = 22.0  # [mm] what the upper 10 cm can hold between air-dry and full. assumption
_STRESS_BELOW = 0.45  # [1] of the root zone's water: growth falls below it. assumption after FAO-56's p = 0.55
_EARLIEST_SOWING = (5, 10)  # month, day. assumption
_LIGHT_SHARE = 0.48  # [1] of radiation that plants can use. source: Duchemin 2008
_GRASS_LAI = 3.4  # [m2/m2] what stands around the fields in July. assumption


@dataclass
class State:
    """One evening: maps (y, x) of leaf area green and dead [m2/m2], surface wetness [1], water [1], yield [t/ha]."""

    day: pd.Timestamp
    lai: np.ndarray
    dead_lai: np.ndarray
    wetness: np.ndarray
    root_water: np.ndarray
    yield_t_ha: np.ndarray
    dry_matter_g_m2: np.ndarray


def grow(
    ground: Ground, weather: pd.DataFrame, crop: Mapping[str, Any], season: int, seed: int, harms: Sequence[Harm] = ()
) -> Iterator[State]:
    """The evening of every day of the season."""
    random = chance(seed, "growth", ground.district, season)
    crop_here = ground.field > 0
    delay = random.integers(0, 12, len(ground.field_ids) + 1)[ground.field]  # [d] not every field is sown on one day
    sown = _sowing_day(weather, crop) + delay
    shape = ground.field.shape
    lai, dead, matter, grain, peak = (np.zeros(shape) for _ in range(5))
    warmth = np.full(shape, -crop["emergence_cd"])
    surface, root = np.full(shape, 0.75), np.full(shape, 0.85)
    stand = ground.stand.copy()
    for harm in harms:
        if harm.kind == "missed_strip":
            stand[harm.rows, harm.columns] *= 1 - harm.strength
    cut = np.zeros(shape, bool)
    for number, day in enumerate(weather.itertuples(index=False)):
        growing = crop_here & (number >= sown) & ~cut
        warmth = np.where(growing, warmth + max(day.tmean_c, 0), warmth)
        out = growing & (warmth > 0)
        lai = np.where(out & (lai == 0) & (matter == 0), 0.06 * stand, lai)
        absorbed = _LIGHT_SHARE * day.radiation_mj_m2 * (1 - np.exp(-crop["extinction"] * lai))
        stress = np.clip(root / _STRESS_BELOW, 0, 1)
        made = np.where(out, crop["lue_g_mj"] * absorbed * _warm(day.tmean_c, crop) * stress * ground.nitrogen, 0.0)
        matter = matter + made
        share = np.clip(1 - crop["leaf_share"][0] * np.exp(crop["leaf_share"][1] * warmth), 0, 1)
        dying = np.where(
            warmth > crop["senescence_cd"], lai * (warmth - crop["senescence_cd"]) / crop["senescence_rate_cd"], 0
        )
        lai = np.where(out, np.clip(lai + made * share * crop["sla_m2_g"] - dying, 0, 8), lai)
        dead = np.where(out, dead + dying, dead)
        _hurt(lai, dead, matter, harms, number)
        filling = out & (warmth > crop["flowering_cd"]) & (warmth < crop["ripe_cd"])
        rate = crop["grain_rate"] * max(day.tmean_c, 0) / 18.0 * (0.4 + 0.6 * stress)
        grain = np.where(filling, grain + rate * matter, grain)
        peak = np.maximum(peak, lai)
        ready = out & (warmth > crop["ripe_cd"] + 60) & (day.rain_mm < 1)
        cut |= ready
        lai, dead = np.where(ready, 0.0, lai), np.where(ready, 0.35, dead)
        lai = np.where(crop_here, lai, _grass(number))
        surface, root = _water(surface, root, lai, ground.capacity_mm, day.rain_mm, day.et0_mm)
        yield_t_ha = np.minimum(grain, 0.5 * matter) / 100
        yield State(day.day, lai, dead, surface, root, yield_t_ha, matter)


def _hurt(lai: np.ndarray, dead: np.ndarray, matter: np.ndarray, harms: Sequence[Harm], number: int) -> None:
    """Take the leaves that hail strikes on its day, and those that disease eats from its first day on."""
    for harm in harms:
        if (harm.kind == "hail" and number == harm.day) or (harm.kind == "disease" and number >= harm.day):
            place = harm.rows, harm.columns
            lost = harm.strength * lai[place]
            lai[place] -= lost
            dead[place] += lost
            matter[place] *= 1 - 0.5 * harm.strength


def _sowing_day(weather: pd.DataFrame, crop: Mapping[str, Any]) -> int:
    warm = weather["tmean_c"].rolling(5).mean() > crop["sowing_c"]
    first = pd.Timestamp(weather["day"].iloc[0].year, *_EARLIEST_SOWING)
    days = np.flatnonzero(warm & (weather["day"] >= first))
    return int(days[0]) if len(days) else 50


def _warm(mean_c: float, crop: Mapping[str, Any]) -> float:
    low, best, high = crop["optimum_c"]
    if not low < mean_c < high:
        return 0.0
    reach = best - low if mean_c < best else high - best
    return float(1 - ((best - mean_c) / reach) ** 2)


def _grass(number: int) -> float:
    """Leaf area of the land around the fields, by day of the season."""
    rise, fall = 1 / (1 + np.exp(-(number - 48) / 8)), 1 / (1 + np.exp((number - 160) / 9))
    return float(_GRASS_LAI * rise * fall + 0.15)


def _water(
    surface: np.ndarray, root: np.ndarray, lai: np.ndarray, capacity_mm: np.ndarray, rain_mm: float, et0_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Both layers in the evening, as shares of what they hold; what does not fit runs off or drains."""
    cover = 1 - np.exp(-0.6 * lai)
    evaporated = np.minimum(et0_mm * (1 - cover) * np.clip(1.6 * surface, 0, 1), surface * _SURFACE_MM)
    wet = surface * _SURFACE_MM - evaporated + rain_mm
    below = np.clip(wet - _SURFACE_MM, 0, None) + 0.04 * np.clip(wet, 0, _SURFACE_MM)
    wet = np.clip(wet - below, 0, _SURFACE_MM)
    transpired = np.minimum(1.05 * et0_mm * cover * np.clip(root / _STRESS_BELOW, 0, 1), root * capacity_mm)
    held = np.clip(root * capacity_mm - transpired + below, 0, capacity_mm)
    return wet / _SURFACE_MM, held / capacity_mm
