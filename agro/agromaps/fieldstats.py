"""Pixels to one row a field.

The pixels of each field are found once for a set of outlines and kept as lists in the indices of the zone's lattice;
any pass over that ground is then counted by one look-up. Overlapping outlines each keep their own pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
import xarray as xr
from shapely import Geometry

from agro.agromaps.coverage import Spans, spans_centred, spans_inside
from agro.domain.grid import Grid
from agro.domain.layers import LAYERS, Quality

COLUMNS = ("layer", "mean", "std", "p10", "p50", "p90", "n_px", "clear_fraction", "flag")
_NOWHERE = 2**40  # [px] the box of a field without pixels meets nothing
SHARES = (0.1, 0.5, 0.9)  # [1] the percentiles of a row: p10, p50, p90


@dataclass(frozen=True)
class FieldPixels:
    """The pixels of each field at one resolution, as runs along rows, end to end.

    field_ids in the table's order; `spans` as `coverage.Spans`, an outline a field; `flags` say where an outline had to
    be taken otherwise than eroded.
    """

    resolution_m: int
    field_ids: tuple[str, ...]
    spans: Spans
    flags: tuple[str, ...]

    @cached_property
    def start(self) -> np.ndarray:
        """Where each field's pixels begin in the lists of all, and where the last one's end."""
        return np.asarray(self.offsets[self.spans.start])

    @cached_property
    def offsets(self) -> np.ndarray:
        """Where each run's pixels begin in the lists of all, and where the last one's end."""
        return np.concatenate([[0], np.cumsum(self.spans.stop - self.spans.first, dtype="int64")])

    @property
    def rows(self) -> np.ndarray:
        """The row of each pixel, counted from the lattice's origin southward."""
        return np.repeat(self.spans.row, np.diff(self.offsets))

    @property
    def columns(self) -> np.ndarray:
        """The column of each pixel, counted from the lattice's origin eastward."""
        shift = np.repeat(self.spans.first - self.offsets[:-1], np.diff(self.offsets))
        return np.asarray(np.arange(self.offsets[-1]) + shift, dtype="int32")

    def meet(self, grid: Grid) -> bool:
        """Whether any field reaches into the grid."""
        size = grid.resolution_m
        north, west = -grid.north_m // size, grid.west_m // size
        first_row, last_row, first, last = self.boxes.T
        reach = (last_row >= north) & (first_row < north + grid.height) & (last >= west) & (first < west + grid.width)
        return bool(reach.any())

    @cached_property
    def boxes(self) -> np.ndarray:
        """The first row, last row, first column and last column of each field."""
        boxes = np.full((len(self.field_ids), 4), [_NOWHERE, -_NOWHERE] * 2, "int64")
        own = self.spans
        some = np.flatnonzero(np.diff(own.start))
        if len(some):
            at = own.start[some]
            ends = ((own.row, np.minimum), (own.row, np.maximum), (own.first, np.minimum), (own.stop - 1, np.maximum))
            boxes[some] = np.stack([extreme.reduceat(values, at) for values, extreme in ends], axis=1)
        return boxes

    def of(self, fields: Sequence[int]) -> "FieldPixels":
        """The lists of some of the fields, by their number in the table."""
        if len(fields) == len(self.field_ids):
            return self
        ids, flags = tuple(self.field_ids[i] for i in fields), tuple(self.flags[i] for i in fields)
        return FieldPixels(self.resolution_m, ids, self.spans.of(fields), flags)


def field_pixels(field_ids: list[str], outlines: list[Geometry], resolution_m: int) -> FieldPixels:
    """The pixels that stand for each field: wholly inside the outline eroded by one pixel.

    field_ids     names, in order [1]
    outlines      polygons [m] in the CRS of the lattice
    resolution_m  pixel size [m], 10 or 20
    returns       FieldPixels [1]; flag `small_field` where erosion leaves nothing and the pixels wholly inside the
                  plain outline stand in, `mixed_pixels` where only pixel centres lie inside, `no_pixels` where not
                  even these
    source        ours: edge pixels mix two fields; wholly covered as exactextract 0.3 counts coverage
    """
    plain = np.array(outlines, dtype=object)
    found, flags = spans_inside(shapely.buffer(plain, -resolution_m), resolution_m), [""] * len(outlines)
    for spans, flag in ((spans_inside, "small_field"), (spans_centred, "small_field;mixed_pixels")):
        missing = np.flatnonzero(np.diff(found.start) == 0)
        found = found.filled(missing, spans(plain[missing], resolution_m))
        for i in missing:
            flags[i] = flag
    for i in np.flatnonzero(np.diff(found.start) == 0):
        flags[i] = "small_field;no_pixels"
    return FieldPixels(resolution_m, tuple(field_ids), found, tuple(flags))


