"""A pass, window by window: read, believe, map, count, compress. A window is a task; only integers go through it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from dask.base import compute
from dask.delayed import delayed

from agro.agromaps.kernels import band_of, index_of, leaf_area
from agro.agromaps.tally import Tally
from agro.agromaps.vegetation import INDICES
from agro.domain.grid import LATTICE_M, Block, Grid
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.domain.layers import LAYERS
from agro.imagery.kernels import as_index, believed_in, classes_of, count_tables
from agro.sources import stac
from agro.sources.counts import Reader
from agro.store.cog import Cog, Piece, assembled, compressed
from agro.store.tiff import TILE_PX
from flows.settings import Settings

WINDOW_M = TILE_PX * LATTICE_M  # [m] one tile of a 20 m layer, four of a 10 m layer
_FINE = ("green", "red", "nir")  # bands on 10 m; all others are read on 20 m

Stored = dict[str, np.ndarray]


@dataclass
class Windows:
    """What the windows of one pass share: the look, the layers to make, where, and the tallies that they fill."""

    look: Acquisition
    settings: Settings
    layers: tuple[str, ...]
    grid: Grid
    blocks: Sequence[Block]
    tallies: Mapping[int, Tally]
    tables: dict[tuple[float, float, bool], np.ndarray] = field(default_factory=dict)

    def cogs(self) -> dict[str, Cog]:
        """Every layer and the quality as the file that will be published. Blocks that nobody asked for are not read."""
        windows = [(window, part) for window in self.grid.windows(WINDOW_M) if (part := self._wanted(window))]
        with stac.reading(self.look, [ask for _, part in windows for ask in self._asks(part)]) as reader:
            made = self._all(lambda each: self._pieces(reader, *each), windows)
        return dict(self._all(lambda name: (name, self._file(name, made)), [*self.layers, "quality"]))

    def _all(self, work: Callable[[Any], Any], items: Sequence[Any]) -> tuple[Any, ...]:
        """One task an item; only its number travels through the graph."""
        task = delayed(lambda number: work(items[number]), pure=False)
        done: tuple[Any, ...] = compute(
            *[task(number) for number in range(len(items))],
            scheduler="threads",
            num_workers=self.settings.compute.workers,
        )
        return done

    def _wanted(self, window: Grid) -> Grid | None:
        """The part of a window that holds all its wanted blocks."""
        parts = [part.bounds for block in self.blocks if (part := window.cut_to(block.bounds))]
        if not parts:
            return None
        west, south, east, north = zip(*parts, strict=True)
        return window.cut_to((min(west), min(south), max(east), max(north)))

    def _asks(self, part: Grid) -> list[tuple[Grid, tuple[str, ...]]]:
        """What is read for a part of a window: the scene classes with a border, bands on 10 m and on 20 m."""
        bands = tuple(dict.fromkeys(band for name in self.layers for band in LAYERS[name].bands))
        fine = tuple(band for band in bands if band in _FINE)
        coarse = tuple(band for band in bands if band not in _FINE)
        return [
            (part.at(20).padded(self._border_px * LATTICE_M), (SCENE_CLASS_BAND,)),
            (part, fine),
            (part.at(20), coarse),
        ]

    @property
    def _border_px(self) -> int:
        return math.ceil(max(self.settings.imagery.cloud_margin_m, self.settings.imagery.shadow_margin_m) / LATTICE_M)

    def _pieces(self, reader: Reader, window: Grid, part: Grid) -> dict[str, Piece]:
        """The compressed layers of one window; on the way its fields' pixels are laid into the tallies."""
        stored = self._stored(reader, part)
        for size, tally in self.tallies.items():
            tally.add(part.at(size), stored["quality"], stored)
        pieces = {}
        for name, pixels in stored.items():
            own = window.at(LAYERS[name].resolution_m)
            row, column = (cut.start for cut in own.rows_and_columns_in(self._place(name)))
            whole = _grown(pixels, part.at(own.resolution_m), own, LAYERS[name].nodata)
            pieces[name] = compressed(LAYERS[name], whole, row, column)
        return pieces

    def _stored(self, reader: Reader, part: Grid) -> Stored:
        """Quality and layers of a part of a window, as they are stored; nodata outside the wanted blocks."""
        asks = self._asks(part)
        imagery = self.settings.imagery
        scene_classes = reader.read(SCENE_CLASS_BAND, asks[0][0])
        classes = classes_of(scene_classes, self._border_px, imagery.cloud_margin_m, imagery.shadow_margin_m)
        classes = self._only_wanted(classes, part.at(20))
        read = {band: reader.read(band, grid) for grid, bands in asks[1:] for band in bands}
        counts = {band: as_index(pixels) for band, pixels in read.items()}
        tables = {band: self._table(band, pixels.dtype.kind == "i") for band, pixels in read.items()}
        believed, stored = believed_in(classes), {"quality": classes}
        for name in self.layers:
            if name in INDICES:
                stored[name] = index_of(name, counts, tables, believed)
            elif name == "lai":
                stored["lai"], stored["lai_flag"] = leaf_area(
                    counts, tables, believed, self.look.angles, imagery.lai_net
                )
            elif name in counts:
                stored[name] = band_of(name, counts[name], tables[name], believed)
        return stored

    def _only_wanted(self, classes: np.ndarray, grid: Grid) -> np.ndarray:
        """Classes with no data outside the wanted blocks: what belongs to a part of a pass is exactly its blocks."""
        wanted = np.full_like(classes, LAYERS["quality"].nodata)
        for block in self.blocks:
            own = grid.cut_to(block.bounds)
            if own is not None:
                place = own.rows_and_columns_in(grid)
                wanted[place] = classes[place]
        return wanted

    def _table(self, band: str, signed: bool) -> np.ndarray:
        """The reflectance of every count of a band, made once for each scale and offset."""
        about = self.look.bands[band]
        assert about.scale is not None and about.offset is not None  # every band but the scene classes has them
        key = about.scale, about.offset, signed
        if key not in self.tables:
            self.tables[key] = count_tables(*key)
        return self.tables[key]

    def _place(self, name: str) -> Grid:
        return self.grid.at(LAYERS[name].resolution_m)

    def _file(self, name: str, made: Sequence[dict[str, Piece]]) -> Cog:
        return assembled(LAYERS[name], self._place(name), [window[name] for window in made if window[name].tiles])


def _grown(pixels: np.ndarray, part: Grid, window: Grid, nodata: int) -> np.ndarray:
    """The pixels of a part on its whole window."""
    if part == window:
        return pixels
    whole = np.full(window.shape, nodata, pixels.dtype)
    whole[part.rows_and_columns_in(window)] = pixels
    return whole
