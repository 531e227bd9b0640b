"""The ladder as a whole: what is chosen, what falls back, what abstains, and a file that gives the same forecast."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from agro.domain.errors import BadInput
from models.yield_blend import BLEND
from models.yield_file import as_content, model_of
from models.yield_ladder import RUNGS, LadderRules
from models.yields import fit, predict, tell

RULES = LadderRules(4, 200, 700, 1.25)
WITH_TREES = LadderRules(4, 60, 700, 1.25)
BLOCKS = {"canopy": ("canopy_a", "canopy_b"), "growth": ("growth_c",)}
AS_OF, DAY = date(2020, 7, 15), "07-15"


def harvests(seasons: int = 10, units: int = 12, told: float = 1.0, seed: int = 3) -> pd.DataFrame:
    """Yields that follow the canopy as far as `told`, with a season's weather that the canopy shows."""
    random = np.random.default_rng(seed)
    rows = []
    for season in range(2020 - seasons, 2021):
        weather = random.normal()
        for unit in range(units):
            own = random.normal()
            green = weather + 0.5 * own
            value = 2.5 * np.exp(0.2 * told * green + random.normal(0, 0.05 + 0.15 * (1 - told)))
            features = {"canopy_a": green + random.normal(0, 0.1), "canopy_b": random.normal(), "growth_c": green}
            about = {"unit_id": f"u{unit:02d}", "farm_id": f"f{unit % 4}", "district": f"d{unit % 2}", "area_ha": 50.0}
            rows.append({**about, "season": season, "yield_t_ha": value if season < 2020 else np.nan, **features})
    return pd.DataFrame(rows)


def test_features_that_tell_are_used_and_beat_average_and_trend() -> None:
    table = harvests()
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    assert model.chosen not in ("average", "trend") and model.why_plain is None
    off = {
        rung: float(((model.left_out[rung] - model.left_out["observed_t_ha"]) ** 2).mean())
        for rung in (*RUNGS, BLEND)
        if rung in model.left_out
    }
    assert off[model.chosen] < 0.3 * min(off["average"], off["trend"])
    (first, *_) = predict(model, table[table["season"] == 2020], AS_OF, DAY, "m")
    assert first.estimate is not None and first.estimate.unit == "t/ha" and first.answered == 1.0
    inner = first.interval()
    assert inner is not None and inner.level == 0.8 and inner.low < first.estimate.value < inner.high
    assert [one.level for one in first.intervals] == [0.8, 0.9]


def test_where_nothing_tells_a_plain_rung_speaks_and_says_so() -> None:
    table = harvests(told=0.0)
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    assert model.chosen in ("average", "trend")
    (first, *_) = predict(model, table[table["season"] == 2020], AS_OF, DAY, "m")
    assert first.estimate is not None and first.why is not None and first.why.code == "YIELD-FALLBACK"


def test_the_season_that_is_left_out_is_never_read() -> None:
    """Another harvest of one season changes what is said of all others, but never of itself."""
    table = harvests(7)
    other = table.assign(yield_t_ha=table["yield_t_ha"].where(table["season"] != 2015, 9.0))
    told, changed = (fit("spring_wheat", DAY, one, BLOCKS, WITH_TREES).left_out for one in (table, other))
    own = told["season"] == 2015
    for rung in ("average", "trend", "ridge", "boosting"):
        assert np.allclose(told.loc[own, rung], changed.loc[own, rung]), rung
        assert not np.allclose(told.loc[~own, rung], changed.loc[~own, rung]), rung


def test_rows_unlike_all_that_is_known_are_not_told() -> None:
    table = harvests()
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    asked = table[table["season"] == 2020].reset_index(drop=True)
    asked.loc[0, ["canopy_a", "growth_c"]] = 40.0
    asked.loc[1, ["canopy_a", "canopy_b"]] = np.nan
    far, blind, *others = predict(model, asked, AS_OF, DAY, "m")
    assert far.estimate is None and far.why is not None and far.why.code == "FORECAST-OUTSIDE" and far.answered == 0.0
    assert far.why.facts["met"] == "40"
    assert blind.estimate is None and blind.why is not None and blind.why.code == "YIELD-UNSEEN"
    assert all(one.estimate is not None for one in others)


def test_a_season_without_its_weather_is_not_told_by_a_model_that_lives_on_weather() -> None:
    table = harvests().rename(columns={"growth_c": "weather_c"})
    model = fit("spring_wheat", DAY, table, {"canopy": ("canopy_a",), "weather": ("weather_c",)}, RULES)
    assert model.chosen not in ("average", "trend")
    asked = table[table["season"] == 2020].assign(weather_c=np.nan)
    assert {one.why.code for one in predict(model, asked, AS_OF, DAY, "m") if one.why} == {"YIELD-NO-WEATHER"}


@pytest.mark.parametrize(
    ("seasons", "code"), [(1, "YIELD-ONE-SEASON"), (2, "INTERVAL-SEASONS"), (3, "INTERVAL-SEASONS")]
)
def test_few_seasons_are_told_as_such(seasons: int, code: str) -> None:
    table = harvests(seasons)
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    (first, *_) = predict(model, table[table["season"] == 2020], AS_OF, DAY, "m")
    assert model.chosen == "average" and first.why is not None and first.why.code == code
    assert first.intervals == () and (first.estimate is None) == (seasons == 1)


def test_five_seasons_of_one_crop_in_one_farm_give_a_value_with_its_interval() -> None:
    table = harvests(5, 3).assign(farm_id="f0", district="d0")
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    told = predict(model, table[table["season"] == 2020], AS_OF, DAY, "m")
    assert all(one.estimate is not None and one.interval(0.8) and not one.interval(0.9) for one in told)


def test_no_harvest_ends_in_a_sentence() -> None:
    with pytest.raises(BadInput, match="no harvest is on record"):
        fit("spring_wheat", DAY, harvests().assign(yield_t_ha=np.nan), BLOCKS, RULES)


def test_other_features_or_another_day_end_in_a_sentence() -> None:
    table = harvests()
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    with pytest.raises(BadInput, match="known by 07-15; met 08-01"):
        predict(model, table, AS_OF, "08-01", "m")
    with pytest.raises(BadInput, match="missing here is canopy_a"):
        predict(model, table.drop(columns="canopy_a"), AS_OF, DAY, "m")


@pytest.mark.parametrize("told", [1.0, 0.0])
def test_a_model_from_its_content_says_the_same(told: float) -> None:
    table = harvests(told=told)
    model = fit("spring_wheat", DAY, table, BLOCKS, RULES)
    again = model_of(as_content(model))
    assert np.array_equal(tell(model, table), tell(again, table))
    assert again.missed == model.missed and again.not_tried == model.not_tried
    assert predict(again, table, AS_OF, DAY, "m") == predict(model, table, AS_OF, DAY, "m")
