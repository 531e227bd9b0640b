"""The soil water balance: each equation by hand, the laws, and a whole season like an independent implementation."""

import itertools
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyfao56
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.agromaps import water
from agro.agromaps.crop_water import Canopy, Crops, Soil, canopy, crops_and_soils, kcb_from_ndvi
from agro.agromaps.water import Sky, Start, check_closed, stopped, water_balance
from agro.agromaps.water_errors import Errors, draws
from agro.agromaps.winter import SnowRules
from agro.domain.errors import BadInput, BalanceOpen
from agro.reports.words import reason

ERRORS = Errors(0.1, 0.5, 0.05, 0.1, 0.02, 0.015, 0.1, members=60, seed=5)


def dates(count: int) -> np.ndarray:
    return np.arange(np.datetime64("2021-05-01"), np.datetime64("2021-05-01") + count)


def soil(fields: int = 1, **numbers: float) -> Soil:
    usual = {"field_capacity": 0.34, "wilting_point": 0.17, "evaporation_depth_m": 0.1, "readily_evaporable_mm": 9.0}
    usual |= {"curve_number": np.nan, **numbers}
    return Soil(**{name: np.full(fields, value) for name, value in usual.items()})


def stand(days: int, fields: int = 1, **numbers: float) -> Canopy:
    """A crop that stays as it is."""
    usual = {"kcb": 0.9, "kc_max": 1.2, "cover": 0.8, "root_m": 1.0, **numbers}
    each = {name: np.full((days, fields), usual[name]) for name in ("kcb", "kc_max", "cover", "root_m")}
    return Canopy(
        **each,
        depletion_fraction=np.full(fields, 0.55),
        profile_m=np.full(fields, 1.0 if usual["root_m"] <= 1 else usual["root_m"]),
    )


def start(
    water_mm: float | list[float], se_mm: float = 10.0, fields: int = 1, surface_mm: float | None = None
) -> Start:
    amount = np.broadcast_to(np.asarray(water_mm, dtype=float), fields)
    surface = None if surface_mm is None else np.full(fields, surface_mm)
    return Start(np.full(fields, dates(1)[0]), amount, np.full(fields, se_mm), surface)


def balance(rain: list[float], et0: float = 5.0, **more: Any) -> xr.Dataset:
    days = len(rain)
    sky = Sky(dates(days), np.array(rain, dtype=float)[:, None], np.full((days, 1), et0))
    begins = more.pop("begins", start(100.0))
    return water_balance(
        sky, more.pop("crop", stand(days)), more.pop("ground", soil()), begins, dtype="float64", **more
    )


def test_one_dry_day_by_hand() -> None:
    """TAW 170; 100 mm there: Dr 70. TEW 25.5, De 70/170 of it = 10.5. Kr = 15/16.5; Ke = min(.2727, .2*1.2) = .24.

    ETc = (.24+.9)*5 = 5.7; p = .55+.04*(5-5.7) = .522; Ks = 100/(.478*170) > 1 -> 1; T 4.5, E 1.2, Dr 75.7.
    """
    day = balance([0.0]).isel(day=0, field=0)
    assert float(day["stress"]) == 1.0
    assert float(day["transpiration_mm"]) == pytest.approx(4.5)
    assert float(day["evaporation_mm"]) == pytest.approx(1.2)
    assert float(day["depletion_mm"]) == pytest.approx(75.7)
    assert float(day["water_100cm_mm"]) == pytest.approx(170 - 75.7)
    assert float(day["surface_depletion_mm"]) == pytest.approx(10.5 + 1.2 / 0.2)
    drawn = 4.5 * 0.2 * (1.8 - 0.8 * 0.2) + 1.2  # 0-20 cm of 1 m of roots give 32.8 %
    assert float(day["water_20cm_mm"]) == pytest.approx(20.0 - drawn)


def test_stress_of_equation_84_by_hand() -> None:
    """40 mm there: Dr 130, surface 19.5 of 25.5: Kr 6/16.5, Ke = .3636*.3 = .1091; ETc 5.0455; p .5482; Ks .5208."""
    day = balance([0.0], begins=start(40.0)).isel(day=0, field=0)
    fraction = 0.55 + 0.04 * (5 - (0.3 * 6 / 16.5 + 0.9) * 5)
    assert float(day["stress"]) == pytest.approx(40 / ((1 - fraction) * 170))
    assert float(day["stress"]) == pytest.approx(0.5208, abs=1e-4)


