"""A field on one page: vegetation, moisture from above and from the balance, relief, soil, zones. A4 portrait, PNG."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, LightSource, ListedColormap
from matplotlib.dates import DateFormatter, MonthLocator
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from shapely import Geometry, contains_xy

from agro.domain.grid import Grid
from agro.reports.drawing import clipped, colour_bar, frame, hatched, mark_simulated, pdf, png, rings, wrapped
from agro.reports.styles import FAINT, HIDDEN, INK, STYLES, Style
from agro.reports.words import number, say

_PLAIN: Any = {"text.parse_math": False}  # a field may be called $5
_DPI = 130  # [1/inch]
_BLUE = "#2c7f86"
_COLUMN = 58  # [1] letters in a column of the page
_LINE = 0.0115  # [1] height of a line of 8 pt on the page
_SUN = {"azdeg": 315, "altdeg": 45}  # where maps have their light from


@dataclass(frozen=True)
class Panel:
    """One map of the page, or the reason why there is none.

    layer     name in the register
    values    (y, x) in the layer's unit, NaN where unknown; None: no map, `missing` says why
    grid      where they lie [m]
    heights   (y, x) [m] whose light and shade lie under the colours, on the same grid
    told      a line under the title: when, from what
    note      a line under the map: what it means, and its error
    classes   upper ends in the layer's unit and names, lowest first; the last end is open
    """

    layer: str
    values: np.ndarray | None
    grid: Grid | None
    told: str = ""
    note: str = ""
    heights: np.ndarray | None = None
    classes: tuple[tuple[float, str], ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Sheet:
    """What the page shows. `water` has day, water_20cm_mm, water_100cm_mm [mm] and their `_se`; None: not known."""

    field_id: str
    outline: Geometry
    area_ha: float
    crop: str | None
    panels: tuple[Panel, ...]
    water: pd.DataFrame | None
    water_note: str
    simulated: bool
    assumptions: Sequence[str] = field(default_factory=tuple)


@rc_context(_PLAIN)
def sheet_picture(sheet: Sheet, language: str) -> bytes:
    """The page as a picture.

    sheet     what to show: five maps and the water in the soil [mm]
    language  `ru` or `en`
    returns   PNG bytes [-], A4 portrait
    source    ours
    """
    return png(_page(sheet, language))


@rc_context(_PLAIN)
def sheet_pdf(sheet: Sheet, language: str) -> bytes:
    """The page for paper.

    sheet     what to show: five maps and the water in the soil [mm]
    language  `ru` or `en`
    returns   PDF bytes [-], A4 portrait
    source    ours
    """
    return pdf(_page(sheet, language))


def _page(sheet: Sheet, language: str) -> Figure:
    figure = Figure(figsize=(8.27, 11.69), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    crop = f" · {sheet.crop}" if sheet.crop else ""
    area = f" · {number(sheet.area_ha, 1, language)} {say('ha', language)}"
    figure.text(0.05, 0.972, f"{say('Field', language)} {sheet.field_id}{crop}{area}", fontsize=15, weight="bold", color=INK)  # fmt: skip  # noqa: E501
    places = [(0.05, 0.665), (0.53, 0.665), (0.05, 0.365), (0.53, 0.365), (0.05, 0.065), (0.53, 0.065)]
    order = [0, 1, None, 2, 3, 4]  # the balance stands beside the moisture from above
    for (left, low), which in zip(places, order, strict=True):
        if which is None:
            _draw_water(figure, left, low, sheet, language)
        else:
            _draw_panel(figure, left, low, sheet.panels[which], sheet.outline, language)
    for i, line in enumerate(sheet.assumptions):
        figure.text(0.05, 0.028 - 0.013 * i, line, fontsize=7.5, color=FAINT)
    mark_simulated(figure, sheet.simulated, language)
    return figure


@rc_context(_PLAIN)
def map_picture(sheet: Sheet, language: str) -> bytes:
    """One map alone, large.

    sheet     its first panel is drawn [the layer's unit]
    language  `ru` or `en`
    returns   PNG bytes [-]
    source    ours
    """
    figure = Figure(figsize=(8.2, 7.4), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    panel = sheet.panels[0]
    style = _style(panel)
    axes = figure.add_axes((0.04, 0.11, 0.68, 0.74))
    _map(figure, axes, (0.78, 0.2, 0.025, 0.5), panel, style, sheet.outline, language, size=10)
    crop = f" · {sheet.crop}" if sheet.crop else ""
    area = f" · {number(sheet.area_ha, 1, language)} {say('ha', language)}"
    figure.text(0.04, 0.945, say(style.question, language), fontsize=17, weight="bold", color=INK)
    figure.text(0.04, 0.91, f"{say('Field', language)} {sheet.field_id}{crop}{area}", fontsize=12, color=INK)
    told = "; ".join(filter(None, (panel.told, _stretched(style, language))))
    figure.text(0.04, 0.88, _sentence(say(style.name, language), told), fontsize=11, color=INK)
    figure.text(0.04, 0.02, wrapped(panel.note, 105), fontsize=10, color=INK, va="bottom")
    mark_simulated(figure, sheet.simulated, language)
    return png(figure)


def _draw_panel(figure: Figure, left: float, low: float, panel: Panel, outline: Geometry, language: str) -> None:
    style = _style(panel)
    told = "; ".join(filter(None, (panel.told, _stretched(style, language))))
    _titles(figure, left, low, say(style.question, language), _sentence(say(style.name, language), told))
    if panel.values is None:
        axes = figure.add_axes((left, low + 0.03, 0.31, 0.205))
        axes.axis("off")
        axes.text(0.5, 0.5, wrapped(panel.missing, 38), ha="center", va="center", fontsize=9, color=INK)
        return
    note = wrapped(panel.note, _COLUMN)
    below = 0.018 + _LINE * (note.count("\n") + 1)  # the scale bar stands between the map and the note
    axes = figure.add_axes((left, low + below, 0.31, 0.235 - below))
    bar = max(0.06, below + 0.01)  # its lowest figure stands clear of the note, too
    _map(figure, axes, (left + 0.335, low + bar, 0.012, 0.21 - bar), panel, style, outline, language, size=7.5)
    figure.text(left, low, note, fontsize=8, color=INK, va="bottom")


def _stretched(style: Style, language: str) -> str:
    return say("the scale is of this field alone", language) if style.stretched else ""


def _map(
    figure: Figure,
    axes: Axes,
    bar: tuple[float, float, float, float],
    panel: Panel,
    style: Style,
    outline: Geometry,
    language: str,
    size: float,
) -> None:
    """The map itself with its colour bar, or with its classes named beside it."""
    assert panel.values is not None and panel.grid is not None  # noqa: S101  the caller has looked
    west, south, east, north = panel.grid.bounds
    ground = outline.buffer(0.75 * panel.grid.resolution_m)  # pixels that touch it; what lies outside is cut off
    values = np.where(_inside(ground, panel.grid), panel.values, np.nan)
    place: dict[str, Any] = {"extent": (west, east, south, north), "interpolation": "nearest"}
    if panel.heights is not None:
        shade = LightSource(**_SUN).hillshade(panel.heights, vert_exag=4, dx=panel.grid.resolution_m, dy=panel.grid.resolution_m)  # fmt: skip  # noqa: E501
        shade = np.where(_inside(ground, panel.grid), shade, np.nan)
        axes.imshow(shade, cmap="gray", vmin=-0.6, vmax=1.0, **place)
    faint = 0.7 if panel.heights is not None else 1.0
    if panel.classes:
        ends = [-np.inf, *(upper for upper, _ in panel.classes[:-1]), np.inf]
        colours = [style.colour_map(i / max(len(panel.classes) - 1, 1)) for i in range(len(panel.classes))]
        number_of = np.digitize(values, ends[1:-1], right=True).astype(float)
        number_of[~np.isfinite(values)] = np.nan
        norm = BoundaryNorm(np.arange(-0.5, len(colours)), len(colours))
        axes.imshow(number_of, cmap=ListedColormap(colours), norm=norm, alpha=faint, **place)
        marks = [Patch(facecolor=colour, label=name) for colour, (_, name) in zip(colours, panel.classes, strict=True)]
        axes.legend(
            handles=marks[::-1],
            loc="center left",
            bbox_to_anchor=(0.97, 0.5),
            frameon=False,
            fontsize=size,
            handlelength=1.4,
        )
    else:
        axes.imshow(values, cmap=style.colour_map, vmin=style.scale[0], vmax=style.scale[1], alpha=faint, **place)
        colour_bar(figure, figure.add_axes(bar), style, language)
        figure.axes[-1].tick_params(labelsize=size)
        figure.axes[-1].set_title(figure.axes[-1].get_title(loc="left"), fontsize=size + 1, loc="left", pad=5)
    hatched(axes, _inside(ground, panel.grid) & ~np.isfinite(values), panel.grid, "////", HIDDEN)
    clipped(axes, outline)
    for ring in rings(outline):
        axes.plot(*ring, color="white", linewidth=2.6)
        axes.plot(*ring, color=INK, linewidth=1.2)
    frame(axes, outline.bounds, language)


def _inside(outline: Geometry, grid: Grid) -> np.ndarray:
    """The pixels (y, x) whose middle lies in the outline: what lies outside stays blank."""
    west, _, _, north = grid.bounds
    x = west + grid.resolution_m * (np.arange(grid.width) + 0.5)
    y = north - grid.resolution_m * (np.arange(grid.height) + 0.5)
    inside: np.ndarray = contains_xy(outline, *np.meshgrid(x, y))
    return inside


def _draw_water(figure: Figure, left: float, low: float, sheet: Sheet, language: str) -> None:
    """Plant-available water in two layers over the season, with its error."""
    question = say("Is there enough water?", language)
    _titles(figure, left, low, question, _sentence(say("plant-available water in the soil, mm", language), ""))
    axes = figure.add_axes((left + 0.035, low + 0.045, 0.36, 0.18))
    if sheet.water is None or sheet.water.empty:
        axes.axis("off")
        axes.text(0.5, 0.5, wrapped(sheet.water_note, 38), ha="center", va="center", fontsize=9, color=INK)
        return
    days = sheet.water["day"]
    for name, colour, dashes, label in (
        ("water_100cm_mm", _BLUE, "-", say("0-100 cm", language)),
        ("water_20cm_mm", "#7a4a1e", "--", say("0-20 cm", language)),
    ):
        value, error = sheet.water[name], sheet.water[f"{name}_se"]
        axes.plot(days, value, color=colour, linewidth=1.6, linestyle=dashes, label=label)
        axes.fill_between(days, np.maximum(value - error, 0), value + error, color=colour, alpha=0.18, linewidth=0)
    axes.xaxis.set_major_locator(MonthLocator())  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%d.%m" if language == "ru" else "%m-%d"))  # type: ignore[no-untyped-call]
    axes.tick_params(labelsize=7.5, colors=INK, length=2)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e3e6e8", linewidth=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    figure.text(left, low, wrapped(sheet.water_note, _COLUMN), fontsize=8, color=INK, va="bottom")


def _titles(figure: Figure, left: float, low: float, question: str, told: str) -> None:
    figure.text(left, low + 0.266, question, fontsize=12, weight="bold", color=INK)
    figure.text(left, low + 0.259, wrapped(told, _COLUMN), fontsize=8, color=INK, va="top")


def _style(panel: Panel) -> Style:
    """The layer's style; where its scale follows the values, that of the values shown."""
    style = STYLES[panel.layer]
    if not style.stretched or panel.values is None or not np.isfinite(panel.values).any():
        return style
    low, high = np.nanpercentile(panel.values, (2, 98))
    return replace(style, scale=(float(low), float(max(high, low + 1e-3))))


def _sentence(name: str, told: str) -> str:
    whole = f"{name}; {told}" if told else name
    return whole[:1].upper() + whole[1:]
