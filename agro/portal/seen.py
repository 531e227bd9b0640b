"""The published results at one moment, sorted for reading. Never changed: a newer moment is another `Seen`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import pandas as pd
from geopandas import GeoDataFrame
from shapely import Geometry

from agro.domain.errors import TornFile
from agro.domain.layers import LAYERS
from agro.reports.styles import STYLES
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet

_EMPTY = GeoDataFrame(
    {name: [] for name in ("field_id", "farm_id", "district", "crop", "area_ha", "version")}, geometry=[], crs=4326
)
_BY_BLOCK = {"seasons": "agro:season", "bare_soil": ""}  # several results, one a block, make one map
ENOUGH_CLEAR = 0.5  # [1] of a field: a look that shows less does not count as one
_ROUND_DEG = 0.02  # [°] about 2 km round a district's fields
_MOST_LOOKS = 500  # [1] that are searched for the newest clear one of each district
_RASTERS = (
    *("fieldstats", "relief", "soil", "moisture", "radar_wetness", "field_moisture", "seasons", "bare_soil", "zones"),
    *("yield_maps", "composites"),
)


@dataclass(frozen=True)
class Shown:
    """One raster layer that can be drawn: its id, the results whose assets it lies in, and the day that it shows."""

    result_id: str
    layer: str
    kind: str
    day: str
    created: str
    parts: tuple[Published, ...]
    checksum: str

    @property
    def of_pass(self) -> bool:
        """Whether it is of one look from above."""
        return self.kind == "fieldstats"

    def over(self, field: pd.Series) -> bool:
        """Whether it may show a field."""
        west, south, east, north = field.geometry.bounds
        boxes = (part.item.get("bbox") for part in self.parts)
        return any(b and b[0] <= east and b[2] >= west and b[1] <= north and b[3] >= south for b in boxes)


class Outlines:
    """The outlines that held at a moment, by farm and by field."""

    def __init__(self, table: GeoDataFrame) -> None:
        self.table = table.set_index("field_id", drop=False)
        self._at = {str(field_id): n for n, field_id in enumerate(self.table.index)}
        self._farms: dict[str, list[int]] = {}
        for n, farm in enumerate(self.table["farm_id"]):
            self._farms.setdefault(str(farm), []).append(n)
        self._row = lru_cache(8192)(self._made)

    def row(self, field_id: str) -> pd.Series | None:
        """A field's row, named by its id."""
        return self._row(field_id) if field_id in self._at else None

    def of_farms(self, farms: Sequence[str]) -> GeoDataFrame:
        """The fields of farms, by id."""
        return self.table.iloc[sorted(n for farm in set(farms) for n in self._farms.get(farm, ()))]

    def _made(self, field_id: str) -> pd.Series:
        row: pd.Series = self.table.iloc[self._at[field_id]]
        return row


