"""What every request passes: who asks, how often, how much it brings, and what a browser may do with the answer.

Plain ASGI, outermost first: `Guarded` sets the headers, bounds the body and tells who asks.
"""

import asyncio
import time
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agro.portal.forms import SESSION, VISIT
from agro.portal.problems import Denied, answer
from agro.store.accounts import Person

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), payment=()",
}
_FREE = ("/static/", "/health")  # without a look at who asks
_MOST_KNOWN = 10_000  # [1] who asked lately


class Rates:
    """A bucket for each one who asks: it fills by so many requests a minute and holds a minute's worth."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> bool:
        """Whether one more may be asked now."""
        now = time.monotonic()
        left, since = self._left.pop(who, (float(self._a_minute), now))
        left = min(self._a_minute, left + (now - since) * self._a_minute / 60)
        self._left[who] = (left - 1 if left >= 1 else left), now
        if len(self._left) > _MOST_KNOWN:
            self._left.popitem(last=False)
        return left >= 1


class Guarded:
    """The door itself."""

    def __init__(self, app: ASGIApp, state: Any, slow_s: float | None = None) -> None:
        self.app = app
        self.state = state
        settings = state.settings.portal
        self.rates = Rates(settings.requests_a_minute)
        self.body_bytes = settings.body_mb * 1_000_000
        self.slow_s = settings.slow_s if slow_s is None else slow_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or turn it back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        send = self._with_headers(scope, send)
        try:
            if not scope["path"].startswith(_FREE):
                await self._know(scope)
            self._measure(scope)
            body = _Body(receive, self.body_bytes, self.slow_s)
            await self.app(scope, body.receive, send)
        except Denied as denied:
            headers = {"Retry-After": "60"} if denied.status_code == 429 else {"Connection": "close"}
            request = Request({**scope, "app": self.state.app})
            await answer(request, denied.status_code, denied.refusal, headers)(scope, receive, send)

    async def _know(self, scope: Scope) -> None:
        """Who asks, and whether that is not too often. Raises Denied (429)."""
        headers = Headers(scope=scope)
        kind, key = key_of(headers)
        person: Person | None = None
        if key:
            accounts = self.state.accounts  # SQLite answers in a tenth of a millisecond: a thread would cost more
            own_thread = accounts.engine.dialect.name != "sqlite"
            person = await run_in_threadpool(accounts.by_key, key, kind) if own_thread else accounts.by_key(key, kind)
        scope["state"]["person"] = person
        client = scope.get("client")
        who = person.person_id if person else client[0] if client else "-"
        if not self.rates.take(who):
            raise Denied(429, "PORTAL-OFTEN", "too many requests in a minute", "wait a minute, then ask less often")

    def _measure(self, scope: Scope) -> None:
        """Refuse a body that says itself that it is too large. Raises Denied (413)."""
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or len(length) > 15 or int(length) > self.body_bytes:
            raise too_large(self.body_bytes)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "private, no-cache")
                visit = scope["state"].get("visit")
                if visit:
                    secure = "; Secure" if self.state.settings.portal.https else ""
                    headers.append("Set-Cookie", f"{VISIT}={visit}; Path=/; HttpOnly; SameSite=Strict{secure}")
            await send(message)

        return sent


class _Body:
    """A request's body: not larger and not later than allowed."""

    def __init__(self, receive: Receive, most: int, slow_s: float) -> None:
        self._receive = receive
        self._most = most
        self._slow_s = slow_s
        self._until = time.monotonic() + slow_s
        self._came = 0
        self._whole = False

    async def receive(self) -> Message:
        """The next piece. Raises Denied (408, 413)."""
        if self._whole:
            return await self._receive()  # only a farewell can come now
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise Denied(
                408,
                "PORTAL-SLOW",
                "the request took longer than {expected} s to arrive",
                "send it again",
                expected=self._slow_s,
            ) from None
        self._whole = not message.get("more_body", False)
        self._came += len(message.get("body", b""))
        if self._came > self._most:
            raise too_large(self._most)
        return message


def key_of(headers: Headers) -> tuple[str, str | None]:
    """The kind of key that a request brings, and the key."""
    bearer = headers.get("authorization", "")
    if bearer:
        kind, _, key = bearer.partition(" ")
        return "token", key.strip() if kind.lower() == "bearer" else None
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(SESSION)
    except CookieError:
        cookie = None
    return "session", cookie.value if cookie else None


def too_large(most: int) -> Denied:
    """What is said of a body that is too large."""
    return Denied(
        413,
        "PORTAL-LARGE",
        "more than {expected} MB came in one request",
        "send less at once",
        expected=most // 1_000_000,
    )
