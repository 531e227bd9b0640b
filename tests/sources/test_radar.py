"""Radar looks: decibels or power as declared, the orbit as declared or by the time of the look."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from workshop import write_radar

from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.domain.imagery import Acquisition
from agro.sources import radar

GRID = Grid("EPSG:32645", 400_000, 6_100_000, 20, 4, 5)
ALIASES = {"vv": ["vv", "VV"]}


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Any]:
    def find(values: np.ndarray, about: dict[str, Any], **properties: Any) -> tuple[list[Acquisition], list[Any]]:
        told = {"sat:relative_orbit": 33, **properties}
        catalog = write_radar(tmp_path, {"A": (values, about, told)}, GRID)
        return radar.find(catalog, ["sentinel-1-grd"], ALIASES, (80, 50, 90, 60))

    return find


DECIBELS = np.linspace(-18, -6, 20, dtype="float32").reshape(4, 5)


def test_power_and_decibels_are_the_same_look(look: Callable[..., Any], tmp_path: Path) -> None:
    read = []
    for values, unit in ((DECIBELS, "dB"), (10 ** (DECIBELS / 10), "1"), (10 ** (DECIBELS / 10), "power")):
        (one,), refused = look(values.astype("float32"), {"unit": unit})
        assert not refused and one.relative_orbit == 33
        read.append(radar.read(one, GRID, ["vv"])["vv"].values)
    for values in read:
        np.testing.assert_allclose(values, DECIBELS, atol=1e-4)


def test_counts_with_their_scale_and_nothing_where_nothing_was_measured(look: Callable[..., Any]) -> None:
    counts = np.rint(DECIBELS * 100).astype("int16")
    counts[0, 0] = -32768
    (one,), _ = look(counts, {"unit": "dB", "scale": 0.01})
    wide = radar.read(one, GRID.padded(20), ["vv"])["vv"].values
    assert np.isnan(wide[0]).all() and np.isnan(wide[1, 1])
    np.testing.assert_allclose(wide[2, 2], DECIBELS[1, 1], atol=0.006)


@pytest.mark.parametrize("about", [{}, {"unit": None}, {"unit": "DN"}])
def test_what_does_not_say_its_unit_is_not_guessed(look: Callable[..., Any], about: dict[str, Any]) -> None:
    found, refused = look(DECIBELS, about)
    assert not found and [one.code for one in refused] == ["RADAR-UNIT"]
    assert refused[0].acquisition_id == "A" and "децибел" in _russian(refused[0])


@pytest.mark.parametrize(
    ("values", "unit"), [(10 ** (DECIBELS / 10), "dB"), (DECIBELS, "1"), (np.full((4, 5), 120.0, "float32"), "dB")]
)
def test_numbers_that_contradict_their_unit_are_refused(
    look: Callable[..., Any], values: np.ndarray, unit: str
) -> None:
    (one,), _ = look(values, {"unit": unit})
    with pytest.raises(BadInput) as met:
        radar.read(one, GRID, ["vv"])
    assert met.value.refusal.code == "RADAR-UNIT-VALUES"


def test_the_orbit_is_that_of_the_item_else_of_its_time_else_refused(look: Callable[..., Any]) -> None:
    nothing: dict[str, Any] = {"sat:relative_orbit": None}
    about = {"unit": "dB"}
    (one,), _ = look(DECIBELS, about, **nothing, **{"sat:orbit_state": "ascending"})
    assert 1 <= one.relative_orbit <= 175
    for wrong in (
        {**nothing},
        {"sat:relative_orbit": 176},
        {**nothing, "sat:orbit_state": "ascending", "platform": "x"},
    ):
        found, refused = look(DECIBELS, about, **wrong)
        assert not found and [one.code for one in refused] == ["RADAR-ORBIT"]


@pytest.mark.parametrize(
    ("at", "latitude_deg", "ascending", "orbit"),
    [
        ("2021-04-01T05:26:36", 47.6, False, 168),  # S1B, absolute orbit 26269
        ("2018-11-03T23:59:25", -58.0, False, 33),  # S1A, 24430
        ("2015-03-05T05:19:51", 41.5, False, 95),  # S1A, 4892
        ("2021-08-10T04:48:40", 35.0, False, 153),  # S1B, 28179
    ],
)
def test_the_relative_orbits_of_published_products(at: str, latitude_deg: float, ascending: bool, orbit: int) -> None:
    """Relative orbits follow from the absolute ones: (n - 73) mod 175 + 1 of S1A, (n - 27) mod 175 + 1 of S1B."""
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert radar.relative_orbit(instant, latitude_deg, ascending) == orbit


def test_both_tracks_of_a_real_place_are_told_apart(real: Path) -> None:
    """Flanders is seen ascending from R059 and R161, each every six days by the two satellites in turn."""
    catalog = real / "flanders-2018" / "catalog" / "catalog.json"
    looks, refused = radar.find(catalog, ["sentinel-1-grd"], ALIASES, (3, 50, 4, 51))
    assert not refused and len(looks) == 159
    for orbit in (59, 161):
        days = [one.acquired_at for one in looks if one.relative_orbit == orbit]
        apart = {round((after - before).total_seconds() / 86_400, 3) for before, after in pairwise(days)}
        assert all(abs(gap / 6 - round(gap / 6)) < 1e-3 for gap in apart) and len(days) in (79, 80)
    declared = json.loads(
        (catalog.parent / "sentinel-1-grd" / looks[0].acquisition_id / f"{looks[0].acquisition_id}.json").read_text()
    )
    assert "sat:relative_orbit" not in declared["properties"]


def _russian(refusal: Any) -> str:
    from agro.reports.words import reason

    return reason(refusal, "ru")
