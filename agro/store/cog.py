"""A cloud-optimised GeoTIFF put together from windows, each compressed where it was made: no whole layer is ever held.

GDAL itself writes such a file only from all its pixels at once, and takes six times as long (`make bench`). Here a
window becomes compressed tiles of 512 pixels and an overview of half its size; `tiff` puts directories in front.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
import pyarrow as pa

from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.domain.layers import Layer
from agro.store.tiff import TILE_PX, Level, file_of

_LEVEL = 1  # of zstd: level 3 takes two to three times as long for the same size, deflate five times (docs/scale.md)
_LARGEST_SIDE_PX = 40_000  # [px] keeps a file below the 4 GB of plain TIFF
_compiled: Callable[[Callable[..., Any]], Any] = numba.njit(nogil=True, cache=True, error_model="numpy")


@dataclass(frozen=True)
class Counted:
    """What the believed pixels of a raster or a part of it add up to, in stored integers; parts are added by `+`."""

    pixels: int = 0
    believed: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.pixels + other.pixels,
            self.believed + other.believed,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.total + other.total,
            self.squares + other.squares,
        )

    def as_tags(self) -> dict[str, float]:
        """By GDAL's names for statistics; empty where no pixel is believed."""
        if not self.believed:
            return {}
        mean = self.total / self.believed
        return {
            "MINIMUM": int(self.lowest),
            "MAXIMUM": int(self.highest),
            "MEAN": mean,
            "STDDEV": max(self.squares / self.believed - mean * mean, 0.0) ** 0.5,
            "VALID_PERCENT": round(100 * self.believed / self.pixels, 4),
        }


@dataclass(frozen=True)
class Piece:
    """A window of a raster: its first row and column [px], its tiles row by row (empty: nothing believed), its half."""

    row: int
    column: int
    tiles: tuple[bytes, ...]
    half: np.ndarray = field(repr=False)
    counted: Counted


@dataclass(frozen=True)
class Cog:
    """A file's content, in pieces to be written one after the other, and what its pixels add up to."""

    content: Sequence[bytes]
    counted: Counted


def compressed(layer: Layer, stored: np.ndarray, row: int, column: int) -> Piece:
    """A window of stored integers (y, x) that begins at a tile's corner, `row` and `column` in the raster [px]."""
    counted = Counted(stored.size, *_count(stored, layer.nodata, _nothing(stored)))
    if not counted.believed:
        return Piece(row, column, (), np.empty((0, 0), stored.dtype), counted)
    return Piece(row, column, tuple(_tiles(stored, layer.nodata)), _half(layer, stored), counted)


def assembled(layer: Layer, grid: Grid, pieces: Sequence[Piece]) -> Cog:
    """The file of a raster from the windows that hold something; what none of them covers is nodata.

    Equal pixels give equal bytes, whatever the windows.
    """
    if max(grid.shape) > _LARGEST_SIDE_PX:
        raise BadInput(
            "RASTER-TOO-LARGE",
            "{where}: {met} pixels a side, the limit is {expected}",
            "cut it into tiles",
            where=layer.name,
            met=max(grid.shape),
            expected=_LARGEST_SIDE_PX,
        )
    counted = sum((piece.counted for piece in sorted(pieces, key=lambda p: (p.row, p.column))), Counted())
    counted = Counted(grid.height * grid.width, *[getattr(counted, name) for name in _SUMS])
    levels = [_first_level(grid.shape, pieces)]
    stored = _halves(layer, grid.shape, pieces)
    while max(levels[-1].shape) > TILE_PX:
        levels.append(Level(stored.shape, list(_tiles(stored, layer.nodata))))
        stored = _half(layer, stored)
    return Cog(file_of(levels, layer, grid, counted.as_tags()), counted)


_SUMS = ("believed", "lowest", "highest", "total", "squares")


