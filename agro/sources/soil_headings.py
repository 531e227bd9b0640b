"""The headings of laboratory tables: what a column holds, in which unit, by which method. Nothing is guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.soil import DETERMINANDS
from agro.sources.tables import even

_LOOKALIKES = str.maketrans("аверкмнорстху", "abepkmhopctxy")  # Cyrillic letters that stand in formulas as Latin ones
_METHOD_WORDS = {
    "chirikov": r"чириков\w*|chirikov|гост\s*26204[-\d]*",
    "kirsanov": r"кирсанов\w*|kirsanov|гост\s*26207[-\d]*|гост\s*р?\s*54650[-\d]*",
    "machigin": r"мачигин\w*|machigin|гост\s*26205[-\d]*",
    "maslova": r"маслов\w*|maslova|гост\s*26210[-\d]*",
    "krupsky_aleksandrova": r"крупск\w*|krupsky|александров\w*|aleksandrova|гост\s*р?\s*5068[356][-\d]*|"
    r"ацетатно\s*[-–]?\s*аммонийн\w*(\s*буфер\w*)?(\s*(рн|ph)\s*4[.,]8)?",
    "peive_rinkis": r"пейв\w*|риньк\w*|peive|rinkis|гост\s*р?\s*5068[247][-\d]*",
    "berger_truog": r"бергер\w*|труог\w*|berger|truog|гост\s*р?\s*50688[-\d]*",
    "grigg": r"григ\w*|grigg|гост\s*р?\s*50689[-\d]*",
}
_UNITS = {  # what is written, and how many of our unit it is
    "mg/100g": (r"(мг|mg)\s*(/|на|per)\s*100\s*(г|g)\b\.?", 10.0),
    "mmol/100g": (
        r"(мг[\s.-]*экв|мэкв|ммоль|meq|mmol)\.?\s*(/|на|per)\s*100\s*(г|g)\b\.?|(смоль|cmol)\s*(/|на|per)\s*(кг|kg)\b",
        1.0,
    ),
    "mg/kg": (r"(мг|mg)\s*(/|на|per)?\s*(кг|kg)\b|\bppm\b|млн\s*[-–−]\s*1", 1.0),
    "%": (r"%|\bpct\b|процент\w*", 1.0),
    "cm": (r"\b(см|cm)\b", 1.0),
    "pH": (r"ед\.?\s*(рн|ph)|\bpH units\b", 1.0),
}
_FILLERS = (
    "содержание массовая доля подвижный подвижная подвижные подвижных подвижного обменный обменного обменная доступный "
    "соединения соединений форма формы по методу метод определения в на пересчете модификации мод цинао гост р "
    "почвы method available mobile exchangeable content of by in the as soil"
)
_ALIASES = {
    "sample_id": "sample id|sample|номер образца|n образца|образец|номер пробы|n пробы|проба|лабораторный номер",
    "field_id": "field id|field|поле|номер поля|n поля",
    "depth_from_cm": "depth from|глубина от|верхняя граница",
    "depth_to_cm": "depth to|глубина до|нижняя граница",
    "depth_cm": "depth|глубина|глубина отбора|слой|горизонт",
    "sampled_on": "sampled on|sampling date|дата отбора|дата отбора пробы|дата отбора проб|дата отбора образца",
    "laboratory": "laboratory|lab|лаборатория|организация исполнитель",
    "lon": "lon|longitude|долгота",
    "lat": "lat|latitude|широта",
    "x": "x|x m|x м",
    "y": "y|y m|y м",
    "humus_pct": "humus|гумус|органическое вещество|органического вещества|soil organic matter tyurin",
    "ph_kcl": "ph kcl|phkcl|ph сол|phсол|ph солевой|ph солевой вытяжки|ph kcl вытяжки|кислотность ph kcl",
    "p2o5_mg_kg": "p2o5|фосфор|фосфор p2o5|фосфора|фосфора p2o5|p2o5 фосфор",
    "k2o_mg_kg": "k2o|калий|калий k2o|калия|калия k2o|k2o калий",
    "n_no3_mg_kg": "n no3|no3 n|нитратный азот|азот нитратный|азот нитратов|азота нитратов|нитратного азота|nitrate n",
    "s_mg_kg": "s|сера|серы|сера s|sulphur|sulfur",
    "hydrolytic_mmol_100g": "hydrolytic acidity|гидролитическая кислотность|гидролитической кислотности|нг|hг",
    "cu_mg_kg": "cu|медь|меди|медь cu|copper",
    "zn_mg_kg": "zn|цинк|цинка|цинк zn|zinc",
    "mn_mg_kg": "mn|марганец|марганца|марганец mn|manganese",
    "co_mg_kg": "co|кобальт|кобальта|кобальт co|cobalt",
    "b_mg_kg": "b|бор|бора|бор b|boron",
    "mo_mg_kg": "mo|молибден|молибдена|молибден mo|molybdenum",
    "method": "method|метод|метод определения",
    "p2o5_method": "method p2o5|метод фосфор|метод фосфора",
    "k2o_method": "method k2o|метод калий|метод калия",
    "cu_method": "method cu|метод медь|метод меди",
    "zn_method": "method zn|метод цинк|метод цинка",
    "mn_method": "method mn|метод марганец|метод марганца",
    "co_method": "method co|метод кобальт|метод кобальта",
    "b_method": "method b|метод бор|метод бора",
    "mo_method": "method mo|метод молибден|метод молибдена",
}
_TWO_MEANINGS = {  # headings that name two different things: what they may mean, and how to write it
    "p": "P / P2O5",
    "phosphorus": "P / P2O5",
    "k": "K / K2O",
    "potassium": "K / K2O",
    "no3": "NO3 / N-NO3",
    "нитраты": "NO3 / N-NO3",
    "нитратов": "NO3 / N-NO3",
    "nitrate": "NO3 / N-NO3",
    "n": "N / N-NO3",
    "азот": "N / N-NO3",
    "ph": "pH KCl / pH H2O",
    "кислотность": "pH KCl / pH H2O",
    "дата": "sampled_on / analysed_on",
    "date": "sampled_on / analysed_on",
}


@dataclass(frozen=True)
class Said:
    """What the file does not say and the person who sends it does.

    `methods` and `units` by determinand (`{"p2o5_mg_kg": "chirikov"}`, `{"humus_pct": "%"}`), `crs` of columns x and y
    (lon and lat are WGS 84), the day of sampling, the layer [cm], the laboratory, the layer of a GeoPackage.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    sampled_on: date | None = None
    depth_cm: tuple[float, float] | None = None
    laboratory: str | None = None
    layer: str | None = None


