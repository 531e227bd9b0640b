"""Moisture from the balance: water in the soil of each field, day by day, next to the wetness seen from above."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.crop_water import canopy, crops_and_soils
from agro.agromaps.evaporation import reference_evapotranspiration
from agro.agromaps.moisture import agreement
from agro.agromaps.water import FLUXES, STATES, Sky, stopped, water_balance
from agro.agromaps.water_errors import Errors
from agro.agromaps.winter import SnowRules, Winter, spring_start, winter_of
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.imagery.series import choose_stiffness, whittaker
from agro.store import history
from agro.store.index import Index
from agro.store.publish import Store, digest, read_asset
from agro.store.tables import from_parquet
from flows.keeping import Result, keep
from flows.moisture_maps import groups
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts
from flows.weather_records import weather_identity, weather_of

ALGORITHM = 1  # raise it when the same weather and looks give other water
_FIRST, _LAST = "03-01", "10-31"  # of the season: thaw to frost. source: ours
_LATE = pd.Timedelta(days=7)  # weather comes some days later than looks
_ENOUGH_CLEAR = 0.5  # [1] of a field: a look that shows less does not speak for it
_PLAIN_ELEVATION_M = 200.0  # [m] where no height model is given: 100 m change evaporation by less than 1 %. assumption


@dataclass(frozen=True)
class _Weather:
    """The weather of each place with its evaporation, and the places' winters."""

    days: pd.DataFrame
    winters: dict[str, Winter]


def make_water(settings: Settings, land: Land, source: Path | None, store: Store, index: Index) -> list[Refusal]:
    """The water balance of every field in the seasons, where it is not made yet; what was refused."""
    if source is None:
        return []
    rows, refused = history.fieldstats(store), list[Refusal]()
    rows = rows[(rows["layer"] == "ndvi") & (rows["clear_fraction"] >= _ENOUGH_CLEAR)]
    rules = facts(CONFIGS / "water.toml")
    weather: tuple[pd.DataFrame | None, list[Refusal]] | None = None
    for year in sorted({instant.year for instant in rows["acquired_at"]}):
        looks = rows[rows["acquired_at"].dt.year == year]
        wetness = [r for r in index.items("moisture") if r.properties["datetime"][:4] == str(year)]
        counted = [r for r in index.items("fieldstats") if r.properties["datetime"][:4] == str(year)]
        parents = sorted(result.place for result in (*counted, *wetness))
        identity = weather_identity(source, index, date(year - 1, 8, 1), date(year, 12, 31))
        key = digest([identity, parents, rules, land.key, land.seasons_key, ALGORITHM])
        place = f"water/{year}/{key}"
        if looks.empty or index.at(place):
            continue
        weather = weather or weather_of(settings, source, index)
        if weather[0] is None:
            continue
        try:
            tables, without = _season(land, weather[0], looks, year, rules)
        except AgroError as error:
            refused.append(error.refusal)
            continue
        refused += without
        if tables["water"].empty:
            continue
        tables["agreement"] = _agreement(store, index, wetness, tables["water"])
        properties = {
            "datetime": f"{tables['water']['day'].max():%Y-%m-%d}T00:00:00Z",
            "agro:season": year,
            "agro:inputs": identity,
            "agro:parents": parents,
            "agro:refused": {str(one.field_id): one.reason for one in without if one.field_id},
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, tuple(land.outlines.total_bounds), tables=tables))
    return [*(weather[1] if weather else []), *refused]


