"""Daily weather: correlated temperature, rain in spells, light from the day's range; common to a district.

Years differ: a dry one is also a warm one, and the first half of a summer is dry or wet by itself. Districts share
most of their weather. The same rules give the weather that was, and the many that could have been.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.chance import chance

_PERSISTENCE = 0.72  # [1] of the temperature's departure, day to day. assumption
_DEPARTURE_C = 3.2  # [K] deviation of a day from its normal. assumption
_WET_AFTER_WET = 1.3  # [1] rain is this much likelier after a rainy day. assumption
_SHAPE = 0.9  # [1] of the gamma amounts of rain. assumption
_SHARED = 0.92  # [1] correlation of a day's pushes with those of the whole region. assumption
_SOLAR_CONSTANT = 0.0820  # [MJ/m2/min] source: FAO-56
_HARGREAVES = 0.17  # [1/sqrt(K)] radiation from the day's range, inland. source: FAO-56, equation 50
_MIDDLES = np.array([15, 45, 76, 106, 137, 168, 198])  # day of the season in the middle of each month
_HALVES = (45, 121)  # [d] middles of the two halves of a summer, each with rain of its own
_LAST = (10, 15)  # month, day of a season's end


@dataclass(frozen=True)
class Weather:
    """Days of one season from 1 April: arrays (day, place) or (day, draw, place), units in the names."""

    days: pd.DatetimeIndex
    tmean_c: np.ndarray
    tmin_c: np.ndarray
    tmax_c: np.ndarray
    rain_mm: np.ndarray
    radiation_mj_m2: np.ndarray
    et0_mm: np.ndarray


_COLUMNS = ("tmean_c", "tmin_c", "tmax_c", "rain_mm", "radiation_mj_m2", "et0_mm")


def season_weather(
    climate: Mapping[str, Any], district: str, season: int, latitude_deg: float, seed: int
) -> pd.DataFrame:
    """Days from 1 April to 15 October: day, tmean_c, tmin_c, tmax_c, rain_mm, radiation_mj_m2, et0_mm."""
    days = season_days(season)
    region, place = chance(seed, "year", season), chance(seed, "weather", district, season)
    year = region.normal(size=(4, 1))
    common, own = region.normal(size=(3, len(days), 1)), place.normal(size=(3, len(days), 1))
    made = _weather(climate, days, latitude_deg, year, _SHARED * common + np.sqrt(1 - _SHARED**2) * own)
    return pd.DataFrame({"day": days, **{name: getattr(made, name)[:, 0] for name in _COLUMNS}})


def drawn_weather(
    climate: Mapping[str, Any], season: int, latitude_deg: float, draws: int, random: np.random.Generator
) -> Weather:
    """Seasons of the same climate that could have been, as arrays (day, draw, 1)."""
    days = season_days(season)
    return _weather(
        climate, days, latitude_deg, random.normal(size=(4, draws, 1)), random.normal(size=(3, len(days), draws, 1))
    )


def season_days(season: int) -> pd.DatetimeIndex:
    """The days of one season."""
    return pd.date_range(date(season, 4, 1), date(season, *_LAST))


def stacked(tables: list[pd.DataFrame]) -> Weather:
    """The weather of several places, or seasons, side by side: arrays (day, place); the days are the first's."""
    return Weather(
        pd.DatetimeIndex(tables[0]["day"]),
        *(np.stack([table[name].to_numpy() for table in tables], axis=-1) for name in _COLUMNS),
    )


