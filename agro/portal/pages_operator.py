"""The state of the system for its operator: the last run, the age of images, results, disk, who did what."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from agro.portal.operator import overview
from agro.portal.people import needs
from agro.portal.rendering import language_of, render
from agro.reports.run_summary import KIND_NAMES
from agro.reports.words import number, say
from agro.store.accounts import Person

router = APIRouter()
OfOperator = Annotated[Person, Depends(needs("operator"))]
_LINES = 30  # of the record
_OLD_D = 10.0  # [d] an image older than this is shown as old


@router.get("/operator")
def operator(request: Request, person: OfOperator) -> Response:
    """Everything at a glance."""
    told, language = overview(request, person), language_of(request)
    disk = told["disk"]
    results = [(say(KIND_NAMES.get(kind, kind), language), n) for kind, n in told["results"].items()]
    return render(
        request,
        "operator.html",
        told=told,
        run=told["last_run"],
        results=results,
        free=number(disk["free_bytes"] / 1e9, 1, language),
        full=number(100 * (1 - disk["free_bytes"] / max(disk["total_bytes"], 1)), 0, language),
        old=_OLD_D,
        lines=request.app.state.audit.lines(_LINES),
        number=lambda value, digits: number(value, digits, language),
    )
