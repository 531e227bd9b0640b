import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from agro.agromaps.zone_shape import disk_of, outlines, spread, workable
from agro.domain.errors import BadInput
from agro.domain.grid import Grid

WIDTH_M = 24.0


def grid(side: int) -> Grid:
    return Grid("EPSG:32645", 500_000, 6_100_000, 10, side, side)


def patches(side: int, seed: int, smoothness_px: float = 6.0) -> np.ndarray:
    surface = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), smoothness_px)
    zone = (np.digitize(surface, np.quantile(surface, [0.3, 0.7])) + 1).astype("uint8")
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    zone[rows**2 + columns**2 > (side / 2 - 2) ** 2] = 0
    return zone


def test_a_disk_by_hand() -> None:
    assert disk_of(1.0).tolist() == [[True]]
    assert disk_of(4.8).sum() == 21 and disk_of(4.8).shape == (5, 5)
    assert disk_of(4.0).sum() == 12 and disk_of(0.3).shape == (1, 1)


def test_the_nearest_class_is_carried_over_a_hole() -> None:
    zone = np.array([[1, 0, 0, 2], [1, 0, 0, 2]])
    over = np.array([[True, True, True, True], [True, True, True, False]])
    assert spread(zone, over).tolist() == [[1, 1, 2, 2], [1, 1, 2, 0]]
    assert not spread(np.zeros((2, 2), int), np.ones((2, 2), bool)).any()


@pytest.mark.parametrize("strip_px", [1, 2, 3, 4])
def test_a_strip_narrower_than_twice_the_machine_vanishes(strip_px: int) -> None:
    zone = np.ones((60, 60), "uint8")
    zone[:, 28 : 28 + strip_px] = 2
    assert (workable(zone, 10, WIDTH_M, 0.5) == 1).all()


def test_a_strip_as_wide_as_asked_stays_whichever_way_it_runs() -> None:
    zone = np.ones((60, 60), "uint8")
    zone[:, 25:31] = 2
    np.testing.assert_array_equal(workable(zone, 10, WIDTH_M, 0.5) == 2, zone == 2)
    rows, columns = np.mgrid[:60, :60]
    slanted = np.where(np.abs(rows - columns) <= 5, 2, 1).astype("uint8")  # 11 px along a row, 78 m across
    kept = workable(slanted, 10, WIDTH_M, 0.5) == 2
    assert kept.sum() > 0.9 * (slanted == 2).sum()
    thin = np.where(np.abs(rows - columns) <= 2, 2, 1).astype("uint8")  # 35 m across
    assert (workable(thin, 10, WIDTH_M, 0.5) == 1).all()


def test_a_part_too_small_goes_to_the_neighbour_with_the_longest_border() -> None:
    zone = np.ones((60, 60), "uint8")
    zone[:, 30:] = 2
    zone[20:26, 27:33] = 3  # 0.36 ha, 3 columns in each half: 12 + 0 edges each
    zone[20:26, 33:35] = 3  # and 2 more to the right: the longer border is with 2
    assert set(np.unique(workable(zone, 10, WIDTH_M, 0.5))) == {1, 2}
    assert (workable(zone, 10, WIDTH_M, 0.5)[20:26, 30:35] == 2).all()
    assert 3 in workable(zone, 10, WIDTH_M, 0.3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(2, 10), st.sampled_from([12.0, 24.0, 36.0]))
def test_every_part_holds_the_machine_and_no_pixel_is_lost(seed: int, smoothness_px: float, width_m: float) -> None:
    zone = patches(70, seed, smoothness_px)
    shaped = workable(zone, 10, width_m, 0.5)
    np.testing.assert_array_equal(shaped > 0, zone > 0)
    assert set(np.unique(shaped)) <= set(np.unique(zone))
    disk = disk_of(2 * width_m / 10)
    for one in np.unique(shaped[shaped > 0]):
        opened = ndimage.binary_opening(shaped == one, disk)
        parts, count = ndimage.label(shaped == one)
        for part in range(1, count + 1):
            assert (parts == part).sum() >= 50  # 0.5 ha
            assert (opened & (parts == part)).any()
        away = ndimage.distance_transform_edt(~opened)[shaped == one]
        assert (away * 10 > 2 * width_m).mean() < 0.01  # arms no longer than the machine's two passes


def test_outlines_are_the_field_without_gap_or_overlap() -> None:
    zone = workable(patches(90, 5), 10, WIDTH_M, 0.5)
    field = shapely.Point(500_450, 6_099_550).buffer(430).union(shapely.box(500_450, 6_099_540, 500_930, 6_099_560))
    drawn = outlines(zone, grid(90), field)
    assert len(drawn) == 3 and all(one.is_valid for one in drawn)
    assert sum(one.area for one in drawn) == pytest.approx(field.area, rel=1e-9)
    assert shapely.union_all(drawn).symmetric_difference(field).area < 1e-3
    for i, one in enumerate(drawn):
        assert one.area / 1e4 == pytest.approx((zone == i + 1).sum() / 100, abs=0.08 * one.area / 1e4)
        for other in drawn[:i]:
            assert one.intersection(other).area < 1e-3
    edge = shapely.union_all([one.boundary for one in drawn])
    assert shapely.distance(shapely.points(field.exterior.coords), edge).max() < 1e-6  # every corner is still there


def test_without_an_outline_the_pixels_edges_are_kept() -> None:
    zone = patches(60, 2)
    drawn = outlines(zone, grid(60))
    assert sum(one.area for one in drawn) == pytest.approx((zone > 0).sum() * 100)
    straight = outlines(np.ones((3, 3), "uint8"), grid(3))
    assert straight[0].equals(shapely.box(500_000, 6_099_970, 500_030, 6_100_000))


def test_borders_move_by_less_than_a_pixel_and_lose_their_steps() -> None:
    rows, columns = np.mgrid[:60, :60]
    zone = np.where(rows > columns, 2, 1).astype("uint8")
    low, high = outlines(zone, grid(60))
    assert len(shapely.get_coordinates(low)) < 20  # a staircase of 60 steps became a line
    border = low.boundary.intersection(high.boundary)
    middle = shapely.LineString([(500_000, 6_100_000), (500_600, 6_099_400)])
    assert border.hausdorff_distance(middle) <= 10


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_even_single_pixels_are_drawn_with_their_class(seed: int) -> None:
    zone = np.random.default_rng(seed).integers(1, 4, (12, 12)).astype("uint8")
    drawn = outlines(zone, grid(12))
    assert sum(one.area for one in drawn) == pytest.approx(14_400)
    for number, one in enumerate(drawn, start=1):
        assert one.area == pytest.approx((zone == number).sum() * 100, rel=0.35)


def test_no_zone_and_a_broken_outline_are_refused() -> None:
    with pytest.raises(BadInput, match="ZONE-NONE"):
        outlines(np.zeros((3, 3), "uint8"), grid(3))
    crossed = shapely.MultiPolygon([shapely.box(500_000, 6_099_900, 500_060, 6_100_000)] * 2)
    with pytest.raises(BadInput, match="ZONE-BALANCE"):
        outlines(np.ones((10, 10), "uint8"), grid(10), crossed)
