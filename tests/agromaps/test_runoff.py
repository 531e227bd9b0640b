"""Where water gathers: slopes and hollows small enough to follow by hand, and a balance that closes."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from agro.agromaps.runoff import CUT, HOLLOW, WHOLE, _filled, _gathered, _on_edge, _ways, ls_factor, runoff, twi

SIZE_M = 40.0


def layer(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, "float64"), dims=("y", "x"))


def water(terrain: np.ndarray, hollow_m: float = 1.0) -> xr.Dataset:
    return runoff(layer(terrain), layer(np.full(terrain.shape, 3.0)), SIZE_M, hollow_m)


def test_wetness_by_hand() -> None:
    """900 m2/m on 3 deg: ln(900 / tan 3 deg) = 9.7511; level ground counts as 0.1 %: ln(900 / 0.001)."""
    assert float(twi(xr.DataArray(900.0), xr.DataArray(3.0))) == pytest.approx(9.7511, abs=5e-5)
    assert float(twi(xr.DataArray(900.0), xr.DataArray(0.0))) == pytest.approx(np.log(900_000))


def test_slope_length_by_hand() -> None:
    """The unit plot is 1. Twice the sine: 2^1.3 = 2.4623; 32 times the length: 32^0.4 = 4."""
    nine_percent = np.degrees(np.arcsin(0.0896))
    assert float(ls_factor(xr.DataArray(22.13), xr.DataArray(nine_percent))) == pytest.approx(1)
    steeper = np.degrees(np.arcsin(2 * 0.0896))
    assert float(ls_factor(xr.DataArray(22.13), xr.DataArray(steeper))) == pytest.approx(2.4623, abs=1e-4)
    assert float(ls_factor(xr.DataArray(22.13 * 32), xr.DataArray(nine_percent))) == pytest.approx(4)
    assert float(ls_factor(xr.DataArray(900.0), xr.DataArray(0.0))) == 0


def test_a_straight_slope_adds_a_pixel_a_row() -> None:
    """A roof with its ridge in row 6, which runs off to the north: down each side a row holds 40 m more."""
    rows = np.arange(13)[:, None] * np.ones((1, 13))
    flow = water(100 - np.abs(rows - 6) * 2.0)
    area = flow["specific_catchment_area"].values[:, 6]
    np.testing.assert_allclose(area[6:12], [40, 40, 80, 120, 160, 200])
    np.testing.assert_allclose(area[5:0:-1], [80, 120, 160, 200, 240])
    assert np.isnan(area[[0, 12]]).all()


def test_a_slope_between_two_neighbours_shares_by_angle() -> None:
    """Falling 1 south and 2 east: the angle from east is atan(1/2), so 59.03 % to the south-east and 40.97 % east."""
    rows, columns = np.mgrid[0:3, 0:3]
    filled = 10.0 - rows - 2 * columns
    receivers, shares = _ways(filled, np.arange(9))
    assert (receivers[4], receivers[9 + 4]) == (5, 8)
    assert shares[4] == pytest.approx(1 - np.arctan(0.5) / (np.pi / 4))
    assert shares[4] + shares[9 + 4] == pytest.approx(1)


def test_a_valley_gathers_both_sides() -> None:
    """Sides so steep that they run straight to the bed: it gains 4 pixels a row from each side, itself, and one rim.

    A rim falls equally to both sides; of two equal ways the eastern is taken: the western rim runs in.
    """
    rows, columns = np.mgrid[0:31, 0:31]
    across = np.abs(columns - 15)
    hills = 500.0 + 4000 * np.where(across <= 5, across, 10 - across) - rows  # the rims are 5 pixels from the bed
    hills[:4] -= 20_000 * (4 - rows[:4])  # north of row 4 all runs north
    hills /= 100
    area = water(hills)["specific_catchment_area"].values
    step = np.diff(area[6:28, 15])
    np.testing.assert_allclose(step, 10 * SIZE_M, rtol=2e-3)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_water_in_equals_water_out(seed: int) -> None:
    """Every pixel's area leaves over the pixels that give nothing on, hollows and level ground included."""
    terrain = np.round(np.random.default_rng(seed).normal(100, 3, (18, 23)), 0)  # whole metres: much level ground
    terrain[5:8, 9:12] = np.nan
    filled, way_out, order = _filled(terrain)
    area, cut = _gathered(filled, way_out, order, SIZE_M)
    _, shares = _ways(filled, way_out)
    ends = (shares[: terrain.size] + shares[terrain.size :] == 0).reshape(terrain.shape) & np.isfinite(terrain)
    assert area[ends].sum() * SIZE_M == pytest.approx(np.isfinite(terrain).sum() * SIZE_M**2)
    assert _on_edge(filled)[ends].all()  # water ends at the edge only
    assert (area[np.isfinite(terrain)] >= SIZE_M).all()
    assert cut[_on_edge(filled)].all()


