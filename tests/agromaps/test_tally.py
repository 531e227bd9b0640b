"""The table counted from stored integers, window by window, against the readable one from whole layers."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from readable import plane
from shapely import Polygon
from shapely.geometry import box

from agro.agromaps.coverage import spans_centred
from agro.agromaps.fieldstats import FieldPixels, field_pixels, field_rows
from agro.agromaps.tally import Tally
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS, Quality

GRID = Grid("EPSG:32645", 0, 400, 10, 40, 40)  # x 0..400, y 0..400
MARK = -32_768


def test_one_field_by_hand() -> None:
    """Nine pixels of values 1 to 9 hundredths; in two windows."""
    stored = np.full((40, 40), 9000, "int16")
    stored[2:5, 2:5] = np.arange(1, 10).reshape(3, 3) * 100
    pixels = field_pixels(["a"], [box(10, 340, 60, 390)], 10)
    tally, classes = Tally(pixels, ["ndvi"]), np.full((20, 20), Quality.CLEAR, "uint8")
    for half in (slice(0, 4), slice(4, 40)):
        window = Grid(GRID.crs, 0, 400 - 10 * half.start, 10, half.stop - half.start, 40)
        tally.add(window, classes[half.start // 2 : half.stop // 2], {"ndvi": stored[half]})
    (row,) = tally.rows(1, 0.0).to_dict("records")
    assert (row["field_id"], row["layer"], row["n_px"], row["clear_fraction"], row["flag"]) == ("a", "ndvi", 9, 1.0, "")
    expected = np.arange(1, 10) / 100
    assert row["mean"] == pytest.approx(0.05) and row["std"] == pytest.approx(expected.std())
    assert [row[p] for p in ("p10", "p50", "p90")] == pytest.approx(np.percentile(expected, [10, 50, 90]))


def fields(random: np.random.Generator, size: int) -> FieldPixels:
    """Overlapping, small, tiny and empty fields, some beyond the image."""
    outlines = [Polygon(random.uniform(-60, 460, 2) + random.uniform(0, 150, (3, 2))) for _ in range(6)]
    outlines += [box(100, 100, 300, 300), box(101, 101, 109, 109), box(101, 101, 102, 102), Polygon()]
    return field_pixels([f"f{n}" for n in range(len(outlines))], outlines, size)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([10, 20]), st.sampled_from([100, 180, 400]))
def test_equal_to_the_readable_table(seed: int, size: int, window_m: int) -> None:
    random = np.random.default_rng(seed)
    grid, pixels = GRID.at(size), fields(random, size)
    classes = random.choice([1, 1, 1, 2, 6, 0], (20, 20)).astype("uint8")
    names = ("ndvi", "evi2") if size == 10 else ("lai", "lai_flag", "ndmi")
    stored = {n: random.integers(-3000, 9000, grid.shape).astype(LAYERS[n].dtype) for n in names}
    if "lai" in stored:
        stored["lai_flag"] = random.choice([0, 1, 3], grid.shape).astype("uint8")
    for name, values in stored.items():
        if not LAYERS[name].is_class:
            values[random.random(grid.shape) < 0.1] = MARK
    tally = Tally(pixels, names)
    for north in range(400, 0, -window_m):
        for west in range(0, 400, window_m):
            part = grid.cut_to((west, north - window_m, west + window_m, north))
            assert part is not None
            rows, columns = part.rows_and_columns_in(grid)
            coarse = part.at(20).rows_and_columns_in(GRID.at(20))
            tally.add(part, classes[coarse], {n: values[rows, columns] for n, values in stored.items()})
    ours = tally.rows(30, 0.7)
    fine = classes.repeat(20 // size, 0).repeat(20 // size, 1)
    layers = xr.Dataset({n: plane(np.where(v == MARK, np.nan, v * LAYERS[n].step)) for n, v in stored.items()})
    theirs = field_rows(layers, plane(fine), grid, pixels, 30, 0.7)
    pd.testing.assert_frame_equal(ours, theirs[ours.columns], check_dtype=False, rtol=1e-9, atol=1e-12)


def test_what_a_later_part_does_not_know_stays() -> None:
    pixels = field_pixels(["a"], [box(10, 340, 60, 390)], 10)
    tally = Tally(pixels, ["ndvi"])
    clear, nothing = np.full((20, 20), Quality.CLEAR, "uint8"), np.zeros((20, 20), "uint8")
    tally.add(GRID, clear, {"ndvi": np.full((40, 40), 5000, "int16")})
    tally.add(GRID, nothing, {"ndvi": np.full((40, 40), MARK, "int16")})
    assert tally.rows(1, 0.0)["mean"].tolist() == [0.5]


def test_no_fields_no_rows() -> None:
    assert Tally(field_pixels([], [], 10), ["ndvi"]).rows(1, 0.0).empty


def test_centres_as_rasterisers_take_them() -> None:
    from rasterio.features import rasterize

    random = np.random.default_rng(2)
    for _ in range(20):
        outline = Polygon(random.uniform(0, 400, (3, 2)))
        spans = spans_centred(np.array([outline], dtype=object), 10)
        ours = FieldPixels(10, ("a",), spans, ("",))
        theirs = rasterize([outline], (40, 40), transform=GRID.transform)
        mask = np.zeros((40, 40), "uint8")
        mask[ours.rows + 40, ours.columns] = 1
        np.testing.assert_array_equal(mask, theirs)
