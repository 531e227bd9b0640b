"""A SAFE product into the local catalogue: its bands as cloud-optimised GeoTIFFs, its metadata as an item."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shapely

from agro.domain.errors import Told
from agro.domain.imagery import SCENE_CLASS_BAND
from agro.domain.layers import Layer
from agro.sources import safe
from agro.sources.safe import Product
from agro.sources.safe_metadata import BANDS
from agro.store import catalogue, cog
from agro.store import stac as items
from agro.store.publish import ITEM, Published, Store, digest, file_name
from flows.settings import Settings
from flows.taken import Taken, known

COLLECTION = "sentinel-2-l2a"
_EXTENSIONS = ("eo/v1.1.0", "sat/v1.0.0", "mgrs/v1.0.0", "grid/v1.1.0", "view/v1.0.0", "sentinel-2/v1.0.0")


def take_safe(path: Path, store: Store, _: Settings) -> Taken:
    """Check a product, transcode it, publish it. A second processing of a look stands beside the first."""
    with safe.opened(path) as product:
        inputs = digest(product.inputs)
        item_id = _item_id(product, store)
        place = f"{COLLECTION}/{file_name(item_id)}"
        there = known(store, place, inputs, path)
        made = there or _made(product, store, place, item_id, inputs)
        sentence = Told(
            "Sentinel-2 of {when}, tile {tile}, baseline {baseline}, {n} bands",
            {
                "when": f"{product.about.acquired_at:%Y-%m-%d %H:%M}",
                "tile": product.about.properties["grid:code"].removeprefix("MGRS-"),
                "baseline": product.about.properties["s2:processing_baseline"],
                "n": len(BANDS),
            },
        )
        return Taken(path.name, made.place, sentence, there is None)


def _item_id(product: Product, store: Store) -> str:
    """The look's name; where another processing of it has taken that, the product's own name."""
    first = catalogue.found(store, f"{COLLECTION}/{file_name(product.about.item_id)}")
    same = first is None or first.properties["s2:product_uri"] == product.about.properties["s2:product_uri"]
    return product.about.item_id if same else product.about.product


def _made(product: Product, store: Store, place: str, item_id: str, inputs: str) -> Published:
    content: dict[str, Any] = {}
    try:
        for band in BANDS:
            content[band] = _transcoded(product, band, store.staging / f"{file_name(item_id)}-{band}.tif")
        for name, text in product.metadata().items():
            content[name] = text
        return catalogue.add(store, place, content, _item(product, item_id, inputs))
    finally:
        for left in content.values():
            if isinstance(left, Path):
                left.unlink(missing_ok=True)


def _transcoded(product: Product, band: str, target: Path) -> Path:
    """One band as a file in staging; no more than one window and its compressed tiles are held."""
    grid, classes = product.grid(band), band == SCENE_CLASS_BAND
    layer = Layer(band, "class" if classes else "1", 0, 65_535, grid.resolution_m, (), band, 1, _dtype(classes), 0)
    pieces = [
        cog.compressed(layer, counts.astype(layer.dtype, copy=False), *_corner(window.rows_and_columns_in(grid)))
        for window, counts in product.windows(band)
    ]
    with target.open("wb") as file:
        file.writelines(cog.assembled(layer, grid, pieces).content)
    return target


def _dtype(classes: bool) -> str:
    return "uint8" if classes else "uint16"


def _corner(part: tuple[slice, slice]) -> tuple[int, int]:
    return part[0].start, part[1].start


def _item(product: Product, item_id: str, inputs: str) -> dict[str, Any]:
    about = product.about
    properties = {
        **about.properties,
        "datetime": about.acquired_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        catalogue.INPUTS: inputs,
    }
    assets = {band: _band_asset(product, band) for band in BANDS}
    texts = {name: {"href": name, "type": "application/xml", "roles": ["metadata"]} for name in product.metadata()}
    item = items.item(item_id, about.bbox, properties, assets | texts)
    more = [f"https://stac-extensions.github.io/{name}/schema.json" for name in _EXTENSIONS]
    return item | {
        "collection": COLLECTION,
        "geometry": shapely.geometry.mapping(about.footprint),
        "stac_extensions": [*item["stac_extensions"], *more],
        "links": [{"rel": "collection", "href": "../collection.json"}, {"rel": "self", "href": f"./{ITEM}"}],
    }


def _band_asset(product: Product, band: str) -> Mapping[str, Any]:
    grid, classes = product.grid(band), band == SCENE_CLASS_BAND
    stored: dict[str, Any] = {
        "data_type": _dtype(classes),
        "nodata": 0,
        "spatial_resolution": grid.resolution_m,
    }
    if not classes:
        stored |= {"scale": product.about.scale, "offset": product.about.offset[band]}
    asset = items.raster_asset(band, f"{BANDS[band][0]}, {grid.resolution_m} m", grid, stored)
    return asset | {
        "gsd": grid.resolution_m,
        "eo:bands": [] if classes else [{"name": BANDS[band][0], "common_name": band}],
    }
