from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from agro.domain.errors import Refusal
from agro.sources.harvest_summaries import read_summaries
from flows.harvest_records import district_words, known_of

HEAD = "Дата;Район;Культура;Обмолочено, га;Намолочено в бункерном весе, т"


def read(path: Path) -> tuple[pd.DataFrame, list[Refusal]]:
    return read_summaries(path, known_of(date(2022, 11, 1)), district_words(), {"farm-1"})


def table(tmp_path: Path, *rows: str, head: str = HEAD) -> tuple[pd.DataFrame, list[Refusal]]:
    path = tmp_path / "s.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    return read(path)


def days(*figures: tuple[int, float, float]) -> list[str]:
    return [f"{day:02d}.09.2022;Топкинский район;зерновые;{ha};{t}" for day, ha, t in figures]


def test_the_table_as_documented(tmp_path: Path) -> None:
    rows, refused = table(tmp_path, *days((1, 100, 210), (2, 250, 540), (3, 250, 540)))
    assert not refused
    assert rows["threshed_ha"].tolist() == [100, 250, 250] and rows["bunker_t"].tolist() == [210, 540, 540]
    assert set(rows["district"]) == {"topki"} and set(rows["crop"]) == {"grain"} and set(rows["season"]) == {2022}


def test_a_workbook_of_farms_with_what_is_planned(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(
        ["Дата", "Хозяйство", "Культура", "Подлежит уборке, га", "Обмолочено, тыс. га", "Намолочено, тыс. т"]
    )
    book.active.append([date(2022, 9, 1), "farm-1", "ячмень", 1500, 0.5, 1.2])
    book.active.append([date(2022, 9, 1), "Итого", None, 1500, 0.5, 1.2])
    book.save(tmp_path / "s.xlsx")
    rows, refused = read(tmp_path / "s.xlsx")
    assert not refused
    assert rows[["farm_id", "crop", "planned_ha", "threshed_ha", "bunker_t"]].iloc[0].tolist() == ["farm-1", "barley", 1500, 500, 1200]  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "wrong"),
    [
        ([(1, 100, 200), (2, 90, 220), (3, 300, 600), (4, 400, 800)], 1),  # a figure falls
        ([(1, 100, 200), (2, 2000, 4000), (3, 300, 600), (4, 400, 800)], 1),  # a nought too many, not all that follow
        ([(1, 100, 200), (2, 150, 300), (3, 40, 80), (4, 400, 800)], 2),  # a day's figures among sums
    ],
)
def test_the_fewest_rows_that_break_the_rise_are_left_out(
    tmp_path: Path, figures: list[tuple[int, float, float]], wrong: int
) -> None:
    rows, refused = table(tmp_path, *days(*figures))
    assert [one.code for one in refused] == ["SUMMARY-FELL"]
    assert f"row {wrong + 2}" in refused[0].reason and len(rows) == 3


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("01.09.2206;topki;зерно;100;200", "TABLE-DAY"),
        ("01.12.2022;topki;зерно;100;200", "TABLE-DAY"),
        ("44805;topki;зерно;100;200", "CSV-DATE"),
        ("01.09.2022;Тайга;зерно;100;200", "DISTRICT-UNKNOWN"),
        ("01.09.2022;;зерно;100;200", "CSV-CELL"),
        ("01.09.2022;topki;зерно;100;", "CSV-CELL"),
        ("01.09.2022;topki;просо;100;200", "CROP-UNKNOWN"),
        ("01.09.2022;topki;зерно;100;2500", "YIELD-RANGE"),
        ("01.09.2022;topki;зерно;0;200", "SUMMARY-AREA"),
        ("01.09.2022;topki;зерно;-1;200", "TABLE-RANGE"),
        ("01.09.2022;topki;зерно;100", "CSV-ROW"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_stay(tmp_path: Path, row: str, code: str) -> None:
    rows, refused = table(tmp_path, *days((5, 100, 210)), row)
    assert [one.code for one in refused] == [code] and len(rows) == 1


def test_barn_weight_is_no_summary(tmp_path: Path) -> None:
    head = HEAD.replace("в бункерном весе", "после доработки")
    rows, refused = table(tmp_path, *days((1, 100, 210)), head=head)
    assert rows.empty and [one.code for one in refused] == ["SUMMARY-BASIS"]


def test_a_farm_that_nobody_knows(tmp_path: Path) -> None:
    head = HEAD.replace("Район", "Хозяйство")
    rows, refused = table(tmp_path, "01.09.2022;farm-2;зерно;100;200", head=head)
    assert rows.empty and [one.code for one in refused] == ["FARM-UNKNOWN"]
