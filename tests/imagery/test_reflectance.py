import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agro.imagery.reflectance import for_ratios, reflectance, to_20_m


def counts(*values: int) -> xr.DataArray:
    return xr.DataArray(np.array([values], "uint16"), dims=("y", "x"))


@pytest.mark.parametrize(
    ("offset", "expected"), [(-0.1, [0.0, 0.05, np.nan]), (0.0, [0.1, 0.15, np.nan])], ids=["04.00", "before"]
)
def test_known_answer_of_the_offset(offset: float, expected: list[float]) -> None:
    got = reflectance(counts(1000, 1500, 0), 1e-4, offset)
    np.testing.assert_allclose(got.values[0], expected, atol=1e-7)


def test_small_negatives_stay_and_impossible_ones_go() -> None:
    got = reflectance(counts(800, 799, 990), 1e-4, -0.1).values[0]
    np.testing.assert_allclose(got, [-0.02, np.nan, -0.001], atol=1e-7)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=20), st.sampled_from([-0.1, -0.7, -0.05]))
def test_the_same_surface_in_another_encoding_gives_the_same_bits(values: list[int], offset: float) -> None:
    shifted = [v + round(-offset * 10_000) for v in values]
    plain, other = reflectance(counts(*values), 1e-4, 0.0), reflectance(counts(*shifted), 1e-4, offset)
    np.testing.assert_array_equal(plain.values, other.values)


def test_forgetting_the_offset_makes_a_step() -> None:
    """The negative of the law above: a test of the offset that cannot fail is none."""
    right, wrong = reflectance(counts(1300), 1e-4, -0.1), reflectance(counts(1300), 1e-4, 0.0)
    assert abs(float(right[0, 0]) - float(wrong[0, 0])) > 0.09


def test_ratios_never_see_zero() -> None:
    got = for_ratios(xr.DataArray([[-0.01, 0.0, np.nan, 0.3]], dims=("y", "x"))).values[0]
    np.testing.assert_allclose(got, [1e-4, 1e-4, np.nan, 0.3])


def test_four_pixels_make_one_or_none() -> None:
    fine = xr.DataArray([[0.1, 0.2, 0.5, 0.5], [0.3, 0.4, 0.5, np.nan]], dims=("y", "x"))
    np.testing.assert_allclose(to_20_m(fine).values, [[0.25, np.nan]])


def test_all_of_it_is_lazy() -> None:
    lazy = xr.DataArray(dask.array.full((8, 8), 1500, dtype="uint16", chunks=4), dims=("y", "x"))
    got = to_20_m(for_ratios(reflectance(lazy, 1e-4, -0.1)))
    assert isinstance(got.data, dask.array.Array)
    np.testing.assert_allclose(got.values, 0.05, atol=1e-7)
