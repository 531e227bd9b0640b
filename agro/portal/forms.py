"""Forms that only our own pages can send: each carries a token made from a cookie that no other page can read."""

import hashlib
import hmac
import secrets

from fastapi import Request

SESSION, VISIT = "agro_session", "agro_visit"  # the cookies: of who came in, of who did not yet
FIELD, HEADER = "form_token", "X-Form-Token"


def form_token(request: Request) -> str:
    """What a form (its field `form_token`) or a script (the header `X-Form-Token`) has to send along."""
    secret = request.cookies.get(SESSION) or request.cookies.get(VISIT) or _visit(request)
    return hmac.new(secret.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def _visit(request: Request) -> str:
    """A new visitor's secret; the door sends it as a cookie with the answer."""
    state = request.scope.setdefault("state", {})
    return str(state.setdefault("visit", secrets.token_urlsafe(24)))


async def is_ours(request: Request) -> bool:
    """Whether a request that changes something came from a page of ours."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    sent = request.headers.get(HEADER)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent is None and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        sent = (await request.form(max_files=20, max_fields=200)).get(FIELD)  # type: ignore[assignment]
    return isinstance(sent, str) and hmac.compare_digest(sent.encode(), form_token(request).encode())
