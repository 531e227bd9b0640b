from datetime import date
from pathlib import Path

import pytest

from agro.domain.errors import BadInput
from agro.sources.soil_moisture import read_soil_moisture

SOILS = {"-": 0.34, "чернозём выщелоченный": 0.34, "grey_forest": 0.30}
TODAY = date(2026, 11, 1)


def read(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "влажность.csv"
    path.write_bytes(text.encode("cp1251"))
    return read_soil_moisture(path, {"a", "b"}, SOILS, TODAY)


def test_per_cents_of_volume_and_of_field_capacity_are_one_thing(tmp_path: Path) -> None:
    rows, refused = read(
        tmp_path,
        "Поле;Дата;Глубина, см;Влажность, % НВ;Влажность, об. %;Почва\n"
        "a;05.06.2026;5;50;;\nb;2026-06-05;5;;17;Чернозём выщелоченный\nb;2026-06-06;10;;15;grey_forest\n",
    )
    assert not refused
    assert rows["field_capacity_pct"].tolist() == pytest.approx([50, 50, 50])
    assert rows["soil_group"].tolist() == ["-", "чернозём выщелоченный", "grey_forest"]
    assert rows["seen_on"].tolist() == [date(2026, 6, 5), date(2026, 6, 5), date(2026, 6, 6)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("c;05.06.2026;5;50;", "SEASON-FIELD"),
        ("a;05.06.2026;40;50;", "MOISTURE-DEPTH"),
        ("a;05.06.2026;5;0,3;", "MOISTURE-VALUE"),
        ("a;05.06.2026;5;сыро;", "MOISTURE-VALUE"),
        ("a;05.06.2027;5;50;", "MOISTURE-DATE"),
        ("a;июнь;5;50;", "CSV-DATE"),
        ("a;05.06.2026;5;50;лунный грунт", "MOISTURE-SOIL"),
    ],
)
def test_one_bad_row_is_told_and_sinks_no_other(tmp_path: Path, row: str, code: str) -> None:
    heading = "Поле;Дата;Глубина, см;Влажность, % НВ;Почва"
    rows, refused = read(tmp_path, f"{heading}\n{row}\nb;05.06.2026;5;60;\n")
    assert [one.code for one in refused] == [code] and len(rows) == 1


def test_a_table_without_a_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as met:
        read(tmp_path, "Поле;Дата;Глубина, см;Влажность\na;05.06.2026;5;50\n")
    assert met.value.refusal.code == "MOISTURE-UNIT"
    with pytest.raises(BadInput):
        read(tmp_path, "Поле;Глубина, см;Влажность, % НВ\na;5;50\n")
