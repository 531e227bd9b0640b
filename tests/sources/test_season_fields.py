from datetime import date
from pathlib import Path

import openpyxl
import pytest

from agro.domain.errors import BadInput
from agro.sources.season_fields import read_season_fields
from flows.settings import crops

HEAD = "Поле;Сезон;Культура;Дата посева;Дата уборки;Предшественник;Солома;Внесено N, кг д.в./га"
GOOD = "f1;2021;яровая пшеница;15.05.2021;2021-08-30;пар;оставлена;45,5"


def read(path: Path):  # type: ignore[no-untyped-def]
    return read_season_fields(path, crops(), {"f1", "f2"})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_russian_table(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(f"{HEAD}\r\n{GOOD}\r\n\r\n".encode(encoding))
    table, refused = read(path)
    assert not refused
    row = table.iloc[0]
    assert (row["field_id"], row["season"], row["crop"], row["previous_crop"]) == ("f1", 2021, "spring_wheat", "fallow")
    assert (row["sown_on"], row["harvested_on"]) == (date(2021, 5, 15), date(2021, 8, 30))
    assert (row["straw"], row["n_kg_ha"]) == ("left", 45.5)


def test_a_workbook_gives_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["field_id", "season", "crop", "sown_on"])
    book.active.append(["f1", 2021, "ОВЁС", date(2021, 5, 20)])
    book.active.append([None, None, None, None])
    book.save(tmp_path / "s.xlsx")
    table, refused = read(tmp_path / "s.xlsx")
    assert not refused
    assert table[["crop", "sown_on"]].iloc[0].tolist() == ["oats", date(2021, 5, 20)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("f9;2021;овёс;;;;;", "SEASON-FIELD"),
        ("f1;21;овёс;;;;;", "CSV-SEASON"),
        ("f1;2021;соя-бобы;;;;;", "CROP-UNKNOWN"),
        ("f1;2021;;;;;;", "CSV-CELL"),
        ("f1;2021;овёс;06/07/21;;;;", "CSV-DATE"),
        ("f1;2021;овёс;31.06.2021;;;;", "CSV-DATE"),
        ("f1;2021;овёс;01.09.2021;01.05.2021;;;", "SEASON-ORDER"),
        ("f1;2021;овёс;;;;сожжена;", "CSV-STRAW"),
        ("f1;2021;овёс;;;;;-5", "CSV-NUMBER"),
        ("f1;2021;овёс;;;;;много", "CSV-NUMBER"),
        ("f1;2021;овёс", "CSV-ROW"),
        ("f2;2020;овёс;;;;;", "SEASON-TWICE"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(tmp_path: Path, row: str, code: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(f"{HEAD}\nf2;2020;овёс;;;;;\n{row}\n", encoding="utf-8")
    table, refused = read(path)
    assert len(table) == 1
    assert [r.code for r in refused] == [code]
    assert "row 3" in refused[0].reason


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "CSV-EMPTY"),
        ("Поле;Сезон;Культурра\n".encode(), "CSV-HEADER"),
        ("Поле;Сезон\n".encode(), "CSV-COLUMNS"),
        (b"a\x00b", "CSV-FORMAT"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=code):
        read(path)


def test_a_workbook_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "s.xlsx").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(BadInput, match="XLSX-UNREADABLE"):
        read(tmp_path / "s.xlsx")
