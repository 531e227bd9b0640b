"""Strip trials as people keep them: a row a place or strip, with the dose that was given and the yield that came."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.sources.tables import check_columns, plain, read_rows, unknown_column

TRIAL_COLUMNS = ("field_id", "season", "rep", "strip", "zone", "lon", "lat", "dose_kg_ha", "yield_t_ha")
_PLAIN = {
    "поле": "field_id",
    "сезон": "season",
    "год": "season",
    "повторность": "rep",
    "повторение": "rep",
    "полоса": "strip",
    "делянка": "strip",
    "зона": "zone",
    "долгота": "lon",
    "широта": "lat",
}
_NEEDED = ("field_id", "season", "rep", "strip", "dose_kg_ha", "yield_t_ha")
_DOSE = re.compile(
    r"^(?:(?:dose|доза|внесено|норма|rate|dose_kg_ha)[ ,:_]*)?(?P<nutrient>n|p2o5|k2o|s)?[ ,_]*(?P<unit>.*)$"
)
_NUTRIENT_UNITS = ("kg_ha", "kg/ha", "кг/га", "кг д.в./га", "кг д.в/га", "кг дв/га")
_YIELD = {"yield_t_ha": 1.0, "урожайность, т/га": 1.0, "урожайность, ц/га": 0.1, "yield, t/ha": 1.0, "yield_dt_ha": 0.1}
_DOSE_WORDS = ("dose", "доза", "внесено", "норма", "rate")
_MOST_KG_HA, _MOST_T_HA = 1000.0, 150.0


@dataclass(frozen=True)
class _Heading:
    """What each column holds, the factor of the yield, the nutrient of the dose."""

    names: tuple[str, ...]
    yield_factor: float
    nutrient: str


def read_trials(path: Path, field_ids: Sequence[str]) -> tuple[pd.DataFrame, list[Refusal]]:
    """The table of trials (TRIAL_COLUMNS and `nutrient`), and the rows that were refused.

    The heading of the dose names the nutrient and its unit: `n_kg_ha` or `N, кг д.в./га`; of the yield t/ha or ц/га.
    raises  BadInput where the table as a whole cannot be used, DOSE-UNIT where the dose has no unit
    """
    rows, where = read_rows(path), path.name
    if len(rows) < 2:
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=where
        )
    heading = _heading(rows[0], where)
    good, refused = [], []
    for number, cells in enumerate(rows[1:], start=2):
        if not any(str(cell or "").strip() for cell in cells):
            continue
        place = Told("{file}, row {n}", {"file": where, "n": number})
        try:
            good.append(_row(dict(zip(heading.names, cells, strict=False)), heading, field_ids, place))
        except AgroError as error:
            refused.append(error.refusal)
    return pd.DataFrame(good, columns=[*TRIAL_COLUMNS, "nutrient"]), refused


def _heading(cells: Sequence[Any], where: str) -> _Heading:
    names, factor, nutrient = [], 1.0, ""
    for cell in cells:
        word = plain(cell)
        if word in _YIELD:
            names.append("yield_t_ha")
            factor = _YIELD[word]
        elif _PLAIN.get(word, word) in TRIAL_COLUMNS and word != "dose_kg_ha":
            names.append(_PLAIN.get(word, word))
        else:
            nutrient = _nutrient(cell, word, where)
            names.append("dose_kg_ha")
    check_columns(where, names, [name for name in _NEEDED if name not in names], _NEEDED)
    return _Heading(tuple(names), factor, nutrient)


def _nutrient(cell: Any, word: str, where: str) -> str:
    """The nutrient that a heading of a dose names, with a unit that says it is nutrient and not product."""
    found = _DOSE.match(word)
    if found and found["nutrient"] and found["unit"] in _NUTRIENT_UNITS:
        return found["nutrient"]
    if found and (found["nutrient"] or word.startswith(_DOSE_WORDS)):
        raise BadInput(
            "DOSE-UNIT",
            "{where}: the column {met} does not say of what and in which unit the dose is",
            "write for instance «N, кг д.в./га»: kilograms of nutrient, not of product",
            where=where,
            met=str(cell),
        )
    raise unknown_column(where, cell, word, [*_PLAIN, *TRIAL_COLUMNS, *_YIELD])


def _row(cells: Mapping[str, Any], heading: _Heading, field_ids: Sequence[str], where: Told) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(TRIAL_COLUMNS)
    for name, cell in cells.items():
        text = "" if cell is None else str(cell).strip()
        if not text and name in _NEEDED:
            raise BadInput("CSV-CELL", "{where}: {column} is empty", "fill it", where=where, column=name)
        if not text:
            continue
        if name == "dose_kg_ha":
            row[name] = _number(text, where, name, 0.0, _MOST_KG_HA)
        elif name == "yield_t_ha":
            row[name] = heading.yield_factor * _number(text, where, name, 0.0, _MOST_T_HA / heading.yield_factor)
        elif name in ("lon", "lat"):
            row[name] = _number(text, where, name, -180.0, 180.0)
        elif name == "season":
            row[name] = int(_number(text, where, name, 1990, 2100))
        else:
            row[name] = text.removesuffix(".0") if isinstance(cell, float) else text
    if row["field_id"] not in field_ids:
        raise BadInput(
            "SEASON-FIELD",
            "{where}: there is no field {met} among the outlines",
            "check the id, or add the outline",
            where=where,
            met=row["field_id"],
        )
    return row | {"nutrient": heading.nutrient}


def _number(text: str, where: Told, column: str, lowest: float, highest: float) -> float:
    try:
        value = float(text.replace(",", ".").replace("\u00a0", ""))
    except ValueError:
        value = float("nan")
    if not lowest <= value <= highest:
        raise BadInput(
            "TRIAL-NUMBER",
            "{where}: {column} is {met}, expected {lowest} to {highest}",
            "check the number and its unit",
            where=where,
            column=column,
            met=text,
            lowest=lowest,
            highest=highest,
        )
    return value
