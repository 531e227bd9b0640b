"""What grew where: the table of fields and seasons, CSV or XLSX, with Russian or English headings."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.land import SEASON_COLUMNS, STRAW, Crop
from agro.sources.tables import check_columns, day, plain, read_rows, unknown_column

_HEADINGS = {
    "поле": "field_id",
    "номер поля": "field_id",
    "сезон": "season",
    "год": "season",
    "культура": "crop",
    "сорт": "variety",
    "дата посева": "sown_on",
    "посев": "sown_on",
    "дата уборки": "harvested_on",
    "уборка": "harvested_on",
    "предшественник": "previous_crop",
    "солома": "straw",
    "внесено n, кг д.в./га": "n_kg_ha",
    "внесено p2o5, кг д.в./га": "p2o5_kg_ha",
    "внесено k2o, кг д.в./га": "k2o_kg_ha",
    "внесено навоза, т/га": "manure_t_ha",
}
_STRAW = {"оставлена": "left", "убрана": "removed", "left": "left", "removed": "removed"}
_NEEDED = ("field_id", "season", "crop")
_LIMIT_KG_HA = 1000.0  # [kg/ha] more nutrient than this in a season is a slip of unit
_LIMIT_T_HA = 150.0  # [t/ha] of manure, likewise
_SEASONS = range(1990, 2101)


def read_season_fields(
    path: Path, crops: Sequence[Crop], field_ids: Collection[str]
) -> tuple[pd.DataFrame, list[Refusal]]:
    """The season table (see `agro.domain.land`), one row a field and season, and the rows that were refused.

    Dates are YYYY-MM-DD or DD.MM.YYYY, numbers may have a decimal comma, nutrients are [kg/ha] of active substance.
    raises   BadInput where the file as a whole cannot be used
    """
    rows, where = read_rows(path), path.name
    if not rows:
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=where
        )
    columns = _columns(rows[0], where)
    words = crop_words(crops)
    good, refused, seen = [], [], set()
    for number, cells in enumerate(rows[1:], start=2):
        if not any(str(cell or "").strip() for cell in cells):
            continue
        place = Told("{file}, row {n}", {"file": where, "n": number})
        try:
            if len(cells) != len(columns):
                raise BadInput(
                    "CSV-ROW",
                    "{where}: {met} cells, the heading has {expected}",
                    "mend the row",
                    where=place,
                    met=len(cells),
                    expected=len(columns),
                )
            row = _row(dict(zip(columns, cells, strict=True)), words, place)
            if row["field_id"] not in field_ids:
                raise BadInput(
                    "SEASON-FIELD",
                    "{where}: there is no field {met} among the outlines",
                    "check the id, or add the outline",
                    where=place,
                    met=row["field_id"],
                )
            if (row["field_id"], row["season"]) in seen:
                raise BadInput(
                    "SEASON-TWICE",
                    "{where}: field {field_id} has season {season} already",
                    "keep one row a field and season",
                    where=place,
                    **{k: row[k] for k in ("field_id", "season")},
                )
            seen.add((row["field_id"], row["season"]))
            good.append(row)
        except AgroError as error:
            refused.append(error.refusal)
    return pd.DataFrame(good, columns=list(SEASON_COLUMNS)), refused


def _columns(heading: Sequence[Any], where: str) -> list[str]:
    names = []
    for cell in heading:
        word = plain(cell)
        name = _HEADINGS.get(word, word)
        if name not in SEASON_COLUMNS:
            raise unknown_column(where, cell, word, [*_HEADINGS, *SEASON_COLUMNS])
        names.append(name)
    check_columns(where, names, [name for name in _NEEDED if name not in names], _NEEDED)
    return names


def _row(cells: Mapping[str, Any], words: Mapping[str, str], where: Told) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SEASON_COLUMNS)
    for name, cell in cells.items():
        text = "" if cell is None else str(cell).strip()
        if not text:
            if name in _NEEDED:
                raise BadInput("CSV-CELL", "{where}: {column} is empty", "fill it", where=where, column=name)
        elif name in ("sown_on", "harvested_on"):
            row[name] = day(cell, text, where, name)
        elif name == "season":
            row[name] = season_of(text, where)
        elif name.endswith("_kg_ha"):
            row[name] = _dose(text, where, name, _LIMIT_KG_HA, Told("kg/ha", {}))
        elif name.endswith("_t_ha"):
            row[name] = _dose(text, where, name, _LIMIT_T_HA, Told("tonnes a hectare", {}))
        elif name in ("crop", "previous_crop"):
            row[name] = crop_of(text, words, where)
        elif name == "straw":
            row[name] = _straw(text, where)
        else:
            row[name] = text.removesuffix(".0") if isinstance(cell, float) else text
    if row["sown_on"] and row["harvested_on"] and row["harvested_on"] < row["sown_on"]:
        raise BadInput("SEASON-ORDER", "{where}: harvested before it was sown", "check the two dates", where=where)
    return row


def season_of(text: str, where: Told, seasons: range = _SEASONS) -> int:
    """The year of harvest that a cell names. Raises BadInput."""
    if not re.fullmatch(r"\d{4}(\.0)?", text) or int(text[:4]) not in seasons:
        raise BadInput(
            "CSV-SEASON",
            "{where}: the season is {met}, expected a year",
            "write the year of harvest",
            where=where,
            met=text,
        )
    return int(text[:4])


def _dose(text: str, where: Told, column: str, limit: float, unit: Told) -> float:
    try:
        value = float(text.replace(",", ".").replace("\u00a0", ""))
    except ValueError:
        value = -1.0
    if not 0 <= value <= limit:
        raise BadInput(
            "CSV-NUMBER",
            "{where}: {column} is {met}, expected 0 to {limit} {unit}",
            "check the number and its unit",
            where=where,
            column=column,
            met=text,
            limit=limit,
            unit=unit,
        )
    return value


def crop_words(crops: Sequence[Crop]) -> dict[str, str]:
    """The code of every word that people write for a crop, the words as `plain` gives them."""
    return {plain(word): crop.code for crop in crops for word in (crop.code, crop.english, crop.russian, *crop.also)}


def crop_of(text: str, words: Mapping[str, str], where: Told | str) -> str:
    """The code of the crop that a cell names, by `crop_words`. Raises BadInput."""
    code = words.get(plain(text))
    if code is None:
        near = get_close_matches(plain(text), list(words), n=1)
        raise BadInput(
            "CROP-UNKNOWN",
            "{where}: unknown crop {met}",
            "did you mean {near}?" if near else "use a name of configs/crops.toml, or add it there",
            where=where,
            met=text,
            near=", ".join(near),
        )
    return code


def _straw(text: str, where: Told) -> str:
    if plain(text) not in _STRAW:
        raise BadInput(
            "CSV-STRAW",
            "{where}: straw is {met}, expected {expected}",
            "say left or removed",
            where=where,
            met=text,
            expected=", ".join(STRAW),
        )
    return _STRAW[plain(text)]
