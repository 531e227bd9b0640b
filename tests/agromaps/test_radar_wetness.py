import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agro.agromaps.radar_wetness import despeckled, radar_references, radar_wetness


def looks(values: list[float]) -> xr.DataArray:
    return xr.DataArray(np.array(values)[:, None, None], dims=("time", "y", "x"))


TWENTY_ONE = looks([-20.0 + 0.5 * i for i in range(21)])  # -20 to -10 dB: 5 % is -19.5, 95 % is -10.5
BARE = xr.full_like(TWENTY_ONE, 0.2)


def test_references_and_index_by_hand() -> None:
    references = radar_references(TWENTY_ONE, BARE, 20)
    got = {name: float(values[0, 0]) for name, values in references.items()}
    assert got == pytest.approx({"dry_db": -19.5, "wet_db": -10.5, "n_looks": 21})
    index = radar_wetness(looks([-19.5, -15.0, -12.0, -30.0, 0.0, np.nan]), looks([0.2] * 6), references)
    np.testing.assert_allclose(index.values[:, 0, 0], [0, 0.5, 7.5 / 9, 0, 1, np.nan])


def test_looks_over_a_canopy_neither_calibrate_nor_tell() -> None:
    green = BARE.copy()
    green[3:] = 0.5
    references = radar_references(TWENTY_ONE, green, 3)
    assert float(references["wet_db"][0, 0]) == pytest.approx(-19.05)
    assert np.isnan(radar_references(TWENTY_ONE, green, 4)["dry_db"].values).all()
    told = radar_wetness(TWENTY_ONE, green, references).notnull().values[:, 0, 0]
    assert told[:3].all() and not told[3:].any()
    unknown = xr.full_like(BARE, np.nan)
    assert radar_wetness(TWENTY_ONE, unknown, references).isnull().all()
    assert np.isnan(radar_references(TWENTY_ONE, unknown, 0)["dry_db"].values).all()


def test_a_pixel_that_never_changes_tells_nothing() -> None:
    still = xr.full_like(TWENTY_ONE, -15.0)
    references = radar_references(still, BARE, 20)
    assert radar_wetness(still, BARE, references).isnull().all()
    assert radar_wetness(still + 5, BARE, references).isnull().all()


@given(st.lists(st.floats(-30, 5), min_size=3, max_size=30), st.integers(0, 5), st.floats(-3, 3))
def test_as_numpy_and_blind_to_the_calibration_of_an_orbit(values: list[float], hidden: int, shift: float) -> None:
    seen = looks([*values, *[np.nan] * hidden])
    bare = xr.full_like(seen, 0.2)
    references = radar_references(seen, bare, 3)
    expected = np.nanquantile(seen.values, (0.05, 0.95))
    assert [float(references[n][0, 0]) for n in ("dry_db", "wet_db")] == pytest.approx(expected.tolist())
    index = radar_wetness(seen, bare, references)
    assert ((index >= 0) & (index <= 1) | index.isnull()).all()
    if np.ptp(expected) > 0.01:
        moved = radar_wetness(seen + shift, bare, radar_references(seen + shift, bare, 3))
        np.testing.assert_allclose(moved, index, atol=1e-6)


def test_lazy_equals_loaded() -> None:
    random = np.random.default_rng(4)
    seen = xr.DataArray(random.uniform(-20, -5, (25, 4, 4)), dims=("time", "y", "x"))
    ndvi = xr.DataArray(random.uniform(0.0, 0.7, (25, 4, 4)), dims=("time", "y", "x"))
    whole = radar_references(seen, ndvi, 5)
    lazy = radar_references(seen.chunk(time=5, y=2), ndvi.chunk(time=5, y=2), 5)
    assert isinstance(lazy["dry_db"].data, dask.array.Array)
    xr.testing.assert_allclose(lazy.compute(), whole)
    xr.testing.assert_allclose(radar_wetness(seen.chunk(y=2), ndvi, lazy).compute(), radar_wetness(seen, ndvi, whole))


def test_speckle_is_averaged_as_power_and_never_over_the_edge_of_a_field() -> None:
    power = np.array([[1.0, 3.0, 100.0], [1.0, 3.0, 100.0], [np.nan, 3.0, 100.0]])
    fields = xr.DataArray(np.array([[1, 1, 2], [1, 1, 2], [1, 1, 0]]), dims=("y", "x"))
    told = despeckled(xr.DataArray(10 * np.log10(power), dims=("y", "x")), fields, 3)
    expected = [[2.0, 2.0, 100.0], [11 / 5, 11 / 5, 100.0], [np.nan, 7 / 3, np.nan]]
    np.testing.assert_allclose(10 ** (told.values / 10), expected)
    same = despeckled(xr.full_like(told, -12.0), fields, 5)
    np.testing.assert_allclose(same.values[fields.values > 0], -12.0)
