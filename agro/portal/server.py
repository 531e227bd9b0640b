"""The portal's process: `python -m agro.portal.server CONFIG [SECTION.KEY=VALUE ...]`, kept alive by `agro serve`.

One process with uvloop: with two and the default loop every request costs 44 ms more (bench/portal_load.py).
"""

import asyncio
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from agro.portal.app import create_app
from flows.settings import Settings, load

_MOST_CONNECTIONS = 2_000  # [1] then 503: each costs a few kB, an open file has its limit


def patient(slow_s: float) -> type[HttpToolsProtocol]:
    """The protocol that closes a connection whose request's head does not come in time."""

    class Patient(HttpToolsProtocol):
        _end: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._end = self.loop.call_later(slow_s, transport.close)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if self._end is None:  # a later request of the same connection
                self._end = self.loop.call_later(slow_s, self.transport.close)

        def on_headers_complete(self) -> None:
            self._let_be()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._let_be()
            super().connection_lost(exc)

        def _let_be(self) -> None:
            if self._end is not None:
                self._end.cancel()
                self._end = None

    return Patient


def configured(settings: Settings) -> uvicorn.Config:
    """How the portal is served. Raises BadInput, StoreDown."""
    portal = settings.portal
    return uvicorn.Config(
        create_app(settings),
        host=portal.host,
        port=portal.port,
        http=patient(portal.slow_s),
        ws="none",
        loop="uvloop",
        proxy_headers=bool(portal.proxy),
        forwarded_allow_ips=portal.proxy or None,
        server_header=False,
        access_log=False,
        log_level="warning",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    uvicorn.Server(configured(load(sys.argv[1], sys.argv[2:]))).run()
