"""What is read and made in each window of a pass: classes, counts, layers. Only integers go through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agro.agromaps.composite_kernels import transform_table
from agro.agromaps.kernels import band_of, index_of, leaf_area
from agro.agromaps.tally import Tally
from agro.agromaps.vegetation import INDICES
from agro.domain.grid import LATTICE_M, Grid
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.domain.layers import LAYERS
from agro.imagery.kernels import as_index, believed_in, classes_of, count_tables
from agro.sources import stac
from agro.sources.counts import Reader
from agro.store.cog import Cog
from flows.imagery_doors import border_m
from flows.settings import Settings
from flows.windows import Ground, Stored

_FINE = ("green", "red", "nir")  # bands on 10 m; all others are read on 20 m

Asked = list[tuple[Grid, tuple[str, ...]]]


@dataclass
class Counts:
    """The counts of one look, and what they mean: read part by part, ready for the kernels."""

    look: Acquisition
    settings: Settings
    bands: Sequence[str]
    ground: Ground
    tables: dict[tuple[float, float, bool], np.ndarray] = field(default_factory=dict)
    transforms: dict[int, np.ndarray] = field(default_factory=dict)

    def plan(self) -> Asked:
        """All windows that will be read, and of which bands."""
        return [ask for part in self.ground.parts() for ask in self._asks(part)]

    def classes(self, reader: Reader, part: Grid) -> np.ndarray:
        """The quality of a part of a window (y, x) on 20 m; no data outside the wanted blocks."""
        imagery = self.settings.imagery
        ((with_border, _), *_) = self._asks(part)
        classes = classes_of(
            reader.read(SCENE_CLASS_BAND, with_border),
            self._border_px,
            imagery.cloud_margin_m,
            imagery.shadow_margin_m,
        )
        return self.ground.only_wanted(classes, part.at(20))

    def read(self, reader: Reader, part: Grid) -> tuple[Stored, Stored]:
        """Counts of the bands as places in their tables, and the tables."""
        _, *asks = self._asks(part)
        read = {band: reader.read(band, grid) for grid, bands in asks for band in bands}
        counts = {band: as_index(pixels) for band, pixels in read.items()}
        return counts, {band: self.table(band, pixels.dtype.kind == "i") for band, pixels in read.items()}

    def table(self, band: str, signed: bool) -> np.ndarray:
        """The reflectance of every count of a band, made once for each scale and offset."""
        about = self.look.bands[band]
        assert about.scale is not None and about.offset is not None  # every band but the scene classes has them
        key = about.scale, about.offset, signed
        if key not in self.tables:
            self.tables[key] = count_tables(*key)
        return self.tables[key]

    def transform(self, table: np.ndarray) -> np.ndarray:
        """The transformed shortwave reflectance of every count of a table, made once."""
        if id(table) not in self.transforms:
            self.transforms[id(table)] = transform_table(table)
        return self.transforms[id(table)]

    def _asks(self, part: Grid) -> Asked:
        """What is read for a part of a window: the scene classes with a border, bands on 10 m and on 20 m."""
        fine = tuple(band for band in self.bands if band in _FINE)
        coarse = tuple(band for band in self.bands if band not in _FINE)
        return [
            (part.at(20).padded(self._border_px * LATTICE_M), (SCENE_CLASS_BAND,)),
            (part, fine),
            (part.at(20), coarse),
        ]

    @property
    def _border_px(self) -> int:
        return border_m(self.settings) // LATTICE_M


def cogs_of_a_pass(
    look: Acquisition, settings: Settings, layers: Sequence[str], ground: Ground, tallies: Mapping[int, Tally]
) -> dict[str, Cog]:
    """Every layer of a pass and its quality, as the files that will be published."""
    bands = tuple(dict.fromkeys(band for name in layers for band in LAYERS[name].bands))
    counts = Counts(look, settings, bands, ground)
    with stac.reading(look, counts.plan()) as reader:
        return ground.cogs([*layers, "quality"], lambda part: _stored(counts, reader, layers, part), tallies)


def _stored(counts_of: Counts, reader: Reader, layers: Sequence[str], part: Grid) -> Stored:
    """Quality and layers of a part of a window, as they are stored."""
    classes = counts_of.classes(reader, part)
    counts, tables = counts_of.read(reader, part)
    believed, stored = believed_in(classes), {"quality": classes}
    for name in layers:
        if name in INDICES:
            stored[name] = index_of(name, counts, tables, believed)
        elif name == "lai":
            net = counts_of.settings.imagery.lai_net
            stored["lai"], stored["lai_flag"] = leaf_area(counts, tables, believed, counts_of.look.angles, net)
        elif name in counts:
            stored[name] = band_of(name, counts[name], tables[name], believed)
    return stored
