from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from agro.domain.errors import BadInput, Refusal
from agro.sources.harvest import read_harvest
from flows.harvest_records import known_of

HEAD = "field_id;season;crop;harvested_on;area_ha;yield_t_ha;weight_basis;moisture_pct"
GOOD = "f1;2021;spring_wheat;2021-08-30;50;2,5;bunker;16,5"
TODAY = date(2022, 11, 1)
AREA_HA = {"f1": 50.0, "f2": 80.0, "f3": 20.0}
SEASONS = pd.DataFrame(
    {
        "field_id": ["f1", "f2"],
        "season": [2021, 2021],
        "crop": ["spring_wheat", "barley"],
        "sown_on": [date(2021, 5, 15), None],
    }
)


def read(path: Path) -> tuple[pd.DataFrame, list[Refusal]]:
    return read_harvest(path, known_of(TODAY), AREA_HA, SEASONS)


def table(tmp_path: Path, *rows: str, head: str = HEAD, encoding: str = "utf-8") -> Path:
    path = tmp_path / "harvest.csv"
    path.write_bytes("\n".join([head, *rows]).encode(encoding))
    return path


def test_the_table_as_documented(tmp_path: Path) -> None:
    rows, refused = read(table(tmp_path, GOOD, ""))
    assert not refused
    row = rows.iloc[0]
    assert (row["field_id"], row["season"], row["crop"], row["weight_basis"]) == ("f1", 2021, "spring_wheat", "bunker")
    assert (row["yield_t_ha"], row["production_t"], row["moisture_pct"]) == (2.5, 125.0, 16.5)
    assert row["harvested_on"] == date(2021, 8, 30) and row["source"] == "harvest.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize(
    ("head", "row", "expected"),
    [
        ("Поле;Год;Культура;Урожайность, ц/га;Вид веса;Влажность, %", "f1;2021;пшеница;25,4;бункерный;14", 2.54),
        ("Поле;Сезон;Культура;Урожайность, т/га;Вид веса;Влажность, %", "f1;2021;пшеница;2,54;бункерный вес;14", 2.54),
        ("№ поля;Год;Культура;Урожайность, центнеров с 1 га;Вид веса;Влажность зерна, %", "f1;2021;пшеница;25,4;бункер;14", 2.54),
        ("Поле;Год;Культура;Урожайность;Ед. изм.;Вид веса;Влажность, %", "f1;2021;пшеница;25,4;ц/га;бункерный;14", 2.54),
        ("Поле;Год;Культура;Убранная площадь, га;Намолочено (бункерный вес), ц;Влажность, %", "f1;2021;пшеница;50;1 270;14", 2.54),
        ("Поле;Год;Культура;Площадь, га;Валовой сбор в бункерном весе, тыс. т;Влажность, %", "f1;2021;пшеница;50;0,127;14", 2.54),
        ("field;year;crop;yield, c/ha;weight basis;moisture, %", "f1;2021;wheat;25.4;bunker;14", 2.54),
        ("field;year;crop;Yield kg/ha;weight basis;moisture %", "f1;2021;wheat;2540;bunker;14", 2.54),
    ],
)  # fmt: skip
def test_headings_and_units_as_people_write_them(
    tmp_path: Path, encoding: str, head: str, row: str, expected: float
) -> None:
    rows, refused = read(table(tmp_path, row, head=head, encoding=encoding))
    assert not refused, refused[0].reason
    assert rows["yield_t_ha"].iloc[0] == pytest.approx(expected)
    assert rows["weight_basis"].iloc[0] == "bunker"


