"""Points of a yield monitor from the columns that its file has: clock, moisture, yield by area."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput
from agro.domain.harvest import MONITOR_COLUMNS
from agro.sources.monitor_said import NOT_MEASURED, Said

_EPOCH_S = 1e8  # [s] a clock beyond it counts from 1970, and so names the day
_NO = {"0", "0.0", "false", "no", "off", "out", "нет", "up"}
_DAYS = ("%Y-%m-%d", "%d.%m.%Y")
_CLOCKS = ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%H:%M:%S")


def points_of(columns: Mapping[str, pd.Series], said: Said, where: str) -> pd.DataFrame:
    """The table of points (see `agro.domain.harvest`) from columns by our names. Raises BadInput."""
    count = len(columns["lon"])
    nothing = pd.Series(np.nan, index=range(count))
    table = pd.DataFrame({name: columns.get(name, nothing) for name in MONITOR_COLUMNS if name != "working"})
    table["number"] = range(count)
    if "swath_m" not in columns and said.swath_m is not None:
        table["swath_m"] = said.swath_m
    table["working"] = _working(columns.get("working"), count)
    table["lon"], table["lat"] = _on_earth(table["lon"], table["lat"], where)
    table["clock_s"], table["day"] = _clock(columns, table)
    table["moisture_pct"] = _moisture(columns.get("moisture_pct"), said, count, where)
    table["yield_t_ha"] = _yields(columns, table, said, where)
    return table[list(MONITOR_COLUMNS)]


def _on_earth(lon: pd.Series, lat: pd.Series, where: str) -> tuple[pd.Series, pd.Series]:
    """The places, NaN where there was no fix. Refused where none is a longitude and latitude."""
    sound = (lon.abs() <= 180) & (lat.abs() <= 90) & ((lon.abs() > 1e-6) | (lat.abs() > 1e-6))
    if not sound.any():
        raise BadInput(
            "MONITOR-NOWHERE",
            "{where}: no point lies at a longitude and latitude, for instance {met}",
            "give degrees of WGS 84, or say the coordinate system of x and y",
            where=where,
            met=f"{lon.iloc[0]:.6g} {lat.iloc[0]:.6g}",
        )
    return lon.where(sound), lat.where(sound)


def _working(cells: pd.Series | None, count: int) -> pd.Series:
    if cells is None:
        return pd.Series(True, index=range(count))
    return ~cells.map(lambda cell: str(cell).strip().casefold()).isin(_NO)


def _clock(columns: Mapping[str, pd.Series], table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Seconds since the log began and days, NaN and NaT where no clock was logged.

    A day is read as YYYY-MM-DD or DD.MM.YYYY; any other way of writing it names none.
    """
    nothing = pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns]")
    day = _instants(columns["day"], _DAYS).dt.normalize() if "day" in columns else nothing
    clock = columns.get("clock")
    if clock is None:
        return pd.Series(np.nan, index=table.index), day
    counted = None if pd.api.types.is_datetime64_any_dtype(clock) else pd.to_numeric(clock, errors="coerce")
    if counted is not None and counted.notna().mean() > 0.5:
        seconds = counted.astype("float64")
        if seconds.median() > _EPOCH_S and day.isna().all():
            day = pd.to_datetime(seconds, unit="s", errors="coerce").dt.normalize()
    else:
        instants = _instants(clock, _CLOCKS)
        day = day.where(day.notna(), instants.dt.normalize().where(instants.dt.year > 1900))  # no day: read into 1900
        seconds = (instants - instants.min()).dt.total_seconds()
    return seconds - seconds.groupby(table["log"]).transform("min"), day


def _instants(cells: pd.Series, forms: tuple[str, ...]) -> pd.Series:
    """Instants of text or of a spreadsheet's own, NaT where it is written in none of the forms."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return cells.dt.tz_localize(None).astype("datetime64[ns]") if cells.dt.tz else cells.astype("datetime64[ns]")
    text = cells.map(lambda cell: cell.isoformat() if hasattr(cell, "isoformat") else str(cell).strip().removesuffix("Z"))  # fmt: skip  # noqa: E501
    found = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns]")
    for form in forms:
        found = found.fillna(pd.to_datetime(text, format=form, errors="coerce").astype("datetime64[ns]"))
    return found


def _moisture(cells: pd.Series | None, said: Said, count: int, where: str) -> pd.Series:
    if cells is None and said.moisture != NOT_MEASURED:
        raise BadInput(
            "MONITOR-MOISTURE",
            "{where}: no column tells the moisture of the grain",
            'add it, or write moisture = "not measured" into the .toml beside the file',
            where=where,
        )
    if cells is None:
        return pd.Series(np.nan, index=range(count))
    return cells.where((cells >= 0) & (cells < 100))


def _yields(columns: Mapping[str, pd.Series], table: pd.DataFrame, said: Said, where: str) -> pd.Series:
    """Yields [t/ha]: as the monitor gives them, else of flow, interval, distance and swath; NaN where it has none."""
    wanted = said.to_moisture_pct
    if "yield_t_ha" not in columns and "dry_yield_t_ha" in columns:
        if wanted is None:
            raise BadInput(
                "MONITOR-DRY",
                "{where}: gives yields of dry grain, and nobody says of which moisture",
                "write to_moisture_pct = 14 (what the monitor was set to) into the .toml beside it",
                where=where,
            )
        return columns["dry_yield_t_ha"]
    yields = columns["yield_t_ha"] if "yield_t_ha" in columns else _of_flow(columns["flow_kg_s"], table, where)
    if wanted is None:
        return yields
    return yields * (100 - table["moisture_pct"]) / (100 - wanted)


def _of_flow(flow: pd.Series, table: pd.DataFrame, where: str) -> pd.Series:
    """Mass by area: flow over speed times swath. source: USDA Yield Editor, Sudduth 2007"""
    by_distance = table["distance_m"] / table["interval_s"].where(table["interval_s"] > 0)
    area = (by_distance.where(by_distance.notna(), table["speed_m_s"]) * table["swath_m"]).to_numpy()  # [m2/s]
    if not (area > 0).any():
        raise BadInput(
            "MONITOR-SWATH",
            "{where}: gives the flow of grain, but neither swath and speed nor distance and interval above nought",
            "add the columns of swath and speed with their units, or one of yield",
            where=where,
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        yields = 10 * flow / np.where(area > 0, area, np.nan)  # kg/m2 to t/ha
    return yields.where(np.isfinite(yields))
