"""Daily summaries of the harvest, as a forecast of a day may know them."""

from datetime import date

import pandas as pd
import pytest

from agro.domain.harvest import SUMMARY_COLUMNS
from flows.district_yields import threshed
from flows.yield_models import Season

FIELDS = pd.DataFrame(
    {"farm_id": ["f1", "f1", "f2", "f3", "f3"], "district": ["topki", "topki", "topki", "topki", "kemerovo"]}
)
AREA = {"topki": 200.0, "kemerovo": 50.0}


def told(*rows: tuple[str, str | None, str | None, float, float, float | None], day: str = "2022-09-10") -> dict[str, tuple[float, float]]:  # fmt: skip
    columns = ["day", "district", "farm_id", "threshed_ha", "bunker_t", "planned_ha"]
    table = pd.DataFrame(rows, columns=columns).assign(season=2022, crop="oats").reindex(columns=list(SUMMARY_COLUMNS))
    season = Season(FIELDS, "08-15", date.fromisoformat(day), {}, (), False)
    found = threshed(table, "oats", season, AREA)
    assert not threshed(table, "barley", season, AREA)
    return {district: (one.share, one.yield_t_ha) for district, one in found.items()}


def test_the_newest_summary_of_the_day_speaks() -> None:
    rows = (("2022-09-01", "topki", None, 50.0, 100.0, None), ("2022-09-08", "topki", None, 100.0, 250.0, 125.0))
    assert told(*rows) == {"topki": (0.8, pytest.approx(2.5 * 0.91))}
    assert told(*rows, day="2022-09-05") == {"topki": (0.25, pytest.approx(2.0 * 0.91))}
    assert told(*rows, day="2022-08-31") == {}


def test_farms_make_their_district_where_none_is_of_the_whole() -> None:
    farms = (
        ("2022-09-01", None, "f1", 10.0, 10.0, 12.0),
        ("2022-09-08", None, "f1", 60.0, 150.0, 80.0),
        ("2022-09-07", "topki", "f2", 40.0, 50.0, None),
        ("2022-09-07", None, "f3", 40.0, 400.0, None),  # in two districts: nobody knows where
    )
    assert told(*farms) == {"topki": (0.5, pytest.approx(2.0 * 0.91))}
    assert told(*farms, ("2022-09-08", "topki", None, 50.0, 150.0, None)) == {"topki": (0.25, pytest.approx(3 * 0.91))}
