"""What is said when something is refused: problem details (RFC 9457) to programs, a plain page to people."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from agro.domain.errors import AgroError, NotProved, Refusal, SourceDown, StoreDown, TornFile
from agro.portal.rendering import language_of, render
from agro.reports.words import reason, remedy

API = "/api/"
_STATUS: dict[type[AgroError], int] = {NotProved: 409, TornFile: 503, StoreDown: 503, SourceDown: 503}


class Denied(AgroError, HTTPException):
    """A request that is turned back: `Denied(404, "CODE", "sentence", "remedy", ...)`."""

    def __init__(self, status: int, code: str, text: str, remedy: str, **facts: Any) -> None:
        AgroError.__init__(self, code, text, remedy, **facts)
        self.status_code, self.detail, self.headers = status, self.refusal.reason, None


def not_there(what: str) -> Denied:
    """What is said of an id that is unknown, and of one that is somebody else's: the same."""
    return Denied(
        404, "PORTAL-NOT-THERE", "{met}: there is nothing of this name here", "check the address", met=what[:80]
    )


def answer(request: Request, status: int, refusal: Refusal, headers: Mapping[str, str] | None = None) -> Response:
    """The refusal as the one who asked reads it."""
    language = language_of(request)
    why, what_to_do = reason(refusal, language), remedy(refusal, language)
    if request.url.path.startswith(API):
        body = {
            "type": "about:blank",
            "status": status,
            "title": _TITLES.get(status, "Refused"),
            "detail": why,
            "code": refusal.code,
            "remedy": what_to_do,
        }
        return JSONResponse(body, status, headers, "application/problem+json")
    if status == 401:
        return RedirectResponse(f"/login?next={request.url.path}", 303)
    page = render(request, "refused.html", status, why=why, remedy=what_to_do, status=status)
    page.headers.update(headers or {})
    return page


def handle(app: FastAPI) -> None:
    """Let every refusal of the app end as an answer."""

    @app.exception_handler(AgroError)
    async def _(request: Request, error: AgroError) -> Response:
        status = error.status_code if isinstance(error, Denied) else _STATUS.get(type(error), 422)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "60"} if status == 429 else None
        return answer(request, status, error.refusal, headers)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        return answer(request, 422, _of_validation(error))

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        refusal = {404: not_there(request.url.path).refusal}.get(error.status_code) or _HTTP
        return answer(request, error.status_code, refusal, error.headers)

    @app.exception_handler(Exception)
    async def _(request: Request, error: Exception) -> Response:
        return answer(request, 500, _UNEXPECTED)


def _of_validation(error: RequestValidationError) -> Refusal:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "body"
    met = json.dumps(first.get("input"), default=str, ensure_ascii=True)[:80]
    facts = {"where": where[:80], "met": met, "expected": str(first["msg"])[:200]}
    return Refusal(
        "PORTAL-INPUT",
        "{where}: {met} came, expected {expected}",
        "the description of the interface is at /api/v1/openapi.json",
        facts,
    )


_TITLES = {
    400: "Bad request",
    401: "Log in first",
    403: "Not for this role",
    404: "Not there",
    405: "Not so",
    408: "Too slow",
    409: "Not proved",
    413: "Too large",
    415: "Of the wrong type",
    422: "Cannot be used",
    429: "Too often",
    500: "A fault of the program",
    503: "Not now",
}
_HTTP = Refusal(
    "PORTAL-HTTP", "the request cannot be answered so", "the description of the interface is at /api/v1/openapi.json"
)
_UNEXPECTED = Refusal(
    "PORTAL-FAULT",
    "a fault of the program: nothing was changed",
    "tell the operator the time; the log has the reason",
)