class Seen:
    """Results by place, by kind (oldest first), by id."""

    def __init__(self, store: Store, results: Mapping[str, Published]) -> None:
        self._store = store
        ordered = sorted(results.values(), key=lambda one: (one.created, one.place))
        self.results = {one.place: one for one in ordered}
        self.kinds: dict[str, list[Published]] = {}
        for one in ordered:
            self.kinds.setdefault(one.kind, []).append(one)
        self.prescriptions: dict[str, list[Published]] = {}
        for one in reversed(self.kinds.get("prescriptions", [])):
            self.prescriptions.setdefault(str(one.item["properties"]["agro:field_id"]), []).append(one)
        self.by_id: dict[tuple[str, str], Shown] = {}
        self.outlines = lru_cache(4)(self._outlines)
        self.shown = lru_cache(4)(self._shown)
        self.grounds = lru_cache(1)(self._grounds)
        self.newest_images = lru_cache(1)(self._newest_images)
        self.shown(None)
        self.outlines(None)

    def of(self, kind: str, as_of: str | None = None) -> list[Published]:
        """The results of a kind, oldest first."""
        return [one for one in self.kinds.get(kind, []) if as_of is None or one.created <= as_of]

    def _grounds(self, fewest_farms: int) -> dict[str, Geometry]:
        """The hull round each district's fields, wide enough to hide them; of none with fewer farms."""
        table = self.outlines(None).table
        known = table[table["district"].notna()]
        return {
            str(district): own.union_all().convex_hull.buffer(_ROUND_DEG)
            for district, own in known.groupby("district")
            if own["farm_id"].nunique() >= fewest_farms
        }

    def _newest_images(self) -> dict[str, datetime | None]:
        """When each district's fields were last seen clear; None where they were not."""
        table = self.outlines(None).table
        where = {str(row.field_id): row.district for row in table.itertuples() if row.district is not None}
        newest: dict[str, datetime | None] = dict.fromkeys(sorted(set(where.values())))
        looks = sorted(self.of("fieldstats"), key=lambda one: str(one.item["properties"]["datetime"]), reverse=True)
        for one in looks[:_MOST_LOOKS]:
            if all(newest.values()):
                break
            rows = self._table(one, "fields")
            if rows is None:
                continue
            clear = rows[(rows["layer"] == "ndvi") & (rows["clear_fraction"] >= ENOUGH_CLEAR)]
            seen = {where[field_id] for field_id in clear["field_id"] if field_id in where}
            at = datetime.fromisoformat(str(one.item["properties"]["datetime"]))
            newest |= {district: at for district in seen if newest[district] is None}
        return newest

    @staticmethod
    def id_of(*places: str) -> str:
        """The id of what lies at places: no path, and nothing can be read from it."""
        return hashlib.sha256("\n".join(sorted(places)).encode()).hexdigest()[:16]

    def _outlines(self, as_of: str | None) -> Outlines:
        results = self.of("outlines", as_of)
        tables = [table for one in results if (table := self._table(one, "fields", outlines=True)) is not None]
        if not tables:
            return Outlines(_EMPTY.assign(name=[]))
        rows = pd.concat(tables, ignore_index=True).drop_duplicates("field_id", keep="last")
        rows = rows.sort_values("field_id", ignore_index=True)
        sown = self._crops(as_of)
        rows["crop"] = [sown.get(row.field_id, row.crop) for row in rows.itertuples()]
        for name in ("farm_id", "district", "crop"):
            rows[name] = pd.Series([one if isinstance(one, str) else None for one in rows[name]], dtype=object)
        return Outlines(GeoDataFrame(rows.assign(name=rows["field_id"]), crs=4326))

    def _table(self, one: Published, name: str, *, outlines: bool = False) -> Any:
        """A table of a result; None where it is torn, which `agro store verify` tells."""
        try:
            return from_parquet(read_asset(self._store, one, name), outlines=outlines)
        except TornFile:
            return None

    def _crops(self, as_of: str | None) -> dict[str, str]:
        """The crop of each field's last season on record."""
        results = self.of("season_fields", as_of)
        tables = [table for one in results if (table := self._table(one, "seasons")) is not None]
        if not tables:
            return {}
        rows = pd.concat(tables, ignore_index=True).dropna(subset=["crop"])
        rows = rows.drop_duplicates(["field_id", "season"], keep="last").sort_values("season")
        return dict(zip(rows["field_id"], rows["crop"], strict=True))

    def _shown(self, as_of: str | None) -> list[Shown]:
        """Every raster layer, by layer, day and time of making; each is known by its id from now on."""
        made: list[Shown] = []
        for kind in _RASTERS:
            for places in self._groups(kind, as_of):
                made += self._layers(kind, places)
        self.by_id.update({(one.result_id, one.layer): one for one in made})
        return sorted(made, key=lambda one: (one.layer, one.day, one.created))

    def _groups(self, kind: str, as_of: str | None) -> list[list[Published]]:
        """The results that belong together."""
        if kind not in _BY_BLOCK:
            return [[one] for one in self.of(kind, as_of)]
        groups: dict[str, dict[str, Published]] = {}
        for one in self.of(kind, as_of):
            about = one.item["properties"]
            group = groups.setdefault(str(about.get(_BY_BLOCK[kind], "")), {})
            group[str(about["agro:block"])] = one
        return [list(group.values()) for group in groups.values()]

    def _layers(self, kind: str, group: list[Published]) -> list[Shown]:
        result_id = self.id_of(*(one.place for one in group))
        parts = group
        if kind == "fieldstats":  # the rasters are those of the pass, one part or several
            parents = group[0].item["properties"]["agro:parents"]
            parts = [self.results[place] for place in parents if place in self.results]
        day = max((str(one.item["properties"]["datetime"]) for one in group), default="")
        created = max(one.created for one in group)
        names = {name for part in parts for name in part.item["assets"] if name in STYLES and name in LAYERS}
        return [
            Shown(
                result_id,
                name,
                kind,
                datetime.fromisoformat(day).isoformat(),
                created,
                tuple(part for part in parts if name in part.item["assets"]),
                self.id_of(*(str(p.item["assets"][name]["file:checksum"]) for p in parts if name in p.item["assets"])),
            )
            for name in sorted(names)
        ]