def test_a_workbook_gives_the_same(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Поле", "Сезон", "Культура", "Дата уборки", "Урожайность, т/га", "Вид веса", "Влажность, %"])
    book.active.append(["f1", 2021, "яровая пшеница", date(2021, 8, 30), 2.5, "после доработки", "не измерялась"])
    book.save(tmp_path / "h.xlsx")
    rows, refused = read(tmp_path / "h.xlsx")
    assert not refused
    assert rows["weight_basis"].iloc[0] == "barn" and pd.isna(rows["moisture_pct"].iloc[0])


def test_both_weights_in_two_columns_and_the_barn_goes_before(tmp_path: Path) -> None:
    head = "Поле;Год;Культура;Урожайность бункерная, ц/га;Урожайность после доработки, ц/га;Влажность, %"
    rows, refused = read(table(tmp_path, "f1;2021;пшеница;25;23;14", "f3;2021;пшеница;20;;14", head=head))
    assert [one.code for one in refused] == ["HARVEST-MIXED-ROWS"]
    assert rows["weight_basis"].tolist() == ["barn", "bunker"]
    assert rows["yield_t_ha"].tolist() == pytest.approx([2.3, 2.0])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("f9;2021;wheat;;;2;bunker;14", "SEASON-FIELD"),
        ("f3;2206;wheat;;;2;bunker;14", "CSV-SEASON"),
        ("f3;2023;wheat;;;2;bunker;14", "CSV-SEASON"),
        ("f3;2021;сойя;;;2;bunker;14", "CROP-UNKNOWN"),
        ("f3;2021;Soya ;;;2;bunker;14", None),
        ("f3;2021;wheat;;;25;bunker;14", "YIELD-RANGE"),
        ("f3;2021;wheat;;;950;bunker;14", "YIELD-RANGE"),
        ("f3;2021;wheat;;;-2;bunker;14", "TABLE-RANGE"),
        ("f3;2021;wheat;;;много;bunker;14", "TABLE-RANGE"),
        ("f3;2021;wheat;;;;bunker;14", "HARVEST-NOTHING"),
        ("f3;2021;wheat;;-5;2;bunker;14", "TABLE-RANGE"),
        ("f3;2021;wheat;;200;2;bunker;14", "HARVEST-AREA"),
        ("f3;2021;wheat;;;2;;14", "HARVEST-BASIS-MISSING"),
        ("f3;2021;wheat;;;2;зачётный;14", "HARVEST-BASIS-MISSING"),
        ("f3;2021;wheat;;;2;бункерный/амбарный;14", "HARVEST-BASIS"),
        ("f3;2021;wheat;;;2;не бункерный;14", "HARVEST-BASIS-MISSING"),
        ("f3;2021;wheat;;;2;bunker;", "HARVEST-MOISTURE"),
        ("f3;2021;wheat;;;2;bunker;н/д", "HARVEST-MOISTURE"),
        ("f3;2021;potato;;;22;barn;", None),  # weighed green
        ("f3;2021;wheat;;;2;bunker;140", "TABLE-RANGE"),
        ("f3;2021;wheat;44803;;2;bunker;14", "CSV-DATE"),
        ("f3;2021;wheat;31.06.2021;;2;bunker;14", "CSV-DATE"),
        ("f3;2021;wheat;30.08.2020;;2;bunker;14", "HARVEST-DATE"),
        ("f1;2021;wheat;01.05.2021;;2;bunker;14", "SEASON-ORDER"),
        ("f2;2021;wheat;;;2;bunker;14", "HARVEST-CROP"),
        ("f3;2021;wheat;;;2;bunker", "CSV-ROW"),
        ("f3;2021;wheat;;;2.5;bunker;14;x", "CSV-ROW"),
    ],
)
def test_a_bad_row_is_refused_by_its_number_and_the_others_stay(tmp_path: Path, row: str, code: str | None) -> None:
    rows, refused = read(table(tmp_path, "f2;2020;barley;;;2;barn;14", row))
    assert [one.code for one in refused] == ([code] if code else [])
    assert len(rows) == 1 if code else 2
    if code:
        assert "harvest.csv, row 3" in refused[0].reason


def test_a_serial_date_is_told_as_one(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["field_id", "season", "crop", "harvested_on", "yield_t_ha", "weight_basis", "moisture_pct"])
    book.active.append(["f3", 2022, "wheat", 44803, 2.5, "barn", 14])
    book.save(tmp_path / "h.xlsx")
    rows, refused = read(tmp_path / "h.xlsx")
    assert rows.empty and refused[0].code == "CSV-DATE" and "two beginnings" in refused[0].remedy


def test_a_year_twice(tmp_path: Path) -> None:
    rows, refused = read(table(tmp_path, GOOD, GOOD, "f3;2021;oats;;;2;barn;14", "f3;2021;oats;;;3;barn;14"))
    assert [one.code for one in refused] == ["HARVEST-TWICE", "HARVEST-CONFLICT"]
    assert rows["field_id"].tolist() == ["f1"]  # a copy is dropped; of two that contradict none is believed
    assert "row 4" in refused[1].reason and "row 5" in refused[1].reason


