import shutil
import sqlite3
from pathlib import Path

import pytest

from agro.domain.errors import StoreDown
from agro.store import index as ix
from agro.store import stac
from agro.store.publish import Store, publish, writing


def put(store: Store, name: str) -> ix.Published:
    item = stac.item(name, None, {"datetime": "2021-01-01T00:00:00Z"}, {"t": stac.table_asset("t.bin", "x")})
    return publish(store, f"passes/2021/{name}", {"t": name.encode()}, item)


def names(index: ix.Index) -> list[str]:
    return sorted(result.item["id"] for result in index.items("passes"))


def test_an_index_that_missed_a_result_is_mended_at_start(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        with ix.opened(store) as index:
            index.add(put(store, "a"))
        put(store, "b")  # killed here: no row
        with ix.opened(store) as index:
            assert names(index) == ["a", "b"]
        shutil.rmtree(tmp_path / "passes/2021/a")
        with ix.opened(store) as index:
            assert names(index) == ["b"]


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 50])
def test_a_damaged_or_lost_index_is_made_anew(tmp_path: Path, content: bytes) -> None:
    with writing(tmp_path) as store:
        with ix.opened(store) as index:
            index.add(put(store, "a"))
        for file in tmp_path.glob("index.sqlite*"):
            file.unlink()
        (tmp_path / "index.sqlite").write_bytes(content)
        with ix.opened(store) as index:
            assert names(index) == ["a"]
        assert ix.reindex(store) == (1, [])


def test_reads_take_as_of(tmp_path: Path) -> None:
    with writing(tmp_path) as store, ix.opened(store) as index:
        made = put(store, "a")
        index.add(made)
        assert not index.items("passes", as_of="2000-01-01T00:00:00Z")
        assert len(index.items("passes", as_of=made.created)) == 1


def test_a_clock_turned_back_keeps_the_order_of_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(tmp_path) as store, ix.opened(store) as index:
        for name, clock in (("a", "2026-06-02"), ("b", "2026-06-01"), ("c", "1970-01-01"), ("d", "2026-06-03")):
            monkeypatch.setattr(stac, "now", lambda clock=clock: f"{clock}T00:00:00.000Z")
            index.add(put(store, name))
        assert [result.item["id"] for result in index.items("passes")] == ["a", "b", "c", "d"]
        assert index.items("passes")[-1].created == "2026-06-03T00:00:00.000Z"


def test_a_locked_database_ends_in_a_sentence_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ix, "_WAIT_S", 0.1)
    with writing(tmp_path) as store:
        with ix.opened(store) as index:
            index.add(put(store, "a"))
            holder = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreDown, match="the index cannot be written"):
                index.add(put(store, "b"))
        with ix.opened(store) as index:  # in memory, as long as somebody holds it
            assert names(index) == ["a", "b"]
        holder.close()
        with ix.opened(store) as index:
            assert names(index) == ["a", "b"]


def test_verify_finds_one_flipped_byte_and_names_the_place(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        put(store, "a")
        put(store, "b")
        (tmp_path / "passes/2021/b/t.bin").write_bytes(b"c")
        found = dict(ix.verify(store))
    assert found["passes/2021/a"] is None
    torn = found["passes/2021/b"]
    assert torn is not None and torn.code == "STORE-TORN" and "passes/2021/b" in torn.reason


def test_a_row_that_says_something_else_than_was_published_is_mended(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        with ix.opened(store) as index:
            index.add(put(store, "a"))
            index._rows.execute("UPDATE items SET item = replace(item, '2021-01-01', '2031-01-01')")
            index._rows.commit()
        with ix.opened(store) as index:
            assert [r.properties["datetime"] for r in index.items("passes")] == ["2021-01-01T00:00:00Z"]


def test_pages_torn_anywhere_in_the_index_are_mended(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        with ix.opened(store) as index:
            for n in range(30):
                index.add(put(store, f"a{n}"))
            index._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = (tmp_path / "index.sqlite").read_bytes()
        for page in range(len(content) // 4096):
            torn = bytearray(content)
            torn[page * 4096 + 100 : page * 4096 + 2000] = b"\xff" * 1900
            (tmp_path / "index.sqlite").write_bytes(torn)
            with ix.opened(store) as index:
                assert len(index.items("passes")) == 30
