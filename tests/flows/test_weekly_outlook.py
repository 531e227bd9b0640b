"""Forecasts of a region as tables: no look ahead to the bit, nothing twice, and what cannot be told is said."""

from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agro.domain.errors import Refusal
from agro.domain.outlook import Forecast
from agro.reports.words import say
from agro.store.index import opened
from agro.store.publish import writing
from flows.forecast_tables import as_table, from_table
from flows.keeping import Result, keep
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables
from flows.weekly_outlook import last_known
from flows.yield_models import known_ground
from flows.yield_tables import Books, as_known
from models.yield_features import feature_blocks
from models.yield_ladder import LadderRules, names_of
from models.yield_words import in_words
from models.yields import fit, predict

AS_OF = date(2022, 7, 15)
CROP = "spring_wheat"


@cache
def books() -> Books:
    made = simulated_tables(31, tuple(range(2016, 2023)), 16, pixels=10)
    fields = pd.DataFrame(made.outlines[["field_id", "farm_id", "district", "area_ha"]])
    fields = fields.merge(made.soil.add_prefix("ground_").rename(columns={"ground_field_id": "field_id"}))
    harvest = made.harvest.assign(barn_t_ha=made.harvest["yield_t_ha"])
    return Books(fields, made.seasons, made.fieldstats, made.weather, harvest, 55.3)


def foretold(known: Books) -> list[Any]:
    rules = facts(CONFIGS / "yields.toml")
    table = as_known(known, AS_OF, rules, facts(CONFIGS / "water.toml"))
    own = table[table["crop"] == CROP]
    past, asked = own[own["season"] < AS_OF.year], own[own["season"] == AS_OF.year]
    ladder = {name: rules["ladder"][name] for name in LadderRules.__dataclass_fields__}
    model = fit(CROP, f"{AS_OF:%m-%d}", past, feature_blocks(past), LadderRules(**ladder))
    told = predict(model, asked, AS_OF, f"{AS_OF:%m-%d}", "m")
    assert model.chosen not in ("average", "trend"), "plain rungs read no feature: the poison would prove nothing"
    assert any(one.estimate is not None for one in told)
    return told


def poisoned(clean: Books) -> Books:
    """The same, with nonsense in everything that came after the day."""
    looks, weather, harvest, seasons = (
        t.copy() for t in (clean.fieldstats, clean.weather, clean.harvest, clean.seasons)
    )
    late = looks["acquired_at"] >= pd.Timestamp(AS_OF, tz="UTC") + pd.Timedelta(days=1)
    assert late.sum() > 100
    looks.loc[late, ["mean", "p10", "p50", "p90"]] = 0.99
    for column in weather.select_dtypes("number"):
        weather.loc[weather["day"] > pd.Timestamp(AS_OF), column] = 77.0
    harvest.loc[harvest["season"] >= AS_OF.year, "barn_t_ha"] = 99.0
    now = seasons["season"] == AS_OF.year
    seasons.loc[now, "harvested_on"] = date(2022, 7, 1)
    later = seasons[now].assign(season=AS_OF.year + 1, crop="fallow", previous_crop="potato", n_kg_ha=500.0)
    return Books(clean.fields, pd.concat([seasons, later]), looks, weather, harvest, clean.latitude)


def test_no_forecast_looks_ahead() -> None:
    assert foretold(poisoned(books())) == foretold(books())


def test_poison_of_what_was_known_shows() -> None:
    """The same nonsense a day earlier changes the forecast: the test above can fail."""
    clean = books()
    looks = clean.fieldstats.copy()
    recent = looks["acquired_at"].dt.year == AS_OF.year
    looks.loc[recent & (looks["acquired_at"] < pd.Timestamp(AS_OF, tz="UTC")), "p50"] *= 1.1
    changed = foretold(Books(clean.fields, clean.seasons, looks, clean.weather, clean.harvest, clean.latitude))
    values = [[np.nan if one.estimate is None else one.estimate.value for one in told] for told in (changed, foretold(clean))]  # fmt: skip
    assert not np.array_equal(values[0], values[1])


