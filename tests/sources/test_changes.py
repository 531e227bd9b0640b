"""What changed in a place is seen without opening a file."""

from pathlib import Path

from agro.sources.changes import signature


def test_any_change_of_a_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    seen = [signature(tmp_path)]
    (tmp_path / "a" / "x.tif").write_bytes(b"1")
    seen.append(signature(tmp_path))
    (tmp_path / "a" / "x.tif").write_bytes(b"12")
    seen.append(signature(tmp_path))
    (tmp_path / "a" / "x.tif").unlink()
    assert len(set(seen)) == 3 and signature(tmp_path) == seen[0]
    assert signature(tmp_path / "gone") == signature(tmp_path / "gone")


def test_the_files_beside_one_count_and_what_python_compiled_does_not(tmp_path: Path) -> None:
    outlines, compiled = tmp_path / "fields.shp", tmp_path / "__pycache__"
    outlines.write_bytes(b"1")
    before, around = signature(outlines), signature(tmp_path)
    compiled.mkdir()
    (compiled / "x.pyc").write_bytes(b"1")
    assert (signature(outlines), signature(tmp_path)) == (before, around)
    outlines.with_suffix(".dbf").write_bytes(b"1")
    assert signature(outlines) != before and signature(tmp_path) != around
