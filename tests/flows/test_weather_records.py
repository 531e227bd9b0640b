"""Weather of a service in a region's run: kept version by version, merged with a station's, as a day knew it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from weather_peer import Peer, weather_peer
from workshop import GREEN, Made, Ran, Scene

from agro.domain.errors import BadInput
from agro.store import history
from agro.store.index import Index, opened
from agro.store.publish import read_asset, writing
from agro.store.tables import from_parquet
from flows.harvest_records import records_kept
from flows.plan import Land, read_land
from flows.settings import Settings, load
from flows.water_tables import make_water
from flows.weather_records import ask_for_weather, weather_of
from flows.winter_review import _STEPS

TODAY = date(2022, 6, 20)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with weather_peer() as peer:
        yield peer


@pytest.fixture
def region(make_catalog: Callable[..., Made], tmp_path: Path) -> Iterator[tuple[Settings, Land, Index]]:
    settings = load("stac", make_catalog([Scene("a")]).overrides(tmp_path / "store"))
    with writing(tmp_path / "store", 0) as store, opened(store) as index:
        yield settings, read_land(settings), index


def test_days_are_kept_once_and_a_correction_beside_them(
    peer: Peer, tmp_path: Path, region: tuple[Settings, Land, Index]
) -> None:
    settings, land, index = region
    source = peer.service(tmp_path)
    assert not ask_for_weather(settings, land, source, index, TODAY)
    first = weather_of(settings, source, index)[0]
    assert first is not None and set(first["place"]) == {"topki"}
    assert [first["day"].min(), first["day"].max()] == [pd.Timestamp("2022-05-01"), pd.Timestamp("2022-06-19")]
    assert not ask_for_weather(settings, land, source, index, TODAY) and len(index.items("weather")) == 1
    assert peer.asked[-1]["start"] == "20220501", "asked again as far back as the service corrects its days"
    (made,) = index.items("weather")
    peer.said[("PRECTOTCORR", "2022-06-10")] = 30.0
    assert not ask_for_weather(settings, land, source, index, date(2022, 6, 22))
    newest = index.items("weather")[-1]
    assert (newest.properties["agro:first"], newest.properties["agro:last"]) == ("2022-06-10", "2022-06-21")
    rain = [history.weather(index.store, as_of).set_index("day")["rain_mm"]["2022-06-10"] for as_of in (made.created, None)]  # fmt: skip
    assert rain == [1.0, 30.0], "an earlier day knows what was known then"
    long_ago = weather_of(settings, source, index, date(2022, 6, 20))[0]
    assert long_ago is not None and long_ago.set_index("day")["rain_mm"]["2022-06-10"] == 1.0
    peer.said[("PRECTOTCORR", "2022-06-10")] = 1.0
    ask_for_weather(settings, land, source, index, date(2022, 6, 22))
    now = weather_of(settings, source, index)[0]
    assert now is not None and now.set_index("day")["rain_mm"]["2022-06-10"] == 1.0, "corrected back"


def test_a_station_counts_before_the_service_where_it_has_the_day(
    peer: Peer, tmp_path: Path, region: tuple[Settings, Land, Index]
) -> None:
    settings, land, index = region
    folder = tmp_path / "weather"
    folder.mkdir()
    peer.service(folder)
    rows = ["2022-06-01;5;15;7", "2022-06-02;5;;7", "2022-06-04;5;15;9"]
    (folder / "yurga.csv").write_text("\n".join(["day;tmin_c;tmax_c;rain_mm", *rows]))
    assert not ask_for_weather(settings, land, folder, index, TODAY)
    table, refused = weather_of(settings, folder, index)
    assert table is not None and set(table["place"]) == {"yurga"}, "one station is that of all fields"
    assert table.set_index("day")["rain_mm"]["2022-05-31":"2022-06-05"].tolist() == [1, 7, 1, 1, 9, 1]  # type: ignore[misc]
    assert len(table) == 50 and {one.code for one in refused} == {"WEATHER-MISSING", "WEATHER-GAP"}


def test_a_service_that_is_gone_is_told_and_sinks_nothing(
    peer: Peer, tmp_path: Path, region: tuple[Settings, Land, Index]
) -> None:
    settings, land, index = region
    source = peer.service(tmp_path)
    ask_for_weather(settings, land, source, index, TODAY)
    two = replace(land, outlines=land.outlines.assign(district=["topki", "yurga"]))
    peer.fault, before = "500*", len(peer.asked)
    assert [one.code for one in ask_for_weather(settings, two, source, index, TODAY)] == ["HTTP-FAILS"]
    assert len(peer.asked) == before + 2, "who fails for one place is not asked for the next"
    table, _ = weather_of(settings, source, index)
    assert table is not None and len(table) == 50


def test_earlier_days_are_asked_for_when_they_are_wanted_and_two_services_are_refused(
    peer: Peer, tmp_path: Path, region: tuple[Settings, Land, Index]
) -> None:
    settings, land, index = region
    folder = tmp_path / "weather"
    folder.mkdir()
    peer.service(folder, again_days=2)
    ask_for_weather(settings, land, folder, index, TODAY)
    ask_for_weather(settings, land, folder, index, TODAY)
    peer.service(folder, again_days=2, since=date(2021, 8, 1))
    ask_for_weather(settings, land, folder, index, TODAY)
    ask_for_weather(settings, land, folder, index, TODAY)
    assert [asked["start"] for asked in peer.asked] == ["20220501", "20220617", "20210801", "20220617"]
    table, _ = weather_of(settings, folder, index)
    assert table is not None and table["day"].min() == pd.Timestamp("2021-08-01") and len(table) == 323
    peer.service(folder, "other.toml")
    assert [one.code for one in ask_for_weather(settings, land, folder, index, TODAY)] == ["WEATHER-SERVICES"]


@pytest.mark.parametrize(("name", "code"), [("weather.txt", "TABLE-FORMAT"), ("gone.csv", "FILE-MISSING"), ("", "WEATHER-NONE")])  # fmt: skip
def test_what_is_no_weather_is_refused_as_before(
    tmp_path: Path, region: tuple[Settings, Land, Index], name: str, code: str
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "weather.txt").write_text("day")
    source = folder / name if name else folder
    with pytest.raises(BadInput) as met:
        weather_of(region[0], source, region[2])
    assert met.value.refusal.code == code


def test_the_water_balance_is_made_of_it_once(
    peer: Peer, tmp_path: Path, make_catalog: Callable[..., Made], run: Callable[..., Ran]
) -> None:
    made = make_catalog(
        [
            Scene(f"l{n}{d}", f"2021-{n:02d}-{d:02d}T05:00:00Z", {**GREEN, "red": 0.03 + 0.02 * abs(7 - n) + d / 4000})
            for n in (5, 6, 7, 8)
            for d in (2, 19)
        ]
    )
    source = peer.service(tmp_path, since=date(2020, 8, 1))
    cold = {"T2M_MIN": -20.0, "T2M_MAX": -10.0, "T2M": -15.0, "T2MDEW": -18.0}
    for day in pd.date_range("2020-11-15", "2021-03-20"):
        peer.said |= {(name, f"{day:%Y-%m-%d}"): value for name, value in cold.items()}
    crop = tmp_path / "seasons.csv"
    crop.write_text("field_id;season;crop\nwest;2021;пшеница яровая\neast;2021;пшеница яровая\n")
    assert not run(made, f"fields.seasons={crop}").refused
    settings = load("stac", made.overrides(tmp_path / "store", f"fields.seasons={crop}"))
    land = read_land(settings)
    with writing(tmp_path / "store", 0) as store, opened(store) as index:
        refused = ask_for_weather(settings, land, source, index, date(2021, 12, 1))
        refused += make_water(settings, land, source, store, index)
        assert not refused
        (water,) = index.items("water")
        rows = from_parquet(read_asset(store, water, "water"))
        assert set(rows["field_id"]) == {"east", "west"} and np.isfinite(rows["water_100cm_mm"]).sum() > 200
        assert not make_water(settings, land, source, store, index) and len(index.items("water")) == 1
        peer.said[("PRECTOTCORR", "2021-11-20")] = 30.0
        ask_for_weather(settings, land, source, index, date(2021, 12, 1))
        make_water(settings, land, source, store, index)
        assert len(index.items("water")) == 2, "another weather, another balance"


def test_a_review_asks_the_service(peer: Peer, tmp_path: Path, make_catalog: Callable[..., Made]) -> None:
    assert "weather of services" in list(_STEPS)[: list(_STEPS).index("water balance")]
    source = peer.service(tmp_path, since=date(2022, 6, 1))
    settings = load("stac", make_catalog([Scene("a")]).overrides(tmp_path / "store", f"records.weather={source}"))
    with records_kept(settings) as (_, records, index, refused):
        assert records.weather == source and len(index.items("weather")) == 1 and not refused
