"""What runs by itself: a pass that comes while nobody looks, and children that are killed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workshop import Made, Scene

from agro.domain.errors import BadInput, StoreDown
from flows.serve import Child, Eye, _alone, _port_is_free, eyes_of
from flows.settings import load

_PATIENCE_S = 150


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(make_catalog: Callable[..., Made], tmp_path: Path, port: int) -> Iterator[tuple[Made, Path]]:
    """`agro serve` over a catalogue; a second item lies outside, to be dropped in."""
    made = make_catalog([Scene("first"), Scene("second", "2021-07-02T05:00:00Z")])
    made.item("second").parent.rename(tmp_path / "second")
    collection = made.catalog.parent / "sentinel-2-l2a" / "collection.json"
    listed = json.loads(collection.read_text())
    collection.write_text(json.dumps({**listed, "links": listed["links"][:1]}))
    sets = [f"serve.port={port}", "serve.watch_s=1", *made.overrides(tmp_path / "store")]
    command = [sys.executable, "-c", "from agro.cli import main; main()", "serve", "--config", "stac"]
    environment = {**os.environ, "AGRO_HOME": str(tmp_path / "home")}
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        environment.pop(name, None)
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen([*command, *(a for s in sets for a in ("--set", s))], stderr=log, env=environment)
    yield made, tmp_path
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, (tmp_path / "log").read_text()[-2000:]


def until_published(folder: Path, name: str) -> float:
    started = time.monotonic()
    while not list((folder / "store").glob(f"fieldstats/*/{name}--*")):
        assert time.monotonic() - started < _PATIENCE_S, (folder / "log").read_text()[-3000:]
        time.sleep(0.3)
    return time.monotonic() - started


def test_a_pass_is_published_without_a_hand_even_when_the_runner_and_the_server_are_killed(
    served: tuple[Made, Path],
) -> None:
    made, folder = served
    until_published(folder, "first")
    for victim in ("flows.deployments", "prefect server start"):
        found = subprocess.run(
            ["pgrep", "-f", f"{victim}.*"], capture_output=True, text=True, check=True
        ).stdout.split()
        for pid in found:
            if str(folder) in Path(f"/proc/{pid}/environ").read_text(errors="ignore"):
                os.kill(int(pid), signal.SIGKILL)
    shutil.copytree(folder / "second", made.item("second").parent)
    until_published(folder, "second")
    told = (folder / "log").read_text()
    assert "runner: процесс завершился" in told and "Prefect: процесс завершился" in told
    assert "Traceback" not in told.replace("tracemalloc to get the object allocation traceback", "")


def test_a_child_is_started_again_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("flows.serve.time.monotonic", lambda: clock[0])
    child, told = Child("x", [sys.executable, "-c", "raise SystemExit(7)"]), []
    child.start()
    pauses = []
    for _ in range(4):
        assert child.process is not None
        child.process.wait()
        child.tend(lambda sentence, **facts: told.append(facts["code"]))
        pauses.append(child.not_before - clock[0])
        clock[0] = child.not_before
        assert child.tend(lambda sentence, **facts: told.append(facts["code"]))
    child.stop()
    assert pauses == [1, 2, 4, 8] and told == [7] * 4


def test_an_eye_starts_its_flow_once_for_each_change_that_kept_still(tmp_path: Path) -> None:
    started: list[str] = []
    said: list[str] = []
    place = tmp_path / "weather.csv"
    place.write_text("a")
    eye = Eye(place, "winter-review/winter-review")

    def look(takes: bool = True) -> None:
        eye.look(lambda name: bool(started.append(name)) or takes, lambda text, **facts: said.append(text))

    look()
    assert started == []  # somebody may be in the middle of copying
    look(takes=False)
    look()
    look()
    assert started == ["winter-review/winter-review"] * 2  # nobody served it the first time
    place.write_text("a longer one")
    look()
    look()
    look()
    assert len(started) == 3
    place.unlink()
    look()
    place.write_text("another one")
    look()
    look()
    assert len(started) == 4 and [text.rpartition(" ")[2] for text in said] == ["back", "back"]


def test_records_and_outlines_are_watched_too(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("a")])
    settings = load("stac", made.overrides(tmp_path / "s", f"records.soil={tmp_path / 'soil'}"))
    eyes = {(eye.place.name if eye.place else None, eye.deployment.split("/")[0]) for eye in eyes_of(settings)}
    assert {("catalog", "after-pass"), ("fields.geojson", "after-pass"), ("soil", "winter-review")} <= eyes


def test_a_port_in_use_and_a_second_supervisor_end_in_a_sentence(tmp_path: Path, port: int) -> None:
    settings = load("default", [f"serve.port={port}", f"store.path={tmp_path}"])
    _port_is_free("serve", "127.0.0.1", port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(BadInput, match="SERVE-PORT"):
            _port_is_free("serve", "127.0.0.1", port)
    with _alone(settings), pytest.raises(StoreDown, match="SERVE-BUSY"), _alone(settings):
        pass
