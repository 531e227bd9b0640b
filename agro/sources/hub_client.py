"""Who asks Sentinel Hub: the package's client, with our patience, our budget, and secrets that stay where they are."""

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import requests
from sentinelhub import SHConfig
from sentinelhub.download.models import DownloadRequest
from sentinelhub.download.sentinelhub_client import SentinelHubDownloadClient
from sentinelhub.download.session import SentinelHubSession

from agro.domain.errors import AgroError, BadInput, SourceDown
from agro.sources.hub_budget import Budget, Reserved
from agro.sources.login import private_toml, unreadable
from agro.sources.web import Patience, asked, checked_address, place

LARGEST_BYTES = 200_000_000  # [byte] 2500 x 2500 px of 8 bands of 16 bits are half of it
_UNITS = "X-ProcessingUnits-Spent"
_GIVES_UP = ("HTTP-DOWN", "HTTP-BUSY", "HTTP-REDIRECT", "HUB-LOGIN", "HUB-TOKEN", "HUB-UNAUTHORISED")


@dataclass(frozen=True)
class Service:
    """Where a Sentinel Hub answers, how long it is waited for, how many requests are under way at once."""

    base_url: str
    token_url: str
    patience: Patience
    connections: int


@dataclass(frozen=True)
class Account:
    """An OAuth client of the service. The secret is never shown."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """What tells one account from another and gives nothing away."""
        return hashlib.sha256(self.client_id.encode()).hexdigest()[:8]


def read_account(path: Path | None) -> Account:
    """The credentials: of a TOML file that only its owner can read, else of SH_CLIENT_ID and SH_CLIENT_SECRET."""
    if path is None:
        found = {name: os.environ.get(f"SH_{name.upper()}", "") for name in ("client_id", "client_secret")}
        if not all(found.values()):
            raise BadInput(
                "HUB-CREDENTIALS",
                "there are no credentials for Sentinel Hub",
                "set SH_CLIENT_ID and SH_CLIENT_SECRET in the environment, or name a file with hub.credentials",
            )
        return Account(**found)
    rows = private_toml(path, "client_id and client_secret")
    if not {"client_id", "client_secret"} <= set(rows):
        raise unreadable(path, "client_id and client_secret", ", ".join(rows))
    return Account(rows["client_id"], rows["client_secret"])


class Client(SentinelHubDownloadClient):
    """Sends the package's requests, from any number of threads; raises AgroError where no good answer comes."""

    def __init__(self, service: Service, account: Account, budget: Budget) -> None:
        config = SHConfig(
            use_defaults=True,
            sh_client_id=account.client_id,
            sh_client_secret=account.client_secret,
            sh_base_url=checked_address(service.base_url, "hub.base_url"),
            sh_token_url=checked_address(service.token_url, "hub.token_url"),
            max_download_attempts=1,  # the patience is ours
        )
        super().__init__(config=config)
        self.service, self.budget = service, budget
        self._account, self._own = account, RLock()
        self._session: SentinelHubSession | None = None
        self._gave_up: tuple[float, AgroError] | None = None

    def get_session(self) -> SentinelHubSession:
        """The session; its token is renewed before it expires."""
        with self._own:
            if self._session is None:
                self._session = _Session(self.config, self.service.patience)
            return self._session

    def _do_download(self, request: DownloadRequest) -> requests.Response:
        """One request, paid from the budget: all of the package's requests go through here."""
        with self._own:
            if self._gave_up and time.monotonic() < self._gave_up[0]:
                raise self._gave_up[1]  # who is down is not waited for again with every further request
        purse = _Purse(self.budget, float(request.extra_params.get("units", 0.0)))
        try:
            return self._answered(request, purse)
        except SourceDown as error:
            if error.refusal.code in _GIVES_UP:
                with self._own:
                    self._gave_up = time.monotonic() + self.service.patience.deadline_s, error
            raise
        finally:
            purse.close()

    def _answered(self, request: DownloadRequest, purse: "_Purse") -> requests.Response:
        answer = self._asked(request, purse)
        if answer.status_code == 401:  # the token was withdrawn before its time: a new one, once
            with self._own:
                self._session = None
            answer = self._asked(request, purse)
        if answer.ok:
            return answer
        told = {"where": place(str(request.url)), "met": self._said(answer)}
        if answer.status_code == 401:
            raise SourceDown(
                "HUB-UNAUTHORISED",
                "{where}: does not accept even a new token ({met})",
                "check that token and service belong together: hub.token_url, hub.base_url",
                **told,
            )
        if answer.status_code == 403:
            raise SourceDown(
                "HUB-FORBIDDEN",
                "{where}: forbids it ({met})",
                "look at the account: its quota may be spent, or the collection closed to it",
                **told,
            )
        raise SourceDown(
            "HUB-REQUEST",
            "{where}: refuses the request ({met})",
            "check hub.base_url and imagery.collections",
            **told,
        )

    def _asked(self, request: DownloadRequest, purse: "_Purse") -> requests.Response:
        return asked(
            self.service.patience,
            request.request_type.value,
            str(request.url),
            lambda: self._headers(request, purse),
            LARGEST_BYTES,
            begun=purse.pay,
            json=request.post_values,
        )

    def _headers(self, request: DownloadRequest, purse: "_Purse") -> dict[str, str]:
        purse.open()
        with self._own:
            return {str(name): str(value) for name, value in self._prepare_headers(request).items()}

    def _said(self, answer: requests.Response) -> str:
        """The service's own words, with nothing secret in them."""
        text = answer.text
        with self._own:
            token = self._session._token["access_token"] if self._session else ""
        for secret in (self._account.client_secret, self._account.client_id, token):
            text = text.replace(secret, "***") if secret else text
        return f"HTTP {answer.status_code}: {' '.join(text.split())[:200]}"


