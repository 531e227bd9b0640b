"""Trials that were prescribed, and what logs and yield maps say of their strips when they come back."""

import io
from functools import cache
from typing import Any

import geopandas as gpd
import pandas as pd

from agro.advice.trial import as_driven, read_trial
from agro.domain.errors import Told
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
        self._logs: dict[str, list[Published]] = {}
        for result in index.items("as_applied"):
            for parent in result.properties["agro:parents"]:
                self._logs.setdefault(parent, []).append(result)

    def strips(self, field_id: str, district: str, crs: str) -> tuple[pd.DataFrame, list[Told]]:
        """The yields of the field's strips, a row a point of the combine, with the columns of a table of trials.

        Where a season's trial was prescribed twice, the last one was driven. Doses are those that the machine's log
        tells; told is where there is none, and they are taken as prescribed.
        """
        newest = {int(result.properties["agro:season"]): result for result in self._laid.get(field_id, [])}
        found, told = [], list[Told]()
        for season, result in sorted(newest.items()):
            points = self._points(season, district)
            mine = points[points["field_id"] == field_id] if points is not None else None
            if mine is None or mine.empty:
                continue
            plots = gpd.read_file(io.BytesIO(read_asset(self._store, result, "trial"))).to_crs(crs)
            driven, said = self._as_logged(plots, self._logs.get(result.place, []), season)
            told.append(said)
            read = read_trial(driven, mine.to_crs(crs))
            found.append(read.assign(season=season, zone=None, nutrient="n"))
        return (pd.concat(found, ignore_index=True)[_COLUMNS] if found else pd.DataFrame(columns=_COLUMNS)), told

    def _as_logged(self, plots: gpd.GeoDataFrame, logs: list[Published], season: int) -> tuple[gpd.GeoDataFrame, Told]:
        """The strips as they were driven, by the newest log of each product that brings nitrogen."""
        newest = {str(log.properties["agro:product"]): log for log in logs if _nitrogen_pct(log)}
        if not newest:
            facts = {"season": season}
            return plots, Told("trial of {season}: no log came back, its strips are taken as prescribed", facts)
        for log in newest.values():
            plots = as_driven(plots, self._off(log, plots.crs))
        facts = {"season": season, "n": len(plots)}
        return plots, Told("trial of {season}: doses as the machine's log has them, {n} strips", facts)

    def _off(self, log: Published, crs: Any) -> gpd.GeoDataFrame:
        """Nitrogen that a log put out beyond what was prescribed [kg/ha], a point a stroke."""
        table = from_parquet(read_asset(self._store, log, "strokes"))
        table = table[table["planned"].notna()]
        off = (table["rate"] - table["planned"]) * _nitrogen_pct(log) / 100
        places = gpd.points_from_xy(table["x_m"], table["y_m"])
        return gpd.GeoDataFrame({"off_kg_ha": off, "area_ha": table["area_ha"]}, geometry=places, crs=crs)

    def _read_points(self, season: int, district: str) -> gpd.GeoDataFrame | None:
        """The believed points of a season and district."""
        result = self._maps.get((season, district))
        if result is None:
            return None
        table = from_parquet(read_asset(self._store, result, "points"))
        kept = table[table["reason"].fillna("") == ""]
        plain = kept[["field_id", "lon", "lat"]].assign(yield_t_ha=kept["cleaned_t_ha"])
        return gpd.GeoDataFrame(plain, geometry=gpd.points_from_xy(plain["lon"], plain["lat"]), crs=4326)


def _nitrogen_pct(log: Published) -> float:
    """Of the product that a log is of [% by mass]; 0 where nobody knows."""
    return float(log.properties.get("agro:nutrients_pct", {}).get("n", 0.0))
