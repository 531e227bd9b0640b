"""Real passes that a service has, published by the schedule: `agro serve` at a peer of Sentinel Hub, nobody's hand.

It takes some minutes, so `make hub-served` runs it, and `make test` does not.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hub_peer import CLIENT, SECRET, peer_over
from workshop import figure, run_plain, shared_ground

from flows.settings import load

SINCE = "2018-09-20"
pytestmark = pytest.mark.skipif("AGRO_SLOW" not in os.environ, reason="make hub-served runs it: it takes minutes")
_PATIENCE_S = 400


def test_the_schedule_publishes_what_the_service_has(real: Path, tmp_path: Path) -> None:
    folder = real / "flanders-2018"
    catalog, fields = folder / "catalog/catalog.json", f"fields.path={folder}/fields.gpkg"
    read = run_plain(load("stac", [f"imagery.catalog={catalog}", fields, f"store.path={tmp_path / 'stac'}"]))
    due = {name for name in read.done if name.split("_")[2] >= SINCE.replace("-", "")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "AGRO_HOME": str(tmp_path / "home"),
        "SH_CLIENT_ID": CLIENT,
        "SH_CLIENT_SECRET": SECRET,
    }
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        environment.pop(name, None)
    with peer_over(catalog) as peer, (tmp_path / "log").open("w") as log:
        sets = peer.sets(tmp_path / "ledger", fields, f"store.path={tmp_path / 'hub'}", f"hub.since={SINCE}")
        words = [word for one in (*sets, f"serve.port={port}", "serve.watch_s=1") for word in ("--set", one)]
        command = [
            sys.executable,
            "-c",
            "from agro.cli import main; main()",
            "serve",
            "--config",
            "sentinel-hub",
            *words,
        ]
        started = time.monotonic()
        process = subprocess.Popen(command, stderr=log, env=environment)
        try:
            while len(published(tmp_path / "hub", "fieldstats")) < len(due):
                assert time.monotonic() - started < _PATIENCE_S, (tmp_path / "log").read_text()[-3000:]
                assert process.poll() is None, (tmp_path / "log").read_text()[-3000:]
                time.sleep(0.5)
            took = time.monotonic() - started
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, (tmp_path / "log").read_text()[-2000:]
    assert len(due) > 5 and published(tmp_path / "hub", "passes") == due
    for name in due:
        (mine,), (theirs,) = ((tmp_path / door / "passes").glob(f"*/{name}--*/ndvi.tif") for door in ("hub", "stac"))
        assert np.array_equal(*shared_ground(mine, theirs)), name
    told = (tmp_path / "log").read_text()
    assert SECRET not in told
    figure("Flanders 2018 by the schedule", f"{len(due)} passes", "published and equal in", f"{took:.0f} s")


def published(store: Path, kind: str) -> set[str]:
    """The acquisitions of which a store has a result of a kind."""
    return {path.name.partition("--")[0] for path in store.glob(f"{kind}/*/*") if (path / "item.json").exists()}
