"""What all pictures share: the frame of a map, its scale bar and colour bar, hatching, the mark of simulated data."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.path import Path
from shapely import Geometry

from agro.domain.grid import Grid
from agro.reports.styles import INK, Style
from agro.reports.words import number, say

_FINER = 4  # [1] parts of a pixel's side: a contour cuts the corners of the parts only
_MARGIN = 0.06  # [1] of ground shown around the fields


def frame(axes: Axes, bounds: tuple[float, float, float, float], language: str) -> None:
    """Equal axes without numbers, a scale bar and north.

    axes      where the map is drawn
    bounds    west, south, east, north [m]
    language  `ru` or `en`
    returns   nothing [-]
    source    ours
    """
    west, south, east, north = bounds
    margin = _MARGIN * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    length = next(
        step
        for step in (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20)
        if step <= max(0.3 * (east - west), 20)
    )
    x, y = west, south - 0.55 * margin
    axes.plot([x, x + length], [y, y], color=INK, linewidth=3, solid_capstyle="butt", clip_on=False)
    text = f"{length // 1000} {say('km', language)}" if length >= 1000 else f"{length} {say('m', language)}"
    axes.text(x + length + 0.01 * (east - west), y, text, fontsize=9, va="center", color=INK)
    axes.text(
        0.985,
        0.985,
        f"▲\n{say('N', language)}",
        transform=axes.transAxes,
        ha="center",
        va="top",
        fontsize=9,
        color=INK,
    )


def colour_bar(figure: Figure, axes: Axes, style: Style, language: str) -> None:
    """The colours of a layer with numbers and its unit.

    figure, axes  where it is drawn
    style         colours, scale and unit of the layer [its unit]
    language      `ru` or `en`
    returns       nothing [-]
    source        ours
    """
    bar = figure.colorbar(
        ScalarMappable(Normalize(*style.scale), style.colour_map),
        cax=axes,
        extend="both" if style.scale[0] < 0 else "neither",
    )
    bar.outline.set_visible(False)
    times = 10 if style.unit == "t/ha" and language == "ru" else 1  # people there count centners
    bar.ax.yaxis.set_major_formatter(lambda value, _: number(times * value, style.digits, language))
    bar.ax.tick_params(labelsize=10, colors=INK, length=0)
    bar.ax.set_title(say(style.unit, language), fontsize=11, color=INK, loc="left", pad=8)


def hatched(axes: Axes, mask: np.ndarray, grid: Grid, pattern: str, face: str | None) -> None:
    """Hatch where a mask is true.

    axes     where the map is drawn
    mask     (y, x) on `grid` [1]
    pattern  matplotlib's
    face     colour below the hatching; None: what is there
    returns  nothing [-]
    source   ours
    """
    if not mask.any():
        return
    west, south, east, north = grid.bounds
    rows, columns = mask.shape
    x = np.linspace(west, east, columns * 2 * _FINER + 1)[1::2]
    y = np.linspace(north, south, rows * 2 * _FINER + 1)[1::2]
    fine = mask.astype(float).repeat(_FINER, axis=0).repeat(_FINER, axis=1)
    drawn = axes.contourf(x, y, fine, levels=[0.5, 1.5], colors=[face or "none"], hatches=[pattern])
    drawn.set_edgecolor("white" if face else INK)
    drawn.set_linewidth(0)


def clipped(axes: Axes, outline: Geometry) -> None:
    """Cut what was drawn so far along the field's edge: a pixel's corner is no ground of the neighbour.

    axes     where the map is drawn
    outline  polygon or multipolygon [m]
    returns  nothing [-]
    source   ours
    """
    edge = Path.make_compound_path(*[Path(np.column_stack(ring), closed=True) for ring in rings(outline)])
    for drawn in (*axes.images, *axes.collections):
        drawn.set_clip_path(edge, transform=axes.transData)


def rings(outline: Geometry) -> list[tuple[np.ndarray, np.ndarray]]:
    """All rings of an outline, ready to be drawn.

    outline  polygon or multipolygon [m]
    returns  x and y of each ring [m]
    source   ours
    """
    found = []
    for part in getattr(outline, "geoms", [outline]):
        for ring in (part.exterior, *part.interiors):
            xy = np.asarray(ring.coords)
            found.append((xy[:, 0], xy[:, 1]))
    return found


def mark_simulated(figure: Figure, simulated: bool, language: str) -> None:
    """Mark a picture of simulated data.

    figure     the picture
    simulated  whether it is
    language   `ru` or `en`
    returns    nothing [-]
    source     ours
    """
    if simulated:
        figure.text(
            0.985, 0.985, say("SIMULATED", language), ha="right", va="top", fontsize=11, color="#a3341f", weight="bold"
        )


def wrapped(text: str, width: int) -> str:
    """A text in lines.

    text     words
    width    most letters of a line [1]
    returns  text [-] with line breaks; a longer word has a line of its own
    source   ours
    """
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "\n".join([*lines, line])


def png(figure: Figure) -> bytes:
    """The picture as bytes; equal pictures give equal bytes.

    figure   the picture
    returns  PNG [byte]
    source   ours
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def pdf(figure: Figure) -> bytes:
    """The page for paper; equal pages give equal bytes.

    figure   the page
    returns  PDF [byte]
    source   ours
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return buffer.getvalue()
