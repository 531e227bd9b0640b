"""The local catalogue: a static STAC catalogue of what was taken in, each item a folder that is whole or absent.

catalog.json, <collection>/collection.json are lists of what is there, made anew from the folders after each item.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agro.store.publish import ITEM, Published, Store, publish, whole
from agro.store.whole_file import write_whole

_EVERYWHERE = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
INPUTS = "agro:inputs"  # what an item was made of: the same again makes nothing new
CATALOG = "catalog.json"


def found(store: Store, place: str) -> Published | None:
    """The item at a place, or None. Raises TornFile where it stands there torn."""
    return whole(store, place) if (store.root / place).exists() else None


def add(store: Store, place: str, content: Mapping[str, Any], item: dict[str, Any]) -> Published:
    """Publish an item below its collection, and list it."""
    published = publish(store, place, content, item)
    listed(store, place.split("/", 1)[0])
    return published


def listed(store: Store, collection: str) -> None:
    """Write the lists of a collection's items and of all collections."""
    items = sorted(path.parent.name for path in (store.root / collection).glob(f"*/{ITEM}"))
    about = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": collection,
        "description": "taken in by agro ingest",
        "license": "other",
        "extent": _EVERYWHERE,
        "links": [_link("parent", f"../{CATALOG}"), *(_link("item", f"./{name}/{ITEM}") for name in items)],
    }
    write_whole(store.root / collection / "collection.json", _json(about))
    collections = sorted(path.parent.name for path in store.root.glob("*/collection.json"))
    whole_catalogue = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "local",
        "description": "taken in by agro ingest",
        "links": [_link("child", f"./{name}/collection.json") for name in collections],
    }
    _written_unless_same(store.root / CATALOG, _json(whole_catalogue))


def _written_unless_same(path: Path, content: bytes) -> None:
    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)


def _link(kind: str, href: str) -> dict[str, str]:
    return {"rel": kind, "href": href, "type": "application/json"}


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"
