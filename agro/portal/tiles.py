"""Raster tiles of a field, from ids only: the layer's values in the layer's colours, nothing beyond the field."""

import hashlib
import threading
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Annotated, Any

import numpy as np
import pandas as pd
import shapely
from fastapi import APIRouter, Path, Query, Request, Response
from morecantile import Tile
from PIL import Image
from pyproj import Transformer
from rasterio.features import geometry_mask
from rasterio.transform import from_bounds
from rio_tiler.constants import WEB_MERCATOR_TMS
from rio_tiler.errors import RioTilerError
from rio_tiler.io import Reader
from shapely import Geometry
from starlette.concurrency import run_in_threadpool

from agro.domain.layers import LAYERS
from agro.portal.parameters import FieldId, LayerName, OfFarms, ResultId, shelf_of
from agro.portal.problems import Denied
from agro.portal.rendering import language_of
from agro.portal.seen import Shown
from agro.reports.styles import STYLES, Style
from agro.reports.words import say
from agro.store.kept_tiles import KeptTiles
from agro.store.publish import Store

router = APIRouter(prefix="/api/v1/fields/{field_id}/layers/{result_id}/{layer}", tags=["layers"])
SIDE_PX = 256
_HIGHEST_ZOOM = 20
_STEPS = 255  # [1] colours of a layer; the first place of the palette is left for what is not known
_TO_MERCATOR = Transformer.from_crs(4326, 3857, always_xy=True)
_FOR_EVER = "private, max-age=31536000, immutable"
ALGORITHM = 1  # raise it when the same values are drawn otherwise


class Tiles:
    """Draws tiles, so many at the same time, and keeps what it drew."""

    def __init__(self, store: Store, kept: KeptTiles, at_once: int) -> None:
        self._store, self._kept = store, kept
        self.drawing = threading.BoundedSemaphore(at_once)

    def tile(self, one: Shown, field: pd.Series, tile: Tile) -> bytes:
        """PNG of a tile; empty where it shows nothing of the field."""
        outline = _on_mercator(field.geometry)
        bounds = WEB_MERCATOR_TMS.xy_bounds(tile)
        if not outline.intersects(shapely.box(*bounds)):
            return b""
        key = hashlib.sha256(f"{ALGORITHM} {etag(one, field)} {tile.z} {tile.x} {tile.y}".encode()).hexdigest()
        known = self._kept.get(key)
        if known is None:
            with self.drawing:
                known = self._drawn(one, outline, tile)
            self._kept.put(key, known)
        return known

    def value(self, one: Shown, lon: float, lat: float) -> float | None:
        """What a layer says at a place, in its unit; None where it is not known."""
        for part in reversed(one.parts):
            with Reader(self._path(part, one.layer)) as raster:
                try:
                    stored = raster.point(lon, lat).array
                except RioTilerError:
                    continue  # outside of this part
            if not np.ma.getmaskarray(stored)[0]:
                return float(stored[0]) * LAYERS[one.layer].step
        return None

    def _drawn(self, one: Shown, outline: Geometry, tile: Tile) -> bytes:
        values = np.full((SIDE_PX, SIDE_PX), np.nan, "float32")
        for part in one.parts:
            with Reader(self._path(part, one.layer)) as raster:
                if not raster.tile_exists(tile.x, tile.y, tile.z):
                    continue
                image = raster.tile(tile.x, tile.y, tile.z, tilesize=SIDE_PX, resampling_method="nearest").array[0]
            known = ~np.ma.getmaskarray(image)
            values[known] = image.data[known] * np.float32(LAYERS[one.layer].step)
        grid = from_bounds(*WEB_MERCATOR_TMS.xy_bounds(tile), SIDE_PX, SIDE_PX)
        values[geometry_mask([outline], values.shape, grid)] = np.nan
        return _png(values, STYLES[one.layer], scale_of(one))

    def _path(self, part: Any, layer: str) -> str:
        return str(self._store.root / part.place / part.item["assets"][layer]["href"])


def etag(one: Shown, field: pd.Series) -> str:
    """Changes when the pixels or the outline do."""
    return f"{one.checksum}-{field['version']}-{ALGORITHM}"


