"""Parcels of the land register as passes show them: the layer that was given, a row a parcel, look and index."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.agromaps.fieldstats import field_pixels
from agro.agromaps.tally import Tally
from agro.domain.errors import BadInput, Refusal
from agro.domain.layers import LAYERS
from agro.sources.outlines import read_outlines
from agro.store import history, rasters
from agro.store.index import Index
from agro.store.publish import Published, digest, read_asset
from agro.store.tables import from_parquet
from flows.keeping import Result, keep
from flows.plan import Land
from flows.settings import Settings
from flows.simulated import twin_catalog
from flows.windows import WINDOW_M
from models.crop_features import LAYERS as COUNTED

ALGORITHM = 1  # raise it when the same passes and parcels give other rows


@dataclass(frozen=True)
class Parcels:
    """The layer of parcels: outlines in EPSG:4326 with parcel_id, district and area_ha [ha], and on the grid's CRS."""

    outlines: gpd.GeoDataFrame
    on_grid: gpd.GeoSeries
    refused: tuple[Refusal, ...]
    simulated: bool

    @property
    def key(self) -> str:
        """The version of the layer."""
        return digest(sorted(map(list, zip(self.outlines["parcel_id"], self.outlines["version"], strict=True))))


def layer_named(settings: Settings, given: Path | None) -> bool:
    """Whether there is a layer of parcels at all: given, configured, or the simulated region's."""
    return bool(given or settings.fields.parcels or settings.imagery.source == "twin")


def read_parcels(settings: Settings, land: Land, given: Path | None) -> Parcels:
    """The layer given or configured, else that of the simulated region. Raises BadInput where there is none."""
    given = given or settings.fields.parcels
    simulated = given is None and settings.imagery.source == "twin"
    path = twin_catalog(settings, land).parents[1] / "parcels" / "parcels.geojson" if simulated else given
    if path is None:
        raise BadInput(
            "LAND-NO-PARCELS",
            "no layer of parcels was given, and nothing is said of land outside one",
            "name a file of outlines with the column parcel_id: --parcels FILE, or fields.parcels",
        )
    outlines, refused = read_outlines(path, bounds=settings.region.bounds or None, named="parcel_id")
    if outlines.empty:
        raise BadInput(
            "LAND-PARCELS-NONE",
            "{where}: none of {count} parcels can be used",
            "mend the outlines",
            where=path.name,
            count=len(refused),
        )
    table = outlines.rename(columns={"field_id": "parcel_id"})
    return Parcels(table, table.geometry.to_crs(land.crs), tuple(refused), simulated)


def parcel_stats(settings: Settings, parcels: Parcels, index: Index) -> pd.DataFrame:
    """Rows as those of fields, `field_id` being the parcel's, of all passes; each season is counted once."""
    store = index.store
    looks = history.fieldstats(store)[["acquisition_id", "acquired_at"]].drop_duplicates("acquisition_id")
    parts_of = history.all_parts(store)
    finite = np.isfinite(parcels.on_grid.bounds.to_numpy()).all(axis=1)
    ids, shapes = parcels.outlines["parcel_id"][finite].tolist(), list(parcels.on_grid[finite])
    pixels = {size: field_pixels(ids, shapes, size) for size in sorted({LAYERS[name].resolution_m for name in COUNTED})}
    fields, tables = settings.fields, []
    for season, own in looks.groupby(looks["acquired_at"].dt.year):
        passes = [(parts_of(one), at) for one, at in zip(own["acquisition_id"], own["acquired_at"], strict=True)]
        places = sorted(part.place for parts, _ in passes for part in parts)
        key = digest([places, parcels.key, fields.few_px, fields.low_clear_fraction, ALGORITHM])
        place = f"parcelstats/{season}--{key}"
        standing = index.at(place)
        if standing is None:
            rows = []
            for parts, at in passes:
                tallies = [Tally(own, [n for n in COUNTED if LAYERS[n].resolution_m == s]) for s, own in pixels.items()]
                _count(index, parts, tallies)
                told = [one.rows(fields.few_px, fields.low_clear_fraction) for one in tallies]
                rows.append(pd.concat(told, ignore_index=True).assign(acquired_at=at))
            table = pd.concat(rows, ignore_index=True)
            properties = {
                "datetime": f"{own['acquired_at'].max():%Y-%m-%dT%H:%M:%SZ}",
                "agro:season": int(season),
                "agro:parcels": parcels.key,
                "agro:parents": places,
                "agro:simulated": settings.imagery.source == "twin",
            }
            seen = table[table["n_px"] > 0].reset_index(drop=True)
            standing = keep(store, index, place, Result(properties, None, tables={"parcels": seen}))
        tables.append(from_parquet(read_asset(store, standing, "parcels")))
    return pd.concat(tables, ignore_index=True)


def _count(index: Index, parts: Sequence[Published], tallies: Sequence[Tally]) -> None:
    """Lay down what the parts of one pass hold of the parcels; windows without parcels are not decoded."""
    for part in parts:
        for name in ("quality", *COUNTED):
            mine = [one for one in tallies if name == "quality" or name in one.layers]
            if name not in part.item["assets"]:
                continue
            for window, stored in rasters.windows_of_cog(read_asset(index.store, part, name), WINDOW_M, _meet(mine)):
                for one in mine:
                    one.add(window, stored if name == "quality" else None, {name: stored})


def _meet(tallies: Sequence[Tally]) -> Callable[[object], bool]:
    return lambda window: any(one.meets(window) for one in tallies)  # type: ignore[arg-type]
