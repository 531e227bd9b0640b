"""The door of the pages: where each role begins, the choice of language, and the map's program out of its package."""

import gzip
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from agro.portal.page_frame import HOME
from agro.portal.people import current_person
from agro.portal.problems import not_there
from agro.portal.rendering import LANGUAGE_COOKIE
from agro.store.accounts import Person

router = APIRouter()
_MAPLIBRE = {"maplibre-gl.js": "text/javascript", "maplibre-gl.css": "text/css"}


@router.get("/")
def home(person: Annotated[Person, Depends(current_person)]) -> Response:
    """To the first page of the role."""
    return RedirectResponse(HOME[person.role], 303)


@router.post("/language")
def language(language: Annotated[str, Form()] = "ru", back: Annotated[str, Form(max_length=1000)] = "/") -> Response:
    """Read the pages in another language from now on."""
    answer = RedirectResponse(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/", 303)
    answer.set_cookie(LANGUAGE_COOKIE, language if language in ("ru", "en") else "ru", 400 * 86_400, samesite="lax")
    return answer


@router.get("/static/maplibre/{name}")
def maplibre(request: Request, name: str) -> Response:
    """The map's program and its styles as the installed package has them."""
    if name not in _MAPLIBRE:
        raise not_there(name)
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": "public, max-age=86400", "Vary": "Accept-Encoding"}
    headers |= {"Content-Encoding": "gzip"} if packed else {}
    return Response(_of_package(name, packed), media_type=_MAPLIBRE[name], headers=headers)


@lru_cache(4)
def _of_package(name: str, packed: bool) -> bytes:
    spec = find_spec("maplibre")
    assert spec is not None and spec.origin is not None  # noqa: S101  a dependency
    content = (Path(spec.origin).parent / "srcjs" / name).read_bytes()
    return gzip.compress(content, 6) if packed else content
