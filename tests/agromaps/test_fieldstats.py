import numpy as np
import pytest
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, affinity
from shapely.geometry import box

from agro.agromaps.fieldstats import COLUMNS, field_pixels, field_rows
from agro.domain.grid import Grid
from agro.domain.layers import Quality

GRID = Grid("EPSG:32645", 0, 100, 10, 10, 10)  # x 0..100, y 0..100


def layers(values: np.ndarray, name: str = "ndvi") -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), values)})


def clear(shape: tuple[int, int] = (10, 10)) -> xr.DataArray:
    return xr.DataArray(np.full(shape, Quality.CLEAR, "uint8"), dims=("y", "x"))


def test_one_field_by_hand() -> None:
    """A 50 m square loses one pixel on each side: 3 x 3 pixels remain, of values 1 to 9 hundredths."""
    values = np.full((10, 10), 0.9)
    values[2:5, 2:5] = np.arange(1, 10).reshape(3, 3) / 100
    pixels = field_pixels(["a"], [box(10, 40, 60, 90)], 10)
    row = field_rows(layers(values), clear(), GRID, pixels, 1, 0.0).iloc[0]
    assert row["n_px"] == 9 and row["clear_fraction"] == 1.0 and row["flag"] == ""
    assert row["mean"] == pytest.approx(0.05)
    assert row["std"] == pytest.approx(np.std(np.arange(1, 10) / 100))
    assert [row[p] for p in ("p10", "p50", "p90")] == pytest.approx(np.percentile(np.arange(1, 10) / 100, [10, 50, 90]))


def test_cloud_takes_pixels_and_tells_so() -> None:
    quality = clear()
    quality[2:4, :] = Quality.CLOUD
    quality[4, 2] = Quality.UNCERTAIN
    pixels = field_pixels(["a"], [box(10, 40, 60, 90)], 10)
    row = field_rows(layers(np.full((10, 10), 0.5)), quality, GRID, pixels, 30, 0.7).iloc[0]
    assert row["n_px"] == 2 and row["clear_fraction"] == pytest.approx(2 / 9)
    assert row["flag"] == "few_clear_px;low_clear"


def test_nothing_clear_is_a_row_without_statistics() -> None:
    quality = xr.DataArray(np.full((10, 10), Quality.CLOUD, "uint8"), dims=("y", "x"))
    row = field_rows(
        layers(np.full((10, 10), np.nan)), quality, GRID, field_pixels(["a"], [box(10, 40, 60, 90)], 10), 30, 0.7
    ).iloc[0]
    assert row["n_px"] == 0 and row["clear_fraction"] == 0.0 and np.isnan(row["mean"]) and row["flag"] == "no_clear_px"
    assert set(COLUMNS) <= set(row.index)


def test_a_small_field_uses_its_plain_outline_and_a_tiny_one_its_centres() -> None:
    small, tiny, none = box(10, 40, 29, 60), box(11, 41, 19, 49), box(11, 41, 14, 44)
    pixels = field_pixels(["small", "tiny", "none"], [small, tiny, none], 10)
    assert pixels.flags == ("small_field", "small_field;mixed_pixels", "small_field;no_pixels")
    rows = field_rows(layers(np.full((10, 10), 0.5)), clear(), GRID, pixels, 1, 0.7).set_index("field_id")
    assert rows.loc["small", "n_px"] == 2 and rows.loc["tiny", "n_px"] == 1 and rows.loc["none", "n_px"] == 0


def test_a_field_beyond_the_image_counts_what_is_missing() -> None:
    pixels = field_pixels(["edge"], [box(-40, 40, 60, 90)], 10)
    row = field_rows(layers(np.full((10, 10), 0.5)), clear(), GRID, pixels, 1, 0.9).iloc[0]
    assert row["n_px"] == 15 and row["clear_fraction"] == pytest.approx(15 / 24)
    assert row["flag"] == "partly_unseen;low_clear"


def test_overlapping_fields_each_keep_their_pixels() -> None:
    pixels = field_pixels(["a", "b"], [box(0, 0, 60, 60), box(30, 30, 90, 90)], 10)
    rows = field_rows(layers(np.full((10, 10), 0.5)), clear(), GRID, pixels, 1, 0.7)
    assert rows["n_px"].tolist() == [16, 16]


def test_some_fields_of_many() -> None:
    pixels = field_pixels(["a", "b", "c"], [box(0, 0, 40, 40), box(40, 40, 100, 100), box(0, 50, 50, 100)], 10)
    some = pixels.of([2, 0])
    assert some.field_ids == ("c", "a")
    assert np.diff(some.start).tolist() == [9, 4]


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 360), st.floats(30, 45), st.floats(20, 44), st.integers(0, 2**31))
def test_equal_to_exactextract_on_wholly_covered_pixels(turn: float, a: float, b: float, seed: int) -> None:
    outline = affinity.rotate(Polygon([(50 - a, 50 - b), (50 + a, 50 - b), (50 + b, 50 + a), (50 - a, 50 + b)]), turn)
    values = np.random.default_rng(seed).random((10, 10))
    pixels = field_pixels(["a"], [outline], 10)
    row = field_rows(layers(values), clear(), GRID, pixels, 1, 0.0).iloc[0]
    eroded = outline.buffer(-10)
    source = NumPyRasterSource(values, 0, 0, 100, 100)
    theirs = exact_extract(
        source, [{"type": "Feature", "geometry": eroded.__geo_interface__, "properties": {}}], ["values", "coverage"]
    )
    whole = theirs[0]["properties"]["values"][theirs[0]["properties"]["coverage"] >= 0.999]
    if len(whole) and pixels.flags == ("",):
        assert row["n_px"] == len(whole)
        assert row["mean"] == pytest.approx(whole.mean(), abs=1e-12)
        assert row["p90"] == pytest.approx(np.percentile(whole, 90), abs=1e-12)


def test_relief_at_40_m_by_hand_and_aspect_has_no_plain_mean() -> None:
    """A 200 m square loses one pixel of 40 m a side: 3 x 3 remain."""
    grid = Grid("EPSG:32645", 420_000, 6_100_000, 40, 10, 10)
    slope = np.arange(100.0).reshape(10, 10) / 10
    relief = xr.Dataset({"slope": (("y", "x"), slope), "aspect": (("y", "x"), slope)})
    pixels = field_pixels(["a"], [box(420_040, 6_099_720, 420_240, 6_099_920)], 40)
    (row,) = field_rows(relief, clear(), grid, pixels, 1, 0.0).to_dict("records")
    assert (row["layer"], row["n_px"], row["flag"]) == ("slope", 9, "")
    assert row["mean"] == pytest.approx(slope[3:6, 2:5].mean())
