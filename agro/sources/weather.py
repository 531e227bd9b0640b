"""Daily weather: a table from a station or a reanalysis, with units in its headings, to one row a place and day."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.sources.tables import read_rows
from agro.sources.weather_grids import rows_of_grids, rows_of_json
from agro.sources.weather_headings import columns_of

WEATHER_COLUMNS = (
    "place",
    "day",
    "tmin_c",
    "tmax_c",
    "tmean_c",
    "rain_mm",
    "radiation_mj_m2",
    "wind_m_s",
    "wind_height_m",
    "vapour_pressure_kpa",
    "dew_point_c",
    "humidity_pct",
    "humidity_max_pct",
    "humidity_min_pct",
    "et0_mm",
)
# What a day can hold, in our units, and the question asked where many days do not.
_LIMITS: dict[str, tuple[float, float, Told]] = {
    **dict.fromkeys(("tmin_c", "tmax_c", "tmean_c", "dew_point_c"), (-70.0, 52.0, Told("Fahrenheit (F)", {}))),
    "rain_mm": (0.0, 400.0, Told("a sum since the start of the month or year, or another unit", {})),
    "radiation_mj_m2": (0.0, 45.0, Told("W/m2, kJ/m2 or J/m2", {})),
    "wind_m_s": (0.0, 45.0, Told("km/h", {})),
    "vapour_pressure_kpa": (0.0, 6.0, Told("hPa", {})),
    **dict.fromkeys(("humidity_pct", "humidity_max_pct", "humidity_min_pct"), (0.0, 105.0, Told("another unit", {}))),
    "et0_mm": (0.0, 25.0, Told("a sum of several days, or another unit", {})),
}
_KELVIN_FROM = 150.0  # [1] no temperature of air reaches this in degrees, Celsius or Fahrenheit
_MANY = 0.02  # [1] of the days beyond a limit: the unit of the column is in doubt, not the days. source: ours
_ROWS_A_DAY = 3  # [1] so many rows a day are no slip. source: ours
_NOISE_MM = 0.05  # [mm] rain so little below zero is the rounding of a reanalysis. source: ours
_NEEDED = ("rain_mm", "tmin_c", "tmax_c")  # without them a day tells nothing of water
_ENDINGS = (".csv", ".xlsx", ".nc", ".json")
_EMPTY = ("", "nan", "na", "n/a", "-", "нет", "none")
_ROUNDING_C = 1.0  # [K] the mean may lie so far outside the extremes: they are often of other hours. source: ours


def read_weather(
    path: Path,
    wind_height_m: float | None = None,
    until: date | None = None,
    places: Mapping[str, tuple[float, float]] | None = None,
) -> tuple[pd.DataFrame, list[Refusal]]:
    """Weather by place and day (WEATHER_COLUMNS), every day from each place's first to its last, and what was refused.

    Headings are those of the documentation, in Russian or English, with the unit behind the name: `tmin_c`,
    `Осадки, мм`, `srad_mj_m2`, `ветер 10 м, м/с`. What is not known is NaN, a day that is not there is a row of NaN;
    tmean_c is the middle of the extremes where it was not given. Without a column for the place, the place is the
    file's name. A folder is read file by file; NetCDF grids (AgERA5) are read together, each of the `places`
    (longitude, latitude) [deg] from its nearest cell; JSON is the answer of a service in NASA POWER's shape.
    `wind_height_m` [m] says the height where the heading does not; `until` is the day to which the weather is needed.
    raises   BadInput where a file as a whole cannot be used, or a unit is in doubt; in a folder it is refused alone
    """
    if not path.is_dir():
        return table_of(_rows(path, places), path.name, path.stem, wind_height_m, until)
    tables, refused = [], []
    files = files_of(path)
    grids = [file for file in files if file.suffix.lower() == ".nc"]
    for file in [*(file for file in files if file not in grids), *grids[:1]]:
        try:
            rows = rows_of_grids(grids, places, path.name) if file in grids else _rows(file, places)
            table, told = table_of(rows, file.name, file.stem, wind_height_m, until)
            tables.append(table)
            refused += told
        except AgroError as error:
            refused.append(error.refusal)
    if not tables:
        raise BadInput(
            "WEATHER-NONE",
            "{where}: no file of this folder can be used as weather",
            "put a CSV or XLSX table of daily weather there",
            where=path.name,
        )
    return pd.concat(tables, ignore_index=True), refused


def _rows(path: Path, places: Mapping[str, tuple[float, float]] | None) -> list[list[Any]]:
    if path.suffix.lower() == ".nc":
        return rows_of_grids([path], places, path.name)
    return rows_of_json(path) if path.suffix.lower() == ".json" else read_rows(path)


def files_of(path: Path) -> list[Path]:
    """The files of weather that a path names: itself, or those of a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() in _ENDINGS]


