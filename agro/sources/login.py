"""Who we are to a provider: secrets of the environment or of a file that only its owner reads, and tokens got for them.

A token goes to the hosts that the configuration names and to nobody else; it is never shown.
"""

import os
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests

from agro.domain.errors import BadInput, SourceDown
from agro.sources.web import Patience, asked, checked_address, place

_EARLY_S = 60.0  # [s] a token is renewed so long before it expires
_FORMS = (  # what each way of logging in needs, and what it adds to the form
    (("client_id", "client_secret"), {"grant_type": "client_credentials"}),
    (("username", "password"), {"grant_type": "password", "client_id": "cdse-public"}),
)  # source: Copernicus Data Space, "Token generation"


def private_toml(path: Path, expected: str) -> dict[str, str]:
    """The rows of a TOML file that only its owner can read; `expected` says in words what stands there."""
    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise BadInput(
                "CREDENTIALS-OPEN",
                "{where}: others can read the secret (mode {met}), expected mode 600",
                "chmod 600 {where}; and make a new secret, for this one may be known",
                where=str(path),
                met=f"{mode:o}",
            )
        return {name: str(value) for name, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise unreadable(path, expected, type(error).__name__) from None


def unreadable(path: Path, expected: str, met: str) -> BadInput:
    """What to say of a file of secrets that does not hold them; never what it holds."""
    return BadInput(
        "CREDENTIALS-FILE",
        "{where}: expected {expected} as TOML ({met})",
        'write a line for each: name = "value"',
        where=str(path),
        expected=expected,
        met=met,
    )


class Login:
    """A login at a provider: a token as it is, or one that is fetched for a secret and renewed before it expires."""

    def __init__(self, secret: Mapping[str, str], token_url: str, hosts: Sequence[str], patience: Patience) -> None:
        self._secret, self._token_url, self._hosts, self._patience = dict(secret), token_url, set(hosts), patience
        self._token, self._until, self._own = secret.get("token", ""), float("inf"), Lock()

    def asked(
        self, method: str, url: str, headers: Mapping[str, str], largest_bytes: int, **more: Any
    ) -> requests.Response:
        """`web.asked`, with the token where the host is ours; once more with a new one where it was withdrawn."""
        ours = urlsplit(url).hostname in self._hosts
        answer = self._once(method, url, headers, largest_bytes, ours, more)
        if answer.status_code == 401 and ours and "token" not in self._secret:
            with self._own:
                self._token = ""
            answer = self._once(method, url, headers, largest_bytes, ours, more)
        return answer

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], largest_bytes: int, ours: bool, more: Mapping[str, Any]
    ) -> requests.Response:
        def all_headers() -> dict[str, str]:
            return {**headers, **({"Authorization": f"Bearer {self._fresh()}"} if ours else {})}

        return asked(self._patience, method, url, all_headers, largest_bytes, **more)

    def _fresh(self) -> str:
        with self._own:
            if not self._token or time.monotonic() > self._until:
                self._token, self._until = self._fetched()
            return self._token

    def _fetched(self) -> tuple[str, float]:
        url = checked_address(self._token_url, "api.token_url")
        form = next({**told, **self._secret} for names, told in _FORMS if set(names) <= set(self._secret))
        answer = asked(self._patience, "POST", url, dict, 1_000_000, data=form)
        if not answer.ok:
            raise SourceDown(
                "API-LOGIN",
                "{where}: does not accept the login (HTTP {met})",
                "check the credentials and api.token_url",
                where=place(url),
                met=answer.status_code,
            )
        try:
            told = answer.json()
            lasts_s = max(float(told["expires_in"]) - _EARLY_S, 0.0)
            return str(told["access_token"]), time.monotonic() + lasts_s
        except (ValueError, TypeError, KeyError):
            raise SourceDown(
                "API-TOKEN", "{where}: the answer holds no access token", "check api.token_url", where=place(url)
            ) from None


def login_of(path: Path | None, token_url: str, hosts: Sequence[str], patience: Patience) -> Login:
    """The login of a TOML file of mode 600, else of AGRO_API_TOKEN, AGRO_API_CLIENT_ID with AGRO_API_CLIENT_SECRET, or
    AGRO_API_USERNAME with AGRO_API_PASSWORD; without any of them no host is ours. Raises BadInput."""
    names = ("token", *(name for needed, _ in _FORMS for name in needed))
    ways = [{"token"}, *(set(needed) for needed, _ in _FORMS)]
    if path is None:
        found = {name: os.environ.get(f"AGRO_API_{name.upper()}", "") for name in names}
        secret = {name: value for name, value in found.items() if value}
        if not secret:
            return Login({"token": ""}, "", (), patience)
    else:
        secret = private_toml(path, "token, client_id and client_secret, or username and password")
    if not any(way <= set(secret) for way in ways) or ("token" not in secret and not token_url) or not hosts:
        raise BadInput(
            "API-CREDENTIALS",
            "the login of the STAC API is not whole",
            "give a token, or client_id and client_secret, or username and password; these two need api.token_url, and "
            "all need api.login_hosts",
        )
    return Login(secret, token_url, hosts, patience)
