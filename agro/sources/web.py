"""Asking a service over HTTP: again where it is busy, never past a deadline, never led elsewhere, never too much."""

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from agro.domain.errors import BadInput, SourceDown

_BUSY = 429
_FIRST_WAIT_S = 0.5  # [s] doubled with every further try
_LONGEST_WAIT_S = 60.0  # [s]
_PIECE_BYTES = 1 << 16
_REDIRECTS = 4  # a file that has moved oftener is a loop
_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class Patience:
    """How often a service is asked and how long it is waited for: one answer [s], all tries together [s]."""

    attempts: int = 5
    timeout_s: float = 120.0
    deadline_s: float = 600.0


def checked_address(url: str, key: str) -> str:
    """The address without a slash at its end. Only https, or http to this machine: anything else shows secrets."""
    parts = urlsplit(url)
    own = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.scheme not in (("https", "http") if own else ("https",)) or parts.username:
        raise BadInput(
            "CFG-ADDRESS",
            "{where} is {met}; expected an https address without a password in it",
            "give the address as the provider publishes it",
            where=key,
            met=url,
        )
    return url.rstrip("/")


def asked(
    patience: Patience,
    method: str,
    url: str,
    headers: Callable[[], Mapping[str, str]],
    largest_bytes: int,
    follow: bool = False,
    begun: Callable[[requests.Response], None] | None = None,
    **body: Any,
) -> requests.Response:
    """The service's answer: what it gave, or why it refused (4xx). Its body is here, whole.

    headers        made anew for each try, for a token may have expired meanwhile
    largest_bytes  a longer body is refused, counted after unpacking
    begun          told of each good answer when it begins: it is paid for then, even if it breaks off
    follow         a redirect of GET is followed, where it leads to the open network; otherwise it is refused

    Raises SourceDown where the service is busy, fails or is silent until the deadline.
    """
    end = time.monotonic() + patience.deadline_s
    wait_s, failure, tries = _FIRST_WAIT_S, _silent(url, TimeoutError(), 0), 0
    while tries < patience.attempts:
        tries += 1
        try:
            answer = _once(patience, end, method, url, headers(), largest_bytes, follow, begun, body)
        except _TRANSIENT as error:
            failure = _silent(url, error, tries)
        else:
            if answer.status_code < 500 and answer.status_code != _BUSY:
                return answer
            failure = _busy(url, tries) if answer.status_code == _BUSY else _failing(url, answer, tries)
            wait_s = max(wait_s, _told_to_wait_s(answer))
        wait_s = min(wait_s, _LONGEST_WAIT_S)
        if tries == patience.attempts or time.monotonic() + wait_s > end:
            break
        time.sleep(wait_s)
        wait_s *= 2
    raise failure


def place(url: str) -> str:
    """Where a service is, without anything that could be a secret."""
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"


def _once(
    patience: Patience,
    end: float,
    method: str,
    url: str,
    headers: Mapping[str, str],
    largest_bytes: int,
    follow: bool,
    begun: Callable[[requests.Response], None] | None,
    body: dict[str, Any],
) -> requests.Response:
    left = max(end - time.monotonic(), 0.1)
    for _ in range(_REDIRECTS if follow else 1):
        answer = requests.request(
            method,
            url,
            headers=dict(headers),
            timeout=min(patience.timeout_s, left),
            allow_redirects=False,
            stream=True,
            auth=_as_it_is,
            **body,
        )
        with answer:
            if not answer.is_redirect:
                if begun and answer.ok:
                    begun(answer)
                answer._content = _body(answer, url, largest_bytes, end)
                return answer
        target = urljoin(url, answer.headers["Location"])
        _check_target(url, target, follow)
        if urlsplit(target).netloc != urlsplit(url).netloc:
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        url = target
    raise _led_away(url, url)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps our own headers: without it a `.netrc` in the home folder would replace the token."""
    return request


def _body(answer: requests.Response, url: str, largest_bytes: int, end: float) -> bytes:
    pieces, size = [], 0
    for piece in answer.iter_content(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > largest_bytes:
            raise SourceDown(
                "HTTP-TOO-LARGE",
                "{where}: the answer is larger than {limit} MB",
                "check the service's address",
                where=place(url),
                limit=largest_bytes // 1_000_000,
            )
        if time.monotonic() > end:
            raise requests.Timeout("the deadline passed in the middle of the answer")
    return b"".join(pieces)


def _check_target(url: str, target: str, follow: bool) -> None:
    """Refuse a redirect that leads into a closed network, to a file, or where none is expected."""
    parts = urlsplit(target)
    same = parts.netloc == urlsplit(url).netloc and parts.scheme == urlsplit(url).scheme
    if not follow or not (same or (parts.scheme == "https" and _is_public(parts.hostname or ""))):
        raise _led_away(url, target)


def _is_public(host: str) -> bool:
    """Whether all addresses of a host lie in the open network."""
    try:
        found = {row[4][0] for row in socket.getaddrinfo(host, 443)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address).is_global for address in found)


def _told_to_wait_s(answer: requests.Response) -> float:
    """The wait that the service asks for: others tell seconds, Sentinel Hub milliseconds."""
    text = answer.headers.get("Retry-After", "")
    wait = int(text) if text.isdecimal() else 0
    return wait / 1000 if wait >= 1000 else float(wait)


def _led_away(url: str, target: str) -> SourceDown:
    return SourceDown(
        "HTTP-REDIRECT",
        "{where}: sends us on to {met}, where nobody asked to go; it is not followed",
        "check the service's address; a login page of the network may stand in between",
        where=place(url),
        met=target.partition("?")[0][:120],
    )


def _silent(url: str, error: Exception, tries: int) -> SourceDown:
    return SourceDown(
        "HTTP-DOWN",
        "{where}: no whole answer in {tries} tries ({met})",
        "check the network and the service's address; the next run goes on where this one ended",
        where=place(url),
        tries=tries,
        met=type(error).__name__,
    )


def _busy(url: str, tries: int) -> SourceDown:
    return SourceDown(
        "HTTP-BUSY",
        "{where}: still says after {tries} tries that it is asked too often",
        "run again later, or ask for less at a time",
        where=place(url),
        tries=tries,
    )


def _failing(url: str, answer: requests.Response, tries: int) -> SourceDown:
    return SourceDown(
        "HTTP-FAILS",
        "{where}: fails with status {met}, still after {tries} tries",
        "run again later; the next run goes on where this one ended",
        where=place(url),
        met=answer.status_code,
        tries=tries,
    )
