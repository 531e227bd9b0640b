"""Pictures of a layer: one field with its season, or all fields at a glance. PNG bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import shapely
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from shapely import Geometry

from agro.domain.grid import Grid
from agro.domain.layers import Quality
from agro.reports.drawing import colour_bar, frame, hatched, mark_simulated, png, rings
from agro.reports.styles import FAINT, HIDDEN, INK, STYLES
from agro.reports.words import day, number, say

_PLAIN: Any = {"text.parse_math": False}  # a field may be called $5
_DPI = 130  # [1/inch]


@dataclass(frozen=True)
class FieldView:
    """What the picture of one field shows. `values` in the layer's unit and `quality` [class] lie on `grid` [m]."""

    field_id: str
    layer: str
    seen_at: datetime
    clear_fraction: float
    values: np.ndarray
    quality: np.ndarray
    grid: Grid
    outline: Geometry
    history: pd.DataFrame
    crop: str | None = None
    area_ha: float | None = None
    simulated: bool = False
    notes: Sequence[str] = field(default_factory=tuple)


@rc_context(_PLAIN)
def field_picture(view: FieldView, language: str) -> bytes:
    """A map of one field's layer on one pass, with the season's curve below.

    view      what to show; the layer's unit is that of the register
    language  `ru` or `en`
    returns   PNG bytes [-]
    source    ours
    """
    style = STYLES[view.layer]
    figure = Figure(figsize=(8.2, 8.6), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    map_, bar, curve = (
        figure.add_axes((0.04, 0.36, 0.72, 0.53)),
        figure.add_axes((0.80, 0.42, 0.025, 0.40)),
        figure.add_axes((0.09, 0.07, 0.86, 0.20)),
    )
    _draw_field(map_, view, style.colour_map, style.scale, language)
    colour_bar(figure, bar, style, language)
    _draw_season(curve, view, style.scale, language)
    crop = f" · {view.crop}" if view.crop else ""
    area = f" · {number(view.area_ha, 1, language)} {say('ha', language)}" if view.area_ha is not None else ""
    figure.text(0.04, 0.955, say(style.question, language), fontsize=17, weight="bold", color=INK)
    figure.text(0.04, 0.925, f"{say('Field', language)} {view.field_id}{crop}{area}", fontsize=12, color=INK)
    told = say(
        "{layer}, pass of {day}, clear: {share} % of the field",
        language,
        layer=say(style.name, language),
        day=day(view.seen_at, language),
        share=number(100 * view.clear_fraction, 0, language),
    )
    figure.text(0.04, 0.900, told[0].upper() + told[1:], fontsize=11, color=INK)
    mark_simulated(figure, view.simulated, language)
    return png(figure)


@rc_context(_PLAIN)
def overview_picture(
    fields: pd.DataFrame, layer: str, groups: Mapping[str, str], simulated: bool, language: str
) -> bytes:
    """All fields, each in the colour of its newest clear look, a panel for each district.

    fields     table: field_id, group, geometry [m], value in the layer's unit (NaN: nothing clear), seen_at (UTC)
    layer      name in the register
    groups     what each group is called
    simulated  whether the imagery is
    language   `ru` or `en`
    returns    PNG bytes [-]
    source     ours
    """
    style = STYLES[layer]
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(max(4.6 * columns + 1.4, 7.4), 4.4 * rows + 1.1), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    height, colour_map = figure.get_figheight(), style.colour_map
    top = 1 - 0.95 / height
    right = 1 - 1.25 / figure.get_figwidth()
    for i, (group, title) in enumerate(groups.items()):
        row, column = divmod(i, columns)
        left, low = 0.03 + column * (right - 0.03) / columns, top - (row + 0.94) * (top - 0.02) / rows
        axes = figure.add_axes((left, low, (right - 0.06) / columns, 0.80 * (top - 0.02) / rows))
        _draw_group(axes, fields[fields["group"] == group], colour_map, style.scale, language)
        axes.set_title(title, fontsize=12, color=INK, loc="left")
    bar = figure.add_axes((right + 0.02, 0.2, 0.02, 0.5))
    colour_bar(figure, bar, style, language)
    told = say("{layer}: newest clear look at each field", language, layer=say(style.name, language))
    figure.text(0.03, 1 - 0.34 / height, say(style.question, language), fontsize=17, weight="bold", color=INK)
    figure.text(0.03, 1 - 0.60 / height, told[0].upper() + told[1:], fontsize=11, color=INK)
    mark_simulated(figure, simulated, language)
    return png(figure)


def _draw_field(axes: Axes, view: FieldView, colours: Any, scale: tuple[float, float], language: str) -> None:
    west, south, east, north = view.grid.bounds
    place: dict[str, Any] = {"extent": (west, east, south, north), "interpolation": "nearest"}
    axes.imshow(view.values, cmap=colours, vmin=scale[0], vmax=scale[1], **place)
    hidden = np.isin(view.quality, (Quality.CLOUD, Quality.SHADOW, Quality.SNOW, Quality.WATER))
    hatched(axes, hidden, view.grid, "////", HIDDEN)
    hatched(axes, view.quality == Quality.UNCERTAIN, view.grid, "....", None)
    for ring in rings(view.outline):
        axes.plot(*ring, color="white", linewidth=3.4)
        axes.plot(*ring, color=INK, linewidth=1.6)
    frame(axes, (west, south, east, north), language)
    marks = []
    if hidden.any():
        marks.append(
            Patch(
                facecolor=HIDDEN,
                hatch="////",
                edgecolor="white",
                label=say("hidden by cloud, shadow, snow or water", language),
            )
        )
    if (view.quality == Quality.UNCERTAIN).any():
        marks.append(Patch(facecolor="white", hatch="....", edgecolor=INK, label=say("uncertain", language)))
    if marks:
        axes.legend(handles=marks, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, frameon=False, fontsize=9)


def _draw_season(axes: Axes, view: FieldView, scale: tuple[float, float], language: str) -> None:
    """Clear looks as points joined by a thin line; earlier years grey."""
    history = view.history[view.history["n_px"] > 0]
    years = sorted(history["acquired_at"].dt.year.unique())
    shown = view.seen_at.year
    for year in (*(y for y in years if y != shown and y >= shown - 3), shown):
        looks = history[history["acquired_at"].dt.year == year].sort_values("acquired_at")
        days = looks["acquired_at"].dt.day_of_year
        now = year == shown
        axes.plot(
            days,
            looks["p50"],
            color="#17702f" if now else FAINT,
            linewidth=1.3 if now else 0.8,
            marker="o" if now else None,
            markersize=4,
            label=str(year),
            zorder=3 if now else 2,
        )
        if now:
            axes.fill_between(days, looks["p10"], looks["p90"], color="#17702f", alpha=0.15, linewidth=0)
    axes.axvline(view.seen_at.timetuple().tm_yday, color=INK, linewidth=1, linestyle=":")
    axes.set_ylim(*scale)
    if not history.empty:
        axes.set_xlim(
            max(1, history["acquired_at"].dt.day_of_year.min() - 8),
            min(366, history["acquired_at"].dt.day_of_year.max() + 8),
        )
    first = np.array([1, 32, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])
    months = say("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", language).split()
    low, high = axes.get_xlim()
    ticks = [(d, m) for d, m in zip(first, months, strict=True) if low <= d <= high]
    axes.set_xticks([d for d, _ in ticks], [m for _, m in ticks], fontsize=9)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.yaxis.set_major_formatter(lambda value, _: number(value, 1, language))
    axes.grid(axis="y", color="#e3e6e8", linewidth=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(
        say("The field over the season: median of clear pixels, band from 10 % to 90 %", language),
        fontsize=10,
        loc="left",
        color=INK,
        pad=18,  # the years stand below it
    )
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0, ncols=6)


def _draw_group(axes: Axes, fields: pd.DataFrame, colours: Any, scale: tuple[float, float], language: str) -> None:
    norm = Normalize(*scale)
    bounds = np.array([outline.bounds for outline in fields["geometry"]])
    for row in fields.itertuples(index=False):
        nothing = not np.isfinite(row.value)
        for part in getattr(row.geometry, "geoms", [row.geometry]):
            xy = np.asarray(part.exterior.coords)
            axes.fill(
                xy[:, 0],
                xy[:, 1],
                facecolor=HIDDEN if nothing else colours(norm(row.value)),
                edgecolor=INK,
                linewidth=0.9,
                hatch="////" if nothing else None,
            )
            for hole in part.interiors:
                ring = np.asarray(hole.coords)
                axes.fill(ring[:, 0], ring[:, 1], facecolor="white", edgecolor=INK, linewidth=0.7)
        where = shapely.get_point(shapely.maximum_inscribed_circle(row.geometry), 0)
        text = say("no data", language) if nothing else number(row.value, 2, language)
        dark = not nothing and norm(row.value) > 0.55
        label = f"{row.field_id.rsplit('-', 1)[-1] or row.field_id}\n{text}"
        axes.text(where.x, where.y, label, ha="center", va="center", fontsize=8, color="white" if dark else INK)
    seen = fields["seen_at"].dropna()
    if len(seen):
        first, last = day(seen.min(), language), day(seen.max(), language)
        text = (
            say("looks from {first} to {last}", language, first=first, last=last)
            if first != last
            else say("look of {day}", language, day=last)
        )
        axes.set_xlabel(text, fontsize=9, color=INK, loc="left")
    frame(axes, (bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()), language)
