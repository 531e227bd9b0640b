"""The ground that is asked of a service, cut into rectangles, and the checked answers put together into local files."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from agro.domain.errors import BadInput, Told, TornFile
from agro.domain.grid import LATTICE_M, Grid
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.sources.raster import opened

LARGEST_SIDE_PX = 2500  # [px] of one answer. source: Sentinel Hub, Process API
_LARGEST_M = (LARGEST_SIDE_PX - 4) * 10 // LATTICE_M * LATTICE_M  # [m]
_HIGHEST_CLASS = 11  # SCL of Sentinel-2 L2A ends with snow
_NEAR_M = 1.0  # [m] a footprint in degrees is that exact

Bounds = tuple[float, float, float, float]


def middle_of(cut: Grid, side_px: int) -> Grid:
    """Not more than a square of so many pixels from the middle of a grid."""
    height, width = min(cut.height, side_px), min(cut.width, side_px)
    down, right = (cut.height - height) // 2 * cut.resolution_m, (cut.width - width) // 2 * cut.resolution_m
    return replace(cut, west_m=cut.west_m + right, north_m=cut.north_m - down, height=height, width=width)


def seen(look: Acquisition, squares: Sequence[Bounds], squares_crs: str, crs: str, margin_m: float) -> list[Grid]:
    """The squares with a margin [m] as few rectangles in `crs`, none too large for one answer, as far as the look's
    footprint goes."""
    here = [b if squares_crs == crs else transform_bounds(squares_crs, crs, *b, densify_pts=21) for b in squares]
    ground = _footprint_bounds(look, crs)
    cuts = []
    largest = _LARGEST_M - 2 * margin_m
    for bounds in (piece for whole in _joined(sorted(here), largest) for piece in _pieces(whole, largest)):
        west, south, east, north = bounds
        grown = west - margin_m, south - margin_m, east + margin_m, north + margin_m
        west, south, east, north = _common(grown, ground) if ground else grown
        if east - west > _NEAR_M and north - south > _NEAR_M:
            low_x, low_y = (math.floor((v + _NEAR_M) / LATTICE_M) * LATTICE_M for v in (west, south))
            high_x, high_y = (math.ceil((v - _NEAR_M) / LATTICE_M) * LATTICE_M for v in (east, north))
            cuts.append(
                Grid(crs, low_x, high_y, LATTICE_M, (high_y - low_y) // LATTICE_M, (high_x - low_x) // LATTICE_M)
            )
    return cuts


def _footprint_bounds(look: Acquisition, crs: str) -> Bounds | None:
    if look.footprint is None:
        return None
    bounds: Bounds = transform_bounds("EPSG:4326", crs, *shapely.from_wkt(look.footprint).bounds, densify_pts=21)
    return bounds


def _common(a: Bounds, b: Bounds) -> Bounds:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _joined(squares: Sequence[Bounds], largest_m: float) -> list[Bounds]:
    """Squares that touch along a whole edge, together, as long as one answer holds them."""
    joined = list(squares)
    for axis in (1, 0):  # first northward, then the columns eastward
        done: list[Bounds] = []
        for one in sorted(joined, key=lambda b: (b[1 - axis], b[axis])):
            last = done[-1] if done else None
            if last and _touch(last, one, axis) and one[axis + 2] - last[axis] <= largest_m:
                done[-1] = (last[0], last[1], one[2], one[3])
            else:
                done.append(one)
        joined = done
    return joined


def _touch(last: Bounds, one: Bounds, axis: int) -> bool:
    across = 1 - axis
    same = abs(last[across] - one[across]) < _NEAR_M and abs(last[across + 2] - one[across + 2]) < _NEAR_M
    return same and abs(last[axis + 2] - one[axis]) < _NEAR_M


def _pieces(bounds: Bounds, largest_m: float) -> Iterator[Bounds]:
    """A rectangle in parts that one answer holds."""
    west, south, east, north = bounds
    columns, rows = (max(math.ceil(span / largest_m), 1) for span in (east - west, north - south))
    wide = math.ceil((east - west) / columns / LATTICE_M) * LATTICE_M
    high = math.ceil((north - south) / rows / LATTICE_M) * LATTICE_M
    for column in range(columns):
        for row in range(rows):
            low_x, low_y = west + column * wide, south + row * high
            yield low_x, low_y, min(low_x + wide, east), min(low_y + high, north)


@dataclass(frozen=True)
class Mosaic:
    """The bands of a look as local files, and whether any pixel of them was measured."""

    files: dict[str, Path]
    filled: bool

    def values(self, name: str) -> np.ndarray:
        """A band's pixels (y, x)."""
        with opened(self.files[name]) as source:
            return np.asarray(source.read(1))


