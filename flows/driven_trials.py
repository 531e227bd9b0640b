"""Trials that were prescribed, and what the yield maps say of their strips when they come back."""

import io
from functools import cache

import geopandas as gpd
import pandas as pd

from agro.advice.trial import read_trial
from agro.store.index import Index
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet

_COLUMNS = ["field_id", "season", "rep", "strip", "zone", "lon", "lat", "dose_kg_ha", "yield_t_ha", "nutrient"]


class DrivenTrials:
    """The trials of one store with a yield map of their season; each table is read once."""

    def __init__(self, store: Store, index: Index) -> None:
        self._store = store
        self._laid: dict[str, list[Published]] = {}
        for result in index.items("prescriptions"):
            if result.properties["agro:trial"]:
                self._laid.setdefault(str(result.properties["agro:field_id"]), []).append(result)
        self._maps = {
            (r.properties["agro:season"], r.properties["agro:district"]): r for r in index.items("yield_maps")
        }
        self._points = cache(self._read_points)

    def strips(self, field_id: str, district: str, crs: str) -> pd.DataFrame:
        """The yields of the field's strips, a row a point of the combine, with the columns of a table of trials.

        Where a season's trial was prescribed twice, the last one was driven.
        """
        newest = {int(result.properties["agro:season"]): result for result in self._laid.get(field_id, [])}
        found = []
        for season, result in sorted(newest.items()):
            points = self._points(season, district)
            mine = points[points["field_id"] == field_id] if points is not None else None
            if mine is None or mine.empty:
                continue
            plots = gpd.read_file(io.BytesIO(read_asset(self._store, result, "trial"))).to_crs(crs)
            read = read_trial(plots, mine.to_crs(crs))
            found.append(read.assign(season=season, zone=None, nutrient="n"))
        return pd.concat(found, ignore_index=True)[_COLUMNS] if found else pd.DataFrame(columns=_COLUMNS)

    def _read_points(self, season: int, district: str) -> gpd.GeoDataFrame | None:
        """The believed points of a season and district."""
        result = self._maps.get((season, district))
        if result is None:
            return None
        table = from_parquet(read_asset(self._store, result, "points"))
        kept = table[table["reason"].fillna("") == ""]
        plain = kept[["field_id", "lon", "lat"]].assign(yield_t_ha=kept["cleaned_t_ha"])
        return gpd.GeoDataFrame(plain, geometry=gpd.points_from_xy(plain["lon"], plain["lat"]), crs=4326)
