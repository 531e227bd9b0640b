"""The doctor: each thing that can be wrong is made wrong, and it must say so, in a sentence that helps."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from store.test_index import put
from typer.testing import CliRunner

from agro.cli import app
from agro.store.index import opened
from agro.store.publish import writing
from flows import doctor
from flows.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    with writing(tmp_path / "s") as store, opened(store) as index:
        for name in "ab":
            index.add(put(store, name))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return lambda *more: load("default", [f"store.path={tmp_path / 's'}", f"serve.port={port}", *more])


def codes(settings: Settings) -> set[str]:
    return {one.wrong.code for one in doctor.examine(settings) if one.wrong}


def test_a_sound_machine_has_nothing(settings: Callable[..., Settings]) -> None:
    found = doctor.examine(settings())
    assert {one.name for one in found} == set(doctor.Name.__args__)  # type: ignore[attr-defined]
    assert not [one.wrong for one in found if one.wrong]


def test_what_is_wrong_on_disk_is_found(settings: Callable[..., Settings], tmp_path: Path) -> None:
    shutil.move(tmp_path / "s/passes/2021/a", tmp_path / "s/passes/2021/c")
    (tmp_path / "s/passes/2021/b/t.bin").write_bytes(b"longer")
    (tmp_path / "s/.damaged/x").mkdir(parents=True)
    (tmp_path / "s/.latest").write_text("2999-01-01T00:00:00Z")
    assert codes(settings()) == {"DOCTOR-INDEX", "DOCTOR-ASIDE", "DOCTOR-CLOCK", "STORE-TORN"}
    (tmp_path / "s/index.sqlite").write_bytes(b"no database" * 100)
    assert "DOCTOR-UNSEEN" in codes(settings())


def test_what_is_wrong_with_the_machine_is_found(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = shutil._ntuple_diskusage(10, 9, 1)  # type: ignore[attr-defined]
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: few)
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (10, 10))
    monkeypatch.setattr(doctor.os, "sysconf", lambda _: 1000)
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda _: "0.0.1")
    wrong = codes(settings(f"records.soil={tmp_path / 'none.csv'}", "messages.smtp=m:1", "messages.user=u"))
    machine = {"DOCTOR-DISK", "DOCTOR-MEMORY", "DOCTOR-FILES", "DOCTOR-VERSION"}
    assert wrong == machine | {"DOCTOR-INPUT", "DOCTOR-PASSWORD"}


def test_a_port_in_use_and_credentials_that_are_not_there(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SH_CLIENT_ID", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        own = settings(f"serve.port={taken.getsockname()[1]}", "imagery.source=sentinel-hub")
        assert codes(own) == {"DOCTOR-PORT", "HUB-CREDENTIALS"}


def test_the_command_speaks_both_ways(settings: Callable[..., Settings], tmp_path: Path) -> None:
    (tmp_path / "s/passes/2021/b/t.bin").write_bytes(b"longer")
    asked = ["doctor", "--store", str(tmp_path / "s"), "--set", f"serve.port={settings().serve.port}"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 3
    assert "✓ диск" in said.stdout and "повреждено" in said.stdout and "agro store verify --set-aside" in said.stdout
    rows = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["looked_at"]
    assert {row["state"] for row in rows} == {"good", "bad"}
    assert next(row for row in rows if row["state"] == "bad")["wrong"]["code"] == "STORE-TORN"


def test_backup_and_restore_by_hand(settings: Callable[..., Settings], tmp_path: Path) -> None:
    settings()
    out = CliRunner().invoke(app, ["backup", str(tmp_path / "b"), "--store", str(tmp_path / "s"), "--json"])
    back = CliRunner().invoke(app, ["restore", str(tmp_path / "b"), "--store", str(tmp_path / "r"), "--json"])
    assert out.exit_code == back.exit_code == 0
    assert json.loads(out.stdout) == json.loads(back.stdout)
    assert json.loads(out.stdout)["results"] == 2
