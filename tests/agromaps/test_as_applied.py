"""Planned against applied: by hand on straight passes, and lags that are known."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agro.agromaps.as_applied import compare, lag_of, laid, looked_up, strokes
from agro.domain.terminal import APPLIED_COLUMNS


def field(width=40, height=20, size=2.0, margin=0) -> xr.DataArray:
    """1 inside 80 x 40 m with its corner at (0, 0), 0 in the margin [cells] around."""
    values = np.pad(np.ones((height, width)), margin)
    x = (np.arange(width + 2 * margin) - margin + 0.5) * size
    y = ((height + margin) - np.arange(height + 2 * margin) - 0.5) * size
    return xr.DataArray(values, dims=("y", "x"), coords={"y": y, "x": x})


def passes(sides, rate=100.0, width=20.0, speed=2.0, reach=(0.0, 80.0), **more) -> pd.DataFrame:
    """Passes eastwards at these northings [m], a record a second; a pause between them."""
    rows, clock = [], 0.0
    for side in sides:
        for x in np.arange(reach[0], reach[1] + speed / 2, speed):
            value = rate(x, side) if callable(rate) else rate
            rows.append({"seconds": clock, "x_m": x, "y_m": side, "rate": value})
            clock += 1.0
        clock += 60.0
    table = pd.DataFrame(rows).reindex(columns=[*APPLIED_COLUMNS, "x_m", "y_m"])
    given = {"width_m": width, "working": True, "left": -0.5, "right": 0.5, **more}
    return table.assign(**given)


def test_strokes_by_hand() -> None:
    """40 strokes of 2 m by 20 m in each pass; the last record of a pass goes nowhere, the pause is no drive."""
    worked = strokes(passes([10, 30]))
    assert len(worked) == 80 and worked["area_ha"].sum() == pytest.approx(0.32)
    assert worked.iloc[0][["x_m", "y_m", "east", "north", "left_m", "right_m"]].tolist() == [1, 10, 1, 0, -10, 10]
    assert len(strokes(passes([10], working=False))) == 0
    assert strokes(passes([10]), behind_m=5.0)["x_m"].iloc[0] == -4
    assert strokes(passes([10], left=0.0))["area_ha"].sum() == pytest.approx(0.08)  # half of the sections


def test_two_passes_that_fit_cover_all_once() -> None:
    ground = field(margin=5)
    found = compare(strokes(passes([10, 30])), ground, ground.where(ground > 0) * 100, 31.0)
    assert (found.field_ha, found.worked_ha, found.applied_kg) == pytest.approx((0.32, 0.32, 32.0))
    assert (found.doubled_ha, found.left_out_ha, found.outside_ha) == pytest.approx((0, 0, 0))
    assert (found.planned_kg, found.counter_kg, found.bias_kg_ha, found.error_kg_ha, found.near) == pytest.approx(
        (32, 31, 0, 0, 1)
    )
    assert found.lag_s is None  # one rate tells no lag


def test_overlap_a_strip_left_out_and_a_drive_beyond_the_border() -> None:
    ground = field(margin=5)
    near = compare(strokes(passes([10, 26])), ground, None, None)  # 4 m doubled, 4 m left out in the north
    assert (near.doubled_ha, near.left_out_ha, near.outside_ha) == pytest.approx((0.032, 0.032, 0))
    long = compare(strokes(passes([10, 30], reach=(0, 90))), ground, None, None)
    assert long.outside_ha == pytest.approx(0.04) and long.planned_kg is None and long.bias_kg_ha is None
    lying = laid(strokes(passes([10, 26])), ground)
    assert sorted(np.unique(lying["applied"])) == [0, 100, 200] and sorted(np.unique(lying["times"])) == [0, 1, 2]
    assert float(lying["applied"].sum()) * 4 / 1e4 == pytest.approx(32)  # kilograms stay


def test_passes_in_any_direction_cover_what_they_cover() -> None:
    """The same pass turned: as many cells, as many kilograms, within the grain of the cells."""
    ground = field(200, 200, 1.0)
    for angle in np.radians([0, 17, 45, 90, 133, 260]):
        rows = passes([0], width=24.0, reach=(-60.0, 60.0))
        turned = rows.assign(x_m=100 + rows["x_m"] * np.cos(angle), y_m=100 + rows["x_m"] * np.sin(angle))
        lying = laid(strokes(turned), ground)
        assert float((lying["times"] > 0).sum()) == pytest.approx(
            120 * 24, rel=0.05
        )  # at 45 degrees a whole diagonal of cells is in or out
        assert int(lying["times"].max()) <= 2 and float((lying["times"] > 1).sum()) < 20


def test_the_left_section_lies_on_the_left() -> None:
    ground = field()
    lying = laid(strokes(passes([20], right=0.0)), ground)["times"]  # eastwards: left is north
    assert lying.sel(y=slice(40, 20)).sum() == lying.sum() > 0


def test_bias_error_and_share_by_hand() -> None:
    """The west gets 100 where 100 was planned, the east 100 where 200 was: bias -50, error 50, half is right."""
    ground = field()
    planned = ground * xr.where(ground["x"] < 40, 100.0, 200.0)
    found = compare(strokes(passes([10, 30])), ground, planned, None)
    assert (found.bias_kg_ha, found.error_kg_ha, found.near) == pytest.approx((-50, 50, 0.5))


@pytest.mark.parametrize("lag_s", [0.0, 1.0, 2.0, 3.5, 6.0, -2.0])
@pytest.mark.parametrize("noise", [0.0, 15.0])
def test_a_known_lag_is_found_again(lag_s: float, noise: float) -> None:
    ground = field(400, 60, 2.0)
    steps = np.random.default_rng(3).choice([60.0, 120.0, 180.0, 240.0], (2, 30))
    planned = ground * 0.0
    edges = np.sort(np.random.default_rng(5).choice(np.arange(5, 395), 29, replace=False))
    for block, (low, high) in enumerate(zip([0, *edges], [*edges, 400], strict=True)):
        planned[:, low:high] = steps[0, block]
    chance = np.random.default_rng(4)
    shift = lag_s * 1.7  # at 1.7 m/s

    def late(x: float, _: float) -> float:
        place = np.array([x - shift]), np.array([60.0])
        return float(np.nan_to_num(looked_up(planned, *place)[0], nan=steps[0, 0])) + noise * chance.standard_normal()

    found, correlation = lag_of(strokes(passes([20, 60, 100], late, speed=1.7, reach=(0.0, 780.0))), planned)
    assert found == pytest.approx(lag_s, abs=0.3) and correlation > 0.8


def test_no_lag_is_told_where_none_can_be() -> None:
    ground = field(400, 60, 2.0)
    planned = ground * xr.where(ground["x"] % 100 < 50, 100.0, 200.0)
    chance = np.random.default_rng(1)
    unrelated = passes([20, 60], lambda *_: 150 + 40 * chance.standard_normal(), reach=(0.0, 780.0))
    assert lag_of(strokes(unrelated), planned) == (None, None)
    assert lag_of(strokes(passes([20])), planned) == (None, None)  # too short
    assert lag_of(strokes(unrelated), planned * 0 + 100) == (None, None)  # a plan that does not vary


def test_polygons_have_kilograms_but_no_overlaps() -> None:
    rows = passes([10]).assign(area_m2=100.0, seconds=np.nan, width_m=np.nan)
    worked = strokes(rows)
    found = compare(worked, field(), field() * 100, None)
    assert found.worked_ha == pytest.approx(len(rows) * 0.01) and found.doubled_ha is None
    assert (found.bias_kg_ha, found.lag_s) == (pytest.approx(0), None)
