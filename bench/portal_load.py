"""The portal under a bounded load on loopback: 16 connections that each ask again as soon as they are answered.

    python bench/portal_load.py STORE [--seconds 8]

Three questions: a field's JSON by a session's cookie (looked up in the database each time), a tile that was drawn
before, and tiles that nobody drew yet. The last one is asked of titiler too, on the same files, in an environment of
its own under build/ (made by this script). One server process each, uvloop; the client shares the machine with it.
"""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

import numpy as np
import uvloop
from morecantile import tms

from agro.portal.shelf import Shelf
from agro.store.accounts import Accounts, Person
from agro.store.database import connected
from agro.store.publish import Store
from flows.settings import load

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = 16
TITILER = """
from fastapi import FastAPI
from titiler.core.factory import TilerFactory
app = FastAPI()
app.include_router(TilerFactory().router)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """A server as a process of its own, until the end of the block."""
    process = subprocess.Popen(command, cwd=folder)
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(20)


async def asked(port: int, paths: Iterator[str], head: str, until: float, took: list[float], bad: list[int]) -> None:
    """One connection: ask, read the whole answer, ask the next."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        if time.perf_counter() > until:
            break
        began = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n".encode())
        told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(told[9:12])
        length = told.partition("content-length: ")[2].partition("\r")[0]
        if length:
            await reader.readexactly(int(length))
        took.append(time.perf_counter() - began)
        if status not in (200, 204):
            bad.append(status)
    writer.close()


def measured(name: str, port: int, paths: list[str], head: str, seconds: float, *, once: bool) -> None:
    """Ask for some seconds, or each path once, and say how it went."""
    took: list[float] = []
    bad: list[int] = []

    async def all_of_them() -> None:
        shared = iter(paths) if once else cycle(paths)
        until = time.perf_counter() + seconds
        await asyncio.gather(*(asked(port, shared, head, until, took, bad) for _ in range(CONNECTIONS)))

    began = time.perf_counter()
    uvloop.run(all_of_them())
    lasted = time.perf_counter() - began
    p50, p99 = np.percentile(took, (50, 99)) * 1000
    figures = f"{len(took)} requests, {len(took) / lasted:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(bad)} bad"
    print(f"{name}: {figures} {sorted(set(bad)) if bad else ''}", flush=True)


def tiles_of(shelf: Shelf, person: Person, most: int) -> list[tuple[str, str]]:
    """Tiles that show something of a person's fields: our path, and titiler's for the same file and tile."""
    grid, made = tms.get("WebMercatorQuad"), []
    for field_id in shelf.fields_of(person).index:
        row = shelf.field(person, str(field_id))
        looks = shelf.passes(str(field_id))
        clear = set(looks[looks["clear_fraction"] > 0.9]["result_id"])
        for one in shelf.layers(row):
            if not (one.of_pass and one.result_id in clear and len(one.parts) == 1):
                continue
            part = one.parts[0]
            file = shelf.store.root / part.place / part.item["assets"][one.layer]["href"]
            for tile in grid.tiles(*row.geometry.bounds, 15):
                place = f"{tile.z}/{tile.x}/{tile.y}"
                ours = (
                    f"/api/v1/fields/{field_id}/layers/{one.result_id}/{one.layer}/tiles/{place}.png?v={row['version']}"
                )
                made.append(
                    (
                        ours,
                        f"/tiles/WebMercatorQuad/{place}.png?url={quote(str(file))}&rescale=0,10000&colormap_name=ylgn",
                    )
                )
    return made[:: max(1, len(made) // most)][:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--tiles", type=int, default=600)
    parser.add_argument("--without-titiler", action="store_true")
    asked_for = parser.parse_args()
    build = ROOT / "build" / "portal-load"
    shutil.rmtree(build / "portal", ignore_errors=True)
    port = free_port()
    overrides = [f"store.path={asked_for.store.resolve()}", f"portal.path={build / 'portal'}", f"portal.port={port}"]
    overrides += ["portal.requests_a_minute=10000000", "portal.database="]
    settings = load("default", overrides)
    shelf = Shelf(Store(settings.store.path), settings.portal.path)
    shelf.take_rows()
    accounts = Accounts(connected("", settings.portal.path))
    farms = [str(farm) for farm in shelf.seen.outlines(None).table["farm_id"].dropna().unique()]
    person = accounts.add("load", "agronomist", "a password of many words", farms)
    head = f"Cookie: agro_session={accounts.give_key(person.person_id, 'session', 'write', '', 1)}\r\n"
    fields = [f"/api/v1/fields/{field_id}" for field_id in shelf.fields_of(person).index]
    tiles = tiles_of(shelf, person, asked_for.tiles)
    print(f"{len(fields)} fields, {len(shelf.seen.results)} results, {len(tiles)} tiles, load {os.getloadavg()[0]:.1f}")
    with served([sys.executable, "-m", "agro.portal.server", "default", *overrides], port, ROOT):
        measured("warming up", port, fields, head, 2, once=False)
        measured("a field's JSON", port, fields, head, asked_for.seconds, once=False)
        measured("tiles drawn afresh", port, [ours for ours, _ in tiles], head, 120, once=True)
        measured("tiles drawn before", port, [ours for ours, _ in tiles], head, asked_for.seconds, once=False)
    if not asked_for.without_titiler:
        beside_titiler(build, [theirs for _, theirs in tiles])


def beside_titiler(build: Path, paths: list[str]) -> None:
    """The same tiles of the same files by titiler, one process with uvloop."""
    python = build / "titiler" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", build / "titiler"], check=True)
        wanted = ["titiler.core==2.4.0", "rasterio==1.4.4", "uvicorn", "uvloop", "httptools"]
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], check=True)
    (build / "tiler.py").write_text(TITILER)
    port = free_port()
    command = [
        str(python),
        "-m",
        "uvicorn",
        "tiler:app",
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--log-level",
        "error",
    ]
    with served(command, port, build):
        measured("titiler, the same tiles", port, paths, "", 120, once=True)


if __name__ == "__main__":
    main()
