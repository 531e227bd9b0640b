"""The kernel's own tracing as a second witness: it sees calls that a shim before libc might not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults.harness import torn
from faults.naive import half
from faults.test_failpoints import _NAIVE, _OURS, TESTS, names, run

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed here")


def traced(code: str, inject: str, *more: str, **places: Path) -> int:
    """Run code with a fault injected; never with --seccomp-bpf, under which the fault does not fire."""
    filled = code.format(tests=str(TESTS), **{name: str(place) for name, place in places.items()})
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={inject}", *more]
    return subprocess.run([*strace, sys.executable, "-c", filled], capture_output=True, check=False).returncode


@pytest.mark.parametrize("at", ["fsync:signal=SIGKILL:when=3", "rename:signal=SIGKILL:when=2"])
def test_killed_by_the_kernel(tmp_path: Path, at: str) -> None:
    assert traced(_OURS, at, root=tmp_path / "s") in (-9, 137), "the fault did not fire"
    assert torn(tmp_path / "s") == []
    assert json.loads(run(_OURS, root=tmp_path / "s").stdout) == []
    assert torn(tmp_path / "s") == [] and names(tmp_path / "s") == ["a", "b"]


def test_the_naive_publisher_is_caught(tmp_path: Path) -> None:
    run(_OURS, root=tmp_path / "ready")
    item = tmp_path / "naive" / "passes/2021/a/item.json"
    places = {"ready": tmp_path / "ready", "root": tmp_path / "naive"}
    assert traced(_NAIVE, "openat:signal=SIGKILL:when=1", "-P", str(item), **places) in (-9, 137)
    run(_NAIVE, **places)
    assert half(tmp_path / "naive") == ["passes/2021/a"]
