"""Draws of the index against sums worked by hand."""

import numpy as np
import pandas as pd
import pytest

from agro.region.index_draws import CELL_COLUMNS, Together, damped, drawn, links_pct

ALONE = Together(0.0, 0.0)


def cells(*rows: tuple[str, str, str, float], **cv: float) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples([row[:3] for row in rows], names=["district", "category", "product"])
    table = pd.DataFrame(0.0, index, list(CELL_COLUMNS)).assign(**cv)
    return table.assign(value=[row[3] for row in rows])


WHEAT, RAPE = ("topki", "organisations", "wheat", 100.0), ("topki", "organisations", "rape", 100.0)
FAR = ("yaya", "organisations", "wheat", 100.0)


def test_no_error_gives_the_index_of_the_formula() -> None:
    table = cells(("topki", "organisations", "grain", 110.0), ("topki", "organisations", "milk", 45.0))
    made = links_pct(drawn(table, ALONE, 3, 1), np.array([100.0, 50.0]), np.array([10.0, 20.0]))
    assert made == pytest.approx([100.0] * 3)


def test_a_common_year_does_not_average_out_and_a_cell_of_its_own_does() -> None:
    both, price, before = cells(WHEAT, FAR), np.ones(2), np.array([100.0, 100.0])
    common = links_pct(drawn(both.assign(year_cv=0.2), ALONE, 20_000, 1), before, price)
    own = links_pct(drawn(both.assign(own_cv=0.2), ALONE, 20_000, 1), before, price)
    assert common.std() == pytest.approx(20.0, rel=0.03)
    assert own.std() == pytest.approx(20.0 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_crops_go_together_as_said(share: float) -> None:
    table = cells(WHEAT, RAPE, year_cv=0.1)
    made = drawn(table, Together(share, 0.0), 20_000, 2)
    assert np.corrcoef(made.T)[0, 1] == pytest.approx(share, abs=0.03)


def test_districts_share_what_is_said_of_a_series_and_all_of_the_households_error() -> None:
    table = cells(("topki", "households", "milk", 100.0), ("yaya", "households", "milk", 100.0))
    assert np.corrcoef(drawn(table.assign(series_cv=0.1), Together(0, 0.5), 20_000, 3).T)[0, 1] == pytest.approx(0.5, abs=0.03)  # fmt: skip
    made = drawn(table.assign(homes_cv=0.09), ALONE, 20_000, 3)
    assert made[:, 0] == pytest.approx(made[:, 1]) and made.std() == pytest.approx(9.0, rel=0.03)


def test_shares_of_the_page_of_methods_give_its_deviation() -> None:
    """Grain .20 at 12 %, potatoes and vegetables .15 at 8 %, livestock .55 at 2 %, the rest sure: 2.9 points."""
    table = cells(*[("k", "organisations", name, share) for name, share in (("grain", 20.0), ("potato", 15.0), ("meat", 55.0), ("rest", 10.0))])  # fmt: skip
    table["series_cv"] = [0.12, 0.08, 0.02, 0.0]
    made = links_pct(drawn(table, ALONE, 40_000, 4), table["value"].to_numpy(), np.ones(4))
    assert made.std() == pytest.approx(np.sqrt(2.4**2 + 1.2**2 + 1.1**2), rel=0.02)


def test_nothing_falls_below_zero_and_equal_seeds_give_equal_draws() -> None:
    table = cells(WHEAT, FAR, year_cv=2.0, area_cv=1.0)
    first = drawn(table, ALONE, 500, 5)
    assert (first >= 0).all() and (first == 0).any()
    assert np.array_equal(first, drawn(table, ALONE, 500, 5)) and not np.array_equal(first, drawn(table, ALONE, 500, 6))


def test_a_damped_trend_by_hand() -> None:
    assert damped([100, 110, 121], 0.8, 5) == pytest.approx(121 * 1.1**0.8)
    assert damped([100, 110, 121], 0.8, 5, ahead=2) == pytest.approx(121 * 1.1 ** (0.8 + 0.64))
    assert damped([50, 100, 110, 121], 0.8, 2) == pytest.approx(121 * 1.1**0.8), "older years do not count"
    assert damped([7], 0.8, 5) == 7 and damped([0, 7], 0.8, 5) == 7
