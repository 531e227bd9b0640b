"""What all pictures share: the frame of a map, its scale bar and colour bar, hatching, the mark of simulated data."""

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from shapely import Geometry

from agro.domain.grid import Grid
from agro.domain.layers import LAYERS
from agro.reports.styles import INK
from agro.reports.words import number, say

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


def colour_bar(figure: Figure, axes: Axes, colours: Any, scale: tuple[float, float], layer: str, language: str) -> None:
    """The colours of a layer with numbers and its unit.

    figure, axes  where it is drawn
    colours       a colour map
    scale         lowest and highest value [the layer's unit]
    layer         name in the register
    language      `ru` or `en`
    returns       nothing [-]
    source        ours
    """
    bar = figure.colorbar(
        ScalarMappable(Normalize(*scale), colours), cax=axes, extend="both" if layer == "ndmi" else "neither"
    )
    bar.outline.set_visible(False)
    unit, times = LAYERS[layer].unit, 1
    if unit == "t/ha" and language == "ru":  # people there count centners
        unit, times = "ц/га", 10
    bar.ax.yaxis.set_major_formatter(lambda value, _: number(times * value, 1, language))
    bar.ax.tick_params(labelsize=10, colors=INK, length=0)
    unit = unit.replace("m2/m2", "м²/м²" if language == "ru" else "m²/m²")
    title = unit if unit in ("t/ha", "ц/га") else layer.upper() if unit == "1" else f"{layer.upper()}, {unit}"
    bar.ax.set_title(title, fontsize=11, color=INK, loc="left", pad=8)


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
    x = np.linspace(west, east, columns * 2 + 1)[1::2]
    y = np.linspace(north, south, rows * 2 + 1)[1::2]
    fine = mask.astype(float)
    drawn = axes.contourf(x, y, fine, levels=[0.5, 1.5], colors=[face or "none"], hatches=[pattern])
    drawn.set_edgecolor("white" if face else INK)
    drawn.set_linewidth(0)


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


def png(figure: Figure) -> bytes:
    """The picture as bytes; equal pictures give equal bytes.

    figure   the picture
    returns  PNG [byte]
    source   ours
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
