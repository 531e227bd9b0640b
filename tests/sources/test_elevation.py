"""The door of heights: a plane stays a plane, a pixel has one value, and what cannot be heights is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.transform import Affine, from_origin
from shapely.geometry import box

from agro.agromaps.relief import landform
from agro.domain.errors import AgroError, BadInput, TornFile, WrongGrid
from agro.domain.grid import Grid
from agro.sources.elevation import read, uncovered

CRS = "EPSG:32645"
GRID = Grid(CRS, 420_000, 6_100_000, 40, 12, 10)
_EAST_M, _NORTH_M = 420_000, 6_100_000


def write(path: Path, heights: np.ndarray, crs: str | None, transform: Affine, **more: Any) -> Path:
    unit, scale, offset = more.pop("unit", None), more.pop("scale", None), more.pop("offset", None)
    count = more.pop("count", 1)
    shape = {"height": heights.shape[0], "width": heights.shape[1], "count": count, "dtype": heights.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **more) as raster:
        for band in range(1, count + 1):
            raster.write(heights, band)
        if unit:
            raster.units = (unit,)
        if scale is not None:
            raster.scales, raster.offsets = (scale,), (offset,)
    return path


def metric(path: Path, heights: np.ndarray, size_m: float, **more: Any) -> Path:
    return write(path, heights, CRS, from_origin(_EAST_M - 200, _NORTH_M + 200, size_m, size_m), **more)


def plane(x: Any, y: Any) -> Any:
    return 200 + 0.03 * (x - _EAST_M) + 0.04 * (y - _NORTH_M)


def plane_in(size_m: float, side: int, dtype: str = "float64") -> np.ndarray:
    middle = (np.arange(side) + 0.5) * size_m
    heights: np.ndarray = plane(_EAST_M - 200 + middle[None, :], _NORTH_M + 200 - middle[:, None]).astype(dtype)
    return heights


def in_degrees(path: Path, step_deg: tuple[float, float] = (1.5 / 3600, 1 / 3600), surface: Any = plane) -> Path:
    """The plane as Copernicus delivers its models at this latitude: 1.5 by 1 arc second."""
    to_degrees = Transformer.from_crs(CRS, 4326, always_xy=True)
    longitude, latitude = to_degrees.transform(_EAST_M + 200, _NORTH_M - 200)
    west, north = longitude - 40 * step_deg[0], latitude + 40 * step_deg[1]
    east = west + (np.arange(80) + 0.5) * step_deg[0]
    south = north - (np.arange(80) + 0.5) * step_deg[1]
    x, y = to_degrees.transform(*np.meshgrid(east, south), direction="INVERSE")
    return write(path, surface(x, y), "EPSG:4326", from_origin(west, north, *step_deg))


@pytest.mark.parametrize("size_m", [2.5, 5, 7, 12, 25, 30, 40])
def test_a_plane_stays_that_plane_whatever_the_models_pixel(tmp_path: Path, size_m: float) -> None:
    heights = read(metric(tmp_path / "h.tif", plane_in(size_m, int(1200 / size_m)), size_m), GRID)
    np.testing.assert_allclose(heights, plane(heights.x, heights.y).transpose("y", "x"), atol=1e-6)
    assert heights.name == "height" and heights.attrs["units"] == "m" and heights.dims == ("y", "x")


def test_a_model_in_degrees_is_no_fault_and_its_slope_is_right(tmp_path: Path) -> None:
    heights = read(in_degrees(tmp_path / "glo.tif"), GRID)
    np.testing.assert_allclose(heights, plane(heights.x, heights.y).transpose("y", "x"), atol=1e-3)
    slope = landform(heights, 40, 0.0)["slope"].values[1:-1, 1:-1]
    np.testing.assert_allclose(slope, 2.8624, atol=1e-3)


def test_reading_makes_no_detail_of_its_own(tmp_path: Path) -> None:
    """A parabola of curvature 1 / 2 km in 30 m pixels: no beat of the two lattices shows in the curvature."""
    side = np.arange(60)
    bowl = ((side - 30) * 30.0) ** 2 / 4000
    heights = read(metric(tmp_path / "h.tif", np.tile(bowl, (60, 1)), 30), GRID)
    second = np.diff(heights.values, 2, axis=1) / 40**2
    np.testing.assert_allclose(second, 1 / 2000, rtol=0.12)


def test_a_pixel_has_one_value_in_every_window_also_across_blocks(tmp_path: Path) -> None:
    """The window lies over the corner of four blocks of 10,240 m."""
    corner_x, corner_y = 41 * 10_240, 596 * 10_240
    rough = np.random.default_rng(1).normal(200, 9, (60, 60))
    path = write(tmp_path / "h.tif", rough, CRS, from_origin(corner_x - 911.7, corner_y + 897.3, 30.3, 29.9))
    whole_grid = Grid(CRS, corner_x - 400, corner_y + 400, 40, 20, 20)
    whole = read(path, whole_grid).values
    assert np.isfinite(whole).all()
    for part in (Grid(CRS, corner_x - 40, corner_y + 80, 40, 5, 3), Grid(CRS, corner_x, corner_y, 40, 1, 1)):
        np.testing.assert_array_equal(read(path, part).values, whole[part.rows_and_columns_in(whole_grid)])


def test_missing_data_stays_missing_and_grows_nothing(tmp_path: Path) -> None:
    """One lost pixel of 20 m takes the four pixels of 40 m that its neighbourhood touches, no height is spread."""
    heights = np.full((60, 60), 250, "int16")
    heights[20, 20] = -32767
    got = read(metric(tmp_path / "h.tif", heights, 20, nodata=-32767), GRID)
    assert set(np.unique(got.values[np.isfinite(got.values)])) == {250.0}
    assert np.argwhere(np.isnan(got.values)).tolist() == [[4, 4], [4, 5], [5, 4], [5, 5]]


def test_the_files_end_is_missing_data_not_a_repetition(tmp_path: Path) -> None:
    path = metric(tmp_path / "h.tif", np.full((20, 20), 99.0), 20)  # ends 200 m inside the grid
    got = np.isfinite(read(path, GRID).values)
    assert got[:4, :4].all() and not got[5:].any() and not got[:, 5:].any()


def test_the_tag_tells_the_unit_and_nothing_else_does(tmp_path: Path) -> None:
    heights = np.full((60, 60), 20_000.0)
    centimetres = read(metric(tmp_path / "cm.tif", heights, 20, unit="cm"), GRID)
    assert float(centimetres.max()) == pytest.approx(200)
    feet = read(metric(tmp_path / "ft.tif", heights / 100, 20, unit="Foot"), GRID)
    assert float(feet.max()) == pytest.approx(60.96)
    assert float(read(metric(tmp_path / "m.tif", heights / 100, 20), GRID).max()) == 200
    scaled = read(metric(tmp_path / "s.tif", heights, 20, scale=0.01, offset=5.0), GRID)
    assert float(scaled.max()) == pytest.approx(205)


def test_a_vertical_system_in_feet_tells_the_unit_where_the_band_is_silent(tmp_path: Path) -> None:
    path = write(
        tmp_path / "h.tif", np.full((60, 60), 1000.0), f"{CRS}+6360", from_origin(_EAST_M - 200, _NORTH_M + 200, 20, 20)
    )
    assert float(read(path, GRID).max()) == pytest.approx(304.8006)


def test_another_zone_and_another_datum_keep_the_place(tmp_path: Path) -> None:
    """The plane in the neighbouring zone, and in Pulkovo 1942, zone 14."""
    for crs in ("EPSG:32644", "EPSG:28414"):
        to_other = Transformer.from_crs(CRS, crs, always_xy=True)
        x, y = to_other.transform(_EAST_M + 200, _NORTH_M - 200)
        west, north, middle = round(x) - 900, round(y) + 900, (np.arange(72) + 0.5) * 25
        back = to_other.transform(*np.meshgrid(west + middle, north - middle), direction="INVERSE")
        heights = read(write(tmp_path / f"{crs[5:]}.tif", plane(*back), crs, from_origin(west, north, 25, 25)), GRID)
        np.testing.assert_allclose(heights, plane(heights.x, heights.y).transpose("y", "x"), atol=1e-3)


def refused(path: Path, grid: Grid = GRID) -> AgroError:
    with pytest.raises(AgroError) as told:
        read(path, grid)
    assert "{" not in str(told.value)
    return told.value


def spoilt(folder: Path, kind: str) -> Path:
    path, heights = folder / "h.tif", np.full((60, 60), 200.0)
    by_kind: dict[str, dict[str, Any]] = {
        "degrees": {"unit": "degree"},
        "two bands": {"count": 2},
    }
    if kind in by_kind:
        return metric(path, heights, 20, **by_kind[kind])
    if kind == "no system":
        return write(path, heights, None, from_origin(_EAST_M, _NORTH_M, 20, 20))
    if kind == "degrees called metres":
        return write(path, heights, CRS, from_origin(85.7, 55.0, 1 / 3600, 1 / 3600))
    if kind == "metres called degrees":
        return write(path, heights, "EPSG:4326", from_origin(_EAST_M, _NORTH_M, 20, 20))
    if kind == "local system":
        return write(path, heights, 'LOCAL_CS["site",UNIT["metre",1]]', from_origin(_EAST_M, _NORTH_M, 20, 20))
    if kind == "coarse":
        return metric(path, heights, 90)
    if kind == "untagged mark":
        heights[20:23, 20:23] = -9999
    if kind == "too high":
        heights[30, 30] = 9500
    if kind == "elsewhere":
        return write(path, heights, CRS, from_origin(_EAST_M + 50_000, _NORTH_M, 20, 20))
    if kind == "nothing but zeros":
        heights[:] = 0
    return metric(path, heights, 20)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("degrees", "ELEVATION-UNIT"),
        ("two bands", "ELEVATION-BANDS"),
        ("no system", "ELEVATION-NO-PLACE"),
        ("degrees called metres", "ELEVATION-CRS-UNIT"),
        ("metres called degrees", "ELEVATION-CRS-UNIT"),
        ("local system", "ELEVATION-CRS"),
        ("coarse", "ELEVATION-COARSE"),
        ("untagged mark", "ELEVATION-RANGE"),
        ("too high", "ELEVATION-RANGE"),
        ("elsewhere", "ELEVATION-NOTHING"),
        ("nothing but zeros", "ELEVATION-NOTHING"),
    ],
)
def test_what_cannot_be_heights_is_refused_in_a_sentence(tmp_path: Path, kind: str, code: str) -> None:
    told = refused(spoilt(tmp_path, kind))
    assert isinstance(told, BadInput) and told.refusal.code == code and "h.tif" in str(told)


def test_a_file_that_is_no_raster_or_is_cut_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.tif"
    page.write_text("<html>login</html>")
    assert refused(page).refusal.code == "RASTER-NOT-IMAGE"
    virtual = tmp_path / "v.tif"
    virtual.write_text("<VRTDataset></VRTDataset>")
    assert refused(virtual).refusal.code == "RASTER-DRIVER"
    torn = metric(tmp_path / "torn.tif", np.random.default_rng(1).normal(200, 9, (300, 300)), 20)
    torn.write_bytes(torn.read_bytes()[:200_000])
    assert isinstance(refused(torn), TornFile)


@pytest.mark.parametrize(
    "grid",
    [
        Grid("EPSG:4326", 80, 60, 40, 5, 5),
        Grid(CRS, 420_020, 6_100_000, 40, 5, 5),
        Grid(CRS, 420_000, 6_100_000, 30, 5, 5),
    ],
)
def test_a_grid_in_degrees_or_off_the_lattice_is_refused(tmp_path: Path, grid: Grid) -> None:
    path = metric(tmp_path / "h.tif", np.full((60, 60), 200.0), 20)
    assert isinstance(refused(path, grid), WrongGrid)


def land_and_zeros(shore: str) -> np.ndarray:
    """Hills of 150..250 m, or a shore that rises from the sea; zeros fill the western third."""
    rows, columns = np.mgrid[0:60, 0:60]
    heights = 200 + 50 * np.sin(columns / 9) * np.cos(rows / 7)
    if shore == "sea":
        heights = np.maximum(0, (columns - 20) * 1.5 + np.sin(rows))
    if shore == "fjord":
        heights = np.maximum(0, (columns - 20) * 28.0 + 5 * np.sin(rows))
    if shore == "dyke":
        heights = np.where(columns == 20, 4.0, 1.0 + columns / 100)
    heights[:, :20] = 0
    if shore == "lake bed":
        heights[:, :20] = 200
        heights[5, 5:8] = 0
    return heights


@pytest.mark.parametrize(
    ("shore", "missing"), [("cliff", True), ("sea", False), ("fjord", False), ("dyke", False), ("lake bed", False)]
)
def test_zeros_with_cliffs_are_missing_and_zeros_with_a_shore_are_the_sea(
    tmp_path: Path, shore: str, missing: bool
) -> None:
    heights = read(metric(tmp_path / "h.tif", land_and_zeros(shore), 20), GRID)
    assert heights.attrs["zero_is_missing"] is missing
    west = heights.values[:, :4]
    if missing:
        assert np.isnan(west).all() and float(heights.min()) > 100
    elif shore != "lake bed":
        assert (west == 0).all()


def test_a_changed_file_is_judged_anew(tmp_path: Path) -> None:
    path = metric(tmp_path / "h.tif", land_and_zeros("cliff"), 20)
    assert read(path, GRID).attrs["zero_is_missing"]
    metric(path, land_and_zeros("sea") + 0.25 * (land_and_zeros("sea") > 0), 20)
    assert not read(path, GRID).attrs["zero_is_missing"]


def test_only_the_field_that_the_model_does_not_cover_is_refused(tmp_path: Path) -> None:
    """The file ends 200 m inside the grid: one field inside, one cut at its middle, one beyond everything."""
    heights = read(metric(tmp_path / "h.tif", np.full((20, 20), 99.0), 20), GRID)
    x, y = _EAST_M, _NORTH_M
    fields = {
        "inside": box(x + 40, y - 120, x + 120, y - 40),
        "cut": box(x + 80, y - 160, x + 240, y - 80),
        "beyond": box(x + 9000, y - 160, x + 9080, y - 80),
    }
    told = uncovered(heights, GRID, list(fields), list(fields.values()), 0)
    assert [(r.field_id, r.code, r.facts["share"]) for r in told] == [
        ("cut", "ELEVATION-UNCOVERED", 50.0),
        ("beyond", "ELEVATION-UNCOVERED", 100.0),
    ]
    assert [r.field_id for r in uncovered(heights, GRID, ["inside"], [fields["inside"]], 160)] == ["inside"]


def test_a_refusal_says_when_zeros_were_taken_for_missing(tmp_path: Path) -> None:
    heights = read(metric(tmp_path / "h.tif", land_and_zeros("cliff"), 20), GRID)
    (told,) = uncovered(heights, GRID, ["west"], [box(_EAST_M, _NORTH_M - 80, _EAST_M + 80, _NORTH_M)], 0)
    assert "its zeros end in cliffs" in told.reason and "100.0 %" in told.reason
