"""Pages from templates, in the reader's language. Everything that is put into a page is escaped."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from agro.portal.forms import form_token
from agro.portal.page_frame import frame_of
from agro.reports.words import say

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE_COOKIE = "agro_language"
_PAGES = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request) -> str:
    """`ru` or `en`: as the reader chose it, else as the settings say."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in ("ru", "en") else str(request.app.state.settings.ui.language)


def render(request: Request, name: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """A page: the template with its context, and `person`, `language`, `say`, `form_token` beside it."""
    language = language_of(request)
    told = {
        "request": request,
        "person": getattr(request.state, "person", None),
        "language": language,
        "say": lambda sentence, **facts: say(sentence, language, **facts),
        "form_token": form_token(request),
    }
    told |= frame_of(request, language)
    page = HTMLResponse(_PAGES.get_template(name).render(**told, **context), status)
    page.headers["Cache-Control"] = "no-store"
    return page
