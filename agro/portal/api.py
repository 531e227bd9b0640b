"""The API of a farm's fields, for programs and for the pages: `/api/v1`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import pandas as pd
import shapely
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from agro.domain.layers import LAYERS
from agro.portal.parameters import Anybody, AsOf, FieldId, OfFarms, Paged, plain, shelf_of, told
from agro.portal.rendering import language_of
from agro.portal.seen import Seen, Shown
from agro.reports.styles import STYLES
from agro.reports.words import say
from agro.store.publish import Published
from flows.settings import crop_names, districts

about = APIRouter(prefix="/api/v1", tags=["me"])
router = APIRouter(prefix="/api/v1", tags=["fields"])
_ABOUT_RX = (
    *("season", "crop", "made_on", "planned_yield_t_ha", "area_ha", "doses_kg_ha", "products", "product_names"),
    *("total_kg", "cost", "currency", "why_uniform", "certificate", "told", "terminals", "simulated"),
)


@about.get("/me")
async def me(person: Anybody) -> dict[str, Any]:
    """Who asks, and what he may."""
    return {"name": person.name, "role": person.role, "farms": list(person.farms), "scope": person.scope}


@router.get("/fields")
def fields(request: Request, person: OfFarms, page: Paged, as_of: AsOf) -> dict[str, Any]:
    """The fields of one's farms, without their outlines."""
    rows = shelf_of(request).fields_of(person, as_of)
    listed = page.of(rows.index, request)
    words = language_of(request)
    return listed | {"items": [_named(row, words) for _, row in rows.loc[listed["items"]].iterrows()]}


@router.get("/fields/{field_id}")
async def field(request: Request, person: OfFarms, field_id: FieldId, as_of: AsOf) -> JSONResponse:
    """One field as a GeoJSON feature, in EPSG:4326."""
    row = shelf_of(request).field(person, field_id, as_of)
    return JSONResponse(feature(row, language_of(request)))


@router.get("/fields/{field_id}/passes")
def passes(request: Request, person: OfFarms, field_id: FieldId, page: Paged, as_of: AsOf) -> dict[str, Any]:
    """The looks from above at a field, oldest first."""
    shelf = shelf_of(request)
    shelf.field(person, field_id, as_of)
    return page.of(plain(shelf.passes(field_id, as_of)), request)


@router.get("/fields/{field_id}/statistics")
def statistics(
    request: Request,
    person: OfFarms,
    field_id: FieldId,
    page: Paged,
    as_of: AsOf,
    layer: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,40}$")] = None,
) -> dict[str, Any]:
    """A row a look and layer: mean, spread, percentiles, pixels, how much was clear, and what stands against it."""
    shelf = shelf_of(request)
    shelf.field(person, field_id, as_of)
    rows = shelf.stats(field_id, as_of)
    if len(rows):
        rows = rows[rows["layer"] == layer] if layer else rows
        rows = rows.drop(columns=["place", "field_id"])
    return page.of(plain(rows), request)


@router.get("/fields/{field_id}/layers")
def layers(
    request: Request,
    person: OfFarms,
    field_id: FieldId,
    page: Paged,
    as_of: AsOf,
    layer: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,40}$")] = None,
) -> dict[str, Any]:
    """The maps that show a field, by layer and day, each with where its tiles, its legend and its file are."""
    shelf = shelf_of(request)
    row = shelf.field(person, field_id, as_of)
    own = [one for one in shelf.layers(row, as_of) if layer in (None, one.layer)]
    return page.of([layer_told(one, row, language_of(request)) for one in own], request)


@router.get("/fields/{field_id}/season")
def season(request: Request, person: OfFarms, field_id: FieldId, as_of: AsOf) -> dict[str, Any]:
    """The clear looks of each season, by year."""
    shelf = shelf_of(request)
    shelf.field(person, field_id, as_of)
    rows = shelf.season(field_id, as_of)
    years = {str(year): plain(own.drop(columns="season")) for year, own in rows.groupby("season")} if len(rows) else {}
    return {"layer": "evi2", "unit": "1", "seasons": years}


