"""The door to services of daily weather, against a peer of NASA POWER's shape, and against what goes wrong with one."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from weather_peer import Peer, weather_peer

from agro.domain.errors import AgroError, BadInput
from agro.reports.words import reason
from agro.sources.weather import WEATHER_COLUMNS
from agro.sources.weather_service import Point, read, service_of
from flows.settings import CONFIGS

TOPKI = Point("topki", 85.6, 55.3)
FIRST, LAST = date(2022, 6, 1), date(2022, 6, 10)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with weather_peer() as peer:
        yield peer


def test_the_published_profile_can_be_asked() -> None:
    service = service_of(CONFIGS / "weather/nasa-power.toml")
    assert service.url.startswith("https://") and service.columns["PRECTOTCORR"] == "rain_mm"


def test_an_answer_becomes_the_daily_table(peer: Peer, tmp_path: Path) -> None:
    table, refused = read(service_of(peer.service(tmp_path)), TOPKI, FIRST, LAST)
    assert not refused and tuple(table.columns) == WEATHER_COLUMNS and len(table) == 10
    row = table.iloc[3]
    assert (row["place"], row["day"]) == ("topki", pd.Timestamp("2022-06-04"))
    told = [
        "tmin_c",
        "tmax_c",
        "rain_mm",
        "radiation_mj_m2",
        "wind_m_s",
        "wind_height_m",
        "humidity_pct",
        "dew_point_c",
    ]
    assert row[told].tolist() == [10, 20, 1, 18, 2, 2, 60, 7]
    assert peer.asked == [{"longitude": "85.6000", "latitude": "55.3000", "start": "20220601", "end": "20220610"}]


def test_gaps_and_impossible_values_are_named_by_their_day(peer: Peer, tmp_path: Path) -> None:
    peer.said |= {("PRECTOTCORR", "2022-06-03"): -999.0, ("T2M_MAX", "2022-06-05"): 99.0}
    peer.newest = date(2022, 6, 8)
    table, refused = read(service_of(peer.service(tmp_path)), TOPKI, date(2022, 1, 1), LAST)
    assert table["day"].max() == pd.Timestamp("2022-06-08"), "what is not there yet is no gap"
    days = table.set_index("day")
    assert np.isnan(days["rain_mm"]["2022-06-03"]) and np.isnan(days["tmax_c"]["2022-06-05"])
    assert [one.code for one in refused] == ["WEATHER-MISSING", "WEATHER-IMPOSSIBLE"]
    assert "rain_mm is missing on 1 days, the first is 2022-06-03" in refused[0].reason
    assert "127.0.0.1/daily, topki, 2022-06-05: tmax_c 99 cannot be" in refused[1].reason
    assert "rain_mm" in reason(refused[0], "ru") and "missing" not in reason(refused[0], "ru")


def test_nothing_there_yet_is_no_error(peer: Peer, tmp_path: Path) -> None:
    peer.newest = date(2022, 5, 31)
    table, refused = read(service_of(peer.service(tmp_path)), TOPKI, FIRST, LAST)
    assert table.empty and not refused


def test_a_unit_is_converted_as_the_file_says_and_must_be_the_one_that_comes(peer: Peer, tmp_path: Path) -> None:
    peer.units["T2M_MIN"] = "K"
    with pytest.raises(BadInput, match="T2M_MIN comes in K, the service's file says tmin_c"):
        read(service_of(peer.service(tmp_path)), TOPKI, FIRST, LAST)
    path = peer.service(tmp_path)
    path.write_text(path.read_text().replace('"tmin_c"', '"tmin_k"'))
    peer.said = {("T2M_MIN", f"2022-06-{day:02d}"): 283.15 for day in range(1, 11)}
    table, _ = read(service_of(path), TOPKI, FIRST, LAST)
    assert table["tmin_c"].tolist() == pytest.approx([10.0] * 10)
    peer.units["T2M_MIN"], peer.units["PRECTOTCORR"] = "K", "furlong"
    with pytest.raises(BadInput, match="PRECTOTCORR comes in furlong"):
        read(service_of(path), TOPKI, FIRST, LAST)


@pytest.mark.parametrize("fault", ["429", "500", "short", "hang"])
def test_what_passes_is_waited_for(peer: Peer, tmp_path: Path, fault: str) -> None:
    peer.fault = fault
    assert len(read(service_of(peer.service(tmp_path)), TOPKI, FIRST, LAST)[0]) == 10 and len(peer.asked) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("429*", "HTTP-BUSY"),
        ("500*", "HTTP-FAILS"),
        ("short*", "HTTP-DOWN"),
        ("hang*", "HTTP-DOWN"),
        ("422*", "WEATHER-SERVICE"),
        ("html*", "WEATHER-JSON"),
        ("else*", "WEATHER-JSON"),
        ("deep*", "WEATHER-JSON"),
        ("huge*", "HTTP-TOO-LARGE"),
        ("to http://10.0.0.1/x*", "HTTP-REDIRECT"),
        ("to https://127.0.0.2/x*", "HTTP-REDIRECT"),
        ("to file:///etc/passwd*", "HTTP-REDIRECT"),
    ],
)
def test_what_stays_wrong_ends_in_a_sentence(peer: Peer, tmp_path: Path, fault: str, code: str) -> None:
    peer.fault = fault
    with pytest.raises(AgroError) as met:
        read(service_of(peer.service(tmp_path, timeout_s=1.0)), TOPKI, FIRST, LAST)
    assert met.value.refusal.code == code and met.value.refusal.remedy


def test_an_answer_of_other_ground_is_refused(peer: Peer, tmp_path: Path) -> None:
    peer.moved_deg = 30.0
    with pytest.raises(BadInput, match=r"the answer is of 55\.30 115\.60"):
        read(service_of(peer.service(tmp_path)), TOPKI, FIRST, LAST)


@pytest.mark.parametrize(
    ("line", "instead", "code"),
    [
        ("values =", "valeus =", "WEATHER-SERVICE-FILE"),
        ("missing = -999.0", 'missing = "many"', "WEATHER-SERVICE-FILE"),
        ("since = 2022-05-01", "", "WEATHER-SERVICE-FILE"),
        ("[columns]", "[columns", "WEATHER-SERVICE-FILE"),
        ('"rain_mm"', '"rain_furlong"', "WEATHER-UNIT-UNKNOWN"),
        ('"rain_mm"', '"osadki"', "CSV-HEADER"),
        ("{longitude}", "85", "WEATHER-SERVICE-BLANKS"),
        ("{longitude}", "{longitude}{key}", "WEATHER-SERVICE-BLANKS"),
        ("http://127.0.0.1", "http://example.org", "CFG-ADDRESS"),
        ("http://127.0.0.1", "file:///etc/passwd", "CFG-ADDRESS"),
    ],
)
def test_a_file_that_does_not_do(peer: Peer, tmp_path: Path, line: str, instead: str, code: str) -> None:
    path = peer.service(tmp_path)
    assert line in path.read_text()
    path.write_text(path.read_text().replace(line, instead))
    with pytest.raises(BadInput) as met:
        service_of(path)
    assert met.value.refusal.code == code
