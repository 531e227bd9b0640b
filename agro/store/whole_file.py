"""A file outside the store, whole or absent."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Make the file have this content, at once; its folder is made. Raises OSError, and then nothing changed."""
    filling = path.with_name(f".{path.name}.filling")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filling.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        filling.replace(path)
    except OSError:
        with suppress(OSError):
            filling.unlink(missing_ok=True)
        raise
