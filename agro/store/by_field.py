"""Rows of published tables by field: what one field's page needs, whatever the number of fields and passes.

A file that can be made again at any time from the tables. Never the truth, and never missed.
"""

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from agro.domain.errors import TornFile
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet

_VERSION = 1  # raise it when rows are kept in another way
_TABLE = """
CREATE TABLE IF NOT EXISTS rows (field_id TEXT, kind TEXT, asset TEXT, place TEXT, content BLOB,
    PRIMARY KEY (field_id, kind, asset, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (place TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class ByField:
    """The rows of the tables named by `assets`: kind to its tables that tell of fields; outlines come as GeoJSON."""

    def __init__(self, folder: Path, store: Store, assets: dict[str, Sequence[str]]) -> None:
        self._store, self._assets = store, assets
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"by_field-{_VERSION}.sqlite"
        self._own = threading.local()
        with self._open() as rows:
            self._taken = {place for (place,) in rows.execute("SELECT place FROM taken")}

    def lacks(self, result: Published) -> bool:
        """Whether the rows of a result are not here yet."""
        return result.kind in self._assets and result.place not in self._taken

    @property
    def taken(self) -> int:
        """The rows of how many results are here."""
        return len(self._taken)

    def take(self, result: Published) -> None:
        """Take up the rows of a result; of a torn one there are none."""
        kept = []
        for asset in self._assets[result.kind]:
            if asset in result.item["assets"]:
                try:
                    table = from_parquet(read_asset(self._store, result, asset))
                except TornFile:
                    continue  # `agro store verify` tells it
                kept += [(field_id, result.kind, asset, result.place, content) for field_id, content in _parts(table)]
        with self._open() as rows:
            rows.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", kept)
            rows.execute("INSERT OR REPLACE INTO taken VALUES (?)", (result.place,))
        self._taken.add(result.place)

    def of(self, field_id: str, kind: str, asset: str, places: Sequence[str] | None = None) -> pd.DataFrame:
        """A field's rows of one kind of table, with their `place`; of some places only, where they are named."""
        ask = "SELECT place, content FROM rows WHERE field_id = ? AND kind = ? AND asset = ?"
        with self._open() as rows:
            found = rows.execute(ask, (field_id, kind, asset)).fetchall()
        wanted = None if places is None else set(places)
        columns: dict[str, list[Any]] = {}
        size = 0
        for place, content in found:
            if wanted is not None and place not in wanted:
                continue
            part = json.loads(zlib.decompress(content))
            n = len(next(iter(part.values())))
            for name in {*columns, *part, "place"}:
                column = columns.setdefault(name, [None] * size)
                column += [place] * n if name == "place" else part.get(name, [None] * n)
            size += n
        return pd.DataFrame(columns)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; a damaged file is made anew."""
        if not hasattr(self._own, "rows"):
            try:
                self._own.rows = _connected(self._path)
            except sqlite3.DatabaseError:
                for end in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + end).unlink(missing_ok=True)
                self._own.rows = _connected(self._path)
        with self._own.rows:
            yield self._own.rows


def _connected(path: Path) -> sqlite3.Connection:
    rows = sqlite3.connect(path, timeout=60, check_same_thread=False)
    try:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA synchronous = NORMAL")
        rows.executescript(_TABLE)
        with closing(rows.execute("PRAGMA quick_check(1)")) as answer:
            answer.fetchone()
    except sqlite3.Error:
        rows.close()
        raise
    return rows


def _parts(table: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """Each field's rows, column by column."""
    if "geometry" in table:
        table = table.assign(geometry=shapely.to_geojson(shapely.from_wkb(table["geometry"])))
    if "field_id" not in table:
        table = table.rename(columns={"subject": "field_id"})  # of forecasts
    table = table.sort_values("field_id", kind="stable", ignore_index=True)
    columns = {str(name): _plain(column) for name, column in table.items()}
    ids = columns["field_id"]
    first = 0
    for n in range(1, len(ids) + 1):
        if n == len(ids) or ids[n] != ids[first]:
            part = {name: values[first:n] for name, values in columns.items()}
            yield str(ids[first]), zlib.compress(json.dumps(part, default=str).encode(), 1)
            first = n


def _plain(column: pd.Series) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return [None if time is pd.NaT else time.isoformat() for time in column]
    return [None if _is_nan(value) else value for value in column.tolist()]


def _is_nan(value: Any) -> bool:
    return value is pd.NaT or (isinstance(value, float) and value != value)