def test_a_region_without_weather_or_looks_still_has_its_average() -> None:
    clean = books()
    bare = Books(clean.fields, clean.seasons, clean.fieldstats.iloc[:0], None, clean.harvest, clean.latitude)
    rules = facts(CONFIGS / "yields.toml")
    table = as_known(bare, AS_OF, rules, facts(CONFIGS / "water.toml"))
    assert len(table) == len(clean.seasons) and table["growth_light_mj_m2"].isna().all()
    past = table[(table["crop"] == CROP) & (table["season"] < AS_OF.year)]
    ladder = {name: rules["ladder"][name] for name in LadderRules.__dataclass_fields__}
    model = fit(CROP, "07-15", past, feature_blocks(past), LadderRules(**ladder))
    asked = table[(table["crop"] == CROP) & (table["season"] == AS_OF.year)]
    assert all(one.estimate is not None for one in predict(model, asked, AS_OF, "07-15", "m"))


@pytest.mark.parametrize("day", ["06-15", "08-15"])
def test_features_are_known_from_the_first_day_to_the_last(day: str) -> None:
    table = as_known(
        books(), date.fromisoformat(f"2022-{day}"), facts(CONFIGS / "yields.toml"), facts(CONFIGS / "water.toml")
    )
    blocks = feature_blocks(table)
    assert {"canopy", "growth", "weather", "ground", "work"} == set(blocks)
    nameless = [name for name in names_of(blocks) if in_words(name) == name]
    assert not nameless, "a refusal would name a column that no agronomist knows"


def test_a_reason_comes_back_from_the_store_as_it_was_told() -> None:
    """A field unlike all that is known: its feature is named in either language."""
    why = Refusal("FORECAST-OUTSIDE", "{feature} is {met}", "check", {"feature": in_words("weather_rain_june_mm"), "met": "9"})  # fmt: skip
    silent = Forecast("field", "a", CROP, 2022, "yield_t_ha", AS_OF, None, (), "m: ridge", 0.0, why)
    (again,) = from_table(as_table([silent]))
    assert again.why == why and again.why is not None
    assert again.why.reason == "rain, June (mm) is 9" and say(again.why.text, "ru", **again.why.facts) == "осадки, июнь (мм) is 9"  # fmt: skip


def test_maps_of_soil_do_not_look_ahead(tmp_path: Path) -> None:
    """Soil that follows the colour of ground seen later is not known on the day; older soil is."""
    rows = pd.DataFrame({"field_id": ["a"], "layer": ["humus_pct"]})
    with writing(tmp_path / "s") as store, opened(store) as index:
        for place, day, parents, mean in (
            ("bare_soil/2022/b", "2022-10-15", [], 0.0),
            ("soil/d/old", "2020-05-10", [], 3.0),
            ("soil/d/new", "2020-05-10", ["bare_soil/2022/b"], 9.0),
        ):
            properties = {"datetime": f"{day}T00:00:00Z", "agro:parents": parents}
            keep(store, index, place, Result(properties, None, tables={"fields": rows.assign(mean=mean)}))
        known = [known_ground(index, {"a"}, date(year, 12, 1))[0]["ground_humus_pct"].tolist() for year in (2021, 2022)]
    assert known == [[3.0], [9.0]]


@pytest.mark.parametrize(
    ("today", "looks", "day"),
    [
        (date(2022, 8, 3), ["2022-07-20"], date(2022, 8, 3)),
        (date(2026, 8, 3), ["2021-07-20", "2022-07-20"], date(2022, 7, 20)),
        (date(2026, 8, 3), [], date(2023, 12, 31)),
    ],
)
def test_the_last_known_day(today: date, looks: list[str], day: date) -> None:
    class Seen:
        def items(self, kind: str) -> list[Any]:
            return [SimpleNamespace(properties={"datetime": f"{one}T05:00:00Z"}) for one in looks]

    land = SimpleNamespace(seasons=pd.DataFrame({"season": [2021, 2022, 2023]}))
    assert last_known(Seen(), land, today) == day  # type: ignore[arg-type]