def _season(
    land: Land, table: pd.DataFrame, looks: pd.DataFrame, year: int, rules: dict[str, Any]
) -> tuple[dict[str, pd.DataFrame], list[Refusal]]:
    """The water table of one season (a row a field and day), and the fields that stay without."""
    days = pd.date_range(f"{year}-{_FIRST}", min(pd.Timestamp(f"{year}-{_LAST}"), table["day"].max()))
    fields = _fields(land, table, year)
    kept, crops, soil, refused = crops_and_soils(fields, rules["crops"], rules["soil"])
    if kept.empty:
        return {"water": pd.DataFrame()}, refused
    seen = looks.groupby("field_id").size()
    enough = kept["field_id"].map(seen).fillna(0).to_numpy() >= 2  # a curve needs two days
    snow = SnowRules(**rules["snow"])
    weather = _weather(land, table, sorted(set(kept["place"].dropna())), year, snow, refused)
    available = 1000 * (soil.field_capacity - soil.wilting_point)
    dry = kept["place"].notna() & ~kept["place"].isin(list(weather.winters))  # its winter was told for the place
    start, begins, without = spring_start(kept.assign(available_mm=available), weather.winters, snow)
    sky_days = weather.days.reindex(pd.MultiIndex.from_product([sorted(weather.winters), days]))
    columns = {name: _by_field(sky_days, name, kept["place"], days) for name in ("rain_mm", "et0_mm", "wind_2m_m_s", "humidity_min_pct")}  # fmt: skip  # noqa: E501
    ndvi = _daily_ndvi(looks, list(kept["field_id"]), days)
    ndvi[:, ~enough] = np.nan
    stand = canopy(ndvi, crops, columns["wind_2m_m_s"], columns["humidity_min_pct"], (rules["ndvi"]["bare"], rules["ndvi"]["full"]))  # fmt: skip  # noqa: E501
    sky = Sky(days.to_numpy(), columns["rain_mm"], columns["et0_mm"])
    balance = water_balance(sky, stand, soil, start, _errors(rules["errors"], weather.days))
    until = min(days[-1].date(), date(year, 9, 30))
    early = _ended_early(table, set(kept["place"].dropna()), looks["acquired_at"].max().tz_convert(None))
    unknown = {one.field_id for one in without} | set(kept["field_id"][kept["place"].isin(list(early))])
    without = [one for one in without if one.field_id not in set(kept["field_id"][dry])]
    refused += early.values()
    ended = [one for one in stopped(balance, list(kept["field_id"]), until) if one.field_id not in unknown]
    refused += [*without, *ended]
    water = _long(balance, list(kept["field_id"]), days)
    return {"water": water, "start": begins.reset_index(drop=True)}, refused


def _ended_early(table: pd.DataFrame, places: set[str], last_look: pd.Timestamp) -> dict[str, Refusal]:
    """The places whose weather ends while their fields were still looked at, each with what to say of it."""
    until = min(last_look.normalize(), pd.Timestamp(last_look.year, 9, 30))
    last = table[table["place"].isin(places)].groupby("place")["day"].max()
    return {
        str(place): BadInput(
            "WATER-WEATHER-ENDS",
            "{where}: the weather ends on {met}, the season was looked at until {expected}; the balance ends with it",
            "add the days that are missing, at least to the end of September",
            where=place,
            met=f"{day:%Y-%m-%d}",
            expected=f"{until:%Y-%m-%d}",
        ).refusal
        for place, day in last.items()
        if day < until - _LATE
    }


def _fields(land: Land, table: pd.DataFrame, year: int) -> pd.DataFrame:
    """Field, crop and the place whose weather it has: its district's, or the only one there is."""
    own = groups(land, year)
    places = sorted(table["place"].unique())
    district = land.outlines["district"]
    place = district.where(district.isin(places), places[0] if len(places) == 1 else None)
    crop = [own[i].split("/", 1)[1] for i in land.outlines["field_id"]]
    return pd.DataFrame({"field_id": land.outlines["field_id"], "place": place, "crop": crop})


