import json
from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
import xarray as xr

from agro.agromaps.season import Flag, SeasonRules, flags_of, integral, season
from agro.domain.errors import BadInput
from agro.domain.layers import LAYERS
from agro.imagery.series import Stiffness, looks_within, whittaker

DAYS = np.arange("2021-04-01", "2021-10-18", dtype="datetime64[D]").astype("datetime64[ns]")  # 91 to 290
DOY = np.arange(91, 291)
RULES = SeasonRules(
    window=(date(2021, 4, 1), date(2021, 10, 17)),
    critical=(date(2021, 6, 9), date(2021, 8, 18)),
    smallest_amplitude=0.15,
)


def double_logistic(
    day: np.ndarray, rise: float = 160, fall: float = 235, low: float = 0.2, high: float = 0.85
) -> np.ndarray:
    """METHODS' curve with both slopes .12 a day."""
    return low + (high - low) * (1 / (1 + np.exp(-0.12 * (day - rise))) + 1 / (1 + np.exp(0.12 * (day - fall))) - 1)


def told(
    values: np.ndarray, rules: SeasonRules = RULES, days: np.ndarray = DAYS, looks: int = 20, gap: float = 10, se: float = 0.02,
    first_look: str = "2021-03-01", last_look: str = "2021-11-01",
) -> xr.Dataset:  # fmt: skip
    """The season of one field whose daily curve is given."""
    curve = xr.DataArray(np.asarray(values, "float32")[:, None], dims=("day", "field"), coords={"day": days})
    curves = xr.Dataset({"curve": curve, "curve_se": xr.full_like(curve, se), "memory": ("field", [15.0])})
    edges = {
        name: ("field", np.array([day], "datetime64[ns]"))
        for name, day in (("first_look", first_look), ("last_look", last_look))
    }
    seen = xr.Dataset({"days_seen": ("field", [float(looks)]), **edges})
    return season(curves, seen, xr.DataArray([gap], dims="field"), rules).isel(field=0)


def test_a_trapezoid_by_hand() -> None:
    """.2 until day 130, up .03 a day to .8 on day 150, flat to day 200, down to .2 on day 220."""
    values = np.interp(DOY, [130, 150, 200, 220], [0.2, 0.8, 0.8, 0.2])
    made = told(values)
    assert float(made["season_start"]) == pytest.approx(134, abs=1e-3)  # .2 + a fifth of .6 = .32
    assert float(made["season_end"]) == pytest.approx(216, abs=1e-3)
    assert float(made["season_peak"]) == pytest.approx(0.8) and float(made["season_base"]) == pytest.approx(0.2)
    assert float(made["season_amplitude"]) == pytest.approx(0.6)
    assert float(made["season_greenup_slope"]) == pytest.approx(0.03, rel=1e-4)
    assert float(made["season_green_days"]) == np.sum(values > 0.6 + 1e-7)
    assert float(made["season_integral"]) == pytest.approx(8.96 + 40 + 8.96, abs=0.02)  # two slopes and the flat top
    assert 150 <= float(made["season_peak_day"]) <= 200
    assert float(made["season_flag"]) == 0
    assert float(made["season_start_se"]) == pytest.approx(0.02 * np.sqrt(1 + 0.8**2 + 0.2**2) / 0.03, rel=1e-3)
    assert float(made["season_integral_se"]) == pytest.approx(0.02 * np.sqrt(15 * 82), rel=1e-3)
    assert float(made["season_amplitude_se"]) == pytest.approx(0.02 * np.sqrt(1.5), rel=1e-5)


def test_the_integral_of_a_half_over_a_hundred_days_is_fifty() -> None:
    half = xr.DataArray(np.full((200, 1), 0.5), dims=("day", "field"), coords={"day": DAYS})
    assert float(integral(half, date(2021, 5, 1), date(2021, 8, 8))[0]) == 50.0
    half[50] = np.nan
    assert np.isnan(integral(half, date(2021, 5, 1), date(2021, 8, 8))[0])


def test_planted_days_of_a_smooth_course() -> None:
    """At half the amplitude the double logistic crosses at its own two days."""
    made = told(double_logistic(DOY), SeasonRules(RULES.window, RULES.critical, edge_share=0.5))
    assert float(made["season_start"]) == pytest.approx(160, abs=0.5)
    assert float(made["season_end"]) == pytest.approx(235, abs=0.5)
    assert 195 <= float(made["season_peak_day"]) <= 200


