"""Whether anything changed in a place: files by their names, sizes and times, none of them opened."""

import glob
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_COMPILED = "__pycache__"  # comes and goes by itself


def signature(*places: Path) -> str:
    """Changes when a file, or any file of a folder, comes, goes, grows or is written again.

    A file is looked at with those of its stem beside it, as a shapefile has them.
    """
    found = []
    for path in sorted(path for place in places for path in _files(place)):
        try:
            about = os.stat(path)  # noqa: PTH116  many files: Path costs more
        except OSError:
            continue  # gone between the two calls: the next look sees it
        found.append(f"{path} {about.st_size} {about.st_mtime_ns}")
    return hashlib.sha256("\n".join(found).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _files(place: Path) -> Iterator[str]:
    if not place.is_dir():
        yield from map(str, place.parent.glob(f"{glob.escape(place.stem)}.*"))
    for root, folders, names in os.walk(place):
        folders[:] = [name for name in folders if name != _COMPILED]
        yield from (f"{root}{os.sep}{name}" for name in names)
