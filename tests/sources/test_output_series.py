"""Annual indices, prices and series of an office: what is read, and a sentence for each hole."""

from datetime import date
from pathlib import Path

import pytest

from agro.domain.errors import Refusal
from agro.domain.output import Offices
from agro.sources.output_series import read_offices
from flows.harvest_records import district_words
from flows.output_facts import products

ROOT = Path(__file__).parents[2]
GOOD = {
    "indices": ["year;pct_of_previous;vintage;source", "2018;105,0;2019-02-10;office"],
    "prices": ["product;season;price_rub;unit;vintage;source", "milk;2017;21000;t;2018-02-15;office"],
    "series": [
        "product;district;category;season;value;unit;vintage;source",
        *(
            f"milk;topki;organisations;{year};{value};t;{year + 1}-02-15;office"
            for year, value in ((2017, 9000), (2018, 9100), (2019, 9050))
        ),
    ],
}


def read(folder: Path, name: str = "", rows: list[str] | None = None) -> tuple[Offices, list[Refusal]]:
    for table, good in GOOD.items():
        lines = [good[0], *rows] if table == name and rows is not None else good
        (folder / f"{table}.csv").write_text("\n".join(lines), encoding="utf-8")
    return read_offices(folder, products(), district_words(), date(2022, 11, 1))


def test_the_tables_as_documented(tmp_path: Path) -> None:
    told, refused = read(tmp_path)
    assert not refused
    assert told.indices.iloc[0].tolist() == [2018, 105.0, date(2019, 2, 10), "office"]
    assert told.prices.iloc[0].tolist() == ["milk", 2017, 21000.0, date(2018, 2, 15), "office"]
    assert told.series["value"].tolist() == [9000.0, 9100.0, 9050.0]


@pytest.mark.parametrize(("unit", "price"), [("руб/т", 21000.0), ("руб./кг", 21_000_000.0), ("ц", 210_000.0)])
def test_a_price_is_brought_to_a_tonne(tmp_path: Path, unit: str, price: float) -> None:
    told, refused = read(tmp_path, "prices", [f"молоко;2017;21000;{unit};15.02.2018;бюллетень"])
    assert not refused and told.prices["price_rub"].tolist() == [pytest.approx(price)]


def test_thousand_tonnes_that_say_so_are_read(tmp_path: Path) -> None:
    told, refused = read(tmp_path, "series", ["молоко;32631000;хозяйства населения;2017;9,1;тыс. т;15.02.2018;б"])
    assert not refused and told.series["value"].tolist() == [pytest.approx(9100)]


MILK = "milk;topki;organisations;2018;9100;t;2019-02-15;office"


@pytest.mark.parametrize(
    ("table", "row", "code"),
    [
        ("prices", "milk;2017;0;t;2018-02-15;o", "STAT-PRICE"),
        ("prices", "milk;2017;-5;t;2018-02-15;o", "STAT-PRICE"),
        ("prices", "milk;2017;;t;2018-02-15;o", "CSV-CELL"),
        ("prices", "milk;2017;дорого;t;2018-02-15;o", "TABLE-NUMBER"),
        ("prices", "milk;2017;21000;barrel;2018-02-15;o", "YIELD-UNIT"),
        ("prices", "кумыс;2017;21000;t;2018-02-15;o", "STAT-PRODUCT"),
        ("indices", "2018;49,9;2019-02-10;o", "STAT-INDEX"),
        ("indices", "2018;200,1;2019-02-10;o", "STAT-INDEX"),
        ("indices", "2018;;2019-02-10;o", "CSV-CELL"),
        ("indices", "2018;105;2017-02-10;o", "STAT-VINTAGE"),
        ("indices", "2018;105;2023-02-10;o", "STAT-VINTAGE"),
        ("indices", "2018;105;;o", "CSV-CELL"),
        ("indices", "2018;105;2019-02-10;", "CSV-CELL"),
        ("series", MILK.replace("topki", "atlantis"), "DISTRICT-UNKNOWN"),
        ("series", MILK.replace("organisations", "kolkhoz"), "TABLE-WORD"),
        ("series", MILK.replace("9100", "-1"), "TABLE-RANGE"),
        ("series", MILK.replace("9100", "9,1"), "STAT-UNIT"),
        ("series", MILK.replace("9100", ""), "CSV-CELL"),
    ],
)
def test_each_hole_is_told_and_the_rest_goes_on(tmp_path: Path, table: str, row: str, code: str) -> None:
    told, refused = read(tmp_path, table, [row])
    assert [one.code for one in refused] == [code]
    assert code == "STAT-UNIT" or "row 2" in refused[0].reason
    assert len(getattr(told, table)) == 0
    assert all(len(getattr(told, other)) for other in GOOD if other != table)


def test_one_year_in_thousand_tonnes_among_years_in_tonnes(tmp_path: Path) -> None:
    told, refused = read(tmp_path, "series", [*GOOD["series"][1:], "milk;topki;organisations;2020;9,2;t;2021-02-15;o"])
    assert [one.code for one in refused] == ["STAT-UNIT"] and "9.2" in refused[0].reason and "9025" in refused[0].reason
    assert told.series["season"].tolist() == [2017, 2018, 2019]


def test_categories_that_do_not_make_up_the_whole(tmp_path: Path) -> None:
    def rows(whole: float) -> list[str]:
        values = {"organisations": 421, "households": 473, "farmers": 106, "all": whole}
        return [f"milk;topki;{name};2018;{value};t;2019-02-15;o" for name, value in values.items()]

    told, refused = read(tmp_path, "series", rows(1000))
    assert not refused and len(told.series) == 4
    told, refused = read(tmp_path, "series", rows(1100))
    assert [one.code for one in refused] == ["STAT-CATEGORIES"] and not len(told.series)
    assert "1000" in refused[0].reason and "1100" in refused[0].reason


def test_a_missing_table_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "prices.csv").unlink()
    told, refused = read_offices(tmp_path, products(), district_words(), date(2022, 11, 1))
    assert [one.code for one in refused] == ["STAT-FILE"] and len(told.indices) and len(told.series)


def test_every_row_of_the_templates_is_a_hole_that_is_told() -> None:
    told, refused = read_offices(ROOT / "data" / "statistics", products(), district_words(), date(2026, 11, 1))
    assert {one.code for one in refused} == {"CSV-CELL"}
    rows = sum(len(path.read_text().splitlines()) - 1 for path in (ROOT / "data" / "statistics").glob("*.csv"))
    assert len(refused) == rows and not len(told.prices) and not len(told.indices) and not len(told.series)


def test_the_demonstration_is_whole_and_says_what_it_is() -> None:
    folder = ROOT / "data" / "statistics" / "demonstration"
    told, refused = read_offices(folder, products(), district_words(), date(2026, 11, 1))
    assert not refused
    for table in (told.indices, told.prices, told.series):
        assert table["source"].str.startswith("DEMONSTRATION").all()
