import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agro.domain.errors import StoreDown, TornFile
from agro.store import publish as p
from agro.store import stac


def item(name: str = "a") -> dict:  # type: ignore[type-arg]
    return stac.item(
        name, (0.0, 0.0, 1.0, 1.0), {"datetime": "2021-01-01T00:00:00Z"}, {"t": stac.table_asset("t.bin", "x")}
    )


PLACE = "passes/2021/a--1"


def test_a_result_is_a_folder_with_checksums(tmp_path: Path) -> None:
    with p.writing(tmp_path / "s") as store:
        made = p.publish(store, PLACE, {"t": b"hello"}, item())
        assert p.read_asset(store, made, "t") == b"hello"
        again = p.whole(store, PLACE)
        assert not list(store.staging.iterdir())
    assert again.item == made.item
    assert made.item["assets"]["t"]["file:size"] == 5
    assert (
        made.item["assets"]["t"]["file:checksum"]
        == "12202cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    )


def test_what_stands_stays(tmp_path: Path) -> None:
    with p.writing(tmp_path) as store:
        first = p.publish(store, PLACE, {"t": b"hello"}, item())
        assert p.publish(store, PLACE, {"t": b"hello"}, item()).created == first.created


@pytest.mark.parametrize(
    "tear",
    [
        lambda f: (f / "t.bin").write_bytes(b"hell"),
        lambda f: (f / "t.bin").unlink(),
        lambda f: (f / "item.json").write_text("{"),
        lambda f: (f / "item.json").write_text((f / "item.json").read_text().replace('"x"', '"y"')),
        lambda f: (f / "item.json").unlink(),
    ],
)
def test_a_torn_result_is_seen_set_aside_and_made_again(tmp_path: Path, tear) -> None:  # type: ignore[no-untyped-def]
    with p.writing(tmp_path) as store:
        p.publish(store, PLACE, {"t": b"hello"}, item())
        tear(tmp_path / PLACE)
        with pytest.raises(TornFile, match="STORE-TORN"):
            p.whole(store, PLACE)
        p.publish(store, PLACE, {"t": b"hello"}, item())
        assert p.whole(store, PLACE)
    assert len(list((tmp_path / ".damaged").iterdir())) == 1


def test_every_flipped_byte_is_seen_when_an_asset_is_read(tmp_path: Path) -> None:
    content = bytes(range(256))
    with p.writing(tmp_path) as store:
        made = p.publish(store, PLACE, {"t": content}, item())
        for i in range(0, 256, 7):
            broken = bytearray(content)
            broken[i] ^= 1
            (tmp_path / PLACE / "t.bin").write_bytes(broken)
            with pytest.raises(TornFile):
                p.read_asset(store, made, "t")


def test_a_second_run_is_told_who_holds_the_store(tmp_path: Path) -> None:
    with p.writing(tmp_path), pytest.raises(StoreDown, match=f"STORE-BUSY.*pid {os.getpid()}"), p.writing(tmp_path):
        pass


def test_a_dead_run_holds_nothing_and_its_staging_is_swept(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from agro.store.publish import writing
with writing(Path({str(tmp_path)!r})) as store:
    (store.staging / "half").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    died = subprocess.run([sys.executable, "-c", code], check=False)
    assert died.returncode == -9
    assert (tmp_path / ".staging" / "half").exists()
    with p.writing(tmp_path) as store:
        assert not list(store.staging.iterdir())


@pytest.mark.parametrize("name", ["S2A_x", "../../etc", "a/b", ".hidden", "поле", "x" * 500, "a\x00b", "a b:c*?"])
def test_any_id_becomes_one_safe_name(name: str) -> None:
    safe = p.file_name(name)
    assert "/" not in safe and "\x00" not in safe and not safe.startswith(".") and len(safe.encode()) <= 120
    assert p.file_name(name + "!") != safe


def test_keys_follow_content_not_order() -> None:
    assert p.digest({"a": 1, "b": [2]}) == p.digest({"b": [2], "a": 1}) != p.digest({"a": 1, "b": [3]})


def test_items_are_sound_stac(tmp_path: Path) -> None:
    import pystac

    with p.writing(tmp_path) as store:
        p.publish(store, PLACE, {"t": b"hello"}, item())
    read = pystac.Item.from_file(str(tmp_path / PLACE / "item.json"))
    assert read.id == "a" and read.assets["t"].href == "t.bin"
    assert json.loads((tmp_path / PLACE / "item.json").read_text())["properties"]["created"].endswith("Z")
