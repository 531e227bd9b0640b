import struct
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import time_logs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from agro.domain.errors import AgroError, BadInput
from agro.sources.time_log import decode

HEAD = time_logs.header([(0x54, "DET-1"), (0x43, "DET-1")])
START = datetime(2022, 9, 1, 10, 30, 0, 500_000)


def record(second: int, lat: float, lon: float, **values: int) -> time_logs.Record:
    where = {"A": lat, "B": lon, "C": 200.0, "D": 4}
    return START + timedelta(seconds=second), where, {int(name[1:]): value for name, value in values.items()}


def test_a_record_byte_by_byte() -> None:
    ms, days = (10 * 3600 + 30 * 60) * 1000 + 500, (START - datetime(1980, 1, 1)).days
    raw = struct.pack("<IH", ms, days) + struct.pack("<iii", 553000000, 860500000, 200_000) + b"\x04"
    raw += b"\x01" + b"\x00" + struct.pack("<i", 250_000)
    log = decode(HEAD, raw, "TLG00001")
    row = log.records.iloc[0]
    assert row["clock"] == np.datetime64("2022-09-01T10:30:00.500")
    assert (row["lat_deg"], row["lon_deg"], row["up_m"], row["fix"]) == (55.3, 86.05, 200.0, 4.0)
    assert row[0] == 250_000 and np.isnan(row[1])
    assert log.values == {0: (0x54, "DET-1"), 1: (0x43, "DET-1")} and not log.refused


def test_a_value_stays_until_it_changes_and_no_fix_is_no_place() -> None:
    records = [record(0, 55.3, 86.0, v0=100, v1=12_000), record(1, 0, 0), record(2, 55.3, 86.1, v0=300)]
    log = decode(HEAD, time_logs.content(records), "TLG00001")
    assert log.records[0].tolist() == [100, 100, 300] and log.records[1].tolist() == [12_000] * 3
    assert np.isnan(log.records["lat_deg"]).tolist() == [False, True, False]


def test_what_is_empty_missing_or_filled_in_the_header() -> None:
    head = time_logs.header([(0x54, "DET-1")], position="AB", constants='D="4" C="200500"')
    head = head.replace(b'B="" C="DET-1"', b'B="77" C="DET-1"')
    log = decode(head, time_logs.content([(START, {"A": 55.0, "B": 86.0}, {})], "AB"), "TLG00001")
    row = log.records.iloc[0]
    assert (row["fix"], row["up_m"], row[0]) == (4.0, 200.5, 77.0) and np.isnan(row["hdop"])


@pytest.mark.parametrize("cut", [1, 5, 20, 24])
def test_a_log_that_ends_inside_a_record_gives_the_ones_before(cut: int) -> None:
    whole = time_logs.content([record(n, 55.3, 86.0, v0=n) for n in range(4)])
    log = decode(HEAD, whole[:-cut], "TLG00001")
    assert len(log.records) == 3 and [one.code for one in log.refused] == ["LOG-TORN"]
    assert "the 3 records before it" in log.refused[0].reason


def test_more_values_than_the_header_names_is_no_record() -> None:
    log = decode(time_logs.header([]), time_logs.content([record(0, 55.0, 86.0), record(1, 55.0, 86.0, v7=1)]), "T")
    assert len(log.records) == 1 and log.refused[0].code == "LOG-TORN"


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"<TIM A=''", "XML-TORN"),
        (b"<html/>", "LOG-HEADER"),
        (b"", "XML-TORN"),
        (b'<!DOCTYPE TIM [<!ENTITY a "b">]><TIM A=""/>', "XML-DTD"),
    ],
)
def test_a_header_that_is_none(head: bytes, code: str) -> None:
    with pytest.raises(AgroError) as refused:
        decode(head, b"", "TLG00001")
    assert refused.value.refusal.code == code


def test_no_more_is_held_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agro.sources.time_log._MOST_CELLS", 100)
    with pytest.raises(BadInput, match="LOG-TOO-LARGE"):
        decode(HEAD, time_logs.content([record(n, 55.3, 86.0, v0=n) for n in range(40)]), "TLG00001")


positions = some.fixed_dictionaries(
    {
        "A": some.integers(-900_000_000, 900_000_000).map(lambda n: n * 1e-7),
        "B": some.integers(-1_800_000_000, 1_800_000_000).map(lambda n: n * 1e-7),
        "C": some.integers(-500_000, 9_000_000).map(lambda n: n * 1e-3),
        "D": some.integers(0, 15),
        "E": some.integers(0, 999).map(lambda n: n * 0.1),
        "F": some.integers(0, 999).map(lambda n: n * 0.1),
        "G": some.integers(0, 40),
        "H": some.integers(0, 86_399_999),
        "I": some.integers(0, 65_000),
    }
)
clocks = some.datetimes(datetime(1980, 1, 1), datetime(2150, 1, 1)).map(
    lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
)
changes = some.dictionaries(some.integers(0, 3), some.integers(-(2**31), 2**31 - 1), max_size=4)


@settings(max_examples=80, deadline=None)
@given(some.lists(some.tuples(clocks, positions, changes), max_size=30), some.sets(some.sampled_from("ABCDEFGHI")))
def test_whatever_was_written_is_read(records: list[time_logs.Record], named: set[str]) -> None:
    position = "".join(sorted(named))
    log = decode(time_logs.header([(0x54, "DET-1")] * 4, position), time_logs.content(records, position), "TLG00001")
    assert len(log.records) == len(records) and not log.refused
    last: dict[int, int] = {}
    for (clock, where, changed), (_, row) in zip(records, log.records.iterrows(), strict=True):
        last |= changed
        assert row["clock"] == np.datetime64(clock)
        for number in range(4):
            assert row[number] == last[number] if number in last else pd.isna(row[number])
        if "C" in position:
            assert row["up_m"] == pytest.approx(where["C"])
        if {"A", "B"} <= named and (abs(where["A"]) > 1e-8 or abs(where["B"]) > 1e-8):
            assert (row["lat_deg"], row["lon_deg"]) == pytest.approx((where["A"], where["B"]), abs=1e-9)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.binary(max_size=400), some.integers(0, 4), some.sets(some.sampled_from("ABCDEFGHI")))
def test_no_bytes_make_it_fall(raw: bytes, values: int, named: set[str]) -> None:
    head = time_logs.header([(0x54, "DET-1")] * values, "".join(sorted(named)))
    log = decode(head, raw, "TLG00001")
    assert len(log.records) * (7 + 0) <= len(raw)
    assert bool(log.refused) or not raw or len(log.records) > 0


@settings(max_examples=100, deadline=None)
@given(some.binary(max_size=200) | some.text(max_size=200).map(lambda t: f"<TIM A='{t}'/>".encode()))
def test_no_header_makes_it_fall(head: bytes) -> None:
    try:
        decode(head, b"\x00" * 40, "TLG00001")
    except AgroError as error:
        assert error.refusal.reason and error.refusal.remedy
