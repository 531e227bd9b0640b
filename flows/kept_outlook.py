"""The outlook that stands, without what it takes to make one."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from agro.domain.errors import TornFile
from agro.store.publish import Store, read_asset, whole

INDICATOR = "indicator"


def newest_outlook(store: Store) -> Mapping[str, Any] | None:
    """The indicator of the latest day, as it was kept; None where there is none yet. No index is opened for it."""
    kept = []
    for folder in (store.root / "outlook").glob("*"):
        with suppress(TornFile):
            kept.append(whole(store, f"outlook/{folder.name}"))
    if not kept:
        return None
    newest = max(kept, key=lambda one: (one.properties["agro:as_of"], one.created))
    told: Mapping[str, Any] = json.loads(read_asset(store, newest, INDICATOR))
    return told
