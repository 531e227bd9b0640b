"""The outlook that stands, without what it takes to make one."""

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from agro.domain.errors import TornFile
from agro.store.publish import Store, read_asset, whole

INDICATOR = "indicator"


def without(made: Mapping[str, Any], withheld: Collection[str]) -> dict[str, Any]:
    """An indicator without the figures of some districts: what a board withholds, no other way may tell."""
    kept = {name: [row for row in made[name] if row["district"] not in withheld] for name in ("parts", "rub_ha")}
    links = {name: value for name, value in made["links_by"]["district"].items() if name not in withheld}
    return {**made, **kept, "links_by": {**made["links_by"], "district": links}, "withheld": sorted(withheld)}


def newest_outlook(store: Store, known_by: date | None = None) -> Mapping[str, Any] | None:
    """The indicator of the latest day, or of the latest up to one, as it was kept; None where there is none yet.

    No index is opened for it.
    """
    kept = []
    for folder in (store.root / "outlook").glob("*"):
        with suppress(TornFile):
            kept.append(whole(store, f"outlook/{folder.name}"))
    kept = [one for one in kept if known_by is None or one.properties["agro:as_of"] <= known_by.isoformat()]
    if not kept:
        return None
    newest = max(kept, key=lambda one: (one.properties["agro:as_of"], one.created))
    told: Mapping[str, Any] = json.loads(read_asset(store, newest, INDICATOR))
    return told