def test_drainage_of_equation_88_by_hand() -> None:
    """A full soil under 20 mm of rain: Ke is the exposed share's .24, ET 5.7, drainage 14.3, depletion 0."""
    day = balance([20.0], begins=start(170.0)).isel(day=0, field=0)
    assert float(day["drainage_mm"]) == pytest.approx(20 - 5.7)
    assert float(day["depletion_mm"]) == 0.0
    assert float(day["water_20cm_mm"]) == pytest.approx(34.0)


def test_runoff_of_a_curve_number_by_hand() -> None:
    """CN 75, surface wet: CN3 = 75/(.427+.00573*75) = 87.54, S = 35.58, runoff (50-7.117)^2/(50+28.47) = 23.436."""
    got = balance([50.0], ground=soil(curve_number=75.0), begins=start(170.0)).isel(day=0, field=0)
    assert float(got["runoff_mm"]) == pytest.approx(23.436, abs=2e-3)
    dry = balance([50.0], ground=soil(curve_number=75.0), begins=start(0.0)).isel(day=0, field=0)
    assert 0 < float(dry["runoff_mm"]) < 10
    assert float(balance([50.0])["runoff_mm"].sum()) == 0


def test_kcb_of_greenness_stays_between_its_limits() -> None:
    got = kcb_from_ndvi(np.array([[-0.2, 0.15, 0.5, 0.85, 0.97, np.nan]]), np.full(6, 0.15), np.full(6, 1.10))
    np.testing.assert_allclose(got, [[0.15, 0.15, 0.625, 1.10, 1.10, np.nan]])


def test_cover_roots_and_upper_limit_by_hand() -> None:
    """Half green: kcb .625, height .5 m; calm humid air 1.2; cover ((.625-.15)/(1.2-.15))^1.25 = .371; roots .65 m."""
    crops = Crops(*(np.array([value]) for value in (0.15, 1.10, 0.3, 1.0, 1.0, 0.55)))
    got = canopy(np.array([[0.5], [0.3], [np.nan]]), crops)
    assert got.kc_max[0, 0] == pytest.approx(1.2)
    assert got.cover[0, 0] == pytest.approx((0.475 / 1.05) ** 1.25)
    assert got.root_m[:, 0] == pytest.approx([0.65, 0.65, 0.65])  # roots stay when leaves go
    assert np.isnan(got.kcb[2, 0])
    windy = canopy(np.array([[0.5]]), crops, wind_2m_m_s=4.0, humidity_min_pct=30.0)
    assert windy.kc_max[0, 0] == pytest.approx(1.2 + (0.08 + 0.06) * (0.5 / 3) ** 0.3)


def test_without_rain_the_soil_empties_and_evapotranspiration_ends() -> None:
    got = balance([0.0] * 400).isel(field=0)
    rose = got["evaporation_mm"] + got["transpiration_mm"]
    assert 169 < float(got["depletion_mm"][-1]) <= 170
    assert float(rose[-1]) < 0.02 < float(rose[0])
    assert (np.diff(got["depletion_mm"]) >= 0).all() and (np.diff(got["stress"]) <= 1e-9).all()
    assert float(got["water_100cm_mm"][-1]) < 1 and float(got["water_20cm_mm"].min()) >= 0


def test_under_steady_rain_drainage_is_rain_less_evapotranspiration() -> None:
    day = balance([12.0] * 60).isel(day=-1, field=0)
    assert float(day["drainage_mm"]) == pytest.approx(12 - float(day["evaporation_mm"] + day["transpiration_mm"]))
    assert float(day["water_100cm_mm"]) == pytest.approx(170)