def _weather(
    climate: Mapping[str, Any], days: pd.DatetimeIndex, latitude_deg: float, year: np.ndarray, pushes: np.ndarray
) -> Weather:
    """Weather from standard normal numbers: `year` (4, ...) of the years, `pushes` (3, day, ...) of the days."""
    index = np.arange(len(days))
    swap = (slice(None), *(None,) * (pushes.ndim - 2))  # a curve over days beside the other axes
    apart, whole = climate["half_rain_sd"], climate["year_rain_sd"]
    halves = whole * year[0] + apart * year[1:3] - (whole**2 + apart**2) / 2  # the mean of many years is the normal
    share = np.clip((index - _HALVES[0]) / (_HALVES[1] - _HALVES[0]), 0, 1)[swap]
    wet = np.exp(halves[0] * (1 - share) + halves[1] * share)
    dry_is_warm = climate["dry_is_warm"]
    warm = climate["year_sd_c"] * (np.sqrt(1 - dry_is_warm**2) * year[3] - dry_is_warm * year[0])
    departure = np.zeros(pushes.shape[1:])
    for i in range(1, len(days)):
        departure[i] = _PERSISTENCE * departure[i - 1] + _DEPARTURE_C * np.sqrt(1 - _PERSISTENCE**2) * pushes[0, i]
    rain = _rain(climate["rainy_share"], climate["rain_mm"], index, _MIDDLES, wet, pushes[1:])
    swing = np.interp(index, _MIDDLES, climate["range_c"])[swap] * np.where(rain > 0, 0.75, 1.1)
    mean = np.interp(index, _MIDDLES, climate["mean_c"])[swap] + warm + departure - np.where(rain > 0, 1.0, 0.0)
    above = _top_of_atmosphere(days.day_of_year.to_numpy(), latitude_deg)[swap]
    radiation = np.clip(_HARGREAVES * np.sqrt(swing), 0.1, 0.75) * above
    et0 = np.clip(0.0019 * (mean + 17.8) * np.sqrt(swing) * above / 2.45, 0, None)  # form: Hargreaves and Samani 1985
    return Weather(days, mean, mean - swing / 2, mean + swing / 2, rain, radiation, et0)


def winter_weather(climate: Mapping[str, Any], district: str, season: int, seed: int) -> pd.DataFrame:
    """Days from 16 October before a season to 31 March: day, tmean_c, tmin_c, tmax_c, rain_mm of any precipitation."""
    days = pd.date_range(date(season - 1, 10, 16), date(season, 3, 31))
    random = chance(seed, "winter", district, season)
    index = np.arange(len(days))
    middle = np.array([0, 30, 61, 92, 122, 151, 182])  # day of the winter in the middle of each month
    pushes = random.normal(size=(3, len(days), 1))
    departure = np.zeros(len(days))
    for i in range(1, len(days)):
        push = 1.5 * _DEPARTURE_C * np.sqrt(1 - _PERSISTENCE**2) * pushes[0, i, 0]  # winters are less even
        departure[i] = _PERSISTENCE * departure[i - 1] + push
    mean = np.interp(index, middle, climate["winter_mean_c"]) + departure
    wet = np.full((len(days), 1), np.exp(random.normal(0, climate["year_rain_sd"])))
    fell = _rain(climate["winter_wet_share"], climate["winter_precipitation_mm"], index, middle, wet, pushes[1:])
    return pd.DataFrame(
        {"day": days, "tmean_c": mean, "tmin_c": mean - 4.5, "tmax_c": mean + 4.5, "rain_mm": fell[:, 0]}
    )


def _rain(
    rainy_share: Any, rain_mm: Any, index: np.ndarray, middle: np.ndarray, wet: np.ndarray, pushes: np.ndarray
) -> np.ndarray:
    """Rain of each day [mm]: a wet season has both more days with rain and more rain a day."""
    from scipy.special import ndtr

    share, month_mm = np.interp(index, middle, rainy_share), np.interp(index, middle, rain_mm)
    luck, amount = ndtr(pushes[0]), np.interp(pushes[1], *_amounts())
    rain = np.zeros(luck.shape)
    before = np.zeros(luck.shape[1:], bool)
    for i in index:
        now = np.clip(share[i] * wet[i] ** 0.4, 0.02, 0.62)
        likely = np.where(before, now * _WET_AFTER_WET, now * (1 - now * (_WET_AFTER_WET - 1) / (1 - now)))
        before = luck[i] < likely
        rain[i] = np.where(before, amount[i] * month_mm[i] / 30.4 / now * wet[i], 0.0)
    return rain


@cache
def _amounts() -> tuple[np.ndarray, np.ndarray]:
    """Gamma amounts of mean 1 at standard normal numbers."""
    from scipy.special import gammaincinv, ndtr

    normal = np.linspace(-4.5, 4.5, 1801)
    return normal, gammaincinv(_SHAPE, ndtr(normal)) / _SHAPE


def _top_of_atmosphere(day: np.ndarray, latitude_deg: float) -> np.ndarray:
    """Radiation above the atmosphere [MJ/m2/d]. source: FAO-56, equation 21."""
    latitude = np.radians(latitude_deg)
    distance = 1 + 0.033 * np.cos(2 * np.pi / 365 * day)
    declination = 0.409 * np.sin(2 * np.pi / 365 * day - 1.39)
    sunset = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1, 1))
    path = sunset * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    radiation: np.ndarray = 24 * 60 / np.pi * _SOLAR_CONSTANT * distance * path
    return radiation
