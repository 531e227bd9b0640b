"""What somebody saw at the places of a sample of parcels: CSV or XLSX, a row a place."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.sources.tables import check_columns, plain, read_rows, text_of

CHECKED_COLUMNS = ("place", "parcel_id", "kind", "observed")


def read_checked(path: Path, kinds: Mapping[str, str]) -> tuple[pd.DataFrame, list[Refusal]]:
    """The places that were checked, by CHECKED_COLUMNS, and the rows that were refused; empty `observed` is left out.

    kinds   the code of every word for a kind of land, as `plain` gives the words
    raises  BadInput where the table as a whole cannot be used
    """
    rows = read_rows(path)
    heading = [plain(cell) for cell in rows[0]] if rows else []
    check_columns(path.name, heading, [name for name in CHECKED_COLUMNS if name not in heading], CHECKED_COLUMNS)
    at = {name: heading.index(name) for name in CHECKED_COLUMNS}
    found, refused = [], []
    for number, cells in enumerate(rows[1:], start=2):
        row = {name: text_of(cells[i]) if i < len(cells) else "" for name, i in at.items()}
        if not row["observed"]:
            continue
        where = Told("{file}, row {n}", {"file": path.name, "n": number})
        try:
            found.append({**row, **{name: _kind(row[name], kinds, where) for name in ("kind", "observed")}})
        except AgroError as error:
            refused.append(error.refusal)
    return pd.DataFrame(found, columns=list(CHECKED_COLUMNS)), refused


def _kind(word: str, kinds: Mapping[str, str], where: Told) -> str:
    code = kinds.get(plain(word))
    if code is None:
        raise BadInput(
            "LAND-KIND",
            "{where}: no kind of land is called {met}",
            "write one of: {expected}",
            where=where,
            met=word,
            expected=", ".join(sorted(set(kinds.values()))),
        )
    return code
