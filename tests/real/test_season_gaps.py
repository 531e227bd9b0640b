"""Seasons of real series: dates that the curve has not seen, and what the curves say of declared crops."""

import importlib.util
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr

from agro.agromaps.season import Flag, SeasonRules, season
from agro.imagery.series import choose_stiffness, looks_within, whittaker


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The bench that a person runs by hand; here on a part of its looks."""
    path = Path(__file__).parents[2] / "bench" / "season_gaps.py"
    spec = importlib.util.spec_from_file_location("season_gaps", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["season_gaps"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fields(bench: ModuleType, real: Path) -> list:
    return bench.flanders(real / "flanders-2018")


def test_fields_are_foretold_as_well_as_by_a_line_at_any_gap_and_nine_of_ten_times_within_the_interval(
    bench: ModuleType, fields: list
) -> None:
    scores = bench.judge(fields, {name: bench.METHODS[name] for name in ("linear", "Savitzky-Golay", "ours, chosen")})
    for gap in ("5-15", "15-25", "25-40", "40-90"):
        ours = scores["ours, chosen"][gap]
        assert ours["n"] > 500
        assert ours["rmse"] <= 1.01 * scores["linear"][gap]["rmse"], gap
        assert ours["rmse"] <= 1.05 * scores["Savitzky-Golay"][gap]["rmse"], gap
        assert abs(ours["bias"]) < 0.01 and 0.85 < ours["coverage_90"] < 0.96, gap


def test_noisy_pixels_are_foretold_better_than_by_a_line_at_any_gap(bench: ModuleType, real: Path) -> None:
    """Thin cloud is left in these pixels; among near neighbours it is held out more often than the errors tell."""
    seasons = bench.slovenia(real / "eolearn-slovenia", 40)
    scores = bench.judge(seasons, {name: bench.METHODS[name] for name in ("linear", "ours, chosen")})
    for gap, least in (("5-15", 0.75), ("15-25", 0.85), ("25-40", 0.85), ("40-90", 0.85)):
        ours = scores["ours, chosen"][gap]
        assert ours["rmse"] < scores["linear"][gap]["rmse"], gap
        assert least < ours["coverage_90"] < 0.96, gap


def test_maize_has_a_summer_of_its_own_and_meadows_do_not(fields: list) -> None:
    """Two of the three maize fields are large enough to be seen without their neighbours (the third has 7 pixels)."""
    looks = xr.concat([half.looks for half in fields], "place")
    window, critical = (date(2018, 3, 10), date(2018, 10, 25)), (date(2018, 6, 9), date(2018, 8, 18))
    curves = whittaker(looks, None, window, choose_stiffness(looks, None, window))
    gaps = looks_within(looks, None, critical)["longest_gap"]
    made = season(curves, looks_within(looks, None, window), gaps, SeasonRules(window, critical))
    crop = made["place"].values
    meadow = made.isel(place=crop == "grassland")
    maize = made.isel(place=(crop == "maize") & (made["season_amplitude"].values > 0.4))
    assert maize.sizes["place"] == 2 and meadow.sizes["place"] == 5
    assert (maize["season_flag"] == 0).all() and (meadow["season_flag"].astype(int) & Flag.START_UNSEEN > 0).all()
    assert ((maize["season_start"] > 140) & (maize["season_start"] < 165)).all()
    assert ((maize["season_end"] > 250) & (maize["season_end"] < 275)).all()
    assert (maize["season_start_se"] < 7).all() and (maize["season_integral_se"] < 4).all()
    assert float(meadow["season_base"].min()) > float(maize["season_base"].max()) + 0.3
