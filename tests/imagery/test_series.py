from datetime import date
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.domain.errors import BadInput
from agro.domain.layers import Quality
from agro.imagery.series import (
    Stiffness,
    choose_stiffness,
    left_out,
    look_weights,
    looks_within,
    whittaker,
)

NEW_YEAR = np.datetime64("2021-01-01", "ns")
PLAIN = Stiffness(tension_days=np.inf)


def looks(days: list[int] | np.ndarray, values: object) -> xr.DataArray:
    """Looks at one field on days of 2021 counted from 1 January as 0."""
    array = np.asarray(values, "float64")
    array = array[:, None] if array.ndim == 1 else array
    time = NEW_YEAR + np.asarray(days) * np.timedelta64(1, "D")
    return xr.DataArray(array, dims=("time", "field"), coords={"time": time})


def until(last: int) -> tuple[date, date]:
    return date(2021, 1, 1), date.fromordinal(date(2021, 1, 1).toordinal() + last)


def curve(values: xr.DataArray, last: int, stiffness: Stiffness, weights: xr.DataArray | None = None) -> np.ndarray:
    return np.asarray(whittaker(values, weights, until(last), stiffness)["curve"])[:, 0]


def dense(
    days: np.ndarray, values: np.ndarray, weights: np.ndarray, n: int, stiffness: Stiffness
) -> tuple[np.ndarray, np.ndarray]:
    """The curve and the diagonal of the inverse by full matrices."""
    weight, total = np.zeros(n), np.zeros(n)
    np.add.at(weight, days, weights)
    np.add.at(total, days, weights * values)
    one, two = np.diff(np.eye(n), axis=0), np.diff(np.eye(n), 2, axis=0)
    inverse = np.linalg.inv(np.diag(weight) + stiffness.smoothing * two.T @ two + stiffness.tension * one.T @ one)
    slope, level = np.polyfit(days, values, 1, w=np.sqrt(weights))
    line = level + slope * np.arange(n)
    return inverse @ (total - weight * line) + line, np.diag(inverse)


