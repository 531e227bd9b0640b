"""The item that stands with each result: a STAC item, with what decided its content."""

from collections.abc import Mapping
from typing import Any

from pyproj import Transformer

from agro import __version__
from agro.domain.grid import Grid
from agro.store.publish import now

_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_PARQUET = "application/vnd.apache.parquet"
_EXTENSIONS = [
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
]


def item(
    item_id: str,
    bbox: tuple[float, float, float, float] | None,
    properties: Mapping[str, Any],
    assets: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """A STAC item made now; `properties` holds `datetime` (ISO, UTC) and what decided the content."""
    west, south, east, north = bbox or (None, None, None, None)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": _EXTENSIONS,
        "id": item_id,
        "geometry": {"type": "Polygon", "coordinates": [ring]} if bbox else None,
        **({"bbox": list(bbox)} if bbox else {}),
        "properties": {**properties, "created": now(), "agro:code_version": __version__},
        "links": [],
        "assets": {name: dict(about) for name, about in assets.items()},
    }


def raster_asset(name: str, title: str, grid: Grid, band: Mapping[str, Any]) -> dict[str, Any]:
    """The asset entry of a layer."""
    return {
        "href": f"{name}.tif",
        "type": _COG,
        "title": title,
        "roles": ["data"],
        "raster:bands": [dict(band)],
        "proj:code": grid.crs,
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
    }


def table_asset(file: str, title: str) -> dict[str, Any]:
    """The asset entry of a table."""
    return {"href": file, "type": _PARQUET, "title": title, "roles": ["data"]}


def bbox_of(grid: Grid) -> tuple[float, float, float, float]:
    """The grid's bounds (west, south, east, north) [deg]."""
    west, south, east, north = Transformer.from_crs(grid.crs, 4326, always_xy=True).transform_bounds(
        *grid.bounds, densify_pts=21
    )
    return round(west, 7), round(south, 7), round(east, 7), round(north, 7)
