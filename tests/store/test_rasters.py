import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.io import MemoryFile

from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.store.rasters import decode, described, encode, from_cog, to_cog

GRID = Grid("EPSG:32645", 400_000, 6_100_000, 10, 3, 3)
VALUES = np.array([[0.1, 0.25, np.nan], [-0.3, 0.99999, 1.0], [7.0, 0.0, -1.0]])


def test_three_by_three_by_hand() -> None:
    stored = encode(LAYERS["ndvi"], VALUES)
    assert stored.tolist() == [[1000, 2500, -32768], [-3000, 10000, 10000], [-32768, 0, -10000]]
    np.testing.assert_allclose(decode(LAYERS["ndvi"], stored)[0], [0.1, 0.25, np.nan])


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_what_comes_back_is_within_half_a_step(values: list[float]) -> None:
    layer = LAYERS["ndvi"]
    back = decode(layer, encode(layer, np.array([values])))
    assert np.abs(back - np.array([values])).max() <= layer.step / 2 + 1e-7


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("height", [-430.01, 8848.86, 180.25]),
        ("aspect", [0.0, 359.9, 180.0]),
        ("profile_curvature", [-0.3, 0.3, 0.00123]),
        ("specific_catchment_area", [40.0, 1.5e6, 2e9]),
        ("ls_factor", [0.01, 19_999.99, 1.0]),
        ("twi", [2.5, 9.751, 32.0]),
    ],
)
def test_relief_comes_back_within_half_a_step_and_its_gaps_as_nan(name: str, values: list[float]) -> None:
    layer = LAYERS[name]
    back = decode(layer, encode(layer, np.array([[*values, np.nan]])))[0]
    assert back.dtype == "float32" and np.isnan(back[3])
    np.testing.assert_allclose(back[:3], values, atol=layer.step / 2, rtol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_a_cog_carries_its_meaning_and_equal_input_gives_equal_bytes(name: str) -> None:
    layer = LAYERS[name]
    one = min(1.0, layer.highest)
    stored = encode(layer, one * np.array([[0.0, 0.5, 1.0], [np.nan, 1.0, 0.0], [1.0, 1.0, 1.0]]))
    made = to_cog(layer, stored, GRID)
    content = b"".join(made.content)
    assert content == b"".join(to_cog(layer, stored.copy(), GRID).content)
    again, grid = from_cog(content)
    np.testing.assert_array_equal(again, stored)
    assert grid == GRID
    with MemoryFile(content) as memory, memory.open() as cog:
        assert cog.nodata == layer.nodata and cog.scales == (layer.step,) and cog.descriptions == (name,)
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert float(cog.tags(1)["STATISTICS_MAXIMUM"]) == pytest.approx(one / layer.step)
    about = described(layer, made.counted)
    assert about["unit"] == layer.unit and about["statistics"]["maximum"] == pytest.approx(one)


def test_a_map_of_nothing_is_a_map() -> None:
    stored = np.full((3, 3), -32768, "int16")
    made = to_cog(LAYERS["ndvi"], stored, GRID)
    assert "statistics" not in described(LAYERS["ndvi"], made.counted)
    np.testing.assert_array_equal(from_cog(b"".join(made.content))[0], stored)


def test_the_public_reads_it_with_any_tool(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "ndvi.tif"
    path.write_bytes(b"".join(to_cog(LAYERS["ndvi"], encode(LAYERS["ndvi"], VALUES), GRID).content))
    with rasterio.open(path) as raster:
        masked = raster.read(1, masked=True) * raster.scales[0]
    assert masked.count() == 7 and masked[0, 0] == pytest.approx(0.1)
