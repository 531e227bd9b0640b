import tomllib
from pathlib import Path

import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agro.agromaps.fertility import Classes, Criterion, class_shares, classes_from, classes_of, classify, fertility_loss
from agro.domain.errors import BadInput
from agro.domain.soil import DETERMINANDS, EXTRACTIONS, Bounds

SOILS = tomllib.loads((Path(__file__).parents[2] / "configs" / "soils.toml").read_text())
TABLES = classes_from(SOILS["classes"])
CRITERIA = tuple(Criterion(**row) for row in SOILS["fertility_loss"]["criteria"])


@pytest.mark.parametrize(
    ("name", "method", "value", "number"),
    [
        ("p2o5_mg_kg", "chirikov", 20, 1),
        ("p2o5_mg_kg", "chirikov", 20.4, 1),
        ("p2o5_mg_kg", "chirikov", 20.5, 2),
        ("p2o5_mg_kg", "chirikov", 21, 2),
        ("p2o5_mg_kg", "chirikov", 120, 4),
        ("p2o5_mg_kg", "chirikov", 201, 6),
        ("k2o_mg_kg", "chirikov", 110, 4),
        ("k2o_mg_kg", "chirikov", 160, 5),
        ("ph_kcl", None, 3.9, 1),
        ("ph_kcl", None, 4.0, 2),
        ("ph_kcl", None, 5.5, 4),
        ("ph_kcl", None, 6.0, 5),
        ("ph_kcl", None, 7.5, 6),
        ("humus_pct", None, 2.04, 1),
        ("humus_pct", None, 8.1, 5),
        ("n_no3_mg_kg", "east_siberia_0_20", 13, 4),
        ("n_no3_mg_kg", "east_siberia_0_20", 30, 5),
        ("n_no3_mg_kg", "west_siberia_0_40", 9, 2),
    ],
)
def test_known_classes(name: str, method: str | None, value: float, number: int) -> None:
    assert float(classify(np.array([value]), classes_of(name, method, TABLES))[0]) == number


def test_the_same_potassium_is_another_class_by_another_method() -> None:
    by = {m: int(classify(np.array([158.0]), classes_of("k2o_mg_kg", m, TABLES))[0]) for m in EXTRACTIONS}
    assert by == {"chirikov": 5, "kirsanov": 4, "machigin": 2, "maslova": 4}


def test_no_class_without_a_method_and_none_of_another_method() -> None:
    with pytest.raises(BadInput, match="SOIL-CLASS-METHOD"):
        classes_of("k2o_mg_kg", None, TABLES)
    with pytest.raises(BadInput, match="SOIL-NO-CLASSES"):
        classes_of("p2o5_mg_kg", "maslova", TABLES)
    with pytest.raises(BadInput, match="SOIL-NO-CLASSES"):
        classes_of("cu_mg_kg", None, TABLES)


def test_classes_keep_shape_nan_and_laziness() -> None:
    table = classes_of("ph_kcl", None, TABLES)
    field = xr.DataArray([[4.2, np.nan], [5.2, 8.0]], dims=("y", "x"))
    told = classify(field, table)
    np.testing.assert_array_equal(told, [[2, np.nan], [4, np.nan]])  # 8.0 is beyond what the table covers
    lazy = classify(field.chunk(1), table)
    assert isinstance(lazy.data, dask.array.Array)
    np.testing.assert_array_equal(lazy, told)


def test_more_is_never_a_lower_class_and_the_shares_close() -> None:
    for table in TABLES:
        figures = np.linspace(0, min(table.highest, 2 * table.upper[-1]), 500)
        told = classify(figures, table)
        assert (np.diff(told) >= 0).all() and set(told) == set(range(1, len(table.names) + 1))
        shares = class_shares(told, table, 0.04)
        assert shares["area_ha"].sum() == pytest.approx(500 * 0.04) and shares["share_pct"].sum() == pytest.approx(100)
    assert class_shares(np.full(4, np.nan), TABLES[0], 0.04)["share_pct"].tolist() == [0.0] * 6


