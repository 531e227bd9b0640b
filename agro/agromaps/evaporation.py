"""Reference evapotranspiration from daily weather: what a short green grass would give off.

The equations and the order of the estimates for what was not measured are those of FAO-56, chapters 2 to 4.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

Array = Any  # a number or an array of numbers of one shape

_SOLAR_CONSTANT = 0.0820  # [MJ/m2/min] source: FAO-56, equation 21
_STEFAN_BOLTZMANN = 4.903e-9  # [MJ/K4/m2/d] source: FAO-56, equation 39
_ALBEDO = 0.23  # [1] of the reference grass. source: FAO-56, equation 38
_WIND_UNKNOWN_M_S = 2.0  # [m/s] at 2 m, where wind was not measured. source: FAO-56, chapter 3, missing wind data
_LEAST_WIND_M_S = 0.5  # [m/s] at 2 m: still air still exchanges heat. source: FAO-56, chapter 3, missing wind data
_RANGE_TO_LIGHT = 0.16  # [1/sqrt(K)] radiation from the day's range, inland. source: FAO-56, equation 50
_LATENT_HEAT = 0.408  # [mm m2/MJ] water that a unit of energy evaporates. source: FAO-56, equation 20


def saturation_vapour_pressure(temperature_c: Array) -> Array:
    """Vapour pressure of saturated air.

    temperature_c  any shape [deg C]; NaN stays NaN
    returns        the same shape [kPa]
    source         FAO-56, equation 11
    """
    return 0.6108 * np.exp(17.27 * temperature_c / (temperature_c + 237.3))


def radiation_above_air(day_of_year: Array, latitude_deg: Array) -> Array:
    """Radiation above the atmosphere over a day.

    day_of_year   1..366 [d]
    latitude_deg  north is positive [deg]
    returns       the shape of the two together [MJ/m2]; 0 in the polar night
    source        FAO-56, equations 21 to 25
    """
    latitude = np.radians(latitude_deg)
    distance = 1 + 0.033 * np.cos(2 * np.pi / 365 * day_of_year)
    declination = 0.409 * np.sin(2 * np.pi / 365 * day_of_year - 1.39)
    sunset = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1, 1))
    path = sunset * np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    return 24 * 60 / np.pi * _SOLAR_CONSTANT * distance * path


def wind_at_2m(wind_m_s: Array, height_m: Array) -> Array:
    """Wind at 2 m from wind at another height over grass.

    wind_m_s  any shape [m/s]
    height_m  above the ground [m]
    returns   the same shape [m/s]
    source    FAO-56, equation 47
    """
    return wind_m_s * 4.87 / np.log(67.8 * height_m - 5.42)


def actual_vapour_pressure(weather: pd.DataFrame) -> pd.DataFrame:
    """Vapour pressure of the day from the best that was measured.

    weather  a row a day: tmin_c, tmax_c [deg C] and any of vapour_pressure_kpa [kPa], dew_point_c [deg C],
             humidity_max_pct, humidity_min_pct, humidity_pct [%]; NaN or no column where not measured
    returns  vapour_pressure_kpa [kPa] and how [text]: empty where measured, `no humidity` where the dew point is
             taken to be the night's lowest temperature
    source   FAO-56, equations 14, 17, 18, 19, 48 in this order
    """
    night, day = (saturation_vapour_pressure(weather[name]) for name in ("tmin_c", "tmax_c"))
    highest, lowest, mean = (_column(weather, f"humidity_{name}pct") / 100 for name in ("max_", "min_", ""))
    pressure = _column(weather, "vapour_pressure_kpa")
    for other in (
        saturation_vapour_pressure(_column(weather, "dew_point_c")),
        (night * highest + day * lowest) / 2,
        night * highest,
        mean * (night + day) / 2,
    ):
        pressure = pressure.fillna(other)
    how = np.where(pressure.isna(), "no humidity", "")
    return pd.DataFrame({"vapour_pressure_kpa": pressure.fillna(night), "how": how}, index=weather.index)


def penman_monteith(weather: pd.DataFrame, latitude_deg: Array, elevation_m: Array) -> pd.Series:
    """Reference evapotranspiration where nothing has to be estimated any more.

    weather       a row a day: day [date], tmin_c, tmax_c [deg C], vapour_pressure_kpa [kPa], radiation_mj_m2 [MJ/m2],
                  wind_2m_m_s [m/s]; NaN where unknown
    latitude_deg  of the place [deg], one or one a row
    elevation_m   above the sea [m], one or one a row
    returns       [mm] a day, at least 0; NaN where an input is
    source        Allen 1998, FAO-56, equation 6 with 7, 8, 13, 37 to 40
    """
    low, high = weather["tmin_c"], weather["tmax_c"]
    mean, wind, light = (low + high) / 2, weather["wind_2m_m_s"], weather["radiation_mj_m2"]
    vapour = weather["vapour_pressure_kpa"]
    psychrometric = 0.665e-3 * 101.3 * ((293 - 0.0065 * elevation_m) / 293) ** 5.26
    slope = 4098 * saturation_vapour_pressure(mean) / (mean + 237.3) ** 2
    saturated = (saturation_vapour_pressure(low) + saturation_vapour_pressure(high)) / 2
    clear = (0.75 + 2e-5 * elevation_m) * radiation_above_air(_day_of_year(weather), latitude_deg)
    bright = (light / np.maximum(clear, 0.1)).clip(0.3, 1.0)  # the sun's share of a clear day; its floor: ASCE 2005
    warmth = ((low + 273.16) ** 4 + (high + 273.16) ** 4) / 2
    out = _STEFAN_BOLTZMANN * warmth * (0.34 - 0.14 * np.sqrt(vapour)) * (1.35 * bright - 0.35).clip(0.05, 1.0)
    energy = (1 - _ALBEDO) * light - out
    dryness = psychrometric * 900 / (mean + 273) * wind * (saturated - vapour)
    water: pd.Series = (_LATENT_HEAT * slope * energy + dryness) / (slope + psychrometric * (1 + 0.34 * wind))
    return water.clip(lower=0.0)


def hargreaves(weather: pd.DataFrame, latitude_deg: Array) -> pd.Series:
    """Reference evapotranspiration from temperatures alone: the last resort.

    weather       a row a day: day [date], tmin_c, tmax_c [deg C]
    latitude_deg  of the place [deg], one or one a row
    returns       [mm] a day, at least 0; NaN where an input is
    source        Hargreaves and Samani 1985; FAO-56, equation 52
    """
    low, high = weather["tmin_c"], weather["tmax_c"]
    above = _LATENT_HEAT * radiation_above_air(_day_of_year(weather), latitude_deg)
    water: pd.Series = 0.0023 * ((low + high) / 2 + 17.8) * np.sqrt((high - low).clip(lower=0)) * above
    return water.clip(lower=0.0)


def reference_evapotranspiration(
    weather: pd.DataFrame, latitude_deg: Array, elevation_m: Array, range_to_light: float = _RANGE_TO_LIGHT
) -> pd.DataFrame:
    """Reference evapotranspiration of each day, as well as the day was measured.

    weather         a row a day: day [date], tmin_c, tmax_c [deg C] and any of radiation_mj_m2 [MJ/m2], wind_m_s [m/s]
                    with wind_height_m [m], the humidity columns of `actual_vapour_pressure`, et0_mm [mm]
    latitude_deg    of the place [deg], one or one a row
    elevation_m     above the sea [m], one or one a row
    range_to_light  [1/sqrt(K)] 0.16 inland, 0.19 on a coast
    returns         et0_mm [mm], wind_2m_m_s [m/s], humidity_min_pct [%] and et0_how [text], which tells what was
                    estimated: empty for all measured, `given` for the table's own et0_mm wherever something would
                    have to be estimated, `no humidity`, `no radiation`, `no wind` joined by `;`, `temperature only`
                    for Hargreaves, `unknown` where et0_mm is NaN
    source          FAO-56, chapter 3 (equations 47, 48, 50, wind of 2 m/s); Hargreaves where all three are missing
    """
    vapour = actual_vapour_pressure(weather)
    wind = wind_at_2m(_column(weather, "wind_m_s"), _column(weather, "wind_height_m"))
    light = _column(weather, "radiation_mj_m2")
    range_k = (weather["tmax_c"] - weather["tmin_c"]).clip(lower=0)
    above = radiation_above_air(_day_of_year(weather), latitude_deg)
    full = weather[["day", "tmin_c", "tmax_c"]].assign(
        vapour_pressure_kpa=vapour["vapour_pressure_kpa"],
        radiation_mj_m2=light.fillna(range_to_light * np.sqrt(range_k) * above),
        wind_2m_m_s=wind.fillna(_WIND_UNKNOWN_M_S).clip(lower=_LEAST_WIND_M_S),
    )
    missing = {"no humidity": vapour["how"] != "", "no radiation": light.isna(), "no wind": wind.isna()}
    blind = np.logical_and.reduce([np.asarray(where) for where in missing.values()])
    et0 = penman_monteith(full, latitude_deg, elevation_m).where(~blind, hargreaves(weather, latitude_deg))
    how = np.where(blind, "temperature only", _joined(missing))
    given = _column(weather, "et0_mm").notna() & (et0.isna() | (how != ""))
    et0 = et0.where(~given, _column(weather, "et0_mm"))
    how = np.where(given, "given", np.where(et0.isna(), "unknown", how))
    driest = 100 * full["vapour_pressure_kpa"] / saturation_vapour_pressure(weather["tmax_c"])
    return pd.DataFrame(
        {
            "et0_mm": et0,
            "wind_2m_m_s": full["wind_2m_m_s"],
            "humidity_min_pct": _column(weather, "humidity_min_pct").fillna(driest.clip(0, 100)),
            "et0_how": how,
        },
        index=weather.index,
    )


def _column(weather: pd.DataFrame, name: str) -> pd.Series:
    nothing = pd.Series(np.nan, index=weather.index, dtype="float64")
    column: pd.Series = weather[name].astype("float64") if name in weather else nothing
    return column


def _day_of_year(weather: pd.DataFrame) -> np.ndarray:
    days: np.ndarray = pd.DatetimeIndex(weather["day"]).day_of_year.to_numpy(dtype="float64")
    return days


def _joined(missing: Mapping[str, Any]) -> np.ndarray:
    names = np.full(len(next(iter(missing.values()))), "", dtype=object)
    for name, where in missing.items():
        names = np.where(where & (names != ""), names + ";" + name, np.where(where, name, names))
    return names
