"""Reference evapotranspiration against the book's worked examples and an independent implementation."""

import numpy as np
import pandas as pd
import pytest
from pyfao56.refet import ascedaily

from agro.agromaps.evaporation import (
    actual_vapour_pressure,
    hargreaves,
    penman_monteith,
    radiation_above_air,
    reference_evapotranspiration,
    saturation_vapour_pressure,
    wind_at_2m,
)

UCCLE = {
    "day": pd.Timestamp("2015-07-06"),
    "tmin_c": 12.3,
    "tmax_c": 21.5,
    "humidity_max_pct": 84.0,
    "humidity_min_pct": 63.0,
}
UCCLE |= {"wind_m_s": 2.78, "wind_height_m": 10.0, "radiation_mj_m2": 22.07}


def days(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({name: [value] for name, value in columns.items()})


def test_example_18_of_the_book() -> None:
    got = reference_evapotranspiration(days(**UCCLE), 50.8, 100.0).iloc[0]
    assert got["et0_mm"] == pytest.approx(3.880, abs=5e-4)
    assert got["wind_2m_m_s"] == pytest.approx(2.078, abs=2e-3)
    assert got["et0_how"] == "" and got["humidity_min_pct"] == 63.0


def test_each_equation_by_the_book() -> None:
    assert saturation_vapour_pressure(24.5) == pytest.approx(3.075, abs=1e-3)  # example 3
    assert saturation_vapour_pressure(15.0) == pytest.approx(1.705, abs=1e-3)
    assert radiation_above_air(246, -20.0) == pytest.approx(32.2, abs=0.05)  # example 8
    assert wind_at_2m(3.2, 10.0) == pytest.approx(2.4, abs=0.05)  # example 14
    assert radiation_above_air(172, 80.0) > 40 and radiation_above_air(355, 80.0) == 0


def test_vapour_pressure_from_the_best_there_is() -> None:
    extremes = {"tmin_c": 18.0, "tmax_c": 25.0}
    both = actual_vapour_pressure(days(**extremes, humidity_max_pct=82.0, humidity_min_pct=54.0))
    assert both["vapour_pressure_kpa"].iloc[0] == pytest.approx(1.70, abs=5e-3)  # example 5
    assert actual_vapour_pressure(days(**extremes, humidity_pct=68.0))["vapour_pressure_kpa"].iloc[0] == pytest.approx(
        1.78, abs=5e-3
    )
    dew = days(**extremes, dew_point_c=17.0, humidity_pct=10.0)
    assert actual_vapour_pressure(dew)["vapour_pressure_kpa"].iloc[0] == saturation_vapour_pressure(17.0)
    assert actual_vapour_pressure(dew.assign(vapour_pressure_kpa=1.5))["vapour_pressure_kpa"].iloc[0] == 1.5
    nothing = actual_vapour_pressure(days(**extremes)).iloc[0]
    assert nothing["how"] == "no humidity" and nothing["vapour_pressure_kpa"] == saturation_vapour_pressure(18.0)


def test_hargreaves_by_hand() -> None:
    table = days(day=pd.Timestamp("2015-07-15"), tmin_c=14.8, tmax_c=26.6)
    above = radiation_above_air(196, 45.72)
    assert above == pytest.approx(40.6, abs=0.1)  # example 20, Lyon
    assert hargreaves(table, 45.72).iloc[0] == pytest.approx(0.0023 * (20.7 + 17.8) * np.sqrt(11.8) * 0.408 * above)
    assert hargreaves(table, 45.72).iloc[0] == pytest.approx(5.0, abs=0.1)  # the book: 5.0 mm/day


@pytest.mark.parametrize(
    ("dropped", "how"),
    [
        (["humidity_max_pct", "humidity_min_pct"], "no humidity"),
        (["radiation_mj_m2"], "no radiation"),
        (["wind_m_s"], "no wind"),
        (["radiation_mj_m2", "wind_m_s"], "no radiation;no wind"),
        (["radiation_mj_m2", "wind_m_s", "humidity_max_pct", "humidity_min_pct"], "temperature only"),
    ],
)
def test_what_was_estimated_is_told(dropped: list[str], how: str) -> None:
    got = reference_evapotranspiration(days(**UCCLE).drop(columns=dropped), 50.8, 100.0).iloc[0]
    assert got["et0_how"] == how
    assert 0.6 < got["et0_mm"] / 3.880 < 1.4 and got["et0_mm"] != pytest.approx(3.880, abs=1e-3)


def test_a_given_value_stands_in_where_something_is_not_measured() -> None:
    rows = [{}, {"tmax_c": np.nan}, {"wind_m_s": np.nan}, {"tmin_c": np.nan, "et0_mm": np.nan}]
    table = pd.concat([days(**UCCLE | {"et0_mm": 2.5} | row) for row in rows])
    got = reference_evapotranspiration(table, 50.8, 100.0)
    assert got["et0_how"].tolist() == ["", "given", "given", "unknown"]
    assert got["et0_mm"].iloc[0] == pytest.approx(3.880, abs=5e-4)
    assert got["et0_mm"].iloc[1:3].tolist() == [2.5, 2.5] and np.isnan(got["et0_mm"].iloc[3])


def test_like_an_independent_implementation() -> None:
    random = np.random.default_rng(1)
    count = 500
    low, doy = random.uniform(-25, 20, count), random.integers(60, 300, count)
    latitude, height = random.uniform(35, 57, count), random.uniform(0, 1500, count)
    table = pd.DataFrame(
        {
            "day": pd.Timestamp("2021-01-01") + pd.to_timedelta(doy - 1, unit="D"),
            "tmin_c": low,
            "tmax_c": low + random.uniform(1, 20, count),
            "vapour_pressure_kpa": saturation_vapour_pressure(low - random.uniform(0, 8, count)),
            "wind_2m_m_s": random.uniform(0.5, 9, count),
            "radiation_mj_m2": random.uniform(0.5, 28, count),
        }
    )
    ours = penman_monteith(table, latitude, height)
    theirs = [
        ascedaily(
            "S",
            *place,
            row.radiation_mj_m2,
            row.tmax_c,
            row.tmin_c,
            vapr=row.vapour_pressure_kpa,
            wndsp=row.wind_2m_m_s,
        )
        for place, row in zip(zip(height, latitude, doy, strict=True), table.itertuples(), strict=True)
    ]
    np.testing.assert_allclose(ours, np.maximum(theirs, 0), atol=0.02)
    unknown = penman_monteith(table.assign(tmax_c=table["tmax_c"].where(doy > 150)), latitude, height)
    assert (ours >= 0).all() and (unknown.isna() == (doy <= 150)).all()
