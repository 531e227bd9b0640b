"""What is read and made in each window of several looks: the median of what was clear, wetness between its edges."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from rasterio.features import rasterize

from agro.agromaps.composite_kernels import edge_rows, median_of, wetness_of
from agro.agromaps.kernels import index_of
from agro.agromaps.moisture_edges import Edges
from agro.agromaps.tally import Tally
from agro.domain.grid import Grid
from agro.domain.imagery import Acquisition
from agro.domain.layers import LAYERS, Quality
from agro.sources import stac
from agro.sources.counts import Reader
from agro.store.cog import Cog
from flows.moisture_maps import groups
from flows.plan import Land
from flows.settings import Settings
from flows.windows import Ground, Stored
from flows.windows_of_a_pass import Counts

INDICES = ("ndvi", "ndmi")
_NO_GROUP = 255
EVERYWHERE = "*"  # edges under this name hold for all ground that belongs to no group

EdgesOf = Mapping[str, Edges]
_Numbers = tuple[int, np.ndarray]  # of the edges that hold outside all groups, and of those of each field


@dataclass(frozen=True)
class Composite:
    """What is to be composed: the looks, oldest first, the fields, and the edges of wetness of their groups."""

    settings: Settings
    land: Land
    looks: tuple[Acquisition, ...]
    edges: EdgesOf

    @property
    def layers(self) -> tuple[str, ...]:
        """NDVI and NDMI; wetness where some edges are known."""
        return (*INDICES, "wetness") if self.edges else INDICES

    @property
    def bands(self) -> tuple[str, ...]:
        """What is read of every look that has it."""
        own = [band for name in INDICES for band in LAYERS[name].bands]
        return tuple(dict.fromkeys([*own, *self.wet_band]))

    @property
    def wet_band(self) -> tuple[str, ...]:
        """The band that the edges are for; all of them are for the same."""
        return tuple(dict.fromkeys(edges.band for edges in self.edges.values()))

    def cogs(self, ground: Ground, tallies: Mapping[int, Tally]) -> dict[str, Cog]:
        """The layers as the files that will be published."""
        numbered = dict(enumerate(sorted(self.edges)))
        rows = edge_rows({number: self.edges[name] for number, name in numbered.items()})
        group_of = groups(self.land, self.looks[-1].acquired_at.year) if self.edges else {}
        number_of = {name: number for number, name in numbered.items()}
        elsewhere = number_of.get(EVERYWHERE, _NO_GROUP)
        fields = [number_of.get(group_of.get(i, ""), elsewhere) for i in self.land.outlines["field_id"]]
        numbers = elsewhere, np.array(fields)
        with ExitStack() as stack:
            open_looks = []
            for look in self.looks:
                bands = [band for band in self.bands if band in look.bands]
                counts = Counts(look, self.settings, bands, ground)
                open_looks.append((counts, stack.enter_context(stac.reading(look, counts.plan()))))
            return ground.cogs(self.layers, lambda part: self._stored(open_looks, numbers, rows, part), tallies)

    def _stored(
        self, open_looks: Sequence[tuple[Counts, Reader]], numbers: _Numbers, rows: np.ndarray, part: Grid
    ) -> Stored:
        """The median of the clear looks of a part of a window, layer by layer, and where any look was clear."""
        group = self._groups(numbers, part.at(20)) if self.edges else None
        seen = {name: _Looks(name, part, len(open_looks)) for name in self.layers}
        quality = np.full(part.at(20).shape, LAYERS["quality"].nodata, LAYERS["quality"].dtype)
        for counts_of, reader in open_looks:
            classes = counts_of.classes(reader, part)
            clear = classes == Quality.CLEAR
            quality = np.where(quality == Quality.CLEAR, quality, np.where(classes > 0, classes, quality))
            if not clear.any():
                continue
            counts, tables = counts_of.read(reader, part)
            for name in INDICES:
                seen[name].add(index_of(name, counts, tables, clear))
            for band in self.wet_band:
                if group is not None and band in counts:
                    transform = counts_of.transform(tables[band])
                    seen["wetness"].add(wetness_of(seen["ndvi"].last, counts[band], transform, clear, group, rows))
        return {**{name: looks.median() for name, looks in seen.items()}, "quality": quality}

    def _groups(self, numbers: _Numbers, part: Grid) -> np.ndarray:
        """The number of each pixel's group of edges."""
        elsewhere, fields = numbers
        west, south, east, north = part.bounds
        bounds = self.land.on_grid.bounds.to_numpy()
        near = (bounds[:, 2] > west) & (bounds[:, 0] < east) & (bounds[:, 3] > south) & (bounds[:, 1] < north)
        shapes = [(self.land.on_grid.iloc[i], fields[i]) for i in np.flatnonzero(near & (fields != elsewhere))]
        if not shapes:
            return np.full(part.shape, elsewhere, "uint8")
        return np.asarray(rasterize(shapes, part.shape, fill=elsewhere, transform=part.transform, dtype="uint8"))


class _Looks:
    """A layer of a part of a window in the looks that are clear somewhere, laid down one after the other."""

    def __init__(self, name: str, part: Grid, most: int) -> None:
        self._layer, self._number = LAYERS[name], 0
        self._stored = np.empty((most, *part.at(self._layer.resolution_m).shape), self._layer.dtype)

    def add(self, stored: np.ndarray) -> None:
        self._stored[self._number] = stored
        self._number += 1

    @property
    def last(self) -> np.ndarray:
        return np.asarray(self._stored[self._number - 1])

    def median(self) -> np.ndarray:
        return median_of(self._layer.name, self._stored[: self._number])