@router.get("/fields/{field_id}/water")
def water(request: Request, person: OfFarms, field_id: FieldId, as_of: AsOf) -> dict[str, Any]:
    """The water balance of the newest season, day by day, and whether wetness from above agrees with it."""
    shelf = shelf_of(request)
    shelf.field(person, field_id, as_of)
    tables = {name: shelf.newest_rows("water", name, field_id, as_of) for name in ("water", "agreement")}
    return {name: plain(_bare(rows)) for name, rows in tables.items()}


@router.get("/fields/{field_id}/forecast")
def forecast(request: Request, person: OfFarms, field_id: FieldId, as_of: AsOf) -> dict[str, Any]:
    """The newest forecast: a row a quantity, with its error and interval, or why there is none."""
    shelf = shelf_of(request)
    shelf.field(person, field_id, as_of)
    return {"items": plain(_bare(shelf.forecast(field_id, as_of)))}


@router.get("/fields/{field_id}/alerts")
def alerts(request: Request, person: OfFarms, field_id: FieldId, as_of: AsOf) -> dict[str, Any]:
    """What stood out by the newest look."""
    shelf = shelf_of(request)
    shelf.field(person, field_id, as_of)
    return {"items": plain(_bare(shelf.alerts(field_id, as_of)))}


@router.get("/fields/{field_id}/prescriptions")
def prescriptions(request: Request, person: OfFarms, field_id: FieldId, page: Paged, as_of: AsOf) -> dict[str, Any]:
    """The prescriptions of a field, newest first, each with its files."""
    shelf = shelf_of(request)
    row = shelf.field(person, field_id, as_of)
    return page.of([prescription_told(one, field_id) for one in shelf.prescriptions(row, as_of)], request)


def feature(row: pd.Series, language: str) -> dict[str, Any]:
    """A field as GeoJSON."""
    return {
        "type": "Feature",
        "id": str(row.name),
        "geometry": shapely.geometry.mapping(row.geometry),
        "properties": _named(row, language),
    }


def layer_told(one: Shown, row: pd.Series, language: str) -> dict[str, Any]:
    """A raster layer of a field: what it is, of which day, and where the rest of it is."""
    style, place = STYLES[one.layer], f"/api/v1/fields/{row.name}/layers/{one.result_id}/{one.layer}"
    return {
        "result_id": one.result_id,
        "layer": one.layer,
        "kind": one.kind,
        "day": one.day,
        "created": one.created,
        "question": say(style.question, language),
        "name": say(style.name, language),
        "unit": LAYERS[one.layer].unit,
        "tiles": f"{place}/tiles/{{z}}/{{x}}/{{y}}.png?v={row['version']}",
        "legend": f"{place}/legend",
        "value": f"{place}/value",
        "file": f"{place}/file.tif",
    }


def prescription_told(one: Published, field_id: str) -> dict[str, Any]:
    """A prescription: doses and why, and where its files are."""
    rx_id = Seen.id_of(one.place)
    where = f"/api/v1/fields/{field_id}/prescriptions/{rx_id}/files"
    files = {name: f"{where}/{name}" for name in one.item["assets"]}
    return {"prescription_id": rx_id, "created": one.created, **told(one, *_ABOUT_RX), "files": files}


def _named(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    """What a field is called, how large it is, what grows there, with the names of codes."""
    crops, places = _names(language)
    own = {name: row[name] for name in ("field_id", "farm_id", "district", "name", "crop", "version")}
    names = {"crop_name": crops.get(row["crop"]), "district_name": places.get(row["district"])}
    return own | names | {"area_ha": round(float(row["area_ha"]), 4)}


@lru_cache(2)
def _names(language: str) -> tuple[dict[str, str], dict[str, str]]:
    return crop_names(language), districts(language)


def _bare(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns=["place", "field_id"]) if len(rows) else rows