@dataclass(frozen=True)
class Column:
    """A column that is read: its place, the heading as written, what it holds, times what, by which method."""

    place: int
    heading: str
    name: str
    factor: float = 1.0
    method: str | None = None


def read_headings(headings: Sequence[Any], said: Said, where: str) -> tuple[list[Column], list[Refusal]]:
    """The columns that can be read, and a refusal for each that cannot, and one for all that mean nothing here."""
    columns: list[Column] = []
    refused, unknown = [], []
    for place, heading in enumerate(headings):
        if heading is None or not str(heading).strip():
            continue
        try:
            column = _column(place, str(heading).strip(), said, where)
        except AgroError as error:
            refused.append(error.refusal)
            continue
        if column is None:
            unknown.append(str(heading).strip())
        elif column.name in (names := [other.name for other in columns]):
            twice = columns[names.index(column.name)].heading
            raise BadInput(
                "SOIL-COLUMN-TWICE",
                "{where}: the columns {one} and {other} both hold {name}",
                "keep one of them",
                where=where,
                one=twice,
                other=column.heading,
                name=column.name,
            )
        else:
            columns.append(column)
    if unknown:
        refused.append(_unread(unknown, where))
    return columns, refused


def method_of(text: str) -> str | None:
    """The extraction method that a text names, by its author or its GOST; none where it names none or several."""
    found = [code for code, words in _METHOD_WORDS.items() if re.search(words, even(text))]
    return found[0] if len(found) == 1 else None


