"""The board: what it shows in centners and in tonnes, what it withholds, and that equal boards are equal files."""

import io
import zipfile
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from boards import ROW, board

from agro.domain.errors import Refusal
from agro.region.privacy import Limits, exposed
from agro.reports.board_book import board_xlsx
from agro.reports.board_page import board_html
from agro.reports.board_pictures import board_pdf, board_png
from agro.reports.district_board import by_crop, cells_of
from flows.board_tables import rows_of, verdicts

LIMITS = Limits(3, 0.8, 0.9)


def test_pages_read_centners_and_files_tonnes() -> None:
    assert cells_of(ROW, [2021], "ru") == ["25,1", "19,0–31,0", "1\u202f234", "120 (30 %)", "93 %", "+1,2", "22,0"]
    assert cells_of(replace(ROW, threshed=None), [2021], "en") == ["2.51", "1.90–3.10", "1,234", "–", "93 %", "+0.1", "2.20"]  # fmt: skip
    html = board_html(board(), "ru").decode()
    assert "урожайность, ц/га" in html and "25,1" in html and "15.07.2022" in html
    book = openpyxl.load_workbook(io.BytesIO(board_xlsx(board(), "ru")))
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    assert rows[1][2] == "yield_t_ha" and rows[3][:4] == ("яровая пшеница", "Топкинский район", 2.51, 1.9)
    assert rows[4][2] is None and "хозяйств" in rows[4][-1]
    assert book.worksheets[2].cell(3, 2).value == 103.2
    assert book.worksheets[1].cell(3, 3).value is True and "★" in html and "приоритет стратегии" in html


def test_what_is_simulated_or_assumed_stands_first_and_scenarios_follow() -> None:
    html = board_html(board(), "ru").decode()
    body = html[html.index("<body>") :]
    assert body.index("МОДЕЛЬНЫЕ ДАННЫЕ") < body.index("103,2 %") < body.index("консервативный") < body.index("<svg")
    assert "различить их нельзя" in body and "30 %" in body and "32631, 32531" in body


def test_withheld_districts_are_named_with_the_reason_once() -> None:
    (wheat, shown_, none), (oats, nothing, lines) = by_crop(board(), "ru")
    assert wheat == "яровая пшеница" and len(shown_) == 2 and none == []
    assert (oats, nothing) == ("овёс", []) and lines == ["Топкинский район: скрыто: раскрыло бы меньше 3 хозяйств"]


def test_without_an_index_the_board_says_why() -> None:
    why = Refusal("OUTPUT-YEARS", "the official annual index of {met} is missing, so nothing can be said in per cent of 2017", "add it to the table of annual indices with its source and the day of its publication", {"met": "2020"})  # fmt: skip
    html = board_html(board(indicator=None, silent=(why,)), "ru").decode()
    assert "2020" in html and "процентах к 2017 году нельзя" in html and "25,1" in html
    assert board_pdf(board(indicator=None, silent=(why,)), "ru").startswith(b"%PDF")


def test_equal_boards_are_equal_files() -> None:
    for make in (board_html, board_xlsx, board_pdf, board_png):
        assert make(board(), "ru") == make(board(), "ru")
    with zipfile.ZipFile(io.BytesIO(board_xlsx(board(), "ru"))) as book:
        assert {part.date_time[0] for part in book.infolist()} == {1980}


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=HYPERLINK(1)", "$5 & Söhne"])
def test_names_are_text_and_nothing_else(name: str) -> None:
    district = replace(board().districts[0], name=name)
    whole = board(districts=(district,), names={**board().names, "topki": name})
    assert "<script>" not in board_html(whole, "ru").decode()
    cells = [cell for sheet in openpyxl.load_workbook(io.BytesIO(board_xlsx(whole, "ru"))) for row in sheet for cell in row]  # fmt: skip
    assert all(cell.data_type != "f" for cell in cells) and any(cell.value == name for cell in cells)
    assert board_png(whole, "ru").startswith(b"\x89PNG")


def tables(farms: dict[str, dict[str, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fields of wheat by district and farm, and sums of districts and the region that are all told."""
    fields = pd.DataFrame([("wheat", district, farm, area) for district, own in farms.items() for farm, area in own.items()], columns=["crop", "district", "farm_id", "area_ha"])  # fmt: skip
    rows = [("district", district) for district in farms] + [("region", "region")]
    sums = pd.DataFrame(
        [
            {
                "scope": scope,
                "subject": subject,
                "crop": "wheat",
                "quantity": quantity,
                "value": 2.0,
                "low_80": 1.0,
                "high_80": 3.0,
                "answered": 0.9,
                "why_code": None,
            }
            for scope, subject in rows
            for quantity in ("yield_t_ha", "production_t")
        ]
    )
    return fields, sums


def test_a_large_farm_is_not_found_from_the_region_and_the_other_districts() -> None:
    """South is 90 % one farm's: with north and the region anybody could work it out."""
    even = dict.fromkeys(("a", "b", "c", "d"), 100.0)
    fields, sums = tables({"north": even, "south": {"big": 900.0, "e": 50.0, "f": 50.0}})
    verdict = verdicts(fields, sums, LIMITS)
    why = verdict["wheat", "south"]
    assert why is not None and why.code == "PRIVATE-LARGE"
    assert verdict["wheat", None] is None or verdict["wheat", "north"] is None, "something can be shown"
    by_farm = fields.pivot_table(index=["crop", "district"], columns="farm_id", values="area_ha").fillna(0.0)
    of = {("wheat", None): [("wheat", "north"), ("wheat", "south")], ("wheat", "north"): [("wheat", "north")], ("wheat", "south"): [("wheat", "south")]}  # fmt: skip
    assert exposed(by_farm, [of["wheat", None], of["wheat", "north"]], LIMITS)
    assert not exposed(by_farm, [cells for name, cells in of.items() if verdict[name] is None], LIMITS)
    rows = rows_of(sums, None, verdict, {}, LIMITS)
    assert next(row for row in rows if row.district == "south").yield_t_ha is None


def test_fields_of_nobody_known_count_as_one_farm() -> None:
    fields, sums = tables({"north": {"a": 100.0, "b": 100.0}})
    more = pd.concat([fields, pd.DataFrame({"crop": "wheat", "district": "north", "farm_id": None, "area_ha": [50.0, 50.0, 50.0]})])  # fmt: skip
    assert verdicts(more, sums, LIMITS)["wheat", "north"] is None
    assert verdicts(more, sums, Limits(4, 0.8, 0.9))["wheat", "north"] is not None


def test_how_few_farms_there_are_is_not_told_either() -> None:
    fields, sums = tables({"north": {"a": 100.0}})
    few = sums.assign(value=float("nan"), why_code="DISTRICT-FEW-FARMS", why="fields of too few farms ({farms})", why_remedy="-", why_facts='{"farms": 1}')  # fmt: skip
    (*_, row) = rows_of(few, None, verdicts(fields, few, LIMITS), {}, LIMITS)
    assert row.why is not None and row.why.code == "PRIVATE-FEW" and "1" not in row.why.reason
