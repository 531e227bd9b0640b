"""Clear looks of the past months, field by field, read from the published maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.fieldstats import FieldPixels, field_pixels
from agro.domain.layers import LAYERS, Quality
from agro.imagery.clearsky import on_pixels_of
from agro.store import history
from agro.store.maps import joined
from agro.store.publish import Published, Store


@dataclass(frozen=True)
class Looks:
    """One layer of the fields' own pixels at each clear look.

    values    (look, pixel) in the layer's unit, the fields' lists end to end; NaN = not clear
    seen_at   (look) UTC, oldest first
    pixels    which value is whose, on the lattice of `crs`
    """

    values: np.ndarray
    seen_at: tuple[datetime, ...]
    pixels: FieldPixels
    crs: str

    def field(self, number: int) -> tuple[np.ndarray, tuple[float, float]]:
        """One field's maps (look, y, x), NaN outside it, and their west and north edge [m]."""
        return field_maps(self.pixels, number, self.values), field_corner(self.pixels, number)


def field_maps(pixels: FieldPixels, number: int, values: np.ndarray) -> np.ndarray:
    """One field's part of values (map, pixel) as maps (map, y, x), NaN outside it."""
    mine = slice(pixels.start[number], pixels.start[number + 1])
    rows, columns = pixels.rows[mine], pixels.columns[mine]
    if not len(rows):
        return np.full((len(values), 0, 0), np.nan, "float32")
    maps = np.full((len(values), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1), np.nan, "float32")
    maps[:, rows - rows.min(), columns - columns.min()] = values[:, mine]
    return maps


def field_corner(pixels: FieldPixels, number: int) -> tuple[float, float]:
    """The west and north edge of one field's maps [m]."""
    mine = slice(pixels.start[number], pixels.start[number + 1])
    rows, columns, size = pixels.rows[mine], pixels.columns[mine], pixels.resolution_m
    return (float(columns.min() * size), float(-rows.min() * size)) if len(rows) else (0.0, 0.0)


def clear_looks(
    store: Store, outlines: gpd.GeoDataFrame, rows: pd.DataFrame, layer: str, since: datetime
) -> Looks | None:
    """The looks since an instant, from the current field rows of the layer; None where there is none.

    Looks of one instant over several tiles are one look. Each field is read from the product that is current for it.
    """
    mine = rows[(rows["layer"] == layer) & (rows["n_px"] > 0) & (rows["acquired_at"] >= since)]
    parts = history.all_parts(store)
    wanted = [
        (acquired_at, acquisition_id, set(table["field_id"]))
        for (acquired_at, acquisition_id), table in mine.groupby(["acquired_at", "acquisition_id"])
    ]
    if not wanted:
        return None
    crs = str(parts(wanted[-1][1])[-1].properties["proj:code"])
    size = LAYERS[layer].resolution_m
    pixels = field_pixels(list(outlines["field_id"]), list(outlines.geometry.to_crs(crs)), size)
    owner = np.repeat(np.arange(len(pixels.field_ids)), np.diff(pixels.start))
    seen_at = sorted({acquired_at for acquired_at, _, _ in wanted})
    values = np.full((len(seen_at), len(owner)), np.nan, "float32")
    for acquired_at, acquisition_id, field_ids in wanted:
        current = np.isin(owner, [i for i, name in enumerate(pixels.field_ids) if name in field_ids])
        found = _clear_at(store, parts(acquisition_id), layer, pixels)
        values[seen_at.index(acquired_at), current] = found[current]
    return Looks(values, tuple(instant.to_pydatetime() for instant in seen_at), pixels, crs)


def _clear_at(store: Store, parts: Sequence[Published], layer: str, pixels: FieldPixels) -> np.ndarray:
    """The layer's clear values at the pixels, NaN elsewhere."""
    values, grid = joined(store, parts, layer)
    quality, _ = joined(store, parts, "quality")
    clear: xr.DataArray = values.where(on_pixels_of(quality, values) == Quality.CLEAR)
    row = pixels.rows + grid.north_m // grid.resolution_m
    column = pixels.columns - grid.west_m // grid.resolution_m
    inside = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
    found = np.full(len(row), np.nan, "float32")
    found[inside] = clear.values[row[inside], column[inside]]
    return found
