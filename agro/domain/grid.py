"""Where pixels lie: one lattice for each UTM zone, and the blocks in which work is done.

The lattice is anchored at (0, 0) of the zone, with edges at multiples of 20 m; 10 m pixels nest in it, and it
nests in the 40 m pixels of relief. So two maps of one zone always agree on pixel edges, whatever image they came
from, and a block has the same name for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from affine import Affine
    from odc.geo.geobox import GeoBox

LATTICE_M = 20  # [m], the edge of Sentinel-2's coarser pixels used here
BLOCK_M = 10_240  # [m], the side of a block: 1,024 pixels of 10 m


@dataclass(frozen=True)
class Grid:
    """A window of a zone's lattice: `crs` in metres, upper left corner, pixel size [m], shape in pixels."""

    crs: str
    west_m: int
    north_m: int
    resolution_m: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.height, self.width

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """(west, south, east, north) [m]."""
        return (
            self.west_m,
            self.north_m - self.height * self.resolution_m,
            self.west_m + self.width * self.resolution_m,
            self.north_m,
        )

    @property
    def geobox(self) -> GeoBox:
        """The same as an odc-geo GeoBox."""
        from odc.geo.geobox import GeoBox

        return GeoBox(self.shape, self.transform, self.crs)

    @property
    def transform(self) -> Affine:
        """Pixel (column, row) to metres."""
        from affine import Affine

        return Affine(self.resolution_m, 0, self.west_m, 0, -self.resolution_m, self.north_m)

    def at(self, resolution_m: int) -> Grid:
        """The same ground in pixels of another size, 10, 20 or 40 m; grown to whole pixels of the lattice."""
        west, south, east, north = self.bounds
        west, north = west // resolution_m * resolution_m, -(-north // resolution_m) * resolution_m
        height, width = -(-(north - south) // resolution_m), -(-(east - west) // resolution_m)
        return Grid(self.crs, west, north, resolution_m, height, width)

    def padded(self, margin_m: int) -> Grid:
        """The ground with a margin on each side [m], a multiple of the pixel."""
        pixels = -(-margin_m // self.resolution_m)
        return replace(
            self,
            west_m=self.west_m - pixels * self.resolution_m,
            north_m=self.north_m + pixels * self.resolution_m,
            height=self.height + 2 * pixels,
            width=self.width + 2 * pixels,
        )

    def anchored(self, west_m: int, north_m: int, step_m: int) -> Grid:
        """Grown to the west and north, until its corner lies whole steps [m] from another one; resolution fits both."""
        more_west, more_north = (self.west_m - west_m) % step_m, (north_m - self.north_m) % step_m
        size = self.resolution_m
        return replace(
            self,
            west_m=self.west_m - more_west,
            north_m=self.north_m + more_north,
            height=self.height + more_north // size,
            width=self.width + more_west // size,
        )

    def windows(self, side_m: int) -> list[Grid]:
        """The grid cut into squares [m] from its upper left corner, row by row; the last ones may be smaller."""
        step = side_m // self.resolution_m
        return [
            replace(
                self,
                west_m=self.west_m + column * self.resolution_m,
                north_m=self.north_m - row * self.resolution_m,
                height=min(step, self.height - row),
                width=min(step, self.width - column),
            )
            for row in range(0, self.height, step)
            for column in range(0, self.width, step)
        ]

    def cut_to(self, bounds: tuple[float, float, float, float]) -> Grid | None:
        """What remains inside bounds (west, south, east, north) [m], edges on the 20 m lattice; None if nothing."""
        west, south, east, north = bounds
        mine = self.bounds
        step = max(LATTICE_M, self.resolution_m)
        low_x = max(mine[0], int(west // step) * step)
        low_y = max(mine[1], int(south // step) * step)
        high_x = min(mine[2], int(-(-east // step)) * step)
        high_y = min(mine[3], int(-(-north // step)) * step)
        if low_x >= high_x or low_y >= high_y:
            return None
        size = self.resolution_m
        return Grid(self.crs, low_x, high_y, size, (high_y - low_y) // size, (high_x - low_x) // size)

    def rows_and_columns_in(self, outer: Grid) -> tuple[slice, slice]:
        """Where this grid lies inside `outer`, which has the same lattice and pixel size."""
        row = (outer.north_m - self.north_m) // self.resolution_m
        column = (self.west_m - outer.west_m) // self.resolution_m
        return slice(row, row + self.height), slice(column, column + self.width)


@dataclass(frozen=True, order=True)
class Block:
    """The unit of work: one square of the zone's lattice, `column` and `row` counted from its origin."""

    crs: str
    column: int
    row: int

    @property
    def block_id(self) -> str:
        """A name that never changes: `32645-x0040y0601`."""
        return f"{self.crs.rsplit(':', 1)[-1]}-x{self.column:04d}y{self.row:04d}"

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """(west, south, east, north) [m]."""
        west, south = self.column * BLOCK_M, self.row * BLOCK_M
        return west, south, west + BLOCK_M, south + BLOCK_M

    def grid(self, resolution_m: int) -> Grid:
        """The block's pixels."""
        west, _, _, north = self.bounds
        pixels = BLOCK_M // resolution_m
        return Grid(self.crs, west, north, resolution_m, pixels, pixels)


def blocks_over(crs: str, bounds: tuple[float, float, float, float]) -> list[Block]:
    """All blocks that bounds (west, south, east, north) [m] touch."""
    west, south, east, north = bounds
    return [
        Block(crs, column, row)
        for row in range(int(south // BLOCK_M), int(-(-north // BLOCK_M)))
        for column in range(int(west // BLOCK_M), int(-(-east // BLOCK_M)))
    ]


def grid_around(blocks: list[Block], resolution_m: int) -> Grid:
    """The smallest grid that holds all blocks of one zone."""
    wests, souths, easts, norths = zip(*(block.bounds for block in blocks), strict=True)
    west, north = min(wests), max(norths)
    height, width = ((high - low) // resolution_m for low, high in ((min(souths), north), (west, max(easts))))
    return Grid(blocks[0].crs, west, north, resolution_m, height, width)


def around(crs: str, bounds: tuple[float, float, float, float], resolution_m: int, margin_m: float = 0.0) -> Grid:
    """The smallest grid that holds bounds (west, south, east, north) [m] with a margin; edges fit all pixel sizes."""
    step = max(2 * LATTICE_M, resolution_m)
    west, south, east, north = bounds
    low_x, low_y = (int((v - margin_m) // step) * step for v in (west, south))
    high_x, high_y = (int(-(-(v + margin_m) // step)) * step for v in (east, north))
    return Grid(crs, low_x, high_y, resolution_m, (high_y - low_y) // resolution_m, (high_x - low_x) // resolution_m)
