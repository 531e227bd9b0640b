"""The board of the outlook as pages for the ministry: what may be published of districts, and nothing of a farm."""

import json
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup

from agro.portal.people import needs
from agro.portal.problems import not_there
from agro.portal.rendering import language_of, render
from agro.portal.shelf import Shelf
from agro.reports.interval_bar import interval_bar
from agro.reports.words import say
from agro.store.accounts import Person
from agro.store.publish import Published, read_asset
from flows.boards import WORDS

router = APIRouter()
OfMinistry = Annotated[Person, Depends(needs("ministry", "operator"))]
Day = Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
_PICTURES = ("map", "fan")


@router.get("/board")
def board(request: Request, person: OfMinistry, as_of: Day = "") -> Response:
    """The board of a day; the newest where no day is chosen."""
    shelf, language = request.app.state.shelf, language_of(request)
    boards = _boards(shelf)
    if not boards:
        return render(request, "board_none.html")
    chosen = next((one for one in boards if not as_of or _day(one) <= as_of), None)
    if chosen is None:
        raise not_there(as_of)
    told = _told(shelf, chosen.place)
    words = told["words"][language]
    pictures = [(name, title) for name, (title, _) in zip(_PICTURES, words["pictures"], strict=False)]
    return render(
        request,
        "board.html",
        board=words,
        pictures=pictures,
        crops=_crops(told, language),
        day=_day(chosen),
        days=[(_day(one), _written(_day(one), language)) for one in boards],
        files=[(kind, f"/api/v1/outlook/files/board.{kind}?as_of={_day(chosen)}") for kind in ("xlsx", "pdf", "csv")],
    )


@router.get("/board/{day}/{picture}.svg")
def picture(request: Request, person: OfMinistry, day: str, picture: str) -> Response:
    """A picture of a board."""
    shelf: Shelf = request.app.state.shelf
    found = next((one for one in _boards(shelf) if _day(one) == day), None)
    if found is None or picture not in _PICTURES:
        raise not_there(picture)
    pictures = _told(shelf, found.place)["words"][language_of(request)]["pictures"]
    number = _PICTURES.index(picture)
    if number >= len(pictures):
        raise not_there(picture)
    return Response(pictures[number][1], media_type="image/svg+xml")


def _boards(shelf: Shelf) -> list[Published]:
    """The newest board of each day that has its words, the newest day first."""
    found: dict[str, Published] = {}
    for one in shelf.boards():
        if WORDS in one.item["assets"]:
            found.setdefault(_day(one), one)
    return list(found.values())


def _day(board: Published) -> str:
    return str(board.item["properties"]["agro:as_of"])


def _written(day: str, language: str) -> str:
    return ".".join(reversed(day.split("-"))) if language == "ru" else day


@lru_cache(8)
def _told(shelf: Shelf, place: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(read_asset(shelf.store, shelf.seen.results[place], WORDS))
    return content


def _crops(told: dict[str, Any], language: str) -> list[dict[str, Any]]:
    """The table of each crop, every row with its interval drawn on the crop's own scale."""
    names, whole = told["names"][language], say("The region", language)
    figures = {
        (
            names.get(row["crop"], row["crop"]),
            whole if row["district"] is None else names.get(row["district"], row["district"]),
        ): row
        for row in told["rows"]
        if row["yield_t_ha"] is not None
    }
    made = []
    for crop, rows, silent in told["words"][language]["crops"]:
        own = [figures[crop, cells[0]] for cells in rows]
        highest = max((row["high_t_ha"] or row["yield_t_ha"] for row in own), default=1.0)
        bars = [
            Markup(interval_bar(row["yield_t_ha"], row["low_t_ha"], row["high_t_ha"], highest))  # noqa: S704  figures only
            for row in own
        ]
        made.append({"name": crop, "rows": list(zip(rows, bars, strict=True)), "silent": silent})
    return made
