"""What the portal tells of one field: its season against what is usual, what fell behind, its forecast, its water."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame

from agro.domain.land import Crop
from agro.portal.shelf import Shelf
from agro.reports.district_board import yield_text
from agro.reports.farm_message import News, short_of_field
from agro.reports.field_chart import Look, SeasonChart, WaterChart, usual_curve
from agro.reports.words import KUZBASS, number, reason, say
from agro.store.accounts import Person
from agro.store.publish import Published, read_asset
from agro.store.tables import from_parquet
from flows.forecast_tables import from_table
from flows.settings import crops
from flows.tell_farms import news_of

_ENOUGH_CLEAR = 0.5  # [1] of a field: a look that shows less is no point of its curve
_OLD_D = 25  # [d] without a clear look, while others were seen: then it is said
_MOST_CURVES = 12  # of other fields and seasons, for what is usual
_FAR_BELOW = 0.07  # [1] NDVI below the lowest tenth of what is usual


@dataclass(frozen=True)
class Story:
    """One field at a day. `state` is `look`, `watch`, `well` or `unseen`; `why` says it in a sentence.

    below   how far NDVI is from what is usual at its last clear look [1]; None: nothing is usual yet
    """

    chart: SeasonChart
    last: Look | None
    below: float | None
    state: str
    why: str
    news: tuple[News, ...]


class Teller:
    """Tells of a person's fields as they stood at the end of a day; None: as they stand now."""

    def __init__(self, shelf: Shelf, person: Person, day: date | None, language: str) -> None:
        self.shelf, self.person, self.day, self.language = shelf, person, day, language
        self.until = datetime.combine(day, time.max, UTC) if day else None
        passes = [str(one.item["properties"]["datetime"]) for one in shelf.seen.of("fieldstats")]
        if self.until is not None:
            passes = [at for at in passes if at[:10] <= self.until.date().isoformat()]
        self.newest_pass = max(passes, default="")
        self.year = day.year if day else int(self.newest_pass[:4] or datetime.now(UTC).year)
        self.grown = _grown(self)

    def crop(self, field_id: str, season: int | None = None) -> str | None:
        """The code of what grows on a field."""
        return self.grown.get((field_id, self.year if season is None else season))

    def story(self, field: pd.Series) -> Story:
        """One field."""
        field_id = str(field.name)
        seasons = self._looks(field_id)
        looks = seasons.pop(self.year, [])
        clear = _clear(looks)
        usual = usual_curve(self._curves(field, seasons))
        before = {year: _clear(own) for year, own in seasons.items()}
        chart = SeasonChart(self.year, looks, before, usual, self.day or _today(self.year))
        news = self.news(field_id)
        last = clear[-1] if clear else None
        below = _below(last, usual)
        state, why = self._state(last, news, below, usual)
        return Story(chart, last, below, state, why, news)

    def news(self, field_id: str) -> tuple[News, ...]:
        """What fell behind by the newest comparison."""
        table = self._alerts()
        if table is None:
            return ()
        known = _crops()
        rows = table[table["field_id"] == field_id].itertuples()
        return tuple(
            news_of(row, "new" if row.looks == 1 else "confirmed", known.get(row.crop), self.language) for row in rows
        )

    def rank(self, field_id: str) -> float:
        """How much a field needs attention, most first: by what lies behind, without a look at its history."""
        return -sum(
            one.alert.area_ha * one.alert.drop * (2 if one.alert.looks > 1 else 1) for one in self.news(field_id)
        )

    def forecast(self, field_id: str) -> dict[str, str] | None:
        """The newest forecast by the day: value with its unit, interval, the day, or why there is none."""
        result = self._newest("forecasts", "agro:as_of")
        if result is None or str(result.item["properties"]["agro:as_of"])[:4] != str(self.year):
            return None
        table = _forecasts(self.shelf, result.place)
        rows = table[(table["subject"] == field_id) & (table["quantity"] == "yield_t_ha")]
        if rows.empty:
            return None
        row = rows.iloc[0]
        as_of = self.written(date.fromisoformat(str(result.item["properties"]["agro:as_of"])))
        if pd.isna(row["value"]):
            return {"value": "", "interval": "", "as_of": as_of, "why": _why(row, self.language)}
        interval = ""
        if pd.notna(row["low_80"]):
            interval = f"{yield_text(row['low_80'], self.language)}–{yield_text(row['high_80'], self.language)}"
        why = "" if interval else _why(row, self.language)
        return {"value": yield_text(row["value"], self.language), "interval": interval, "as_of": as_of, "why": why}

    def water(self, field_id: str) -> tuple[WaterChart, dict[str, str]] | None:
        """The water in the soil over the season, and its last day in words."""
        rows = self.shelf.newest_rows("water", "water", field_id)
        if rows.empty:
            return None
        days = pd.to_datetime(rows["day"]).dt.tz_localize(None)
        chosen = (days.dt.year == self.year) & (days <= pd.Timestamp(self.day or date.max.replace(year=2200)))
        rows, days = rows[chosen], days[chosen]
        if rows.empty:
            return None
        names = ("water_100cm_mm", "water_100cm_mm_se", "water_20cm_mm", "water_20cm_mm_se")
        values = [rows[name].astype(float).tolist() for name in names]
        last = {name: number(value[-1], 0, self.language) for name, value in zip(names, values, strict=True)}
        last["day"] = self.written(days.iloc[-1].date())
        return WaterChart(days.dt.dayofyear.tolist(), *values), last

    def written(self, day: date) -> str:
        """A day as people write it."""
        return day.strftime("%d.%m.%Y" if self.language == "ru" else "%Y-%m-%d")

    def _state(
        self, last: Look | None, news: Sequence[News], below: float | None, usual: Sequence[Any]
    ) -> tuple[str, str]:
        if any(one.alert.looks > 1 for one in news):
            return "look", short_of_field(max(news, key=lambda one: one.alert.area_ha), self.language)
        if news:
            return "watch", short_of_field(news[0], self.language)
        newest = date.fromisoformat(self.newest_pass[:10]) if self.newest_pass else None
        if last is None:
            return "unseen", say("No clear look at it this season yet.", self.language)
        if newest is not None and newest - last.day > timedelta(days=_OLD_D):
            days = (newest - last.day).days
            return "unseen", say("Not seen clearly for {days} days: cloud.", self.language, days=days)
        low = _usual_at(last, usual, 1)
        if low is not None and last.ndvi < low - _FAR_BELOW:
            return "watch", say("Paler than nine of ten of your fields with this crop at this time of year: perhaps mown, harvested or late.", self.language)  # fmt: skip  # noqa: E501
        return "well", say("Nothing stands out.", self.language)

    def _looks(self, field_id: str) -> dict[int, list[Look]]:
        made: dict[int, list[Look]] = {}
        for one in seen_looks(self.shelf, self.shelf.mark, field_id):
            if self.until is None or one.at <= self.until:
                made.setdefault(one.look.day.year, []).append(one.look)
        return made

    def _curves(self, field: pd.Series, seasons: dict[int, list[Look]]) -> list[tuple[list[int], list[float]]]:
        """The farm's seasons before of the same crop; where there is none, this field's own."""
        crop = self.crop(str(field.name))
        own = [_curve(looks) for year, looks in seasons.items() if year < self.year]
        if crop is None:
            return own
        found: list[tuple[list[int], list[float]]] = []
        for other in self.shelf.fields_of(self.person)["field_id"]:
            if self.shelf.field(self.person, other)["farm_id"] != field["farm_id"]:
                continue
            years = [
                year for (of, year), grew in self.grown.items() if of == other and grew == crop and year < self.year
            ]
            if not years or len(found) >= _MOST_CURVES:
                continue
            looks = seasons if other == field.name else self._looks(str(other))
            found += [_curve(looks[year]) for year in years if year in looks]
        return [one for one in found if len(one[0]) > 3] or own

    def _alerts(self) -> GeoDataFrame | None:
        result = self._newest("alerts", "datetime")
        if result is None or str(result.item["properties"]["datetime"])[:4] != str(self.year):
            return None
        return _table(self.shelf, result.place, "alerts")

    def _newest(self, kind: str, key: str) -> Published | None:
        by = f"{self.day.isoformat()}T99" if self.day else "9"
        results = [one for one in self.shelf.seen.of(kind) if str(one.item["properties"][key]) <= by]
        return max(results, key=lambda one: (str(one.item["properties"][key]), one.created), default=None)


