"""Everything on a user's machine that can be wrong, looked at one by one: what is met, and what to do about it."""

import importlib.metadata
import os
import resource
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from agro.domain.errors import AgroError, Refusal
from agro.store.index import INDEX_FILE, places
from agro.store.publish import Store, latest, whole
from flows.orchestra import home
from flows.settings import Settings

_LEAST_FREE_BYTES = 2_000_000_000  # [byte] a pass of a district takes some 0.3 GB (docs/scale.md). assumption
_LEAST_MEMORY_BYTES = 4_000_000_000  # [byte] assumption: a run's own peak is below 2 GB (docs/scale.md)
_LEAST_FILES = 256  # [1] open files of a process. assumption

Name = Literal["versions", "disk", "memory", "clock", "fonts", "port", "credentials", "inputs", "index", "results"]


@dataclass(frozen=True)
class Finding:
    """What one look gave: nothing, or why it is no good, and whether work can go on all the same."""

    name: Name
    wrong: Refusal | None = None
    only_warns: bool = False


def examine(settings: Settings) -> list[Finding]:
    """All looks, each by itself: none is spared because another one failed."""
    looks: dict[Name, Callable[[Settings], Iterator[Finding]]] = {
        "versions": _versions,
        "disk": _disk,
        "memory": _memory,
        "clock": _clock,
        "fonts": _fonts,
        "port": _port,
        "credentials": _credentials,
        "inputs": _inputs,
        "index": _index,
        "results": _results,
    }
    found: list[Finding] = []
    for name, look in looks.items():
        try:
            wrong = list(look(settings))
        except AgroError as error:
            wrong = [Finding(name, error.refusal)]
        except (OSError, sqlite3.Error, ValueError, KeyError) as error:
            told = {"where": name, "met": f"{type(error).__name__}: {error}"[:200]}
            unseen = Refusal(
                "DOCTOR-UNSEEN", "{where}: could not be looked at ({met})", "mend that first, then look again", told
            )
            wrong = [Finding(name, unseen)]
        found += wrong or [Finding(name)]
    return found


def _versions(_: Settings) -> Iterator[Finding]:
    """What this program asks of its libraries, against what is installed."""
    for line in importlib.metadata.requires("agro") or []:
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            met = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            met = "-"
        if met == "-" or not needed.specifier.contains(met, prereleases=True):
            told = {"where": needed.name, "met": met, "expected": str(needed.specifier)}
            yield Finding(
                "versions",
                Refusal(
                    "DOCTOR-VERSION",
                    "{where}: version {met} is installed, {expected} is needed",
                    "install what is pinned: make clean, then make run",
                    told,
                ),
            )


def _disk(settings: Settings) -> Iterator[Finding]:
    for place in {settings.store.path, home()}:
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            told = {"where": str(place)}
            yield Finding(
                "disk",
                Refusal(
                    "DOCTOR-READONLY",
                    "{where}: nothing can be written there",
                    "give the right to write, or choose another folder",
                    told,
                ),
            )
            continue
        free = shutil.disk_usage(there).free
        if free < _LEAST_FREE_BYTES:
            sizes = {"where": str(place), "met": free // 1_000_000, "expected": _LEAST_FREE_BYTES // 1_000_000}
            yield Finding(
                "disk",
                Refusal("DOCTOR-DISK", "{where}: {met} MB are free, {expected} are needed", "make room", sizes),
            )


def _memory(_: Settings) -> Iterator[Finding]:
    met = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if met < _LEAST_MEMORY_BYTES:
        sizes = {"met": met // 1_000_000, "expected": _LEAST_MEMORY_BYTES // 1_000_000}
        yield Finding(
            "memory",
            Refusal(
                "DOCTOR-MEMORY",
                "memory: {met} MB, {expected} are needed",
                "set compute.workers to 1, or use a larger machine",
                sizes,
            ),
            only_warns=True,
        )
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= files < _LEAST_FILES:
        told = {"met": files, "expected": _LEAST_FILES}
        yield Finding(
            "memory",
            Refusal(
                "DOCTOR-FILES",
                "open files: {met} are allowed, {expected} are needed",
                "raise the limit: ulimit -n 1024",
                told,
            ),
        )


def _clock(settings: Settings) -> Iterator[Finding]:
    """The clock has no other one to be held against here but what was made with it."""
    now, made = datetime.now(UTC), latest(Store(settings.store.path))
    built = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    for met in (made, built):
        if met is not None and now < met - timedelta(minutes=5):
            told = {"met": f"{now:%Y-%m-%d %H:%M}", "expected": f"{met:%Y-%m-%d %H:%M}"}
            yield Finding(
                "clock",
                Refusal(
                    "DOCTOR-CLOCK",
                    "the clock says {met} UTC, but something here was made at {expected}",
                    "set the clock, and let it be kept: timedatectl set-ntp true",
                    told,
                ),
            )


def _fonts(_: Settings) -> Iterator[Finding]:
    from matplotlib import font_manager, ft2font

    found = font_manager.findfont("DejaVu Sans", fallback_to_default=True)
    if ord("Ж") not in ft2font.FT2Font(found).get_charmap():
        told = {"where": Path(found).name}
        yield Finding(
            "fonts",
            Refusal(
                "DOCTOR-FONTS",
                "{where}: has no Russian letters",
                "install the DejaVu fonts: apt-get install fonts-dejavu-core",
                told,
            ),
        )


def _port(settings: Settings) -> Iterator[Finding]:
    if "PREFECT_API_URL" in os.environ:
        return
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.serve.host, settings.serve.port))
    except OSError as error:
        told = {"port": settings.serve.port, "host": settings.serve.host, "met": error.strerror}
        yield Finding(
            "port",
            Refusal(
                "DOCTOR-PORT",
                "port {port} of {host} is taken ({met}): either `agro serve` runs, or somebody else has it",
                "if it is not ours, choose another with --set serve.port=NUMBER",
                told,
            ),
            only_warns=True,
        )


