"""What yield models are fed with: every field and season as it was known on one day of the year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.crop_water import canopy, crops_and_soils
from agro.agromaps.evaporation import reference_evapotranspiration
from agro.agromaps.water import Sky, water_balance
from agro.agromaps.winter import SnowRules, Winter, spring_start, winter_of
from agro.domain.errors import AgroError
from agro.imagery.series import whittaker
from models.yield_features import LAYERS, GrowthRules, Known, believed, season_features

_ENOUGH_CLEAR = 0.3  # [1] of a field: a look that shows less does not speak for it
_FEWEST_LOOKS = 2  # [1] a curve needs two days
_PLAIN_ELEVATION_M = 200.0  # [m] as for the water balance: 100 m change evaporation by less than 1 %. assumption
_FIRST_DAY, _FIRST_LOOK = "10-01", "04-01"  # month-day: the autumn before; looks count from spring
_LOWEST = {"ndvi": 0.0, "evi2": 0.0, "ndre": -0.2, "ndmi": -0.6, "lai": 0.0}  # [1], [m2/m2] of a field. assumption
_SKY = ("rain_mm", "tmean_c", "tmax_c", "radiation_mj_m2", "et0_mm")
_BALANCE = ("stress", "transpiration_mm", "water_100cm_mm")


@dataclass(frozen=True)
class Books:
    """The tables of a region: what stands in the store, or what a simulated region gives instead.

    fields      field_id, farm_id, district, area_ha and columns `ground_*` of soil and relief
    seasons     by `agro.domain.land.SEASON_COLUMNS`
    fieldstats  a row a field, look and layer
    weather     a row a place and day
    harvest     field_id, season, crop, harvested_on, barn_t_ha [t/ha]
    latitude    [deg] of the region
    """

    fields: pd.DataFrame
    seasons: pd.DataFrame
    fieldstats: pd.DataFrame
    weather: pd.DataFrame | None
    harvest: pd.DataFrame
    latitude: float


def as_known(books: Books, as_of: date, rules: Mapping[str, Any], water: Mapping[str, Any]) -> pd.DataFrame:
    """A row a field and season with its features by the month-day of `as_of`, and the yields that were known then.

    Past seasons are cut at the same month-day. `rules` are configs/yields.toml, `water` configs/water.toml. Yields of
    the season of `as_of` never come in; its harvest may tell the outcome, not the forecast.
    """
    grown = _grown(books, as_of)
    sky = _sky(books.weather, books.latitude)
    parts = []
    curves = {
        season: _curves(books.fieldstats, rows, _day_in(season, as_of)) for season, rows in grown.groupby("season")
    }
    usual = _usual(grown[grown["season"] < as_of.year], curves)  # a model fitted ahead stays that of the season to come
    curves = {season: _gone_on(curves[season], rows["crop"], usual) for season, rows in grown.groupby("season")}
    growth = GrowthRules(**rules["growth"])
    for season, rows in grown.groupby("season"):
        day = _day_in(int(season), as_of)
        known = _known(rows, curves[season], usual, sky, water, day)
        parts.append(season_features(rows, known, growth, day))
    features = pd.concat(parts)
    own = ["farm_id", "district", "crop", "variety", "area_ha", "yield_t_ha"]
    return features.join(grown[own]).rename(columns={"field_id": "unit_id"}).sort_values(["season", "unit_id"], ignore_index=True)  # fmt: skip  # noqa: E501


def _day_in(season: int, as_of: date) -> date:
    return date(season, as_of.month, min(as_of.day, 28) if as_of.month == 2 else as_of.day)


def _grown(books: Books, as_of: date) -> pd.DataFrame:
    """What grew where, with the yields of the seasons before."""
    harvest = books.harvest[books.harvest["season"] < as_of.year]
    seasons = books.seasons[books.seasons["season"] <= as_of.year]
    rows = seasons.merge(books.fields, on="field_id")
    told = harvest[["field_id", "season", "crop", "barn_t_ha"]].rename(columns={"barn_t_ha": "yield_t_ha"})
    return rows.merge(told, on=["field_id", "season", "crop"], how="left")


def _curves(fieldstats: pd.DataFrame, rows: pd.DataFrame, day: date) -> dict[str, np.ndarray]:
    """Daily curves (day, field) of each layer from spring to the day, from the looks by then that are believed.

    NaN before a field's first look and after its last: see `_gone_on`.
    """
    period = date.fromisoformat(f"{day.year}-{_FIRST_LOOK}"), day
    field_ids = rows["field_id"].tolist()
    days = pd.date_range(*period)
    nothing = {name: np.full((len(days), len(field_ids)), np.nan) for name in LAYERS}
    looks = fieldstats[
        (fieldstats["acquired_at"] >= pd.Timestamp(period[0], tz="UTC"))
        & (fieldstats["acquired_at"] < pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1))
        & (fieldstats["clear_fraction"] >= _ENOUGH_CLEAR)
        & fieldstats["field_id"].isin(field_ids)
    ]
    if len(days) < 5 or looks.empty:
        return nothing
    wide = looks.pivot_table(index="acquired_at", columns=["layer", "field_id"], values="p50", sort=True)
    ndvi = wide["ndvi"].reindex(columns=field_ids)
    kept = _kept(ndvi)
    seen = kept.sum(axis=0) >= _FEWEST_LOOKS
    times = wide.index.tz_convert(None).to_numpy().astype("datetime64[ns]")
    for name in LAYERS:
        if name not in wide.columns.get_level_values(0) or not seen.any():
            continue
        values = np.where(kept, wide[name].reindex(columns=field_ids).to_numpy("float64"), np.nan)[:, seen]
        curve = whittaker(xr.DataArray(values, {"time": times}, ("time", "field")), None, period)["curve"]
        nothing[name][:, seen] = _between(curve.to_numpy(), kept[:, seen], (wide.index - days[0].tz_localize("UTC")).days)  # fmt: skip  # noqa: E501
    return nothing


def _between(curve: np.ndarray, kept: np.ndarray, day: pd.Index) -> np.ndarray:
    """The curve (day, field) from its first look to its last, NaN outside."""
    first, last = (day.to_numpy()[which] for which in (kept.argmax(axis=0), len(kept) - 1 - kept[::-1].argmax(axis=0)))
    place = np.arange(len(curve))[:, None]
    inside: np.ndarray = np.where((place >= first) & (place <= last), curve, np.nan)
    return inside


def _kept(ndvi: pd.DataFrame) -> np.ndarray:
    """Which looks of which field are believed (look, field)."""
    day = (ndvi.index - ndvi.index[0]).total_seconds().to_numpy() / 86_400
    kept: np.ndarray = ndvi.notna().to_numpy().copy()
    for column in range(kept.shape[1]):
        there = np.flatnonzero(kept[:, column])
        good = believed(day[there], ndvi.iloc[there, column].to_numpy())
        kept[there[~good], column] = False
    return kept


def _usual(grown: pd.DataFrame, curves: Mapping[int, Mapping[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """The usual daily curve of each crop and layer, and of all crops under ``.

    Its steps are the mean steps of the fields that were seen about the day, so that it does not jump where others come
    into view; its level is their mean level.
    """
    every: dict[str, dict[str, list[np.ndarray]]] = {}
    for season, rows in grown.groupby("season"):
        for name, curve in curves[season].items():
            for crop, column in zip(rows["crop"], curve.T, strict=True):
                if np.isfinite(column).any():
                    for whose in (str(crop), ""):
                        every.setdefault(whose, {}).setdefault(name, []).append(column)
    return {crop: {name: _mean(columns) for name, columns in layers.items()} for crop, layers in every.items()}


def _mean(columns: Sequence[np.ndarray]) -> np.ndarray:
    shortest = min(len(column) for column in columns)
    whole = pd.DataFrame([column[:shortest] for column in columns])
    steps = whole.diff(axis=1).mean().fillna(0.0).cumsum()
    usual: np.ndarray = (steps + float(np.nanmean(whole - steps))).to_numpy()
    return usual


def _gone_on(
    curves: Mapping[str, np.ndarray], crops: pd.Series, usual: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """The curves before the first look and after the last, too: there they go as the crop went in past seasons.

    Level where there were none.
    """
    told = {}
    for name, curve in curves.items():
        told[name] = curve.copy()
        for place, crop in enumerate(crops):
            column, steps = told[name][:, place], usual.get(str(crop), {}).get(name, np.zeros(1))
            known = np.flatnonzero(np.isfinite(column))
            if not len(known):
                continue
            steps = np.append(steps, np.full(max(len(column) - len(steps), 0), steps[-1]))[: len(column)]
            first, last = known[0], known[-1]
            column[:first] = column[first] + steps[:first] - steps[first]
            column[last + 1 :] = column[last] + steps[last + 1 :] - steps[last]
        told[name] = np.clip(told[name], _LOWEST[name], None)
    return told


def _sky(weather: pd.DataFrame | None, latitude: float) -> pd.DataFrame:
    """Weather with evaporation, by place and day; without rows where there is none on record."""
    if weather is None or weather.empty:
        columns = {name: pd.Series(dtype="float64") for name in (*_SKY, "wind_2m_m_s", "humidity_min_pct")}
        return pd.DataFrame({"place": [], "day": pd.Series(dtype="datetime64[ns]"), **columns})
    tables = []
    for _, own in weather.groupby("place"):
        own = own.reset_index(drop=True)
        loss = reference_evapotranspiration(own, latitude, _PLAIN_ELEVATION_M)
        tables.append(own.drop(columns=["et0_mm", "humidity_min_pct"], errors="ignore").join(loss))
    return pd.concat(tables, ignore_index=True)


def _known(rows: pd.DataFrame, curves: Mapping[str, np.ndarray], usual: Mapping[str, Mapping[str, np.ndarray]], sky: pd.DataFrame, water: Mapping[str, Any], day: date) -> Known:  # fmt: skip  # noqa: E501
    """One season as it was known on a day."""
    days = pd.date_range(f"{day.year - 1}-{_FIRST_DAY}", day)
    mine = sky[(sky["day"] <= pd.Timestamp(day)) & (sky["day"] >= pd.Timestamp(day.year - 1, 8, 1))]
    places = sorted(mine["place"].unique())
    place = rows["district"].where(rows["district"].isin(places), places[0] if len(places) == 1 else None)
    by_day = {name: _by_field(mine, name, place, days) for name in (*_SKY, "wind_2m_m_s", "humidity_min_pct")}
    before = len(days) - len(curves["ndvi"])
    layers = {name: np.vstack([np.full((before, len(rows)), np.nan), curve]) for name, curve in curves.items()}
    stand_in = np.full(layers["ndvi"].shape, np.nan)
    for column, crop in enumerate(rows["crop"]):
        curve = usual.get(str(crop), usual.get("", {})).get("ndvi", np.full(len(curves["ndvi"]), np.nan))
        stand_in[before : before + len(curve), column] = curve[: len(days) - before]
    green = np.where(np.isfinite(layers["ndvi"]), layers["ndvi"], stand_in)[before:]
    balance = _balance(rows.assign(place=place), green, {n: v[before:] for n, v in by_day.items()}, mine, water, days[before:])  # fmt: skip  # noqa: E501
    whole = {name: np.vstack([np.full((before, len(rows)), np.nan), values]) for name, values in balance.items()}
    return Known(days, layers, stand_in, **{name: by_day[name] for name in _SKY}, **whole)


def _by_field(sky: pd.DataFrame, name: str, place: pd.Series, days: pd.DatetimeIndex) -> np.ndarray:
    wide = sky.pivot_table(index="day", columns="place", values=name, dropna=False).reindex(index=days)
    values: np.ndarray = wide.reindex(columns=pd.Index(place)).to_numpy("float64")
    return values


def _balance(rows: pd.DataFrame, green: np.ndarray, sky: Mapping[str, np.ndarray], weather: pd.DataFrame, water: Mapping[str, Any], days: pd.DatetimeIndex) -> dict[str, np.ndarray]:  # fmt: skip  # noqa: E501
    """The soil water balance from spring to the day (day, field); NaN where the winter or the crop is not known."""
    told = {name: np.full(green.shape, np.nan) for name in _BALANCE}
    fields = pd.DataFrame({"field_id": rows["field_id"], "crop": rows["crop"], "place": rows["place"]}).reset_index(drop=True)  # fmt: skip  # noqa: E501
    kept, crops, soil, _ = crops_and_soils(fields, water["crops"], water["soil"])
    if kept.empty:
        return told
    at = kept.index.to_numpy()
    snow = SnowRules(**water["snow"])
    available = 1000 * (soil.field_capacity - soil.wilting_point)
    start, _, _ = spring_start(kept.assign(available_mm=available), _winters(weather, days[-1].year, snow), snow)
    stand = canopy(green[:, at], crops, sky["wind_2m_m_s"][:, at], sky["humidity_min_pct"][:, at], (water["ndvi"]["bare"], water["ndvi"]["full"]))  # fmt: skip  # noqa: E501
    balance = water_balance(Sky(days.to_numpy(), sky["rain_mm"][:, at], sky["et0_mm"][:, at]), stand, soil, start, None, "float64")  # fmt: skip  # noqa: E501
    begun = np.isfinite(balance["stress"].to_numpy()).cumsum(axis=0) > 0
    for name in _BALANCE:  # frozen ground: no crop lacks water, and none takes any
        told[name][:, at] = np.where(begun | ~begun[-1], balance[name].to_numpy(), float(name == "stress"))
    return told


def _winters(weather: pd.DataFrame, season: int, snow: SnowRules) -> dict[str, Winter]:
    winters = {}
    for place, own in weather.groupby("place"):
        try:
            winters[str(place)] = winter_of(own.reset_index(drop=True), season, snow)
        except AgroError:
            continue  # its fields have no balance, and the features that need one stay unknown
    return winters