def season(days: int, roots_grow: bool) -> tuple[pd.DataFrame, "pyfao56.Model"]:
    """A season of made weather, and what pyfao56 makes of it."""
    random = np.random.default_rng(3)
    when = pd.date_range("2021-05-01", periods=days)
    keys = when.strftime("%Y-%j")
    weather = pyfao56.Weather()
    weather.rfcrp, weather.z, weather.lat, weather.wndht = "S", 200.0, 55.0, 2.0
    rain = np.where(random.random(days) < 0.3, random.gamma(1.0, 9.0, days), 0.0)
    weather.wdata = pd.DataFrame(
        dict.fromkeys(("Srad", "Tmax", "Tmin", "Vapr", "Tdew", "RHmax"), np.nan)
        | {"RHmin": random.uniform(25, 70, days), "Wndsp": random.uniform(1, 5, days), "Rain": rain}
        | {"ETref": random.uniform(1, 7, days), "MorP": "M"},
        index=keys,
    )
    parameters = pyfao56.Parameters(
        Kcbini=0.15, Kcbmid=1.10, Kcbend=0.20, Lini=15, Ldev=30, Lmid=40, Lend=30, hini=0.0, hmax=1.0, thetaFC=0.34,
        thetaWP=0.17, theta0=0.27, Zrini=0.3 if roots_grow else 1.2, Zrmax=1.2, pbase=0.55, Ze=0.10, REW=9.0, CN2=75,
    )  # fmt: skip
    profile = pyfao56.SoilProfile()
    profile.sdata = pd.DataFrame({"thetaFC": [0.34], "thetaWP": [0.17], "theta0": [0.27]}, index=[120])
    irrigation = pyfao56.Irrigation()
    irrigation.addevent(2021, 190, 250.0, 1.0)  # so that some drains
    model = pyfao56.Model(keys[0], keys[-1], parameters, weather, irr=irrigation, sol=profile, roff=True)
    model.run()
    return weather.wdata, model


@pytest.mark.parametrize(("roots_grow", "within_mm"), [(False, 1e-6), (True, 0.6)])
def test_a_whole_season_like_an_independent_implementation(roots_grow: bool, within_mm: float) -> None:
    """pyfao56 counts growing roots in steps of 1 mm and adds their water at the day's end: hence the 0.6 mm."""
    _, model = season(120, roots_grow)
    theirs = model.odata
    column = {name: theirs[name].to_numpy(dtype=float)[:, None] for name in theirs.columns[4:46]}
    crop = Canopy(column["Kcb"], column["Kcmax"], column["fc"], column["Zr"], np.array([0.55]), np.array([1.2]))
    sky = Sky(dates(120), column["Rain"], column["ETref"], column["Irrig"])
    ground = soil(curve_number=75.0)
    got = water_balance(sky, crop, ground, start(100.0, surface_mm=25.5), dtype="float64").isel(field=0)
    for ours, name in (
        ("depletion_mm", "Dr"),
        ("drainage_mm", "DP"),
        ("evaporation_mm", "E"),
        ("transpiration_mm", "T"),
    ):
        np.testing.assert_allclose(got[ours], column[name][:, 0], atol=within_mm, err_msg=ours)
    np.testing.assert_allclose(got["runoff_mm"], column["Runoff"][:, 0], atol=1e-6)
    np.testing.assert_allclose(got["stress"], column["Ks"][:, 0], atol=1e-8 if within_mm < 1e-3 else 0.02)
    assert column["Runoff"].sum() > 1 and column["DP"].sum() > 1 and column["Ks"].min() < 0.9


