"""The outlook for the ministry: what the board publishes of districts and the region, and nothing of a farm."""

import io
import json
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from agro.portal.downloads import taken
from agro.portal.parameters import Paged, shelf_of
from agro.portal.people import needs
from agro.portal.problems import not_there
from agro.store.accounts import Person
from agro.store.publish import Published, read_asset
from agro.store.tables import to_csv

router = APIRouter(prefix="/api/v1/outlook", tags=["outlook"])
OfMinistry = Annotated[Person, Depends(needs("ministry", "operator"))]
Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="the newest board known by this day")]
_FORECASTS = ("yield_t_ha", "low_80_t_ha", "high_80_t_ha", "production_t", "low_80_t", "high_80_t", "seen_share")


@router.get("")
def outlook(request: Request, person: OfMinistry, as_of: Day = None) -> dict[str, Any]:
    """The board of a day: forecasts by crop and district with intervals, output with scenarios, what changed."""
    return _content(request, _board(request, as_of))


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
        rows = pd.DataFrame(_content(request, board)["forecasts"])
        columns = [name for name in ("crop_name", "district_name", *_FORECASTS, "withheld") if name in rows]
        return taken(
            request, f"board-{day}.csv", ("\ufeff" + to_csv(rows[columns])).encode(), "text/csv; charset=utf-8"
        )
    about = board.item["assets"][kind]
    return taken(request, f"board-{day}.{kind}", read_asset(shelf_of(request).store, board, kind), str(about["type"]))


def _board(request: Request, as_of: str | None) -> Published:
    for one in shelf_of(request).boards():
        if as_of is None or str(one.item["properties"]["agro:as_of"]) <= as_of:
            return one
    raise not_there("outlook")


def _content(request: Request, board: Published) -> dict[str, Any]:
    if "json" not in board.item["assets"]:  # of a version that kept only pages
        raise not_there("outlook")
    content: dict[str, Any] = json.load(io.BytesIO(read_asset(shelf_of(request).store, board, "json")))
    return content
