"""The outlook that stands, without what it takes to make one."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from agro.store.index import Index, opened
from agro.store.publish import Store, read_asset

INDICATOR = "indicator"


def without(made: Mapping[str, Any], withheld: Collection[str]) -> dict[str, Any]:
    """An indicator without the figures of some districts: what a board withholds, no other way may tell."""
    kept = {name: [row for row in made[name] if row["district"] not in withheld] for name in ("parts", "rub_ha")}
    links = {name: value for name, value in made["links_by"]["district"].items() if name not in withheld}
    return {**made, **kept, "links_by": {**made["links_by"], "district": links}, "withheld": sorted(withheld)}


def newest_outlook(store: Store) -> Mapping[str, Any] | None:
    """The indicator of the latest day, as it was kept; None where there is none yet."""
    with opened(store) as index:
        return newest_known(index, None)


def newest_known(index: Index, day: date | None) -> Mapping[str, Any] | None:
    """The indicator of the latest day up to one."""
    kept = sorted(index.items("outlook"), key=lambda one: (one.properties["agro:as_of"], one.created))
    kept = [one for one in kept if day is None or one.properties["agro:as_of"] <= day.isoformat()]
    return json.loads(read_asset(index.store, kept[-1], INDICATOR)) if kept else None
