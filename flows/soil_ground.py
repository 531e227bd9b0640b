"""What a district's soil is mapped on: its pixels, its fields, and what may explain its soil, relief and bare soil."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import rasterize

from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS
from agro.store.index import Index
from agro.store.maps import windowed
from agro.store.publish import Published, Store
from flows.ground_maps import Group
from flows.plan import Land

RELIEF = ("height", "slope", "twi")
BARE = ("bare_red", "bare_nir", "bare_swir22")
PIXEL_M, PIXEL_HA = 20, 0.04
_BELOW_DETECTION = 0.5  # [1] of the limit stands for a figure below it. assumption


@dataclass(frozen=True)
class Sources:
    """The published results that may explain the soil of a district."""

    relief: list[Published]
    bare: list[Published]

    @property
    def places(self) -> list[str]:
        """The places of all."""
        return [result.place for result in (*self.relief, *self.bare)]


@dataclass(frozen=True)
class SoilGround:
    """The grid, its covariates (y, x), the number of each pixel's field, and the fields' numbers."""

    grid: Grid
    covariates: xr.Dataset
    fields: xr.DataArray
    numbers: Mapping[str, int]


def sources_of(group: Group, land: Land, index: Index) -> Sources:
    """The newest relief of a district, and the newest bare soil of each block that it lies in."""
    relief = [r for r in index.items("relief") if r.properties["agro:district"] == group.name][-1:]
    newest = {str(r.properties["agro:block"]): r for r in index.items("bare_soil")}
    west, south, east, north = land.outlines.iloc[list(group.fields)].total_bounds
    here = [
        result
        for _, result in sorted(newest.items())
        if result.item["bbox"][0] <= east
        and result.item["bbox"][2] >= west
        and result.item["bbox"][1] <= north
        and result.item["bbox"][3] >= south
    ]
    return Sources(relief, here)


def soil_ground(land: Land, group: Group, sources: Sources, store: Store, least_known: float) -> SoilGround:
    """The ground of one district. A covariate that is not known on `least_known` [1] of the fields is not used."""
    grid = around(land.crs, group.bounds, PIXEL_M)
    numbers = {str(land.outlines["field_id"].iloc[i]): n for n, i in enumerate(group.fields, start=1)}
    shapes = [(land.on_grid.iloc[i], n) for n, i in enumerate(group.fields, start=1)]
    pixels = rasterize(shapes, grid.shape, fill=0, transform=grid.transform, dtype="int32")
    coarse = grid.at(LAYERS["height"].resolution_m)
    maps = {}
    for name in RELIEF if sources.relief else ():
        wide = windowed(store, sources.relief, name, coarse).repeat(2, axis=0).repeat(2, axis=1)
        if np.isfinite(wide[pixels > 0]).all():  # a covariate with holes would leave holes in the map
            maps[name] = wide
    for name in BARE if sources.bare else ():
        seen = windowed(store, sources.bare, name, grid)
        if np.isfinite(seen[pixels > 0]).mean() >= least_known:
            maps[name] = _filled(seen, pixels)
    places = {
        "x": grid.west_m + PIXEL_M * (np.arange(grid.width) + 0.5),
        "y": grid.north_m - PIXEL_M * (np.arange(grid.height) + 0.5),
    }
    covariates = xr.Dataset({name: (("y", "x"), values) for name, values in maps.items()}, places)
    fields = xr.DataArray(np.where(pixels > 0, pixels, np.nan), dims=("y", "x"))
    return SoilGround(grid, covariates, fields.assign_coords(places), numbers)


def _filled(values: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """The same with the middle of its field where a pixel is unknown, and of the district where a field is."""
    filled = np.where(np.isfinite(values) & (fields > 0), values, np.nan)
    known = pd.DataFrame({"field": fields[np.isfinite(filled)], "value": filled[np.isfinite(filled)]})
    middles = known.groupby("field")["value"].median()
    usual = np.full(fields.max() + 1, known["value"].median())
    usual[middles.index] = middles
    return np.where(np.isfinite(filled), filled, usual[fields])


def sample_table(rows: gpd.GeoDataFrame, name: str, ground: SoilGround, crs: str) -> pd.DataFrame:
    """The samples as the choice of the method needs them: value, place, field, covariates at the place."""
    middle = rows.geometry.to_crs(crs).representative_point()
    below = rows["below_detection"].fillna("").str.split(";").map(lambda names: name in names)
    value = rows[name].astype("float64").where(~below, _BELOW_DETECTION * rows[name].astype("float64"))
    table = pd.DataFrame({"value": value.to_numpy(), "x_m": middle.x.to_numpy(), "y_m": middle.y.to_numpy()})
    table["field_number"] = rows["field_id"].map(ground.numbers).to_numpy()
    grid = ground.grid
    row = ((grid.north_m - table["y_m"]) // PIXEL_M).astype(int).clip(0, grid.height - 1)
    column = ((table["x_m"] - grid.west_m) // PIXEL_M).astype(int).clip(0, grid.width - 1)
    for covariate in ground.covariates:
        table[str(covariate)] = ground.covariates[covariate].values[row, column]
    return table


def newest_of_one_kind(samples: gpd.GeoDataFrame, name: str, method_column: str | None) -> gpd.GeoDataFrame:
    """The samples of the newest year that has the figure, of the depth and the method that most of them have."""
    rows = samples[samples[name].notna()]
    if rows.empty:
        return rows
    year = rows["sampled_on"].astype(str).str[:4]
    rows = rows[(year == year.max()) & (rows["depth_from_cm"].fillna(0) == 0)]
    kinds: Sequence[str] = ["depth_to_cm", *([method_column] if method_column else [])]
    for kind in kinds:
        if len(rows):
            value = rows[kind].astype(object).where(rows[kind].notna(), "")
            rows = rows[(value == value.mode().iloc[0]).to_numpy()]
    return rows
