from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from agro.domain.errors import Refusal
from agro.sources.statistics import read_statistics
from flows.harvest_records import district_words, known_of

HEAD = "district;crop;category;season;area_ha;production_t;weight_basis;vintage"
GOOD = "topki;spring_wheat;all;2020;12000;26400;barn;2021-03-15"


def read(tmp_path: Path, *rows: str, head: str = HEAD) -> tuple[pd.DataFrame, list[Refusal]]:
    path = tmp_path / "crops.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    return read_statistics(path, known_of(date(2022, 11, 1)), district_words())


def test_the_table_as_documented(tmp_path: Path) -> None:
    table, refused = read(tmp_path, GOOD)
    assert not refused
    row = table.iloc[0]
    assert row[["district", "crop", "category", "season"]].tolist() == ["topki", "spring_wheat", "all", 2020]
    assert row["yield_t_ha"] == pytest.approx(2.2) and row["known_on"] == date(2021, 3, 15)
    assert row["source"] == "crops.csv" and row["weight_basis"] == "barn"


def test_a_russian_table_in_thousands_and_centners(tmp_path: Path) -> None:
    head = "Район;Культура;Категория хозяйств;Год;Площадь, тыс. га;Валовой сбор после доработки, тыс. т;Урожайность, ц/га;Дата публикации;Источник"
    rows = ["Топкинский муниципальный округ;зерновые и зернобобовые;хозяйства всех категорий;2020;12,0;26,4;22,0;15.03.2021;бюллетень", "Итого по области;зерно;все категории;2020;500;1288,8;25,8;15.03.2021;бюллетень"]  # fmt: skip
    table, refused = read(tmp_path, *rows, head=head)
    assert not refused, refused[0].reason
    row = table.iloc[0]
    assert len(table) == 1 and (row["district"], row["crop"], row["source"]) == ("topki", "grain", "бюллетень")
    assert (row["area_ha"], row["production_t"]) == (12_000.0, 26_400.0)


@pytest.mark.parametrize(
    "name",
    ["Топкинский район", "ТОПКИНСКИЙ  МО", "32631000", "32631", "32531000", "32631000000", "Topki district", "topki"],
)
def test_a_district_by_its_names_and_codes_old_and_new(tmp_path: Path, name: str) -> None:
    table, refused = read(tmp_path, GOOD.replace("topki", name))
    assert not refused and table["district"].tolist() == ["topki"]


@pytest.mark.parametrize(("word", "code"), [("КФХ", "farmers"), ("Хозяйства населения", "households"), ("сельхозорганизации", "organisations")])  # fmt: skip
def test_categories_of_farm(tmp_path: Path, word: str, code: str) -> None:
    table, refused = read(tmp_path, GOOD.replace(";all;", f";{word};"))
    assert not refused and table["category"].tolist() == [code]


def test_a_revision_stands_beside_what_it_revises(tmp_path: Path) -> None:
    rows = [
        GOOD,
        GOOD.replace("26400", "26100").replace("2021-03-15", "2022-03-15"),
        GOOD.replace("2021-03-15", "предварительные"),
    ]
    table, refused = read(tmp_path, *rows)
    assert not refused and len(table) == 3
    assert table["vintage"].tolist() == ["2021-03-15", "2022-03-15", "preliminary"]
    assert pd.isna(table["known_on"].iloc[2])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (GOOD.replace("topki", "Кемеровский"), "DISTRICT-UNKNOWN"),  # the city or the district: not guessed
        (GOOD.replace("topki", "Tопкинский район"), "DISTRICT-UNKNOWN"),  # a Latin letter in a Russian name
        (GOOD.replace("spring_wheat", "просо"), "CROP-UNKNOWN"),
        (GOOD.replace(";all;", ";разные;"), "TABLE-WORD"),
        (GOOD.replace("2020", "2206"), "CSV-SEASON"),
        (GOOD.replace("12000", "-3"), "TABLE-RANGE"),
        (GOOD.replace("26400", "264000"), "YIELD-RANGE"),
        (GOOD.replace("barn", ""), "HARVEST-BASIS-MISSING"),
        (GOOD.replace("2021-03-15", "15/03/21"), "CSV-DATE"),
        (GOOD.replace("2021-03-15", ""), "CSV-CELL"),
        (GOOD.replace("2021-03-15", "2099"), "TABLE-DAY"),
        (GOOD.replace("2021-03-15", "2023-03-15"), "TABLE-DAY"),
        (GOOD + ";1", "CSV-ROW"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_stay(tmp_path: Path, row: str, code: str) -> None:
    table, refused = read(tmp_path, GOOD.replace("2020", "2019"), row)
    assert [one.code for one in refused] == [code] and len(table) == 1
    assert "crops.csv, row 3" in refused[0].reason


def test_bunker_and_barn_of_one_harvest_are_told(tmp_path: Path) -> None:
    table, refused = read(tmp_path, GOOD, GOOD.replace("26400", "29000").replace("barn", "bunker"))
    assert len(table) == 2 and [one.code for one in refused] == ["HARVEST-MIXED-ROWS"]


def test_one_figure_twice(tmp_path: Path) -> None:
    table, refused = read(tmp_path, GOOD, GOOD.replace("26400", "26900"))
    assert table.empty and [one.code for one in refused] == ["HARVEST-CONFLICT"]