def _credentials(settings: Settings) -> Iterator[Finding]:
    """Whether what is asked of services can be asked; no secret is shown, and no service is called."""
    if settings.imagery.source == "sentinel-hub":
        from agro.sources.hub_client import read_account

        read_account(settings.hub.credentials)
    if settings.messages.smtp and settings.messages.user and not os.environ.get("AGRO_SMTP_PASSWORD"):
        yield Finding(
            "credentials",
            Refusal(
                "DOCTOR-PASSWORD",
                "{where}: no password is given",
                "set the variable AGRO_SMTP_PASSWORD",
                {"where": str(settings.messages.smtp)},
            ),
            only_warns=True,
        )


def _inputs(settings: Settings) -> Iterator[Finding]:
    """Files and folders that the configuration names."""
    named = [settings.fields.path, settings.fields.seasons, *(place for _, place in settings.records)]
    if settings.imagery.source == "stac":
        named.append(settings.imagery.catalog)
    for place in named:
        if isinstance(place, Path) and not os.access(place, os.R_OK):
            yield Finding(
                "inputs",
                Refusal(
                    "DOCTOR-INPUT",
                    "{where}: is not there, or cannot be read",
                    "check the path and the rights",
                    {"where": str(place)},
                ),
            )


def _index(settings: Settings) -> Iterator[Finding]:
    """The index against the files, as they are: nothing is mended here."""
    store = Store(settings.store.path)
    if not (store.root / INDEX_FILE).exists():
        return
    there = set(places(store))
    with closing(sqlite3.connect(f"file:{store.root / INDEX_FILE}?mode=ro", uri=True)) as rows:
        sound = rows.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        known = {place for (place,) in rows.execute("SELECT place FROM items")} if sound else set()
    if known != there:
        told = {"where": str(store.root), "met": len(known), "expected": len(there)}
        yield Finding(
            "index",
            Refusal(
                "DOCTOR-INDEX",
                "{where}: the index knows {met} results, there are {expected}",
                "nothing is lost: the next run mends it, or `agro store reindex` does",
                told,
            ),
            only_warns=True,
        )


def _results(settings: Settings) -> Iterator[Finding]:
    """Whether each result is whole, by sizes and its own hash; `agro store verify` reads every byte."""
    store = Store(settings.store.path)
    for place in places(store):
        try:
            whole(store, place)
        except AgroError as error:
            yield Finding("results", error.refusal)
    aside = store.root / ".damaged"
    if aside.is_dir() and any(aside.iterdir()):
        told = {"where": str(aside), "n": len(list(aside.iterdir()))}
        yield Finding(
            "results",
            Refusal(
                "DOCTOR-ASIDE",
                "{where}: {n} damaged results are set aside there",
                "look why the disk fails, then delete them",
                told,
            ),
            only_warns=True,
        )
