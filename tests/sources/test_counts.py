"""Windows of bands, however their tiles lie: the same counts as a plain read, and no tile decoded twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.windows import Window
from workshop import write_raster

from agro.domain.errors import AgroError
from agro.domain.grid import Grid
from agro.sources import counts
from agro.sources.counts import BandFile, reading

CRS, SIDE = "EPSG:32645", 300
TILED = {"tiled": True, "blockxsize": 64, "blockysize": 64}
LAYOUTS = {"tiles": TILED, "strips": {"blockysize": 7}, "one strip": {"blockysize": SIDE}}


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[Window]:
    """How often each cell of a file is decoded."""
    seen: Counter[Window] = Counter()
    plain = counts._as_counts

    def counted(read: np.ndarray, *more: Any) -> np.ndarray:
        seen[read.tobytes()] += 1
        return plain(read, *more)

    monkeypatch.setattr(counts, "_as_counts", counted)
    monkeypatch.setattr(counts, "_CELL_M", 500)
    return seen


def grids(step: int, shift: int) -> list[Grid]:
    """Windows of 10 m over the raster and a little beyond, from a corner that is not the raster's."""
    start = range(-shift, SIDE, step)
    return [Grid(CRS, 400_000 + 10 * x, 6_100_000 - 10 * y, 10, step, step) for y in start for x in start]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("step", "shift"), [(64, 0), (100, 30), (37, 5)])
def test_every_window_is_what_the_file_holds_and_no_tile_is_decoded_twice(
    tmp_path: Path, decoded: Counter[Window], layout: str, step: int, shift: int
) -> None:
    path = tmp_path / "band.tif"
    pixels = np.random.default_rng(1).integers(1, 9000, (SIDE, SIDE)).astype("uint16")
    write_raster(path, pixels, CRS, 400_000, 6_100_000, 10, **LAYOUTS[layout])
    beyond = np.zeros((SIDE + 2 * step + shift,) * 2, "uint16")
    beyond[shift : shift + SIDE, shift : shift + SIDE] = pixels
    windows = grids(step, shift)
    with reading({"red": BandFile(path, CRS, 0)}, [(grid, ["red"]) for grid in windows]) as reader:
        with ThreadPoolExecutor(3) as pool:
            read = list(pool.map(lambda grid: reader.read("red", grid), windows))
        assert not reader._cells, "something is held that nobody needs any more"
    for grid, found in zip(windows, read, strict=True):
        row, column = (6_100_000 - grid.north_m) // 10 + shift, (grid.west_m - 400_000) // 10 + shift
        np.testing.assert_array_equal(found, beyond[row : row + step, column : column + step])
    assert max(decoded.values()) == 1


def test_a_window_that_was_not_planned_is_read_as_well(tmp_path: Path) -> None:
    write_raster(tmp_path / "b.tif", np.full((SIDE, SIDE), 7, "uint16"), CRS, 400_000, 6_100_000, 10)
    with reading({"red": BandFile(tmp_path / "b.tif", CRS, 0)}, []) as reader:
        for grid in grids(100, 0) * 2:
            assert (reader.read("red", grid) == 7).all()
        assert not reader._cells


def test_a_torn_tile_is_told_in_every_thread_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "band.tif"
    pixels = np.random.default_rng(1).integers(1, 9000, (SIDE, SIDE)).astype("uint16")
    write_raster(path, pixels, CRS, 400_000, 6_100_000, 10, **TILED)
    path.write_bytes(path.read_bytes()[:-2000])
    windows = grids(64, 0)
    with reading({"red": BandFile(path, CRS, 0)}, [(grid, ["red"]) for grid in windows]) as reader:

        def attempt(grid: Grid) -> str:
            try:
                return str(reader.read("red", grid).shape)
            except AgroError as error:
                return error.refusal.code

        with ThreadPoolExecutor(4) as pool:
            said = Counter(pool.map(attempt, windows))
    assert said["RASTER-TRUNCATED"] >= 1 and set(said) <= {"RASTER-TRUNCATED", "(64, 64)"}


def test_wide_counts_are_held_within_16_bits(tmp_path: Path) -> None:
    pixels = np.full((10, 10), 70_000, "int32")
    pixels[0, 0] = -5
    write_raster(tmp_path / "b.tif", pixels, CRS, 400_000, 6_100_000, 10)
    with reading({"red": BandFile(tmp_path / "b.tif", CRS, 0)}, []) as reader:
        got = reader.read("red", Grid(CRS, 400_000, 6_100_000, 10, 10, 10))
    assert got.dtype == "int16" and got[0, 0] == -5 and got[1, 1] == 32_767
