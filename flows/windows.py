"""Ground that is mapped window by window: each window is a task, and only integers and compressed tiles outlive it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask.base import compute
from dask.delayed import delayed
from dask.threaded import get as in_threads

from agro.agromaps.tally import Tally
from agro.domain.grid import LATTICE_M, Block, Grid
from agro.domain.layers import LAYERS
from agro.store.cog import Cog, Piece, assembled, compressed
from agro.store.tiff import TILE_PX

WINDOW_M = TILE_PX * LATTICE_M  # [m] one tile of a 20 m layer, four of a 10 m layer

Stored = dict[str, np.ndarray]


@dataclass(frozen=True)
class Ground:
    """Where layers are made: a grid of 10 m, the blocks of it that are wanted, and how many threads work there."""

    grid: Grid
    blocks: Sequence[Block]
    workers: int

    def cogs(
        self, layers: Sequence[str], stored: Callable[[Grid], Stored], tallies: Mapping[int, Tally]
    ) -> dict[str, Cog]:
        """Every layer as the file that will be published.

        `stored` gives the quality and the layers of a part of a window as they are stored, nodata outside the wanted
        blocks; on the way the fields' pixels are laid into the tallies, by resolution.
        """

        def pieces(each: tuple[Grid, Grid]) -> dict[str, Piece]:
            window, part = each
            made = stored(part)
            for size, tally in tallies.items():
                tally.add(part.at(size), made["quality"], made)
            return {name: self._piece(name, made[name], window, part) for name in layers}

        windows = self._all(pieces, self._windows())
        return dict(self._all(lambda name: (name, self._file(name, windows)), layers))

    def parts(self) -> list[Grid]:
        """What is read and mapped of each window."""
        return [part for _, part in self._windows()]

    def only_wanted(self, classes: np.ndarray, grid: Grid) -> np.ndarray:
        """Classes with no data outside the wanted blocks: what belongs to a part of a pass is exactly its blocks."""
        wanted = np.full_like(classes, LAYERS["quality"].nodata)
        for block in self.blocks:
            own = grid.cut_to(block.bounds)
            if own is not None:
                place = own.rows_and_columns_in(grid)
                wanted[place] = classes[place]
        return wanted

    def _windows(self) -> list[tuple[Grid, Grid]]:
        """The windows that hold wanted blocks, and the part of each that holds all of its own."""
        return [(window, part) for window in self.grid.windows(WINDOW_M) if (part := self._wanted(window))]

    def _wanted(self, window: Grid) -> Grid | None:
        parts = [part.bounds for block in self.blocks if (part := window.cut_to(block.bounds))]
        if not parts:
            return None
        west, south, east, north = zip(*parts, strict=True)
        return window.cut_to((min(west), min(south), max(east), max(north)))

    def _all(self, work: Callable[[Any], Any], items: Sequence[Any]) -> tuple[Any, ...]:
        """One task an item; only its number travels through the graph."""
        task = delayed(lambda number: work(items[number]), pure=False)
        done: tuple[Any, ...] = compute(
            *[task(number) for number in range(len(items))], scheduler=in_threads, num_workers=self.workers
        )
        return done

    def _piece(self, name: str, pixels: np.ndarray, window: Grid, part: Grid) -> Piece:
        layer = LAYERS[name]
        own = window.at(layer.resolution_m)
        row, column = (cut.start for cut in own.rows_and_columns_in(self.grid.at(layer.resolution_m)))
        return compressed(layer, _grown(pixels, part.at(own.resolution_m), own, layer.nodata), row, column)

    def _file(self, name: str, windows: Sequence[dict[str, Piece]]) -> Cog:
        pieces = [made[name] for made in windows if made[name].tiles]
        return assembled(LAYERS[name], self.grid.at(LAYERS[name].resolution_m), pieces)


def _grown(pixels: np.ndarray, part: Grid, window: Grid, nodata: int) -> np.ndarray:
    """The pixels of a part on its whole window."""
    if part == window:
        return pixels
    whole = np.full(window.shape, nodata, pixels.dtype)
    whole[part.rows_and_columns_in(window)] = pixels
    return whole
