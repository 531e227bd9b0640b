"""The outlook that stands, without what it takes to make one."""

import json
from collections.abc import Mapping
from typing import Any

from agro.store.index import opened
from agro.store.publish import Store, read_asset

INDICATOR = "indicator"


def newest_outlook(store: Store) -> Mapping[str, Any] | None:
    """The indicator of the latest day, as it was kept; None where there is none yet."""
    with opened(store) as index:
        kept = sorted(index.items("outlook"), key=lambda one: (one.properties["agro:as_of"], one.created))
        return json.loads(read_asset(store, kept[-1], INDICATOR)) if kept else None
