import dask.array
import numpy as np
import pytest
import xarray as xr

from agro.domain.errors import BadInput
from agro.domain.layers import Quality
from agro.imagery.clearsky import believed, dilate, keep_believed, on_pixels_of, quality


def classes(values: list[list[int]]) -> xr.DataArray:
    return xr.DataArray(np.array(values, "uint8"), dims=("y", "x"))


def test_each_scene_class_has_its_meaning() -> None:
    got = quality(classes([list(range(12))]), 0, 0).values[0]
    n, u, s, c, w, k, i = (Quality[q] for q in ("NO_DATA", "UNCERTAIN", "SHADOW", "CLEAR", "WATER", "CLOUD", "SNOW"))
    assert list(got) == [n, n, u, s, c, c, w, u, k, k, k, i]


def test_a_class_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadInput, match="MASK-CLASS"):
        quality(classes([[4, 42]]), 0, 0)


def test_one_cloud_pixel_grows_to_81() -> None:
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    assert dilate(mask, 5).sum() == 81


def test_margins_hide_what_is_near_and_never_invent_ground() -> None:
    scene = np.full((21, 21), 4, "uint8")
    scene[10, 10], scene[10, 13], scene[0, 0] = 9, 6, 0
    got = quality(xr.DataArray(scene, dims=("y", "x")), 100, 100).values
    assert (got == Quality.CLOUD).sum() == 81
    assert got[0, 0] == Quality.NO_DATA
    assert got[10, 16] == Quality.CLEAR


def test_cloud_wins_over_shadow() -> None:
    got = quality(classes([[8, 3, 3, 3, 4, 4, 4]]), 20, 20).values[0]
    assert list(got) == [2, 2, 3, 3, 3, 1, 1]


def test_what_is_not_believed_is_nan_at_both_pixel_sizes() -> None:
    q = classes([[Quality.CLEAR, Quality.CLOUD], [Quality.UNCERTAIN, Quality.SNOW]])
    fine = keep_believed(xr.DataArray(np.ones((4, 4)), dims=("y", "x")), q).values
    assert np.isfinite(fine).sum() == 8
    assert np.isnan(fine[0:2, 2:4]).all() and np.isnan(fine[2:4, 2:4]).all()
    assert keep_believed(xr.DataArray(np.ones((2, 2)), dims=("y", "x")), q).notnull().values.tolist() == [
        [1, 0],
        [1, 0],
    ]
    assert on_pixels_of(q, xr.DataArray(np.ones((4, 4)), dims=("y", "x"))).values[1, 3] == Quality.CLOUD


def test_in_chunks_it_is_lazy_and_equal() -> None:
    random = np.random.default_rng(1)
    scene = random.choice([4, 4, 4, 4, 5, 9, 3, 6], size=(60, 60)).astype("uint8")
    whole = quality(xr.DataArray(scene, dims=("y", "x")), 100, 60)
    lazy = quality(xr.DataArray(dask.array.from_array(scene, chunks=17), dims=("y", "x")), 100, 60)
    assert isinstance(lazy.data, dask.array.Array)
    np.testing.assert_array_equal(whole.values, lazy.values)
    assert believed(lazy).dtype == bool
