import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agro.agromaps.bare_soil import BareRules, bare_composite, is_bare, red_and_nir
from agro.agromaps.vegetation import evi2, ndvi

RULES = BareRules(ndvi_lowest=0.05, ndvi_highest=0.25, residue_highest=0.1, fewest_looks=3)


def pixel(*values: float) -> xr.DataArray:
    return xr.DataArray(np.array(values, float), dims="x")


@given(st.floats(0.02, 0.4), st.floats(0.02, 0.6))
def test_the_two_indices_give_back_the_two_bands_they_were_made_of(red: float, nir: float) -> None:
    """As the store keeps them, in steps of 1e-4."""
    kept = [np.round(index(red=pixel(red), nir=pixel(nir)) * 1e4) / 1e4 for index in (ndvi, evi2)]
    back = [float(band[0]) for band in red_and_nir(*kept)]
    if abs(float(kept[0][0])) < 0.02:
        assert np.isnan(back).all()
    else:
        closeness = 3e-4 / abs(float(kept[0][0]))
        assert back == pytest.approx([red, nir], rel=closeness, abs=3e-4)


def test_soil_is_bare_where_neither_green_nor_straw_nor_water_is_seen() -> None:
    nir = pixel(0.22, 0.40, 0.24, 0.05, np.nan)  # soil, leaves, straw, water, unknown
    swir16, swir22 = pixel(0.33, 0.20, 0.35, 0.02, 0.33), pixel(0.29, 0.09, 0.27, 0.01, 0.29)
    red = pixel(0.135, 0.03, 0.15, 0.05, 0.135)
    bare = is_bare((nir - red) / (nir + red), (nir - swir16) / (nir + swir16), nir, swir22, RULES)
    assert bare.values.tolist() == [True, False, False, False, False]


def test_a_wet_day_darkens_no_pixel_and_few_looks_tell_nothing() -> None:
    """Every pixel has its own brightness, every date its own wetness; each pixel misses other dates."""
    random = np.random.default_rng(3)
    own, wet = random.uniform(0.10, 0.30, 40), random.uniform(0.4, 1.0, 12)
    seen = own[None, :] * wet[:, None] * random.normal(1, 0.01, (12, 40))
    seen[random.random(seen.shape) < 0.4] = np.nan
    seen[:, 0] = np.nan
    seen[2:, 1] = np.nan
    looks = xr.Dataset(dict.fromkeys(("red", "nir", "swir22"), (("time", "pixel"), seen)))
    found = bare_composite(looks, 3)
    assert np.isnan(found["bare_red"].values[:2]).all() and found["bare_looks"].values[0] == 0
    told = found["bare_brightness"].values[2:]
    assert np.corrcoef(told, own[2:])[0, 1] > 0.99
    plain = np.nanmedian(seen[:, 2:], axis=0)
    assert np.std(told / own[2:] / np.mean(told / own[2:])) < 0.5 * np.std(plain / own[2:] / np.mean(plain / own[2:]))
    assert (found["bare_brightness_se"].values[2:] < 0.05).all()


def test_equal_looks_have_no_error_and_brightness_is_the_root_mean_square() -> None:
    looks = xr.Dataset(
        {
            "red": (("time", "pixel"), np.full((3, 2), 0.3)),
            "nir": (("time", "pixel"), np.full((3, 2), 0.4)),
            "swir22": (("time", "pixel"), np.full((3, 2), 0.2)),
        }
    )
    found = bare_composite(looks, 3)
    assert found["bare_brightness"].values == pytest.approx([np.sqrt(0.125)] * 2)
    assert found["bare_brightness_se"].values == pytest.approx([0, 0], abs=1e-9)