def test_a_mirrored_course_has_a_mirrored_season() -> None:
    values = double_logistic(DOY, rise=150, fall=220)
    there, back = told(values), told(values[::-1])
    for one, other in (("season_start", "season_end"), ("season_end", "season_start")):
        assert float(there[one]) == pytest.approx(381 - float(back[other]), abs=1e-3)
        assert float(there[f"{one}_se"]) == pytest.approx(float(back[f"{other}_se"]), rel=1e-4)


def test_a_crop_of_the_south_or_of_winter_may_begin_before_the_year() -> None:
    days = np.arange("2020-09-01", "2021-05-01", dtype="datetime64[D]").astype("datetime64[ns]")
    number = np.arange(-121, 121)  # 31 December 2020 is day 0
    rules = SeasonRules((date(2020, 9, 1), date(2021, 4, 30)), (date(2020, 11, 1), date(2021, 2, 1)))
    values = np.interp(number, [-60, -40, 40, 60], [0.2, 0.8, 0.8, 0.2])
    made = told(values, rules, days, first_look="2020-09-02", last_look="2021-04-29")
    assert float(made["season_start"]) == pytest.approx(-56, abs=1e-3)
    assert float(made["season_end"]) == pytest.approx(56, abs=1e-3)


def test_four_clear_dates_tell_nothing_and_say_why() -> None:
    made = told(double_logistic(DOY), looks=4)
    for name in (
        "season_start",
        "season_end",
        "season_peak",
        "season_integral",
        "season_amplitude",
        "season_green_days",
    ):
        assert np.isnan(made[name]), name
    assert Flag(int(made["season_flag"])) == Flag.FEW_LOOKS and float(made["season_looks"]) == 4
    assert [str(why) for why in flags_of(float(made["season_flag"]), RULES)] == [
        "fewer than 6 days with a clear look: nothing can be said of this season"
    ]


def test_a_long_gap_is_flagged_and_the_metrics_stay() -> None:
    assert int(told(double_logistic(DOY), gap=25)["season_flag"]) == 0
    made = told(double_logistic(DOY), gap=26)
    assert Flag(int(made["season_flag"])) == Flag.LONG_GAP and np.isfinite(made["season_start"])
    assert "more than 25 days" in str(flags_of(float(made["season_flag"]), RULES)[0])


@pytest.mark.parametrize(
    ("course", "flag", "unknown"),
    [
        (lambda d: np.full(200, 0.5), Flag.NO_SEASON, ("season_start", "season_end", "season_peak_day", "season_integral")),
        (lambda d: 0.3 + 0.02 * np.sin(d / 5), Flag.NO_SEASON, ("season_start", "season_end")),
        (lambda d: np.interp(d, [91, 95, 200, 220], [0.7, 0.8, 0.8, 0.2]), Flag.START_UNSEEN, ("season_start", "season_integral")),
        (lambda d: np.interp(d, [130, 150, 280, 290], [0.2, 0.8, 0.8, 0.7]), Flag.END_UNSEEN, ("season_end", "season_integral")),
        (lambda d: np.linspace(0.2, 0.8, 200), Flag.END_UNSEEN, ("season_end", "season_integral")),
        (lambda d: np.linspace(0.8, 0.2, 200), Flag.START_UNSEEN, ("season_start", "season_greenup_slope")),
    ],
    ids=["constant", "ripple", "green before the window", "green after it", "only rises", "only falls"],
)  # fmt: skip
def test_what_the_window_does_not_hold_is_not_told(
    course: Callable[[np.ndarray], np.ndarray], flag: Flag, unknown: tuple[str, ...]
) -> None:
    made = told(course(DOY))
    assert Flag(int(made["season_flag"])) == flag
    assert all(np.isnan(made[name]) for name in unknown)
    assert np.isfinite(made["season_peak"])


def test_a_start_before_the_first_look_was_not_seen() -> None:
    values = np.interp(DOY, [130, 150, 200, 220], [0.2, 0.8, 0.8, 0.2])
    late = told(values, first_look="2021-05-20")  # day 140, the start is 134
    assert Flag(int(late["season_flag"])) == Flag.START_UNSEEN and np.isnan(late["season_start"])
    early = told(values, last_look="2021-08-01")  # day 213, the end is 216
    assert Flag(int(early["season_flag"])) == Flag.END_UNSEEN and np.isfinite(early["season_start"])
    never = told(values, first_look="NaT", last_look="NaT")
    assert int(never["season_flag"]) == Flag.START_UNSEEN | Flag.END_UNSEEN


