"""What offices tell of agricultural output: annual indices, producers' prices, volumes of what no field shows."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.output import INDEX_COLUMNS, PRICE_COLUMNS, SERIES_COLUMNS, Offices, Product
from agro.sources.record_rows import Row, read_records, without_doubles
from agro.sources.season_fields import season_of
from agro.sources.statistics import category_of, district_of
from agro.sources.tables import even, number_of, plain
from agro.sources.yield_headings import Form

_YEARS = range(1990, 2101)
_VINTAGE = "vintage|выпуск|дата публикации|опубликовано|published|published on"
_SEASON = "season|year|год|сезон"
_PRODUCT = "product|продукт|вид продукции|продукция|культура|crop"
_UNIT = "unit|единица|ед изм|единица измерения"
_SOURCE = "source|источник"
INDICES = Form(
    {
        "year": _SEASON,
        "pct": "pct of previous|index|индекс|индекс производства|индекс % к предыдущему году",
        "vintage": _VINTAGE,
        "source": _SOURCE,
    },
    ("year", "pct", "vintage", "source"),
)
PRICES = Form(
    {
        "product": _PRODUCT,
        "season": _SEASON,
        "price": "price rub|price|цена|средняя цена производителей|цена руб",
        "unit": _UNIT,
        "vintage": _VINTAGE,
        "source": _SOURCE,
    },
    ("product", "season", "price", "unit", "vintage", "source"),
)
SERIES = Form(
    {
        "product": _PRODUCT,
        "district": "district|район|округ|муниципальный район|муниципальный округ|октмо|oktmo",
        "category": "category|category of farm|категория|категория хозяйств|категории хозяйств",
        "season": _SEASON,
        "value": "value|volume|объем|произведено|производство",
        "unit": _UNIT,
        "vintage": _VINTAGE,
        "source": _SOURCE,
    },
    ("product", "district", "category", "season", "value", "unit", "vintage", "source"),
)
_UNITS = {  # how many of the product's unit one of the written is
    "t": {
        "t|т|тонн|тонна|тонны|tonnes": 1.0,
        "thousand t|тыс. т|тыс т|тыс. тонн|kt": 1000.0,
        "kg|кг": 0.001,
        "c|ц|центнер": 0.1,
    },
    "thousand": {
        "thousand|тыс. шт|тыс шт|тыс. шт.|тыс. штук": 1.0,
        "mln|млн шт|млн шт.|млн. шт.|million": 1000.0,
        "шт|шт.|piece|pieces": 0.001,
    },
}
_LOWEST_PCT, _HIGHEST_PCT = 50.0, 200.0  # [%] of the year before: beyond them an annual index is a slip. source: ours
_SLIP = 100.0  # [1] a year so many times above or below the middle of its own series is in another unit. source: ours
_PARTS = ("organisations", "farmers", "households")
_OPEN = 0.01  # [1] by which rounded parts may miss their sum. source: ours


def read_offices(
    folder: Path, products: Sequence[Product], places: Mapping[str, str], today: date
) -> tuple[Offices, list[Refusal]]:
    """The three tables of a folder (indices, prices, series; CSV or XLSX), and what was refused.

    products  crops among them
    places    the code of every word that means a district, as `plain` gives the words
    today     nothing can have been published later
    """
    words = {plain(even(w)): one for one in products for w in (one.code, one.english, one.russian, *one.also)}
    refused: list[Refusal] = []
    tables = {}
    doors: dict[str, Callable[[Path], tuple[pd.DataFrame, list[Refusal]]]] = {
        "indices": lambda file: _indices(file, today),
        "prices": lambda file: _prices(file, words, today),
        "series": lambda file: _series(file, words, places, today),
    }
    for name, read in doors.items():
        try:
            tables[name], bad = read(_file(folder, name))
            refused += bad
        except AgroError as error:
            refused.append(error.refusal)
    columns = {"indices": INDEX_COLUMNS, "prices": PRICE_COLUMNS, "series": SERIES_COLUMNS}
    made = {name: tables.get(name, pd.DataFrame(columns=list(columns[name]))) for name in columns}
    return Offices(**made), refused


def _file(folder: Path, name: str) -> Path:
    found = [folder / f"{name}{ending}" for ending in (".csv", ".xlsx") if (folder / f"{name}{ending}").is_file()]
    if not found:
        raise BadInput(
            "STAT-FILE",
            "{where}: there is no {met}.csv and no {met}.xlsx",
            "fill the template of data/statistics and lay it there",
            where=str(folder),
            met=name,
        )
    return found[0]


def _indices(file: Path, today: date) -> tuple[pd.DataFrame, list[Refusal]]:
    def row_of(row: Row) -> dict[str, Any]:
        value = _number(row, "pct")
        if not _LOWEST_PCT <= value <= _HIGHEST_PCT:
            raise BadInput(
                "STAT-INDEX",
                "{where}: an annual index of {met} %, expected 50 to 200 % of the year before",
                "check the number and whether it is of the year before, not of 2017",
                where=row.place,
                met=row.cells["pct"],
            )
        year = season_of(row.needed("year"), row.place, _YEARS)
        return {"year": year, "pct_of_previous": value, **_published(row, year, today)}

    return _table(file, INDICES, row_of, INDEX_COLUMNS, ("year", "vintage"))


def _prices(file: Path, words: Mapping[str, Product], today: date) -> tuple[pd.DataFrame, list[Refusal]]:
    def row_of(row: Row) -> dict[str, Any]:
        product, season = _product(row, words), season_of(row.needed("season"), row.place, _YEARS)
        price = _number(row, "price") / _unit(row, product)
        if not price > 0:
            raise BadInput(
                "STAT-PRICE",
                "{where}: the price of {product} is {met}, expected one above zero",
                "write the average producer price of that year",
                where=row.place,
                product=product.code,
                met=row.cells["price"],
            )
        return {"product": product.code, "season": season, "price_rub": price, **_published(row, season, today)}

    return _table(file, PRICES, row_of, PRICE_COLUMNS, ("product", "season", "vintage"))


def _series(
    file: Path, words: Mapping[str, Product], places: Mapping[str, str], today: date
) -> tuple[pd.DataFrame, list[Refusal]]:
    def row_of(row: Row) -> dict[str, Any]:
        product, season = _product(row, words), season_of(row.needed("season"), row.place, _YEARS)
        value = _number(row, "value") * _unit(row, product)
        if value < 0:
            raise BadInput(
                "TABLE-RANGE",
                "{where}: {column} is {met}, expected a number from 0 to {limit}",
                "check the number and its unit",
                where=row.place,
                column="value",
                met=row.cells["value"],
                limit="...",
            )
        named = {"district": district_of(row.needed("district"), places, row.place), "category": category_of(row)}
        return {"product": product.code, **named, "season": season, "value": value, **_published(row, season, today)}

    key = ("product", "district", "category", "season", "vintage")
    rows, refused = read_records(file, SERIES, row_of)
    rows, twice = without_doubles(rows, key)
    rows, mistaken = _of_one_unit(rows, {one.code: one for one in words.values()}, file.name)
    rows, apart = adding_up(rows, ("product", "district", "season", "vintage"), "value")
    table = pd.DataFrame(rows, columns=list(SERIES_COLUMNS)).sort_values(list(key), ignore_index=True)
    return table, [*refused, *twice, *mistaken, *apart]


def adding_up(
    rows: Sequence[dict[str, Any]], key: Sequence[str], value: str
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """Rows whose categories of farm make up what `all` says; where they do not, none of them is used, and it is told.

    key     what the rows of one sum share
    value   the column that is summed
    """
    groups: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in key), {})[row["category"]] = row
    out: set[int] = set()
    refused = []
    for own in groups.values():
        if "all" not in own or not all(part in own for part in _PARTS):
            continue
        parts, whole = sum(own[part][value] for part in _PARTS), own["all"][value]
        if abs(parts - whole) <= _OPEN * max(whole, 1.0):
            continue
        out |= {id(row) for row in own.values()}
        refused.append(
            BadInput(
                "STAT-CATEGORIES",
                "{where}: organisations, farmers and households make {parts} together, the row of all says {whole}; "
                "none of them is used",
                "find out which row is wrong",
                where=own["all"]["place"],
                parts=f"{parts:g}",
                whole=f"{whole:g}",
            ).refusal
        )
    return [row for row in rows if id(row) not in out], refused


def _of_one_unit(
    rows: Sequence[dict[str, Any]], products: Mapping[str, Product], where: str
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """Rows without those whose size contradicts their unit: thousand tonnes written as tonnes, or the other way."""
    middle = {
        key: float(np.median([row["value"] for row in own if row["value"] > 0] or [0.0]))
        for key, own in _by(rows, ("product", "district", "category")).items()
    }
    out: set[int] = set()
    refused = []
    for code, own in _by(rows, ("product",)).items():
        product, known = products[code[0]], [row["value"] for row in own if row["value"] > 0]
        whole = float(np.median(known)) if known else product.usual_low
        if not product.usual_low <= whole <= product.usual_high:
            out |= {id(row) for row in own}
            refused.append(_unit_of(where, product, whole, f"{product.usual_low:g} ... {product.usual_high:g}"))
            continue
        for row in own:
            usual = middle[row["product"], row["district"], row["category"]]
            if usual and row["value"] and not 1 / _SLIP < row["value"] / usual < _SLIP:
                out.add(id(row))
                refused.append(_unit_of(row["place"], product, row["value"], f"{usual:g}"))
    return [row for row in rows if id(row) not in out], refused


def _unit_of(where: Any, product: Product, met: float, expected: str) -> Refusal:
    return BadInput(
        "STAT-UNIT",
        "{where}: {met} {unit} of {product}, where {expected} is usual; the unit looks wrong, so it is not used",
        "check whether thousand tonnes were written as tonnes",
        where=where,
        met=f"{met:g}",
        unit=product.unit,
        product=product.code,
        expected=expected,
    ).refusal


def _by(rows: Sequence[dict[str, Any]], key: Sequence[str]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    return groups


def _table(
    file: Path, form: Form, row_of: Any, columns: Sequence[str], key: Sequence[str]
) -> tuple[pd.DataFrame, list[Refusal]]:
    rows, refused = read_records(file, form, row_of)
    rows, twice = without_doubles(rows, key)
    return pd.DataFrame(rows, columns=list(columns)).sort_values(list(key), ignore_index=True), [*refused, *twice]


def _number(row: Row, name: str) -> float:
    value = number_of(row.needed(name))
    if value != value:
        raise BadInput(
            "TABLE-NUMBER",
            "{where}: {column} is {met}, expected a number",
            "write digits with a decimal comma or point",
            where=row.place,
            column=name,
            met=row.cells[name],
        )
    return value


def _product(row: Row, words: Mapping[str, Product]) -> Product:
    text = row.needed("product")
    product = words.get(plain(even(text)))
    if product is None:
        raise BadInput(
            "STAT-PRODUCT",
            "{where}: no product is called {met}",
            "use a name of configs/products.toml or configs/crops.toml",
            where=row.place,
            met=text,
        )
    return product


def _unit(row: Row, product: Product) -> float:
    text = row.needed("unit")
    for names, factor in _UNITS[product.unit].items():
        if re.sub(r"^(руб|rub)\.?/", "", plain(even(text))) in names.split("|"):
            return factor
    raise BadInput(
        "YIELD-UNIT",
        "{where}: the unit of {column} is {met}, expected {expected}",
        "write the unit, it is never guessed",
        where=row.place,
        column=product.code,
        met=text,
        expected=", ".join(names.split("|")[0] for names in _UNITS[product.unit]),
    )


def _published(row: Row, year: int, today: date) -> dict[str, Any]:
    """When and where a figure was published: never before its year began, never after today."""
    row.needed("vintage")
    vintage = row.day("vintage")
    if vintage is None or not date(year, 1, 1) <= vintage <= today:
        raise BadInput(
            "STAT-VINTAGE",
            "{where}: published on {met}, expected a day from {first} to {last}",
            "write the day on which this figure was published",
            where=row.place,
            met=row.cells["vintage"],
            first=f"{year}-01-01",
            last=today.isoformat(),
        )
    return {"vintage": vintage, "source": row.needed("source")}