def test_a_year_twice_in_two_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEAD}\n{GOOD}\n")
    (tmp_path / "b.csv").write_text(f"{HEAD}\n{GOOD.replace('2,5', '2,7')}\n")
    rows, refused = read(tmp_path)
    assert rows.empty and [one.code for one in refused] == ["HARVEST-CONFLICT"]
    assert "a.csv" in refused[0].reason and "b.csv" in refused[0].reason


def test_three_figures_that_do_not_agree(tmp_path: Path) -> None:
    head = "field_id;season;crop;area_ha;yield_t_ha;production_t;weight_basis;moisture_pct"
    good, bad = "f2;2020;oats;80;2;160;barn;14", "f3;2020;oats;20;2;160;barn;14"
    rows, refused = read(table(tmp_path, good, bad, head=head))
    assert rows["field_id"].tolist() == ["f2"] and [one.code for one in refused] == ["HARVEST-BALANCE"]


def test_centners_that_pass_row_by_row_are_known_by_their_middle(tmp_path: Path) -> None:
    rows = [
        f"f2;{year};barley;;;{value};barn;14"
        for year, value in zip(range(2010, 2016), (6, 7, 7.5, 6, 7, 8), strict=True)
    ]
    read_rows, refused = read(table(tmp_path, *rows))
    assert read_rows.empty and [one.code for one in refused] == ["YIELD-UNIT-VALUES"]


@pytest.mark.parametrize(
    ("head", "row", "code"),
    [
        (HEAD.replace("yield_t_ha", "Урожайность"), GOOD, "YIELD-UNIT"),
        (HEAD.replace("yield_t_ha", "Урожайность, бушелей с акра"), GOOD, "CSV-MISSING"),
        (HEAD.replace("moisture_pct", "Влажность"), GOOD, "YIELD-UNIT"),
        (HEAD.replace(";moisture_pct", ""), GOOD.removesuffix(";16,5"), "CSV-MISSING"),
        (HEAD.replace("season", "field"), GOOD, "CSV-COLUMN-TWICE"),
        (HEAD, "", "CSV-EMPTY"),
    ],
)
def test_a_heading_that_does_not_say_enough_sinks_its_file_alone(
    tmp_path: Path, head: str, row: str, code: str
) -> None:
    path = table(tmp_path, *([row] if row else []), head=head)
    (tmp_path / "z.csv").write_text(f"{HEAD}\n{GOOD}\n")
    rows, refused = read(path.parent)
    assert code in [one.code for one in refused] and len(rows) == 1


def test_farms_may_weigh_differently_but_one_farm_does_not(tmp_path: Path) -> None:
    rows = ("f1;2020;oats;;;2;bunker;14", "f2;2020;oats;;;2;barn;14", "f3;2020;oats;;;2;barn;14")
    for farms, told in (
        ({"f1": "a", "f2": "b", "f3": "b"}, []),
        ({"f1": "a", "f2": "a", "f3": "b"}, ["a: oats of 2020: 1"]),
    ):
        known = replace(known_of(TODAY), farm_of=farms)
        found, refused = read_harvest(table(tmp_path, *rows), known, AREA_HA, SEASONS)
        assert len(found) == 3 and [one.reason[:18] for one in refused] == told


def test_heading_of_one_weight_and_a_row_of_the_other(tmp_path: Path) -> None:
    head = HEAD.replace("yield_t_ha", "Урожайность в бункерном весе, т/га")
    rows, refused = read(table(tmp_path, GOOD, GOOD.replace("bunker", "barn").replace("f1", "f3"), head=head))
    assert len(rows) == 1 and [one.code for one in refused] == ["HARVEST-MIXED"]


def test_columns_that_nobody_needs_are_told_once(tmp_path: Path) -> None:
    rows, refused = read(table(tmp_path, f"{GOOD};x;y", head=f"{HEAD};Механизатор;Примечание"))
    assert len(rows) == 1 and [one.code for one in refused] == ["CSV-UNREAD"]


def test_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="RECORDS-NONE"):
        read(tmp_path / "empty")
