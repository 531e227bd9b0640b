"""All that runs by itself on one machine: Prefect's server, the deployments, the portal, an eye on what comes.

Server, runner and portal are processes of their own; whichever dies is started again. Stopping this stops them.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from agro.domain.errors import BadInput, SourceDown, StoreDown
from agro.sources.changes import signature
from agro.store.publish import digest, locked, sign
from flows.orchestra import home, prepare
from flows.settings import Settings

_STARTING_S = 180  # [s] a loaded machine needs a minute for a server
_SHORTEST_LIFE_S = 60  # [s] who dies sooner than this is started again later and later
_LONGEST_PAUSE_S = 300  # [s]
_STOPPING_S = 20  # [s]
_SERVER_SAYS = {"PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs"}

Say = Callable[..., None]


@dataclass
class Child:
    """A process that is kept alive."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_s: float = 1.0
    not_before: float = 0.0

    def start(self) -> None:
        """Start it, in a session of its own so that a signal to us reaches it through us only."""
        self.process = subprocess.Popen(  # noqa: S603  our own command; what it has to say it says on stderr
            self.command, start_new_session=True, stdout=subprocess.DEVNULL
        )
        self.started = time.monotonic()

    def tend(self, say: Say) -> bool:
        """Start it again where it died; whether it was."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            return False
        if self.process is not None:
            say(
                "{name} ended with code {code}; it is started again in {n} s",
                name=self.name,
                code=self.process.returncode,
                n=round(self.pause_s),
            )
            self.not_before = now + self.pause_s
            lived = now - self.started
            self.pause_s = 1.0 if lived > _SHORTEST_LIFE_S else min(2 * self.pause_s, _LONGEST_PAUSE_S)
            self.process = None
        if now < self.not_before:
            return False
        self.start()
        return True

    def stop(self) -> None:
        """Ask it to end, and its children with it; insist after a while."""
        if self.process is None or self.process.poll() is not None:
            return
        for ask in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(self.process.pid, ask)
            try:
                self.process.wait(_STOPPING_S)
                return
            except subprocess.TimeoutExpired:
                continue


def serve(settings: Settings, config: str, overrides: Sequence[str], say: Say, portal: list[str] | None = None) -> None:
    """Run until stopped, with the portal where its command is given.

    Raises BadInput, StoreDown or SourceDown where it cannot begin.
    """
    prepare()
    from flows.deployments import look_schedules

    look_schedules(settings, datetime.now(UTC))  # what cannot be scheduled is told now, not by a runner that dies
    own_server = "PREFECT_API_URL" not in os.environ
    with _alone(settings), _until_stopped() as stopped:
        children = [Child("portal", portal)] if portal else []
        if portal:
            _port_is_free("portal", settings.portal.host, settings.portal.port)
        if own_server:
            _port_is_free("serve", settings.serve.host, settings.serve.port)
            os.environ["PREFECT_API_URL"] = f"http://{settings.serve.host}:{settings.serve.port}/api"
            os.environ |= _SERVER_SAYS
            os.environ["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] = str(settings.serve.history_days * 86_400)
            where = ["--host", settings.serve.host, "--port", str(settings.serve.port)]
            children.append(Child("Prefect", [sys.executable, "-m", "prefect", "server", "start", *where]))
        runner = Child("runner", [sys.executable, "-m", "flows.deployments", config, *overrides])
        try:
            for child in children:
                child.start()
            _wait_for_server(children, stopped)
            _tend(settings, config, overrides, [*children, runner], stopped, say)
        finally:
            for child in (runner, *children):
                child.stop()


def _tend(
    settings: Settings,
    config: str,
    overrides: Sequence[str],
    children: list[Child],
    stopped: Callable[[], bool],
    say: Say,
) -> None:
    from flows.deployments import parameters_of
    from flows.housekeeping import mark_crashed
    from flows.occasions import start

    dead = mark_crashed()
    if dead:
        say("Runs that had died with the machine: {n}; they are marked as crashed", n=dead)
    say("Serving; the runs are shown at {where}", where=os.environ["PREFECT_API_URL"].removesuffix("/api"))
    if any(child.name == "portal" for child in children):
        say("The portal is at {where}", where=f"http://{settings.portal.host}:{settings.portal.port}")
    parameters = parameters_of(config, overrides)
    eyes = eyes_of(settings)
    next_look = 0.0
    while not stopped():
        for child in children:
            child.tend(say)
        now = time.monotonic()
        if settings.serve.watch_s and now >= next_look:
            for eye in eyes:
                eye.look(lambda deployment: start(deployment, parameters), say)
            next_look = now + settings.serve.watch_s
        time.sleep(0.5)


@dataclass
class Eye:
    """A look at what somebody may put somewhere, and the deployment that takes it up.

    The first look always starts a run: what came while nobody looked is found at once.
    """

    place: Path | None
    deployment: str
    gone: bool = False
    seen: str | None = None
    told: str | None = None

    def look(self, begin: Callable[[str], bool], say: Say) -> None:
        """Start a run where something changed and then kept still: nobody is in the middle of copying."""
        if self.place is not None and self.gone != (not self.place.exists()):
            self.gone = not self.gone
            if self.gone:
                say("{where}: the watched folder is gone; it is taken up again when it is back", where=str(self.place))
            else:
                say("{where}: the watched folder is back", where=str(self.place))
        if self.gone:
            return
        state = signature(self.place) if self.place else "started"
        if state == self.seen and state != self.told:
            self.told = state if begin(self.deployment) else self.told
        self.seen = state


def eyes_of(settings: Settings) -> list[Eye]:
    """The catalogue's folder, outlines and season table start `after-pass`; records and radar the `winter-review`."""
    catalog, records = settings.imagery.catalog, settings.records
    eyes = [Eye(catalog.parent if catalog else None, "after-pass/after-pass")]
    eyes += [Eye(place, "after-pass/after-pass") for place in (settings.fields.path, settings.fields.seasons) if place]
    radar = [catalog.parent / name for name in settings.imagery.radar_collections] if catalog else []
    named = [place for _, place in records if isinstance(place, Path)]
    places = [*named, *(place for place in radar if place.is_dir())]
    return [*eyes, *(Eye(place, "winter-review/winter-review") for place in places)]


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Only one supervisor for a store."""
    lock = os.open(home() / f"serve-{digest(str(settings.store.path))}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not locked(lock):
            holder = os.pread(lock, 200, 0).decode("utf-8", "replace").strip()
            raise StoreDown(
                "SERVE-BUSY",
                "{where}: is served already ({met})",
                "stop the other one first",
                where=str(settings.store.path),
                met=holder,
            )
        sign(lock)
        yield
    finally:
        os.close(lock)


@contextmanager
def _until_stopped() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked us to stop (SIGINT or SIGTERM)."""
    asked = False

    def ask(_: int, __: FrameType | None) -> None:
        nonlocal asked
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _port_is_free(section: str, host: str, port: int) -> None:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise BadInput(
            "SERVE-PORT",
            "port {port} of {host} cannot be used ({met})",
            "choose another with --set {section}.port=NUMBER; a Prefect that runs is named in PREFECT_API_URL",
            port=port,
            host=host,
            met=error.strerror,
            section=section,
        ) from None


def _wait_for_server(children: list[Child], stopped: Callable[[], bool]) -> None:
    until = time.monotonic() + _STARTING_S
    url = os.environ["PREFECT_API_URL"].rstrip("/") + "/health"
    while not stopped():
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  the operator's own server
                if answer.status == 200:
                    return
        except OSError:
            dead = any(c.process is not None and c.process.poll() is not None for c in children if c.name == "Prefect")
            if dead or time.monotonic() > until:
                raise SourceDown(
                    "PREFECT-DOWN",
                    "Prefect, which conducts the run, did not start: {met}",
                    "run again; or start a Prefect server and name it in PREFECT_API_URL",
                    met=url,
                ) from None
        time.sleep(0.5)
