"""Statistics of districts: area and production of a crop by category of farm, each revision beside the last."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import BadInput, Refusal, Told
from agro.domain.harvest import STATISTICS_COLUMNS, Known
from agro.sources.harvest import close_figures
from agro.sources.record_rows import (
    Row,
    check_yield,
    of_mixed_weight,
    read_records,
    weighed,
    without_doubles,
    without_mistaken_units,
)
from agro.sources.season_fields import crop_of, crop_words, season_of
from agro.sources.tables import even, plain
from agro.sources.yield_headings import Form

FORM = Form(
    {
        "district": "district|район|округ|муниципальный район|муниципальный округ|октмо|oktmo",
        "crop": "crop|культура|вид культуры",
        "category": "category|category of farm|категория|категория хозяйств|категории хозяйств|категория хозяйства",
        "season": "season|year|сезон|год",
        "area_ha": "area|harvested area|площадь|убранная площадь|посевная площадь|уборочная площадь|sown area",
        "production_t": "production|валовой сбор|валовый сбор|валовые сборы|сбор|произведено",
        "yield_t_ha": "yield|урожайность",
        "weight_basis": "weight basis|basis|вид веса|какой вес|учет веса|весовая база",
        "vintage": "vintage|выпуск|версия|публикация|дата публикации|published|published on|опубликовано",
        "yield_unit": "yield unit|единица урожайности",
        "production_unit": "production unit|единица сбора",
        "area_unit": "area unit|единица площади",
        "unit": "unit|единица|ед изм|единица измерения",
        "source": "source|источник",
    },
    ("district", "crop", "category", "season", "production_t / yield_t_ha", "vintage"),
)
_CATEGORIES = {
    "all": "all|все категории|хозяйства всех категорий|всего|все хозяйства|all farms|total",
    "organisations": "organisations|organizations|enterprises|сельскохозяйственные организации|сельхозорганизации|"
    "сельхозпредприятия|схо|agricultural organisations|agricultural organizations|organisation",
    "farmers": "farmers|farmer|крестьянские (фермерские) хозяйства|крестьянские фермерские хозяйства|кфх|кфх и ип|"
    "фермеры|peasant farms|крестьянские (фермерские) хозяйства и индивидуальные предприниматели",
    "households": "households|household|хозяйства населения|население|лпх|household plots",
}
_VINTAGES = {
    "preliminary": "preliminary|предварительные|предварительный|предварительно|оперативные|first",
    "final": "final|окончательные|окончательный|окончательно|уточненные|revised",
}
_FIRST = 1930  # [a] the first statistics that could be of use
_ROUNDED_T = 100.0  # [t] production is published in tenths of a thousand tonnes
TOTALS = {"итого", "всего", "итого по области", "всего по области", "total"}


def read_statistics(source: Path, known: Known, places: Mapping[str, str]) -> tuple[pd.DataFrame, list[Refusal]]:
    """The table of statistics (see `agro.domain.harvest`) and what was refused.

    source   a file, or a folder of them
    places   the code of every word that means a district: codes, names old and new, OKTMO; as `plain` gives them
    raises   BadInput where there is nothing to read
    """
    words = crop_words(known.crops)
    rows, refused = read_records(source, FORM, lambda row: _row(row, words, known, places))
    rows, twice = without_doubles(rows, ("district", "crop", "category", "season", "weight_basis", "vintage"))
    rows, mistaken = without_mistaken_units(rows, known)
    table = pd.DataFrame(rows, columns=list(STATISTICS_COLUMNS))
    table = table.sort_values(["season", "district", "crop", "category", "vintage"], ignore_index=True)
    return table, [
        *refused,
        *twice,
        *mistaken,
        *of_mixed_weight(rows, lambda row: f"{row['district']} ({row['category']})"),
    ]


def district_of(text: str, places: Mapping[str, str], place: Told) -> str:
    """The code of the district that a cell names. Raises BadInput."""
    word = plain(even(text))
    code = places.get(word) or places.get(re.sub(r"(000)+$", "", word) if word.isdigit() else word)
    if code is None:
        raise BadInput(
            "DISTRICT-UNKNOWN",
            "{where}: unknown district {met}",
            "write its name or OKTMO code as configs/districts.toml has it, or add it there",
            where=place,
            met=text,
        )
    return code


def category_of(row: Row) -> str:
    """The code of the category of farm that a row names. Raises BadInput."""
    return _word(row, "category", _CATEGORIES)


def _row(row: Row, words: Mapping[str, str], known: Known, places: Mapping[str, str]) -> dict[str, Any] | None:
    name = row.needed("district")
    if plain(even(name)) in TOTALS:
        return None
    basis, figures = weighed(row, ("yield_t_ha", "production_t"))
    figures["area_ha"] = row.figure("area_ha")
    close_figures(figures, row, _ROUNDED_T)
    crop = crop_of(row.needed("crop"), words, row.place)
    check_yield(figures["yield_t_ha"], crop, known, row.place)
    vintage, known_on = _vintage(row, known.today)
    return {
        "district": district_of(name, places, row.place),
        "crop": crop,
        "category": category_of(row),
        "season": season_of(row.needed("season"), row.place, range(_FIRST, known.today.year + 1)),
        **figures,
        "weight_basis": basis,
        "vintage": vintage,
        "known_on": known_on,
        **({"source": row.cells["source"]} if row.cells.get("source") else {}),
    }


def _word(row: Row, name: str, words: Mapping[str, str]) -> str:
    text = row.needed(name)
    for code, said in words.items():
        if plain(even(text)) in said.split("|"):
            return code
    raise BadInput(
        "TABLE-WORD",
        "{where}: {column} is {met}, expected {expected}",
        "write one of these",
        where=row.place,
        column=name,
        met=text,
        expected=", ".join(words),
    )


def _vintage(row: Row, today: date) -> tuple[str, date | None]:
    """What the publisher calls this figure, and the day by which it was known where that says it."""
    text = row.needed("vintage")
    if not re.search(r"\d", text):
        return _word(row, "vintage", _VINTAGES), None
    year = re.fullmatch(r"(19|20)\d\d", text)
    known_on = date(int(text), 1, 1) if year else row.day("vintage")
    if known_on is None or known_on > today:
        raise BadInput(
            "TABLE-DAY",
            "{where}: the day is {met}, which is to come or long past",
            "check the date",
            where=row.place,
            met=text,
        )
    return (text, min(date(int(text), 12, 31), today)) if year else (known_on.isoformat(), known_on)