def _column(place: int, heading: str, said: Said, where: str) -> Column | None:
    text = even(heading)
    unit = next((unit for unit, (words, _) in _UNITS.items() if re.search(words, text)), None)
    rest = text
    for words in (*(words for words, _ in _UNITS.values()), *_METHOD_WORDS.values()):
        rest = re.sub(words, " ", rest)
    key = _key(rest)
    if key in _TWO:
        raise BadInput(
            "SOIL-TWO-MEANINGS",
            "{where}: the column {heading} may be {meanings}; it is left out",
            "write in the heading which of them it is",
            where=where,
            heading=heading,
            meanings=_TWO[key],
        )
    name = heading if heading in _ALIASES else _NAMES.get(key)
    if name is None:
        return None
    if name == "depth_cm" or name.startswith("depth_"):
        return Column(place, heading, name, _factor(name, unit or said.units.get(name), ("cm",), heading, where))
    if name not in DETERMINANDS:
        return Column(place, heading, name)
    known = {"%": ("%",), "pH": ("pH",), "mg/kg": ("mg/kg", "mg/100g"), "mmol/100g": ("mmol/100g",)}[
        DETERMINANDS[name].unit
    ]
    unit = "pH" if known == ("pH",) and unit is None else unit or said.units.get(name)
    method = method_of(heading) or said.methods.get(name)
    if method is not None and DETERMINANDS[name].methods and method not in DETERMINANDS[name].methods:
        raise _unknown_method(method, heading, where, DETERMINANDS[name].methods)
    return Column(place, heading, name, _factor(name, unit, known, heading, where), method)


def _factor(name: str, unit: str | None, known: tuple[str, ...], heading: str, where: str) -> float:
    if unit in known:
        return _UNITS[unit][1]
    raise BadInput(
        "SOIL-UNIT",
        "{where}: the column {heading} says the unit {met}, expected {expected}; it is left out",
        "write the unit in the heading, for instance «P2O5, mg/kg»",
        where=where,
        heading=heading,
        met=unit or "-",
        expected=" / ".join(known),
    )


def _unknown_method(method: str, heading: str, where: str, known: Sequence[str]) -> BadInput:
    return BadInput(
        "SOIL-METHOD",
        "{where}: the column {heading} is by the method {met}, expected {expected}; it is left out",
        "name the extraction method that the laboratory's report states",
        where=where,
        heading=heading,
        met=method,
        expected=", ".join(known),
    )


def _unread(unknown: Sequence[str], where: str) -> Refusal:
    near = {heading: get_close_matches(_key(even(heading)), _NAMES, n=1, cutoff=0.8) for heading in unknown}
    return BadInput(
        "SOIL-COLUMNS",
        "{where}: not read, because nothing here is called so: {met}",
        "did you mean {near}?" if any(near.values()) else "nothing, if you do not need these columns",
        where=where,
        met=", ".join(unknown[:12]) + (", ..." if len(unknown) > 12 else ""),
        near=", ".join(f"{heading} -> {_NAMES[key[0]]}" for heading, key in near.items() if key),
    ).refusal


def _key(text: str) -> str:
    """The words that carry meaning, look-alike letters folded."""
    words = re.findall(r"[a-zа-я0-9]+", text)
    left = [word for word in words if word not in _FILLERS.split()]
    if words and ({words[0], words[-1]} & {"метод", "method"}):
        left = ["method", *left]
    return " ".join(left or words).translate(_LOOKALIKES)


_NAMES = {_key(alias): name for name, words in _ALIASES.items() for alias in words.split("|")}
_TWO = {_key(word): meanings for word, meanings in _TWO_MEANINGS.items()}
