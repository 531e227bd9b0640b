"""The mutant: a publisher as one writes it first. Every layer of this folder must catch it, or the layer is blind."""

import json
from pathlib import Path

import rasterio

from agro.store.failpoints import reached
from agro.store.index import places
from agro.store.publish import OWN_HASH, Store, own_hash


def publish_in_place(ready: Path, root: Path) -> None:
    """Write what another store holds, file after file where it belongs; what has a folder is thought to be done."""
    root.mkdir(exist_ok=True)
    for place in places(Store(ready)):
        if (root / place).exists():
            continue
        (root / place).mkdir(parents=True)
        reached("staged")
        item = json.loads((ready / place / "item.json").read_text())
        for about in item["assets"].values():
            _write(ready / place / about["href"], root / place / about["href"])
            about["file:size"] = (root / place / about["href"]).stat().st_size
            about.pop("file:checksum")
            reached("written")
        item["properties"][OWN_HASH] = own_hash(item)
        reached("entering")
        (root / place / "item.json").write_text(json.dumps(item, indent=1, ensure_ascii=False) + "\n")
        reached("entered")


def _write(source: Path, target: Path) -> None:
    """Rasters by GDAL, which writes with fwrite; others by Python."""
    if source.suffix != ".tif":
        target.write_bytes(source.read_bytes())
        return
    with rasterio.open(source) as raster, rasterio.open(target, "w", **{**raster.profile, "driver": "GTiff"}) as copy:
        copy.write(raster.read())


def half(root: Path) -> list[str]:
    """The places of a naive store that a reader would trip over."""
    found = []
    for place in places(Store(root)) if root.exists() else ():
        try:
            for about in json.loads((root / place / "item.json").read_text())["assets"].values():
                if (root / place / about["href"]).stat().st_size != about["file:size"]:
                    raise ValueError
        except (OSError, ValueError):
            found.append(place)
    return found
