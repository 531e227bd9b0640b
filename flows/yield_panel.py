"""A field's yield as one map of its page, from what is published."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from agro.domain.grid import Grid
from agro.reports.field_sheet import Panel
from agro.reports.words import number, say
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet
from flows.pictures import crop_name


def newest_with(store: Store, results: Sequence[Published], field_id: str) -> list[Published]:
    """The map of the newest season in which the field has one."""
    for result in sorted(results, key=lambda r: (int(r.properties["agro:season"]), r.created), reverse=True):
        fields = from_parquet(read_asset(store, result, "fields"))
        if (fields["refused"][fields["field_id"] == field_id] == "").any():
            return [result]
    return []


def yield_panel(
    store: Store, result: Published, field: pd.Series, drawn: tuple[str, np.ndarray, Grid], language: str
) -> Panel:
    """The yield of the newest season with points, the field's mean, and what it was measured by."""
    (layer, values, grid), year = drawn, int(result.properties["agro:season"])
    table = from_parquet(read_asset(store, result, "fields"))
    row = table[table["field_id"] == field.name].iloc[0]
    crop = crop_name(store, field, year, language) or str(row["crop"])
    told = f"{say('season {year}', language, year=year)}, {crop}"
    times, digits = (10, 1) if language == "ru" else (1, 2)  # people here count centners
    mean, error, place = (
        number(times * float(row[name]), digits, language) for name in ("yield_t_ha", "yield_se_t_ha", "pixel_se_t_ha")
    )
    note = say(
        "Mean {mean} ± {error} t/ha, scaled to the weighed harvest; a place ± {place}. {left} of {points} points are left out."  # noqa: E501
        if row["scaled_to"] == "weighed harvest"
        else "Mean {mean} ± {error} t/ha by the monitor alone; a place ± {place}. {left} of {points} points are left out.",  # noqa: E501
        language,
        mean=mean,
        error=error,
        place=place,
        left=int(row["points"] - row["kept"]),
        points=int(row["points"]),
    )
    return Panel(layer, values, grid, told, note)
