"""What the operator watches: what came, what failed and why, how old the newest images are, how much room is left."""

import shutil
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from agro.portal.parameters import shelf_of
from agro.portal.people import needs
from agro.store.accounts import Person
from flows.last_run import last_run
from flows.settings import districts

router = APIRouter(tags=["operator"])
OfOperator = Annotated[Person, Depends(needs("operator"))]


@router.get("/health")
def health(request: Request) -> JSONResponse:
    """Whether the portal reaches its database and the store; 503 where it does not."""
    shelf = shelf_of(request)
    try:
        with request.app.state.accounts.engine.connect() as rows:
            rows.execute(text("SELECT 1"))
        database = True
    except SQLAlchemyError:
        database = False
    store = shelf.store.root.is_dir()
    well = database and store
    told = {"status": "ok" if well else "failing", "database": database, "store": store}
    return JSONResponse(told, 200 if well else 503)


@router.get("/api/v1/operator")
def overview(request: Request, person: OfOperator) -> dict[str, Any]:
    """The last run, the newest clear image of each district, results, the disk, where Prefect shows its runs."""
    state, shelf = request.app.state, shelf_of(request)
    root = shelf.store.root
    disk = shutil.disk_usage(root if root.is_dir() else root.parent)
    settings = state.settings
    return {
        "last_run": last_run(root),
        "districts": _districts(shelf.seen.newest_images(), settings.ui.language),
        **shelf.told_of(),
        "disk": {"free_bytes": disk.free, "total_bytes": disk.total},
        "prefect": f"http://{settings.serve.host}:{settings.serve.port}",
    }


@router.get("/api/v1/operator/audit")
def audit(request: Request, person: OfOperator, most: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
    """The newest lines of the record of log-ins, downloads and denials."""
    return {"items": request.app.state.audit.lines(most)}


def _districts(newest: dict[str, datetime | None], language: str) -> list[dict[str, Any]]:
    names, now = districts(language), datetime.now(UTC)
    return [
        {
            "district": code,
            "district_name": names.get(code, code),
            "newest_image_at": None if at is None else at.isoformat().replace("+00:00", "Z"),
            "age_days": None if at is None else round((now - at).total_seconds() / 86_400, 1),
        }
        for code, at in sorted(newest.items())
    ]
