"""Arrays that can be made again at any time, kept so that they need not be. Never the truth, never missed."""

import io
from collections.abc import Mapping
from contextlib import suppress
from zipfile import BadZipFile

import numpy as np

from agro.store.publish import Store
from agro.store.whole_file import write_whole

_KEY = "key"  # of what the arrays were made from


def remembered(store: Store, name: str, key: str) -> dict[str, np.ndarray] | None:
    """The arrays of that name, where they are kept and were made from what the key stands for."""
    try:
        with np.load(io.BytesIO((store.root / ".cache" / f"{name}.npz").read_bytes()), allow_pickle=False) as kept:
            arrays = {part: kept[part] for part in kept.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return arrays if str(arrays.pop(_KEY, "")) == key else None


def remember(store: Store, name: str, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays under a name, in place of what was there; where the disk refuses, they are made again next time."""
    content = io.BytesIO()
    np.savez(content, **{**arrays, _KEY: np.array(key)})  # type: ignore[arg-type]
    with suppress(OSError):
        write_whole(store.root / ".cache" / f"{name}.npz", content.getvalue())
