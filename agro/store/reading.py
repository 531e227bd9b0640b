"""The index of a store that others write: read only, never mended, and it says cheaply whether something changed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from agro.store.index import INDEX_FILE
from agro.store.publish import Published, Store


class Reader:
    """One look after another at the index; not to be shared by threads without a lock."""

    def __init__(self, store: Store) -> None:
        self._path: Path = store.root / INDEX_FILE
        self._rows: sqlite3.Connection | None = None
        self._inode = 0

    def state(self) -> tuple[int, int] | None:
        """Changes when a result comes or goes; None where there is no index yet."""
        try:
            inode = self._path.stat().st_ino
            if self._rows is None or inode != self._inode:
                self.close()
                self._rows = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
                self._inode = inode
            with closing(self._rows.execute("PRAGMA data_version")) as answer:
                return inode, int(answer.fetchone()[0])
        except (OSError, sqlite3.Error):
            self.close()
            return None

    def changed(self, known: set[str]) -> tuple[list[Published], set[str]]:
        """What is published beyond the known places, oldest first, and which of those are gone."""
        if self._rows is None:
            return [], set()
        there = [place for (place,) in self._rows.execute("SELECT place FROM items ORDER BY created, place")]
        new = [place for place in there if place not in known]
        ask = "SELECT item FROM items WHERE place = ?"
        texts = [(place, self._rows.execute(ask, (place,)).fetchone()) for place in new]
        return [Published(place, json.loads(text[0])) for place, text in texts if text], known - set(there)

    def close(self) -> None:
        """Let the file go."""
        if self._rows is not None:
            self._rows.close()
            self._rows = None
