import numpy as np
import pandas as pd
import pytest
from combine import Drive, drive

from agro.agromaps.passes import flow_delay, jumps, passes, shifted


def told(points: pd.DataFrame, **more: float):  # type: ignore[no-untyped-def]
    everywhere = np.ones(len(points), bool)
    number = passes(points, everywhere)
    usable = everywhere & (points["yield_t_ha"].to_numpy() > 0.3)
    return flow_delay(points.assign(flow=points["yield_t_ha"]), number, usable, more.get("swath_m", 8.0))


def test_each_way_up_or_down_is_a_pass() -> None:
    points = drive(Drive(width_m=80))
    number = passes(points, np.ones(len(points), bool))
    assert sorted(set(number)) == list(range(10))
    assert (points.groupby(number)["x_m"].nunique() == 1).all()


def test_without_a_clock_passes_are_told_by_the_way() -> None:
    points = drive(Drive(width_m=80, length_m=200)).assign(clock_s=np.nan)
    number = passes(points, np.ones(len(points), bool))
    assert len(set(number) - {-1}) == 10 and (number >= 0).mean() > 0.9
    assert (points[number >= 0].groupby(number[number >= 0])["x_m"].nunique() == 1).all()


@pytest.mark.parametrize("delay_s", [0.0, 6.0, 12.0, 18.0, -3.0])
@pytest.mark.parametrize("interval_s", [1.0, 3.0])
def test_a_planted_delay_is_found(delay_s: float, interval_s: float) -> None:
    found = told(drive(Drive(delay_s=delay_s, interval_s=interval_s)))
    assert found.delay_s == pytest.approx(delay_s, abs=1.0)
    assert found.sure == (delay_s != 0)
    assert abs(found.delay_s - delay_s) < max(4 * found.delay_se_s, 0.5)


@pytest.mark.parametrize("seed", range(6))
def test_an_even_field_tells_no_delay(seed: int) -> None:
    found = told(drive(Drive(noise_t_ha=0.3), lambda x, y: np.full(len(x), 3.0), seed))
    assert not found.sure and found.delay_s == 0.0


def test_passes_of_one_direction_tell_no_delay() -> None:
    points = drive(Drive(width_m=120))
    number = passes(points, np.ones(len(points), bool))
    one_way = points[number % 2 == 0].reset_index(drop=True)
    found = flow_delay(one_way.assign(flow=one_way["yield_t_ha"]), passes(one_way, np.ones(len(one_way), bool)), np.ones(len(one_way), bool), 8.0)  # fmt: skip
    assert not found.sure and found.pairs == 0


def test_what_is_shifted_stays_inside_its_run() -> None:
    points = pd.DataFrame(
        {"log": "a", "clock_s": [0.0, 1, 2, 3, 100, 101, 102, 103], "flow": [1.0, 2, 3, 4, 5, 6, 7, 8]}
    )
    moved = shifted(points, np.zeros(8, int), 1.0)
    assert moved[[0, 1, 2, 4, 5, 6]].tolist() == [2, 3, 4, 6, 7, 8] and np.isnan(moved[[3, 7]]).all()


def test_jumps_of_one_and_of_many_points() -> None:
    points = drive(Drive(width_m=80))
    wrong = [50, 400, 401, 402, 403]
    points.loc[wrong, "x_m"] += 3000.0
    assert np.flatnonzero(jumps(points)).tolist() == wrong
    assert np.flatnonzero(jumps(points.assign(clock_s=np.nan))).tolist() == wrong  # it comes back to where it was


def test_the_way_to_the_next_pass_is_no_jump() -> None:
    assert not jumps(drive()).any()
    assert not jumps(drive().assign(clock_s=np.nan)).any()