def mosaic(
    look_id: str,
    answers: Iterable[bytes],
    names: Sequence[str],
    cuts: Sequence[Grid],
    folder: Path,
    kind: str = "uint16",
) -> Mosaic:
    """The answers, one a cut and a band for each name, checked and put together into a file a band in the folder."""
    parts = []
    for number, (cut, content) in enumerate(zip(cuts, answers, strict=True)):
        path = folder / f"{re.sub(r'[^A-Za-z0-9.-]', '_', look_id)[:80]}-{cut.resolution_m}m-{number}.tif"
        path.write_bytes(content)
        _check(path, cut, len(names), kind)
        parts.append((path, cut))
    wests, souths, easts, norths = zip(*(cut.bounds for cut in cuts), strict=True)
    size = cuts[0].resolution_m
    shape = round((max(norths) - min(souths)) / size), round((max(easts) - min(wests)) / size)
    files, filled = {}, False
    for index, name in enumerate(names):
        whole = np.zeros(shape, "uint8" if name == SCENE_CLASS_BAND else kind)
        for path, cut in parts:
            with opened(path) as source:
                pixels = source.read(index + 1)
            _check_classes(path, name, pixels)
            row, column = round((max(norths) - cut.north_m) / size), round((cut.west_m - min(wests)) / size)
            whole[row : row + cut.height, column : column + cut.width] = pixels
        filled = filled or bool(whole.any())
        files[name] = folder / f"{name}.tif"
        files[name].write_bytes(written(whole, cuts[0].crs, from_origin(min(wests), max(norths), size, size), 0))
    for path, _ in parts:
        path.unlink()
    return Mosaic(files, filled)


def written(pixels: np.ndarray, crs: Any, transform: Any, nodata: float | None) -> bytes:
    """The file's bytes. Made in memory: the raster library would lose a full disk, a plain write tells it."""
    place = {"crs": crs, "transform": transform, "nodata": nodata}
    shape = {"height": pixels.shape[0], "width": pixels.shape[1], "count": 1, "dtype": pixels.dtype}
    kept = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", **place, **shape, **kept) as raster:
            raster.write(pixels, 1)
        return bytes(memory.read())


def _check(path: Path, cut: Grid, count: int, kind: str) -> None:
    """Refuse an answer that is not the raster that was asked for, down to its last pixel."""
    with opened(path) as source:
        wanted = rasterio.CRS.from_user_input(cut.crs)
        told = (
            (Told("number of bands", {}), source.count, count),
            (Told("type of values", {}), set(source.dtypes), {kind}),
            (Told("size in pixels", {}), source.shape, (cut.height, cut.width)),
            (Told("coordinate system", {}), source.crs, wanted),
            (Told("place", {}), tuple(round(edge, 3) for edge in source.bounds), cut.bounds),
        )
        for what, met, expected in told:
            if met != expected:
                raise TornFile(
                    "HUB-ANSWER",
                    "{where}: the answer's {what} is {met}, expected {expected}",
                    "the answer is not used; run again, and tell the service's support if it stays so",
                    where=path.stem,
                    what=what,
                    met=_plain(met),
                    expected=_plain(expected),
                )
        source.read()


def _check_classes(path: Path, name: str, pixels: np.ndarray) -> None:
    if name == SCENE_CLASS_BAND and pixels.max(initial=0) > _HIGHEST_CLASS:
        raise BadInput(
            "HUB-CLASSES",
            "{where}: a scene class of {met}, expected 0 to {expected}",
            "check that imagery.collections names Sentinel-2 L2A",
            where=path.stem,
            met=int(pixels.max()),
            expected=_HIGHEST_CLASS,
        )


def _plain(value: Any) -> str:
    return ", ".join(sorted(map(str, value))) if isinstance(value, set) else str(value)
