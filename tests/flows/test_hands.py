"""One machine is not enough: a scheduler and two workers, each a process of its own."""

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from workshop import Made, Ran, Scene

from agro.domain.errors import SourceDown


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cluster")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    log = (folder / "scheduler").open("w")
    common = {"env": environment, "cwd": folder, "stderr": log, "stdout": log}
    begin = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    scheduler = subprocess.Popen(begin, **common)  # type: ignore[call-overload]
    address = None
    until = time.monotonic() + 60
    while address is None and time.monotonic() < until:
        time.sleep(0.2)
        found = re.search(r"tcp://127\.0\.0\.1:\d+", (folder / "scheduler").read_text())
        address = found[0] if found else None
    assert address, (folder / "scheduler").read_text()
    begin = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        address,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
    ]
    workers = [subprocess.Popen(begin, **common) for _ in range(2)]  # type: ignore[call-overload]
    yield address
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def content(store: Path) -> dict[str, str]:
    files = [p for p in store.glob("*/*/*/*") if p.suffix in (".tif", ".parquet")]
    return {str(p.relative_to(store)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_a_cluster_makes_the_same_store(
    cluster: str, make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    random = np.random.default_rng(8)
    scenes = [Scene(f"s{i}", f"2021-07-0{i + 1}T05:00:00Z", scl=random.choice([4, 5, 9], (20, 20))) for i in range(6)]
    made = make_catalog(scenes)
    (made.item("s3").parent / "nir.tif").unlink()
    here = run(made, store="here")
    there = run(made, f"compute.scheduler={cluster}", store="there")
    assert set(there.done) == set(here.done) == {"s0", "s1", "s2", "s4", "s5"}
    assert there.refused["s3"].code == "RASTER-MISSING"
    assert content(tmp_path / "there") == content(tmp_path / "here")
    assert not run(made, store="there").done


def test_a_scheduler_that_is_not_there_ends_in_a_sentence(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.hands._CONNECTING_S", 2)
    with pytest.raises(SourceDown, match="CLUSTER-DOWN"):
        run(make_catalog([Scene("a")]), "compute.scheduler=tcp://127.0.0.1:9")