def test_a_hollow_is_filled_and_told() -> None:
    rows, columns = np.mgrid[0:15, 0:15]
    terrain = 100.0 - rows * 1.0 + 0 * columns
    terrain[6:9, 6:9] -= 8.0
    flag = water(terrain, hollow_m=2.0)["runoff_flag"].values
    assert flag[7, 7] in (HOLLOW, CUT) and (water(terrain + 0, 100.0)["runoff_flag"].values != HOLLOW).all()
    ring = (
        100.0
        + 5 * np.minimum(4, np.hypot(rows - 7, columns - 7))
        - 8 * np.maximum(0, np.hypot(rows - 7, columns - 7) - 4)
    )
    told = water(ring, hollow_m=2.0)["runoff_flag"].values
    assert told[7, 7] == HOLLOW and WHOLE in told


def test_what_comes_from_beyond_the_edge_is_not_known() -> None:
    """A plane falling south: every catchment begins at the northern edge, so nothing is known."""
    rows = np.arange(9)[:, None] * np.ones((1, 9))
    flow = water(50 - rows)
    assert flow["specific_catchment_area"].isnull().all() and (flow["runoff_flag"] == CUT).all()


def test_missing_data_hides_what_lies_below_it_and_nothing_else() -> None:
    rows, columns = np.mgrid[0:13, 0:13]
    roof = 100 - np.abs(rows - 6) * 2.0
    before = water(roof)["specific_catchment_area"].values
    roof[8, 4] = np.nan
    flow = water(roof)
    after = flow["specific_catchment_area"].values
    lost = np.isnan(after) & ~np.isnan(before)
    assert lost[8, 4] and lost[9:12, 4].all() and not lost[:6].any() and not lost[:, 8:].any()
    np.testing.assert_array_equal(after[:, 8:], before[:, 8:])
    assert np.isnan(flow["runoff_flag"].values[8, 4]) and np.isnan(flow["twi"].values[8, 4])
    assert columns.shape == after.shape


def test_nothing_but_missing_data_is_nothing() -> None:
    flow = water(np.full((5, 6), np.nan))
    assert all(flow[name].isnull().all() for name in flow)


def test_a_cone_spreads_evenly() -> None:
    """On a cone the ground above over the contour's length is r / 2; two receivers a pixel make it uneven by angle."""
    rows, columns = np.mgrid[0:61, 0:61]
    r_m = np.hypot(rows - 30, columns - 30) * SIZE_M
    area = water(1000 - 0.05 * r_m)["specific_catchment_area"].values
    ring = (r_m > 600) & (r_m < 1100)
    ratio = area[ring] / (r_m[ring] / 2)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
    assert ratio.min() > 0.7 and ratio.max() < 1.4


@pytest.mark.parametrize("seed", range(5))
def test_a_turned_land_has_turned_waters(seed: int) -> None:
    """A rough hill without hollows; where two ways are equally steep, one must be taken, and that is told below."""
    rows, columns = np.mgrid[0:40, 0:40]
    terrain = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (40, 40)), 3) * 20
    terrain -= 4 * np.hypot(rows - 18.3, columns - 20.9)
    upright, turned = (water(z)["specific_catchment_area"].values for z in (terrain, np.rot90(terrain)))
    same = np.isclose(np.rot90(turned, -1), upright, rtol=1e-6, equal_nan=True)
    assert same.mean() > 0.85 and np.isfinite(upright).sum() > 500
    np.testing.assert_allclose(np.rot90(turned, -1), upright, rtol=0.1)
