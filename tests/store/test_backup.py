"""Backups: made while others write, whole or absent, and back to the same."""

import json
import threading
from pathlib import Path

import pytest
from store.test_index import put

from agro.domain.errors import BadInput
from agro.store import backup as b
from agro.store.index import opened, places, verify
from agro.store.publish import Store, writing


def items(root: Path) -> dict[str, bytes]:
    return {place: (root / place / "item.json").read_bytes() for place in places(Store(root))}


def test_out_and_back_gives_the_same_store(tmp_path: Path) -> None:
    with writing(tmp_path / "s") as store, opened(store) as index:
        for name in "abc":
            index.add(put(store, name))
        made = b.back_up(store, tmp_path / "backups" / "monday")
    assert made.results == 3 and not made.damaged
    back = b.restore(tmp_path / "backups" / "monday", tmp_path / "again")
    assert back == made
    assert items(tmp_path / "again") == items(tmp_path / "s")
    assert [torn for _, torn in verify(Store(tmp_path / "again"))] == [None] * 3
    with opened(Store(tmp_path / "again")) as index:
        assert len(index.items("passes")) == 3


def test_it_is_made_while_results_come(tmp_path: Path) -> None:
    """What a backup holds is whole, and every result that stood before it began is in it."""
    with writing(tmp_path / "s") as store, opened(store) as index:
        index.add(put(store, "first"))
        stop, made = threading.Event(), 0

        def go_on() -> None:
            nonlocal made
            while not stop.is_set():
                index.add(put(store, f"n{made}"))
                made += 1

        writer = threading.Thread(target=go_on)
        writer.start()
        try:
            before = [set(items(tmp_path / "s")) for n in range(4) if b.back_up(store, tmp_path / f"b{n}")]
        finally:
            stop.set()
            writer.join()
    assert made > 1, "nothing was written meanwhile"
    for n, stood in enumerate(before):
        back = b.restore(tmp_path / f"b{n}", tmp_path / f"s{n}")
        assert not back.damaged and back.manifest == b._hash(json.loads((tmp_path / f"b{n}/manifest.json").read_text()))
        assert set(items(tmp_path / f"s{n}")) <= stood
        assert "passes/2021/first" in items(tmp_path / f"s{n}")


def test_what_is_damaged_is_left_out_and_named(tmp_path: Path) -> None:
    with writing(tmp_path / "s") as store:
        for name in "abcd":
            put(store, name)
    (tmp_path / "s/passes/2021/a/t.bin").write_bytes(b"x")
    made = b.back_up(store, tmp_path / "b")
    assert made.results == 3 and [one.facts["where"] for one in made.damaged] == ["passes/2021/a"]
    (tmp_path / "s/passes/2021/b/t.bin").write_bytes(b"y")  # the same bytes as in the backup: they are linked
    (tmp_path / "b/passes/2021/c/item.json").unlink()
    back = b.restore(tmp_path / "b", tmp_path / "again")
    assert back.results == 1 and {one.facts["where"] for one in back.damaged} == {"passes/2021/b", "passes/2021/c"}
    assert set(items(tmp_path / "again")) == {"passes/2021/d"}


def test_nothing_is_overwritten_and_nothing_half_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(tmp_path / "s") as store:
        put(store, "a")
    with pytest.raises(BadInput, match="BACKUP-INSIDE"):
        b.back_up(store, tmp_path / "s" / "backup")
    b.back_up(store, tmp_path / "b")
    with pytest.raises(BadInput, match="BACKUP-THERE"):
        b.back_up(store, tmp_path / "b")
    with pytest.raises(BadInput, match="RESTORE-THERE"):
        b.restore(tmp_path / "b", tmp_path / "s")
    with pytest.raises(BadInput, match="BACKUP-NONE"):
        b.restore(tmp_path / "s", tmp_path / "n")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(b.os, "sync", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        b.back_up(store, tmp_path / "half")
    assert {path.name for path in tmp_path.iterdir()} == {"s", "b"}
