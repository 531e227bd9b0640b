from dataclasses import replace
from datetime import UTC, datetime

import geopandas as gpd
import pytest
from shapely import box

from agro.domain.alert import Alert
from flows.alert_rows import table_of

NOON = datetime(2022, 7, 1, 5, tzinfo=UTC)
ONE = Alert(
    "a", "part_behind", "this_season", NOON, None, NOON, 1.0, 0.2, 0.2, 0.01, 2, 0.0, 0.0, ((500_000, 6_100_000),)
)


def test_the_places_of_each_alert_are_read_in_its_own_zone() -> None:
    outlines = gpd.GeoDataFrame(
        {"field_id": ["a", "b"], "farm_id": ["f", None], "area_ha": [10.0, 20.0]}, geometry=[box(0, 0, 1, 1)] * 2
    )
    other, whole = replace(ONE, field_id="b"), replace(ONE, what="field_behind", worst=())
    table = table_of([(ONE, "EPSG:32645"), (other, "EPSG:32644"), (whole, "EPSG:32645")], outlines, {})
    assert [round(one.centroid.x, 3) for one in table.geometry[:2]] == [87.0, 81.0]
    assert table.geometry.iloc[2].is_empty and table.crs.to_epsg() == 4326
    assert table_of([], outlines, {}).empty


@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:32644"])
def test_one_zone_is_as_it_was(crs: str) -> None:
    outlines = gpd.GeoDataFrame({"field_id": ["a"], "farm_id": ["f"], "area_ha": [10.0]}, geometry=[box(0, 0, 1, 1)])
    (place,) = table_of([(ONE, crs)], outlines, {}).geometry
    assert place.centroid.y == pytest.approx(55.04, abs=0.01)
