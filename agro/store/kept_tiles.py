"""Drawn tiles on disk, bounded by their bytes: the ones that nobody asked for lately go first. Never the truth."""

import os
import threading
from contextlib import suppress
from pathlib import Path

_END = b"whole"
_LEFT = 0.8  # [1] of the bound stays when it was reached


class KeptTiles:
    """Tiles by key; a key is hexadecimal, made by us. An empty tile says that nothing is there."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        self._lock = threading.Lock()
        self._bytes = sum(one.stat().st_size for one in folder.glob("*/*")) if folder.is_dir() else 0

    def get(self, key: str) -> bytes | None:
        """A tile, where it is kept."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if not content.endswith(_END):
            return None
        with suppress(OSError):
            os.utime(path)
        return content[: -len(_END)]

    def put(self, key: str, content: bytes) -> None:
        """Keep a tile; where the disk refuses, it is drawn again next time."""
        if len(content) > self._most:
            return
        path = self._path(key)
        filling = path.with_name(f".{threading.get_ident()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            filling.write_bytes(content + _END)  # not flushed: what a power cut tore has no end, and is drawn again
            filling.replace(path)
            with self._lock:
                self._bytes += len(content)
                if self._bytes > self._most:
                    self._make_room()

    def _make_room(self) -> None:
        about = sorted((one.stat().st_mtime, one.stat().st_size, one) for one in self._folder.glob("*/*"))
        self._bytes = sum(size for _, size, _ in about)
        for _, size, path in about:
            if self._bytes <= _LEFT * self._most:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key
