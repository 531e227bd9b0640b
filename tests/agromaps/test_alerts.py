from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agro.agromaps.alerts import AlertRule, FieldLooks, course_of_parts, parts_behind
from agro.agromaps.expectation import completed, season_patterns
from agro.domain.alert import STRIP, Alert
from flows.settings import CONFIGS, facts

RULE = AlertRule(**{name: value for name, value in facts(CONFIGS / "alerts.toml").items() if name != "version"})
CORNER = (400_000.0, 6_100_000.0)
SIDE = 40
HIT = (slice(5, 15), slice(20, 32))  # 1.2 ha
LEVELS = [0.45, 0.6, 0.75, 0.8, 0.78]


def days(count: int, every: int = 5) -> list[datetime]:
    return [datetime(2022, 6, 20, 5, tzinfo=UTC) + timedelta(days=every * i) for i in range(count)]


def season(levels: list[float], seed: int = 1, poor: float = 0.0) -> np.ndarray:
    """NDVI at these mean values: 3 % up and down from side to side, noise of 0.01, and a poor spot where HIT is."""
    random = np.random.default_rng(seed)
    pattern = np.linspace(-0.03, 0.03, SIDE)[None, :] * np.ones((SIDE, 1))
    pattern[HIT] -= poor
    looks = [level * (1 + pattern) + random.normal(0, 0.01, (SIDE, SIDE)) for level in levels]
    return np.stack(looks).astype("float32")


def infrared(ndvi: np.ndarray) -> np.ndarray:
    """Of leaves over dark ground: the more of them, the brighter."""
    return np.asarray(0.1 + 0.4 * ndvi)


def field(ndvi: np.ndarray, nir: np.ndarray | None = None, past: tuple[np.ndarray, ...] = ()) -> FieldLooks:
    inside = np.ones((SIDE, SIDE), bool)
    patterns = [np.empty((0, SIDE, SIDE))] * 2
    if past:
        rules = RULE.least_green, RULE.pattern_seen, 10.0
        patterns = [
            completed([season_patterns(band, one, inside, *rules) for one, band in own])
            for own in ([(one, one) for one in past], [(one, infrared(one)) for one in past])
        ]
    bright = infrared(ndvi) if nir is None else nir
    return FieldLooks("f", ndvi, bright, days(len(ndvi)), inside, patterns[0], patterns[1], CORNER, 10.0)


def behind(ndvi: np.ndarray, rule: AlertRule = RULE, past: tuple[np.ndarray, ...] = ()) -> list[Alert]:
    return parts_behind(field(ndvi, past=past), rule)


def test_nothing_is_behind_in_a_field_that_keeps_its_pattern() -> None:
    assert behind(season(LEVELS)) == []
    assert behind(season(LEVELS), past=(season(LEVELS, 2), season(LEVELS, 3))) == []
    assert behind(np.empty((0, SIDE, SIDE))) == []


def test_a_sudden_loss_is_found_at_the_first_look_with_its_place_and_size() -> None:
    ndvi = season([0.6, 0.7, 0.75, 0.75])
    ndvi[2:, *HIT] -= 0.2
    (alert,) = behind(ndvi[:3])
    assert alert.since == alert.last_look == days(3)[2] and alert.looks == 1
    assert (alert.against, alert.well_at) == ("this_season", days(3)[1])
    assert alert.area_ha == pytest.approx(1.2, abs=0.25)
    assert alert.drop == alert.first_drop == pytest.approx(0.2, abs=0.04)  # its rim is in the mean
    for x, y in alert.worst:
        assert CORNER[0] + 190 <= x <= CORNER[0] + 330 and CORNER[1] - 160 <= y <= CORNER[1] - 40
    (later,) = behind(ndvi)
    assert (later.since, later.looks, later.worst) == (alert.since, 2, alert.worst)


def test_what_was_behind_from_the_first_look_shows_against_past_seasons_only() -> None:
    ndvi = season([0.6, 0.7, 0.75])
    ndvi[:, *HIT] -= 0.15
    assert behind(ndvi) == []
    (alert,) = behind(ndvi, past=(season(LEVELS, 2), season(LEVELS, 3)))
    assert (alert.against, alert.since, alert.well_at, alert.looks) == ("past_seasons", days(1)[0], None, 3)


def test_a_spot_that_is_poor_every_year_is_not_behind() -> None:
    assert behind(season(LEVELS, poor=0.15), past=(season(LEVELS, 2, poor=0.15), season(LEVELS, 3, poor=0.15))) == []


def test_an_event_of_one_past_season_feigns_none_and_hides_none_elsewhere() -> None:
    hurt = season(LEVELS, 2)
    hurt[2:, *HIT] -= 0.2
    past = (hurt, season(LEVELS, 3), season(LEVELS, 4))
    assert behind(season(LEVELS), past=past) == []
    ndvi = season(LEVELS)
    ndvi[3:, 25:35, 5:15] -= 0.15
    assert len(behind(ndvi, past=past)) == 1


def test_haze_lowers_ndvi_but_brightens_and_is_not_behind() -> None:
    ndvi = season([0.6, 0.7, 0.75])
    ndvi[2, *HIT] -= 0.15
    nir = infrared(season([0.6, 0.7, 0.75]))
    assert len(parts_behind(field(ndvi), RULE)) == 1
    nir[2, *HIT] += 0.02
    assert parts_behind(field(ndvi, nir), RULE) == []


