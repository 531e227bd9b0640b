"""The corpus of bad inputs: each ends in its code, its place and a remedy in both languages, and work goes on."""

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import corpus as c
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_logs import header
from workshop import run_plain

from agro.domain.errors import AgroError, Refusal
from agro.reports.words import reason, remedy
from agro.sources.archive import files_of, unzipped
from agro.sources.guard import Tree, raster_driver
from agro.sources.monitor_said import said_beside
from agro.sources.outlines import read_outlines
from agro.sources.tables import read_rows
from agro.sources.task_data import from_files
from agro.sources.task_map import task_maps
from agro.sources.time_log import decode
from agro.sources.xml_tree import parsed
from agro.store.tables import to_csv
from flows.settings import load


def helps(refusal: Refusal, place: str) -> None:
    """It says where, and what to do, to either reader."""
    assert place in refusal.reason, refusal.reason
    for language in ("ru", "en"):
        assert reason(refusal, language) and remedy(refusal, language)
    assert "Traceback" not in refusal.reason


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("bad")
    made, expected = c.bad_catalogue(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = run_plain(load("stac", made.overrides(folder / "store")))
    return done, expected, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak


@pytest.mark.parametrize("name", [name.replace(" ", "_") for name in (*c.RASTERS, *c.ITEMS, "25 SCL_class_42")])
def test_a_bad_pass_is_named_and_the_good_one_goes_on(ran, name: str) -> None:  # type: ignore[no-untyped-def]
    done, expected, _ = ran
    assert set(done.done) == {"good"}
    refusal = done.refused[name]
    assert refusal.code == expected[name], refusal.reason
    helps(refusal, {"MASK-CLASS": "42"}.get(refusal.code, "red.tif" if "red.tif" in refusal.reason else name))


def test_nothing_was_allocated_for_what_was_refused(ran) -> None:  # type: ignore[no-untyped-def]
    """A raster of 200,000 pixels a side would be 80 GB."""
    assert ran[2] < 600_000  # [kB] the run itself, numba's code included


@pytest.fixture(scope="module")
def outlines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refusal]:
    path = c.bad_outlines(tmp_path_factory.mktemp("outlines") / "fields.geojson")
    table, refused = read_outlines(path, bounds=(84, 53, 90, 57))
    assert table["field_id"].tolist() == ["good"]
    return {str(refusal.field_id): refusal for refusal in refused}


@pytest.mark.parametrize("name", [*c.OUTLINES, "42 twice"])
def test_a_bad_outline_is_named_and_the_good_one_goes_on(outlines: dict[str, Refusal], name: str) -> None:
    assert outlines[name].code == (c.OUTLINES[name][1] if name in c.OUTLINES else "FIELD-DUPLICATE")
    helps(outlines[name], "fields.geojson, feature")


def outline(content: bytes, name: str = "f.geojson") -> Callable[[Path], object]:
    return lambda folder: read_outlines(_written(folder / name, content))


def rows(content: bytes, name: str = "t.csv") -> Callable[[Path], object]:
    return lambda folder: read_rows(_written(folder / name, content))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def config(*overrides: str) -> Callable[[Path], object]:
    return lambda _: load("default", overrides)


