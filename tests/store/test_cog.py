"""A COG put together from windows: what GDAL reads of it, and that the windows leave no trace."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rio_cogeo.cogeo import cog_validate

from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.store.cog import Cog, assembled, compressed
from agro.store.tiff import TILE_PX

NDVI, HEIGHT, QUALITY = LAYERS["ndvi"], LAYERS["height"], LAYERS["quality"]


def made(stored: np.ndarray, layer=NDVI, step: int = TILE_PX, order: int = 1) -> Cog:  # type: ignore[no-untyped-def]
    """The COG of an array, from windows of `step` pixels."""
    grid = Grid("EPSG:32645", 399_960, 6_100_020, layer.resolution_m, *stored.shape)
    pieces = [
        compressed(layer, np.ascontiguousarray(stored[row : row + step, column : column + step]), row, column)
        for row in range(0, stored.shape[0], step)
        for column in range(0, stored.shape[1], step)
    ]
    return assembled(layer, grid, [piece for piece in pieces[::order] if piece.tiles])


def field_of(shape: tuple[int, int], seed: int = 1, nodata: int = -32_768, dtype: str = "int16") -> np.ndarray:
    random = np.random.default_rng(seed)
    stored = random.integers(0, 200, shape).astype(dtype)
    stored[random.random(shape) < 0.3] = nodata
    stored[: shape[0] // 2, : shape[1] // 3] = nodata
    return stored


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 1300), st.integers(1, 1300), st.sampled_from([NDVI, HEIGHT, QUALITY]))
@example(513, 1, NDVI)
@example(1, 513, NDVI)
def test_gdal_reads_what_was_stored_and_windows_leave_no_trace(height: int, width: int, layer) -> None:  # type: ignore[no-untyped-def]
    stored = field_of((height, width), nodata=layer.nodata, dtype=layer.dtype)
    whole = b"".join(made(stored, layer, 2048).content)
    assert whole == b"".join(made(stored, layer, TILE_PX).content) == b"".join(made(stored, layer, TILE_PX, -1).content)
    with MemoryFile(whole) as memory, memory.open() as cog:
        np.testing.assert_array_equal(cog.read(1), stored)
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and cog.compression.name == "zstd"
        levels = [2**n for n in range(1, 20) if max(height, width) > TILE_PX * 2 ** (n - 1)]
        assert len(cog.overviews(1)) == len(levels)  # GDAL tells each by its width, which may be a single pixel
        for number, times in enumerate(levels):
            with memory.open(OVERVIEW_LEVEL=number) as smaller:
                assert smaller.shape == (-(-height // times), -(-width // times))


@pytest.mark.parametrize("shape", [(3, 3), (512, 512), (513, 700), (1500, 2100)])
def test_it_is_a_valid_cog_in_its_place(tmp_path: Path, shape: tuple[int, int]) -> None:
    path = tmp_path / "ndvi.tif"
    path.write_bytes(b"".join(made(field_of(shape)).content))
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    assert valid and not errors and not warnings
    with rasterio.open(path) as cog:
        assert cog.crs.to_epsg() == 32645 and cog.transform.c == 399_960 and cog.transform.f == 6_100_020
        assert (cog.nodata, cog.scales, cog.descriptions) == (-32_768, (1e-4,), ("ndvi",))


def test_an_overview_by_hand() -> None:
    """Means of what is believed of four, halves upward; classes as they stand in the upper left."""
    stored = np.full((1024, 1024), -32_768, "int16")
    stored[:2, :6] = [[1, 2, 10, -32_768, -5, -32_768], [3, 5, -32_768, -32_768, -6, -32_768]]
    with MemoryFile(b"".join(made(stored).content)) as memory, memory.open(overview_level=0) as half:
        assert half.read(1)[0, :4].tolist() == [3, 10, -5, -32_768]
    classes = np.tile(np.array([[1, 2], [3, 4]], "uint8"), (512, 512))
    with MemoryFile(b"".join(made(classes, QUALITY).content)) as memory, memory.open(overview_level=0) as half:
        assert (half.read(1) == 1).all()


def test_statistics_are_those_of_the_believed_pixels() -> None:
    for layer in (NDVI, HEIGHT, QUALITY):
        stored = field_of((700, 900), nodata=layer.nodata, dtype=layer.dtype)
        believed = stored[stored != layer.nodata].astype("float64")
        tags = made(stored, layer).counted.as_tags()
        assert (tags["MINIMUM"], tags["MAXIMUM"]) == (believed.min(), believed.max())
        assert tags["MEAN"] == pytest.approx(believed.mean()) and tags["STDDEV"] == pytest.approx(believed.std())
        assert tags["VALID_PERCENT"] == pytest.approx(100 * believed.size / stored.size, abs=1e-3)


def test_tiles_without_anything_take_no_room() -> None:
    stored = np.full((4096, 4096), -32_768, "int16")
    assert sum(map(len, made(stored, step=4096).content)) < 4000
    stored[0, 0] = 5
    content = b"".join(made(stored, step=4096).content)
    assert len(content) < 5000
    with MemoryFile(content) as memory, memory.open() as cog:
        np.testing.assert_array_equal(cog.read(1), stored)


def test_a_raster_beyond_plain_tiff_is_refused() -> None:
    with pytest.raises(BadInput, match="RASTER-TOO-LARGE"):
        assembled(NDVI, Grid("EPSG:32645", 0, 0, 10, 50_000, 10), [])
