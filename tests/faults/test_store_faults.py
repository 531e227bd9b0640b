"""Killed, torn, full, read-only: afterwards the store is as if nothing had happened. Each fault proves that it fired."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from faults.harness import manifest
from workshop import Made, Ran, Scene, run_plain

from agro.domain.errors import StoreDown
from agro.store.index import verify
from agro.store.publish import Store
from flows.settings import load

TESTS = Path(__file__).parents[1]
_DYING = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from workshop import run_plain
from flows.settings import load
left = {after}
def dying(real):
    def call(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
os.fsync, os.rename, os.mkdir, os.open = (dying(f) for f in (os.fsync, os.rename, os.mkdir, os.open))
run_plain(load("stac", {overrides!r}))
"""


def scenes() -> list[Scene]:
    random = np.random.default_rng(4)
    return [Scene(f"s{i}", f"2021-07-0{i + 1}T05:00:00Z", scl=random.choice([4, 5, 9], (20, 20))) for i in range(3)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Made, dict[str, str]]]:
    import workshop

    folder = tmp_path_factory.mktemp("undisturbed")
    made = workshop.build_catalog(folder, scenes())
    run_plain(load("stac", made.overrides(folder / "store")))
    yield made, manifest(folder / "store")


@pytest.mark.parametrize("after", [12])  # every point is gone to in test_below_libc, where a compiler is
def test_killed_at_a_point_and_run_again(undisturbed: tuple[Made, dict[str, str]], tmp_path: Path, after: int) -> None:
    made, expected = undisturbed
    overrides = made.overrides(tmp_path / "store")
    code = _DYING.format(tests=str(TESTS), after=after, overrides=overrides)
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert died.returncode == -9, f"the fault did not fire: {died.returncode} {died.stderr[-500:]}"
    if (tmp_path / "store").exists():
        assert all(torn is None for _, torn in verify(Store(tmp_path / "store"))), "something half is visible"
    ran = run_plain(load("stac", overrides))
    assert not ran.refused
    assert manifest(tmp_path / "store") == expected
    assert all(torn is None for _, torn in verify(Store(tmp_path / "store")))


def test_no_room_for_a_file(undisturbed: tuple[Made, dict[str, str]], tmp_path: Path) -> None:
    """A limit on file size makes each write of a large file fail, as a full disk does."""
    made, expected = undisturbed
    overrides = made.overrides(tmp_path / "store")
    code = f"""
import resource, sys
sys.path.insert(0, {str(TESTS)!r})
from workshop import run_plain
from flows.settings import load
settings = load("stac", {overrides!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))
ran = run_plain(settings)
print(sorted({{refusal.code for refusal in ran.refused.values()}}), len(ran.done))
"""
    limited = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "STORE-" in limited.stdout + limited.stderr, limited.stderr[-800:]
    assert all(torn is None for _, torn in verify(Store(tmp_path / "store")))
    ran = run_plain(load("stac", overrides))
    assert not ran.refused and manifest(tmp_path / "store") == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A real file system of its own, mounted with the options given."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("mounting a file system is not allowed here")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", place], check=False)


def test_a_full_disk_is_told_and_loses_nothing(
    undisturbed: tuple[Made, dict[str, str]], small_disk: Callable[[str], Path]
) -> None:
    made, expected = undisturbed
    disk = small_disk("size=200k")
    overrides = made.overrides(disk / "store")
    (disk / "ballast").write_bytes(b"x" * 90_000)
    full: Ran | StoreDown
    try:
        full = run_plain(load("stac", overrides))
        codes = {refusal.code for refusal in full.refused.values()}
    except StoreDown as error:
        codes = {error.refusal.code}
    assert codes and codes <= {"STORE-FULL", "STORE-INDEX"}
    assert all(torn is None for _, torn in verify(Store(disk / "store")))
    (disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
    ran = run_plain(load("stac", overrides))
    assert not ran.refused and manifest(disk / "store") == expected


def test_a_read_only_disk_is_told(undisturbed: tuple[Made, dict[str, str]], small_disk: Callable[[str], Path]) -> None:
    disk = small_disk("size=1m,ro")
    with pytest.raises(StoreDown, match="STORE-READONLY"):
        run_plain(load("stac", undisturbed[0].overrides(disk / "store")))
