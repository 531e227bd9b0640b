"""Every named point of publishing, killed there and failing there, without a compiler and without being root."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.harness import torn
from faults.naive import half

from agro.store.failpoints import POINTS
from agro.store.index import opened, places
from agro.store.publish import Store

TESTS = Path(__file__).parents[1]
_OURS = """
import sys, json
sys.path.insert(0, {tests!r})
from pathlib import Path
from store.test_index import put
from agro.domain.errors import StoreDown
from agro.store.index import opened
from agro.store.publish import writing
told = []
try:
    with writing(Path({root!r})) as store, opened(store) as index:
        for name in "ab":
            try:
                index.add(put(store, name))
            except StoreDown as error:
                told.append(error.refusal.code)
except StoreDown as error:
    told.append(error.refusal.code)
print(json.dumps(told))
"""
_NAIVE = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from faults.naive import publish_in_place
publish_in_place(Path({ready!r}), Path({root!r}))
"""


def run(code: str, fault: str = "", **places: Path) -> "subprocess.CompletedProcess[str]":
    filled = code.format(tests=str(TESTS), **{name: str(place) for name, place in places.items()})
    told = {**os.environ, **({"AGRO_FAULT": fault} if fault else {})}
    return subprocess.run([sys.executable, "-c", filled], env=told, capture_output=True, text=True, check=False)


def names(root: Path) -> list[str]:
    with opened(Store(root)) as index:
        return sorted(result.item["id"] for result in index.items("passes"))


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(tmp_path: Path, point: str) -> None:
    assert run(_OURS, f"{point}:kill:1", root=tmp_path / "s").returncode == -9, "the fault did not fire"
    assert torn(tmp_path / "s") == []
    again = run(_OURS, root=tmp_path / "s")
    assert json.loads(again.stdout) == [], again.stderr
    assert torn(tmp_path / "s") == [] and names(tmp_path / "s") == ["a", "b"]


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO"])
def test_failing_at_a_point_is_told_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    code = {"ENOSPC": "STORE-FULL", "EIO": "STORE-UNUSABLE"}[fault]
    for point in {"ENOSPC": ("staged", "written", "indexed"), "EIO": ("filled", "entering", "entered")}[fault]:
        root = tmp_path / point
        assert json.loads(run(_OURS, f"{point}:{fault}:1", root=root).stdout) == [
            "STORE-INDEX" if point == "indexed" else code
        ]
        assert torn(root) == []
        assert names(root) == (["a", "b"] if point == "indexed" else ["b"]), point


def test_the_naive_publisher_is_caught(tmp_path: Path) -> None:
    run(_OURS, root=tmp_path / "ready")
    for point in ("staged", "written", "entering"):
        died = run(_NAIVE, f"{point}:kill:2", ready=tmp_path / "ready", root=tmp_path / point)
        assert died.returncode == -9, "the fault did not fire"
        run(_NAIVE, ready=tmp_path / "ready", root=tmp_path / point)
        assert half(tmp_path / point) and len(list(places(Store(tmp_path / point)))) == 2
