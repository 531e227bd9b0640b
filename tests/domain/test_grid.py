from hypothesis import given
from hypothesis import strategies as st

from agro.domain.grid import BLOCK_M, Block, Grid, blocks_over, grid_around

GRID = Grid("EPSG:32645", 400_000, 6_100_000, 10, 4, 6)


def test_bounds_and_the_same_ground_at_20_m() -> None:
    assert GRID.bounds == (400_000, 6_099_960, 400_060, 6_100_000)
    assert GRID.at(20).shape == (2, 3)
    assert GRID.at(20).bounds == GRID.bounds


def test_the_same_ground_at_40_m_keeps_the_lattice_and_grows_to_whole_pixels() -> None:
    """Blocks nest exactly; an edge on an odd multiple of 20 m moves outward to the pixel's own edge."""
    assert Block("EPSG:32645", 39, 595).grid(20).at(40) == Block("EPSG:32645", 39, 595).grid(40)
    odd = Grid("EPSG:32645", 400_020, 6_100_020, 20, 3, 2)
    assert odd.at(40).bounds == (400_000, 6_099_960, 400_080, 6_100_040)
    assert odd.at(10).bounds == odd.bounds and odd.at(20) == odd


def test_cut_keeps_the_20_m_lattice() -> None:
    cut = GRID.cut_to((400_013, 6_099_970, 400_031, 6_100_500))
    assert cut is not None
    assert cut.bounds == (400_000, 6_099_960, 400_040, 6_100_000)
    assert GRID.cut_to((0, 0, 1, 1)) is None


def test_padded_grid_holds_the_grid_where_it_says() -> None:
    outer = GRID.padded(20)
    assert outer.shape == (8, 10)
    assert GRID.rows_and_columns_in(outer) == (slice(2, 6), slice(2, 8))


def test_the_geobox_is_the_same_ground() -> None:
    box = GRID.geobox.boundingbox
    assert (box.left, box.bottom, box.right, box.top) == GRID.bounds


@given(west=st.floats(-1e5, 9e5), south=st.floats(-1e5, 9.9e6), width=st.floats(1, 50_000), height=st.floats(1, 50_000))
def test_blocks_cover_what_they_are_asked_for(west: float, south: float, width: float, height: float) -> None:
    bounds = (west, south, west + width, south + height)
    blocks = blocks_over("EPSG:32645", bounds)
    around = grid_around(blocks, 20).bounds
    assert around[0] <= bounds[0] and around[1] <= bounds[1]
    assert around[2] >= bounds[2] and around[3] >= bounds[3]
    assert len({block.block_id for block in blocks}) == len(blocks)
    assert all(block.bounds[2] - block.bounds[0] == BLOCK_M for block in blocks)


def test_a_blocks_grid_is_its_square() -> None:
    block = Block("EPSG:32645", 39, 595)
    assert block.grid(10).bounds == block.bounds
    assert block.grid(10).shape == (1024, 1024)
    assert block.block_id == "32645-x0039y0595"
