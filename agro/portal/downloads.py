"""Files to take away: fields as GeoPackage and GeoJSON, a map as GeoTIFF, a prescription's files. Each is on record."""

import io
import json
import mimetypes
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from geopandas import GeoDataFrame, GeoSeries

from agro.domain.grid import around
from agro.domain.layers import LAYERS
from agro.portal.api import feature
from agro.portal.parameters import AsOf, FieldId, LayerName, OfFarms, ResultId, shelf_of
from agro.portal.people import note
from agro.portal.problems import not_there
from agro.portal.rendering import language_of
from agro.store import rasters
from agro.store.maps import windowed
from agro.store.publish import file_name, read_asset

router = APIRouter(prefix="/api/v1", tags=["downloads"])
_GPKG, _TIFF = "application/geopackage+sqlite3", "image/tiff; application=geotiff; profile=cloud-optimized"


@router.get("/downloads/fields.geojson", response_class=Response)
def fields_geojson(request: Request, person: OfFarms, as_of: AsOf) -> Response:
    """The fields of one's farms as GeoJSON (RFC 7946)."""
    rows = shelf_of(request).fields_of(person, as_of)
    language = language_of(request)
    content = {"type": "FeatureCollection", "features": [feature(row, language) for _, row in rows.iterrows()]}
    return taken(request, "fields.geojson", json.dumps(content, ensure_ascii=False).encode(), "application/geo+json")


@router.get("/downloads/fields.gpkg", response_class=Response)
def fields_geopackage(request: Request, person: OfFarms, as_of: AsOf) -> Response:
    """The fields of one's farms as a GeoPackage."""
    return taken(request, "fields.gpkg", _as_geopackage(shelf_of(request).fields_of(person, as_of)), _GPKG)


@router.get("/fields/{field_id}/file.gpkg", response_class=Response)
def field_geopackage(request: Request, person: OfFarms, field_id: FieldId, as_of: AsOf) -> Response:
    """One field as a GeoPackage."""
    row = shelf_of(request).field(person, field_id, as_of)
    return taken(request, f"{field_id}.gpkg", _as_geopackage(GeoDataFrame([row], crs=4326)), _GPKG)


@router.get("/fields/{field_id}/layers/{result_id}/{layer}/file.tif", response_class=Response)
def layer_tiff(request: Request, person: OfFarms, field_id: FieldId, result_id: ResultId, layer: LayerName) -> Response:
    """A map of a field as a GeoTIFF in its own metres, with the layer's scale; nothing beyond the field."""
    shelf = shelf_of(request)
    row = shelf.field(person, field_id)
    one = shelf.layer(row, result_id, layer)
    crs = str(one.parts[-1].item["assets"][layer]["proj:code"])
    outline = GeoSeries([row.geometry], crs=4326).to_crs(crs).iloc[0]
    grid, register = around(crs, outline.bounds, LAYERS[layer].resolution_m), LAYERS[layer]
    values = windowed(shelf.store, one.parts, layer, grid)
    from rasterio.features import geometry_mask

    beyond = geometry_mask([outline], grid.shape, grid.transform)
    stored = values if register.is_class else rasters.encode(register, values)
    cog = rasters.to_cog(register, np.where(beyond, register.nodata, stored).astype(register.dtype), grid)
    return taken(request, f"{field_id}-{layer}-{one.day[:10]}.tif", b"".join(cog.content), _TIFF)


@router.get("/fields/{field_id}/prescriptions/{prescription_id}/files/{name}", response_class=Response)
def prescription_file(
    request: Request,
    person: OfFarms,
    field_id: FieldId,
    prescription_id: ResultId,
    name: Annotated[str, Path(pattern=r"^[\w.,+-]{1,120}$")],
) -> Response:
    """A file of a prescription as it was proved and kept: task data, terminal's shapefile, page, zones, rates."""
    shelf = shelf_of(request)
    row = shelf.field(person, field_id)
    for one in shelf.prescriptions(row):
        if shelf.seen.id_of(one.place) == prescription_id and name in one.item["assets"]:
            about = one.item["assets"][name]
            file = str(about["href"]).rsplit("/", 1)[-1]
            return taken(request, f"{field_id}-{file}", read_asset(shelf.store, one, name), str(about["type"]))
    raise not_there(prescription_id)


def taken(request: Request, name: str, content: bytes, kind: str | None = None) -> Response:
    """A file for somebody to keep; that he took it goes on record."""
    note(request, "download", request.url.path)
    plain = file_name(name)
    headers = {"Content-Disposition": f"attachment; filename=\"{_ascii(plain)}\"; filename*=UTF-8''{plain}"}
    return Response(content, 200, headers, kind or mimetypes.guess_type(name)[0] or "application/octet-stream")


def _ascii(name: str) -> str:
    return name.replace("%", "_")


def _as_geopackage(rows: GeoDataFrame) -> bytes:
    buffer = io.BytesIO()
    columns: dict[str, Any] = {"farm_id": "str", "district": "str", "crop": "str"}
    table = rows.reset_index(drop=True).astype(dict.fromkeys(columns, object))
    table.to_file(
        buffer, driver="GPKG", layer="fields", engine="pyogrio", promote_to_multi=True, geometry_type="MultiPolygon"
    )
    return buffer.getvalue()
