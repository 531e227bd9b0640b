"""What is published, as the portal and its API need it: read only, and it sees new results without a restart.

One thread looks at the state of the store's index every two seconds and makes a new `Seen` where it changed; whoever
reads takes the `Seen` that stands. Rows of tables come by field, so no page grows with the store.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from geopandas import GeoDataFrame

from agro.portal.problems import not_there
from agro.portal.seen import ENOUGH_CLEAR, Seen, Shown
from agro.store import history
from agro.store.accounts import Person
from agro.store.by_field import ByField
from agro.store.publish import Published, Store
from agro.store.reading import Reader

_LOG = logging.getLogger(__name__)
_LOOK_S = 2.0
TABLES: dict[str, Sequence[str]] = {
    "fieldstats": ("fields",),
    "alerts": ("alerts",),
    "forecasts": ("fields",),
    "moisture": ("fields",),
    "water": ("water", "agreement"),
    "patterns": ("patterns",),
    "zones": ("fields", "zones"),
    "yield_maps": ("fields",),
}
_CURVE = "evi2"


class Shelf:
    """One store. `as_of` (ISO, UTC) everywhere: only what was published by then."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self._reader = Reader(store)
        self._rows = ByField(folder, store, TABLES)
        self._one = threading.Lock()
        self._state: tuple[int, int] | None = None
        self.seen = Seen(store, {})
        self.refresh()

    def refresh(self) -> bool:
        """Look whether the store changed; whether it did."""
        with self._one:
            state = self._reader.state()
            if state is None or state == self._state:
                return False
            new, gone = self._reader.changed(set(self.seen.results))
            if new or gone:
                kept = {place: one for place, one in self.seen.results.items() if place not in gone}
                self.seen = Seen(self.store, kept | {one.place: one for one in new})
            self._state = state
            return bool(new or gone)

    @property
    def mark(self) -> tuple[tuple[int, int] | None, int]:
        """Another one whenever something that is read here may have changed."""
        return self._state, self._rows.taken

    def take_rows(self, most: int | None = None) -> int:
        """Take up the rows of tables that are new, the newest first; how many."""
        lacking = [one for one in self.seen.results.values() if self._rows.lacks(one)]
        chosen = sorted(lacking, key=lambda one: str(one.item["properties"]["datetime"]), reverse=True)[:most]
        for one in chosen:
            self._rows.take(one)
        return len(chosen)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep looking while this lasts."""
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                try:
                    self.refresh()
                    while not stop.is_set() and self.take_rows(1):
                        pass
                except (OSError, sqlite3.Error, ValueError) as error:  # the store is being mended: what stands is shown
                    _LOG.warning("the store could not be read: %s", error)
                stop.wait(_LOOK_S)

        thread = threading.Thread(target=watch, name="shelf", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)

    def fields_of(self, person: Person, as_of: str | None = None) -> GeoDataFrame:
        """The fields of a person's farms: field_id, farm_id, district, name, area_ha, crop, version, geometry."""
        return self.seen.outlines(as_of).of_farms(person.farms)

    def field(self, person: Person, field_id: str, as_of: str | None = None) -> pd.Series:
        """One field of a person. Raises Denied (404), the same for a foreign and for an unknown id."""
        row = self.seen.outlines(as_of).row(field_id)
        if row is None or row["farm_id"] not in person.farms:
            raise not_there(field_id)
        return row

    def stats(self, field_id: str, as_of: str | None = None) -> pd.DataFrame:
        """A row a layer and look that holds: acquired_at, acquisition_id, layer, mean ... flag."""
        results = self.seen.of("fieldstats", as_of)
        rows = self._rows.of(field_id, "fieldstats", "fields", [one.place for one in results])
        if rows.empty:
            return rows
        rows["acquired_at"] = pd.to_datetime(rows["acquired_at"], utc=True)
        return history.current(rows, results)

    def passes(self, field_id: str, as_of: str | None = None) -> pd.DataFrame:
        """The looks at a field, oldest first: acquisition_id, acquired_at, platform, clear_fraction, result_id."""
        rows = self.stats(field_id, as_of)
        if rows.empty:
            return rows
        looks = rows[rows["layer"] == "ndvi"][["acquisition_id", "acquired_at", "platform", "clear_fraction", "place"]]
        return looks.assign(result_id=looks.pop("place").map(self.seen.id_of)).reset_index(drop=True)

    def layers(self, field: pd.Series, as_of: str | None = None) -> list[Shown]:
        """Every raster that shows a field, by layer and day."""
        looks = self.passes(str(field.name), as_of)
        own = set(looks["result_id"]) if len(looks) else set()
        return [one for one in self.seen.shown(as_of) if (one.result_id in own if one.of_pass else one.over(field))]

    def layer(self, field: pd.Series, result_id: str, layer: str) -> Shown:
        """One raster by its id. Raises Denied (404)."""
        one = self.seen.by_id.get((result_id, layer))
        if one is None or not one.over(field):
            raise not_there(result_id)
        return one

    def season(self, field_id: str, as_of: str | None = None) -> pd.DataFrame:
        """The curve of all seasons: acquired_at, season, value, p10, p90 of the clear looks' EVI2."""
        rows = self.stats(field_id, as_of)
        if rows.empty:
            return rows
        rows = rows[(rows["layer"] == _CURVE) & (rows["clear_fraction"] >= ENOUGH_CLEAR)]
        told = rows[["acquired_at", "p50", "p10", "p90", "clear_fraction"]].rename(columns={"p50": "value"})
        return told.assign(season=told["acquired_at"].dt.year).reset_index(drop=True)

    def newest_rows(self, kind: str, asset: str, field_id: str, as_of: str | None = None) -> pd.DataFrame:
        """A field's rows of the newest result of a kind that has any, by the day that it tells of."""
        results = self.seen.of(kind, as_of)
        rows = self._rows.of(field_id, kind, asset, [one.place for one in results])
        if rows.empty:
            return rows
        days = {one.place: (str(one.item["properties"]["datetime"]), one.created) for one in results}
        newest = max(rows["place"].unique(), key=days.__getitem__)
        return rows[rows["place"] == newest].reset_index(drop=True)

    def forecast(self, field_id: str, as_of: str | None = None) -> pd.DataFrame:
        """The newest forecast: a row a quantity, with value, se, unit, low_80 ..., why."""
        return self.newest_rows("forecasts", "fields", field_id, as_of)

    def alerts(self, field_id: str, as_of: str | None = None) -> pd.DataFrame:
        """What stood out by the newest look that was compared; empty where nothing did."""
        return self.newest_rows("alerts", "alerts", field_id, as_of)

    def prescriptions(self, field: pd.Series, as_of: str | None = None) -> list[Published]:
        """A field's prescriptions made for the farm that it is of, newest first."""
        farms = (field["farm_id"], "", None)
        own = self.seen.prescriptions.get(str(field.name), [])
        own = [one for one in own if one.item["properties"].get("agro:farm") in farms]
        return [one for one in own if as_of is None or one.created <= as_of]

    def boards(self, as_of: str | None = None) -> list[Published]:
        """The boards of the outlook, the newest day first."""
        boards = self.seen.of("boards", as_of)
        return sorted(boards, key=lambda one: (str(one.item["properties"]["agro:as_of"]), one.created), reverse=True)

    def told_of(self) -> dict[str, Any]:
        """How many results of each kind there are, and how many still wait to be read."""
        lacking = sum(self._rows.lacks(one) for one in self.seen.results.values())
        return {"results": {kind: len(own) for kind, own in sorted(self.seen.kinds.items())}, "unread": lacking}
