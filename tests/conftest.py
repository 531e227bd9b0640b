"""What the tests share: a guard on the network, a home of their own, fixtures of the workshop."""

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from workshop import Made, Ran, build_catalog, run_plain

from flows.settings import load

settings.register_profile("same", derandomize=True)  # a change is judged by the same examples as the one before it
settings.register_profile("new")  # HYPOTHESIS_PROFILE=new looks for others
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and str(address[0]) not in ("127.0.0.1", "localhost", "::1"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is written into the real home."""
    os.environ["AGRO_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture
def make_catalog(tmp_path: Path) -> Callable[..., Made]:
    """Make a catalogue: `make_catalog([Scene("a")], crs=..., name=...)`."""
    return partial(build_catalog, tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ran]:
    """Take a made catalogue its way into a store: `run(made, "key=value", store="name")`."""

    def go(made: Made, *overrides: str, store: str = "store") -> Ran:
        return run_plain(load("stac", made.overrides(tmp_path / store, *overrides)))

    return go


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data; where it is not named, these tests are skipped and say so."""
    folder = os.environ.get("AGRO_REAL_DATA")
    if not folder:
        pytest.skip("AGRO_REAL_DATA names no folder of real data")
    assert Path(folder).is_dir(), f"AGRO_REAL_DATA is {folder}, which is no folder"
    return Path(folder)
