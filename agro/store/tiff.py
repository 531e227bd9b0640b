"""The file of a cloud-optimised GeoTIFF from its compressed tiles: directories first, overviews before the raster.

What GDAL knows best, coordinate system and metadata, it writes itself, into a raster of one pixel that lends its words.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rasterio.io import MemoryFile

from agro.domain.grid import Grid
from agro.domain.layers import Layer

TILE_PX = 512  # [px] a side
_ZSTD, _HORIZONTAL = 50_000, 2  # TIFF's numbers of the compression and of the predictor
_LENT = (33550, 33922, 34735, 34736, 34737, 42112, 42113)  # tags of place, coordinate system, metadata and nodata
_SIZE_OF = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 12: 8}  # [byte] of a value, by TIFF's number of its type
_LAYOUT = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_Value = tuple[int, int, bytes]  # of a tag: TIFF's number of its type, count, bytes


@dataclass(frozen=True)
class Level:
    """The raster or one of its overviews: shape [px] and compressed tiles row by row, empty where nothing is."""

    shape: tuple[int, int]
    tiles: list[bytes]


def file_of(levels: Sequence[Level], layer: Layer, grid: Grid, statistics: Mapping[str, float]) -> list[bytes]:
    """Header, the directories of all levels, then their tiles, from the smallest level to the raster itself."""
    lent = _lent(layer, grid, statistics)
    front = f"GDAL_STRUCTURAL_METADATA_SIZE={len(_LAYOUT):06d} bytes\n{_LAYOUT}".encode()
    front += b"\x00" * (len(front) % 2)
    directories = [_tags(level, layer, lent, is_overview=n > 0) for n, level in enumerate(levels)]
    starts = [8 + len(front)]
    for tags in directories:
        starts.append(starts[-1] + _length(tags))
    content, at = [], starts[-1]
    for level, tags in reversed(list(zip(levels, directories, strict=True))):
        offsets = []
        for tile in level.tiles:
            offsets.append(at + 4 if tile else 0)
            if tile:
                content += [struct.pack("<I", len(tile)), tile, tile[-4:]]
                at += len(tile) + 8
        tags[324] = _longs(offsets)
    following = [*starts[1:-1], 0]
    made = [_directory(*each) for each in zip(directories, starts, following, strict=False)]
    return [struct.pack("<2sHI", b"II", 42, starts[0]), front, *made, *content]


def _lent(layer: Layer, grid: Grid, statistics: Mapping[str, float]) -> dict[int, _Value]:
    """TIFF tags of the place, the coordinate system and the metadata, as GDAL writes them: type, count, value."""
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            dtype=layer.dtype,
            count=1,
            height=1,
            width=1,
            crs=grid.crs,
            transform=grid.transform,
            nodata=layer.nodata,
        ) as one:
            one.set_band_description(1, layer.name)
            one.scales, one.units = (layer.step,), (layer.unit,)
            one.update_tags(1, **{f"STATISTICS_{name}": repr(value) for name, value in statistics.items()})
        content = bytes(memory.getbuffer())
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    found = {}
    for n in range(count):
        tag, kind, many, value = struct.unpack_from("<HHII", content, at + 2 + 12 * n)
        size = _SIZE_OF.get(kind, 0) * many
        start = value if size > 4 else at + 2 + 12 * n + 8
        found[tag] = kind, many, content[start : start + size]
    return {tag: found[tag] for tag in _LENT if tag in found}


def _tags(level: Level, layer: Layer, lent: Mapping[int, _Value], *, is_overview: bool) -> dict[int, _Value]:
    """The tags of one level; where its tiles lie is filled in later."""
    pixel = np.dtype(layer.dtype)
    kept = {tag: value for tag, value in lent.items() if tag == _LENT[-1] or not is_overview}
    return {
        **({254: _longs([1])} if is_overview else {}),
        256: _longs([level.shape[1]]),
        257: _longs([level.shape[0]]),
        258: _shorts(8 * pixel.itemsize),
        259: _shorts(_ZSTD),
        262: _shorts(1),
        277: _shorts(1),
        284: _shorts(1),
        317: _shorts(_HORIZONTAL),
        322: _shorts(TILE_PX),
        323: _shorts(TILE_PX),
        324: _longs([0] * len(level.tiles)),
        325: _longs([len(tile) for tile in level.tiles]),
        339: _shorts(2 if pixel.kind == "i" else 1),
        **kept,
    }


def _shorts(value: int) -> _Value:
    return 3, 1, struct.pack("<H", value)


def _longs(values: Sequence[int]) -> _Value:
    return 4, len(values), struct.pack(f"<{len(values)}I", *values)


def _length(tags: Mapping[int, _Value]) -> int:
    """Bytes of a directory and of the values that do not fit into it, each at an even place."""
    return 2 + 12 * len(tags) + 4 + sum(len(v) + len(v) % 2 for _, _, v in tags.values() if len(v) > 4)


def _directory(tags: Mapping[int, _Value], start: int, following: int) -> bytes:
    entries, beyond, at = [], [], start + 2 + 12 * len(tags) + 4
    for tag, (kind, count, value) in sorted(tags.items()):
        if len(value) > 4:
            entries.append(struct.pack("<HHII", tag, kind, count, at))
            beyond.append(value + b"\x00" * (len(value) % 2))
            at += len(beyond[-1])
        else:
            entries.append(struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\x00"))
    return b"".join([struct.pack("<H", len(tags)), *entries, struct.pack("<I", following), *beyond])
