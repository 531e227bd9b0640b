"""Pixels to one row a field.

The pixels of each field are found once for a set of outlines and kept as lists in the indices of the zone's lattice;
any pass over that ground is then counted by one look-up. Overlapping outlines each keep their own pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from shapely import Geometry

from agro.domain.grid import Grid
from agro.domain.layers import LAYERS, Quality

COLUMNS = ("layer", "mean", "std", "p10", "p50", "p90", "n_px", "clear_fraction", "flag")
_WHOLE = (
    0.999  # [1] coverage that counts as whole: outlines drawn along pixel edges keep their pixels after reprojection
)
_SHARES = (0.1, 0.5, 0.9)  # [1] the percentiles of a row: p10, p50, p90


@dataclass(frozen=True)
class FieldPixels:
    """The pixels of each field at one resolution, as lists end to end.

    field_ids in the table's order; field i owns rows[start[i]:start[i+1]] and the same columns, counted from the
    lattice's origin southward and eastward; `flags` say where an outline had to be taken otherwise than eroded.
    """

    resolution_m: int
    field_ids: tuple[str, ...]
    start: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    flags: tuple[str, ...]

    def of(self, fields: Sequence[int]) -> "FieldPixels":
        """The lists of some of the fields, by their number in the table."""
        if len(fields) == len(self.field_ids):
            return self
        pieces = [slice(self.start[i], self.start[i + 1]) for i in fields]
        return FieldPixels(
            self.resolution_m,
            tuple(self.field_ids[i] for i in fields),
            np.concatenate([[0], np.cumsum([piece.stop - piece.start for piece in pieces], dtype="int64")]),
            np.concatenate([self.rows[piece] for piece in pieces]),
            np.concatenate([self.columns[piece] for piece in pieces]),
            tuple(self.flags[i] for i in fields),
        )


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
    parts, flags = [], []
    for outline in outlines:
        cells, flag = _cells_inside(outline.buffer(-resolution_m), resolution_m), ""
        if not len(cells[0]):
            cells, flag = _cells_inside(outline, resolution_m), "small_field"
        if not len(cells[0]):
            cells, flag = _cells_centred_in(outline, resolution_m), "small_field;mixed_pixels"
        if not len(cells[0]):
            flag = "small_field;no_pixels"
        parts.append(cells)
        flags.append(flag)
    counts = [len(rows) for rows, _ in parts]
    rows, columns = (np.concatenate([part[i] for part in parts] or [np.empty(0, "int32")]) for i in (0, 1))
    return FieldPixels(
        resolution_m,
        tuple(field_ids),
        np.concatenate([[0], np.cumsum(counts, dtype="int64")]),
        rows,
        columns,
        tuple(flags),
    )


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
    outside = np.bincount(field[seen != Quality.NO_DATA], minlength=len(total)) < total
    tables = []
    for name, layer in layers.items():
        if not LAYERS[str(name)].statistics:
            continue
        values = layer.values[row, column].astype("float64")
        used = clear & np.isfinite(values)
        table = _statistics(values[used], field[used], len(total))
        fraction = np.divide(table["n_px"], total, out=np.zeros(len(total)), where=total > 0)
        table["clear_fraction"] = fraction
        raised = {
            "partly_unseen": outside & (total > 0),
            "no_clear_px": table["n_px"] == 0,
            "few_clear_px": (table["n_px"] > 0) & (table["n_px"] < few_px),
            "low_clear": (table["n_px"] > 0) & (fraction < low_clear_fraction),
        }
        if f"{name}_flag" in layers:
            marked = np.bincount(field[used & (layers[f"{name}_flag"].values[row, column] > 0)], minlength=len(total))
            raised[f"{name}_domain"] = (2 * marked > table["n_px"]) & (table["n_px"] > 0)
        table["flag"] = _joined(pixels.flags, raised)
        tables.append(table.assign(field_id=pixels.field_ids, layer=str(name)))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["field_id", *COLUMNS])


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
    for share in _SHARES:
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


def _window(outline: Geometry, resolution_m: int) -> tuple[int, int, int, int]:
    """First column, first row, width, height of the pixels that the outline's bounds touch; rows count southward."""
    west, south, east, north = outline.bounds
    column, row = int(west // resolution_m), int(-north // resolution_m)
    return column, row, int(-(-east // resolution_m)) - column, int(-(south // resolution_m)) - row


def _cells_inside(outline: Geometry, resolution_m: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels that lie wholly inside."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    nothing = np.empty(0, "int32"), np.empty(0, "int32")
    if outline.is_empty or not outline.area:
        return nothing
    column, row, width, height = _window(outline, resolution_m)
    west, north = column * resolution_m, -row * resolution_m
    source = NumPyRasterSource(
        np.zeros((height, width), "uint8"), west, north - height * resolution_m, west + width * resolution_m, north
    )
    feature = {"type": "Feature", "geometry": outline.__geo_interface__, "properties": {}}
    found = exact_extract(source, [feature], ["cell_id", "coverage"])[0]["properties"]
    whole = found["cell_id"][found["coverage"] >= _WHOLE]
    return (row + whole // width).astype("int32"), (column + whole % width).astype("int32")


def _cells_centred_in(outline: Geometry, resolution_m: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels whose centre lies inside."""
    from shapely import contains_xy

    column, row, width, height = _window(outline, resolution_m)
    rows, columns = (index.ravel() for index in np.mgrid[row : row + height, column : column + width])
    inside = contains_xy(outline, (columns + 0.5) * resolution_m, -(rows + 0.5) * resolution_m)
    return rows[inside].astype("int32"), columns[inside].astype("int32")
