import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agro.domain.errors import StoreDown
from flows.orchestra import end_orphans, prepare


def test_the_server_of_a_killed_run_is_ended_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that only looks like the temporary server: its parent ends, so it stays behind like one of a killed run."""
    monkeypatch.setenv("AGRO_HOME", str(tmp_path))
    begin = [sys.executable, "-c", "import time; time.sleep(60)", "prefect.server.api.server:create_app"]
    leave = f"import subprocess as s; print(s.Popen({begin!r}, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    orphans = []
    for home in (tmp_path, tmp_path / "another"):
        environment = {**os.environ, "PREFECT_HOME": str(home / "prefect")}
        left = subprocess.run(
            [sys.executable, "-c", leave], env=environment, capture_output=True, text=True, check=True
        )
        orphans.append(int(left.stdout))
    time.sleep(0.5)
    parent = Path(f"/proc/{orphans[0]}/stat").read_text().rpartition(")")[2].split()[1]
    try:
        if parent != "1":
            pytest.skip("orphans have another foster parent here")
        assert end_orphans() == 1
        time.sleep(0.5)
        states = [Path(f"/proc/{pid}/stat") for pid in orphans]
        assert not states[0].exists() or " Z " in states[0].read_text()
        assert states[1].exists()
    finally:
        for pid in orphans:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, 9)


def test_a_home_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRO_HOME", "/proc/nowhere")
    with pytest.raises(StoreDown, match="HOME-UNUSABLE"):
        prepare()