@dataclass(frozen=True)
class SeenLook:
    """A look at a field, when it was (UTC), and the id of its maps."""

    look: Look
    at: datetime
    result_id: str


@lru_cache(20_000)
def seen_looks(shelf: Shelf, mark: object, field_id: str) -> tuple[SeenLook, ...]:
    """Every look at a field, oldest first; read once for each state of the shelf, that is `mark`."""
    rows = shelf.stats(field_id)
    if rows.empty:
        return ()
    rows = rows[rows["layer"] == "ndvi"]
    columns = (rows[name] for name in ("acquired_at", "p50", "clear_fraction", "place"))
    return tuple(
        SeenLook(
            Look((at + KUZBASS).date(), float("nan") if ndvi is None else float(ndvi), float(clear)),
            at.to_pydatetime(),
            shelf.seen.id_of(place),
        )
        for at, ndvi, clear, place in zip(*columns, strict=True)
    )


def _clear(looks: Sequence[Look]) -> list[Look]:
    return [one for one in looks if one.clear >= _ENOUGH_CLEAR and np.isfinite(one.ndvi)]


def _curve(looks: Sequence[Look]) -> tuple[list[int], list[float]]:
    clear = _clear(looks)
    return [one.day.timetuple().tm_yday for one in clear], [one.ndvi for one in clear]