@pytest.mark.parametrize("tension_days", [np.inf, 10.0], ids=["plain", "tension"])
@pytest.mark.parametrize("smoothing", [1.0, 100.0, 1e4])
def test_equal_to_the_dense_solution_and_its_inverse(smoothing: float, tension_days: float) -> None:
    random = np.random.default_rng(3)
    days = np.sort(random.choice(60, 12, replace=True))
    values, weights = random.random(12), random.choice([0.5, 1.0], 12)
    stiffness = Stiffness(smoothing, tension_days)
    ours = whittaker(looks(days, values), looks(days, weights), until(59), stiffness)
    expected, variance = dense(days, values, weights, 60, stiffness)
    np.testing.assert_allclose(ours["curve"][:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(ours["curve_se"][:, 0] / ours["noise"][0], np.sqrt(variance), rtol=1e-4)


def test_plain_is_the_textbook_equation() -> None:
    """(W + lambda D'D) z = W y, with no line taken out."""
    days, values = np.array([0, 3, 4, 9, 15]), np.array([0.2, 0.4, 0.3, 0.8, 0.1])
    weight, total, two = np.zeros(20), np.zeros(20), np.diff(np.eye(20), 2, axis=0)
    weight[days], total[days] = 1, values
    expected = np.linalg.solve(np.diag(weight) + 100 * two.T @ two, total)
    np.testing.assert_allclose(curve(looks(days, values), 19, PLAIN), expected, atol=1e-6)


@given(st.floats(0.1, 1e5), st.floats(-1, 1), st.floats(-0.02, 0.02), st.sampled_from([3.0, 10.0, np.inf]))
@settings(max_examples=25, deadline=None)
def test_a_straight_line_comes_back_whatever_the_stiffness(
    smoothing: float, level: float, slope: float, tension: float
) -> None:
    days = np.array([2, 3, 40, 77, 120])
    ours = curve(looks(days, level + slope * days), 130, Stiffness(smoothing, tension))
    np.testing.assert_allclose(ours, level + slope * np.arange(131), atol=2e-6 * (1 + abs(ours).max()))


def test_a_constant_stays_constant_in_gaps_and_beyond() -> None:
    np.testing.assert_allclose(curve(looks([10, 60, 70], [0.4] * 3), 100, Stiffness()), 0.4, atol=1e-6)


@pytest.mark.parametrize(("smoothing", "period_d"), [(10, 11), (100, 20), (1000, 35), (10_000, 63)])
def test_half_power_periods_of_daily_looks(smoothing: float, period_d: int) -> None:
    """A wave of this period keeps half its height; a shorter one less, a longer one more."""
    days = np.arange(631)

    def kept(period: float) -> float:
        wave = np.cos(2 * np.pi * (days - 315) / period)
        drawn = curve(looks(days, wave), 630, Stiffness(smoothing, np.inf))
        return float(drawn[200:431] @ wave[200:431] / (wave[200:431] @ wave[200:431]))

    assert kept(period_d - 1) < 0.5 < kept(period_d + 1)


def test_weight_zero_is_absence_and_half_a_weight_counts_half() -> None:
    days, values = [0, 10, 20, 30], [0.2, 0.9, 0.4, 0.5]
    without = curve(looks([0, 20, 30], [0.2, 0.4, 0.5]), 30, Stiffness())
    np.testing.assert_allclose(
        curve(looks(days, values), 30, Stiffness(), looks(days, [1, 0, 1, 1])), without, atol=1e-6
    )
    np.testing.assert_allclose(curve(looks(days, [0.2, np.nan, 0.4, 0.5]), 30, Stiffness()), without, atol=1e-6)
    twice = curve(looks([0, 10, 10, 20, 30], [0.2, 0.9, 0.9, 0.4, 0.5]), 30, Stiffness())
    np.testing.assert_allclose(curve(looks(days, values), 30, Stiffness(), looks(days, [1, 2, 1, 1])), twice, atol=1e-6)


def test_symmetric_up_and_down() -> None:
    days, values = np.array([0, 9, 14, 30, 50]), np.array([0.2, 0.3, 0.9, 0.4, 0.1])
    up, down = (curve(looks(days, sign * values), 60, Stiffness()) for sign in (1, -1))
    np.testing.assert_allclose(up, -down, atol=1e-6)


def test_one_day_seen_or_none_is_nan_and_no_neighbour_suffers() -> None:
    values = np.full((4, 3), 0.5)
    values[1:, 1] = np.nan
    values[:, 2] = np.nan
    made = whittaker(looks([5, 15, 25, 30], values), None, until(40))
    assert made["curve"][:, 0].notnull().all()
    for name in ("curve", "curve_se", "noise", "memory"):
        assert made[name].isel(field=[1, 2]).isnull().all()


def test_looks_outside_the_period_and_out_of_order_change_nothing() -> None:
    inside = curve(looks([3, 12, 25], [0.2, 0.6, 0.3]), 30, Stiffness())
    shuffled = curve(looks([25, 90, 3, 12], [0.3, 9.0, 0.2, 0.6]), 30, Stiffness())
    np.testing.assert_allclose(shuffled, inside, atol=1e-6)


def test_errors_are_wide_in_gaps_narrow_at_looks_and_widest_beyond() -> None:
    days = [0, 5, 10, 15, 55, 60, 65, 70]
    se = np.asarray(whittaker(looks(days, [0.5] * 8), None, until(90))["curve_se"])[:, 0]
    assert se[35] > 3 * se[10] and se[90] > se[70] and (se > 0).all()


def test_the_noise_is_found_from_many_looks_and_believed_from_few() -> None:
    random = np.random.default_rng(5)
    days = np.arange(200)
    truth = 0.4 + 0.2 * np.sin(days / 25)[:, None]
    many = whittaker(
        looks(days, truth + random.normal(0, 0.08, (200, 20))), None, until(199), Stiffness(1000, noise=0.03)
    )
    assert float(many["noise"].mean()) == pytest.approx(0.08, rel=0.05)
    few = whittaker(looks([0, 90, 199], [0.1, 0.5, 0.2]), None, until(199), Stiffness(noise=0.03))
    assert float(few["noise"][0]) == pytest.approx(0.03, rel=0.2)


def test_nine_of_ten_intervals_hold_where_the_world_is_as_assumed() -> None:
    """Courses drawn from the model itself: departures that wander with the tension, looks with noise."""
    random = np.random.default_rng(11)
    stiffness, n, pixels = Stiffness(100, 10, noise=0.03, noise_looks=50), 150, 400
    one, two = np.diff(np.eye(n), axis=0), np.diff(np.eye(n), 2, axis=0)
    precision = (stiffness.smoothing * two.T @ two + stiffness.tension * one.T @ one + 1e-5 * np.eye(n)) / 0.03**2
    truth = np.linalg.cholesky(np.linalg.inv(precision)) @ random.normal(size=(n, pixels))
    days = np.concatenate([np.arange(0, 50, 6), np.arange(90, 150, 6)])
    made = whittaker(
        looks(days, truth[days] + random.normal(0, 0.03, (len(days), pixels))), None, until(n - 1), stiffness
    )
    hit = (np.abs(made["curve"] - truth) <= 1.645 * made["curve_se"]).values
    for part in (slice(0, 48), slice(50, 88), slice(90, 144)):
        assert 0.86 < hit[part].mean() < 0.94


def test_a_gap_is_neither_swung_over_nor_dived_under() -> None:
    """After a steep rise comes a gap of 40 days on the plateau: the plain smoother shoots over it, tension does not."""
    days = np.array([0, 10, 20, 30, 40, 80, 90, 100])
    values = np.array([0.2, 0.2, 0.3, 0.6, 0.85, 0.85, 0.85, 0.85])
    plain, held = (
        curve(looks(days, values), 100, Stiffness(30, np.inf)),
        curve(looks(days, values), 100, Stiffness(30, 10)),
    )
    assert plain[40:81].max() > 0.96 > 0.925 > held[40:81].max()


@pytest.mark.parametrize(("every_d", "kept"), [(5, 0.8), (7, 0.75), (10, 0.65)])
def test_a_mown_meadow_keeps_most_of_its_drop(every_d: int, kept: float) -> None:
    """A drop of .40 for 15 days at the default stiffness: METHODS of an envelope left .10 of it."""
    depths = []
    for start in range(every_d):
        days = np.arange(start, 150, every_d)
        drawn = curve(looks(days, 0.85 - 0.4 * ((days >= 70) & (days < 85))), 149, Stiffness())
        depths.append((0.85 - drawn[65:95].min()) / 0.4)
    assert np.mean(depths) > kept


def test_left_out_dates_equal_curves_drawn_without_them() -> None:
    random = np.random.default_rng(2)
    days, values = np.array([0, 8, 15, 31, 40, 55]), random.random(6)
    missed = []
    for out in range(1, 5):
        kept = np.arange(6) != out
        rest = curve(looks(days[kept], values[kept]), 60, PLAIN)
        missed.append(rest[days[out]] - values[out])
    scores = left_out(looks(days, values), None, until(60), PLAIN, candidates=[100.0])
    assert float(scores["rmse"][0]) == pytest.approx(np.sqrt(np.mean(np.square(missed))), rel=1e-4)
    assert int(scores["dates"][0]) == 4


def test_the_choice_bends_for_quick_courses_and_rests_for_noise() -> None:
    random = np.random.default_rng(9)
    days = np.arange(0, 180, 6)
    noise = random.normal(0, 1, (len(days), 60))
    quick = looks(days, 0.5 + 0.3 * np.sin(days / 7)[:, None] + 0.01 * noise)
    slow = looks(days, 0.5 + 0.1 * np.sin(days / 60)[:, None] + 0.10 * noise)
    bent, rested = (choose_stiffness(part, None, until(179)) for part in (quick, slow))
    assert bent.smoothing == 10 and rested.smoothing == 1000
    assert rested.noise == pytest.approx(0.10, rel=0.15)


def test_nothing_to_leave_out_leaves_the_choice_as_it_was() -> None:
    given_stiffness = Stiffness(smoothing=42.0)
    assert choose_stiffness(looks([3, 9], [0.1, 0.2]), None, until(20), given_stiffness) == given_stiffness


def test_chunks_and_blocks_equal_the_whole() -> None:
    random = np.random.default_rng(4)
    time = NEW_YEAR + np.arange(0, 60, 5) * np.timedelta64(1, "D")
    values = xr.DataArray(random.random((12, 7, 23)).astype("float32"), dims=("time", "y", "x"), coords={"time": time})
    values = values.where(random.random(values.shape) > 0.3)
    whole = whittaker(values, None, until(59))
    lazy = whittaker(values.chunk(time=5, y=3, x=10), None, until(59))
    assert lazy["curve"].chunks is not None and whole["curve"].dims == ("day", "y", "x")
    xr.testing.assert_allclose(lazy.compute(), whole)
    xr.testing.assert_identical(
        whittaker(values[:, 2:5, 4:9], None, until(59)), whole.isel(y=slice(2, 5), x=slice(4, 9))
    )
    seen = looks_within(values, None, until(40))
    xr.testing.assert_identical(looks_within(values.chunk(y=4, time=6), None, until(40)).compute(), seen)


def test_the_longest_gap_and_what_was_seen() -> None:
    values = looks([5, 20, 20, 32, 70], np.array([[1, 1, 1, 1, 1], [1, np.nan, 1, np.nan, 1]]).T)
    seen = looks_within(values, None, (date(2021, 1, 11), date(2021, 2, 20)))  # days 10 to 50
    assert seen["days_seen"].values.tolist() == [2, 1]
    assert seen["longest_gap"].values.tolist() == [18, 30]  # 32 to 50; 20 to 50, cut at the end
    assert seen["first_look"].values[0] == NEW_YEAR + np.timedelta64(5, "D")
    assert seen["last_look"].values[1] == NEW_YEAR + np.timedelta64(70, "D")
    nothing = looks_within(looks([5], [np.nan]), None, until(40))
    assert int(nothing["days_seen"][0]) == 0 and int(nothing["longest_gap"][0]) == 40
    assert np.isnat(nothing["first_look"].values[0])


def test_weights_of_quality() -> None:
    classes = xr.DataArray(np.array([[list(Quality)]], "uint8"), dims=("time", "y", "x"))
    expected = {Quality.CLEAR: 1.0, Quality.UNCERTAIN: 0.5}
    assert look_weights(classes).values[0, 0].tolist() == [expected.get(quality, 0.0) for quality in Quality]


def test_memory_is_how_long_errors_are_alike() -> None:
    """The error of a sum over the season, by the whole inverse, against the memory's short cut."""
    days, n = np.arange(0, 160, 8), 160
    made = whittaker(looks(days, np.full(20, 0.5)), None, until(n - 1))
    one, two = np.diff(np.eye(n), axis=0), np.diff(np.eye(n), 2, axis=0)
    weight = np.zeros(n)
    weight[days] = 1
    inverse = np.linalg.inv(np.diag(weight) + 100 * two.T @ two + 1.0 * one.T @ one)
    span = slice(30, 130)
    exact = float(made["noise"][0]) * np.sqrt(inverse[span, span].sum())
    short = np.sqrt(float(made["memory"][0]) * float((made["curve_se"][span, 0] ** 2).sum()))
    assert short == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize(
    ("stiffness", "last", "code"),
    [
        (Stiffness(smoothing=0), 30, "SERIES-STIFFNESS"),
        (Stiffness(tension_days=-1), 30, "SERIES-STIFFNESS"),
        (Stiffness(noise=np.nan), 30, "SERIES-STIFFNESS"),
        (Stiffness(smoothing=np.inf), 30, "SERIES-STIFFNESS"),
        (Stiffness(), 3, "SERIES-PERIOD"),
    ],
)
def test_refusals(stiffness: Stiffness, last: int, code: str) -> None:
    with pytest.raises(BadInput) as told:
        whittaker(looks([0, 2], [0.1, 0.2]), None, until(last), stiffness)
    assert told.value.refusal.code == code


def test_no_look_at_all() -> None:
    empty = looks([], np.empty((0, 2)))
    assert whittaker(empty, None, until(20))["curve"].isnull().all()
    assert all(gap == 20 for gap in looks_within(empty, None, until(20))["longest_gap"])


def test_more_weight_is_less_error() -> None:
    days = [0, 10, 20, 30]
    errors = [
        float(whittaker(looks(days, [0.5] * 4), looks(days, [w] * 4), until(30))["curve_se"][15, 0])
        for w in (0.5, 1, 2)
    ]
    assert all(a > b for a, b in pairwise(errors))