def test_a_short_dip_is_no_end_and_a_low_hump_before_no_start() -> None:
    values = np.interp(
        DOY, [100, 110, 120, 140, 160, 175, 180, 185, 215, 235], [0.2, 0.3, 0.2, 0.2, 0.8, 0.8, 0.5, 0.79, 0.79, 0.2]
    )
    made = told(values)
    assert float(made["season_start"]) == pytest.approx(144, abs=0.1) and float(made["season_end"]) > 225


def test_unknown_curves_stay_unknown_and_nobody_suffers() -> None:
    values = double_logistic(DOY)
    values[30] = np.nan
    made = told(values)
    assert np.isnan(made["season_peak"]) and int(made["season_flag"]) == Flag.FEW_LOOKS
    assert flags_of(np.nan, RULES) == ()


def test_blocks_and_chunks_equal_the_whole_and_every_layer_is_registered_and_in_range() -> None:
    random = np.random.default_rng(1)
    rise, fall = random.uniform(140, 180, (4, 6)), random.uniform(210, 260, (4, 6))
    curve = xr.DataArray(double_logistic(DOY[:, None, None], rise, fall), dims=("day", "y", "x"), coords={"day": DAYS})
    curve = curve + xr.DataArray(random.normal(0, 0.02, curve.shape), dims=curve.dims)
    flat = xr.full_like(curve[0], 10).drop_vars("day")
    edges = {
        name: xr.full_like(flat, np.datetime64(day, "ns"), dtype="datetime64[ns]")
        for name, day in (("first_look", "2021-04-02"), ("last_look", "2021-10-10"))
    }
    curves, seen = (
        xr.Dataset({"curve": curve, "curve_se": curve * 0 + 0.02, "memory": flat}),
        xr.Dataset({"days_seen": flat, **edges}),
    )
    whole = season(curves, seen, flat, RULES)
    lazy = season(curves.chunk(day=50, y=2, x=3), seen.chunk(y=2, x=3), flat.chunk(y=2, x=3), RULES)
    assert lazy["season_start"].chunks is not None
    xr.testing.assert_identical(lazy.compute(), whole)
    part = {"y": slice(1, 3), "x": slice(2, 5)}
    xr.testing.assert_identical(season(curves.isel(part), seen.isel(part), flat.isel(part), RULES), whole.isel(part))
    for name, layer in whole.items():
        about = LAYERS[str(name)]
        known = layer.values[np.isfinite(layer.values)]
        assert known.size and (known >= about.lowest).all() and (known <= about.highest).all(), name
        assert max(abs(about.lowest), abs(about.highest)) / about.step < 32_767
    assert {name for name in LAYERS if name.startswith("season_")} == set(map(str, whole))


def test_the_flag_and_its_reasons() -> None:
    every = flags_of(float(sum(Flag)), RULES)
    assert len({str(why) for why in every}) == 5 and json.dumps([str(why) for why in every])
    assert flags_of(0.0, RULES) == () and LAYERS["season_flag"].highest == sum(Flag)


def test_a_curve_that_does_not_cover_the_window_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        told(double_logistic(DOY[:100]), days=DAYS[:100])
    assert refused.value.refusal.code == "SEASON-WINDOW"
    with pytest.raises(BadInput):
        integral(xr.DataArray(np.ones(200), dims="day", coords={"day": DAYS}), date(2021, 3, 1), date(2021, 5, 1))


def test_planted_days_come_back_through_the_curve() -> None:
    """Twelve dates with a noise of .03: the curve's half-way days lie within 2 d of the planted ones, on the whole."""
    random = np.random.default_rng(7)
    rise, fall = random.uniform(150, 175, 200), random.uniform(225, 245, 200)
    days = np.sort(np.linspace(100, 282, 12).round().astype(int)[:, None] + random.integers(-5, 6, (12, 1)), axis=0)
    time = np.datetime64("2020-12-31", "ns") + days[:, 0] * np.timedelta64(1, "D")
    truth = np.stack([double_logistic(days[:, 0], s, e) for s, e in zip(rise, fall, strict=True)], axis=1)
    looks = xr.DataArray(truth + random.normal(0, 0.03, truth.shape), dims=("time", "field"), coords={"time": time})
    curves = whittaker(looks, None, RULES.window, Stiffness(30.0))
    seen, gaps = looks_within(looks, None, RULES.window), looks_within(looks, None, RULES.critical)["longest_gap"]
    made = season(curves, seen, gaps, SeasonRules(RULES.window, RULES.critical, edge_share=0.5))
    for name, planted in (("season_start", rise), ("season_end", fall)):
        missed = made[name].values - planted
        assert np.median(np.abs(missed)) < 2
        assert np.mean(np.abs(missed) <= 1.645 * made[f"{name}_se"].values) > 0.85