def _first_level(shape: tuple[int, int], pieces: Sequence[Piece]) -> Level:
    across = -(-shape[1] // TILE_PX)
    tiles = [b""] * (-(-shape[0] // TILE_PX) * across)
    for piece in pieces:
        first = piece.row // TILE_PX * across + piece.column // TILE_PX
        wide = -(-piece.half.shape[1] * 2 // TILE_PX)
        for n, tile in enumerate(piece.tiles):
            tiles[first + n // wide * across + n % wide] = tile
    return Level(shape, tiles)


def _halves(layer: Layer, shape: tuple[int, int], pieces: Sequence[Piece]) -> np.ndarray:
    whole = np.full((-(-shape[0] // 2), -(-shape[1] // 2)), layer.nodata, layer.dtype)
    for piece in pieces:
        row, column = piece.row // 2, piece.column // 2
        whole[row : row + piece.half.shape[0], column : column + piece.half.shape[1]] = piece.half
    return whole


def _tiles(stored: np.ndarray, nodata: int) -> "list[bytes]":
    """Tile by tile, each pixel less its neighbour to the left, compressed; empty where nothing is believed."""
    codec = pa.Codec("zstd", compression_level=_LEVEL)
    tile, found = np.empty((TILE_PX, TILE_PX), stored.dtype), []
    for row in range(0, stored.shape[0], TILE_PX):
        for column in range(0, stored.shape[1], TILE_PX):
            own = stored[row : row + TILE_PX, column : column + TILE_PX]
            if own[0, 0] == nodata and (own == nodata).all():
                found.append(b"")
                continue
            _differences(own, tile)
            found.append(codec.compress(tile, asbytes=True))
    return found


def _nothing(stored: np.ndarray) -> Any:
    """The zero to sum from: whole numbers where 64 bits hold every sum of squares, else real ones."""
    return np.int64(0) if stored.dtype.itemsize < 4 else np.float64(0)


def _half(layer: Layer, stored: np.ndarray) -> np.ndarray:
    """Half the size: classes as their upper left pixel, values as the mean of what is believed of four."""
    if layer.is_class:
        return np.ascontiguousarray(stored[::2, ::2])
    half = np.empty((-(-stored.shape[0] // 2), -(-stored.shape[1] // 2)), stored.dtype)
    _means_of_four(stored, layer.nodata, np.float32(0) if stored.dtype.itemsize < 4 else np.float64(0), half)
    return half


@_compiled
def _count(stored, nodata, nothing):  # type: ignore[no-untyped-def]
    """How many pixels are believed, the lowest, the highest, the sum, the sum of squares, in the type of `nothing`."""
    believed, total, squares = 0, nothing, nothing
    lowest, highest = nothing + 2147483647, nothing - 2147483648
    for y in range(stored.shape[0]):
        for x in range(stored.shape[1]):
            value, seen = nothing + stored[y, x], stored[y, x] != nodata
            believed += seen
            total += value if seen else nothing
            squares += value * value if seen else nothing
            low, high = value if seen else lowest, value if seen else highest
            lowest = low if low < lowest else lowest
            highest = high if high > highest else highest
    return believed, lowest, highest, total, squares


@_compiled
def _differences(stored, tile):  # type: ignore[no-untyped-def]
    """Fill the tile with each pixel less its left neighbour; beyond the edges the last one goes on."""
    height, width = stored.shape
    for y in range(height):
        tile[y, 0] = stored[y, 0]
        for x in range(1, width):
            tile[y, x] = stored[y, x] - stored[y, x - 1]
        tile[y, width:] = 0
    for y in range(height, tile.shape[0]):
        tile[y] = tile[height - 1]


@_compiled
def _means_of_four(stored, nodata, nothing, half):  # type: ignore[no-untyped-def]
    """Fill the half with the means of what is believed of each four pixels, rounded; nodata where nothing is."""
    height, width = stored.shape
    for y in range(half.shape[0]):
        above, below = stored[2 * y], stored[min(2 * y + 1, height - 1)]
        for x in range(width // 2):
            half[y, x] = _mean(above[2 * x], above[2 * x + 1], below[2 * x], below[2 * x + 1], nodata, nothing)
        if width % 2:
            half[y, width // 2] = _mean(
                above[width - 1], above[width - 1], below[width - 1], below[width - 1], nodata, nothing
            )


@_compiled
def _mean(a, b, c, d, nodata, nothing):  # type: ignore[no-untyped-def]
    n = (a != nodata) + (b != nodata) + (c != nodata) + (d != nodata)
    total = nothing + (a if a != nodata else 0) + (b if b != nodata else 0)
    total += nothing + (c if c != nodata else 0) + (d if d != nodata else 0)
    mean = np.floor(total / (nothing + max(n, 1)) + (nothing + 0.5))
    return mean if n else nothing + nodata
