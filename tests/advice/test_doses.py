"""Doses by the balance: known answers first, then what must hold for any soil."""

import numpy as np
import pytest
from agronomy import FACTS, class_of, plan, rules, soil
from hypothesis import given
from hypothesis import strategies as st

from agro.advice.balance import Errors, balance, cross_check, drawn
from agro.advice.blend import least_cost
from agro.advice.caps import by_class
from agro.advice.doses import dose, plain_dose, terms_of, trials_say
from agro.advice.rules import rules_for
from agro.domain.errors import BadInput
from agro.domain.work import Product

CONTENTS = st.floats(1.0, 300.0)


def test_the_example_of_spring_wheat_at_25_dt_ha() -> None:
    """38, 12, 25 kg/t; nitrate 9 mg/kg of 0-40 cm, humus 40 kg/ha; P 120 and K 110 mg/kg of 0-20 cm."""
    asked = {
        n: float(balance(terms_of(n, plan()), soil(n, c))) for n, c in (("n", 9.0), ("p2o5", 120.0), ("k2o", 110.0))
    }
    assert asked == pytest.approx({"n": 43.37, "p2o5": 46.08, "k2o": 55.77}, abs=0.005)
    nitrate = [Product("an", "", "", {"n": 34.4})]
    assert least_cost(nitrate, {"n": asked["n"]})[0] == pytest.approx(126.07, abs=0.005)


def test_after_the_class_rule_rich_soils_get_a_starter_or_nothing() -> None:
    assert dose("p2o5", plan(), soil("p2o5", 120.0), class_of("p2o5")).dose == pytest.approx([10.0])
    assert dose("k2o", plan(), soil("k2o", 110.0), class_of("k2o")).dose == pytest.approx([0.0])
    potato = dose("p2o5", plan(20.0, "potato"), soil("p2o5", 120.0), class_of("p2o5"))
    assert potato.dose == pytest.approx([40.0])  # what 20 t/ha take, less than the balance of 86


def test_poor_soils_get_a_quarter_more() -> None:
    poor = dose("k2o", plan(), soil("k2o", 35.0), class_of("k2o"))
    assert poor.dose == pytest.approx(1.25 * poor.balance) and poor.class_no == pytest.approx([2.0])


def test_the_interval_of_the_example_reaches_from_nothing_to_twice_the_dose() -> None:
    """Errors of yield (12 %), nitrate (25 %) and humus (10 kg/ha) alone."""
    tried, _ = drawn(terms_of("n", plan()), soil("n", 9.0, 2.25), Errors(0.12, 0.0, 10.0), 20_000)
    low, high = np.percentile(tried, (5, 95))
    assert tried.mean() == pytest.approx(44, abs=1) and low == 0 and high == pytest.approx(91, abs=2)


def test_places_share_the_errors_of_yield_so_that_equal_soils_never_differ() -> None:
    tried, _ = drawn(terms_of("p2o5", plan()), soil("p2o5", np.array([80.0, 80.0]), 0.0), Errors(0.2, 0.1, 10.0))
    assert (tried[:, 0] == tried[:, 1]).all() and np.ptp(tried[:, 0]) > 10


def test_the_trials_of_the_trans_urals() -> None:
    rule = rules().trials
    assert rule is not None
    said = [6.27 * x - 4.45 * 9 - 80.29 for x in (25, 30, 40)]
    assert said == pytest.approx([36.41, 67.76, 130.46], abs=0.01)
    assert cross_check(2.5, 9.0, rule) is None  # outside their yields
    assert [cross_check(y, 9.0, rule) for y in (3.0, 4.0)] == pytest.approx(said[1:])
    assert trials_say(plan(3.0), 9.0, 70.0) is None
    told = trials_say(plan(3.0), 9.0, 110.0)
    assert told is not None and "68" in str(told)


def test_what_was_given_and_what_straw_and_manure_bring_is_taken_off() -> None:
    bare = float(balance(terms_of("k2o", plan()), soil("k2o", 70.0)))
    straw = float(balance(terms_of("k2o", plan(straw_t_ha=3.0)), soil("k2o", 70.0)))
    assert bare - straw == pytest.approx(3.0 * 10.0 * 0.60 / 0.60)
    given_before = float(balance(terms_of("n", plan(given_kg_ha={"n": 20.0})), soil("n", 9.0)))
    assert given_before == pytest.approx(43.37 - 20.0, abs=0.005)
    after_fallow = float(balance(terms_of("n", plan(previous_crop="fallow")), soil("n", 9.0)))
    assert after_fallow == 0.0
    with pytest.raises(BadInput, match="RX-MANURE"):
        dose("n", plan(manure_t_ha=40.0), soil("n", 9.0))


def test_nitrogen_beyond_the_cap_is_left_for_the_season() -> None:
    rich = dose("n", plan(3.5), soil("n", 3.0))
    assert rich.dose == pytest.approx([60.0]) and rich.later == pytest.approx([60.0])  # of 120 in the season
    assert (rich.high <= 60.0).all()


@pytest.mark.parametrize("yield_t_ha", [40.0, 0.0, -1.0, float("nan")])
def test_a_planned_yield_that_cannot_be_is_refused(yield_t_ha: float) -> None:
    with pytest.raises(BadInput, match="RX-YIELD"):
        dose("n", plan(yield_t_ha), soil("n", 9.0))


def test_crops_and_extractions_without_numbers_are_refused() -> None:
    with pytest.raises(BadInput, match="RX-CROP"):
        rules_for("fallow", FACTS)
    with pytest.raises(BadInput, match="DOSE-METHOD"):
        rules().soil_use("p2o5", "machigin")


@given(
    st.sampled_from(["p2o5", "k2o", "s"]), CONTENTS, CONTENTS, st.sampled_from(["spring_wheat", "potato", "rapeseed"])
)
def test_more_in_the_soil_never_raises_the_dose(nutrient: str, one: float, other: float, crop: str) -> None:
    low, high = sorted((one, other))
    much, little = (plain_dose(nutrient, plan(1.5, crop), soil(nutrient, c), class_of(nutrient)) for c in (low, high))
    assert much >= little - 1e-9


@given(st.sampled_from(["n", "p2o5", "k2o", "s"]), CONTENTS, st.floats(0.1, 4.5))
def test_caps_are_never_passed_and_the_interval_holds_the_dose(nutrient: str, content: float, planned: float) -> None:
    found = dose(nutrient, plan(planned), soil(nutrient, content), None if nutrient == "n" else class_of(nutrient))
    cap = rules().cap_kg_ha[nutrient]
    assert 0 <= found.low[0] <= found.dose[0] <= found.high[0] <= cap + 1e-9
    assert (found.draws <= cap + 1e-9).all()


@given(st.floats(0.1, 4.0), st.floats(0.1, 4.0), CONTENTS)
def test_a_higher_plan_never_lowers_the_dose(one: float, other: float, content: float) -> None:
    low, high = sorted((one, other))
    assert plain_dose("n", plan(low), soil("n", content)) <= plain_dose("n", plan(high), soil("n", content)) + 1e-9


def test_a_class_that_nobody_knows_leaves_the_balance() -> None:
    rule = rules().class_rule("k2o")
    assert rule is not None
    assert by_class([50.0, 50.0], [np.nan, 5.0], 60.0, rule).tolist() == [50.0, 0.0]
