"""What is told of the index, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.domain.errors import BadInput
from agro.domain.output import Scenario
from agro.region.indicator import (
    chances,
    change_by_parts,
    levers,
    per_hectare,
    scenario_pct,
    scored,
    still_needed,
    told,
    told_apart,
)
from agro.region.output import laspeyres_pct
from flows.output_facts import scenarios

PRICE = {"wheat": 10.0, "rape": 30.0, "milk": 20.0, "honey": 5.0}
GROUP = {"wheat": "grain", "rape": "technical", "milk": "livestock", "honey": "rest"}


def cells(**values: tuple[float, float]) -> pd.DataFrame:
    """product=(quantity, area); NaN area: no field shows it."""
    index = pd.MultiIndex.from_tuples([("topki", "farmers", name) for name in values], names=["district", "category", "product"])  # fmt: skip
    table = pd.DataFrame(list(values.values()), index, ["value", "area_ha"])
    return table.assign(group=[GROUP[name] for name in values])


def test_the_printed_years_and_the_path_between_them() -> None:
    low, target, high = scenarios()
    assert [scenario_pct(one, 2018, 2017) for one in (low, target, high)] == pytest.approx([105.0] * 3)
    assert [scenario_pct(one, 2035, 2017) for one in (low, target, high)] == pytest.approx([117.1, 128.4, 129.0])
    assert scenario_pct(target, 2022, 2017) == pytest.approx(111.8 * (115.3 / 111.8) ** (3 / 5))
    assert scenario_pct(target, 2017, 2017) == 100.0
    with pytest.raises(BadInput, match="2036"):
        scenario_pct(target, 2036, 2017)


def test_quantiles_and_chances_of_a_hundred_and_one_draws() -> None:
    draws = np.arange(0.0, 101.0)
    figures = told(draws)
    assert [figures[name] for name in ("median", "low_80", "high_80")] == pytest.approx([50, 10, 90])
    assert figures["low_90"] == pytest.approx(5) and figures["high_90"] == pytest.approx(95)
    assert chances(draws, {"a": 51.0, "b": 0.0, "c": 101.0}) == {"a": pytest.approx(50 / 101), "b": 1.0, "c": 0.0}


def test_target_and_optimistic_are_a_coins_toss_apart() -> None:
    assert told_apart(115.3, 116.0, 3.0) == pytest.approx(0.5465, abs=1e-3)  # Phi(0.1167)
    assert told_apart(100.0, 100.0, 3.0) == 0.5 and told_apart(100.0, 101.0, 0.0) == 1.0
    assert told_apart(100.0, 120.0, 3.0) > 0.999


def test_growth_that_2035_still_needs() -> None:
    needed, since = still_needed(110.0, 2027, 121.0, 2029, 2017)
    assert needed == pytest.approx(100 * (1.1**0.5 - 1)) and since == pytest.approx(100 * (1.1**0.1 - 1))


def test_each_part_of_the_change_alone() -> None:
    nan = np.nan
    before = cells(wheat=(200.0, 100.0), rape=(100.0, 100.0), milk=(50.0, nan), honey=(100.0, nan))
    worth = 2000 + 3000 + 1000 + 500  # RUB
    more_area = cells(wheat=(220.0, 110.0), rape=(110.0, 110.0), milk=(50.0, nan), honey=(100.0, nan))
    parts = change_by_parts(before, more_area, PRICE).loc["topki"]
    assert parts["area"] == pytest.approx(100 * 500 / worth) and parts["total"] == pytest.approx(parts["area"])
    better = cells(wheat=(300.0, 100.0), rape=(100.0, 100.0), milk=(55.0, nan), honey=(80.0, nan))
    parts = change_by_parts(before, better, PRICE).loc["topki"]
    assert parts[["yield", "livestock", "rest"]].tolist() == pytest.approx([100 * 1000 / worth, 100 * 100 / worth, -100 * 100 / worth])  # fmt: skip
    moved = cells(wheat=(100.0, 50.0), rape=(150.0, 150.0), milk=(50.0, nan), honey=(100.0, nan))
    parts = change_by_parts(before, moved, PRICE).loc["topki"]
    assert parts["mix"] == pytest.approx(100 * (-1000 + 1500) / worth) and parts["area"] == pytest.approx(0)


@settings(deadline=None)
@given(st.lists(st.just(0.0) | st.floats(0.1, 1e5), min_size=12, max_size=12))
def test_the_parts_add_up_to_the_index(v: list[float]) -> None:
    before = cells(wheat=(v[0], v[1]), rape=(v[2], v[3]), milk=(v[4] + 1, np.nan), honey=(v[5], np.nan))
    now = cells(wheat=(v[6], v[7]), rape=(v[8], v[9]), milk=(v[10], np.nan), honey=(v[11], np.nan))
    for table in (before, now):  # nothing is harvested where nothing grows
        table.loc[table["area_ha"] == 0, "value"] = 0.0
    parts = change_by_parts(before, now, PRICE)
    link = laspeyres_pct(now["value"], before["value"], PRICE)
    assert parts["total"].sum() == pytest.approx(link - 100, abs=1e-6, rel=1e-9)


def test_levers_reach_the_goal() -> None:
    """100 of 2017 last year; crops of share 0.4 and livestock of 0.6 now: 100 expected, 102 wanted."""
    table = levers(100.0, 102.0, 100.0, {"crops": 0.4, "livestock": 0.6})
    assert table.loc["crops", "needed"] == pytest.approx(5.0) and table.loc["crops", "one_more"] == pytest.approx(0.4)
    assert table.loc["livestock", "needed"] == pytest.approx(2.0 / 0.6)


def test_an_outlook_scored_by_hand() -> None:
    said = {"median": 104.0, "low_80": 101.0, "high_80": 107.0, "low_90": 100.0, "high_90": 108.0, "p_a": 0.8, "p_b": 0.1}  # fmt: skip
    figures = scored(107.5, said, {"a": 105.0, "b": 110.0})
    assert (figures["error"], figures["covered_80"], figures["covered_90"]) == (-3.5, 0.0, 1.0)
    assert figures["brier_a"] == pytest.approx(0.04) and figures["brier_b"] == pytest.approx(0.01)
    assert figures["brier"] == pytest.approx(0.025)


def test_output_a_hectare_leaves_livestock_out() -> None:
    table = cells(wheat=(200.0, 100.0), rape=(100.0, 100.0), milk=(50.0, np.nan))
    assert per_hectare(table, PRICE, ["district"]).to_dict() == {"topki": pytest.approx(25.0)}


def test_a_scenario_has_a_name() -> None:
    assert [one.name for one in scenarios()] == ["conservative", "target", "optimistic"]
    assert isinstance(scenarios()[0], Scenario)
