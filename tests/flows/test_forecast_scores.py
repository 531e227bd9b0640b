"""Published forecasts against the harvest, by hand: fields, districts, the region, and the outcome as it came."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from agro.domain.outlook import Estimate, Forecast, Interval
from agro.store.index import opened
from agro.store.publish import writing
from flows.forecast_scores import _of_forecast, _truth
from flows.forecast_tables import as_table
from flows.keeping import Result, keep

AS_OF = date(2022, 9, 10)
HARVEST = pd.DataFrame({"field_id": ["a", "b"], "crop": "oats", "season": 2022, "barn_t_ha": [2.0, 3.0], "area_ha": 50.0})  # fmt: skip
STATISTICS = pd.DataFrame(
    [
        ("topki", "all", 100.0, 200.0, "2022-11-20"),
        ("topki", "all", 100.0, 220.0, "2023-03-15"),  # revised
        ("kemerovo", "farmers", 100.0, 250.0, "2022-11-20"),
        ("kemerovo", "organisations", 200.0, 590.0, "2022-11-20"),
        ("mariinsk", "all", 100.0, 999.0, "2022-11-20"),
    ],
    columns=["district", "category", "area_ha", "production_t", "known_on"],
).assign(crop="oats", season=2022)


def told(scope: str, subject: str, value: float | None, quantity: str = "yield_t_ha") -> Forecast:
    estimate = None if value is None else Estimate(value, 0.3, "t/ha")
    ends = () if value is None else (Interval(0.8, value - 0.25, value + 0.25),)
    return Forecast(scope, subject, "oats", 2022, quantity, AS_OF, estimate, ends, "m: ridge", float(value is not None))  # type: ignore[arg-type]  # fmt: skip


def test_the_outcome_and_the_region_are_scored_beside_fields_and_districts(tmp_path: Path) -> None:
    fields = as_table([told("field", "a", 2.5), told("field", "b", None)])
    sums = as_table(
        [
            *(told("district", *one) for one in (("topki", 2.0), ("kemerovo", 2.0), ("mariinsk", None))),
            told("district", "topki", 2.2, "outcome_t_ha"),
            told("region", "region", 2.55),
        ]
    )
    about = {"datetime": "2022-09-10T00:00:00Z", "agro:season": 2022, "agro:as_of": "2022-09-10"}
    with writing(tmp_path / "s") as store, opened(store) as index:
        tables = {"fields": fields, "districts": sums}
        kept = keep(store, index, "forecasts/20220910--x", Result(about, None, tables=tables))
        rows = pd.DataFrame(_of_forecast(kept, _truth(HARVEST, STATISTICS, 2022), index))
    got = rows.set_index(["scope", "quantity"])
    assert got["n"].to_dict() == {("district", "outcome_t_ha"): 1, ("district", "yield_t_ha"): 2, ("field", "yield_t_ha"): 1, ("region", "yield_t_ha"): 1}  # fmt: skip
    assert got.loc[("district", "yield_t_ha"), "rmse_t_ha"] == pytest.approx(((0.2**2 + 0.8**2) / 2) ** 0.5)
    assert got.loc[("district", "outcome_t_ha"), "rmse_t_ha"] == pytest.approx(0.0)
    assert got.loc[("region", "yield_t_ha"), "bias_t_ha"] == pytest.approx(2.55 - 1060 / 400), "of the districts told"
    assert got.loc[("district", "yield_t_ha"), "covered_80"] == 0.5
    assert got.loc[("field", "yield_t_ha"), "answered"] == 0.5