def _weather(
    land: Land, table: pd.DataFrame, places: list[str], year: int, snow: SnowRules, refused: list[Refusal]
) -> _Weather:
    """Evaporation and winter of each place; a place without a whole winter is told."""
    winters, tables = {}, []
    latitude = float(land.outlines.geometry.representative_point().y.mean())
    for place in places:
        own = table[table["place"] == place].reset_index(drop=True)
        loss = reference_evapotranspiration(own, latitude, _PLAIN_ELEVATION_M)
        plain = own.drop(columns=["et0_mm", "humidity_min_pct"], errors="ignore")
        tables.append(plain.join(loss).set_index(["place", pd.DatetimeIndex(own["day"])]))
        try:
            winters[place] = winter_of(own, year, snow)
        except AgroError as error:
            refused.append(error.refusal)
    return _Weather(pd.concat(tables) if tables else table.assign(et0_mm=np.nan), winters)


def _by_field(sky: pd.DataFrame, name: str, places: pd.Series, days: pd.DatetimeIndex) -> np.ndarray:
    """One column (day, field) by each field's place; NaN where its place is not known."""
    wide = sky[name].unstack(level=0)
    wide = wide.reindex(index=days)
    columns = [wide[place].to_numpy() if place in wide else np.full(len(days), np.nan) for place in places]
    return np.column_stack(columns).astype("float64") if columns else np.empty((len(days), 0))


def _daily_ndvi(looks: pd.DataFrame, field_ids: list[str], days: pd.DatetimeIndex) -> np.ndarray:
    """The smoothed NDVI (day, field) of each field's clear median; NaN where fewer than two days were seen."""
    wide = looks.pivot_table(index="acquired_at", columns="field_id", values="p50").reindex(columns=field_ids)
    times = wide.index.tz_convert(None).to_numpy().astype("datetime64[ns]")
    values = xr.DataArray(wide.to_numpy("float64"), {"time": times}, ("time", "field"))
    period = days[0].date(), days[-1].date()
    curve = whittaker(values, None, period, choose_stiffness(values, None, period))["curve"]
    daily: np.ndarray = np.clip(curve.values, 0.0, 1.0)
    return daily


def _errors(rules: dict[str, Any], weather: pd.DataFrame) -> Errors:
    """The errors that go in; those of evaporation by what had to be estimated, the worst of the season's days."""
    how = [told for told in weather["et0_how"].unique() if told in rules["et0"]] or [""]
    worst = max((rules["et0"][told] for told in how), key=lambda row: float(row["et0_season_cv"]))
    return Errors(**{name: value for name, value in rules.items() if name != "et0"}, **worst)


def _long(balance: xr.Dataset, field_ids: list[str], days: pd.DatetimeIndex) -> pd.DataFrame:
    """A row a field and day that the balance holds."""
    fields, count = len(field_ids), len(days)
    table = pd.DataFrame({"field_id": np.repeat(field_ids, count), "day": np.tile(days, fields)})
    for name in (*STATES, *FLUXES, *(f"{n}_se" for n in STATES if f"{n}_se" in balance)):
        table[name] = balance[name].values.T.ravel().astype("float32")
    return table.dropna(subset=["water_100cm_mm"]).reset_index(drop=True)


def _agreement(store: Store, index: Index, wetness: Sequence[Any], water: pd.DataFrame) -> pd.DataFrame:
    """Whether the wetness seen from above rises and falls with the balance's surface layer, field by field."""
    tables = [from_parquet(read_asset(store, result, "fields")) for result in wetness]
    if not tables:
        return pd.DataFrame({"field_id": [], "spearman_rho": [], "n_dates": [], "flag": []})
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[(rows["layer"] == "wetness") & (rows["n_px"] > 0)]
    day = rows["acquired_at"].dt.tz_convert(None).dt.normalize().dt.as_unit("ns")
    seen = rows.assign(day=day).pivot_table(index="day", columns="field_id", values="p50")
    wet = water.assign(top=-water["surface_depletion_mm"], day=water["day"].dt.as_unit("ns"))
    return agreement(seen, wet.pivot_table(index="day", columns="field_id", values="top"))
