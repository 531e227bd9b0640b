import dask.array
import numpy as np
import pytest
import spyndex
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agro.agromaps.vegetation import INDICES, evi2, lai, ndmi, ndre, ndvi
from agro.domain.imagery import Angles
from agro.domain.layers import LAYERS

ANGLES = Angles(sun_zenith_deg=40, sun_azimuth_deg=160, view_zenith_deg=3, view_azimuth_deg=40)
ORDER = LAYERS["lai"].bands
DENSE, MID, BARE = (
    (0.05, 0.03, 0.08, 0.25, 0.35, 0.40, 0.18, 0.09),
    (0.06, 0.05, 0.10, 0.20, 0.25, 0.28, 0.22, 0.13),
    (0.09, 0.12, 0.15, 0.17, 0.19, 0.21, 0.30, 0.25),
)


def band(value: float) -> xr.DataArray:
    return xr.DataArray([[value]], dims=("y", "x"))


def canopy(values: tuple[float, ...]) -> xr.Dataset:
    return xr.Dataset({name: band(v) for name, v in zip(ORDER, values, strict=True)})


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (ndvi(band(0.05), band(0.40)), 0.777778),
        (evi2(band(0.05), band(0.40)), 0.575658),
        (ndre(band(0.10), band(0.40)), 0.600000),
        (ndmi(band(0.40), band(0.20)), 0.333333),
    ],
    ids=["ndvi", "evi2", "ndre", "ndmi"],
)
def test_known_answers(got: xr.DataArray, expected: float) -> None:
    assert float(got[0, 0]) == pytest.approx(expected, abs=1e-6)


@given(red=st.floats(1e-4, 1.5), nir=st.floats(1e-4, 1.5))
def test_ranges_and_the_published_catalogue_of_indices(red: float, nir: float) -> None:
    for name, spyndex_name, parameters in (
        ("ndvi", "NDVI", {"N": nir, "R": red}),
        ("evi2", "EVI2", {"N": nir, "R": red}),
    ):
        value = float(INDICES[name](band(red), band(nir))[0, 0])
        assert LAYERS[name].lowest <= value <= LAYERS[name].highest
        theirs = spyndex.computeIndex(spyndex_name, {**parameters, "g": 2.5, "L": 1.0})
        assert value == pytest.approx(float(theirs), abs=1e-9)


@given(st.floats(0.01, 0.4), st.floats(0.01, 0.4), st.floats(0.001, 0.1))
def test_more_infrared_is_never_less_green(red: float, nir: float, more: float) -> None:
    assert float(ndvi(band(red), band(nir + more))[0, 0]) > float(ndvi(band(red), band(nir))[0, 0])


@pytest.mark.parametrize(
    ("net", "values", "expected"),
    [
        ("2.1", DENSE, 3.275077),
        ("2.1", MID, 1.197576),
        ("2.1", BARE, 0.25549),
        ("3A", DENSE, 3.262),
        ("3B", DENSE, 3.638),
        ("3A", MID, 1.297),
        ("3B", MID, 1.22),
        ("3A", BARE, 0.194),
        ("3B", BARE, 0.202),
    ],
)
def test_leaf_area_known_answers(net: str, values: tuple[float, ...], expected: float) -> None:
    digits = 1e-5 if net == "2.1" else 6e-4
    got = lai(canopy(values), ANGLES, net)
    assert float(got["lai"][0, 0]) == pytest.approx(expected, abs=digits)
    assert float(got["lai_flag"][0, 0]) == 0


def test_leaf_area_outside_the_networks_domain_is_flagged() -> None:
    bright = canopy((0.30, *DENSE[1:]))
    assert float(lai(bright, ANGLES)["lai_flag"][0, 0]) in (1, 3)
    steep = Angles(sun_zenith_deg=75, sun_azimuth_deg=160, view_zenith_deg=3, view_azimuth_deg=40)
    assert float(lai(canopy(DENSE), steep)["lai_flag"][0, 0]) in (1, 3)


def test_nan_in_nan_out() -> None:
    hidden = canopy((np.nan, *DENSE[1:]))
    got = lai(hidden, ANGLES)
    assert np.isnan(got["lai"].values).all() and np.isnan(got["lai_flag"].values).all()
    assert np.isnan(ndvi(band(np.nan), band(0.4)).values).all()


def test_all_of_it_is_lazy() -> None:
    lazy = xr.Dataset(
        {name: (("y", "x"), dask.array.full((4, 4), v, chunks=2)) for name, v in zip(ORDER, DENSE, strict=True)}
    )
    got = lai(lazy, ANGLES)
    assert isinstance(got["lai"].data, dask.array.Array)
    np.testing.assert_allclose(got["lai"].values, 3.275077, atol=1e-5)
