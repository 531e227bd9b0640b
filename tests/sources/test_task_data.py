"""Task data of all makers: what is readable is read, what is not is named; and bytes that nobody meant."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from task_files import packed

from agro.domain.errors import AgroError, BadInput, Told, TornFile
from agro.reports.words import say
from agro.sources.archive import Files, unzipped
from agro.sources.task_data import from_files, read
from agro.sources.task_grid import BY_CODE, BY_RATE, GridShape, cells_of
from agro.sources.task_map import task_maps
from agro.sources.xml_tree import parsed

TASK = '<TSK A="TSK1" B="Весна" C="CTR1" D="FRM1" E="PFD1" G="1" H="1" I="1" J="0" P123_Own="x"><TZN A="0"><PDV A="0006" B="0"/></TZN><TZN A="1" B="Z"><PDV A="0006" B="12345"/></TZN>{more}</TSK>'
GRID = '<GRD A="55.1234567891234" B="86.0" C="0.0001" D="0.0002" E="{e}" F="{f}" G="GRD00001" I="{i}" J="{j}"/>'


def made(more: str = "", beside: str = "", **files: bytes) -> Files:
    main = f"<ISO11783_TaskData VersionMajor='4'>{beside}{TASK.format(more=more)}</ISO11783_TaskData>".encode()
    return Files({"TASKDATA.XML": main, **{name.replace("_", "."): content for name, content in files.items()}})


def only(sent: Files):
    ((_, found),) = task_maps(from_files(sent, "t"))
    return found


def test_a_grid_by_codes_and_one_by_rates_by_hand() -> None:
    codes = only(made(GRID.format(e=2, f=3, i=1, j=1), GRD00001_BIN=bytes([0, 1, 1, 0, 1, 1])))
    assert codes.cells.rates[..., 0].tolist() == [[0, 123.45], [123.45, 0], [123.45, 123.45]]
    assert codes.cells.south_deg == 55.1234567891234  # more digits than the schema allows
    raw = struct.pack("<6i", 1, 2, 3, 4, 5, 2**31 - 1)
    rates = only(made(GRID.format(e=2, f=3, i=2, j=1), GRD00001_bin=raw)).cells.rates[..., 0]
    assert rates.tolist() == [[0.01, 0.02], [0.03, 0.04], [0.05, 21474836.47]]


def test_names_in_any_case_and_external_files() -> None:
    outer = "<XFC><CTR A='CTR1' B='Иванов' C='Пётр'/><FRM A='FRM1' B='Заря'/></XFC>".encode()
    sent = made(
        GRID.format(e=1, f=1, i=1, j=1), "<XFR A='CTR00001' B='1'/>", **{"ctr00001_xml": outer, "grd00001_Bin": b"\x01"}
    )
    found = only(sent)
    assert found.names == {"customer": "Пётр Иванов", "farm": "Заря", "field": "", "task": "Весна"}
    assert found.unread == () and found.cells.rates.item() == 123.45


def test_the_main_file_nearest_to_the_top_counts_and_the_other_is_named() -> None:
    files = dict(made().content)
    data = from_files(
        unzipped(packed({"b/c/TASKDATA.XML": b"<x/>", "a/taskdata.xml": files["TASKDATA.XML"]}), "z"), "z"
    )
    assert [one.code for one in data.unread] == ["TASK-OTHER"] and data.root.find("TSK") is not None


@pytest.mark.parametrize(
    ("more", "files", "named"),
    [
        (GRID.format(e=2, f=2, i=1, j=1), {}, "the file GRD00001.bin is named but not there"),
        (GRID.format(e=2, f=2, i=2, j=1), {"GRD00001_BIN": bytes(15)}, "has 15 bytes, 2 rows and 2 columns need 16"),
        (GRID.format(e=4_000_000_000, f=4_000_000_000, i=2, j=1), {"GRD00001_BIN": bytes(16)}, "4000000000 rows"),
        (GRID.format(e=2, f=2, i=7, j=1), {"GRD00001_BIN": bytes(16)}, "corner, cell size or type"),
        (GRID.format(e=-2, f=-2, i=1, j=1), {"GRD00001_BIN": bytes(16)}, "-2 rows"),
        (GRID.format(e=1, f=1, i=1, j=1), {"GRD00001_BIN": b"\x09"}, "not described: 9"),
        (GRID.format(e=1, f=1, i=1, j=1).replace("0.0001", "12"), {"GRD00001_BIN": b"\x01"}, "corner, cell size or type"),
        ('<TZN A="2"><PDV A="0006" B="much"/></TZN>', {}, "the rate much is no whole number"),
        ('<TZN A="2"><PDV A="zz" B="1"/></TZN>', {}, "00ZZ is no data dictionary identifier"),
        ('<TZN A="2"><PLN A="2"><LSG A="1"><PNT C="1" D="1"/></LSG></PLN></TZN>', {}, "1 sound points"),
        ('<TZN A="2"><PLN A="2"><LSG A="1"><PNT C="0" D="0"/><PNT C="1" D="1"/><PNT C="0" D="1"/><PNT C="1" D="0"/></LSG></PLN></TZN>', {}, "crosses itself"),
    ],
)  # fmt: skip
def test_what_is_not_readable_is_named_and_the_rest_is_read(more: str, files: dict, named: str) -> None:
    found = only(made(more, **files))
    assert any(named in one.reason for one in found.unread), [one.reason for one in found.unread]
    assert found.names["task"] == "Весна" and found.default[0] == 123.45


def test_files_that_are_no_task_data(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"TASK-NONE.*notes.txt"):
        from_files(Files({"notes.txt": b"x"}), "z")
    with pytest.raises(TornFile, match=r"XML-TORN.*TASKDATA.XML"):
        from_files(Files({"TASKDATA.XML": b"<ISO11783_TaskData><TSK"}), "z")
    (tmp_path / "d.xml").write_text("<ISO11783_TaskData><DVC A='DVC1' B='Spreader'/></ISO11783_TaskData>")
    assert read(tmp_path / "d.xml").root.find("DVC").get("B") == "Spreader"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://localhost/x.dtd"><a/>',
    ],
)
def test_a_document_type_is_refused_in_any_encoding(text: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        with pytest.raises(BadInput, match="XML-DTD"):
            parsed(text.encode(encoding), "x")


def test_a_missing_external_file_that_holds_a_document_type_sinks_only_itself() -> None:
    sent = made("", "<XFR A='CTR00001' B='1'/><XFR A='FRM00001' B='1'/>", FRM00001_XML=b"<!DOCTYPE a><a/>")
    data = from_files(sent, "t")
    assert [one.code for one in data.unread] == ["TASK-FILE-MISSING", "XML-DTD"] and len(task_maps(data)) == 1


WHERE = Told("{file}, task {task}", {"file": "f", "task": "t"})


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([BY_CODE, BY_RATE]),
    st.integers(0, 3),
)
def test_any_bytes_as_a_grid(content: bytes, rows: int, columns: int, kind: int, products: int) -> None:
    shape = GridShape(55.0, 86.0, 1e-4, 1e-4, rows, columns, kind)
    need = rows * columns * (1 if kind == BY_CODE else 4 * products)
    steps, zones = [0.01] * products, {7: (1.0,) * products}
    if len(content) < need or not products:
        with pytest.raises(TornFile, match="TASK-GRID-TORN"):
            cells_of(shape, content, steps, zones, WHERE)
        return
    rates = cells_of(shape, content, steps, zones, WHERE).rates
    assert rates.shape == (rows, columns, products)
    if kind == BY_RATE:
        assert np.rint(rates * 100).astype("<i4").tobytes() == content[:need]
    else:
        assert (np.isfinite(rates[..., 0]) == (np.frombuffer(content[:need], "u1").reshape(rows, columns) == 7)).all()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=64))
def test_any_bytes_as_task_data(main: bytes, grid: bytes) -> None:
    """Whatever comes: task data, or a sentence."""
    for content in (main, b"<ISO11783_TaskData>" + main + b"</ISO11783_TaskData>"):
        try:
            task_maps(from_files(Files({"TASKDATA.XML": content, "GRD00001.BIN": grid}), "t"))
        except AgroError as error:
            assert str(error)


_ATTRIBUTES = st.dictionaries(
    st.sampled_from("ABCDEFGHIJ"),
    st.sampled_from(["", "0", "1", "2", "-1", "0006", "1e400", "nan", "9" * 30, "GRD00001", "VPN1", "PFD1"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["TZN", "PDV", "GRD", "PLN", "LSG", "PNT"]), _ATTRIBUTES), max_size=12),
    st.binary(max_size=64),
)
def test_any_attributes_of_a_task(elements: list, grid: bytes) -> None:
    inner = "".join(f"<{tag} " + " ".join(f'{k}="{v}"' for k, v in attributes.items()) + (">" if tag in ("TZN", "PLN", "LSG") else "/>") for tag, attributes in elements)  # fmt: skip
    closing = "".join(f"</{tag}>" for tag, _ in reversed(elements) if tag in ("TZN", "PLN", "LSG"))
    content = f"<ISO11783_TaskData><VPN A='VPN1' C='x' E='kg/ha'/><TSK A='TSK1' E='PFD1'>{inner}{closing}</TSK></ISO11783_TaskData>"
    read = task_maps(from_files(Files({"TASKDATA.XML": content.encode(), "GRD00001.BIN": grid}), "t"))
    assert len(read) <= 1
    for _, told in read:
        assert all(say(one.text, "ru", **one.facts) for one in told.unread)
