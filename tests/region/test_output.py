"""The index by hand: two products, three years."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agro.domain.errors import BadInput
from agro.region.output import (
    Link,
    by_parts_pct,
    chain_pct,
    closed_years,
    contributions,
    laspeyres_pct,
    needed_growth_pct,
)


def quantities(*values: float, district: str = "topki") -> pd.Series:
    rows = [(district, "organisations", product) for product in ("grain", "milk")]
    return pd.Series(values, pd.MultiIndex.from_tuples(rows, names=["district", "category", "product"]))


FIRST, SECOND, THIRD = quantities(100, 50), quantities(110, 45), quantities(90, 60)
AT_FIRST, AT_SECOND = {"grain": 10.0, "milk": 20.0}, {"grain": 8.0, "milk": 26.0}


def test_the_chain_and_the_fixed_base_of_a_case_worked_by_hand() -> None:
    links = [laspeyres_pct(SECOND, FIRST, AT_FIRST), laspeyres_pct(THIRD, SECOND, AT_SECOND)]
    assert chain_pct(links) == pytest.approx(111.2195, abs=1e-4)
    assert laspeyres_pct(THIRD, FIRST, AT_FIRST) == pytest.approx(105.0)


def test_the_same_year_twice_is_a_hundred_and_the_scale_of_prices_does_not_matter() -> None:
    assert laspeyres_pct(SECOND, SECOND, AT_FIRST) == pytest.approx(100.0)
    dear = {product: 7 * price for product, price in AT_FIRST.items()}
    assert laspeyres_pct(THIRD, FIRST, dear) == pytest.approx(laspeyres_pct(THIRD, FIRST, AT_FIRST))


def test_parts_weigh_to_the_whole() -> None:
    parts = by_parts_pct(THIRD, FIRST, AT_FIRST, "product")
    assert parts["grain"] == pytest.approx(90.0) and parts["milk"] == pytest.approx(120.0)
    assert (parts["grain"] * 1000 + parts["milk"] * 1000) / 2000 == pytest.approx(105.0)


@pytest.mark.parametrize(
    ("now", "prices", "code"),
    [
        (SECOND, {"grain": 10.0, "milk": 0.0}, "OUTPUT-PRICE"),
        (SECOND, {"grain": 10.0}, "OUTPUT-PRICE"),
        (quantities(1, np.nan), AT_FIRST, "OUTPUT-HOLE"),
        (SECOND.iloc[:1], AT_FIRST, "OUTPUT-HOLE"),
        (quantities(-1, 2), AT_FIRST, "OUTPUT-HOLE"),
    ],
)
def test_holes_are_told(now: pd.Series, prices: dict[str, float], code: str) -> None:
    with pytest.raises(BadInput) as told:
        laspeyres_pct(now, FIRST, prices)
    assert told.value.refusal.code == code


@pytest.mark.parametrize("link", [49.0, 1105.0, float("nan")])
def test_a_link_that_is_none_is_refused(link: float) -> None:
    with pytest.raises(BadInput):
        chain_pct([100.0, link])


def test_closed_years_need_every_year_and_take_the_vintage_that_was_known() -> None:
    links = [
        Link(2018, 104.0, "2019-02-01", "a"),
        Link(2018, 105.0, "2020-02-01", "b"),
        Link(2019, 101.0, "2020-02-01", "b"),
    ]
    assert [one.pct_of_previous for one in closed_years(links, 2019)] == [105.0, 101.0]
    assert [one.pct_of_previous for one in closed_years(links, 2018, "2019-12-31")] == [104.0]
    with pytest.raises(BadInput, match="2019"):
        closed_years(links, 2019, "2019-12-31")


def crops(before: list[float], now: list[float]) -> pd.DataFrame:
    rows = pd.MultiIndex.from_tuples([("topki", "wheat"), ("topki", "rape")], names=["district", "crop"])
    return pd.DataFrame({"before": before, "now": now}, rows)


def test_only_area_only_yield_only_mix() -> None:
    prices, even, yields = {"wheat": 10.0, "rape": 30.0}, [100.0, 100.0], crops([2, 1], [2, 1])
    more = contributions(crops(even, [110.0, 110.0]), yields, prices).loc["topki"]
    assert (
        more["area"] == pytest.approx(500.0) and more["mix"] == pytest.approx(0) and more["yield"] == pytest.approx(0)
    )
    better = contributions(crops(even, even), crops([2, 1], [3, 1]), prices).loc["topki"]
    assert better["yield"] == pytest.approx(1000.0) and better["total"] == pytest.approx(1000.0)
    moved = contributions(crops(even, [50.0, 150.0]), yields, prices).loc["topki"]
    assert moved["mix"] == pytest.approx(-50 * 20 + 50 * 30) and moved["area"] == pytest.approx(0)


@given(st.lists(st.floats(0, 1e4), min_size=8, max_size=8))
def test_parts_of_the_change_add_up(values: list[float]) -> None:
    areas, yields = crops(values[:2], values[2:4]), crops(values[4:6], values[6:])
    prices = {"wheat": 11.0, "rape": 23.0}
    parts = contributions(areas, yields, prices).loc["topki"]
    worth = (areas * yields).mul([11.0, 23.0], axis=0).sum()
    assert parts["area"] + parts["mix"] + parts["yield"] == pytest.approx(worth["now"] - worth["before"], abs=1e-3)


def test_a_crop_given_up_is_no_loss_of_yield() -> None:
    parts = contributions(crops([100, 100], [200, 0]), crops([2, 1], [2, np.nan]), {"wheat": 10.0, "rape": 20.0}).loc[
        "topki"
    ]
    assert parts["yield"] == pytest.approx(0) and parts["mix"] == pytest.approx(0)


def test_growth_that_is_still_needed() -> None:
    assert needed_growth_pct(100.0, 121.0, 2) == pytest.approx(10.0)
