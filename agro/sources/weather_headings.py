"""The headings of a weather table: which column is what, and in which unit."""

import re
from collections.abc import Sequence
from typing import Any

from agro.domain.errors import BadInput
from agro.sources.tables import check_columns, unknown_column

# Words that begin a heading; the unit follows them. The longest match wins.
_WORDS = {
    "place": "place district station район место станция метеостанция",
    "day": "day date дата день",
    "tmin_c": "tmin t_min temperature_air_2m_min_24h минимальная_температура температура_минимальная t_мин тмин",
    "tmax_c": "tmax t_max temperature_air_2m_max_24h максимальная_температура температура_максимальная t_макс тмакс",
    "tmean_c": "tmean tavg t_mean temperature temperature_air_2m_mean_24h средняя_температура температура_средняя "
    "t_ср температура",
    "rain_mm": "rain precip precipitation precipitation_flux осадки сумма_осадков",
    "radiation_mj_m2": "radiation srad solar_radiation solar_radiation_flux радиация солнечная_радиация "
    "суммарная_радиация",
    "wind_m_s": "wind wind_speed wind_speed_10m_mean ветер скорость_ветра",
    "vapour_pressure_kpa": "vapour_pressure vapor_pressure vapour_pressure_mean упругость_водяного_пара "
    "давление_водяного_пара",
    "dew_point_c": "dew_point dewpoint tdew точка_росы",
    "humidity_pct": "humidity rh relative_humidity влажность относительная_влажность влажность_воздуха",
    "humidity_max_pct": "humidity_max rhmax rh_max максимальная_влажность влажность_максимальная",
    "humidity_min_pct": "humidity_min rhmin rh_min минимальная_влажность влажность_минимальная",
    "et0_mm": "et0 eto etref испаряемость эталонная_эвапотранспирация",
}
_HEADINGS = {word: name for name, words in _WORDS.items() for word in words.split()}
_LEFT_ALONE = ("elevation", "latitude", "longitude", "высота", "широта", "долгота", "wmo", "snow", "снег")
_DEGREES = {"c": (1.0, 0.0), "с": (1.0, 0.0), "f": (5 / 9, -160 / 9), "k": (1.0, -273.15), "к": (1.0, -273.15)}
_WATER = {"mm": 1.0, "мм": 1.0, "cm": 10.0, "см": 10.0, "inch": 25.4, "in": 25.4, "kgm2": 1.0}
# Units by column, with factor and offset into ours; the first unit is taken where the heading has none, unless None.
_UNITS: dict[str, tuple[str | None, dict[str, tuple[float, float]]]] = {
    **dict.fromkeys(("tmin_c", "tmax_c", "tmean_c", "dew_point_c"), ("c", _DEGREES)),
    **dict.fromkeys(("rain_mm", "et0_mm"), ("mm", {unit: (factor, 0.0) for unit, factor in _WATER.items()})),
    "radiation_mj_m2": (
        None,
        {
            unit: (factor, 0.0)
            for units, factor in (
                (("mjm2", "мджм2"), 1.0),
                (("kjm2", "кджм2"), 1e-3),
                (("jm2", "джм2"), 1e-6),
                (("wm2", "втм2"), 0.0864),
            )
            for unit in units
        },
    ),
    "wind_m_s": ("ms", {"ms": (1, 0), "мс": (1, 0), "kmh": (1 / 3.6, 0), "кмч": (1 / 3.6, 0)}),
    "vapour_pressure_kpa": (
        None,
        {"kpa": (1, 0), "кпа": (1, 0), "hpa": (0.1, 0), "гпа": (0.1, 0), "mbar": (0.1, 0), "мбар": (0.1, 0)},
    ),
    **dict.fromkeys(("humidity_pct", "humidity_max_pct", "humidity_min_pct"), ("pct", {"pct": (1, 0), "%": (1, 0)})),
}


def columns_of(heading: Sequence[Any], where: str) -> tuple[list[tuple[str, float, float] | None], list[float]]:
    """Name, factor and offset of each column (None: left alone), and the heights [m] that headings of wind name.

    A cell times the factor plus the offset is in our unit.
    raises   BadInput where a heading or its unit is not known, stands twice, or is missing
    """
    found = [column_of(cell, where) for cell in heading]
    columns, heights = [column for column, _ in found], [height for _, height in found if height is not None]
    names = [column[0] for column in columns if column]
    missing = [name for name in ("day", "rain_mm") if name not in names]
    missing += ["tmin_c, tmax_c"] if not {"tmin_c", "tmax_c"} <= set(names) and "et0_mm" not in names else []
    check_columns(where, names, missing, names)
    return columns, heights


def column_of(cell: Any, where: str) -> tuple[tuple[str, float, float] | None, float | None]:
    """Name, factor and offset of one column (None: left alone), and the height [m] that a heading of wind names."""
    words = re.sub(r"[^\w%]+", "_", str(cell or "").casefold().replace("ё", "е").replace("²", "2")).strip("_")
    word = max((w for w in _HEADINGS if words == w or words.startswith(w + "_")), key=len, default=None)
    if word is None:
        if not words.startswith(_LEFT_ALONE):
            raise unknown_column(where, cell, words, _HEADINGS)
        return None, None
    name, unit, height = _HEADINGS[word], words.removeprefix(word), None
    if name == "wind_m_s":
        told = re.search(r"_(\d+)_?[mм](?=_|$)", unit) or re.search(r"_(\d+)m_", word + "_")
        height = float(told.group(1)) if told else None
        unit = re.sub(r"(_на_высоте|_на|_at)?_\d+_?[mм](?=_|$)", "", unit)
    return (name, *_unit(name, unit, str(cell), where)), height


def comes_as_said(heading: str, unit: str, where: str) -> bool:
    """Whether a column whose heading we know comes in the unit that its heading says."""
    said = column_of(heading, where)[0]
    try:
        return said is None or column_of(f"{_WORDS[said[0]].split()[0]} {unit}", where)[0] == said
    except BadInput:
        return False


def _unit(name: str, text: str, cell: str, where: str) -> tuple[float, float]:
    if name not in _UNITS:
        return 1.0, 0.0
    usual, known = _UNITS[name]
    plain = re.sub(r"(d_?1|per_day|day|сутки|сут|d|_1)$", "", text.strip("_")) if text.strip("_") not in known else text
    unit = plain.replace("_", "").replace("град", "").replace("deg", "") or usual
    if unit not in known:
        raise BadInput(
            "WEATHER-UNIT-UNKNOWN",
            "{where}: the unit of column {column} is not known",
            "write the unit into the heading, one of {expected}",
            where=where,
            column=cell,
            expected=", ".join(known),
        )
    factor, offset = known[unit]
    return float(factor), float(offset)
