"""Measured moisture of the soil's surface: probes and weighed samples as CSV or XLSX, each row told or refused."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.sources.tables import check_columns, day, plain, read_rows

MOISTURE_COLUMNS = ("field_id", "soil_group", "seen_on", "field_capacity_pct")
_HEADINGS = {
    **dict.fromkeys(("поле", "номер поля"), "field_id"),
    **dict.fromkeys(("дата", "дата измерения", "дата отбора", "date"), "seen_on"),
    **dict.fromkeys(("глубина до, см", "глубина, см", "слой до, см", "depth, cm"), "depth_to_cm"),
    **dict.fromkeys(("влажность, % нв", "влажность, % от нв", "moisture, % of field capacity"), "field_capacity_pct"),
    **dict.fromkeys(("влажность, об. %", "влажность, % объёма", "влажность, % объема"), "volume_pct"),
    **dict.fromkeys(("почва", "тип почвы", "soil"), "soil_group"),
}
_NEEDED = ("field_id", "seen_on", "depth_to_cm")
_DEEPEST_CM = 10.0  # [cm] wetness from above tells of the upper 5 cm. source: ours, a sampler's short tube
_BOUNDS = {"field_capacity_pct": (1.0, 200.0), "volume_pct": (0.5, 70.0)}  # [%] source: ours, wide


def read_soil_moisture(
    path: Path, field_ids: Collection[str], soils: Mapping[str, float], today: date
) -> tuple[pd.DataFrame, list[Refusal]]:
    """Measured moisture, a row a measurement: field_id, soil_group (`-`: not said), seen_on, field_capacity_pct [%].

    path       .csv or .xlsx: field, day, lower end of the layer [cm], moisture in per cent of field capacity, or of the
               soil's volume, and perhaps the soil
    field_ids  the fields there are
    soils      field capacity [m3/m3] by every word for a soil; `-`: where the soil is not said
    today      nothing was measured after it
    raises     BadInput where the file as a whole cannot be used
    """
    rows, where = read_rows(path), path.name
    if len(rows) < 2:
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=where
        )
    columns = [_HEADINGS.get(plain(cell), plain(cell)) for cell in rows[0]]
    check_columns(where, columns, [name for name in _NEEDED if name not in columns], _NEEDED)
    if not {"field_capacity_pct", "volume_pct"} & set(columns):
        raise BadInput(
            "MOISTURE-UNIT",
            "{where}: no column says moisture in per cent of field capacity or of the soil's volume",
            "call it field_capacity_pct or volume_pct",
            where=where,
        )
    good, refused = [], []
    for number, cells in enumerate(rows[1:], start=2):
        if not any(str(cell or "").strip() for cell in cells):
            continue
        place = Told("{file}, row {n}", {"file": where, "n": number})
        try:
            good.append(_row(dict(zip(columns, cells, strict=False)), field_ids, soils, today, place))
        except AgroError as error:
            refused.append(error.refusal)
    return pd.DataFrame(good, columns=list(MOISTURE_COLUMNS)), refused


def _row(
    cells: Mapping[str, Any], field_ids: Collection[str], soils: Mapping[str, float], today: date, place: Told
) -> dict[str, Any]:
    text = {name: str(cell if cell is not None else "").strip() for name, cell in cells.items()}
    if text["field_id"] not in field_ids:
        raise BadInput(
            "SEASON-FIELD",
            "{where}: there is no field {met} among the outlines",
            "check the id, or add the outline",
            where=place,
            met=text["field_id"],
        )
    seen_on = day(cells["seen_on"], text["seen_on"], place, "seen_on")
    if seen_on > today:
        raise BadInput(
            "MOISTURE-DATE", "{where}: measured on {met}, which is to come", "check the date", where=place, met=seen_on
        )
    depth = _number(text, "depth_to_cm", (0.1, 300.0), place)
    if depth > _DEEPEST_CM:
        raise BadInput(
            "MOISTURE-DEPTH",
            "{where}: a layer down to {met} cm; wetness from above tells of the upper 5 cm, so not deeper than {limit}",
            "give measurements of the surface; deeper ones belong to the water balance",
            where=place,
            met=round(depth),
            limit=round(_DEEPEST_CM),
        )
    soil = plain(text.get("soil_group", "")) or "-"
    if soil not in soils:
        raise BadInput(
            "MOISTURE-SOIL",
            "{where}: the soil {met} is not known",
            "write one of {expected}, or leave the cell empty",
            where=place,
            met=soil,
            expected=", ".join(sorted(soils)),
        )
    if text.get("field_capacity_pct"):
        share = _number(text, "field_capacity_pct", _BOUNDS["field_capacity_pct"], place)
    else:
        share = _number(text, "volume_pct", _BOUNDS["volume_pct"], place) / soils[soil]
    return {"field_id": text["field_id"], "soil_group": soil, "seen_on": seen_on, "field_capacity_pct": share}


def _number(text: Mapping[str, str], name: str, bounds: tuple[float, float], place: Told) -> float:
    plain_text = text.get(name, "").replace(",", ".")
    value = float(plain_text) if re.fullmatch(r"-?\d+(\.\d+)?", plain_text) else np.nan
    if not bounds[0] <= value <= bounds[1]:
        raise BadInput(
            "MOISTURE-VALUE",
            "{where}: {column} is {met}, expected {low} to {high}",
            "check the number and its unit",
            where=place,
            column=name,
            met=text.get(name) or "-",
            low=bounds[0],
            high=bounds[1],
        )
    return value