def table_of(
    rows: list[list[Any]], where: str, place: str, wind_height_m: float | None, until: date | None, by_day: bool = False
) -> tuple[pd.DataFrame, list[Refusal]]:
    """The table of rows, their heading first, as `read_weather` gives it; `place` is that of rows that name none.

    by_day   a row is told of by its day, for it has no number that anybody could look up
    """
    if len(rows) < 2:
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=where
        )
    heading, body, first = rows[0], rows[1:], 2
    if not any(re.fullmatch(r"[-−]?\d.*", str(cell or "").strip()) for cell in body[0]):  # units under the heading
        heading, body, first = [f"{a or ''} {b or ''}" for a, b in zip(heading, body[0], strict=False)], body[1:], 3
    columns, heights = columns_of(heading, where)
    refused: list[Refusal] = []
    labels = [str(row[0]) for row in body] if by_day else list(range(first, first + len(body)))
    table = _numbers(body, columns, where, labels, refused)
    if table.empty and refused and refused[0].code == "WEATHER-CELLS":
        first_of = refused[0]
        raise BadInput(first_of.code, first_of.text, first_of.remedy, **first_of.facts)
    if table.empty:
        raise BadInput(
            "WEATHER-EMPTY",
            "{where}: no row has a day that can be read",
            "write dates as YYYY-MM-DD or DD.MM.YYYY",
            where=where,
        )
    if "place" not in table:
        table["place"] = place
    if "wind_m_s" in table:
        table["wind_height_m"] = _height(heights, wind_height_m, where)
    table = _believed(table.reindex(columns=[*WEATHER_COLUMNS, "row"]), where, refused)
    whole = [_calendar(days, str(name), until, where, refused) for name, days in table.groupby("place")]
    return pd.concat(whole, ignore_index=True)[list(WEATHER_COLUMNS)], refused


def _height(heights: Sequence[float], told: float | None, where: str) -> float:
    height = heights[0] if heights else told
    if height is None:
        raise BadInput(
            "WEATHER-WIND-HEIGHT",
            "{where}: at which height was the wind measured? Wind of 10 m taken for wind of 2 m is a third too strong",
            "write it into the heading, for instance wind_10m_m_s, or into the configuration",
            where=where,
        )
    return height


def _numbers(
    body: Sequence[Sequence[Any]],
    columns: Sequence[tuple[str, float, float] | None],
    where: str,
    labels: Sequence[int | str],
    refused: list[Refusal],
) -> pd.DataFrame:
    """The cells as numbers of our units, with the label of their row; a row that cannot be read is refused."""
    whole = []
    for label, row in zip(labels, body, strict=True):
        if len(row) == len(columns):
            whole.append((label, row))
        elif any(str(cell or "").strip() for cell in row):
            refused.append(
                BadInput(
                    "WEATHER-CELLS",
                    "{where}: {met} cells, the heading has {expected}; a decimal comma between commas splits a number",
                    "save the table with semicolons between its cells",
                    where=_row(where, label),
                    met=len(row),
                    expected=len(columns),
                ).refusal
            )
    table = pd.DataFrame({"row": [label for label, _ in whole]})
    missing: dict[str, pd.Series] = {}
    for place, column in enumerate(columns):
        if column is None:
            continue
        name, factor, offset = column
        text = pd.Series([str("" if row[place] is None else row[place]).strip() for _, row in whole], dtype="object")
        if name in ("place", "day"):
            table[name] = text if name == "place" else _days(text)
            unreadable = table[name].isna() & (text != "") if name == "day" else text == ""
        else:
            text = text.str.replace(",", ".").str.replace("\u00a0", "").str.replace("−", "-")
            empty = text.str.casefold().isin(_EMPTY)
            table[name] = pd.to_numeric(text.where(~empty), errors="coerce").astype("float64") * factor + offset
            unreadable, missing[name] = table[name].isna() & ~empty, empty
        for i in np.flatnonzero(unreadable):
            refused.append(
                BadInput(
                    "WEATHER-CELL",
                    "{where}: {column} is {met}, which cannot be read",
                    "write numbers as 12,5 or 12.5 and dates as YYYY-MM-DD or DD.MM.YYYY",
                    where=_row(where, table["row"][i]),
                    column=name,
                    met=text[i],
                ).refusal
            )
    _tell_missing(table["day"], missing, where, refused)
    return table[table["day"].notna()].reset_index(drop=True)


def _tell_missing(days: pd.Series, missing: Mapping[str, pd.Series], where: str, refused: list[Refusal]) -> None:
    """Say which of the numbers that water needs are not there, and since when; evaporation stands for temperatures."""
    for name in _NEEDED[:1] if "et0_mm" in missing else _NEEDED:
        without = days[missing[name] & days.notna()] if name in missing else days[:0]
        if len(without):
            refused.append(
                BadInput(
                    "WEATHER-MISSING",
                    "{where}: {column} is missing on {n} days, the first is {first}",
                    "fill the days; the moisture balance stops before them",
                    where=where,
                    column=name,
                    n=len(without),
                    first=f"{without.min():%Y-%m-%d}",
                ).refusal
            )


def _days(text: pd.Series) -> pd.Series:
    day = text.str.replace(r"[T ]\d{1,2}:.*$", "", regex=True)
    found = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    for form, pattern in (
        ("%Y-%m-%d", r"\d{4}-\d\d?-\d\d?"),
        ("%d.%m.%Y", r"\d\d?\.\d\d?\.\d{4}"),
        ("%Y%m%d", r"\d{8}"),
    ):
        fits = day.str.fullmatch(pattern).astype(bool)
        found[fits] = pd.to_datetime(day[fits], format=form, errors="coerce").astype("datetime64[ns]")
    return found


