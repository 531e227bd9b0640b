"""Archives that were made to harm, and honest ones."""

import io
import zipfile
from pathlib import Path

import pytest
from task_files import packed

from agro.domain.errors import BadInput, TornFile
from agro.sources.archive import files_of, unzipped


def test_a_zip_a_folder_and_a_file_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "TASKDATA.XML").write_bytes(b"<a/>")
    (tmp_path / "all.zip").write_bytes(packed({"in\\TASKDATA.XML": b"<a/>"}))
    assert files_of(tmp_path / "all.zip").content == {"in/TASKDATA.XML": b"<a/>"}
    assert (
        files_of(tmp_path / "in").content
        == files_of(tmp_path / "in" / "TASKDATA.XML").content
        == {"TASKDATA.XML": b"<a/>"}
    )
    with pytest.raises(BadInput, match="FILE-MISSING"):
        files_of(tmp_path / "none.zip")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "C:\\windows\\x", "..\\..\\x"])
def test_a_path_that_leads_out(name: str) -> None:
    with pytest.raises(BadInput, match="ARCHIVE-PATH"):
        unzipped(packed({name: b"x"}), "z.zip")


def test_a_link(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        entry = zipfile.ZipInfo("TASKDATA.XML")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(BadInput, match="ARCHIVE-PATH"):
        unzipped(held.getvalue(), "z.zip")
    (tmp_path / "TASKDATA.XML").symlink_to("/etc/passwd")
    assert files_of(tmp_path).content == {}


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(BadInput, match="ARCHIVE-TOO-LARGE"):
        unzipped(packed({"a": bytes(50_000_000)}), "z.zip")
    many = {f"{n}": b"" for n in range(10_001)}
    with pytest.raises(BadInput, match="ARCHIVE-TOO-LARGE"):
        unzipped(packed(many), "z.zip")


def test_a_bomb_that_lies_about_its_size() -> None:
    content = bytearray(packed({"a": bytes(5_000_000)}))
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.find(mark) + place
        content[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises((BadInput, TornFile), match="ARCHIVE"):
        unzipped(bytes(content), "z.zip")


def test_an_encrypted_one_and_one_with_a_name_twice() -> None:
    content = bytearray(packed({"a": b"x"}))
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.find(mark) + place] |= 1
    with pytest.raises(BadInput, match="ARCHIVE-ENCRYPTED"):
        unzipped(bytes(content), "z.zip")
    with pytest.raises(BadInput, match="ARCHIVE-TWICE"):
        unzipped(packed({"A.xml": b"x", "a.XML": b"y"}), "z.zip")


def test_an_archive_inside_is_named_not_opened() -> None:
    found = unzipped(packed({"TASKDATA.XML": b"<a/>", "more.zip": packed({"b": b"c"})}), "z.zip")
    assert list(found.content) == ["TASKDATA.XML"]
    assert [one.reason for one in found.unread] == [
        "z.zip: more.zip is an archive inside the archive; it was not opened"
    ]


def test_a_torn_one(tmp_path: Path) -> None:
    whole = packed({"a": bytes(range(256)) * 100}, zipfile.ZIP_STORED)
    (tmp_path / "z.zip").write_bytes(whole[:5000])
    with pytest.raises(TornFile, match="ARCHIVE-TORN"):
        files_of(tmp_path / "z.zip")
    with pytest.raises(TornFile, match=r"ARCHIVE-TORN.*CRC"):
        unzipped(whole[:300] + b"\x00\x00\x00" + whole[303:], "z.zip")