def test_a_missed_strip_is_told_as_long_and_narrow() -> None:
    ndvi = season([0.6, 0.7, 0.75])
    ndvi[:, 20:23, :] -= 0.15
    (alert,) = behind(ndvi, past=(season(LEVELS, 2), season(LEVELS, 3)))
    assert alert.length_m == pytest.approx(400, rel=0.1) and 30 <= alert.width_m <= 50  # its edges are blurred
    assert alert.length_m >= STRIP * alert.width_m


def test_what_has_recovered_is_not_behind() -> None:
    ndvi = season([0.6, 0.7, 0.75, 0.76])
    ndvi[2, *HIT] -= 0.2
    assert len(behind(ndvi[:3])) == 1
    assert behind(ndvi) == []


def test_half_a_hectare_counts_and_less_does_not() -> None:
    for side, expected in ((5, 0), (9, 1)):
        ndvi = season([0.6, 0.7, 0.75])
        ndvi[2, 10 : 10 + side, 10 : 10 + side] -= 0.3
        assert len(behind(ndvi)) == expected


def test_a_harvested_field_is_no_longer_behind() -> None:
    ndvi = season([0.6, 0.7, 0.75, 0.2])
    ndvi[2:3, *HIT] -= 0.2
    assert len(behind(ndvi[:3])) == 1
    assert behind(ndvi) == []


def test_a_look_at_a_small_part_neither_raises_nor_ends_anything() -> None:
    ndvi = season([0.6, 0.7, 0.75, 0.75])
    ndvi[2:, *HIT] -= 0.2
    ndvi[3, :, 12:] = np.nan
    (alert,) = behind(ndvi)
    assert alert.last_look == days(4)[2]


def test_an_even_loss_of_the_whole_field_is_not_a_part() -> None:
    ndvi = season([0.6, 0.7, 0.75])
    ndvi[2] -= 0.25
    assert behind(ndvi) == []


def test_a_stricter_rule_finds_less() -> None:
    ndvi = season([0.6, 0.7, 0.75])
    ndvi[2, *HIT] -= 0.1
    assert len(behind(ndvi)) == 1
    assert behind(ndvi, replace(RULE, least_drop=0.2)) == []


def test_no_look_ahead_what_is_told_after_a_look_never_depends_on_later_ones() -> None:
    ndvi = season([0.5, 0.6, 0.7, 0.75, 0.78, 0.7], 5)
    ndvi[2:, *HIT] -= 0.12
    ndvi[4:, 25:36, 3:14] -= 0.15
    past = (season(LEVELS, 2), season(LEVELS, 3))
    course = list(course_of_parts(field(ndvi, past=past), RULE))
    assert [len(alerts) for alerts in course] == [0, 0, 1, 1, 2, 2]
    for number, alerts in enumerate(course, start=1):
        assert behind(ndvi[:number], past=past) == alerts


def test_one_level_for_two_looks_that_show_different_halves() -> None:
    """The pattern of a stage is a median over looks; halves seen on days of other greenness must not show a step."""
    rising = season([0.5, 0.6, 0.8], 1)
    rising[0, :, 25:], rising[1, :, :15] = np.nan, np.nan
    pattern = season_patterns(rising, rising, np.ones((SIDE, SIDE), bool), 0.3, 0.3, 0.0)[0]
    assert np.isfinite(pattern).all()
    assert abs(np.median(pattern[:, 22:25]) - np.median(pattern[:, 25:28])) < 1.0
    assert np.isnan(season_patterns(rising, rising, np.ones((SIDE, SIDE), bool), 0.9, 0.3, 0.0)).all()


def test_pixels_that_past_seasons_do_not_know_are_compared_with_this_season() -> None:
    ndvi = season([0.6, 0.7, 0.75, 0.75])
    ndvi[2:, *HIT] -= 0.2
    known = field(ndvi, past=(season(LEVELS, 2), season(LEVELS, 3)))
    blind = known.past_ndvi.copy(), known.past_nir.copy()
    for patterns in blind:
        patterns[:, *HIT] = np.nan
    (alert,) = parts_behind(replace(known, past_ndvi=blind[0], past_nir=blind[1]), RULE)
    assert alert.against == "this_season" and alert.area_ha == pytest.approx(1.2, abs=0.4)


def test_a_hidden_pixel_in_the_middle_does_not_hide_the_part() -> None:
    ndvi = season([0.6, 0.7, 0.75])
    ndvi[2, *HIT] -= 0.2
    ndvi[2, 9:12, 25:28] = np.nan
    ndvi[2, 10, 26] = ndvi[1, 10, 26] - 0.2
    (alert,) = behind(ndvi)
    assert alert.area_ha == pytest.approx(1.1, abs=0.3)


def test_a_look_that_showed_the_loss_through_haze_is_not_the_day_it_was_seen_well() -> None:
    ndvi = season([0.6, 0.7, 0.75, 0.75])
    ndvi[2:, *HIT] -= 0.2
    nir = infrared(ndvi)
    nir[2, *HIT] += 0.3  # haze over the part: put aside
    (alert,) = parts_behind(field(ndvi, nir, past=(season(LEVELS, 2), season(LEVELS, 3))), RULE)
    assert (alert.since, alert.well_at) == (days(4)[3], days(4)[1])
