"""The catalogue that a data hub would give: a static STAC catalogue of Sentinel-2-like products, with its dirt."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from pyproj import Transformer

from agro.domain.grid import Grid
from agro.twin.chance import chance
from agro.twin.drawn import Look
from agro.twin.light import BANDS, FINE, to_20_m

COLLECTION = "sentinel-2-l2a"
_SINCE_0400 = datetime(2022, 1, 25, tzinfo=UTC)  # the day from which products carry the offset. source: ESA
_ASSETS = dict(
    zip((*BANDS, "scl"), ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "SCL"), strict=True)
)
_ENCODING = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1, "predictor": 2}
SIMULATED = "SIMULATED by the program: no satellite saw this"


def write_pass(folder: Path, look: Look, seen: Mapping[str, np.ndarray], classes: np.ndarray) -> None:
    folder.mkdir()
    grid, added = look.place.grid, 1000 if look.when >= _SINCE_0400 else 0
    for band in BANDS:
        pixels = seen[band] if band in FINE else to_20_m(seen[band])
        counts = np.clip(np.rint(pixels * 10_000) + added, 1, 65_535).astype("uint16")
        _write_raster(folder / f"{_ASSETS[band]}.tif", counts, grid.at(10 if band in FINE else 20))
    _write_raster(folder / "SCL.tif", classes, grid.at(20))
    (folder / f"{look.name}.json").write_text(json.dumps(_item(look), indent=1))


def _item(look: Look) -> dict[str, Any]:
    west, south, east, north = _degrees(look.place.grid)
    late = look.when >= _SINCE_0400
    assets = {}
    for band, file in _ASSETS.items():
        size = 10 if band in FINE else 20
        about: dict[str, Any] = {
            "nodata": 0,
            "data_type": "uint8" if band == "scl" else "uint16",
            "spatial_resolution": size,
        }
        if band != "scl":
            about |= {"scale": 0.0001, "offset": -0.1 if late else 0.0}
        assets[band] = {
            "href": f"./{file}.tif",
            "type": "image/tiff; application=geotiff",
            "roles": ["data"],
            "raster:bands": [about],
        }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": look.name,
        "collection": COLLECTION,
        "bbox": [west, south, east, north],
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
        },
        "properties": {
            "datetime": f"{look.when:%Y-%m-%dT%H:%M:%SZ}",
            "description": SIMULATED,
            "platform": "sentinel-2b" if look.when.toordinal() // 5 % 2 else "sentinel-2a",
            "proj:epsg": int(look.place.grid.crs.split(":")[1]),
            "sat:relative_orbit": look.orbit.number,
            "s2:processing_baseline": "04.00" if late else "03.01",
            "eo:cloud_cover": round(100 * look.above.cover, 1),
            "view:sun_elevation": round(90 - look.sun[0], 2),
            "view:sun_azimuth": round(look.sun[1], 2),
            "view:off_nadir": look.orbit.view_zenith_deg,
            "view:azimuth": look.orbit.view_azimuth_deg,
        },
        "assets": assets,
        "links": [{"rel": "collection", "href": "../collection.json"}, {"rel": "parent", "href": "../collection.json"}],
    }


def _write_raster(path: Path, pixels: np.ndarray, grid: Grid) -> None:
    size = {"height": grid.height, "width": grid.width, "count": 1, "dtype": pixels.dtype}
    place = {"crs": grid.crs, "transform": grid.transform, "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", **size, **place, **_ENCODING) as raster:
        raster.write(pixels, 1)


def dirty(folder: Path, names: list[str], seed: int) -> None:
    """What real archives have and a pipeline must take: a missing asset, half an image, an item listed twice."""
    random = chance(seed, "dirt")
    bare, half, twice = (names[i] for i in random.choice(len(names), 3, replace=False))
    path = folder / bare / f"{bare}.json"
    item = json.loads(path.read_text())
    del item["assets"]["swir16"]
    path.write_text(json.dumps(item, indent=1))
    (folder / bare / "B11.tif").unlink()
    for raster in (folder / half).glob("*.tif"):
        with rasterio.open(raster, "r+") as edge:
            pixels = edge.read(1)
            pixels[:, pixels.shape[1] // 2 // 2 * 2 :] = 0  # the swath ended here
            edge.write(pixels, 1)
    names.append(twice)


def spoil(folder: Path, names: list[str], seed: int) -> None:
    """What must fail by name: a torn file, a page in place of an image, an item that is no JSON, one without scale."""
    random = chance(seed, "faults")
    torn, page, broken, bare = (names[i] for i in random.choice(len(set(names)), 4, replace=False))
    band = folder / torn / "B08.tif"
    band.write_bytes(band.read_bytes()[: band.stat().st_size // 3])
    (folder / page / "B04.tif").write_text("<html><title>login</title></html>")
    (folder / broken / f"{broken}.json").write_text("{")
    path = folder / bare / f"{bare}.json"
    item = json.loads(path.read_text())
    del item["properties"]["s2:processing_baseline"]
    for asset in item["assets"].values():
        del asset["raster:bands"]
    path.write_text(json.dumps(item, indent=1))


def write_catalogue(folder: Path, names: Sequence[str], seed: int) -> None:
    listed = list(names)
    chance(seed, "order").shuffle(listed)  # late products stand wherever they came
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "description": SIMULATED,
        "license": "CC0-1.0",
        "extent": {"spatial": {"bbox": [[84, 53, 90, 57]]}, "temporal": {"interval": [[None, None]]}},
        "links": [
            {"rel": "parent", "href": "../catalog.json"},
            *({"rel": "item", "href": f"./{name}/{name}.json"} for name in listed),
        ],
    }
    (folder / COLLECTION / "collection.json").write_text(json.dumps(collection, indent=1))
    catalog = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "twin",
        "description": SIMULATED,
        "links": [{"rel": "child", "href": f"./{COLLECTION}/collection.json"}],
    }
    (folder / "catalog.json").write_text(json.dumps(catalog, indent=1))


def _degrees(grid: Grid) -> tuple[float, float, float, float]:
    west, south, east, north = Transformer.from_crs(grid.crs, 4326, always_xy=True).transform_bounds(*grid.bounds)
    return round(west, 6), round(south, 6), round(east, 6), round(north, 6)
