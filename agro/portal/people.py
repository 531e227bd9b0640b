"""Who asks: by a browser's session or a program's token; what a role may; log-in and log-out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from agro.portal.forms import SESSION, is_ours
from agro.portal.problems import Denied
from agro.portal.rendering import render
from agro.store.accounts import Accounts, Person
from agro.store.audit import Audit

_LOGIN_MINUTES = 15
_OF_ADDRESS = 5  # [1] times as many failures as of a name are borne of an address: an office shares one
router = APIRouter(include_in_schema=False)


async def current_person(request: Request) -> Person:
    """A dependency: the one who asks. Raises Denied (401)."""
    person: Person | None = getattr(request.state, "person", None)
    if person is None:
        raise Denied(
            401, "PORTAL-WHO", "nobody is logged in, or the key has ended", "log in, or send a token that holds"
        )
    return person


def needs(*roles: str) -> Callable[[Request], Awaitable[Person]]:
    """A dependency: somebody of one of these roles. Raises Denied (401, 403)."""

    async def of_role(request: Request) -> Person:
        person = await current_person(request)
        if person.role not in roles:
            await run_in_threadpool(note, request, "denied", request.url.path)
            raise Denied(
                403, "PORTAL-ROLE", "this is not for the role {met}", "ask the operator for the right", met=person.role
            )
        return person

    return of_role


async def may_change(request: Request) -> None:
    """For the whole app: who changes something needs the right to write, and a form of ours. Raises Denied (403)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    person: Person | None = getattr(request.state, "person", None)
    if person is not None and person.scope != "write":
        await run_in_threadpool(note, request, "denied", request.url.path)
        raise Denied(403, "PORTAL-SCOPE", "this token may only read", "ask the operator for one that may write")
    if (person is None or person.key == "session") and not await is_ours(request):
        raise Denied(403, "PORTAL-FORM", "the form has grown old, or did not come from here", "load the page again")


def note(request: Request, what: str, about: str) -> None:
    """Put into the record what somebody did."""
    person = getattr(request.state, "person", None)
    audit: Audit = request.app.state.audit
    audit.note(what, person.name if person else "-", about, address_of(request))


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "-"


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:
    """The form."""
    return _form(request, next)


@router.post("/login")
async def login(
    request: Request,
    name: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=1000)] = "/",
) -> Response:
    """Let somebody in by name and password."""
    state = request.app.state
    key = await run_in_threadpool(_key_of, state, name, password, address_of(request))
    if key is None:
        return _form(request, next, name[:60], status=401)
    answer = RedirectResponse(_own_place(next), 303)
    answer.set_cookie(SESSION, key, int(3600 * state.settings.portal.session_h), **_cookie(request))
    return answer


@router.post("/logout")
def logout(request: Request) -> Response:
    """End the session."""
    key = request.cookies.get(SESSION)
    if key and getattr(request.state, "person", None):
        request.app.state.accounts.end_key(key)
        note(request, "logout", "")
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION, **_cookie(request))
    return answer


def _key_of(state: Any, name: str, password: str, address: str) -> str | None:
    accounts: Accounts = state.accounts
    audit: Audit = state.audit
    most = state.settings.portal.failed_logins
    of_name, of_address = audit.failed_logins(name, address, _LOGIN_MINUTES)
    if of_name >= most or of_address >= _OF_ADDRESS * most:
        raise Denied(
            429,
            "PORTAL-LOGINS",
            "too many log-ins failed",
            "wait {minutes} minutes, then try again",
            minutes=_LOGIN_MINUTES,
        )
    with state.hashing:  # argon2 takes 64 MB and a core: never more than two at a time
        person_id = accounts.by_password(name, password)
    audit.note("login" if person_id else "login-failed", name or "-", "", address)
    if person_id is None:
        return None
    return accounts.give_key(person_id, "session", "write", "", state.settings.portal.session_h)


def _form(request: Request, next: str, name: str = "", status: int = 200) -> Response:
    nobody = not request.app.state.accounts.everybody()
    return render(request, "login.html", status, next=_own_place(next), name=name, failed=status != 200, nobody=nobody)


def _own_place(place: str) -> str:
    """A path of this portal: never another's address."""
    own = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if own else "/"


def _cookie(request: Request) -> dict[str, Any]:
    return {"path": "/", "httponly": True, "samesite": "lax", "secure": request.app.state.settings.portal.https}
