"""Tables as people send them: CSV in UTF-8 or cp1251 with comma, semicolon or tab, and the first sheet of an XLSX."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from agro.domain.errors import BadInput, Told
from agro.sources.guard import LARGEST_TEXT_BYTES

_MOST_COLUMNS, _MOST_CELLS = 1_000, 20_000_000  # [1]
_MOST_UNPACKED_BYTES = 512_000_000  # [byte] of a spreadsheet, all parts together
_NOTHING = {"", "-", "–", "—", "н/д", "нет", "nan", "none", "n/a", "na"}
_SERIAL = re.compile(r"[1-6]\d{4}(\.0+)?")  # a day as spreadsheets count them: 1927 to 2091


def read_rows(path: Path) -> list[list[Any]]:
    """The cells of the table, its heading first; text from CSV, also numbers and dates from XLSX."""
    if not path.is_file():
        raise BadInput("FILE-MISSING", "{where}: there is no such file", "check the path", where=str(path))
    if path.stat().st_size > LARGEST_TEXT_BYTES:
        raise _too_large(path, LARGEST_TEXT_BYTES)
    if path.suffix.lower() == ".xlsx":
        return _sheet(path)
    if path.suffix.lower() == ".csv":
        return _csv(path)
    raise BadInput(
        "TABLE-FORMAT",
        "{where}: a table is read from .csv or .xlsx",
        "save it in one of these formats",
        where=path.name,
    )


def unknown_column(where: str, cell: Any, word: str, known: Iterable[str]) -> BadInput:
    """What to say of a heading that nobody knows; `word` is how it was looked up among the `known`."""
    near = get_close_matches(word, list(known), n=1)
    return BadInput(
        "CSV-HEADER",
        "{where}: unknown column {met}",
        "did you mean {near}?" if near else "use the headings of the documentation",
        where=where,
        met=str(cell),
        near=", ".join(near),
    )


def check_columns(where: str, names: Sequence[str], missing: Sequence[str], needed: Sequence[str]) -> None:
    """Every column once, and none missing. Raises BadInput."""
    if missing or len(set(names)) < len(names):
        raise BadInput(
            "CSV-COLUMNS",
            "{where}: every column once, and {missing} must be there",
            "mend the heading",
            where=where,
            missing=", ".join(missing or needed),
        )


def _sheet(path: Path) -> list[list[Any]]:
    import openpyxl

    rows: list[list[Any]] = []
    try:
        _check_unpacked(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # rows are as wide as they are, not as the file declares
        width = _MOST_COLUMNS + 1
        for row in sheet.iter_rows(values_only=True):
            width = width if rows else _width(row)
            rows.append([*row[:width], *[None] * (width - len(row))])
            _check_cells(path, width, len(rows) * width)
    except BadInput:
        raise
    except Exception as error:  # openpyxl has no one base of its own
        raise BadInput(
            "XLSX-UNREADABLE",
            "{where}: not a sound .xlsx ({met})",
            "save it again from the spreadsheet",
            where=path.name,
            met=str(error)[:120],
        ) from None
    return rows


def _width(heading: Sequence[Any]) -> int:
    """How many cells a heading has, without the empty ones at its end."""
    return max((n for n, cell in enumerate(heading, start=1) if cell is not None), default=0)


def _check_unpacked(path: Path) -> None:
    """Refuse a spreadsheet by the sizes it declares, which reading never exceeds, and any document type in it."""
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > _MOST_UNPACKED_BYTES:
            raise _too_large(path, _MOST_UNPACKED_BYTES)
        for part in parts.infolist():
            with parts.open(part) as content:
                if b"<!DOCTYPE" in content.read(4096):
                    raise BadInput(
                        "XML-DTD",
                        "{where}: has a document type (DTD), which may draw in other files",
                        "save it again from the spreadsheet",
                        where=f"{path.name}, {part.filename[:100]}",
                    )


def _check_cells(path: Path, columns: int, cells: int) -> None:
    if columns > _MOST_COLUMNS or cells > _MOST_CELLS:
        raise BadInput(
            "TABLE-LARGE",
            "{where}: more than {columns} columns or {cells} cells",
            "split the file",
            where=path.name,
            columns=_MOST_COLUMNS,
            cells=_MOST_CELLS,
        )


def _too_large(path: Path, most_bytes: int) -> BadInput:
    return BadInput(
        "FILE-TOO-LARGE",
        "{where}: larger than {limit} MB",
        "split the file",
        where=path.name,
        limit=most_bytes // 1_000_000,
    )


def _csv(path: Path) -> list[list[Any]]:
    raw = path.read_bytes()
    if b"\x00" in raw:
        raise BadInput(
            "CSV-FORMAT", "{where}: holds zero bytes, so it is no text", "save it as CSV, UTF-8", where=path.name
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = raw.decode("cp1251")
        except UnicodeDecodeError:
            raise BadInput("FILE-ENCODING", "{where}: not UTF-8", "save it as UTF-8", where=path.name) from None
    heading = text.split("\n", 1)[0]
    delimiter = max(";\t,", key=heading.count)
    try:
        rows, cells = [], 0
        for row in csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")), delimiter=delimiter):
            rows.append(row)
            cells += len(row)
            _check_cells(path, len(row), cells)
        return rows
    except csv.Error as error:
        raise BadInput(
            "CSV-UNREADABLE",
            "{where}: not a sound CSV ({met})",
            "save it again from the spreadsheet",
            where=path.name,
            met=str(error),
        ) from None


def day(cell: Any, text: str, where: Told, column: str) -> date:
    """A date as YYYY-MM-DD or DD.MM.YYYY, or as the spreadsheet holds it."""
    if isinstance(cell, datetime):
        return cell.date()
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise BadInput(
        "CSV-DATE",
        "{where}: {column} is {met}, expected YYYY-MM-DD or DD.MM.YYYY",
        "it looks like a spreadsheet's count of days, which has two beginnings: give the column the format of a date"
        if _SERIAL.fullmatch(text)
        else "write the date so",
        where=where,
        column=column,
        met=text,
    )


def plain(word: Any) -> str:
    """A word without case and without superfluous blanks, to compare."""
    return re.sub(r"\s+", " ", str(word or "")).strip().casefold()


def text_of(cell: Any) -> str:
    """A cell as text without superfluous blanks; empty where it says nothing."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = re.sub(r"\s+", " ", str(cell)).strip()
    return "" if text.casefold() in _NOTHING else text


def number_of(text: str) -> float:
    """A number with a decimal comma or point; NaN where it is none."""
    close = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", text)  # blanks between thousands
    return float(close.replace(",", ".")) if re.fullmatch(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?", close) else float("nan")


def even(text: str) -> str:
    """Without case, with plain digits for ₂ and ², `ё` as `е`, and `№` as `n`."""
    return unicodedata.normalize("NFKC", text.replace("№", "n ")).casefold().replace("ё", "е").replace("_", " ")
