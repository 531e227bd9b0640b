"""Cells of the year before and of the open year, by hand."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agro.domain.errors import BadInput
from agro.domain.outlook import Misses
from agro.region.open_year import foreseen, told_by_office
from agro.region.output_cells import Rules, cells_of, newest, of_crops, of_series, parts_of, usual_yield, year_after

RULES = Rules(0.03, 0.1, 0.02, 0.05, 0.09, 0.2, 0.8, 5)
MISSED = Misses(0.12, 0.09, 0.2, {("region", 0.8): 1.2816}, 6)


def grown(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["district", "product", "category", "season", "area_ha", "yield_t_ha"])


PAST = grown(
    ("topki", "wheat", "organisations", 2021, 300.0, 2.0),
    ("topki", "wheat", "farmers", 2021, 100.0, 2.4),
    ("topki", "potato", "households", 2020, 50.0, 10.0),
    ("topki", "potato", "households", 2021, 50.0, 12.0),
)
DISTRICTS = pd.DataFrame(
    [("district", "topki", "wheat", "yield_t_ha", 2.5, 0.5), ("region", "region", "wheat", "yield_t_ha", 3.0, 0.45)],
    columns=["scope", "subject", "crop", "quantity", "value", "se"],
)
NO_FIELDS = pd.DataFrame(columns=["subject", "crop", "district", "area_ha", "value"])


def test_where_the_yield_comes_from_and_how_its_error_is_taken_apart() -> None:
    fields = pd.DataFrame({"subject": ["a", "b"], "crop": "rape", "district": "topki", "area_ha": [30.0, 10.0], "value": [2.0, 1.0]})  # fmt: skip
    areas = {("topki", "wheat"): (500.0, 25.0), ("yaya", "wheat"): (100.0, 0.0), ("topki", "rape"): (40.0, 0.0), ("yaya", "potato"): (9.0, 0.0)}  # fmt: skip
    made = foreseen(areas, fields, DISTRICTS, {"wheat": MISSED, "rape": MISSED}, PAST, RULES)
    wheat = made.loc[("topki", "wheat")]
    assert wheat["how"] == "district" and wheat["area_cv"] == pytest.approx(0.05)
    assert np.hypot(np.hypot(wheat["year_cv"], wheat["district_cv"]), wheat["own_cv"]) == pytest.approx(0.5 / 2.5)
    assert made.loc[("yaya", "wheat"), "how"] == "region" and made.loc[("yaya", "wheat"), "yield_t_ha"] == 3.0
    rape = made.loc[("topki", "rape")]
    assert rape["how"] == "fields" and rape["yield_t_ha"] == pytest.approx(1.75)
    assert rape["own_cv"] == pytest.approx(0.2 * np.sqrt(0.75**2 + 0.25**2))
    potato = made.loc[("yaya", "potato")]
    assert (potato["how"], potato["yield_t_ha"], potato["year_cv"]) == ("usual", 11.0, 0.2)


def test_errors_are_as_wide_as_the_intervals_that_were_vouched_for() -> None:
    wide = Misses(0.12, 0.09, 0.2, {("region", 0.8): 2 * 1.2816}, 6)
    areas = {("topki", "wheat"): (500.0, 0.0)}
    first, second = (foreseen(areas, NO_FIELDS, DISTRICTS, {"wheat": one}, PAST, RULES).iloc[0] for one in (MISSED, wide))  # fmt: skip
    assert second["year_cv"] == pytest.approx(2 * first["year_cv"])


def test_what_is_threshed_and_what_an_office_told_come_before_the_forecast() -> None:
    threshed = pd.concat([DISTRICTS, DISTRICTS.iloc[:1].assign(quantity="outcome_t_ha", value=2.8, se=0.1)])
    made = foreseen({("topki", "wheat"): (500.0, 0.0)}, NO_FIELDS, threshed, {"wheat": MISSED}, PAST, RULES)
    row = made.loc[("topki", "wheat")]
    assert row["how"] == "threshed" and np.hypot(row["year_cv"], row["district_cv"]) == pytest.approx(0.1 / 2.8)
    office = grown(("topki", "wheat", "organisations", 2022, 400.0, 2.0), ("topki", "wheat", "farmers", 2022, 100.0, 3.0))  # fmt: skip
    row = told_by_office(made, office, 0.03).loc[("topki", "wheat")]
    assert (row["how"], row["area_ha"], row["yield_t_ha"], row["year_cv"]) == ("office", 500.0, pytest.approx(2.2), 0.0)


def test_crops_of_both_years_in_the_same_cells() -> None:
    fields = foreseen({("topki", "wheat"): (500.0, 0.0)}, NO_FIELDS, DISTRICTS, {"wheat": MISSED}, PAST, RULES)
    before, now = of_crops(PAST, fields.drop(columns="how"), 2022, RULES)
    assert before["value"].to_dict() == {
        ("topki", "farmers", "wheat"): 240.0,
        ("topki", "households", "potato"): 600.0,
        ("topki", "organisations", "wheat"): 600.0,
    }
    assert now["area_ha"].to_dict()[("topki", "organisations", "wheat")] == 375.0
    assert now["value"].to_dict()[("topki", "farmers", "wheat")] == pytest.approx(125 * 2.5)
    assert now["value"].to_dict()[("topki", "households", "potato")] == pytest.approx(50 * 11)


def test_a_district_without_the_year_before_is_told() -> None:
    gone = pd.concat([PAST, grown(("yaya", "wheat", "farmers", 2020, 10.0, 2.0))])
    with pytest.raises(BadInput, match=r"yaya.*2021"):
        of_crops(gone, pd.DataFrame(columns=["area_ha"], index=pd.MultiIndex.from_tuples([], names=["district", "product"])), 2022, RULES)  # fmt: skip


SERIES = pd.DataFrame(
    [("milk", "topki", "farmers", year, value) for year, value in ((2019, 100.0), (2020, 110.0), (2021, 121.0))],
    columns=["product", "district", "category", "season", "value"],
)


def test_series_go_on_and_a_missing_year_is_told() -> None:
    before, now = of_series(SERIES, {"milk": "livestock"}, 2022, RULES)
    assert before["value"].tolist() == [121.0] and now["value"].tolist() == [pytest.approx(121 * 1.1**0.8)]
    with pytest.raises(BadInput, match=r"topki / farmers / milk.*2021"):
        of_series(SERIES[SERIES["season"] < 2021], {"milk": "livestock"}, 2022, RULES)


def test_the_year_after_has_usual_yields_and_wider_errors() -> None:
    fields = foreseen({("topki", "wheat"): (500.0, 0.0)}, NO_FIELDS, DISTRICTS, {"wheat": MISSED}, PAST, RULES)
    group = {"wheat": "grain", "potato": "potato_vegetables", "milk": "livestock"}
    _, crops = of_crops(PAST, fields.drop(columns="how"), 2022, RULES)
    now = cells_of(crops, of_series(SERIES, group, 2022, RULES)[1], group=group, households_cv=0.09)
    assert now["homes_cv"].to_dict()["topki", "households", "potato"] == 0.09 and now["homes_cv"].sum() == 0.09
    then = year_after(now, PAST, SERIES, 2022, RULES)
    wheat = ("topki", "organisations", "wheat")
    assert then.loc[wheat, "yield_t_ha"] == pytest.approx((300 * 2.0 + 100 * 2.4) / 400)
    assert then.loc[wheat, "year_cv"] == 0.2 and then.loc[wheat, "area_cv"] == 0.1
    milk = ("topki", "farmers", "milk")
    assert then.loc[milk, "value"] == pytest.approx(121 * 1.1 ** (0.8 + 0.64))
    assert then.loc[milk, "series_cv"] == pytest.approx(0.02 * np.sqrt(2))


def test_a_product_from_fields_and_from_a_series_is_told() -> None:
    _, now = of_series(SERIES, {"milk": "livestock"}, 2022, RULES)
    with pytest.raises(BadInput, match="milk"):
        cells_of(now, now, group={"milk": "livestock"}, households_cv=0.09)


def test_the_newest_vintage_that_was_known() -> None:
    table = pd.DataFrame({"season": [2020, 2020, 2020], "value": [1, 2, 3], "vintage": [date(2021, 2, 1), date(2021, 9, 1), None]})  # fmt: skip
    assert newest(table, ["season"], "vintage", date(2021, 3, 1))["value"].tolist() == [1]
    assert newest(table, ["season"], "vintage", date(2021, 9, 1))["value"].tolist() == [2]
    assert newest(table, ["season"], "vintage", date(2022, 1, 1))["value"].tolist() == [3], "without a day: known at the end of the next year"  # fmt: skip


def test_all_farms_or_their_parts_never_both() -> None:
    rows = pd.DataFrame(
        [
            ("a", "all", 100.0),
            ("a", "farmers", 40.0),
            ("a", "organisations", 60.0),
            ("b", "all", 100.0),
            ("b", "farmers", 40.0),
        ],
        columns=["district", "category", "value"],
    ).assign(product="milk", season=2020)
    kept = parts_of(rows, ["value"])
    assert kept[["district", "category"]].to_numpy().tolist() == [
        ["a", "farmers"],
        ["a", "organisations"],
        ["b", "all"],
    ]


def test_usual_yields() -> None:
    assert usual_yield(pd.Series([9.0, 2, 2, 3, 3, 2.5], range(2015, 2021)), RULES)[0] == pytest.approx(2.5)
    assert usual_yield(pd.Series([2.0, 3.0]), RULES) == (2.5, 0.2) and usual_yield(pd.Series(dtype=float), RULES) == (0.0, 0.0)  # fmt: skip
