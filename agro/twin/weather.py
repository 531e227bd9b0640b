"""Daily weather of one district and season: correlated temperature, rain in spells, light from the day's range."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.chance import chance

_PERSISTENCE = 0.72  # [1] of the temperature's departure, day to day. assumption
_DEPARTURE_C = 3.2  # [K] deviation of a day from its normal. assumption
_WET_AFTER_WET = 1.5  # [1] rain is this much likelier after a rainy day. assumption
_SOLAR_CONSTANT = 0.0820  # [MJ/m2/min] source: FAO-56
_HARGREAVES = 0.17  # [1/sqrt(K)] radiation from the day's range, inland. source: FAO-56, equation 50


def season_weather(
    climate: Mapping[str, Any], district: str, season: int, latitude_deg: float, seed: int
) -> pd.DataFrame:
    """Days from 1 April to 15 October: day, tmean_c, tmin_c, tmax_c, rain_mm, radiation_mj_m2, et0_mm."""
    days = pd.date_range(date(season, 4, 1), date(season, 10, 15))
    region, place = chance(seed, "year", season), chance(seed, "weather", district, season)
    warm = region.normal(0, climate["year_sd_c"])
    wet = float(np.exp(region.normal(0, climate["year_rain_sd"])))
    middle = np.array([15, 45, 76, 106, 137, 168, 198])  # day of the season in the middle of each month
    index = np.arange(len(days))
    normal = np.interp(index, middle, climate["mean_c"]) + warm
    common, own = region.normal(size=len(days)), place.normal(size=len(days))
    departure = np.zeros(len(days))
    for i in range(1, len(days)):
        push = 0.85 * common[i] + 0.53 * own[i]  # districts share most of their weather
        departure[i] = _PERSISTENCE * departure[i - 1] + _DEPARTURE_C * np.sqrt(1 - _PERSISTENCE**2) * push
    rain = _rain(climate, index, middle, wet, place)
    swing = np.interp(index, middle, climate["range_c"]) * np.where(rain > 0, 0.75, 1.1)
    mean = normal + departure - np.where(rain > 0, 1.0, 0.0)
    above = _top_of_atmosphere(days.day_of_year.to_numpy(), latitude_deg)
    radiation = np.clip(_HARGREAVES * np.sqrt(swing), 0.1, 0.75) * above
    et0 = np.clip(0.0019 * (mean + 17.8) * np.sqrt(swing) * above / 2.45, 0, None)  # form: Hargreaves and Samani 1985
    return pd.DataFrame(
        {
            "day": days,
            "tmean_c": mean,
            "tmin_c": mean - swing / 2,
            "tmax_c": mean + swing / 2,
            "rain_mm": rain,
            "radiation_mj_m2": radiation,
            "et0_mm": et0,
        }
    )


def winter_weather(climate: Mapping[str, Any], district: str, season: int, seed: int) -> pd.DataFrame:
    """Days from 16 October before a season to 31 March: day, tmean_c, tmin_c, tmax_c, rain_mm of any precipitation."""
    days = pd.date_range(date(season - 1, 10, 16), date(season, 3, 31))
    random = chance(seed, "winter", district, season)
    index = np.arange(len(days))
    middle = np.array([0, 30, 61, 92, 122, 151, 182])  # day of the winter in the middle of each month
    departure = np.zeros(len(days))
    for i in range(1, len(days)):
        push = 1.5 * _DEPARTURE_C * np.sqrt(1 - _PERSISTENCE**2) * random.normal()  # winters are less even
        departure[i] = _PERSISTENCE * departure[i - 1] + push
    mean = np.interp(index, middle, climate["winter_mean_c"]) + departure
    named = {"rainy_share": climate["winter_wet_share"], "rain_mm": climate["winter_precipitation_mm"]}
    fell = _rain(named, index, middle, float(np.exp(random.normal(0, climate["year_rain_sd"]))), random)
    return pd.DataFrame({"day": days, "tmean_c": mean, "tmin_c": mean - 4.5, "tmax_c": mean + 4.5, "rain_mm": fell})


def _rain(
    climate: Mapping[str, Any], index: np.ndarray, middle: np.ndarray, wet: float, random: np.random.Generator
) -> np.ndarray:
    share = np.interp(index, middle, climate["rainy_share"])
    month_mm = np.interp(index, middle, climate["rain_mm"]) * wet
    rain, before = np.zeros(len(index)), False
    for i in index:
        chance_now = share[i] * (_WET_AFTER_WET if before else 1 - share[i] * (_WET_AFTER_WET - 1) / (1 - share[i]))
        before = bool(random.random() < chance_now)
        amount = random.gamma(0.7, month_mm[i] / 30.4 / share[i] / 0.7)
        rain[i] = amount if before else 0.0
    return rain


def _top_of_atmosphere(day: np.ndarray, latitude_deg: float) -> np.ndarray:
    """Radiation above the atmosphere [MJ/m2/d]. source: FAO-56, equation 21."""
    latitude = np.radians(latitude_deg)
    distance = 1 + 0.033 * np.cos(2 * np.pi / 365 * day)
    declination = 0.409 * np.sin(2 * np.pi / 365 * day - 1.39)
    sunset = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1, 1))
    path = sunset * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    radiation: np.ndarray = 24 * 60 / np.pi * _SOLAR_CONSTANT * distance * path
    return radiation
