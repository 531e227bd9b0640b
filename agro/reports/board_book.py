"""The board's tables as a book for spreadsheets: yields in t/ha, columns named as in files."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from agro.reports.district_board import Board, output_lines, past_years
from agro.reports.outlook_text import footnote
from agro.reports.words import reason, say

_PARTS = ("area", "mix", "yield", "livestock", "rest", "total")
_INDEX = ("median", "low_80", "high_80", "low_90", "high_90")


def board_xlsx(board: Board, language: str) -> bytes:
    """The board's tables: forecasts, districts, output.

    board     what is shown [t/ha], [t], [% of 2017]
    language  `ru` or `en`
    returns   XLSX [byte]; equal boards give equal bytes
    source    ours
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in (
        (say("forecasts", language), _forecasts(board, language)),
        (say("Districts", language), _districts(board)),
        (say("output", language), _output(board, language)),
    ):
        sheet = book.create_sheet(title)
        for r, row in enumerate([*([line] for line in board.assumed), *rows], start=1):
            for c, value in enumerate(row, start=1):
                cell = sheet.cell(r, c, value)
                if isinstance(value, str):
                    cell.data_type = "s"  # a name that begins with = is no formula
    buffer = io.BytesIO()
    book.save(buffer)
    return _dateless(buffer.getvalue())


def _forecasts(board: Board, language: str) -> list[Sequence[Any]]:
    years = past_years(board)
    figures = ("yield_t_ha", "low_80_t_ha", "high_80_t_ha", "production_t", "low_80_t", "high_80_t", "threshed_ha", "threshed_share", "seen_share", "change_t_ha")  # fmt: skip  # noqa: E501
    rows: list[Sequence[Any]] = [("crop", "district", *figures, *(f"yield_{year}_t_ha" for year in years), "withheld")]
    for row in board.rows:
        told = (
            row.yield_t_ha,
            row.low_t_ha,
            row.high_t_ha,
            row.tonnes,
            row.low_t,
            row.high_t,
            *(row.threshed or (None, None)),
            row.seen,
            row.change,
        )
        why = reason(row.why, language) if row.why else None
        names = (board.named(row.crop, language), board.named(row.district, language))
        rows.append((*names, *told, *(row.past.get(year) for year in years), why))
    return rows


def _districts(board: Board) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = [("district", "oktmo", "priority", "fields", "seen_14_days_share", "ndvi_against_usual", *(f"{part}_points" for part in _PARTS))]  # fmt: skip  # noqa: E501
    for one in board.districts:
        told = [None] * len(_PARTS) if one.parts is None else [one.parts[part] for part in _PARTS]
        rows.append((one.name, one.codes, one.priority, one.fields, one.seen, one.greener, *told))
    return rows


def _output(board: Board, language: str) -> list[Sequence[Any]]:
    made = board.indicator
    if made is None or not made["years"]:
        return [(line,) for line in output_lines(board, language)]
    goals = ("conservative", "target", "optimistic")
    rows: list[Sequence[Any]] = [("year", *(f"{name}_pct" for name in (*_INDEX, *goals)), *(f"p_{name}" for name in goals))]  # fmt: skip  # noqa: E501
    for one in made["years"]:
        told = (one[name] for name in _INDEX), (one["goals"][name] for name in goals), (one["chances"][name] for name in goals)  # fmt: skip  # noqa: E501
        rows.append((one["year"], *(value for part in told for value in part)))
    return [*rows, (footnote(language),)]


def _dateless(content: bytes) -> bytes:
    """The same archive without the time at which it was made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as made, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in made.namelist():
            part = made.read(name)
            if name == "docProps/core.xml":
                start, end = part.index(b"<dcterms:created"), part.rindex(b"</dcterms:modified>")
                part = part[:start] + part[end + len(b"</dcterms:modified>") :]
            kept.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part)
    return buffer.getvalue()
