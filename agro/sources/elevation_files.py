"""The files of a height model: a GeoTIFF, a folder of them, or a STAC collection on disk with one asset an item."""

import json
from pathlib import Path
from typing import Any

from agro.domain.errors import BadInput
from agro.sources.guard import Tree, read_text

_ASSETS = (
    "data",
    "elevation",
    "dem",
    "heights",
)  # "data" is that of Copernicus GLO-30


def files_of(path: Path) -> list[Path]:
    """The GeoTIFFs, in the order of their names. Raises BadInput."""
    if path.suffix.lower() != ".json":
        return sorted(path.glob("*.tif*")) if path.is_dir() else [path]
    tree, found = Tree(path.parent), []
    for link in _links(_json(path)):
        item = tree.file(str(path.parent / link), f"{path.name}, {link}")
        assets = _json(item).get("assets", {})
        name = next((name for name in _ASSETS if name in assets), None)
        if name is None:
            raise BadInput(
                "ELEVATION-ASSET",
                "{where}: names no asset of heights, expected one of {expected}",
                "name the asset of heights so in the item",
                where=item.parent.name,
                expected=", ".join(_ASSETS),
            )
        found.append(tree.file(str(item.parent / assets[name]["href"]), f"{item.parent.name}, {name}"))
    return sorted(found)


def _links(collection: dict[str, Any]) -> list[str]:
    return [str(link["href"]) for link in collection.get("links", []) if link.get("rel") == "item"]


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path, path.name))
        if isinstance(content, dict):
            return content
        met = "no object"
    except (ValueError, RecursionError) as error:
        met = str(error)[:120]
    raise BadInput("STAC-JSON", "{where}: not JSON ({met})", "download it again", where=path.name, met=met)