BILLION = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
FILES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "46 geojson_depth_bomb": (outline(b'{"type":"FeatureCollection","features":' + b"[" * 100_000), "VECTOR-", "f.geojson"),
    "47 kml": (outline(BILLION, "f.kml"), "VECTOR-FORMAT", "f.kml"),
    "48 gpkg_that_is_none": (outline(b"SQLite format 3\x00" + bytes(2000), "f.gpkg"), "VECTOR-UNREADABLE", "f.gpkg"),
    "51 unknown_key": (config("imagery.cloud_margin=3"), "CFG-KEY", "imagery.cloud_margin"),
    "52 yaml_tag_for_a_number": (config('imagery.cloud_margin_m="!!python/object/apply:os.system"'), "CFG-VALUE", "imagery.cloud_margin_m"),
    "54 decimal_comma": (config("imagery.cloud_margin_m=1,5"), "CFG-VALUE", "imagery.cloud_margin_m"),
    "55 ambiguous_date": (config("hub.since=06/07/26"), "CFG-VALUE", "hub.since"),
    "56 negative_threshold": (config("imagery.cloud_margin_m=-1"), "CFG-VALUE", "imagery.cloud_margin_m"),
    "56 min_above_max": (config("region.bounds=[90,50,80,60]"), "CFG-VALUE", "region.bounds"),
    "69 nul_bytes": (rows(b"a,b\n\x00,1\n"), "CSV-FORMAT", "t.csv"),
    "69 20000_columns": (rows(b"," * 20_000), "TABLE-LARGE", "t.csv"),
    "69 a_line_of_megabytes": (rows(b'a,b\n"' + b"x" * 3_000_000), "CSV-UNREADABLE", "t.csv"),
    "73 xlsx_bomb": (rows(c.zipped(**{"xl/a.xml": bytes(600_000_000)}), "t.xlsx"), "FILE-TOO-LARGE", "t.xlsx"),
    "73 xlsx_dtd": (rows(c.sheet("", {"xl/styles.xml": BILLION}), "t.xlsx"), "XML-DTD", "t.xlsx, xl/styles.xml"),
    "73 xlsx_macros": (rows(c.sheet(c.cells(1, "a")), "t.xlsm"), "TABLE-FORMAT", "t.xlsm"),
    "73 xlsx_that_is_none": (rows(b"PK\x03\x04", "t.xlsx"), "XLSX-UNREADABLE", "t.xlsx"),
    "91 traversal": (lambda _: unzipped(c.zipped(**{"../x": b"1"}), "z.zip"), "ARCHIVE-PATH", "z.zip"),
    "91 absolute": (lambda _: unzipped(c.zipped(**{"/etc/x": b"1"}), "z.zip"), "ARCHIVE-PATH", "z.zip"),
    "91 case_collision": (lambda _: unzipped(c.zipped(a=b"1", A=b"2"), "z.zip"), "ARCHIVE-TWICE", "z.zip"),
    "91 too_many_entries": (lambda _: unzipped(c.many_entries(10_001), "z.zip"), "ARCHIVE-TOO-LARGE", "z.zip"),
    "91 ratio": (lambda _: unzipped(c.zipped(a=bytes(50_000_000)), "z.zip"), "ARCHIVE-TOO-LARGE", "z.zip"),
    "91 lying_size": (lambda _: unzipped(c.lying_zip(1000, 5_000_000), "z.zip"), "ARCHIVE-", "z.zip"),
    "92 tar_with_a_device": (lambda folder: raster_driver(_written(folder / "t.tif", c.tar_with_a_device())), "RASTER-NOT-IMAGE", "t.tif"),
    "23 dtd_in_metadata": (lambda _: parsed(BILLION, "MTD.xml"), "XML-DTD", "MTD.xml"),
    "file_missing": (lambda folder: files_of(folder / "none.zip"), "FILE-MISSING", "none.zip"),
    "9 path_of_a_link": (lambda folder: Tree(folder).file(str(folder / ".." / "x.tif"), "item"), "PATH-OUTSIDE", "item"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_ends_in_a_sentence_that_helps(tmp_path: Path, name: str) -> None:
    read, code, place = FILES[name]
    with pytest.raises(AgroError, match=code) as told:
        read(tmp_path)
    helps(told.value.refusal, place)


def test_a_sheet_is_as_wide_as_it_is_not_as_it_declares(tmp_path: Path) -> None:
    held = c.sheet(c.cells(1, "a", "b") + c.cells(2, "1"), dimension="A1:XFD1048576")
    assert read_rows(_written(tmp_path / "t.xlsx", held)) == [["a", "b"], ["1", None]]


def test_a_cell_that_a_spreadsheet_would_run_is_defused() -> None:
    import pandas as pd

    cells = ["=HYPERLINK(1)", "+7 3842", "@x", "-x", "\tx", "-5", "поле"]
    text = to_csv(pd.DataFrame({"a": cells}))
    assert text.splitlines()[1:] == ["'=HYPERLINK(1)", "'+7 3842", "'@x", "'-x", "'\tx", "-5", "поле"]


anything = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_XML = st.recursive(
    st.sampled_from(
        ["<PDV A='0006' B='9' C='' D=''/>", "<PNT A='2' C='55' D='85'/>", "<GRD/>", "<TZN A='1'/>", "<x/>"]
    ),
    lambda inner: st.tuples(
        st.sampled_from(["TSK", "TZN", "PLN", "LSG", "GRD", "PFD"]), st.lists(inner, max_size=4)
    ).map(
        lambda made: (
            f"<{made[0]} A='1' B='9' C='1' D='2' E='3' F='4' G='GRD00001' I='2' J='1'>{''.join(made[1])}</{made[0]}>"
        )
    ),
    max_leaves=12,
)


@anything
@given(_XML, st.binary(max_size=80))
def test_task_data_and_grids_of_any_shape(tree: str, grid: bytes) -> None:
    whole = f"<ISO11783_TaskData VersionMajor='4'>{tree}</ISO11783_TaskData>".encode()
    held = unzipped(c.zipped(**{"TASKDATA/TASKDATA.XML": whole, "TASKDATA/GRD00001.bin": grid}), "z")
    assert _only_told(lambda: task_maps(from_files(held, "z")))


@anything
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_time_logs_of_any_bytes(content: bytes, head: bytes) -> None:
    assert _only_told(lambda: decode(head, content, "TLG"))
    assert _only_told(lambda: decode(header([(0x74, "DET1")]), content, "TLG"))


_TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@anything
@given(st.dictionaries(st.sampled_from(["yield", "moisture_pct", "swath_m", "crop", "season", "x"]), _TOML, max_size=4))
def test_sidecars_of_any_values(tmp_path: Path, told: dict[str, object]) -> None:
    lines = [f"{name} = {json.dumps(value, default=str)}" for name, value in told.items()]
    (tmp_path / "points.toml").write_text("\n".join(lines), encoding="utf-8")
    assert _only_told(lambda: said_beside(tmp_path / "points.csv"))


@anything
@given(st.binary(max_size=300) | st.text(alphabet="a;,\"'\n\r\t=1.ё\x00", max_size=80).map(str.encode))
def test_tables_of_any_bytes(tmp_path: Path, content: bytes) -> None:
    assert _only_told(lambda: read_rows(_written(tmp_path / "t.csv", content)))
    assert _only_told(lambda: read_rows(_written(tmp_path / "t.xlsx", content)))
    assert _only_told(lambda: read_outlines(_written(tmp_path / "f.geojson", content)))


def _only_told(read: Callable[[], object]) -> bool:
    """Whether it is read, or refused with a reason and a remedy; nothing else is ever raised."""
    try:
        read()
    except AgroError as error:
        return bool(error.refusal.reason and error.refusal.remedy)
    return True
