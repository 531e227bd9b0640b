"""Fields to districts to the region: sums that close, errors that do not average out, figures that are withheld."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from agro.domain.outlook import Estimate, Misses
from agro.region.aggregate import Asked, Cover, district_yield, told_yields
from agro.region.harvest_so_far import SoFar, first_ratio, season_outcome, told_outcomes

COVER = Cover(0.3, 3)
MISSED = Misses(0.12, 0.05, 0.10, {("district", 0.8): 1.3, ("region", 0.8): 1.3}, 9)
ASKED = Asked("oats", 2022, date(2022, 8, 1), "m", "region", MISSED)


def fields(values: list[float], farms: int = 3, green: list[float] | None = None) -> pd.DataFrame:
    n = len(values)
    return pd.DataFrame(
        {
            "farm_id": [f"f{i % farms}" for i in range(n)],
            "area_ha": [10.0] * (n - 1) + [30.0],
            "value_t_ha": values,
            "green": green if green is not None else [np.nan] * n,
        }
    )


def test_a_district_is_the_mean_by_area() -> None:
    one = district_yield("d", fields([1.0, 2.0, 3.0]), None, 0.1, COVER)
    assert one.value_t_ha == pytest.approx((10 + 20 + 90) / 50)
    assert (one.area_ha, one.seen_ha, one.farms, one.why) == (50.0, 50.0, 3, None)


def test_fields_not_foreseen_follow_their_green() -> None:
    """Yield is 2 x green exactly: the two greener fields without a forecast raise the mean to what they yield."""
    green = [0.5, 0.6, 0.7, 0.8, 0.5, 0.6, 0.7, 0.8, 1.0, 1.0]
    values = [2 * g for g in green[:8]] + [math.nan, math.nan]
    one = district_yield("d", fields(values, 3, green), None, 0.0, COVER)
    area = np.array([10.0] * 9 + [30.0])
    assert one.value_t_ha == pytest.approx(float(area @ (2 * np.array(green)) / area.sum()))
    assert one.own2 == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "area", "code"),
    [
        (fields([1.0, 2.0, 3.0], farms=2), None, "DISTRICT-FEW-FARMS"),
        (fields([1.0, 2.0, 3.0]), (500.0, 0.0), "DISTRICT-LITTLE-SEEN"),
        (fields([math.nan] * 3), None, "DISTRICT-NOTHING"),
    ],
)
def test_what_may_not_be_told_is_withheld(rows: pd.DataFrame, area: tuple[float, float] | None, code: str) -> None:
    one = district_yield("d", rows, area, 0.1, COVER)
    assert one.why is not None and one.why.code == code
    told = told_yields([one], ASKED, COVER)
    assert all(forecast.estimate is None and forecast.intervals == () for forecast in told)


def test_no_withheld_district_is_found_by_subtraction() -> None:
    open_, closed = fields([2.0, 2.0, 2.0]), fields([9.0, 9.0, 9.0], farms=1)
    districts = [district_yield(name, rows, None, 0.1, COVER) for name, rows in (("a", open_), ("b", closed))]
    region = told_yields(districts, ASKED, COVER)[-2]
    assert region.estimate is not None and region.estimate.value == pytest.approx(2.0)
    assert region.answered == pytest.approx(0.5)


def test_the_region_is_told_of_all_where_no_district_is() -> None:
    districts = [district_yield(name, fields([2.0, 3.0, 4.0], farms=1), None, 0.1, COVER) for name in "abc"]
    *told, region, tonnes = told_yields(districts, ASKED, COVER)
    assert all(one.estimate is None for one in told)
    assert region.estimate is not None and tonnes.estimate is not None
    assert tonnes.estimate.value == pytest.approx(region.estimate.value * 150)
    two = told_yields(districts[:2], ASKED, COVER)[-2]
    assert two.estimate is None and two.why is not None and two.why.code == "DISTRICT-FEW-FARMS"


def test_the_common_error_does_not_average_out() -> None:
    many = [district_yield(f"d{n}", fields([2.5] * 40), None, 0.1, COVER) for n in range(25)]
    *_, region, tonnes = told_yields(many, ASKED, COVER)
    assert region.estimate is not None and tonnes.estimate is not None
    relative = region.estimate.se / region.estimate.value
    assert 0.12 <= relative < 0.123
    assert relative == pytest.approx(tonnes.estimate.se / tonnes.estimate.value)
    (end,) = region.intervals
    assert end.high - region.estimate.value == pytest.approx(1.3 * region.estimate.se)


def test_without_enough_seasons_there_is_a_value_and_no_interval() -> None:
    one = district_yield("d", fields([1.0, 2.0, 3.0]), None, 0.0, COVER)
    told = told_yields([one], Asked("oats", 2022, date(2022, 8, 1), "m", "region", None), COVER)
    assert all(forecast.estimate is not None and forecast.intervals == () for forecast in told)
    assert all(forecast.why is not None and forecast.why.code == "INTERVAL-SEASONS" for forecast in told)


def test_what_is_threshed_and_the_forecast_of_the_rest_make_the_season() -> None:
    outcome, rest = season_outcome(SoFar(0.4, 3.0, 0.0), Estimate(2.5, 0.4, "t/ha"), 0.0, (1.0, 0.0))
    assert rest.value == pytest.approx(2.5)
    assert outcome.value == pytest.approx(0.4 * 3.0 + 0.6 * 2.5)
    whole, _ = season_outcome(SoFar(1.0, 3.0, 0.05), Estimate(2.5, 0.4, "t/ha"), 0.3, (1.0, 0.1))
    assert (whole.value, whole.se) == (3.0, 0.05)


def test_the_better_part_that_is_harvested_first_is_made_up_for() -> None:
    """The first 40 % usually yield a tenth more: as foreseen, so nothing changes for the season."""
    outcome, rest = season_outcome(SoFar(0.4, 2.75, 0.0), Estimate(2.5, 0.4, "t/ha"), 0.3, (1.1, 0.05))
    assert outcome.value == pytest.approx(2.5)
    assert rest.value == pytest.approx((2.5 - 0.4 * 2.75) / 0.6)
    assert outcome.se < 0.4


def test_a_surprise_is_followed_as_far_as_it_is_shared() -> None:
    steady, _ = season_outcome(SoFar(0.5, 3.0, 0.0), Estimate(2.5, 0.4, "t/ha"), 0.4, (1.0, 0.0))
    alone, _ = season_outcome(SoFar(0.5, 3.0, 0.0), Estimate(2.5, 0.4, "t/ha"), 0.0, (1.0, 0.0))
    assert steady.value == pytest.approx(3.0) and alone.value == pytest.approx(2.75)


def test_what_is_harvested_first_is_told_from_past_seasons() -> None:
    rows = [
        {
            "season": season,
            "harvested_on": date(season, 8, 10 + n),
            "area_ha": 10.0,
            "yield_t_ha": [4.0, 3.0, 2.0, 1.0][n],
        }
        for season in (2019, 2020, 2021)
        for n in range(4)
    ]
    part, spread = first_ratio(pd.DataFrame(rows), 0.5)
    assert part == pytest.approx(3.5 / 2.5) and spread == pytest.approx(0.0, abs=1e-12)
    assert first_ratio(pd.DataFrame(rows[:4]), 0.5) == (1.0, pytest.approx(0.05))


def test_districts_that_thresh_and_those_that_wait_make_the_regions_outcome() -> None:
    districts = [district_yield(name, fields([2.0, 2.0, 2.0]), None, 0.1, COVER) for name in "ab"]
    told = told_yields(districts, ASKED, COVER)
    assert (
        told_outcomes(told, {}, pd.DataFrame(columns=["season", "harvested_on", "area_ha", "yield_t_ha"]), MISSED) == []
    )
    none = pd.DataFrame(columns=["season", "harvested_on", "area_ha", "yield_t_ha"])
    made = told_outcomes(told, {"a": SoFar(1.0, 3.0, 0.0)}, none, MISSED)
    of = {(one.scope, one.quantity): one.estimate for one in made}
    outcome, tonnes = of["region", "outcome_t_ha"], of["region", "outcome_t"]
    assert outcome is not None and tonnes is not None
    assert outcome.value == pytest.approx((3.0 + 2.0) / 2) and tonnes.value == pytest.approx(250.0)
    foreseen = told[-2].estimate
    assert foreseen is not None and outcome.se < foreseen.se
