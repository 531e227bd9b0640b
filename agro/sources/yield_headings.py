"""The headings of tables about harvest: which column is what, in which unit, by which weight. Nothing is guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from agro.domain.errors import BadInput, Refusal, Told
from agro.sources.tables import even, text_of

_T, _C, _HA = r"(?:тонн\w*|т|tonnes?|tons?|t)", r"(?:центнер\w*|ц|c|q|dt)", r"(?:гектар\w*|га|hectares?|ha)"
_LB, _ACRE = r"(?:lbs?|pounds?)", r"(?:acres?|ac)"
_H, _S, _M = r"(?:час\w*|ч|hours?|hr|h)", r"(?:сек\w*|с|seconds?|sec|s)", r"(?:метр\w*|м|metres?|meters?|m)"
_K, _PER = r"(?:тыс\w*\.?|thousand|k)", r"\s*(?:/|с|per|на|\s)\s*(?:1|одного)?\s*"
UNITS = {  # what is written, and how many of our unit it is; longer ones first
    "yield_t_ha": {
        rf"(?:килограмм\w*|кг|kg){_PER}{_HA}": 0.001,
        rf"{_T}{_PER}{_HA}": 1.0,
        rf"{_C}{_PER}{_HA}": 0.1,
        rf"{_LB}{_PER}{_ACRE}": 0.001120851,  # 0.45359237 kg on 4046.856 m2
    },
    "production_t": {
        rf"{_K}\s*{_T}": 1000.0,
        rf"{_K}\s*{_C}": 100.0,
        r"(?:килограмм\w*|кг|kg)": 0.001,
        _T: 1.0,
        _C: 0.1,
    },
    "area_ha": {rf"{_K}\s*{_HA}": 1000.0, _HA: 1.0},
    "moisture_pct": {r"(?:%|pct|percent|процент\w*)": 1.0},
    "flow_kg_s": {
        rf"(?:кг|kg){_PER}{_S}": 1.0,
        rf"(?:кг|kg){_PER}{_H}": 1 / 3600,
        rf"{_T}{_PER}{_H}": 1 / 3.6,
        rf"{_LB}{_PER}{_S}": 0.45359237,
    },
    "speed_m_s": {rf"(?:км|km){_PER}{_H}": 1 / 3.6, r"mph": 0.44704, rf"{_M}{_PER}{_S}": 1.0},
    "distance_m": {
        r"(?:см|cm)": 0.01,
        r"(?:мм|mm)": 0.001,
        r"(?:ft|feet|foot)": 0.3048,
        r"(?:inch(?:es)?|in)": 0.0254,
        _M: 1.0,
    },
    "interval_s": {r"(?:мс|ms)": 0.001, _S: 1.0},
    "heading_deg": {r"(?:deg\w*|град\w*|°)": 1.0},
}
_EXPECTED = {
    "yield_t_ha": "t/ha, c/ha, kg/ha",
    "production_t": "t, 1000 t, c, kg",
    "area_ha": "ha, 1000 ha",
    "moisture_pct": "%",
    "flow_kg_s": "kg/s, t/h, lb/s",
    "speed_m_s": "m/s, km/h, mph",
    "distance_m": "m, cm, ft, in",
    "interval_s": "s, ms",
    "heading_deg": "deg",
}
_BASES = {
    "bunker": r"бункер\w*|bunker|(?:первоначальн\w*\s+)?оприходован\w*",
    "barn": r"амбар\w*|barn|после\s+(?:доработки|подработки|очистки\s+и\s+сушки)|в доработке|чист\w*\s+вес\w*",
}
_FILLERS = (
    "в с по на и вес весе веса общая общий фактическая фактический культуры культур всего начала уборки зерна урожая "
    "the of in weight total"
)
QUANTITIES = {
    **{"threshed_ha": "area_ha", "planned_ha": "area_ha", "bunker_t": "production_t"},
    **{"swath_m": "distance_m", "dry_yield_t_ha": "yield_t_ha"},
}


@dataclass(frozen=True)
class Form:
    """A kind of table: the words of each column, and the columns that nothing stands in for.

    `machine`: written by one, with dozens of columns that nobody asks for; those without a unit are left out.
    """

    words: Mapping[str, str]
    needed: tuple[str, ...]
    left_alone: str = "примечание|примечания|сорт|variety|note|notes"
    machine: bool = False


@dataclass(frozen=True)
class Column:
    """A column that is read; factor None: its unit stands in a column of units; basis None: in one of weights."""

    place: int
    heading: str
    name: str
    factor: float | None = 1.0
    basis: str | None = None


def read_headings(
    headings: Sequence[Any], form: Form, where: str, said: Mapping[str, str] | None = None
) -> tuple[list[Column], list[Refusal]]:
    """The columns of a table, and one refusal for all that mean nothing here. Raises BadInput.

    said   headings that stand for others: what the one who sends the table says that they mean
    """
    names = {_key(alias): name for name, words in form.words.items() for alias in words.split("|")}
    alone = {_key(word) for word in form.left_alone.split("|")}
    columns: list[Column] = []
    unknown = []
    for place, cell in enumerate(headings):
        if not text_of(cell):
            continue
        column = _column(place, text_of(cell), (said or {}).get(text_of(cell), text_of(cell)), names)
        if column is None:
            unknown += [] if _key(_bare(even(text_of(cell)))) in alone else [text_of(cell)]
            continue
        for other in columns:
            if (other.name, other.basis) == (column.name, column.basis):
                raise BadInput(
                    "CSV-COLUMN-TWICE",
                    "{where}: the columns {one} and {other} both hold {name}",
                    "keep one of them",
                    where=where,
                    one=other.heading,
                    other=column.heading,
                    name=column.name,
                )
        columns.append(column)
    without = [column for column in columns if column.factor is None]
    if form.machine:
        columns = [column for column in columns if column.factor is not None]
    _check(columns, form, without, unknown, where)
    return columns, [_unread(unknown, names, where)] if unknown and not form.machine else []


def factor_of(column: Column, cells: Mapping[str, str], place: Told) -> float:
    """How many of our unit one of the column's is: by its heading, or by the row's cell of units. Raises BadInput."""
    if column.factor is not None:
        return column.factor
    kind = QUANTITIES.get(column.name, column.name)
    said = cells.get(f"{kind.split('_')[0]}_unit") or cells.get("unit") or ""
    for unit, factor in UNITS[kind].items():
        if re.fullmatch(unit, even(said).strip(" .")):
            return factor
    raise BadInput(
        "YIELD-UNIT",
        "{where}: the unit of {column} is {met}, expected {expected}",
        "write the unit, it is never guessed",
        where=place,
        column=column.heading,
        met=said or "-",
        expected=_EXPECTED[kind],
    )


def basis_of(text: str, place: Told) -> str | None:
    """The weight that a cell or heading names; None where it names none. Raises BadInput where it names both."""
    found = [code for code, words in _BASES.items() if re.search(words, even(text))]
    if len(found) > 1:
        raise BadInput(
            "HARVEST-BASIS",
            "{where}: the weight is {met}, expected bunker or barn, not both",
            "say by which weight the figure is; give two rows or columns where you have both",
            where=place,
            met=text,
        )
    return found[0] if found and not re.search(r"\b(?:не|not|no)\b", even(text)) else None


def _column(place: int, heading: str, meant: str, names: Mapping[str, str]) -> Column | None:
    text = even(meant)
    basis = next((code for code, words in _BASES.items() if re.search(rf"\b(?:{words})\b", text)), None)
    own = names.get(_key(text))
    if own is not None and QUANTITIES.get(own, own) not in UNITS:
        return Column(place, heading, own)
    if meant in names.values():
        return Column(place, heading, meant, 1.0, basis)
    for name in dict.fromkeys([*names.values()]):
        kind = QUANTITIES.get(name, name)
        for unit, factor in UNITS.get(kind, {}).items():
            rest = re.sub(rf"(?:^|(?<=[\s,(;]))(?:{unit})\.?(?=$|[\s,);])", " ", text)
            if rest != text and names.get(_key(_bare(rest))) == name:
                return Column(place, heading, name, factor, basis)
    found = names.get(_key(_bare(text)))
    if found is None:
        return None
    quantity = QUANTITIES.get(found, found) in UNITS
    return Column(place, heading, found, None if quantity else 1.0, basis if quantity else None)


def _bare(text: str) -> str:
    """A heading without the words for its weight."""
    for words in _BASES.values():
        text = re.sub(rf"\b(?:{words})\b", " ", text)
    return text


def _key(text: str) -> str:
    words = re.findall(r"[a-zа-я0-9]+", even(text))
    return " ".join([word for word in words if word not in _FILLERS.split()] or words)


def _check(
    columns: Sequence[Column], form: Form, without: Sequence[Column], unknown: Sequence[str], where: str
) -> None:
    names = {column.name for column in columns}
    missing = [need for need in form.needed if not names & set(need.split(" / "))]
    own = [c for c in without if f"{QUANTITIES.get(c.name, c.name).split('_')[0]}_unit" not in names]
    own = [c for c in own if not form.machine or any(c.name in need for need in missing)]
    if missing and not (form.machine and own):
        raise BadInput(
            "CSV-MISSING",
            "{where}: no column says {missing}; not known are {met}",
            "add it, with its unit; units, weight and moisture are never guessed",
            where=where,
            missing="; ".join(missing),
            met=", ".join(unknown[:12]) or "-",
        )
    if own and not ("unit" in names and len(own) == 1):
        raise BadInput(
            "YIELD-UNIT",
            "{where}: the unit of {column} is {met}, expected {expected}",
            "write the unit, it is never guessed",
            where=where,
            column=", ".join(column.heading for column in own),
            met="-",
            expected=_EXPECTED[QUANTITIES.get(own[0].name, own[0].name)],
        )


def _unread(unknown: Sequence[str], names: Mapping[str, str], where: str) -> Refusal:
    near = {heading: get_close_matches(_key(_bare(heading)), names, n=1, cutoff=0.8) for heading in unknown}
    return BadInput(
        "CSV-UNREAD",
        "{where}: not read, because nothing here is called so: {met}",
        "did you mean {near}?" if any(near.values()) else "nothing, if you do not need these columns",
        where=where,
        met=", ".join(unknown[:12]) + (", ..." if len(unknown) > 12 else ""),
        near=", ".join(f"{heading} -> {names[key[0]]}" for heading, key in near.items() if key),
    ).refusal
