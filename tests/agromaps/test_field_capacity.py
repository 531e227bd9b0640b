from datetime import date

import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agro.agromaps.field_capacity import Anchor, AnchorRules, anchor, of_field_capacity
from agro.domain.errors import Refusal

RULES = AnchorRules(shape="linear", fewest_pairs=20, fewest_dates=5)
DAYS = [date(2021, 5, day) for day in range(1, 6)]


def measured(n: int = 20, days: int = 5, soil: str = "chernozem", noise_pct: float = 0.0) -> pd.DataFrame:
    """Field capacity in per cent rises from 40 at wetness 0 to 100 at wetness 1."""
    seen = (np.arange(n) * 7 % n + 0.5) / n
    wobble = noise_pct * np.where(np.arange(n) % 2, 1, -1)
    return pd.DataFrame(
        {
            "soil_group": soil,
            "seen_on": [DAYS[i % days] for i in range(n)],
            "wetness": seen,
            "field_capacity_pct": 40 + 60 * seen + wobble,
        }
    )


def refused(pairs: pd.DataFrame, rules: AnchorRules = RULES) -> Refusal:
    anchors, refusals = anchor(pairs, rules)
    assert not anchors and len(refusals) == 1
    return refusals[0]


def test_a_straight_line_by_hand() -> None:
    anchors, refusals = anchor(measured(), RULES)
    got = anchors["chernozem"]
    assert not refusals
    assert got.wetness == pytest.approx((0, 1)) and got.field_capacity_pct == pytest.approx((40, 100))
    assert got.rmse_pct == pytest.approx(0, abs=1e-9)
    assert (got.n_pairs, got.n_dates) == (20, 5)


@pytest.mark.parametrize("shape", ["linear", "isotonic"])
def test_the_error_is_of_dates_left_out(shape: str) -> None:
    """A whole date measured 30 % too low is missed by about 30 % when it is left out; at random it would be less."""
    pairs = measured(40)
    pairs.loc[pairs["seen_on"] == DAYS[0], "field_capacity_pct"] -= 30
    got = anchor(pairs, AnchorRules(shape, 20, 5))[0]["chernozem"]  # type: ignore[arg-type]
    assert 30 / np.sqrt(5) < got.rmse_pct < got.rmse_of_mean_pct
    assert (np.diff(got.field_capacity_pct) >= 0).all()


def test_a_step_is_an_isotonic_matter() -> None:
    """Dry below wetness 0.5, at field capacity above: the straight line misses it on dates left out, the step hardly."""
    pairs = measured(40).assign(field_capacity_pct=lambda table: np.where(table["wetness"] > 0.5, 100.0, 40.0))
    line, step = (anchor(pairs, AnchorRules(shape, 20, 5))[0]["chernozem"].rmse_pct for shape in ("linear", "isotonic"))  # type: ignore[arg-type]
    assert step < 8 < 12 < line


def test_few_pairs_or_few_dates_stay_relative() -> None:
    assert "19 measured pairs on 5 date(s)" in refused(measured(19)).reason
    few = refused(measured(40, days=4))
    assert few.code == "ANCHOR-FEW" and "stays relative" in few.remedy
    unknown = measured(20)
    unknown.loc[0, "field_capacity_pct"] = np.nan
    assert "19 measured pairs" in refused(unknown).reason


def test_wetness_that_tells_nothing_stays_relative() -> None:
    pairs = measured(30)
    wobble = np.where(np.arange(30) // 5 % 2, 30.0, -30.0)
    pairs["field_capacity_pct"] = 70 + 1.0 * pairs["wetness"] + wobble
    assert np.polyfit(pairs["wetness"], pairs["field_capacity_pct"], 1)[0] > 0
    assert refused(pairs).code == "ANCHOR-NO-SKILL"
    falling = measured(30).assign(field_capacity_pct=lambda table: 100 - table["field_capacity_pct"])
    assert refused(falling).code == "ANCHOR-NO-SKILL"
    assert refused(measured(30).assign(wetness=0.5)).code == "ANCHOR-NO-SKILL"


def test_one_bad_soil_never_sinks_the_rest() -> None:
    anchors, refusals = anchor(pd.concat([measured(), measured(5, soil="grey forest")]), RULES)
    assert list(anchors) == ["chernozem"]
    assert refusals[0].reason.startswith("grey forest: 5 measured pairs")


def test_the_map_by_hand() -> None:
    anchors = {
        0: Anchor("a", "linear", (0.0, 1.0), (40.0, 100.0), 1, 2, 20, 5),
        1: Anchor("b", "isotonic", (0.2, 0.4, 0.8), (50.0, 50.0, 90.0), 1, 2, 20, 5),
    }
    wetness = xr.DataArray([[0.5, np.nan, 0.0, 0.6, 1.0, 0.5]], dims=("y", "x"))
    soil = xr.DataArray([[0, 0, 1, 1, 1, 2]], dims=("y", "x"))
    expected = [70, np.nan, 50, 70, 90, np.nan]
    np.testing.assert_allclose(of_field_capacity(wetness, soil, anchors).values[0], expected)
    lazy = of_field_capacity(wetness.chunk(x=2), soil.chunk(x=2), anchors)
    assert isinstance(lazy.data, dask.array.Array)
    np.testing.assert_allclose(lazy.values[0], expected)