class _Purse:
    """What a request takes from the budget: its price is set aside before each try, and kept where an answer began."""

    def __init__(self, budget: Budget, units: float) -> None:
        self._budget, self._units = budget, units
        self._reserved: Reserved | None = None
        self._cost = 0.0

    def open(self) -> None:
        """Set the price of a try aside; raises SourceDown where the month has not that much."""
        self.close()
        self._reserved, self._cost = self._budget.reserve(self._units), 0.0

    def pay(self, answer: requests.Response) -> None:
        """The service has begun to answer: it counts this try, at its own price where it says one."""
        self._cost = _number(answer.headers.get(_UNITS), self._units)

    def close(self) -> None:
        """Give back what the last try did not cost."""
        if self._reserved is not None:
            self._budget.settle(self._reserved, self._cost)
            self._reserved = None


class _Session(SentinelHubSession):
    """The package's session, whose token is fetched with our patience and without following anybody."""

    def __init__(self, config: SHConfig, patience: Patience) -> None:
        self._patience = patience
        super().__init__(config)

    def _fetch_token(self, request: DownloadRequest) -> dict[str, Any]:
        where = place(str(request.url))
        form = {
            "grant_type": "client_credentials",
            "client_id": self.config.sh_client_id,
            "client_secret": self.config.sh_client_secret,
        }
        answer = asked(self._patience, "POST", str(request.url), lambda: self.DEFAULT_HEADERS, 1_000_000, data=form)
        if not answer.ok:
            raise SourceDown(
                "HUB-LOGIN",
                "{where}: does not accept the client id and secret (HTTP {met})",
                "check the credentials; the account's dashboard makes new ones",
                where=where,
                met=answer.status_code,
            )
        try:
            told = answer.json()
            return {"access_token": str(told["access_token"]), "expires_at": time.time() + float(told["expires_in"])}
        except (ValueError, TypeError, KeyError):
            raise SourceDown(
                "HUB-TOKEN", "{where}: the answer holds no access token", "check hub.token_url", where=where
            ) from None


def _number(text: str | None, otherwise: float) -> float:
    try:
        return float(text) if text is not None else otherwise
    except ValueError:
        return otherwise
