"""The outlook for the ministry: what the board publishes of districts and the region, and nothing of a farm."""

import json
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from agro.portal.downloads import taken
from agro.portal.parameters import Paged, shelf_of
from agro.portal.people import needs
from agro.portal.problems import not_there
from agro.portal.rendering import language_of
from agro.store.accounts import Person
from agro.store.publish import Published, read_asset
from agro.store.tables import to_csv
from flows.kept_outlook import INDICATOR

router = APIRouter(prefix="/api/v1/outlook", tags=["outlook"])
OfMinistry = Annotated[Person, Depends(needs("ministry", "operator"))]
Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the newest board known by this day")]
_WORDS = "words"  # the board's asset for programs
_REGION = ("base_year", "demonstration", "closed", "years", "paths")
_COLUMNS = {  # of the CSV, with their units
    **{"crop_name": "crop", "district_name": "district", "yield_t_ha": "yield_t_ha", "low_t_ha": "low_80_t_ha"},
    **{"high_t_ha": "high_80_t_ha", "tonnes": "production_t", "low_t": "low_80_t", "high_t": "high_80_t"},
    **{"seen": "seen_share", "change": "change_t_ha", "why": "withheld"},
}


@router.get("")
def outlook(request: Request, person: OfMinistry, as_of: Day = None) -> dict[str, Any]:
    """The board of a day: forecasts by crop and district with intervals, and the region's output with scenarios."""
    board = _board(request, as_of)
    about = board.item["properties"]
    told = {name: about[f"agro:{name}"] for name in ("as_of", "season", "simulated")}
    return {
        **told,
        "created": board.created,
        "forecasts": _forecasts(request, board),
        "output": _output(request, board),
    }


@router.get("/days")
def days(request: Request, person: OfMinistry, page: Paged) -> dict[str, Any]:
    """The days of which there is a board, the newest first."""
    boards = {str(one.item["properties"]["agro:as_of"]): one for one in reversed(shelf_of(request).boards())}
    return page.of([{"as_of": day, "created": boards[day].created} for day in sorted(boards, reverse=True)], request)


@router.get("/files/board.{kind}", response_class=Response)
def board_file(
    request: Request,
    person: OfMinistry,
    kind: Annotated[Literal["xlsx", "pdf", "html", "png", "csv"], Path()],
    as_of: Day = None,
) -> Response:
    """The board as a file."""
    board = _board(request, as_of)
    day = board.item["properties"]["agro:as_of"]
    if kind == "csv":
        rows = pd.DataFrame(_forecasts(request, board)).reindex(columns=list(_COLUMNS)).rename(columns=_COLUMNS)
        content = ("\ufeff" + to_csv(rows)).encode()  # the mark tells spreadsheets that it is UTF-8
        return taken(request, f"board-{day}.csv", content, "text/csv; charset=utf-8")
    about = board.item["assets"][kind]
    return taken(request, f"board-{day}.{kind}", read_asset(shelf_of(request).store, board, kind), str(about["type"]))


def _board(request: Request, as_of: str | None) -> Published:
    for one in shelf_of(request).boards():
        if as_of is None or str(one.item["properties"]["agro:as_of"]) <= as_of:
            return one
    raise not_there("outlook")


def _forecasts(request: Request, board: Published) -> list[dict[str, Any]]:
    """The board's rows with the names of crops and districts; `why` is the code of what is withheld."""
    if _WORDS not in board.item["assets"]:
        raise not_there("outlook")  # a board of a version that kept only pages
    kept = json.loads(read_asset(shelf_of(request).store, board, _WORDS))
    names = kept["names"][language_of(request)]
    return [
        {**row, "crop_name": names.get(row["crop"]), "district_name": names.get(row["district"])}
        for row in kept["rows"]
    ]


def _output(request: Request, board: Published) -> dict[str, Any] | None:
    """The region's index by year with its interval, goals and chances; nothing of a district is in it."""
    shelf = shelf_of(request)
    parents = (shelf.seen.results.get(place) for place in board.item["properties"]["agro:parents"])
    for one in parents:
        if one is not None and one.kind == "outlook":
            kept = json.loads(read_asset(shelf.store, one, INDICATOR))
            return {name: kept.get(name) for name in _REGION}
    return None