def field_rows(
    layers: xr.Dataset, quality: xr.DataArray, grid: Grid, pixels: FieldPixels, few_px: int, low_clear_fraction: float
) -> pd.DataFrame:
    """One row for each field and layer of one resolution; clear pixels only.

    layers               (y, x) registered layers on `grid`, each in its own unit; NaN = not believed
    quality              (y, x) `quality` [class] on the same pixels
    grid                 where the arrays lie [m]
    pixels               the fields' pixels at the grid's resolution [1]
    few_px               [px] fewer clear pixels are flagged `few_clear_px`
    low_clear_fraction   [1] a smaller clear share is flagged `low_clear`
    returns              table: field_id, layer, mean, std, p10, p50, p90 in the layer's unit, n_px [px], clear_fraction
                         [1] of all the field's pixels, flag; statistics NaN where no pixel is clear
    source               ours; std over the population, percentiles by linear interpolation (Hyndman and Fan type 7)
    """
    row, column = pixels.rows + grid.north_m // grid.resolution_m, pixels.columns - grid.west_m // grid.resolution_m
    inside = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
    field = np.repeat(np.arange(len(pixels.field_ids)), np.diff(pixels.start))[inside]
    row, column = row[inside], column[inside]
    total = np.diff(pixels.start)
    seen = quality.values[row, column]
    clear = seen == Quality.CLEAR
    measured = np.bincount(field[seen != Quality.NO_DATA], minlength=len(total))
    tables = []
    for name, layer in layers.items():
        if not LAYERS[str(name)].statistics:
            continue
        values = layer.values[row, column].astype("float64")
        used = clear & np.isfinite(values)
        table = _statistics(values[used], field[used], len(total))
        if f"{name}_flag" in layers:
            doubted = used & (layers[f"{name}_flag"].values[row, column] > 0)
            table["marked"] = np.bincount(field[doubted], minlength=len(total))
        tables.append(flagged(str(name), table, pixels, measured, few_px, low_clear_fraction))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["field_id", *COLUMNS])


def flagged(
    name: str,
    statistics: pd.DataFrame,
    pixels: FieldPixels,
    measured: np.ndarray,
    few_px: int,
    low_clear_fraction: float,
) -> pd.DataFrame:
    """Statistics of each field as rows of the table: whose, of what, of which share of the field, with what doubts.

    name                 the layer's
    statistics           table: mean, std, p10, p50, p90 in the layer's unit, n_px [px], and, where the layer has flags,
                         marked [px], how many of n_px are flagged
    pixels               the fields' pixels [1]
    measured             how many of each field's pixels the image shows [px]
    few_px               [px] fewer clear pixels are flagged `few_clear_px`
    low_clear_fraction   [1] a smaller clear share is flagged `low_clear`
    returns              table as `field_rows` [1]
    source               ours
    """
    total, n_px = np.diff(pixels.start), statistics["n_px"]
    fraction = np.divide(n_px, total, out=np.zeros(len(total)), where=total > 0)
    raised = {
        "partly_unseen": (measured < total) & (total > 0),
        "no_clear_px": n_px == 0,
        "few_clear_px": (n_px > 0) & (n_px < few_px),
        "low_clear": (n_px > 0) & (fraction < low_clear_fraction),
    }
    if "marked" in statistics:
        raised[f"{name}_domain"] = (2 * statistics["marked"] > n_px) & (n_px > 0)
    rows = statistics.drop(columns="marked", errors="ignore").assign(clear_fraction=fraction)
    return rows.assign(flag=_joined(pixels.flags, raised), field_id=pixels.field_ids, layer=name)


def _statistics(values: np.ndarray, field: np.ndarray, fields: int) -> pd.DataFrame:
    order = np.lexsort((values, field))
    values, field = values[order], field[order]
    count = np.bincount(field, minlength=fields)
    first = np.concatenate([[0], np.cumsum(count)])[:-1]
    some = count > 0
    mean, std = np.full(fields, np.nan), np.full(fields, np.nan)
    mean[some] = np.add.reduceat(values, first[some]) / count[some] if some.any() else np.nan
    if some.any():
        std[some] = np.sqrt(np.add.reduceat((values - mean[field]) ** 2, first[some]) / count[some])
    columns = {"mean": mean, "std": std}
    for share in SHARES:
        place = share * (count[some] - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, count[some] - 1)
        lower, upper = values[first[some] + low], values[first[some] + high]
        columns[f"p{round(share * 100)}"] = percentile = np.full(fields, np.nan)
        percentile[some] = lower + (upper - lower) * (place - low)
    return pd.DataFrame({**columns, "n_px": count})


def _joined(flags: tuple[str, ...], raised: dict[str, np.ndarray]) -> list[str]:
    named = [[name if on else "" for on in where] for name, where in raised.items()]
    return [";".join(filter(None, (flag, *more))) for flag, *more in zip(flags, *named, strict=True)]