def test_torn_classes_are_refused() -> None:
    with pytest.raises(BadInput, match="SOIL-CLASSES"):
        Classes("ph_kcl", "", (5.0, 4.0), ("a", "b", "c"), ("a", "b", "c"), 0.1, "read", "-")
    with pytest.raises(BadInput, match="SOIL-CLASSES"):
        Classes("ph_kcl", "", (4.0, 5.0), ("a", "b"), ("a", "b"), 0.1, "read", "-")


def rounds(**changed: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    first = {"field_id": "f", "humus_pct": 6.0, "ph_kcl": 5.0, "p2o5_mg_kg": 100.0, "k2o_mg_kg": 100.0}
    first |= {"p2o5_method": "chirikov", "k2o_method": "chirikov"}
    return pd.DataFrame([first]), pd.DataFrame([first | changed])


def test_three_signs_are_an_alarm_and_two_are_not() -> None:
    lost = fertility_loss(*rounds(humus_pct=5.1, ph_kcl=4.5, p2o5_mg_kg=75.0), CRITERIA)
    assert lost[["criteria_met", "criteria_compared", "alarm"]].iloc[0].tolist() == [3, 4, True]
    assert lost["humus_pct_change_pct"].iloc[0] == pytest.approx(-15)
    less = fertility_loss(*rounds(humus_pct=5.11, ph_kcl=4.5, p2o5_mg_kg=75.0), CRITERIA)
    assert less[["criteria_met", "alarm"]].iloc[0].tolist() == [2, False]


def test_figures_of_two_methods_and_soils_that_are_not_acid_are_not_compared() -> None:
    other = fertility_loss(*rounds(humus_pct=3, p2o5_mg_kg=10, k2o_mg_kg=10, k2o_method="kirsanov"), CRITERIA)
    assert other[["criteria_met", "criteria_compared"]].iloc[0].tolist() == [2, 3]
    assert np.isnan(other["k2o_mg_kg_change_pct"].iloc[0])
    before, after = rounds(ph_kcl=5.0)
    neutral = fertility_loss(before.assign(ph_kcl=6.5), after, CRITERIA)
    assert np.isnan(neutral["ph_kcl_change_pct"].iloc[0]) and neutral["criteria_met"].iloc[0] == 0
    missing = fertility_loss(before.drop(columns="humus_pct"), after.assign(k2o_mg_kg=np.nan), CRITERIA)
    assert missing["criteria_compared"].iloc[0] == 2


def test_one_row_a_field_and_round() -> None:
    before, after = rounds()
    with pytest.raises(BadInput, match="SOIL-FIELD-TWICE"):
        fertility_loss(pd.concat([before, before]), after, CRITERIA)
    assert len(fertility_loss(before, after.assign(field_id="g"), CRITERIA)) == 0


def test_the_configuration_says_what_was_verified_and_covers_what_is_measured() -> None:
    assert SOILS["order_in_force_is_used"] is False and str(SOILS["order_in_force_since"]) == "2025-08-03"
    assert {row["status"] for row in SOILS["classes"]} == {"read", "assumption"}
    assert {row["property"] for row in SOILS["bounds"] if "method" not in row} == set(DETERMINANDS)
    for row in SOILS["bounds"]:
        limit = Bounds(**{k: v for k, v in row.items() if k not in ("property", "method")})
        assert limit.lowest <= limit.usual_low < limit.usual_high <= limit.highest
    for group in SOILS["groups"].values():
        assert 0 < group["wilting_point_m3_m3"] < group["field_capacity_m3_m3"] < 0.5
    assert [(c.property, c.change_pct) for c in CRITERIA] == [
        ("humus_pct", -15.0),
        ("ph_kcl", -10.0),
        ("p2o5_mg_kg", -25.0),
        ("k2o_mg_kg", -25.0),
    ]