def test_our_canopy_is_theirs() -> None:
    weather, model = season(120, roots_grow=True)
    theirs = model.odata
    crops = Crops(*(np.array([value]) for value in (0.15, 1.10, 0.3, 1.2, 1.0, 0.55)))
    greenness = 0.15 + 0.7 * (theirs["Kcb"].to_numpy(dtype=float)[:, None] - 0.15) / 0.95
    wind, humid = (weather[name].to_numpy()[:, None] for name in ("Wndsp", "RHmin"))
    got = canopy(greenness, crops, wind * 4.87 / np.log(67.8 * 2 - 5.42), humid)
    for ours, name, within in ((got.kc_max, "Kcmax", 1e-6), (got.cover, "fc", 1e-6), (got.root_m, "Zr", 1e-6)):
        np.testing.assert_allclose(ours[:, 0], theirs[name].to_numpy(dtype=float), atol=within, err_msg=name)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    capacity=st.floats(0.12, 0.45),
    share=st.floats(0.2, 0.8),
    first=st.floats(0, 1),
    numbered=st.booleans(),
)
def test_the_balance_closes_whatever_falls(
    seed: int, capacity: float, share: float, first: float, numbered: bool
) -> None:
    random = np.random.default_rng(seed)
    days, fields = 70, 3
    sky = Sky(
        dates(days),
        random.gamma(0.2, 30, (days, fields)),
        random.uniform(0, 12, (days, fields)),
        random.choice([0.0, 40.0], (days, fields), p=[0.95, 0.05]),
    )
    crops = Crops(*(np.full(fields, value) for value in (0.15, 1.15, 0.3, 1.4, 1.5, 0.5)))
    crop = canopy(np.clip(random.normal(0.5, 0.3, (days, fields)), -1, 1), crops)
    ground = soil(
        fields, field_capacity=capacity, wilting_point=capacity * share, curve_number=80.0 if numbered else np.nan
    )
    available = 1000 * capacity * (1 - share)
    got = water_balance(
        sky, crop, ground, start(first * available, fields=fields), ERRORS if seed % 5 == 0 else None, "float64"
    )
    came = sky.rain_mm + sky.irrigation_mm - got["runoff_mm"].values
    went = sum(got[name].values for name in ("evaporation_mm", "transpiration_mm", "drainage_mm"))
    held = (came - went).cumsum(axis=0)  # above the start
    profile = available * 1.4
    assert (held + first * profile >= -1e-6).all() and (held + first * profile <= profile + 1e-6).all()
    root_holds = available * crop.root_m
    missing = profile * (1 - first) - held
    assert (got["depletion_mm"].values >= -1e-9).all() and (got["depletion_mm"].values <= root_holds + 1e-6).all()
    assert (got["depletion_mm"].values <= missing + 1e-6).all()
    assert ((got["stress"] >= 0) & (got["stress"] <= 1)).all()
    top, metre = got["water_20cm_mm"].values, got["water_100cm_mm"].values
    assert (top >= -1e-9).all() and (top <= 0.2 * available + 1e-6).all() and (metre <= available + 1e-6).all()
    assert (metre >= -1e-6).all()


def test_a_balance_that_does_not_close_is_refused() -> None:
    check_closed(np.array([10.0, np.nan]), np.array([12.0, 1.0]), np.array([3.0, 1.0]), np.array([5.0, 1.0]))
    with pytest.raises(BalanceOpen, match="misses 1") as caught:
        check_closed(np.array([10.0]), np.array([12.0]), np.array([3.0]), np.array([6.0]))
    assert caught.value.refusal.code == "BALANCE-OPEN"