def scale_of(one: Shown) -> tuple[float, float]:
    """Between which values the colours lie [unit]: the same all season, or as wide as the layer's own values."""
    style = STYLES[one.layer]
    if not style.stretched:
        return style.scale
    told = [(part.item["assets"][one.layer].get("raster:bands") or [{}])[0].get("statistics", {}) for part in one.parts]
    lows, highs = ([float(s[name]) for s in told if name in s] for name in ("minimum", "maximum"))
    return (min(lows), max(highs)) if lows and min(lows) < max(highs) else style.scale


def _png(values: np.ndarray, style: Style, scale: tuple[float, float]) -> bytes:
    known = np.isfinite(values)
    if not known.any():
        return b""
    low, high = scale
    step = np.clip((values - low) / (high - low), 0, 1, where=known, out=np.zeros_like(values))
    places = np.where(known, np.rint(step * (_STEPS - 1)).astype("uint8") + 1, 0).astype("uint8")
    image = Image.fromarray(places)
    image.putpalette(_palette(style.colours))
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=0, compress_level=1)
    return buffer.getvalue()


@lru_cache(64)
def _palette(colours: Sequence[str]) -> bytes:
    from matplotlib.colors import LinearSegmentedColormap

    colour_map = LinearSegmentedColormap.from_list("layer", colours)
    return bytes(3) + (colour_map(np.linspace(0, 1, _STEPS), bytes=True)[:, :3]).tobytes()


@lru_cache(4096)
def _on_mercator(outline: Geometry) -> Geometry:
    return shapely.transform(outline, lambda xy: np.column_stack(_TO_MERCATOR.transform(xy[:, 0], xy[:, 1])))


@router.get("/tiles/{z}/{x}/{y}.png", response_class=Response)
async def tile(
    request: Request,
    person: OfFarms,
    field_id: FieldId,
    result_id: ResultId,
    layer: LayerName,
    z: Annotated[int, Path(ge=0, le=_HIGHEST_ZOOM)],
    x: Annotated[int, Path(ge=0, lt=2**_HIGHEST_ZOOM)],
    y: Annotated[int, Path(ge=0, lt=2**_HIGHEST_ZOOM)],
    v: Annotated[str | None, Query(max_length=100, description="the outline's version")] = None,
) -> Response:
    """A tile of Web Mercator, 256 px, PNG with a palette; 204 where it shows nothing of the field."""
    if max(x, y) >= 2**z:
        raise Denied(
            422,
            "PORTAL-TILE",
            "there is no tile {met} at zoom {z}",
            "x and y are below 2 to the power of z",
            met=f"{x}/{y}",
            z=z,
        )
    shelf = shelf_of(request)
    field = shelf.field(person, field_id)
    one = shelf.layer(field, result_id, layer)
    headers = {
        "ETag": f'"{etag(one, field)}"',
        "Cache-Control": _FOR_EVER if v == field["version"] else "private, no-cache",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    drawn = await run_in_threadpool(request.app.state.tiles.tile, one, field, Tile(x, y, z))
    return Response(drawn, 200 if drawn else 204, headers, "image/png" if drawn else None)


@router.get("/value")
def value(
    request: Request,
    person: OfFarms,
    field_id: FieldId,
    result_id: ResultId,
    layer: LayerName,
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
) -> dict[str, Any]:
    """What a layer says at a place within the field, and of which day it is; null where it is not known."""
    shelf = shelf_of(request)
    field = shelf.field(person, field_id)
    one = shelf.layer(field, result_id, layer)
    inside = field.geometry.covers(shapely.Point(lon, lat))
    found = request.app.state.tiles.value(one, lon, lat) if inside else None
    return {"value": found, "unit": LAYERS[layer].unit, "day": one.day, "within_field": bool(inside)}


@router.get("/legend")
def legend(
    request: Request, person: OfFarms, field_id: FieldId, result_id: ResultId, layer: LayerName
) -> dict[str, Any]:
    """The colours of a layer's tiles with their values; between two stops the colour changes evenly."""
    shelf = shelf_of(request)
    one = shelf.layer(shelf.field(person, field_id), result_id, layer)
    style, language = STYLES[layer], language_of(request)
    low, high = scale_of(one)
    stops = np.linspace(low, high, len(style.colours))
    return {
        "name": say(style.name, language),
        "question": say(style.question, language),
        "unit": say(style.unit, language) if style.unit else "",
        "digits": style.digits,
        "stretched": style.stretched,
        "stops": [
            {"value": round(float(at), 6), "colour": colour} for at, colour in zip(stops, style.colours, strict=True)
        ],
    }
