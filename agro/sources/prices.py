"""What fertilisers cost and crops bring, as the user says it: CSV or XLSX, a row a thing, roubles a tonne."""

from collections.abc import Mapping
from pathlib import Path

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.sources.tables import plain, read_rows

_WHAT = ("what", "что", "наименование", "удобрение", "товар", "код", "code")
_PRICE = ("price_rub_t", "цена, руб/т", "цена, руб./т", "цена руб/т", "руб/т", "руб./т")
_HIGHEST_RUB_T = 1_000_000.0  # [RUB/t] no fertiliser or crop costs more


def read_prices(path: Path, codes: Mapping[str, str]) -> tuple[dict[str, float], list[Refusal]]:
    """Prices [RUB/t] by code, and the rows that were refused.

    codes   the code of every word for a fertiliser or crop, as `plain` gives the words
    raises  BadInput where the table as a whole cannot be used
    """
    rows, where = read_rows(path), path.name
    heading = [plain(cell) for cell in rows[0]] if rows else []
    what = next((i for i, word in enumerate(heading) if word in _WHAT), None)
    price = next((i for i, word in enumerate(heading) if word in _PRICE), None)
    if what is None or price is None:
        raise BadInput(
            "PRICE-COLUMNS",
            "{where}: expected the columns «Что» and «Цена, руб/т», came {met}",
            "write the unit in the heading: prices are roubles for a tonne",
            where=where,
            met=", ".join(heading) or "-",
        )
    found, refused = {}, []
    for number, cells in enumerate(rows[1:], start=2):
        place = Told("{file}, row {n}", {"file": where, "n": number})
        if len(cells) <= max(what, price) or not str(cells[what] or "").strip():
            continue
        try:
            found[_code(cells[what], codes, place)] = _rub_t(cells[price], place)
        except AgroError as error:
            refused.append(error.refusal)
    return found, refused


def _code(cell: object, codes: Mapping[str, str], where: Told) -> str:
    code = codes.get(plain(cell))
    if code is None:
        raise BadInput(
            "PRICE-UNKNOWN",
            "{where}: neither a fertiliser nor a crop is called {met}",
            "use a name of configs/fertilisers.toml or configs/crops.toml",
            where=where,
            met=str(cell),
        )
    return code


def _rub_t(cell: object, where: Told) -> float:
    text = str(cell or "").replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace(",", ".")
    try:
        price = float(text)
    except ValueError:
        price = -1.0
    if not 0 < price <= _HIGHEST_RUB_T:
        raise BadInput(
            "PRICE-NUMBER",
            "{where}: the price is {met}, expected above 0 and at most {highest} roubles a tonne",
            "check the number and its unit",
            where=where,
            met=str(cell),
            highest=int(_HIGHEST_RUB_T),
        )
    return price