def test_every_day_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leak of a hundredth of a millimetre a day is put in where the day is checked; the first day refuses."""
    real, days = water.check_closed, []

    def leaky(before: np.ndarray, after: np.ndarray, came: np.ndarray, went: np.ndarray) -> None:
        days.append(float(came[0, 0]))
        real(before, after + (0.01 if len(days) == 4 else 0.0), came, went)

    monkeypatch.setattr(water, "check_closed", leaky)
    with pytest.raises(BalanceOpen):
        balance([5.0, 0.0, 7.0, 1.0, 0.0])
    assert days == [5.0, 0.0, 7.0, 1.0]


def test_the_balance_stops_at_a_missing_day_and_says_so() -> None:
    days = 6
    rain = np.zeros((days, 3))
    rain[3, 0] = np.nan
    begins = Start(np.array([dates(1)[0], dates(3)[2], np.datetime64("NaT")]), np.full(3, 100.0), np.full(3, 5.0))
    sky = Sky(dates(days), rain, np.full((days, 3), 4.0))
    got = water_balance(sky, stand(days, 3), soil(3), begins, ERRORS)
    assert np.isfinite(got["depletion_mm"].values).sum(axis=0).tolist() == [3, 4, 0]
    assert np.isfinite(got["depletion_mm"].values[:, 1]).tolist() == [False, False, True, True, True, True]
    assert np.isfinite(got["water_100cm_mm_se"].values).sum(axis=0).tolist() == [3, 4, 0]
    told = stopped(got, ["a", "b", "c"], date(2021, 5, 6))
    assert [(refusal.field_id, refusal.code) for refusal in told] == [("a", "WATER-STOPS"), ("c", "WATER-NEVER")]
    assert "2021-05-03" in told[0].reason


def test_a_start_before_the_weather_never_begins() -> None:
    begins = Start(np.array([np.datetime64("2021-04-30")]), np.array([100.0]), np.array([5.0]))
    assert np.isnat(balance([0.0] * 3, begins=begins)["holds_until"].values).all()


def test_missing_greenness_stops_it_too() -> None:
    crop = stand(4)
    crop.kcb[2] = np.nan
    assert np.isfinite(balance([0.0] * 4, crop=crop)["water_20cm_mm"].values[:, 0]).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_a_field_alone_is_the_field_among_many() -> None:
    random = np.random.default_rng(1)
    days, fields = 40, 300
    crop = stand(days, fields)
    crop.kcb[:] = random.uniform(0.2, 1.1, (days, fields))
    sky = Sky(dates(days), random.gamma(0.3, 10, (days, fields)), random.uniform(1, 6, (days, fields)))
    begins = start(90.0, fields=fields)
    whole = water_balance(sky, crop, soil(fields), begins, ERRORS)
    pick = slice(200, 203)
    alone = water_balance(
        Sky(sky.days, sky.rain_mm[:, pick], sky.et0_mm[:, pick]),
        Canopy(
            *(getattr(crop, name)[:, pick] for name in ("kcb", "kc_max", "cover", "root_m")),
            crop.depletion_fraction[pick],
            crop.profile_m[pick],
        ),
        soil(3),
        start(90.0, fields=3),
        ERRORS,
    )
    xr.testing.assert_identical(whole.isel(field=pick), alone)


def test_errors_are_the_same_again_and_grow_with_what_is_uncertain() -> None:
    rain = [0.0, 6.0, 0.0, 0.0, 11.0] * 12
    first, again = balance(rain, errors=ERRORS), balance(rain, errors=ERRORS)
    xr.testing.assert_identical(first, again)
    plain = balance(rain)
    for name in water.STATES:
        np.testing.assert_allclose(first[name], plain[name], atol=1e-9)  # the value is the undisturbed run
    nothing = Errors(0, 0, 0, 0, 0, 0, 0, members=20)
    known = balance(rain, begins=start(100.0, se_mm=0.0), errors=nothing)
    assert float(known["water_100cm_mm_se"].max()) < 1e-9
    begun = balance(rain, begins=start(100.0, se_mm=20.0), errors=nothing)["water_100cm_mm_se"].values[:, 0]
    assert begun[0] == pytest.approx(20.0, rel=0.02)
    assert begun[-1] < begun[0]  # stress and drainage forget the start
    wet = Errors(0.3, 0, 0, 0, 0, 0, 0, members=60)
    grown = balance(rain, begins=start(100.0, se_mm=0.0), errors=wet)["water_100cm_mm_se"].values[:, 0]
    assert grown[-1] > grown[1] > 0


def test_draws_keep_the_mean_and_their_spread() -> None:
    got = draws(Errors(0.2, 0.0, 0.0, 0.3, 0.03, 0.02, 0.1, members=4000), 3)
    assert got["rain"].shape == (4001, 3) and (got["rain"][0] == 1).all() and (got["start"][0] == 0).all()
    assert got["rain"].mean() == pytest.approx(1.0, abs=0.01) and got["rain"].std() == pytest.approx(0.2, abs=0.01)
    assert got["et0"][:, 1].std() == pytest.approx(0.3, abs=0.02) and got["et0"].min() > 0
    assert got["capacity"].mean() == pytest.approx(0.0, abs=1e-12) and got["capacity"].std() == pytest.approx(
        0.03, rel=0.05
    )
    assert np.corrcoef(got["et0"][:, 0], got["et0"][:, 1])[0, 1] == pytest.approx(0.0, abs=0.05)
    assert np.corrcoef(got["rain"][:, 0], got["rain"][:, 1])[0, 1] == pytest.approx(1.0)
    assert draws(None, 3)["rain"].shape == (1, 3)
    few = draws(Errors(0, 0, 0, 0, 0.03, 0.02, 0, members=12), 3)
    for name, spread in (("capacity", 0.03), ("wilting", 0.02), ("start", 1.0)):
        assert np.sqrt(np.mean(few[name][1:] ** 2)) == pytest.approx(spread)  # exact, however few
    assert float(few["capacity"][1:, 0] @ few["start"][1:, 0]) == pytest.approx(0.0, abs=1e-12)
    for members in (10, 13):
        with pytest.raises(BadInput, match="even number from 12"):
            draws(Errors(0, 0, 0, 0, 0, 0, 0, members=members), 3)


def test_the_spread_of_rain_is_the_spread_of_water() -> None:
    """Nothing evaporates: 40 mm of rain with a season's error of 20 % leave 8 mm of error."""
    only_rain = Errors(0.2, 0, 0, 0, 0, 0, 0, members=400)
    got = balance([10.0] * 4, et0=0.0, begins=start(50.0, se_mm=0.0), errors=only_rain)
    assert float(got["water_100cm_mm"][-1, 0]) == pytest.approx(90.0)
    assert float(got["water_100cm_mm_se"][-1, 0]) == pytest.approx(8.0, rel=0.03)


