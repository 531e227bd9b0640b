"""Harvest of fields: the farm's record of each field and season, CSV or XLSX, Russian or English headings."""

import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.domain.harvest import HARVEST_COLUMNS, Known
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
from agro.sources.tables import plain
from agro.sources.yield_headings import Form

FORM = Form(
    {
        "field_id": "field id|field|поле|номер поля|n поля|участок",
        "season": "season|year|сезон|год|год урожая|year of harvest",
        "crop": "crop|культура",
        "harvested_on": "harvested on|harvest date|дата уборки|уборка|дата обмолота|день уборки",
        "sown_on": "sown on|sowing date|дата посева|посев",
        "area_ha": "area|harvested area|площадь|убранная площадь|площадь убранная|площадь уборки|убрано|обмолочено",
        "yield_t_ha": "yield|урожайность|grain yield|crop yield",
        "production_t": "production|валовой сбор|валовый сбор|сбор|намолочено|намолот|вес|масса|собрано|harvest",
        "weight_basis": "weight basis|basis|вид веса|какой вес|учет веса|вес учтен|весовая база",
        "moisture_pct": "moisture|grain moisture|влажность|влажность зерна",
        "yield_unit": "yield unit|единица урожайности|ед изм урожайности",
        "production_unit": "production unit|единица сбора|ед изм сбора",
        "area_unit": "area unit|единица площади|ед изм площади",
        "unit": "unit|единица|ед изм|единица измерения",
    },
    ("field_id", "season", "crop", "yield_t_ha / production_t", "moisture_pct"),
    "примечание|примечания|сорт|variety|note|notes|хозяйство|farm|farm id|предшественник|район|district",
)
_NOT_MEASURED = {"не измерялась", "не измерена", "не измеряли", "не измерялось", "not measured", "unmeasured"}
_FIRST = 1950  # [a] no farm's record is older
_BALANCE = 0.02  # [1] yield times area may differ from production so far, for rounding
_SPARE = (1.1, 1.0)  # [1], [ha] a harvested area may exceed the drawn outline so far: GNSS, turning strips. ours


def read_harvest(
    source: Path, known: Known, area_ha: Mapping[str, float], seasons: pd.DataFrame
) -> tuple[pd.DataFrame, list[Refusal]]:
    """The harvest table (see `agro.domain.harvest`), one row a field, season and crop, and what was refused.

    source    a file, or a folder of them
    area_ha   [ha] of each field's outline; a row of another field is refused
    seasons   what grew where (see `agro.domain.land`): a harvest before the sowing or of another crop is refused
    raises    BadInput where there is nothing to read
    """
    words = crop_words(known.crops)
    grown = {(row.field_id, row.season): row for row in seasons.itertuples()}
    rows, refused = read_records(source, FORM, lambda row: _row(row, words, known, area_ha, grown))
    rows, twice = without_doubles(rows, ("field_id", "season", "crop"))
    rows, mistaken = without_mistaken_units(rows, known)
    table = pd.DataFrame(rows, columns=list(HARVEST_COLUMNS))
    table = table.sort_values(["season", "field_id", "crop"], ignore_index=True)
    return table, [
        *refused,
        *twice,
        *mistaken,
        *of_mixed_weight(rows, lambda row: known.farm_of.get(row["field_id"], "")),
    ]


def _row(
    row: Row, words: Mapping[str, str], known: Known, area_ha: Mapping[str, float], grown: Mapping[Any, Any]
) -> dict[str, Any]:
    field_id = row.needed("field_id")
    if field_id not in area_ha:
        raise BadInput(
            "SEASON-FIELD",
            "{where}: there is no field {met} among the outlines",
            "check the id, or add the outline",
            where=row.place,
            met=field_id,
        )
    season = season_of(row.needed("season"), row.place, range(_FIRST, known.today.year + 1))
    crop = crop_of(row.needed("crop"), words, row.place)
    harvested_on = row.day("harvested_on")
    sown = grown.get((field_id, season))
    _check_days(row, season, harvested_on, row.day("sown_on") or (sown.sown_on if sown else None), known.today)
    if sown is not None and sown.crop != crop:
        raise BadInput(
            "HARVEST-CROP",
            "{where}: a harvest of {met}, but field {field_id} grew {expected} in {season}",
            "mend this table, or that of what grew where",
            where=row.place,
            met=crop,
            expected=sown.crop,
            field_id=field_id,
            season=season,
        )
    basis, figures = weighed(row, ("yield_t_ha", "production_t"))
    figures["area_ha"] = row.figure("area_ha")
    close_figures(figures, row)
    check_yield(figures["yield_t_ha"], crop, known, row.place)
    if figures["area_ha"] > _SPARE[0] * area_ha[field_id] + _SPARE[1]:
        raise BadInput(
            "HARVEST-AREA",
            "{where}: {met} ha were harvested of field {field_id}, whose outline has {expected} ha",
            "check the area and its unit, or the outline",
            where=row.place,
            met=round(figures["area_ha"], 2),
            field_id=field_id,
            expected=round(area_ha[field_id], 2),
        )
    return {
        "field_id": field_id,
        "season": season,
        "crop": crop,
        "harvested_on": harvested_on,
        **figures,
        "weight_basis": basis,
        "moisture_pct": _moisture(row, crop in known.green),
    }


def _check_days(row: Row, season: int, harvested_on: date | None, sown_on: Any, today: date) -> None:
    if harvested_on is None:
        return
    if not (date(season, 1, 1) <= harvested_on <= min(today, date(season + 1, 6, 30))):
        raise BadInput(
            "HARVEST-DATE",
            "{where}: harvested on {met}, which is not in season {season} or not yet past",
            "check the date and the season",
            where=row.place,
            met=harvested_on.isoformat(),
            season=season,
        )
    if isinstance(sown_on, date) and harvested_on <= sown_on:
        raise BadInput("SEASON-ORDER", "{where}: harvested before it was sown", "check the two dates", where=row.place)


def close_figures(figures: dict[str, float], row: Row, slack_t: float = 0.1) -> None:
    """Fill the third of yield, area and production; where all three stand there, they must agree. Raises BadInput."""
    yields, area, production = (figures[name] for name in ("yield_t_ha", "area_ha", "production_t"))
    if math.isnan(yields) and (math.isnan(production) or not area > 0):
        raise BadInput(
            "HARVEST-NOTHING",
            "{where}: neither a yield nor a production with its area",
            "write the yield, or the weight and the hectares it came from",
            where=row.place,
        )
    if math.isnan(yields):
        figures["yield_t_ha"] = production / area
    elif math.isnan(production):
        figures["production_t"] = yields * area
    elif math.isnan(area):
        figures["area_ha"] = production / yields if yields > 0 else area
    elif abs(yields * area - production) > _BALANCE * max(production, yields * area) + slack_t:
        raise BadInput(
            "HARVEST-BALANCE",
            "{where}: {yields} t/ha on {area} ha make {made} t, but {met} t stand there",
            "check the three figures, their units and by which weight each is",
            where=row.place,
            yields=round(yields, 3),
            area=round(area, 2),
            made=round(yields * area, 2),
            met=round(production, 2),
        )


def _moisture(row: Row, green: bool) -> float:
    """The moisture [%], NaN where the row says that nobody measured it; of grain an empty cell says neither."""
    text = row.cells.get("moisture_pct", "")
    if plain(text) in _NOT_MEASURED or (green and not text):
        return float("nan")
    if not text:
        raise BadInput(
            "HARVEST-MOISTURE",
            "{where}: the moisture is empty",
            "write the per cent, or «not measured»",
            where=row.place,
        )
    return row.figure("moisture_pct")
