"""What the features of yield models are called in a sentence; columns are for programs."""

from __future__ import annotations

import re

from agro.domain.errors import Told

_INDEX, _MONTH = r"(?P<index>[a-z0-9]+)", r"(?P<month>may|june|july|august)"
FEATURE_WORDS = {  # a column, an index or a month in it -> its words and unit
    rf"canopy_{_INDEX}_peak": "peak of {index}",
    rf"canopy_{_INDEX}_lately": "{index} of the last month",
    rf"canopy_{_INDEX}_now": "{index} of the last days",
    rf"canopy_{_INDEX}_sum_d": "sum of {index} since spring",
    r"canopy_peak_day_d": "day of the greenest canopy (days from 1 April)",
    r"canopy_rise_day_d": "day when rows closed (days from 1 April)",
    r"canopy_lai_peak_log": "peak of the leaf area (logarithm)",
    r"growth_light_mj_m2": "light used by the canopy (MJ/m2)",
    r"growth_light_log": "light used by the canopy (logarithm)",
    r"growth_possible_mj_m2": "light within reach of the canopy (MJ/m2)",
    r"growth_after_peak_mj_m2": "light used after the greenest day (MJ/m2)",
    r"growth_water_d": "water used, in days of full supply",
    r"growth_water_after_peak_d": "water used after the greenest day, in days of full supply",
    r"growth_filling": "growth while grain fills",
    r"growth_heat_after_peak_cd": "heat above the limit after the greenest day (degree days)",
    r"growth_warmth_after_peak_cd": "warmth after the greenest day (degree days)",
    r"growth_stress_lately": "supply with water in the last month (1 is full)",
    r"growth_ndvi_lately": "NDVI of the last month, usual where unseen",
    r"growth_ndvi_peak": "peak of NDVI, usual where unseen",
    r"growth_soil_water_mm": "water in a metre of soil (mm)",
    r"growth_stress_days_d": "days that lacked water",
    r"growth_want_leaves": "want of water while leaves grow (1 is none at all)",
    r"growth_want_flowers": "want of water about flowering (1 is none at all)",
    r"growth_want_filling": "want of water while grain fills (1 is none at all)",
    r"growth_light_leaves_mj_m2": "light taken while leaves grow (MJ/m2)",
    r"growth_light_flowers_mj_m2": "light taken about flowering (MJ/m2)",
    r"growth_light_filling_mj_m2": "light taken while grain fills (MJ/m2)",
    r"growth_grain_log": "growth while grain fills, by warmth (logarithm)",
    r"growth_heat_filling_cd": "heat while grain fills (degree days)",
    r"growth_rain_filling_mm": "rain while grain fills (mm)",
    r"growth_downpours_filling_d": "downpours while grain fills (days)",
    r"growth_waiting_d": "days of waiting since ripeness, wet ones twice",
    r"growth_warmth_cd": "warmth since sowing (degree days)",
    r"weather_winter_rain_mm": "precipitation of autumn and winter (mm)",
    r"weather_gdd_cd": "warmth above 5 degrees since sowing (degree days)",
    r"weather_htc_[a-z_]+": "hydrothermal coefficient",
    rf"weather_rain_{_MONTH}_mm": "rain, {month} (mm)",
    rf"weather_mean_{_MONTH}_c": "mean temperature, {month} (degrees C)",
    rf"weather_et0_{_MONTH}_mm": "evaporation, {month} (mm)",
    rf"weather_light_{_MONTH}_mj_m2": "sunlight, {month} (MJ/m2 a day)",
    rf"weather_hot_days_{_MONTH}_d": "hot days, {month}",
    rf"weather_stress_{_MONTH}_d": "want of water, {month} (days)",
    r"ground_height(_m)?": "height of the field (m)",
    r"ground_slope(_deg)?": "slope of the field (degrees)",
    r"ground_twi": "topographic wetness index of the field",
    r"ground_humus_pct": "humus (%)",
    r"ground_ph_kcl": "pH (KCl)",
    r"ground_p2o5_mg_kg": "phosphorus P2O5 (mg/kg)",
    r"ground_k2o_mg_kg": "potassium K2O (mg/kg)",
    r"work_after_fallow": "fallow before (1: yes)",
    r"work_after_pulse": "a pulse before (1: yes)",
    r"work_after_cereal": "a cereal before (1: yes)",
    r"work_after_grass": "grass before (1: yes)",
    r"work_sown_day_d": "day of sowing (days from 1 May)",
    r"work_n_kg_ha": "nitrogen given (kg/ha)",
    r"may": "May",
    r"june": "June",
    r"july": "July",
    r"august": "August",
}


def in_words(feature: str) -> Told | str:
    """The words of a feature.

    feature   column of a table of features [-]
    returns   a piece of a sentence with the unit [-]; the column itself where it has no words
    source    ours
    """
    for column, words in FEATURE_WORDS.items():
        found = re.fullmatch(column, feature)
        if found:
            parts = found.groupdict()
            index = {"index": parts["index"].upper()} if "index" in parts else {}
            month = {"month": Told(FEATURE_WORDS[parts["month"]], {})} if "month" in parts else {}
            return Told(words, {**index, **month})
    return feature
