"""An index of what is published, so that nobody has to walk the folders. Never the truth: that is the items."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agro.domain.errors import Refusal, StoreDown, TornFile
from agro.store.failpoints import reached
from agro.store.publish import KINDS, Published, Store, read_asset, sound, whole

INDEX_FILE = "index.sqlite"
_WAIT_S = 60.0  # for somebody who holds the database
_TABLE = """
CREATE TABLE IF NOT EXISTS items (
    place TEXT PRIMARY KEY, kind TEXT NOT NULL, acquisition_id TEXT, seen_at TEXT, created TEXT NOT NULL,
    item TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_kind ON items (kind, acquisition_id);
"""


class Index:
    """The rows of one store; opened by `opened`."""

    def __init__(self, store: Store, rows: sqlite3.Connection) -> None:
        self.store = store
        self._rows = rows
        self._known: dict[str, tuple[str, Published]] = {}  # what was found sound, by place and by its text

    def add(self, result: Published) -> None:
        """Tell the index of a result that now exists."""
        try:
            self._put(result)
            reached("indexed")
        except (sqlite3.DatabaseError, OSError) as error:
            raise _unwritable(self.store, error) from error

    def _put(self, result: Published) -> None:
        p = result.item["properties"]
        row = (
            result.place,
            result.kind,
            p.get("agro:acquisition_id"),
            p.get("datetime"),
            p["created"],
            json.dumps(result.item),
        )
        with self._rows:
            self._rows.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?)", row)

    def items(self, kind: str, as_of: str | None = None) -> list[Published]:
        """All results of a kind, oldest first; with `as_of` (ISO, UTC) only those made by then."""
        rows = self._rows.execute(
            "SELECT place, item FROM items WHERE kind = ? AND (? IS NULL OR created <= ?) ORDER BY created, place",
            (kind, as_of, as_of),
        )
        return [self._sound(place, item) for place, item in rows]

    def at(self, place: str) -> Published | None:
        """The result at a place, where there is one."""
        row = self._rows.execute("SELECT item FROM items WHERE place = ?", (place,)).fetchone()
        return self._sound(place, row[0]) if row else None

    def _sound(self, place: str, text: str) -> Published:
        """The result of a row, parsed and checked once."""
        known = self._known.get(place)
        if known is not None and known[0] == text:
            return known[1]
        try:
            item = json.loads(text)
            as_published = sound(item)
        except (ValueError, KeyError, TypeError, RecursionError):
            as_published = False
        if not as_published:
            raise sqlite3.DatabaseError(f"the row of {place} is not what was published")
        self._known[place] = text, Published(place, item)
        return self._known[place][1]

    def forget(self, place: str) -> None:
        """Drop a row whose result is no more."""
        with self._rows:
            self._rows.execute("DELETE FROM items WHERE place = ?", (place,))

    def mend(self) -> list[Refusal]:
        """Make the rows say what the folders hold: add what was missed, drop what is gone. Torn folders are named."""
        there = set(places(self.store))
        known = {place for (place,) in self._rows.execute("SELECT place FROM items")}
        for place in known - there:
            self.forget(place)
        torn = []
        for place in sorted(there - known):
            try:
                self._put(whole(self.store, place))
            except TornFile as error:
                torn.append(error.refusal)
        return torn


@contextmanager
def opened(store: Store) -> Iterator[Index]:
    """The index, mended. A damaged one is made anew; where nothing can be written it lives in memory."""
    path = store.root / INDEX_FILE
    try:
        index = _checked(store, path)
    except sqlite3.OperationalError:
        index = _checked(store, ":memory:")
    except sqlite3.DatabaseError:
        try:
            _remove(path)
            index = _checked(store, path)
        except (OSError, sqlite3.OperationalError):
            index = _checked(store, ":memory:")
    with closing(index._rows):
        yield index


def _checked(store: Store, path: Path | str) -> Index:
    """The index after a look at every row; raises sqlite3.DatabaseError where it is damaged."""
    rows = _connected(path)
    try:
        index = Index(store, rows)
        index.mend()
        for kind in KINDS:
            index.items(kind)
        return index
    except Exception:
        rows.close()
        raise


def reindex(store: Store) -> tuple[int, list[Refusal]]:
    """Make the index anew from the items: how many there are, and the folders that are torn. Raises StoreDown."""
    try:
        _remove(store.root / INDEX_FILE)
        with closing(_connected(store.root / INDEX_FILE)) as rows:
            torn = Index(store, rows).mend()
            return rows.execute("SELECT count(*) FROM items").fetchone()[0], torn
    except (sqlite3.DatabaseError, OSError) as error:
        raise _unwritable(store, error) from error


def _unwritable(store: Store, error: Exception) -> StoreDown:
    return StoreDown(
        "STORE-INDEX",
        "{where}: the index cannot be written ({met})",
        "make room and run again: what is published stays",
        where=str(store.root),
        met=str(error),
    )


def verify(store: Store) -> Iterator[tuple[str, Refusal | None]]:
    """Every result, read and checked byte by byte: its place, and what is wrong with it."""
    for place in places(store):
        try:
            result = whole(store, place)
            for name in result.item["assets"]:
                read_asset(store, result, name)
            yield place, None
        except TornFile as error:
            yield place, error.refusal


def places(store: Store) -> Iterator[str]:
    """The place of every result's folder, sorted."""
    for kind, depth in KINDS.items():
        for folder in sorted((store.root / kind).glob("/".join("*" * depth))):
            if folder.is_dir():
                yield folder.relative_to(store.root).as_posix()


def _connected(path: Path | str) -> sqlite3.Connection:
    rows = sqlite3.connect(path, timeout=_WAIT_S, check_same_thread=False)
    try:
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA synchronous = NORMAL")  # an index that lost its last rows is mended from the folders
        rows.executescript(_TABLE)
        rows.execute("SELECT count(*) FROM items").fetchone()
    except sqlite3.Error:
        rows.close()
        raise
    return rows


def _remove(path: Path) -> None:
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        shutil.rmtree(name) if name.is_dir() else name.unlink(missing_ok=True)