def _usual_at(last: Look | None, usual: Sequence[Any], which: int) -> float | None:
    """What is usual at a look: low (1), middle (2) or high (3)."""
    if last is None or not usual:
        return None
    near = min(usual, key=lambda one: abs(one[0] - last.day.timetuple().tm_yday))
    if abs(near[0] - last.day.timetuple().tm_yday) > 5:
        return None
    value: float | None = near[which]
    return value


def _below(last: Look | None, usual: Sequence[Any]) -> float | None:
    middle = _usual_at(last, usual, 2)
    return None if middle is None or last is None else last.ndvi - middle


def _today(year: int) -> date | None:
    now = datetime.now(UTC).date()
    return now if now.year == year else None


def _why(row: pd.Series, language: str) -> str:
    why = from_table(pd.DataFrame([row]))[0].why
    return "" if why is None else reason(why, language)


@lru_cache(1)
def _crops() -> dict[str, Crop]:
    return {crop.code: crop for crop in crops()}


def _grown(teller: Teller) -> dict[tuple[str, int], str]:
    places = tuple(one.place for one in teller.shelf.seen.of("season_fields"))
    return _grown_at(teller.shelf, places)


@lru_cache(4)
def _grown_at(shelf: Shelf, places: tuple[str, ...]) -> dict[tuple[str, int], str]:
    made: dict[tuple[str, int], str] = {}
    for place in places:
        table = from_parquet(read_asset(shelf.store, shelf.seen.results[place], "seasons")).dropna(subset=["crop"])
        made |= {
            (str(f), int(s)): str(c) for f, s, c in zip(table["field_id"], table["season"], table["crop"], strict=True)
        }
    return made


@lru_cache(8)
def _table(shelf: Shelf, place: str, asset: str) -> GeoDataFrame:
    table: GeoDataFrame = from_parquet(read_asset(shelf.store, shelf.seen.results[place], asset), outlines=True)
    return table


@lru_cache(8)
def _forecasts(shelf: Shelf, place: str) -> pd.DataFrame:
    table: pd.DataFrame = from_parquet(read_asset(shelf.store, shelf.seen.results[place], "fields"))
    return table.replace({np.inf: np.nan})
