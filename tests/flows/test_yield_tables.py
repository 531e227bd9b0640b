"""How a field's curve goes where nobody saw it, and what the stages of its growth add up to, by hand."""

import numpy as np
import pandas as pd
import pytest

from flows.yield_tables import _gone_on, _usual
from models.yield_features import GrowthRules, Known, _stages

NO = np.nan


def test_a_curve_goes_on_as_the_crop_went_in_past_seasons() -> None:
    """Two fields seen on other days: their mean steps make the usual curve, which does not jump between them."""
    grown = pd.DataFrame({"season": [2020, 2020], "crop": ["oats", "oats"]})
    past = {2020: {"ndvi": np.array([[0.2, NO], [0.3, NO], [0.4, 0.8], [NO, 0.7], [NO, 0.6]])}}
    usual = _usual(grown, past)
    assert np.diff(usual["oats"]["ndvi"]) == pytest.approx([0.1, 0.1, -0.1, -0.1])
    now = {"ndvi": np.array([[NO, 0.5, NO], [NO, 0.5, NO], [0.5, 0.5, NO], [NO, 0.5, NO], [NO, 0.5, NO]])}
    told = _gone_on(now, pd.Series(["oats", "oats", "oats"]), usual)["ndvi"]
    assert told[:, 0] == pytest.approx([0.3, 0.4, 0.5, 0.4, 0.3])
    assert told[:, 1] == pytest.approx(0.5) and np.isnan(told[:, 2]).all()
    level = _gone_on(now, pd.Series(["pea"] * 3), usual)["ndvi"]
    assert level[:, 0] == pytest.approx(0.5), "no past season of the crop: level"


def test_stages_are_told_by_the_warmth_since_sowing() -> None:
    """Ten days of 10 degrees, leaves to 30, flowers to 60, filling to 90: two, three and three days, and two of waiting."""
    days = pd.date_range("2020-06-01", periods=10)
    ones = np.ones((10, 1))
    stress = np.array([1, 1, 0.5, 0.5, 0.5, 1, 1, 1, 1, 1.0])[:, None]
    rain = np.array([0, 0, 0, 0, 0, 0, 12, 0, 0, 5.0])[:, None]
    known = Known(days, {}, ones, rain, 10 * ones, 20 * ones, 20 * ones, ones, stress, ones, ones)
    rules = GrowthRules(0.5, 0.2, 0.8, 0.0, 10.0, 15.0, 0.8, 30.0, 60.0, 90.0)
    since = np.ones((10, 1), bool)
    told = {name: float(value[0]) for name, value in _stages(known, ones, since, rules).items()}
    assert told["growth_want_leaves"] == 0 and told["growth_want_filling"] == 0
    assert told["growth_want_flowers"] == pytest.approx(0.5 * 3 * 10 / 30)
    assert told["growth_light_flowers_mj_m2"] == pytest.approx(3 * 0.5 * 20)
    assert told["growth_downpours_filling_d"] == 1 and told["growth_rain_filling_mm"] == 12
    assert told["growth_heat_filling_cd"] == pytest.approx(3 * 5)
    assert told["growth_waiting_d"] == 3 and told["growth_warmth_cd"] == 100
