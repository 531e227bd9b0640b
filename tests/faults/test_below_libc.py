"""Faults below libc, at points spread over a whole run; `make faults` goes to every one of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from faults.harness import MODES, Worker, manifest, naive_violations, small_catalog, violations, worker
from workshop import Made

_POINTS = {"kill": 6, "torn": 5, "full once": 3, "full": 4, "failing fsync": 3, "short write": 2}


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with worker(tmp_path_factory.mktemp("shim")) as crash:
        yield crash


@pytest.fixture(scope="module")
def undisturbed(crash: Worker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, dict[str, str], Path]:
    folder = tmp_path_factory.mktemp("undisturbed")
    made, store = small_catalog(folder), folder / "store"
    ran = crash.run(who="ours", root=str(store), overrides=made.overrides(store), here=True)
    assert ran["codes"] == [] and ran["done"] == 1
    return made, manifest(store), store


@pytest.mark.parametrize("mode", range(1, len(MODES)), ids=MODES[1:])
def test_nothing_is_lost_and_nothing_is_half(
    crash: Worker, undisturbed: tuple[Made, dict[str, str], Path], tmp_path: Path, mode: int
) -> None:
    made, expected, _ = undisturbed
    store = tmp_path / "store"
    told = {"who": "ours", "root": str(store), "overrides": made.overrides(store)}
    points = crash.points(mode, **told)
    assert points > 10, "the shim sees almost nothing"
    for n in np.linspace(1, points, _POINTS[MODES[mode]]).astype(int).tolist():
        assert violations(crash, made, expected, store, n, mode) == []


@pytest.mark.parametrize("mode", ["kill", "torn"])
def test_the_naive_publisher_is_caught(
    crash: Worker, undisturbed: tuple[Made, dict[str, str], Path], tmp_path: Path, mode: str
) -> None:
    ready, store, number = undisturbed[2], tmp_path / "naive", MODES.index(mode)
    points = crash.points(number, who="naive", root=str(store), ready=str(ready))
    tried = np.linspace(2, points - 2, 4).astype(int).tolist()
    caught = [n for n in tried if naive_violations(crash, ready, store, n, number)]
    assert len(caught) >= 2, f"{len(caught)} of {len(tried)}"


def test_what_gdal_writes_is_seen(
    crash: Worker, undisturbed: tuple[Made, dict[str, str], Path], tmp_path: Path
) -> None:
    """A shim that does not see stdio would be blind to rasters written by GDAL."""
    ready, store = undisturbed[2], tmp_path / "naive"
    points = crash.points(1, who="naive", root=str(store), ready=str(ready))
    calls = set()
    for n in np.linspace(2, points - 2, 8).astype(int).tolist():
        shutil.rmtree(store, ignore_errors=True)
        fired = crash.run(who="naive", root=str(store), ready=str(ready), n=n, mode=1)["fired"]
        assert fired, f"the fault did not fire at {n}"
        calls.add(fired.split(" ")[1])
    assert "fwrite" in calls, calls
