"""Slope, aspect and curvature: surfaces with known answers, noise, gaps, blocks, mirrors."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.agromaps.relief import HALO_PX, NO_ERROR, landform, relief, smoothed
from agro.domain.errors import BadInput
from agro.domain.layers import LAYERS, RELIEF

ROWS, COLUMNS = np.mgrid[0:21, 0:21]
EAST, NORTH = (COLUMNS - 10) * 40.0, (10 - ROWS) * 40.0  # [m] from the middle


def heights(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, "float64"), dims=("y", "x"))


def rough(seed: int, side: int = 40) -> np.ndarray:
    terrain: np.ndarray = np.random.default_rng(seed).normal(200, 5, (side, side))
    return terrain


def test_the_plane_of_the_books() -> None:
    """z = 0.03 x + 0.04 y rises 5 % and falls to the south-west: 180 + atan(3/4) deg."""
    layers = landform(heights(0.03 * EAST + 0.04 * NORTH), 40, 0.0)
    inner = layers.isel(y=slice(1, -1), x=slice(1, -1))
    np.testing.assert_allclose(inner["slope"], 2.8624, atol=1e-4)
    np.testing.assert_allclose(inner["aspect"], 216.8699, atol=1e-4)
    np.testing.assert_allclose(inner["profile_curvature"], 0, atol=1e-9)
    assert np.isnan(layers["slope"].values[0]).all() and np.isnan(layers["slope"].values[:, -1]).all()


@pytest.mark.parametrize(
    ("east", "north", "falls_to"), [(0, -1, 0), (-1, 0, 90), (0, 1, 180), (1, 0, 270), (-1, -1, 45), (1, -1, 315)]
)
def test_aspect_is_where_water_runs_to(east: float, north: float, falls_to: float) -> None:
    aspect = landform(heights(0.05 * (east * EAST + north * NORTH)), 40, 0.1)["aspect"].values[10, 10]
    assert aspect == pytest.approx(falls_to)


@pytest.mark.parametrize(("sign", "shape"), [(1, "hill"), (-1, "bowl")])
def test_a_sphere_is_equally_curved_along_and_across_and_a_hill_is_convex(sign: int, shape: str) -> None:
    radius_m = 5000.0
    layers = landform(heights(sign * np.sqrt(radius_m**2 - EAST**2 - NORTH**2)), 40, 0.0)
    for name in ("profile_curvature", "plan_curvature"):
        off_the_top = layers[name].values[5:9, 5:16]
        np.testing.assert_allclose(off_the_top, sign / radius_m, rtol=1e-3, err_msg=f"{shape} {name}")


def test_a_gutter_that_falls_straight_gathers_across_and_not_along() -> None:
    """z = x2 / 2R + slope y: in the line of the gutter plan curvature is -1/R, profile 0."""
    middle = landform(heights(EAST**2 / 2000 + 0.02 * NORTH), 40, 0.0).isel(y=10, x=10)
    assert float(middle["plan_curvature"]) == pytest.approx(-1 / 1000, rel=1e-3)
    assert float(middle["profile_curvature"]) == pytest.approx(0, abs=1e-9)


def test_level_ground_falls_nowhere() -> None:
    layers = landform(heights(np.full((21, 21), 250.0)), 40, 0.86).isel(y=slice(1, -1), x=slice(1, -1))
    assert (layers["slope"] == 0).all()
    for name in ("aspect", "aspect_se", "profile_curvature", "plan_curvature"):
        assert layers[name].isnull().all(), name


def test_slope_equals_horns_formula_written_out() -> None:
    """The smoothed heights through the formula with its letters, pixel by pixel."""
    terrain = heights(rough(3, 12))
    z = smoothed(terrain).values
    got = landform(terrain, 40, 0.86)["slope"].values
    for row in range(1, 11):
        for column in range(1, 11):
            (a, b, c), (d, _, f), (g, h, i) = z[row - 1 : row + 2, column - 1 : column + 2]
            east = (c + 2 * f + i - a - 2 * d - g) / 320
            north = (a + 2 * b + c - g - 2 * h - i) / 320
            assert got[row, column] == pytest.approx(np.degrees(np.arctan(np.hypot(east, north))))


def test_noise_makes_false_slope_of_the_known_size_and_smoothing_takes_most_of_it() -> None:
    """White noise of 1 m: a median false slope of 0.97 deg at 30 m and 2.92 at 10 m without smoothing; here a third."""
    noise = np.random.default_rng(7).normal(0, 1, (300, 300))
    for resolution_m, known_deg in ((30, 0.97), (10, 2.92)):
        dx = (noise[:-2, 2:] + 2 * noise[1:-1, 2:] + noise[2:, 2:] - noise[:-2, :-2]) / 8 / resolution_m
        dx -= (2 * noise[1:-1, :-2] + noise[2:, :-2]) / 8 / resolution_m
        dy = (noise[:-2, :-2] + 2 * noise[:-2, 1:-1] + noise[:-2, 2:] - noise[2:, :-2]) / 8 / resolution_m
        dy -= (2 * noise[2:, 1:-1] + noise[2:, 2:]) / 8 / resolution_m
        raw = np.degrees(np.arctan(np.hypot(dx, dy)))
        assert np.median(raw) == pytest.approx(known_deg, abs=0.02)
        ours = landform(heights(noise), resolution_m, 1.0)
        assert float(ours["slope"].median()) == pytest.approx(0.33 * known_deg, rel=0.03)
        assert float(ours["slope"].median()) == pytest.approx(1.1774 * float(ours["slope_se"].max()), rel=0.03)


def test_the_errors_are_what_noise_does() -> None:
    """100 times noise of 1 m on a slope of 5 %: the spread of each layer is its `_se`."""
    rng = np.random.default_rng(5)
    many = [landform(heights(0.05 * EAST + rng.normal(0, 1, EAST.shape)), 40, 1.0) for _ in range(100)]
    for name in ("slope", "aspect", "profile_curvature", "plan_curvature"):
        spread = np.std([layers[name].values[5:16, 5:16] for layers in many], axis=0).mean()
        said = np.mean([layers[f"{name}_se"].values[5:16, 5:16] for layers in many])
        assert said == pytest.approx(spread, rel=0.08), name


def test_every_layer_has_its_error_or_the_reason_why_not() -> None:
    layers = relief(heights(rough(1)), 40, 0.86)
    assert set(RELIEF) == set(layers) and set(RELIEF) <= set(LAYERS)
    for name in RELIEF:
        if not name.endswith(("_se", "_flag")):
            assert (f"{name}_se" in layers) != bool(NO_ERROR.get(name)), name


@pytest.mark.parametrize("cut", [1, 7, 20, 33])
def test_blocks_with_their_halo_equal_the_whole_to_the_last_bit(cut: int) -> None:
    terrain = rough(11)
    terrain[18:21, 5:9] = np.nan
    terrain[33, 33] = np.nan
    whole = landform(heights(terrain), 40, 0.86)
    for rows in (slice(0, cut), slice(cut, 40)):
        for columns in (slice(0, 40 - cut), slice(40 - cut, 40)):
            top, left = max(rows.start - HALO_PX, 0), max(columns.start - HALO_PX, 0)
            block = landform(heights(terrain[top : rows.stop + HALO_PX, left : columns.stop + HALO_PX]), 40, 0.86)
            for name in whole:
                got = block[name].values[rows.start - top :, columns.start - left :]
                got = got[: rows.stop - rows.start, : columns.stop - columns.start]
                np.testing.assert_array_equal(got, whole[name].values[rows, columns], err_msg=str(name))


def test_a_halo_of_one_pixel_less_would_not_do() -> None:
    terrain = rough(12)
    whole = landform(heights(terrain), 40, 0.86)["slope"].values[:, 20]
    block = landform(heights(terrain[:, 20 - HALO_PX + 1 :]), 40, 0.86)["slope"].values[:, HALO_PX - 1]
    assert not np.array_equal(whole[1:-1], block[1:-1])


def test_a_gap_takes_its_neighbours_and_bends_nothing() -> None:
    """On a plane with a hole the slope is right to the hole's very edge."""
    plane = 0.03 * EAST + 0.04 * NORTH
    plane[10, 10] = np.nan
    layers = landform(heights(plane), 40, 0.0)
    gone = np.isnan(layers["slope"].values[1:-1, 1:-1])
    assert gone.sum() == 9 and gone[8:11, 8:11].all()
    np.testing.assert_allclose(layers["slope"].values[1:-1, 1:-1][~gone], 2.862405, atol=1e-5)
    assert landform(heights(np.full((9, 9), np.nan)), 40, 0.86)["slope"].isnull().all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_mirrors_and_turns_leave_slope_and_turn_aspect(seed: int) -> None:
    terrain = rough(seed, 15)
    upright = landform(heights(terrain), 40, 0.86)
    for turned, back, aspect in (
        (np.fliplr(terrain), np.fliplr, lambda a: (360 - a) % 360),
        (np.flipud(terrain), np.flipud, lambda a: (540 - a) % 360),
        (np.rot90(terrain), lambda a: np.rot90(a, -1), lambda a: (a + 90) % 360),  # counter-clockwise: aspect less 90
    ):
        layers = landform(heights(turned), 40, 0.86)
        for name in ("slope", "profile_curvature", "plan_curvature", "aspect_se"):
            np.testing.assert_allclose(back(layers[name].values), upright[name].values, rtol=1e-7, atol=1e-12)
        got, expected = aspect(back(layers["aspect"].values)), upright["aspect"].values
        np.testing.assert_allclose((got - expected + 180) % 360, np.where(np.isnan(expected), np.nan, 180), atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), raised_m=st.floats(-400, 3000))
def test_a_land_raised_as_a_whole_keeps_its_form_and_ranges_hold(seed: int, raised_m: float) -> None:
    terrain = rough(seed, 12)
    one, other = (landform(heights(z), 40, 0.86) for z in (terrain, terrain + raised_m))
    for name in ("slope", "profile_curvature", "plan_curvature"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=1e-9)
        values = one[name].values[np.isfinite(one[name].values)]
        assert (values >= LAYERS[name].lowest).all() and (values <= LAYERS[name].highest).all()


def test_degrees_never_reach_the_formulas() -> None:
    with pytest.raises(BadInput, match="RELIEF-PIXEL"):
        landform(heights(rough(1)), 1 / 3600, 0.86)
    with pytest.raises(BadInput, match="RELIEF-PIXEL"):
        relief(heights(rough(1)), float("nan"), 0.86)
    with pytest.raises(BadInput, match="RELIEF-AXES"):
        landform(heights(rough(1)).rename(y="latitude", x="longitude"), 40, 0.86)
