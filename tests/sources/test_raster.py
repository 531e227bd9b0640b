from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from workshop import write_raster

from agro.domain.errors import AgroError
from agro.domain.grid import Grid
from agro.sources.counts import read_band

CRS = "EPSG:32645"
GRID = Grid(CRS, 400_000, 6_100_000, 20, 10, 10)


def read(path: Path, grid: Grid = GRID, crs: str | None = CRS, *, classes: bool = False) -> np.ndarray:
    return read_band(path, grid, crs, 0, classes=classes)


def test_a_finer_raster_is_averaged_from_its_base_pixels_never_from_overviews(tmp_path: Path) -> None:
    path = tmp_path / "fine.tif"
    pixels = np.tile(np.array([[100, 300], [300, 500]], "uint16"), (10, 10))
    write_raster(path, pixels, CRS, 400_000, 6_100_000, 10)
    with rasterio.open(path, "r+") as raster:
        raster.build_overviews([2], rasterio.enums.Resampling.nearest)  # these hold 100s only
    assert (read(path) == 300).all()


def test_another_zone_is_warped_to_where_it_belongs(tmp_path: Path) -> None:
    """A ramp in the neighbouring zone keeps its value at a place."""
    path = tmp_path / "other.tif"
    x, y = rasterio.warp.transform(CRS, "EPSG:32644", [400_100], [6_099_900])
    west, north = round(x[0] / 20) * 20 - 2000, round(y[0] / 20) * 20 + 2000
    rows = np.arange(200)[:, None] * 10 + 1000
    write_raster(path, np.broadcast_to(rows, (200, 200)).astype("uint16"), "EPSG:32644", west, north, 20)
    got = read(path, crs="EPSG:32644")
    expected = (north - y[0]) / 20 * 10 + 1000
    assert abs(float(got[4:6, 4:6].mean()) - expected) < 12
    classes = np.arange(200)[:, None] // 50 * 4
    write_raster(path, np.broadcast_to(classes, (200, 200)).astype("uint8"), "EPSG:32644", west, north, 20)
    assert set(np.unique(read(path, crs="EPSG:32644", classes=True))) <= {0, 4, 8, 12}


def test_half_a_pixel_off_is_resampled_not_shifted(tmp_path: Path) -> None:
    path = tmp_path / "off.tif"
    columns = np.arange(40) * 100 + 1000
    write_raster(path, np.broadcast_to(columns, (40, 40)).astype("uint16"), CRS, 399_790, 6_100_210, 20)
    row = read(path)[5].astype(int)
    assert (np.diff(row) == 100).all()
    assert row[0] == 1000 + (400_010 - 399_800) / 20 * 100


def spoil(path: Path, kind: str) -> None:
    pixels = np.random.default_rng(1).integers(1, 9000, (64, 64)).astype("uint16")
    if kind == "float":
        return write_raster(path, pixels.astype("float32") / 1e4, CRS, 400_000, 6_100_000, 20)
    write_raster(path, pixels, CRS, 400_000, 6_100_000, 20)
    content = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "html":
        path.write_text("<html>login</html>")
    elif kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "header only":
        path.write_bytes(content[:300])
    elif kind == "vrt":
        path.write_text(f'<VRTDataset rasterXSize="1" rasterYSize="1"><SRS>{CRS}</SRS></VRTDataset>')
    elif kind == "no crs":
        with rasterio.open(
            path, "w", driver="GTiff", dtype="uint16", count=1, height=9, width=9, transform=from_origin(4, 4, 20, 20)
        ) as r:
            r.write(pixels[:9, :9], 1)
    elif kind == "huge":
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            dtype="uint16",
            count=1,
            height=200_000,
            width=200_000,
            tiled=True,
            compress="deflate",
            sparse_ok=True,
            crs=CRS,
            transform=from_origin(0, 0, 20, 20),
        ):
            pass
    elif kind == "jp2 mark":
        path.write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00" * 50)
    return None


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("missing", "RASTER-MISSING"),
        ("empty", "RASTER-EMPTY"),
        ("html", "RASTER-NOT-IMAGE"),
        ("truncated", "RASTER-TRUNCATED"),
        ("header only", "RASTER-TRUNCATED"),
        ("vrt", "RASTER-DRIVER"),
        ("float", "RASTER-DTYPE"),
        ("no crs", "RASTER-NO-CRS"),
        ("huge", "RASTER-TOO-LARGE"),
        ("jp2 mark", "RASTER-TRUNCATED"),
    ],
)
def test_a_raster_that_cannot_be_read_says_why_and_is_never_nodata(tmp_path: Path, kind: str, code: str) -> None:
    path = tmp_path / "band.tif"
    spoil(path, kind)
    with pytest.raises(AgroError) as refused:
        read(path, crs=None if kind == "no crs" else CRS)
    assert refused.value.refusal.code == code
    assert "band.tif" in refused.value.refusal.reason and refused.value.refusal.remedy


def test_a_raster_that_is_elsewhere_than_its_item_says_is_refused(tmp_path: Path) -> None:
    write_raster(tmp_path / "b.tif", np.ones((4, 4), "uint16"), CRS, 400_000, 6_100_000, 20)
    with pytest.raises(AgroError, match="RASTER-CRS"):
        read(tmp_path / "b.tif", crs="EPSG:32644")


def test_the_files_own_nodata_holds_too(tmp_path: Path) -> None:
    pixels = np.full((10, 10), 65535, "uint16")
    pixels[3, 3] = 1234
    write_raster(tmp_path / "b.tif", pixels, CRS, 400_000, 6_100_000, 20, nodata=65535)
    counts = read(tmp_path / "b.tif")
    assert counts[3, 3] == 1234 and counts.sum() == 1234


def test_signed_counts_keep_their_sign(tmp_path: Path) -> None:
    """Where an offset is in the counts already, the darkest surfaces lie a little below zero."""
    pixels = np.full((10, 10), -30, "int16")
    pixels[0, 0] = -9999
    write_raster(tmp_path / "b.tif", pixels, CRS, 400_000, 6_100_000, 20, nodata=-9999)
    counts = read(tmp_path / "b.tif")
    assert counts[0, 0] == 0 and counts[1, 1] == -30


def test_a_coordinate_system_that_nobody_knows(tmp_path: Path) -> None:
    write_raster(tmp_path / "b.tif", np.ones((4, 4), "uint16"), CRS, 400_000, 6_100_000, 20)
    with pytest.raises(AgroError, match="RASTER-CRS-NAME"):
        read(tmp_path / "b.tif", crs="EPSG:99999")
