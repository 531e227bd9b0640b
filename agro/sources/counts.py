"""The counts of a look's bands, window by window. A tile of a file is decoded once, however the windows lie over it.

Failures raise, never become nodata.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from agro.domain.grid import Grid
from agro.sources.raster import check_counts, crs_of, open_raster, told, warped, window_of

_CELL_M = 10_240  # [m] what is decoded at once is at least so wide, and whole tiles of the file


@dataclass(frozen=True)
class BandFile:
    """Where a band lies: the CRS that its item declares, the count that marks nodata, whether it holds classes."""

    path: Path
    crs: str | None
    nodata: int
    classes: bool = False


class Reader:
    """Reads windows of some bands, from any number of threads; made by `reading`."""

    def __init__(self, bands: Mapping[str, BandFile], plan: Sequence[tuple[Grid, Sequence[str]]]) -> None:
        self._bands, self._plan = bands, plan
        self._mine = threading.local()
        self._open, self._lock = ExitStack(), threading.Condition()
        self._under_way, self._closed = 0, False
        self._uses: Counter[tuple[str, Window]] = Counter()
        self._cells: dict[tuple[str, Window], Future[np.ndarray]] = {}
        self._counted: set[str] = set()
        self._alike: dict[tuple[int, str], bool] = {}

    def close(self) -> None:
        """Close all files, once nobody reads any more."""
        with self._lock:
            self._closed = True
            self._lock.wait_for(lambda: not self._under_way)
        self._open.close()

    def read(self, name: str, grid: Grid) -> np.ndarray:
        """Counts (y, x) [1] of a band: `uint16`, or `int16` where the file holds signed ones; 0 = nothing there.

        Classes are `uint8`. Where the file has another lattice it is warped: classes by nearest neighbour, counts
        bilinear, and averaged from base pixels where the file is finer (overviews are never read).
        """
        band = self._bands[name]
        with self._busy(), told(band.path):
            source, crs = self._source(name)
            window = window_of(source, grid) if self._same(crs, grid.crs) else None
            if window is None:
                marks = {"src_nodata": band.nodata, "nodata": band.nodata}
                return _as_counts(warped(source, crs, grid, band.classes, **marks), band, source.nodata)
            self._count_uses(name, source)
            return self._cut(name, source, window)

    @contextmanager
    def _busy(self) -> Iterator[None]:
        """While somebody reads, no file is closed: after a failure other threads may still be at work."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the reader is closed")
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._lock.notify_all()

    def _source(self, name: str) -> tuple[Any, Any]:
        """The band's file, opened once in each thread, and its CRS."""
        mine: dict[str, tuple[Any, Any]] = self._mine.__dict__
        if name not in mine:
            band = self._bands[name]
            source = open_raster(band.path)
            with self._lock:
                self._open.callback(source.close)
            crs = crs_of(source, band.path, band.crs)
            check_counts(source, band.path)
            mine[name] = source, crs
        return mine[name]

    def _same(self, crs: Any, grid_crs: str) -> bool:
        """Whether two coordinate systems are one; asked for every window, found out once."""
        known = self._alike
        if (id(crs), grid_crs) not in known:
            known[id(crs), grid_crs] = bool(crs == rasterio.CRS.from_user_input(grid_crs))
        return known[id(crs), grid_crs]

    def _count_uses(self, name: str, source: Any) -> None:
        """How many of the planned windows need each cell of a band, so that it can be let go after the last."""
        with self._lock:
            if name in self._counted:
                return
            self._counted.add(name)
            for grid, names in self._plan:
                window = window_of(source, grid) if name in names else None
                if window is not None:
                    self._uses.update((name, cell) for cell in _cells(source, window))

    def _cut(self, name: str, source: Any, window: Window) -> np.ndarray:
        """The window, put together from the cells that it meets."""
        cells = list(_cells(source, window))
        if cells == [window]:
            return self._cell(name, source, window)
        cut: np.ndarray | None = None
        for cell in cells:
            counts = self._cell(name, source, cell)
            if cut is None:
                cut = np.zeros((window.height, window.width), counts.dtype)
            inner = cell.intersection(window)
            _slice(cut, inner, window)[:] = _slice(counts, inner, cell)
        return np.zeros((window.height, window.width), _kind(source, self._bands[name])) if cut is None else cut

    def _cell(self, name: str, source: Any, cell: Window) -> np.ndarray:
        """A cell's counts, decoded by whoever comes first; the others wait for it."""
        with self._lock:
            decoding = self._cells.get((name, cell))
            mine = decoding is None
            if decoding is None:
                decoding = self._cells[name, cell] = Future()
        if mine:
            try:
                decoding.set_result(_as_counts(source.read(1, window=cell), self._bands[name], source.nodata))
            except BaseException as error:
                decoding.set_exception(error)
        with self._lock:
            self._uses[name, cell] -= 1
            if self._uses[name, cell] <= 0:
                self._cells.pop((name, cell), None)
        return decoding.result()


@contextmanager
def reading(bands: Mapping[str, BandFile], plan: Sequence[tuple[Grid, Sequence[str]]]) -> Iterator[Reader]:
    """A reader of some bands. `plan` holds the windows that will be read and of which bands, so that no tile of a file
    is decoded twice and none is held longer than somebody needs it; other windows are read as well, only slower."""
    reader = Reader(bands, plan)
    try:
        yield reader
    finally:
        reader.close()


def read_band(path: Path, grid: Grid, declared_crs: str | None, nodata: int, *, classes: bool) -> np.ndarray:
    """Counts (y, x) [1] of one window of one band, as `Reader.read` gives them."""
    with reading({"band": BandFile(path, declared_crs, nodata, classes)}, []) as reader:
        return reader.read("band", grid)


def _cells(source: Any, window: Window) -> Iterator[Window]:
    """The cells of a file that a window meets: whole tiles of the file, many where they are small."""
    least = max(int(_CELL_M / abs(source.transform.a)), 1)
    high, wide = (-(-least // size) * size for size in source.block_shapes[0])
    top, left = max(window.row_off, 0), max(window.col_off, 0)
    bottom = min(window.row_off + window.height, source.height)
    right = min(window.col_off + window.width, source.width)
    if bottom <= top or right <= left:
        return
    for row in range(top // high * high, bottom, high):
        for column in range(left // wide * wide, right, wide):
            yield Window(column, row, min(wide, source.width - column), min(high, source.height - row))


def _slice(pixels: np.ndarray, inner: Window, outer: Window) -> np.ndarray:
    row, column = inner.row_off - outer.row_off, inner.col_off - outer.col_off
    return pixels[row : row + inner.height, column : column + inner.width]


def _kind(source: Any, band: BandFile) -> str:
    """The type of a band's counts."""
    if band.classes:
        return "uint8"
    return "uint16" if np.dtype(source.dtypes[0]).kind == "u" else "int16"


def _as_counts(read: np.ndarray, band: BandFile, own_nodata: float | None) -> np.ndarray:
    """Counts of 16 bits, with 0 where the item or the file itself says that nothing was measured."""
    kind = "uint8" if band.classes else "uint16" if read.dtype.kind == "u" else "int16"
    marks = [mark for mark in (band.nodata, own_nodata) if mark]
    if marks:
        read = np.where(np.isin(read, marks), 0, read)
    if read.dtype != kind:  # an offset applied already can leave counts below zero
        limits = np.iinfo(kind)
        read = np.clip(read, limits.min, limits.max).astype(kind)
    return read
