"""What lies under the maps without any service: the ground of districts, own fields, the relief in grey."""

from io import BytesIO
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from morecantile import Tile
from PIL import Image
from rio_tiler.io import Reader
from scipy.ndimage import gaussian_filter
from shapely import set_precision
from shapely.geometry import mapping

from agro.domain.layers import LAYERS
from agro.portal.api import feature
from agro.portal.parameters import Anybody, shelf_of
from agro.portal.rendering import language_of
from agro.portal.tiles import SIDE_PX
from flows.settings import districts as district_names

router = APIRouter(prefix="/api/v1/background", tags=["background"])
_LIGHT_DEG, _HEIGHT_DEG = 315.0, 45.0  # [°] where the light comes from, as on paper maps
_MARGIN_PX = 24  # [px] round a tile, so that neighbours are smoothed alike
_ROUGH_DEG = 0.001  # [°] to which the ground of districts is told: no field's corner can be read from it
_STEEPER = 4.0  # [1] heights are drawn so many times higher: the ground is gentle here


@router.get("/districts.geojson")
def districts(request: Request, person: Anybody) -> JSONResponse:
    """The ground round each district's fields; of none with fewer farms than may be shown."""
    shelf, privacy = shelf_of(request), request.app.state.settings.privacy
    names = district_names(language_of(request))
    features = [
        {
            "type": "Feature",
            "id": code,
            "geometry": mapping(set_precision(ground, _ROUGH_DEG)),
            "properties": {"district": code, "district_name": names.get(code, code)},
        }
        for code, ground in shelf.seen.grounds(privacy.fewest_farms).items()
    ]
    return JSONResponse({"type": "FeatureCollection", "features": features}, media_type="application/geo+json")


@router.get("/fields.geojson")
def fields(request: Request, person: Anybody) -> JSONResponse:
    """One's own fields; empty for who has none."""
    rows, language = shelf_of(request).fields_of(person), language_of(request)
    features = [feature(row, language) for _, row in rows.iterrows()]
    return JSONResponse({"type": "FeatureCollection", "features": features}, media_type="application/geo+json")


@router.get("/hillshade/{z}/{x}/{y}.png", response_class=Response)
def hillshade(
    request: Request,
    person: Anybody,
    z: Annotated[int, Path(ge=0, le=16)],
    x: Annotated[int, Path(ge=0, lt=2**16)],
    y: Annotated[int, Path(ge=0, lt=2**16)],
) -> Response:
    """The relief in grey as a tile of Web Mercator; 204 where no heights are known."""
    shelf = shelf_of(request)
    newest = {str(one.item["properties"].get("agro:district")): one for one in shelf.seen.of("relief")}
    side = SIDE_PX + 2 * _MARGIN_PX
    heights = np.full((side, side), np.nan, "float32")
    with request.app.state.tiles.drawing:
        for one in newest.values():
            if "height" not in one.item["assets"]:
                continue
            with Reader(str(shelf.store.root / one.place / one.item["assets"]["height"]["href"])) as raster:
                if max(x, y) >= 2**z or not raster.tile_exists(x, y, z):
                    continue
                image = raster.tile(x, y, z, tilesize=SIDE_PX, buffer=_MARGIN_PX, resampling_method="bilinear").array[0]
            known = ~np.ma.getmaskarray(image)
            heights[known] = image.data[known] * np.float32(LAYERS["height"].step)
        drawn = _shaded(heights, _metres_a_pixel(Tile(x, y, z)))
    return Response(
        drawn, 200 if drawn else 204, {"Cache-Control": "private, max-age=86400"}, "image/png" if drawn else None
    )


def _metres_a_pixel(tile: Tile) -> float:
    """Of the ground, in the middle of a tile."""
    latitude = np.arctan(np.sinh(np.pi * (1 - 2 * (tile.y + 0.5) / 2**tile.z)))
    return float(40_075_016.686 * np.cos(latitude) / 2**tile.z / SIDE_PX)


def _shaded(heights: np.ndarray, metres: float) -> bytes:
    """Lambert's light on the slopes, white where it is level; empty where nothing is known.

    Between the pixels of the heights the ground is smoothed: else their edges are drawn as terraces.
    """
    known_at = np.isfinite(heights)
    if not known_at.any():
        return b""
    level = float(np.nanmean(heights))  # the sum of small numbers keeps its digits
    sigma = min(LAYERS["height"].resolution_m / metres, _MARGIN_PX / 3)
    weight = gaussian_filter(known_at.astype("float64"), sigma)
    smooth = gaussian_filter(np.where(known_at, heights - level, 0.0).astype("float64"), sigma)
    heights = np.where(known_at, smooth / np.maximum(weight, 1e-6), np.nan)
    south, east = np.gradient(heights * _STEEPER, metres)
    light, high = np.radians(_LIGHT_DEG), np.radians(_HEIGHT_DEG)
    toward_light = -east * np.sin(light) + south * np.cos(light)
    shade = (np.sin(high) + np.cos(high) * toward_light) / np.sqrt(1 + east**2 + south**2)
    inner = np.clip(shade[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX] / np.sin(high), 0, 1)
    known = np.isfinite(inner)
    if not known.any():
        return b""
    grey = np.where(known, np.rint(255 * np.nan_to_num(inner)), 0).astype("uint8")
    buffer = BytesIO()
    Image.fromarray(np.dstack([grey, np.where(known, 255, 0).astype("uint8")]), "LA").save(
        buffer, "PNG", compress_level=1
    )
    return buffer.getvalue()
