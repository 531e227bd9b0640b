"""A field's layers as its map needs them: in which order, with which days, colours and figures; and a note to each."""

from datetime import date, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, cast

import geopandas as gpd
import pandas as pd

from agro.domain.layers import VEGETATION
from agro.portal.field_story import Teller, seen_looks
from agro.portal.seen import Shown
from agro.portal.shelf import Shelf
from agro.portal.tiles import scale_of
from agro.reports.styles import STYLES
from agro.reports.words import KUZBASS, day, number, say
from agro.store.index import Index
from flows.panels import KIND, OneField, panel

_LITTLE = 0.15  # [1] of a field: a look that shows less is not offered
_ENOUGH_CLEAR = 0.5
_ORDER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Plants", ("ndvi", "ndre", "lai", "evi2", "season_peak", "season_integral")),
    ("Water", ("wetness", "field_capacity", "wetness_s1", "ndmi", "twi")),
    ("Yield and zones", ("zone", "yield_t_ha")),
    ("Soil", ("p2o5", "k2o", "humus", "ph", "n_no3", "s", "bare_brightness")),
    ("Relief", ("slope", "height", "ls_factor")),
)
_LASTING = ("relief", "soil", "zones", "bare_soil", "yield_maps", "seasons")  # not of one season alone


def layers_of(teller: Teller, field: pd.Series) -> list[dict[str, Any]]:
    """Every layer that shows the field by the day: its words, colours, and the days it can be seen on."""
    until = teller.until.isoformat() if teller.until else "9"
    shelf, year = teller.shelf, str(teller.year)
    clear = {one.result_id: one.look.clear for one in seen_looks(shelf, shelf.mark, str(field.name))}
    found: dict[str, dict[str, Shown]] = {}
    for one in shelf.seen.shown(None):
        lasting = one.kind in _LASTING
        known = one.kind == "relief" or one.day <= until  # the ground does not change
        here = clear.get(one.result_id, 0.0) >= _LITTLE if one.of_pass else one.over(field)
        if known and here and (lasting or one.day[:4] == year):
            found.setdefault(one.layer, {})["" if one.kind == "relief" else one.day] = one
    made = []
    for group, names in _ORDER:
        for name in names:
            days = [found[name][at] for at in sorted(found.get(name, {}))]
            if days:
                made.append(_layer(group, name, days, clear, teller.language))
    return made


def note_of(teller: Teller, field: pd.Series, layer: str) -> str:
    """What a layer's figures mean on this field, and how sure they are, by the newest result."""
    if layer in VEGETATION and layer not in KIND:
        return _spread(teller, field, layer)
    if layer not in KIND:
        return ""
    places = tuple(one.place for one in teller.shelf.seen.of(KIND[layer]))
    return _panel_note(teller.shelf, places, str(field.name), str(field["version"]), layer, teller.day, teller.language)


def one_field(shelf: Shelf, field: pd.Series, day: date | None, language: str) -> OneField | None:
    """The field as the pictures of the house take it; None where nothing was seen from above yet."""
    passes = shelf.seen.of("passes")
    if not passes:
        return None
    crs = str(passes[-1].item["properties"]["proj:code"])
    outline = gpd.GeoSeries([field.geometry], crs=4326).to_crs(crs).iloc[0]
    until = datetime.fromisoformat(f"{day.isoformat()}T23:59:59.999999+00:00") if day else None
    return OneField(field, outline, crs, until, language)


def index_of(shelf: Shelf) -> Index:
    """The index as the shelf sees it: nothing is mended, nothing is read twice."""
    seen = shelf.seen
    return cast(Index, SimpleNamespace(store=shelf.store, items=seen.of, at=seen.results.get))


@lru_cache(2048)
def _panel_note(
    shelf: Shelf, places: tuple[str, ...], field_id: str, version: str, layer: str, day: date | None, language: str
) -> str:
    row = shelf.seen.outlines(None).row(field_id)
    field = None if row is None else one_field(shelf, row, day, language)
    if field is None:
        return ""
    made = panel(shelf.store, index_of(shelf), field, layer)
    return "; ".join(filter(None, (made.told, made.note or made.missing)))


def _spread(teller: Teller, field: pd.Series, layer: str) -> str:
    """Between what a layer of the newest clear look lies on the field."""
    rows = teller.shelf.stats(str(field.name))
    if rows.empty:
        return ""
    rows = rows[(rows["layer"] == layer) & (rows["clear_fraction"] >= _ENOUGH_CLEAR)]
    rows = rows[rows["acquired_at"] <= teller.until] if teller.until else rows
    if rows.empty:
        return ""
    last, digits, language = rows.iloc[-1], max(STYLES[layer].digits, 2), teller.language
    told = {name: number(float(last[name]), digits, language) for name in ("p10", "p50", "p90")}
    return say(
        "Newest clear look, {day}: in the middle {p50}; a tenth of the field is below {p10}, a tenth above {p90}.",
        language,
        day=day(last["acquired_at"].to_pydatetime(), language),
        **told,
    )


def _layer(group: str, name: str, days: list[Shown], clear: dict[str, float], language: str) -> dict[str, Any]:
    style = STYLES[name]
    low, high = scale_of(days[-1])
    times = 10 if style.unit == "t/ha" and language == "ru" else 1  # people there count centners
    digits = style.digits if style.digits or high - low >= 5 else 1
    unit = (
        say("dt/ha" if times == 10 else "t/ha", language)
        if style.unit == "t/ha"
        else style.unit and say(style.unit, language)
    )
    best = [n for n, one in enumerate(days) if clear.get(one.result_id, 1.0) >= _ENOUGH_CLEAR]
    title = say(style.name, language)
    return {
        "code": name,
        "group": say(group, language),
        "question": say(style.question, language),
        "name": title[:1].upper() + title[1:],
        "unit": unit,
        "stretched": say("the scale is stretched", language) if style.stretched else "",
        "colours": style.colours,
        "digits": max(digits, 2) if high - low <= 2 else digits,
        "times": times,
        "first": best[-1] if best else len(days) - 1,
        "marks": _marks(days[-1], times, digits, language),
        "shown": [_day(one, clear, language) for one in days],
    }


def _marks(one: Shown, times: int, digits: int, language: str) -> list[str]:
    """The figures under a layer's colours: as many as can be written as they are."""
    low, high = scale_of(one)
    for parts in (5, 4, 6, 3, 2):
        figures = [times * (low + (high - low) * i / parts) for i in range(parts + 1)]
        if all(abs(round(figure, digits) - figure) < 1e-9 for figure in figures):
            break
    return [number(figure, digits, language) for figure in figures]


def _day(one: Shown, clear: dict[str, float], language: str) -> dict[str, str]:
    local = datetime.fromisoformat(one.day) + KUZBASS
    told = local.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")
    if one.kind == "seasons":
        told = say("season {year}", language, year=one.parts[0].item["properties"]["agro:season"])
    elif one.kind == "relief":
        told = say("the ground does not change", language)
    elif one.of_pass:
        share = number(100 * clear.get(one.result_id, 0.0), 0, language)
        told = say("{day} · clear {share} %", language, day=told, share=share)
    return {"id": one.result_id, "told": told}
