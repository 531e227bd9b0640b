"""What may be shown, against attacks by subtraction."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.region.privacy import Limits, exposed, shown, telling

LIMITS = Limits(3, 0.8, 0.9)


@pytest.mark.parametrize(
    ("by_farm", "code"),
    [
        ([10, 10, 10], None),
        ([10, 10], "PRIVATE-FEW"),
        ([10, 10, 0, 0], "PRIVATE-FEW"),
        ([], "PRIVATE-FEW"),
        ([81, 10, 9], "PRIVATE-LARGE"),
        ([80, 10, 10], None),
        ([50, 41, 9], "PRIVATE-LARGE"),
        ([50, 40, 10], None),
    ],
)
def test_when_a_figure_tells_of_a_farm(by_farm: list[float], code: str | None) -> None:
    why = telling(np.array(by_farm, float), LIMITS)
    assert (why and why.code) == code


def farms(cells: dict[tuple[str, str], dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(cells, orient="index")


THREE = {"a": 10.0, "b": 10.0, "c": 10.0}
ONE = {"z": 30.0}
CELLS = {("north", "wheat"): THREE, ("south", "wheat"): ONE, ("north", "rape"): THREE, ("south", "rape"): THREE}


def all_figures(cells: dict[tuple[str, str], dict[str, float]]) -> dict[object, list[tuple[str, str]]]:
    """Every cell, every row and column, and the whole."""
    figures: dict[object, list[tuple[str, str]]] = {"all": list(cells)}
    for level in (1, 0):
        for name in sorted({cell[level] for cell in cells}):
            figures[("sum", name)] = [cell for cell in cells if cell[level] == name]
    return figures | {cell: [cell] for cell in cells}


def test_one_hidden_cell_is_not_found_from_its_column() -> None:
    """South's wheat is one farm's: with the sum of wheat and north's wheat anybody could have it."""
    published = [("north", "wheat")], [("north", "wheat"), ("south", "wheat")]
    assert exposed(farms(CELLS), published, LIMITS) and not exposed(farms(CELLS), published[:1], LIMITS)
    verdict = shown(farms(CELLS), all_figures(CELLS), LIMITS)
    why = verdict["south", "wheat"]
    assert why is not None and why.code == "PRIVATE-FEW"
    assert any(one is not None and one.code == "PRIVATE-SUBTRACT" for one in verdict.values())
    open_ = [cells for name, cells in all_figures(CELLS).items() if verdict[name] is None]
    assert len(open_) >= 4 and not exposed(farms(CELLS), open_, LIMITS)


def test_a_hidden_cell_is_not_found_through_two_sums() -> None:
    """Rows and the whole give the other row; the other row less its shown cells gives the hidden one."""
    whole, north, rape = list(CELLS), [("north", "wheat"), ("north", "rape")], [("south", "rape")]
    assert exposed(farms(CELLS), [whole, north, rape], LIMITS)
    assert not exposed(farms(CELLS), [whole, north], LIMITS), "two farms' cells and one of three hide in the rest"


def test_two_hidden_cells_of_the_same_farm_hide_nothing() -> None:
    cells = {**CELLS, ("west", "wheat"): {"z": 5.0, "y": 5.0}}
    column = [cell for cell in cells if cell[1] == "wheat"]
    assert exposed(farms(cells), [column, [("north", "wheat")]], LIMITS), "z and y alone are left"


def test_a_large_farm_is_not_found_in_what_is_left() -> None:
    """Neither cell alone is more than 80 % of a's, but what is left of the sum is."""
    cells = {
        ("n", "w"): {"a": 85.0, "b": 10.0, "c": 5.0},
        ("s", "w"): {"a": 79.0, "b": 10.5, "c": 10.5},
        ("o", "w"): {"d": 10.0, "e": 10.0, "f": 10.0},
    }
    column = list(cells)
    assert exposed(farms(cells), [column, [("o", "w")]], LIMITS)


def test_limits_can_be_set() -> None:
    assert not exposed(farms(CELLS), [[("south", "wheat")]], Limits(1, 1.0, 1.0))
    assert telling(np.array([10.0, 10.0, 10.0]), Limits(4, 0.8, 0.9)) is not None


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 5.0, 40.0]), min_size=5, max_size=5), min_size=6, max_size=6))
def test_no_small_combination_of_shown_figures_tells_of_a_farm(amounts: list[list[float]]) -> None:
    """Three districts and two crops, five farms: every sum and difference of up to three shown figures is tried."""
    cells = [(district, crop) for district in "abc" for crop in ("w", "r")]
    table = pd.DataFrame(amounts, pd.MultiIndex.from_tuples(cells), list("vwxyz"))
    figures = all_figures({cell: {} for cell in cells})
    verdict = shown(table, figures, LIMITS)
    open_ = [np.array([float(cell in set(own)) for cell in cells]) for name, own in figures.items() if verdict[name] is None]  # fmt: skip
    for size in (1, 2, 3):
        for chosen in combinations(open_, size):
            for signs in np.ndindex(*(2,) * size):
                rest = sum((1 - 2 * sign) * row for sign, row in zip(signs, chosen, strict=True))
                if (rest >= 0).all() and (rest @ table.to_numpy()).any():
                    assert telling(rest @ table.to_numpy(), LIMITS) is None


def test_what_everybody_knows_counts_and_is_never_dropped() -> None:
    """The region's index tells the sum of all; with one district withheld another must hide it."""
    cells = {("n", "all"): THREE, ("s", "all"): ONE, ("o", "all"): THREE}
    figures = {cell: [cell] for cell in cells}
    assert [why is None for why in shown(farms(cells), figures, LIMITS).values()] == [True, False, True]
    verdict = shown(farms(cells), figures, LIMITS, [list(cells)])
    open_ = [[cell] for cell, why in verdict.items() if why is None]
    assert len(open_) == 1 and not exposed(farms(cells), [list(cells), *open_], LIMITS)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from([0.0, 1.0, 5.0, 40.0]), min_size=5, max_size=5), min_size=6, max_size=6),
    st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=2, max_size=3),
)
def test_boards_of_several_days_together_show_no_farm(amounts: list[list[float]], told: list[list[bool]]) -> None:
    """Each day another part of the cells is foreseen, and the crops' sums rest on these: what a day may show depends
    on all days before, so that no difference between two boards tells of a farm."""
    cells = [(district, crop) for district in "abc" for crop in ("w", "r")]
    table = pd.DataFrame(amounts, pd.MultiIndex.from_tuples(cells), list("vwxyz"))
    out: list[list[tuple[str, str]]] = [cells]  # the index of the region
    alone = exposed(table, out, LIMITS)
    for day in told:
        seen = [cell for cell, known in zip(cells, day, strict=True) if known]
        sums = {crop: [cell for cell in seen if cell[1] == crop] for crop in ("w", "r")}
        figures = {name: own for name, own in sums.items() if own} | {cell: [cell] for cell in seen}
        verdict = shown(table, figures, LIMITS, out)
        out += [own for name, own in figures.items() if verdict[name] is None]
    assert not exposed(table, out[alone:], LIMITS)
