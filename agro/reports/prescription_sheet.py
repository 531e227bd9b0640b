"""A prescription on one page: map with rates, zones, kilograms and cost, why, how sure, what was assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from shapely import Geometry

from agro.reports.drawing import frame, mark_simulated, png, rings, wrapped
from agro.reports.styles import FAINT, INK
from agro.reports.words import number, say

_STYLE: Any = {"text.parse_math": False, "hatch.linewidth": 0.5}  # a field may be called $5
_DPI = 130  # [1/inch]
_DOSE = LinearSegmentedColormap.from_list("dose", ("#f3ead9", "#e4b98a", "#c97f4a", "#9a4f25", "#5e2a12"))
_LEFT, _RIGHT = 0.06, 0.95
_MOST_ZONES_TOLD = 7  # rows of the table; the rest is summed up
_ROOM = 0.03  # [1] of the map's width that a number needs on each side of its place
_WIDE = 118  # letters of a line across the page
_LINE = 0.0128  # of the page's height, at 8 pt


@dataclass(frozen=True)
class ZoneRow:
    """One zone: number, outline [m], ground [ha], rate of each product [kg/ha], and what is special about it."""

    number: int
    outline: Geometry
    area_ha: float
    rate_kg_ha: tuple[float, ...]
    why: str = ""


@dataclass(frozen=True)
class BalanceRow:
    """One nutrient of the field as one [kg/ha]: what the yield takes, what feeds it, the balance, the dose.

    `how` says how the balance became the dose, or what took its place.
    """

    nutrient: str
    removal: float
    soil: float
    organic: float
    humus: float
    balance: float
    dose: float
    low: float
    high: float
    how: str


@dataclass(frozen=True)
class PrescriptionSheet:
    """What the page shows. `sure`, `assumed` and `files` are whole sentences; `cost` is None where a price is missing.

    `strips` are those of a proposed trial [m] with their doses [kg/ha].
    """

    field_id: str
    crop: str
    season: int
    area_ha: float
    planned_yield_t_ha: float
    outline: Geometry
    products: tuple[str, ...]
    total_kg: tuple[float, ...]
    cost: float | None
    currency: str
    zones: tuple[ZoneRow, ...]
    balance: tuple[BalanceRow, ...]
    headline: str
    sure: tuple[str, ...]
    assumed: tuple[str, ...]
    files: tuple[str, ...]
    strips: tuple[tuple[Geometry, float], ...] = ()
    simulated: bool = False


@rc_context(_STYLE)
def prescription_picture(sheet: PrescriptionSheet, language: str) -> bytes:
    """The page as a picture.

    sheet     what to show [kg/ha, ha, kg]
    language  `ru` or `en`
    returns   PNG bytes [-], A4 portrait
    source    ours
    """
    return png(_page(sheet, language))


def _page(sheet: PrescriptionSheet, language: str) -> Figure:
    figure = Figure(figsize=(8.27, 11.69), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    area = f"{number(sheet.area_ha, 1, language)} {say('ha', language)}"
    title = f"{say('Field', language)} {sheet.field_id} · {sheet.crop} · {area}"
    figure.text(_LEFT, 0.965, title, fontsize=15, weight="bold", color=INK)
    planned = _yield(sheet.planned_yield_t_ha, language)
    told = say("Prescription for {season}; planned yield {planned}", language, season=sheet.season, planned=planned)
    figure.text(_LEFT, 0.945, told, fontsize=10, color=INK)
    figure.text(_LEFT, 0.932, wrapped(sheet.headline, 80), fontsize=10, weight="bold", color=INK, va="top")
    said = (
        (say("How sure is it?", language), sheet.sure),
        (say("What was assumed", language), sheet.assumed),
        (say("The file for the machine", language), sheet.files),
    )
    middle = _height_of_text(sheet, [lines for _, lines in said])
    _map(figure.add_axes((_LEFT, middle + 0.045, 0.46, 0.885 - middle - 0.045)), sheet, language)
    _caption(figure, middle + 0.038, sheet, language)
    low = _zones(figure, 0.56, 0.88, sheet, language)
    _order(figure, 0.56, low - 0.012, sheet, language)
    below = _balance(figure, middle - 0.005, sheet, language)
    for heading, lines in said:
        below = _lines(figure, below - 0.016, heading, lines)
    mark_simulated(figure, sheet.simulated, language)
    return figure


def _height_of_text(sheet: PrescriptionSheet, blocks: Sequence[Sequence[str]]) -> float:
    """Where the text begins: the map gets what it leaves."""
    rows = sum(1.3 + len(wrapped(row.how, _WIDE).split("\n")) for row in sheet.balance)
    rows += sum(len(wrapped(line, _WIDE).split("\n")) for lines in blocks for line in lines)
    heads = 0.04 + 0.032 * sum(1 for lines in blocks if lines)
    return float(np.clip(0.03 + _LINE * rows + heads, 0.42, 0.64))


def _yield(planned_t_ha: float, language: str) -> str:
    """Yields are told in dt/ha on Russian pages."""
    if language == "ru":
        return f"{number(10 * planned_t_ha, 1, language)} {say('dt/ha', language)}"
    return f"{number(planned_t_ha, 2, language)} {say('t/ha', language)}"


def _map(axes: Axes, sheet: PrescriptionSheet, language: str) -> None:
    """Zones in steps of one hue by the rate of the product that varies most, all rates written in them."""
    rates = np.array([zone.rate_kg_ha for zone in sheet.zones])
    which = int(np.argmax(np.ptp(rates, axis=0))) if np.ptp(rates, axis=0).any() else int(np.argmax(rates.max(axis=0)))
    top = max(float(rates[:, which].max()), 1.0) * (1 if len(rates) > 1 else 2)  # one rate: pale
    for zone in sheet.zones:
        rate = zone.rate_kg_ha[which]
        hatch = None if any(zone.rate_kg_ha) else "////"
        shade = _DOSE(0.05 + 0.6 * rate / top) if any(zone.rate_kg_ha) else "white"
        _fill(axes, zone.outline, shade, hatch)
    for strip, _ in sheet.strips:
        for ring in rings(strip):
            axes.plot(*ring, color=INK, linewidth=0.6, linestyle=(0, (2, 2)))
    for ring in rings(sheet.outline):
        axes.plot(*ring, color=INK, linewidth=1.2)
    span = max(sheet.outline.bounds[2] - sheet.outline.bounds[0], sheet.outline.bounds[3] - sheet.outline.bounds[1])
    for zone in sheet.zones:
        several = len(sheet.zones) > 1
        text = "\n".join(number(rate, 0, language) for rate in zone.rate_kg_ha)
        for part in _large(zone.outline, span, bool(sheet.strips)):
            place = part.representative_point()
            if several:
                axes.annotate(f"{say('zone', language)} {zone.number}", (place.x, place.y), (0, 7 + 6 * len(zone.rate_kg_ha)), textcoords="offset points", ha="center", fontsize=7, color=INK, path_effects=[withStroke(linewidth=2, foreground="white")])  # fmt: skip  # noqa: E501
            axes.text(place.x, place.y, text, ha="center", va="center", fontsize=9, weight="bold", color=INK, path_effects=[withStroke(linewidth=2.5, foreground="white")])  # fmt: skip  # noqa: E501
    frame(axes, sheet.outline.bounds, language)
    axes.set_anchor("N")


def _caption(figure: Figure, top: float, sheet: PrescriptionSheet, language: str) -> None:
    """What the numbers on the map are."""
    caption = say("kg/ha as weighed: {products}", language, products=" / ".join(sheet.products))
    if sheet.strips:
        caption += "; " + say("dashed: strips of the proposed trial", language)
    figure.text(_LEFT, top, wrapped(caption, 66), fontsize=8, color=INK, va="top")


def _large(outline: Geometry, span: float, strips: bool) -> list[Geometry]:
    """The parts of a zone that have room for a number; the largest one always, but for strips: the table tells them."""
    parts = sorted(getattr(outline, "geoms", [outline]), key=lambda part: -part.area)
    if strips:
        return [part for part in parts if not part.buffer(-_ROOM * span).is_empty]
    return [part for i, part in enumerate(parts) if i == 0 or part.area > 0.01 * span**2]


def _fill(axes: Axes, outline: Geometry, colour: Any, hatch: str | None) -> None:
    for part in getattr(outline, "geoms", [outline]):
        path = Path.make_compound_path(*(Path(np.asarray(ring.coords)) for ring in (part.exterior, *part.interiors)))
        axes.add_patch(PathPatch(path, facecolor=colour, edgecolor="white", linewidth=1.0, hatch=hatch))


def _zones(figure: Figure, left: float, top: float, sheet: PrescriptionSheet, language: str) -> float:
    """The table of zones; gives where it ends."""
    figure.text(left, top, say("Zones", language), fontsize=11, weight="bold", color=INK)
    heads = [say("zone", language), say("ha", language), *(wrapped(name, 12) for name in sheet.products)]
    x = [left, left + 0.05, *(left + 0.11 + 0.1 * i for i in range(len(sheet.products)))]
    y = top - 0.033
    for place, head in zip(x, heads, strict=True):
        figure.text(place, y, head, fontsize=7.5, color=FAINT, va="bottom")
    shown = sheet.zones if len(sheet.zones) <= _MOST_ZONES_TOLD else sheet.zones[: _MOST_ZONES_TOLD - 1]
    for zone in shown:
        y -= 0.016
        cells = [str(zone.number), number(zone.area_ha, 1, language)]
        cells += [number(rate, 0, language) for rate in zone.rate_kg_ha]
        for place, cell in zip(x, cells, strict=True):
            figure.text(place, y, cell, fontsize=9, color=INK)
        for line in wrapped(zone.why, 52).split("\n") if zone.why else ():
            y -= _LINE
            figure.text(left + 0.012, y, line, fontsize=7.5, color=FAINT)
    rest = len(sheet.zones) - len(shown)
    if rest:
        y -= 0.016
        figure.text(left, y, say("... and {n} more zones, in zones.geojson", language, n=rest), fontsize=8, color=INK)
    return y


def _order(figure: Figure, left: float, top: float, sheet: PrescriptionSheet, language: str) -> None:
    """Kilograms to be ordered, and what they cost."""
    y = top - 0.012
    figure.text(left, y, say("To be ordered", language), fontsize=11, weight="bold", color=INK)
    for name, kilograms in zip(sheet.products, sheet.total_kg, strict=True):
        y -= 0.018
        figure.text(left, y, f"{name}: {number(kilograms, 0, language)} {say('kg', language)}", fontsize=9, color=INK)
    y -= 0.018
    if sheet.cost is None:
        text = say("cost: not told, because a price is missing", language)
    else:
        cost = f"{number(sheet.cost, 0, language)} {say(sheet.currency, language)}"
        a_hectare = (
            f"{number(sheet.cost / sheet.area_ha, 0, language)} {say(sheet.currency, language)}/{say('ha', language)}"
        )
        text = say(
            "cost: {cost} ({a_hectare}), by the prices that were given", language, cost=cost, a_hectare=a_hectare
        )
    figure.text(left, y, wrapped(text, 50), fontsize=8.5, color=INK, va="top")


def _balance(figure: Figure, top: float, sheet: PrescriptionSheet, language: str) -> float:
    """Why this rate: the balance of each nutrient, a row each; gives where it ends."""
    figure.text(_LEFT, top, say("Why this rate, kg/ha of nutrient", language), fontsize=11, weight="bold", color=INK)
    heads = (
        *("", say("yield takes", language), say("soil gives", language), say("manure, straw", language)),
        *(
            say("humus gives", language),
            say("balance", language),
            say("dose", language),
            say("90 % interval", language),
        ),
    )
    x = [_LEFT + 0.111 * i for i in range(len(heads))]
    y = top - 0.02
    for place, head in zip(x, heads, strict=True):
        figure.text(place, y, head, fontsize=7.5, color=FAINT)
    for row in sheet.balance:
        y -= 0.0165
        figures = [row.removal, row.soil, row.organic, row.humus, row.balance]
        cells = [row.nutrient, *(number(value, 0, language) for value in figures)]
        cells += [number(row.dose, 0, language), f"{number(row.low, 0, language)}–{number(row.high, 0, language)}"]
        for i, (place, cell) in enumerate(zip(x, cells, strict=True)):
            figure.text(place, y, cell, fontsize=9, color=INK, weight="bold" if i in (0, 6) else "normal")
        for line in wrapped(row.how, _WIDE).split("\n") if row.how else ():
            y -= _LINE
            figure.text(_LEFT + 0.02, y, line, fontsize=7.5, color=FAINT)
    return y


def _lines(figure: Figure, top: float, heading: str, lines: Sequence[str]) -> float:
    """A heading and its sentences; gives where they end."""
    if not lines:
        return top + 0.016
    figure.text(_LEFT, top - 0.006, heading, fontsize=11, weight="bold", color=INK)
    y = top - 0.010
    for line in lines:
        for i, piece in enumerate(wrapped(line, _WIDE).split("\n")):
            y -= _LINE
            figure.text(_LEFT if i == 0 else _LEFT + 0.012, y, ("– " if i == 0 else "") + piece, fontsize=8, color=INK)
    return y
