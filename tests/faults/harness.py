"""How faults are made: a shim before libc, built here, and a process whose children run under it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults.naive import half
from workshop import Made, Scene, build_catalog

from agro.store.index import verify
from agro.store.publish import Store

HERE = Path(__file__).parent
MODES = ("count", "kill", "torn", "full once", "full", "failing fsync", "short write")  # the order is the shim's
_TOLD = {"STORE-FULL", "STORE-INDEX", "STORE-UNUSABLE"}  # how a disk that fails may be told


def built_shim(folder: Path) -> Path:
    """The shim, compiled. Where there is no compiler its tests are skipped, and say so."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here: faults below libc are not tried")
    shim = folder / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o", shim, HERE / "shim.c", "-ldl"], check=True)
    return shim


def small_catalog(folder: Path, scenes: int = 1) -> Made:
    """Three fields over one patch, and some looks at it."""
    random = np.random.default_rng(4)
    looks = [
        Scene(f"s{i}", f"2021-07-{i + 1:02}T05:00:00Z", scl=random.choice([4, 5, 9], (20, 20))) for i in range(scenes)
    ]
    made = build_catalog(folder, looks)
    fields = json.loads(made.fields.read_text())
    corner = fields["features"][0]["geometry"]["coordinates"][0]
    ring = [corner[0], corner[1], corner[2], corner[0]]  # half of `west`, cut from corner to corner, once more
    fields["features"].append(
        {
            "type": "Feature",
            "properties": {"field_id": "third", "district": "topki"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
    )
    made.fields.write_text(json.dumps(fields))
    return made


def manifest(store: Path) -> dict[str, str]:
    """All published bytes but the items', in which only `created` and what follows from it differ."""
    files = [
        path
        for path in store.glob("*/**/*")
        if path.suffix in (".tif", ".parquet") and not path.relative_to(store).parts[0].startswith(".")
    ]
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def torn(store: Path) -> list[str]:
    """The places that a reader would trip over."""
    return [place for place, refusal in verify(Store(store)) if refusal is not None] if store.exists() else []


@dataclass
class Worker:
    """A process under the shim that runs one case after the other."""

    process: "subprocess.Popen[str]"
    fired: Path

    def run(self, **told: Any) -> dict[str, Any]:
        """Run one case; what fired is in the answer, as the shim wrote it down."""
        self.fired.unlink(missing_ok=True)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return {**answer, "fired": self.fired.read_text() if self.fired.exists() else ""}

    def points(self, mode: int, **told: Any) -> int:
        """How many calls a whole run makes that this mode could let go wrong."""
        seen: int = self.run(**told, mode=mode, n=-1)["seen"]
        return seen


@contextmanager
def worker(folder: Path, **environment: str) -> Iterator[Worker]:
    """A worker whose shim and reports lie in the folder."""
    shim, fired = built_shim(folder), folder / "fired"
    told = {**os.environ, "LD_PRELOAD": str(shim), "FI_TOLD": str(fired), **environment}
    command = [sys.executable, str(HERE / "crash_worker.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=told, **pipes) as process:  # type: ignore[call-overload]
        yield Worker(process, fired)
        process.stdin.close()


def violations(crash: Worker, made: Made, expected: dict[str, str], store: Path, n: int, mode: int) -> list[str]:
    """What one fault broke: in the eyes of a reader, and after one more run that nobody helped."""
    told = {"who": "ours", "root": str(store), "overrides": made.overrides(store)}
    shutil.rmtree(store, ignore_errors=True)
    broken = crash.run(**told, n=n, mode=mode)
    assert broken["fired"], f"the fault did not fire: {MODES[mode]} at {n}: {broken}"
    found = [f"half visible: {place}" for place in torn(store)]
    if MODES[mode] in ("kill", "torn"):
        assert broken["status"] == -9, broken
    elif MODES[mode] == "short write":
        found += [f"a short write was taken for a fault: {broken['codes']}"] if broken["codes"] else []
    elif not set(broken["codes"]) <= _TOLD:
        found.append(f"told as {broken['codes']}")
    again = crash.run(**told, n=-1, mode=0)
    found += [f"after a restart: {code}" for code in again["codes"]]
    found += [f"half visible after a restart: {place}" for place in torn(store)]
    if manifest(store) != expected:
        found.append("after a restart the store holds something else")
    where = broken["fired"].strip()
    return [f"{MODES[mode]} at {where}: {what}" for what in found]


def naive_violations(crash: Worker, ready: Path, store: Path, n: int, mode: int) -> list[str]:
    """The same of the naive publisher; a kill or a full disk must leave it with something half."""
    shutil.rmtree(store, ignore_errors=True)
    told = {"who": "naive", "root": str(store), "ready": str(ready)}
    broken = crash.run(**told, n=n, mode=mode)
    assert broken["fired"], f"the fault did not fire: {MODES[mode]} at {n}: {broken}"
    crash.run(**told, n=-1, mode=0)
    return half(store)