def test_one_sky_over_all_fields_and_no_field_at_all() -> None:
    sky = Sky(dates(4), np.array([[0.0], [5.0], [0.0], [0.0]]), np.full((4, 1), 4.0))
    got = water_balance(sky, stand(4, 40), soil(40), start(100.0, fields=40), ERRORS)
    assert (got["depletion_mm"].values == got["depletion_mm"].values[:, :1]).all()
    none = water_balance(sky, stand(4, 0), soil(0), start(100.0, fields=0), ERRORS)
    assert none["depletion_mm"].shape == (4, 0) and stopped(none, [], date(2021, 5, 4)) == []


def test_the_configured_numbers_fit_every_crop_and_every_kind_of_weather() -> None:
    """Each number inside what FAO-56 prints for such crops, and a row for every way that evaporation is had."""
    root = Path(__file__).parents[2] / "configs"
    known = tomllib.loads((root / "water.toml").read_text())
    named = set(tomllib.loads((root / "crops.toml").read_text())) - {"version"}
    assert named <= set(known["crops"])
    fields = pd.DataFrame({"field_id": sorted(known["crops"]), "crop": sorted(known["crops"])})
    kept, crops, ground, refused = crops_and_soils(fields, known["crops"], known["soil"])
    assert len(kept) == len(fields) and not refused
    assert (crops.kcb_min < crops.kcb_max).all() and (crops.kcb_max <= 1.2).all() and (crops.kcb_min >= 0).all()
    assert (
        (crops.root_min_m >= 0.2).all()
        and (crops.root_max_m >= crops.root_min_m).all()
        and (crops.root_max_m <= 2).all()
    )
    assert ((crops.depletion_fraction > 0.3) & (crops.depletion_fraction < 0.7)).all()
    assert (
        ground.readily_evaporable_mm
        < 1000 * (ground.field_capacity - ground.wilting_point / 2) * ground.evaporation_depth_m
    ).all()
    SnowRules(**known["snow"])
    common = {name: value for name, value in known["errors"].items() if name != "et0"}
    missing = ("no humidity", "no radiation", "no wind")
    pairs = {";".join(pair) for pair in itertools.combinations(missing, 2)}
    assert set(known["errors"]["et0"]) == {"", *missing, *pairs, "temperature only", "given"}
    for row in known["errors"]["et0"].values():
        assert 0 < Errors(**common, **row).et0_season_cv <= row["et0_day_cv"] < 0.5


@pytest.mark.parametrize("what", ["rain", "evaporation"])
def test_negative_water_is_refused(what: str) -> None:
    with pytest.raises(BadInput, match=f"{what} of -1.0 mm in a day: water cannot be negative") as caught:
        balance([-1.0 if what == "rain" else 0.0], et0=-1.0 if what == "evaporation" else 1.0)
    assert reason(caught.value.refusal, "ru").startswith("осадки" if what == "rain" else "испарение")


def test_a_field_without_numbers_never_sinks_the_rest() -> None:
    fields = pd.DataFrame(
        {
            "field_id": ["a", "b", "c", "d"],
            "crop": ["barley", "okra", "barley", "barley"],
            "field_capacity": [np.nan, 0.3, 34.0, 0.28],
            "wilting_point": [np.nan, 0.1, 17.0, 0.12],
        }
    )
    crops = {"barley": {"kcb_min": 0.15, "kcb_max": 1.1, "root_min_m": 0.3, "root_max_m": 1.2, "height_m": 1.0}}
    crops["barley"]["depletion_fraction"] = 0.55
    defaults = {"field_capacity": 0.34, "wilting_point": 0.17, "evaporation_depth_m": 0.1, "readily_evaporable_mm": 9.0}
    kept, numbers, ground, refused = crops_and_soils(fields, crops, defaults)
    assert kept["field_id"].tolist() == ["a", "d"]
    assert ground.field_capacity.tolist() == [0.34, 0.28] and numbers.kcb_max.tolist() == [1.1, 1.1]
    assert np.isnan(ground.curve_number).all()
    assert [(refusal.field_id, refusal.code) for refusal in refused] == [("b", "WATER-CROP"), ("c", "WATER-SOIL")]
