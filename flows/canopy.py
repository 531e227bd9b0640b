"""What the canopy shows of nitrogen in the season: the newest clear look at a field, against a strip with plenty."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.features import geometry_mask

from agro.advice.sufficiency import sufficiency
from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.store import history
from agro.store.maps import windowed
from agro.store.publish import Store

_LAYER = "ndre"
_ENOUGH_CLEAR = 0.5  # [1] of the field
_INSIDE_M = 10.0  # [m] of a strip's edge that mixes with its neighbours
_FEWEST_PX = 4  # [1] of a strip
_BEST_PCT = 95.0  # [%] what stands for a strip where there is none, for looking only


@dataclass(frozen=True)
class Seen:
    """A field's sufficiency index (y, x) on `grid` [1], NaN where not clear, of one look; by a real strip or not."""

    index: np.ndarray
    grid: Grid
    acquisition_id: str
    acquired_at: pd.Timestamp
    real_strip: bool


class Canopy:
    """The looks of one store, read once."""

    def __init__(self, store: Store, strips: gpd.GeoDataFrame | None) -> None:
        self._store = store
        self._strips = strips

    @property
    def marks(self) -> str:
        """A digest of the strips."""
        return "" if self._strips is None else sha256(b"".join(shapely.to_wkb(self._strips.geometry))).hexdigest()

    @cached_property
    def _rows(self) -> pd.DataFrame:
        rows = history.fieldstats(self._store)
        return rows[(rows["layer"] == _LAYER) & (rows["clear_fraction"] >= _ENOUGH_CLEAR)]

    def look(self, field_id: str, season: int) -> pd.Series:
        """The newest clear look of a season. Raises BadInput."""
        mine = self._rows[(self._rows["field_id"] == field_id) & (self._rows["acquired_at"].dt.year == season)]
        if mine.empty:
            raise BadInput(
                "TOP-NO-LOOK",
                "no clear look at this field in {season}: the canopy cannot be judged",
                "run `agro run` when a clear pass is there",
                season=season,
            )
        newest: pd.Series = mine.sort_values("acquired_at").iloc[-1]
        return newest

    def seen(self, field_id: str, season: int, grid: Grid, inside: np.ndarray, outline: gpd.GeoSeries) -> Seen:
        """The sufficiency index of a field; `outline` is its own in EPSG:4326. Raises BadInput."""
        look = self.look(field_id, season)
        values = windowed(self._store, history.parts_of(self._store, look["acquisition_id"]), _LAYER, grid)
        values = np.where(inside, values.astype("float64"), np.nan)
        reference = self._reference(values, grid, outline)
        measure = float(np.nanpercentile(values, _BEST_PCT)) if reference is None else reference
        index = np.asarray(sufficiency(values, measure))
        return Seen(index, grid, str(look["acquisition_id"]), look["acquired_at"], reference is not None)

    def _reference(self, values: np.ndarray, grid: Grid, outline: gpd.GeoSeries) -> float | None:
        """The index in the field's own strip with plenty of nitrogen; None where there is none, or none is seen."""
        if self._strips is None:
            return None
        own = self._strips[self._strips.intersects(outline.iloc[0])].to_crs(grid.crs)
        shapes = [shape for shape in own.geometry.buffer(-_INSIDE_M) if not shape.is_empty]
        if not shapes:
            return None
        strip = values[geometry_mask(shapes, grid.shape, grid.transform, invert=True)]
        strip = strip[np.isfinite(strip)]
        return float(np.median(strip)) if len(strip) >= _FEWEST_PX else None
