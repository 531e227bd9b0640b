"""Areas put right by a checked sample."""

import numpy as np
import pandas as pd
import pytest

from agro.domain.errors import BadInput
from agro.region.areas import adjusted_areas, overall_accuracy

CLASSES = ("deforestation", "gain", "forest", "other")
COUNTS = ((66, 0, 5, 4), (0, 55, 8, 12), (1, 0, 153, 11), (2, 1, 9, 313))  # Olofsson 2014, table 8
MAPPED_PX = dict(zip(CLASSES, (200_000.0, 150_000.0, 3_200_000.0, 6_450_000.0), strict=True))


def units(counts=COUNTS, classes=CLASSES) -> pd.DataFrame:
    rows = [
        (m, o)
        for m, line in zip(classes, counts, strict=True)
        for o, n in zip(classes, line, strict=True)
        for _ in range(n)
    ]
    table = pd.DataFrame(rows, columns=["mapped", "observed"])
    return table.assign(weight=1.0, cluster=range(len(table)))


def test_the_published_example_of_olofsson_comes_out() -> None:
    told = adjusted_areas(units(), MAPPED_PX).set_index("class")
    assert told.loc["deforestation", "area_ha"] == pytest.approx(235_086, abs=1)
    assert 1.96 * told.loc["deforestation", "se_ha"] == pytest.approx(68_418, abs=1)
    assert told.loc["deforestation", "users"] == pytest.approx(0.88, abs=0.005)
    assert 1.96 * told.loc["deforestation", "users_se"] == pytest.approx(0.07, abs=0.005)
    assert told.loc["deforestation", "producers"] == pytest.approx(0.75, abs=0.005)
    assert 1.96 * told.loc["deforestation", "producers_se"] == pytest.approx(0.21, abs=0.005)
    share, error = overall_accuracy(units(), MAPPED_PX)
    assert share == pytest.approx(0.95, abs=0.005) and 1.96 * error == pytest.approx(0.02, abs=0.005)


def test_areas_add_up_and_a_map_without_fault_is_not_wholly_sure() -> None:
    """Five checked units without a fault: half of one more is counted against them, 5.5 / 6 x 0.5 / 6 / 6."""
    assert adjusted_areas(units(), MAPPED_PX)["area_ha"].sum() == pytest.approx(10_000_000)
    told = adjusted_areas(units(((5, 0), (0, 9)), ("a", "b")), {"a": 30.0, "b": 70.0})
    assert told["area_ha"].tolist() == [30.0, 70.0] and told["se_ha"][0] == pytest.approx(
        30 * (5.5 * 0.5 / 6**3) ** 0.5
    )
    assert told["high_90_ha"][0] - 30 == pytest.approx(2.1318 * told["se_ha"][0], rel=1e-4), "t of 4 degrees of freedom"


def test_fields_of_one_farm_are_one_witness() -> None:
    sample = units(((6, 6), (0, 12)), ("a", "b"))
    alone = adjusted_areas(sample, {"a": 50.0, "b": 50.0})["se_ha"][0]
    farms = adjusted_areas(sample.assign(cluster=np.arange(24) // 6), {"a": 50.0, "b": 50.0})["se_ha"][0]
    assert farms > 1.5 * alone


def test_a_class_that_nobody_checked_has_no_area() -> None:
    with pytest.raises(BadInput, match="AREA-SAMPLE: other"):
        adjusted_areas(units()[lambda t: t["mapped"] != "other"], MAPPED_PX)


def test_half_the_area_weighs_half() -> None:
    sample = pd.DataFrame(
        {"mapped": ["a", "a", "a"], "observed": ["a", "a", "b"], "weight": [1.0, 1.0, 2.0], "cluster": [1, 2, 3]}
    )
    assert adjusted_areas(sample, {"a": 100.0}).set_index("class")["area_ha"].to_dict() == {"a": 50.0, "b": 50.0}
