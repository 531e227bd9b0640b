"""Published maps read back: one layer of an acquisition, from however many parts it has."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.store import rasters
from agro.store.publish import Published, Store, read_asset


def joined(store: Store, parts: Sequence[Published], name: str) -> tuple[xr.DataArray, Grid]:
    """One layer (y, x) from all its parts in its own unit, NaN (or its class's mark) where unknown, and its grid."""
    layer = LAYERS[name]
    pieces = [rasters.from_cog(read_asset(store, part, name)) for part in parts]
    if len(pieces) == 1:
        pixels, grid = pieces[0]
        return xr.DataArray(rasters.decode(layer, pixels), dims=("y", "x")), grid
    grids = [grid for _, grid in pieces]
    west, north = min(g.west_m for g in grids), max(g.north_m for g in grids)
    east, south = max(g.bounds[2] for g in grids), min(g.bounds[1] for g in grids)
    size = layer.resolution_m
    whole = Grid(grids[0].crs, west, north, size, (north - south) // size, (east - west) // size)
    pixels = np.full(whole.shape, layer.nodata, layer.dtype)
    for piece, where in pieces:
        place = where.rows_and_columns_in(whole)
        pixels[place] = np.where(piece != layer.nodata, piece, pixels[place])
    return xr.DataArray(rasters.decode(layer, pixels), dims=("y", "x")), whole


def windowed(store: Store, parts: Sequence[Published], name: str, grid: Grid) -> np.ndarray:
    """One layer (y, x) on a grid of its own lattice, in its own unit; NaN, or its class's mark, where unknown."""
    layer = LAYERS[name]
    pixels = np.full(grid.shape, layer.nodata, layer.dtype)
    for part in parts:
        piece = rasters.window_of_cog(read_asset(store, part, name), grid, layer.nodata)
        pixels = np.where(piece != layer.nodata, piece, pixels)
    return rasters.decode(layer, pixels)
