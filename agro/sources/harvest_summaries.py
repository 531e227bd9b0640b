"""The harvest as it comes: daily summaries, hectares threshed and tonnes in the bunker since it began."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.domain.harvest import SUMMARY_COLUMNS, Known
from agro.sources.record_rows import Row, check_yield, read_records, weighed, without_doubles
from agro.sources.season_fields import crop_of, crop_words
from agro.sources.statistics import TOTALS, district_of
from agro.sources.tables import even, plain
from agro.sources.yield_headings import Form

FORM = Form(
    {
        "day": "day|date|дата|день|на дату|as of",
        "district": "district|район|округ|муниципальный район|муниципальный округ|октмо|oktmo",
        "farm_id": "farm id|farm|хозяйство|организация|предприятие",
        "crop": "crop|культура",
        "threshed_ha": "threshed|обмолочено|обмолоченная площадь|убрано|area threshed|harvested area",
        "bunker_t": "bunker|намолочено|намолот|намолочено зерна|grain|production|threshed grain|вес|валовой намолот",
        "planned_ha": "planned|planned area|подлежит уборке|к уборке|план|план уборки|уборочная площадь|sown area",
        "weight_basis": "weight basis|basis|вид веса|какой вес|учет веса",
        "production_unit": "production unit|единица намолота",
        "area_unit": "area unit|единица площади",
        "unit": "unit|единица|ед изм|единица измерения",
    },
    ("day", "district / farm_id", "crop", "threshed_ha", "bunker_t"),
    "примечание|note|урожайность ц/га|урожайность т/га|yield t/ha|yield c/ha|процент|убрано процентов",
)
_FIRST = 1990  # [a] no earlier summary is of use
_SLACK = 1.02  # [1] threshed above planned, for rounding


def read_summaries(
    source: Path, known: Known, places: Mapping[str, str], farm_ids: Collection[str]
) -> tuple[pd.DataFrame, list[Refusal]]:
    """The table of the harvest as it comes (see `agro.domain.harvest`) and what was refused.

    Within a season a place's figures never fall: the fewest rows that break this are left out, by name.
    source     a file, or a folder of them
    places     the code of every word that means a district, as `plain` gives them
    farm_ids   the farms that have fields
    raises     BadInput where there is nothing to read
    """
    words = crop_words(known.crops)
    rows, refused = read_records(source, FORM, lambda row: _row(row, words, known, places, farm_ids))
    rows, twice = without_doubles(rows, ("day", "district", "farm_id", "crop"))
    rows, fallen = _rising(rows)
    table = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    table = table.sort_values(["day", "district", "farm_id", "crop"], ignore_index=True)
    return table, [*refused, *twice, *fallen]


def _row(
    row: Row, words: Mapping[str, str], known: Known, places: Mapping[str, str], farm_ids: Collection[str]
) -> dict[str, Any] | None:
    district, farm_id = row.cells.get("district"), row.cells.get("farm_id")
    if plain(even(district or farm_id or "")) in TOTALS:
        return None
    if not district and not farm_id:
        raise BadInput(
            "CSV-CELL", "{where}: {column} is empty", "fill it", where=row.place, column="district / farm_id"
        )
    if farm_id and farm_id not in farm_ids:
        raise BadInput(
            "FARM-UNKNOWN",
            "{where}: no field belongs to a farm {met}",
            "write the farm_id as the outlines have it",
            where=row.place,
            met=farm_id,
        )
    row.needed("day")
    day = row.day("day")
    if day is None or day > known.today or day.year < _FIRST:
        raise BadInput(
            "TABLE-DAY",
            "{where}: the day is {met}, which is to come or long past",
            "check the date",
            where=row.place,
            met=day.isoformat() if day else "-",
        )
    threshed_ha, bunker_t = _figures(row)
    crop = crop_of(row.needed("crop"), words, row.place)
    if threshed_ha > 0:
        check_yield(bunker_t / threshed_ha, crop, known, row.place)
    return {
        "day": day,
        "season": day.year,
        "district": district_of(district, places, row.place) if district else None,
        "farm_id": farm_id or None,
        "crop": crop,
        "threshed_ha": threshed_ha,
        "bunker_t": bunker_t,
        "planned_ha": row.figure("planned_ha"),
    }


def _figures(row: Row) -> tuple[float, float]:
    """Hectares threshed and tonnes in the bunker; what was threshed is by definition weighed there."""
    row.needed("threshed_ha"), row.needed("bunker_t")
    if row.cells.get("weight_basis") or any(c.basis for c in row.columns):
        basis, _ = weighed(row, ("bunker_t",))
        if basis != "bunker":
            raise BadInput(
                "SUMMARY-BASIS",
                "{where}: tonnes of barn weight, expected those of the bunker",
                "give what was threshed; what lay in the barn belongs to the harvest records",
                where=row.place,
            )
    threshed_ha, bunker_t, planned_ha = (row.figure(name) for name in ("threshed_ha", "bunker_t", "planned_ha"))
    if threshed_ha > _SLACK * planned_ha or (threshed_ha == 0 and bunker_t > 0):
        raise BadInput(
            "SUMMARY-AREA",
            "{where}: {met} ha are threshed of {planned}, with {bunker_t} t in the bunker",
            "check the hectares",
            where=row.place,
            met=threshed_ha,
            planned=planned_ha if planned_ha == planned_ha else "-",
            bunker_t=bunker_t,
        )
    return threshed_ha, bunker_t


def _rising(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """The longest part of each place's season in which no figure falls, and the rows that are not of it."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["day"]):
        groups.setdefault((row["season"], row["district"], row["farm_id"], row["crop"]), []).append(row)
    kept: list[dict[str, Any]] = []
    refused = []
    for own in groups.values():
        chain = _longest_chain([(row["threshed_ha"], row["bunker_t"]) for row in own])
        kept += [own[i] for i in chain]
        refused += [
            BadInput(
                "SUMMARY-FELL",
                "{where}: {ha} ha and {t} t do not fit between the days before and after, whose figures only grow",
                "give figures since the harvest began, not those of a day; or mend this one",
                where=row["place"],
                ha=row["threshed_ha"],
                t=row["bunker_t"],
            ).refusal
            for i, row in enumerate(own)
            if i not in set(chain)
        ]
    return kept, refused


def _longest_chain(points: Sequence[tuple[float, float]]) -> list[int]:
    """The numbers of the longest subsequence that falls in neither figure."""
    length, before = [1] * len(points), [-1] * len(points)
    for i, (ha, t) in enumerate(points):
        for j in range(i):
            if points[j][0] <= ha and points[j][1] <= t and length[j] >= length[i]:
                length[i], before[i] = length[j] + 1, j
    at = max(range(len(points)), key=lambda i: length[i])
    chain = [at]
    while before[at] >= 0:
        at = before[at]
        chain.append(at)
    return chain[::-1]
