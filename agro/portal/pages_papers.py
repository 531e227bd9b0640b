"""What a farmer prints: the page of a field and the page of its prescription, as PDF."""

import io
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from PIL import Image

from agro.portal.downloads import taken
from agro.portal.field_layers import index_of, one_field
from agro.portal.pages_fields import Day, teller_of
from agro.portal.people import needs
from agro.portal.problems import not_there
from agro.portal.shelf import Shelf
from agro.reports.field_sheet import sheet_pdf
from agro.store.accounts import Person
from agro.store.publish import Published, read_asset
from flows.panels import look_panel, newest_clear
from flows.settings import crop_names
from flows.sheets import sheet_of

router = APIRouter()
OfFarms = Annotated[Person, Depends(needs("farmer", "agronomist"))]
_DPI = 130  # [1/inch] of the prescription's page


@router.get("/fields/{field_id}/sheet.pdf")
def field_paper(request: Request, person: OfFarms, field_id: str, day: Day = "") -> Response:
    """The page of a field."""
    shelf: Shelf = request.app.state.shelf
    row, teller = shelf.field(person, field_id), teller_of(request, person, day)
    field = one_field(shelf, row, teller.day, teller.language)
    if field is None:
        raise not_there(field_id)
    look = newest_clear(shelf.stats(field_id), field)
    parts = [] if look is None else _parts(shelf, str(look["place"]))
    greenness = look_panel(shelf.store, field, look, parts)
    crop = crop_names(teller.language).get(teller.crop(field_id) or "")
    sheet = sheet_of(shelf.store, index_of(shelf), field, greenness, teller.year, crop)
    return taken(request, f"{field_id}.pdf", sheet_pdf(sheet, teller.language), "application/pdf")


@router.get("/fields/{field_id}/prescription.pdf")
def prescription_paper(request: Request, person: OfFarms, field_id: str) -> Response:
    """The page of a field's newest prescription, as it was published with it."""
    shelf: Shelf = request.app.state.shelf
    own = shelf.prescriptions(shelf.field(person, field_id))
    if not own:
        raise not_there(field_id)
    page, buffer = Image.open(io.BytesIO(read_asset(shelf.store, own[0], "sheet"))), io.BytesIO()
    page.convert("RGB").save(buffer, "PDF", resolution=_DPI)
    return taken(request, f"{field_id}-prescription.pdf", buffer.getvalue(), "application/pdf")


def _parts(shelf: Shelf, place: str) -> list[Published]:
    parents = shelf.seen.results[place].item["properties"]["agro:parents"]
    return [shelf.seen.results[parent] for parent in parents if parent in shelf.seen.results]