def _believed(table: pd.DataFrame, where: str, refused: list[Refusal]) -> pd.DataFrame:
    """The days without what cannot be: impossible numbers, cold days warmer than warm ones, a day told twice."""
    for name, (lowest, highest, guess) in _LIMITS.items():
        if name == "rain_mm":
            table[name] = table[name].where(~table[name].between(-_NOISE_MM, 0), 0.0)
        beyond = (table[name] < lowest) | (table[name] > highest)
        if beyond.sum() > _MANY * table[name].notna().sum() and (table.loc[beyond, name] > highest).any():
            raise BadInput(
                "WEATHER-UNIT",
                "{where}: {column} reaches {met}, {expected} is possible; is it {guess}?",
                "write the unit into the heading: it is then converted, and never guessed",
                where=where,
                column=name,
                met=round(float(table[name].max()), 1),
                expected=f"{lowest:g}..{highest:g}",
                guess=Told("Kelvin (K)", {}) if name.endswith("_c") and table[name].max() > _KELVIN_FROM else guess,
            )
        _leave_out(table, beyond, (name,), where, refused)
    crossed = table["tmin_c"] > table["tmax_c"]
    outside = (table["tmean_c"] < table["tmin_c"] - _ROUNDING_C) | (table["tmean_c"] > table["tmax_c"] + _ROUNDING_C)
    _leave_out(table, crossed | outside, ("tmin_c", "tmax_c", "tmean_c"), where, refused)
    table["tmean_c"] = table["tmean_c"].fillna((table["tmin_c"] + table["tmax_c"]) / 2)
    return _once(table, where, refused)


def _leave_out(table: pd.DataFrame, wrong: pd.Series, names: Sequence[str], where: str, refused: list[Refusal]) -> None:
    for i in np.flatnonzero(wrong):
        met = ", ".join(f"{name} {table[name].iloc[i]:g}" for name in names)
        refused.append(
            BadInput(
                "WEATHER-IMPOSSIBLE",
                "{where}: {met} cannot be, and is left out",
                "correct the numbers; the moisture balance stops at a day without rain or temperature",
                where=_row(where, table["row"].iloc[i]),
                met=met,
            ).refusal
        )
    table.loc[wrong, list(names)] = np.nan


def _once(table: pd.DataFrame, where: str, refused: list[Refusal]) -> pd.DataFrame:
    table = table.drop_duplicates([name for name in table if name != "row"])
    twice = table.duplicated(["place", "day"], keep=False)
    days = table.loc[twice, ["place", "day"]].drop_duplicates()
    if twice.sum() >= _ROWS_A_DAY * max(len(days), 1) and twice.mean() > _MANY:
        raise BadInput(
            "WEATHER-HOURLY",
            "{where}: {met} rows for {days} days; is it weather by the hour, or of several places?",
            "make sums and means of each day, and name the place in a column",
            where=where,
            met=int(twice.sum()),
            days=len(days),
        )
    for place, day in days.itertuples(index=False):
        refused.append(
            BadInput(
                "WEATHER-TWICE",
                "{where}: {day} stands twice for {place} with different numbers, and is left out",
                "keep one row a day",
                where=where,
                day=f"{day:%Y-%m-%d}",
                place=place,
            ).refusal
        )
    return table[~twice]


def _calendar(days: pd.DataFrame, place: str, until: date | None, where: str, refused: list[Refusal]) -> pd.DataFrame:
    """Every day of a place from its first to its last; the gaps, and an end that comes too early, are told."""
    known = days.set_index("day").sort_index()
    whole = known.reindex(pd.date_range(known.index[0], known.index[-1], name="day"))
    absent = whole["place"].isna()
    for _, gap in whole.index[absent].to_series().groupby((~absent).cumsum()[absent]):
        refused.append(
            BadInput(
                "WEATHER-GAP",
                "{where}: {place} has no weather from {first} to {last}",
                "fill the days; the moisture balance stops before them",
                where=where,
                place=place,
                first=f"{gap.iloc[0]:%Y-%m-%d}",
                last=f"{gap.iloc[-1]:%Y-%m-%d}",
            ).refusal
        )
    last = known.index[-1]
    if until is not None and last < pd.Timestamp(until):
        refused.append(
            BadInput(
                "WEATHER-ENDS",
                "{where}: weather of {place} ends on {last}, {until} is needed; the moisture balance holds to {last}",
                "add the newer days; nothing is computed beyond them",
                where=where,
                place=place,
                last=f"{last:%Y-%m-%d}",
                until=f"{until:%Y-%m-%d}",
            ).refusal
        )
    return whole.assign(place=place).reset_index()


def _row(where: str, label: Any) -> Told:
    if isinstance(label, str):
        return Told("{file}, {day}", {"file": where, "day": label})
    return Told("{file}, row {n}", {"file": where, "n": int(label)})
