"""What a farm brings in: outlines, soil samples, harvests, logs of machines; each checked before it is kept."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile

from agro.domain.errors import AgroError, Refusal, Told
from agro.portal.people import needs, note
from agro.portal.problems import not_there
from agro.portal.rendering import language_of, render
from agro.portal.shelf import Shelf
from agro.reports.applied import as_text
from agro.reports.words import reason, remedy, say
from agro.store.accounts import Person
from agro.store.index import opened
from agro.store.publish import file_name, writing
from flows.offered_files import KINDS, Farm, Offered, kept_of, offer, taken_by_runs

router = APIRouter()
OfFarms = Annotated[Person, Depends(needs("farmer", "agronomist"))]
_MOST_TOLD = 40  # refusals that are shown; the rest is counted
_WAIT_S = 20.0  # for a run that writes to the store
_WORDS = {
    "outlines": ("Outlines of fields", "GeoJSON, GeoPackage, GeoParquet, or a Shapefile as a zip; the column field_id"),
    "soil": ("Soil samples", "CSV or XLSX of the laboratory, one row a sample, or GeoPackage"),
    "harvest": ("Harvest", "CSV or XLSX: field, season, crop, yield or production, moisture"),
    "yield_monitors": ("Log of a combine", "CSV, XLSX, or ISOXML as a zip"),
}


@router.get("/files")
def files(request: Request, person: OfFarms) -> Response:
    """What can be brought in, and what was."""
    return _page(request, person)


@router.post("/files/{kind}")
async def bring(
    request: Request, person: OfFarms, kind: str, file: Annotated[UploadFile, File()], farm: Annotated[str, Form()] = ""
) -> Response:
    """Check a file; keep it where it is good."""
    from starlette.concurrency import run_in_threadpool

    content = await file.read()
    return await run_in_threadpool(_brought, request, person, kind, farm, file.filename or "", content)


@router.post("/fields/{field_id}/as-applied")
async def as_applied(request: Request, person: OfFarms, field_id: str, file: Annotated[UploadFile, File()]) -> Response:
    """Hold what a machine applied against the field's prescription, and keep both."""
    from starlette.concurrency import run_in_threadpool

    content = await file.read()
    return await run_in_threadpool(_applied, request, person, field_id, file.filename or "", content)


def _brought(request: Request, person: Person, kind: str, farm_id: str, name: str, content: bytes) -> Response:
    farm_id = farm_id or person.farms[0]
    if kind not in KINDS or farm_id not in person.farms:
        raise not_there(kind)
    shelf: Shelf = request.app.state.shelf
    table = shelf.seen.outlines(None).table
    own = table[table["farm_id"] == farm_id].reset_index(drop=True)
    farm_of = {str(one): str(of) for one, of in zip(table["field_id"], table["farm_id"], strict=True)}
    try:
        offered = offer(request.app.state.settings, kind, Farm(farm_id, own, farm_of), name, content)
    except AgroError as error:
        offered = Offered((), (error.refusal,), None)
    if offered.kept:
        note(request, "change", f"{kind}: {name}")
    return _page(request, person, kind, name, offered)


def _page(request: Request, person: Person, kind: str = "", name: str = "", offered: Offered | None = None) -> Response:
    settings, language = request.app.state.settings, language_of(request)
    kinds = [
        {
            "kind": one,
            "title": say(title, language),
            "formats": say(formats, language),
            "kept": [(farm, kept) for farm in person.farms for kept in kept_of(settings, one, farm)],
            "taken": taken_by_runs(settings, one),
            "key": ".".join(KINDS[one]),
        }
        for one, (title, formats) in _WORDS.items()
    ]
    status = 200 if offered is None or offered.kept else 422
    return render(
        request, "files.html", status, kinds=kinds, farms=person.farms, found=_found(kind, name, offered, language)
    )


def _found(kind: str, name: str, offered: Offered | None, language: str) -> dict[str, Any] | None:
    if offered is None:
        return None
    return {
        "kind": kind,
        "name": name,
        "kept": offered.kept is not None,
        "told": [say(one.text, language, **one.facts) for one in offered.told],
        "refused": [_told(one, language) for one in offered.refused[:_MOST_TOLD]],
        "more": max(len(offered.refused) - _MOST_TOLD, 0),
    }


def _applied(request: Request, person: Person, field_id: str, name: str, content: bytes) -> Response:
    request.app.state.shelf.field(person, field_id)
    settings, language = request.app.state.settings, language_of(request)
    lines: list[str] = []
    refused: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="agro-applied-") as place:
        path = Path(place) / file_name(Path(name).name or "file")
        path.write_bytes(content)
        try:
            from flows.as_applied import take_back

            with writing(settings.store.path, _WAIT_S) as store, opened(store) as index:
                done = take_back(settings, store, index, path, field_id)
            lines = as_text(field_id, done.product, done.unit, asdict(done.comparison), language).splitlines()
            lines += [reason(t, language) if isinstance(t, Refusal) else _said(t, language) for t in done.told]
            note(request, "change", f"as applied on {field_id}: {name}")
        except AgroError as error:
            refused.append(_told(error.refusal, language))
    return render(
        request, "applied.html", 422 if refused else 200, field_id=field_id, name=name, lines=lines, refused=refused
    )


def _told(one: Refusal, language: str) -> tuple[str, str]:
    return reason(one, language), remedy(one, language)


def _said(one: Told, language: str) -> str:
    return say(one.text, language, **one.facts)
