"""`agro run --config sentinel-hub` as a person runs it, through Prefect, and what must not be found afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from hub_peer import CLIENT, SECRET, peer_over
from workshop import Made, Scene


def test_a_run_of_a_service_leaves_maps_and_no_secret(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("first"), Scene("second", "2021-07-04T05:00:00Z")])
    with peer_over(made.catalog) as peer:
        sets = peer.sets(tmp_path / "ledger", f"fields.path={made.fields}")
        command = [
            sys.executable,
            "-c",
            "from agro.cli import main; main()",
            "run",
            "--config",
            "sentinel-hub",
            "--json",
        ]
        command += ["--store", str(tmp_path / "store"), *(word for one in sets for word in ("--set", one))]
        home = {"AGRO_HOME": str(tmp_path / "home"), "PREFECT_HOME": str(tmp_path / "home" / "prefect")}
        home |= {"SH_CLIENT_ID": CLIENT, "SH_CLIENT_SECRET": SECRET}
        environment = {**os.environ, **home}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400, check=False)
        told = json.loads(ran.stdout)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert (told["published"], told["failed"]) == (2, [])
        again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400, check=False)
        assert json.loads(again.stdout)["already_published"] == 2 and peer.count("process") == 6
        environment["SH_CLIENT_SECRET"] = "planted-canary"  # noqa: S105
        wrong = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400, check=False)
    assert wrong.returncode == 2 and "HUB-LOGIN" in wrong.stdout + wrong.stderr
    assert "Traceback" not in ran.stderr + wrong.stderr
    files = [
        path for folder in ("store", "ledger", "home") for path in (tmp_path / folder).rglob("*") if path.is_file()
    ]
    assert any("prefect" in str(path) for path in files), "Prefect's own records are looked through too"
    left = [path.read_bytes() for path in files] + [
        text.encode() for r in (ran, again, wrong) for text in (r.stdout, r.stderr)
    ]
    for secret in (SECRET, "planted-canary", "token-0"):
        assert not any(secret.encode() in content for content in left)
