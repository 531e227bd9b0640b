"""What a farmer changes: the plan of a field, and a prescription that is worked out while he reads on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse

from agro.portal.field_plan_form import plan_from, planned_t_ha, plans_of
from agro.portal.pages_fields import to_field
from agro.portal.people import needs, note
from agro.portal.prescription_words import told_of_work
from agro.portal.problems import Denied, not_there
from agro.portal.rendering import language_of, render
from agro.portal.workshop import Workshop
from agro.store.accounts import Person
from flows.settings import crop_names
from flows.terminal_list import terminals

router = APIRouter()
OfFarms = Annotated[Person, Depends(needs("farmer", "agronomist"))]
Words = Annotated[str, Form(max_length=4000)]


@router.post("/fields/{field_id}/plan")
def plan(
    request: Request,
    person: OfFarms,
    field_id: str,
    version: Words = "",
    title: Words = "",
    crop: Words = "",
    planned: Words = "",
    note_text: Words = "",
) -> Response:
    """Keep what was written of a field; where somebody else wrote meanwhile, show both and keep nothing."""
    request.app.state.shelf.field(person, field_id)
    written = plan_from(field_id, version, title, crop, planned, note_text)
    plans = plans_of(request)
    if plans.change(written, person.name):
        note(request, "change", f"plan of {field_id}")
        return to_field(field_id, "#plan")
    crops = crop_names(language_of(request))
    return render(
        request, "plan_conflict.html", 409, field_id=field_id, mine=written, theirs=plans.of(field_id), crops=crops
    )


@router.post("/fields/{field_id}/prescriptions")
def prescribe(
    request: Request,
    person: OfFarms,
    field_id: str,
    crop: Words = "",
    planned: Words = "",
    terminal: Words = "",
    width: Words = "",
) -> Response:
    """Begin to work out a field's prescription."""
    request.app.state.shelf.field(person, field_id)
    workshop: Workshop = request.app.state.workshop
    asked = {
        "field_ids": [field_id],
        "crop": crop if crop in crop_names("en") else None,
        "planned_yield_t_ha": planned_t_ha(planned),
        "terminals": [terminal] if terminal in terminals() else [],
        "width_m": _width(width),
    }
    workshop.prescribe(field_id, person.name, asked)
    note(request, "change", f"prescription of {field_id}")
    return to_field(field_id, "#prescription")


@router.get("/work/{work_id}")
def work(request: Request, person: OfFarms, work_id: str) -> Response:
    """How far a piece of work is."""
    found = request.app.state.works.at(work_id)
    if found is None:
        raise not_there(work_id)
    request.app.state.shelf.field(person, found.field_id)
    told = told_of_work(found.told, found.state, language_of(request))
    return JSONResponse({"state": found.state, "told": told})


def _width(text: str) -> float | None:
    words = text.strip().replace(",", ".")
    if not words:
        return None
    try:
        value = float(words)
    except ValueError:
        value = float("nan")
    if not 1 <= value <= 60:
        raise Denied(
            422, "PLAN-WIDTH", "the working width is {met}, expected 1 to 60 m", "write it in metres", met=text[:30]
        )
    return value
