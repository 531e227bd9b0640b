from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from agro.agromaps.alerts import AlertRule, fields_behind, parts_behind
from flows.settings import CONFIGS, facts

RULE = AlertRule(**{name: value for name, value in facts(CONFIGS / "alerts.toml").items() if name != "version"})
CORNER = (400_000.0, 6_100_000.0)
SIDE = 40


def days(count: int, every: int = 5) -> list[datetime]:
    return [datetime(2022, 6, 20, 5, tzinfo=UTC) + timedelta(days=every * i) for i in range(count)]


def field(levels: list[float], seed: int = 1) -> np.ndarray:
    """A field with a pattern of its own (a sixteenth from side to side) and noise of 0.01, at these mean NDVIs."""
    random = np.random.default_rng(seed)
    pattern = np.linspace(-0.03, 0.03, SIDE)[None, :] * np.ones((SIDE, 1))
    return np.stack([level + pattern + random.normal(0, 0.01, (SIDE, SIDE)) for level in levels]).astype("float32")


def behind(ndvi: np.ndarray, rule: AlertRule = RULE) -> list:
    return parts_behind("f", ndvi, days(len(ndvi)), CORNER, 10.0, rule)


def test_nothing_is_behind_in_a_field_that_keeps_its_pattern() -> None:
    assert behind(field([0.45, 0.6, 0.75, 0.8, 0.78])) == []


def test_a_sudden_loss_is_found_at_the_first_look_with_its_place_and_size() -> None:
    ndvi = field([0.6, 0.7, 0.75, 0.75])
    ndvi[2:, 5:15, 20:32] -= 0.2
    (alert,) = behind(ndvi[:3])
    assert alert.since == alert.last_look == days(3)[2] and alert.looks == 1
    assert alert.area_ha == pytest.approx(1.2, abs=0.25)
    assert alert.drop == pytest.approx(0.2, abs=0.03)
    for x, y in alert.worst:
        assert CORNER[0] + 190 <= x <= CORNER[0] + 330 and CORNER[1] - 160 <= y <= CORNER[1] - 40
    (later,) = behind(ndvi)
    assert (later.since, later.looks, later.worst) == (alert.since, 2, alert.worst)


def test_what_has_recovered_is_not_behind() -> None:
    ndvi = field([0.6, 0.7, 0.75, 0.76])
    ndvi[2, 5:15, 20:32] -= 0.2
    assert len(behind(ndvi[:3])) == 1
    assert behind(ndvi) == []


def test_half_a_hectare_counts_and_less_does_not() -> None:
    for side, expected in ((5, 0), (9, 1)):
        ndvi = field([0.6, 0.7, 0.75])
        ndvi[2, 10 : 10 + side, 10 : 10 + side] -= 0.3
        assert len(behind(ndvi)) == expected


def test_a_harvested_field_is_no_longer_behind() -> None:
    ndvi = field([0.6, 0.7, 0.75, 0.2])
    ndvi[2:, 5:15, 20:32] -= 0.2
    assert len(behind(ndvi[:3])) == 1
    assert behind(ndvi) == []


def test_a_look_at_a_small_part_neither_raises_nor_ends_anything() -> None:
    ndvi = field([0.6, 0.7, 0.75, 0.75])
    ndvi[2:, 5:15, 20:32] -= 0.2
    ndvi[3, :, 12:] = np.nan
    (alert,) = behind(ndvi)
    assert alert.last_look == days(4)[2]


def test_an_even_loss_of_the_whole_field_is_not_a_part() -> None:
    ndvi = field([0.6, 0.7, 0.75])
    ndvi[2] -= 0.25
    assert behind(ndvi) == []


def neighbours(fall: float = 0.0, looks: int = 6) -> pd.DataFrame:
    random = np.random.default_rng(3)
    table = pd.DataFrame(
        0.7 + random.normal(0, 0.01, (looks, 8)),
        index=pd.DatetimeIndex(days(looks)),
        columns=[f"f{i}" for i in range(8)],
    )
    table.loc[table.index[4:], "f3"] -= fall
    return table


def test_a_field_is_behind_its_neighbours_when_it_fell_and_they_did_not() -> None:
    area = {f"f{i}": 50.0 for i in range(8)}
    assert fields_behind(neighbours(), area, RULE) == []
    (alert,) = fields_behind(neighbours(0.2), area, RULE)
    assert (alert.field_id, alert.what, alert.looks, alert.area_ha) == ("f3", "field_behind", 2, 50.0)
    assert alert.since == days(6)[4] and alert.drop == pytest.approx(0.2, abs=0.03)


def test_all_fall_together_at_ripening_and_none_is_behind() -> None:
    table = neighbours()
    table.iloc[4:] -= 0.25
    assert fields_behind(table, {f"f{i}": 50.0 for i in range(8)}, RULE) == []


def test_without_neighbours_no_claim_is_made() -> None:
    table = neighbours(0.3)[["f3", "f4", "f5"]]
    assert fields_behind(table, {f"f{i}": 50.0 for i in range(8)}, RULE) == []


def test_a_stricter_rule_finds_less() -> None:
    ndvi = field([0.6, 0.7, 0.75])
    ndvi[2, 5:15, 20:32] -= 0.1
    assert len(behind(ndvi)) == 1
    assert behind(ndvi, replace(RULE, least_drop=0.2)) == []
