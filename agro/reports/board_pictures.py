"""The board's pictures: map of districts, fan of output against the scenarios; as pages (PDF, PNG) and as SVG."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from shapely import Geometry
from shapely.ops import unary_union

from agro.reports.district_board import (
    Board,
    Row,
    apart_line,
    big_lines,
    by_crop,
    cells_of,
    day_text,
    district_heads,
    heads_of,
    output_lines,
    past_years,
    priority_note,
    scenario_rows,
    told_of_district,
)
from agro.reports.drawing import frame, mark_simulated, png, wrapped
from agro.reports.outlook_text import footnote
from agro.reports.styles import FAINT, INK
from agro.reports.words import number, say

_STYLE: Any = {"text.parse_math": False, "svg.hashsalt": "agro", "svg.fonttype": "path", "hatch.linewidth": 0.5}
_DPI = 130  # [1/inch]
_LEFT, _RIGHT = 0.06, 0.95
_GREY, _BLUE = "#c9cdd0", "#2c5f86"
_BETTER = ("#8c4a1f", "#d9a878", "#f1efe6", "#8fb3a2", "#2f6f5e")  # worse to better: readable without colour
_EDGES = (-0.10, -0.03, 0.03, 0.10)  # [1] against other years
_PATHS = {"conservative": ("#6b7378", ":"), "target": ("#b3541e", "--"), "optimistic": ("#2f6f5e", "-.")}
_WIDER = 0.025  # [1] of the map: a district's ground is drawn larger, so that it is seen
_LOWEST, _STEP = 0.05, 0.0148  # [1] of the page: where the table ends, and a line of it


@rc_context(_STYLE)
def board_pdf(board: Board, language: str) -> bytes:
    """The board as pages of A4.

    board     what is shown
    language  `ru` or `en`
    returns   PDF [byte]
    source    ours
    """
    buffer = io.BytesIO()
    with PdfPages(buffer, metadata={"CreationDate": None, "Producer": None, "Creator": None}) as pages:
        for figure in _pages(board, language):
            pages.savefig(figure)
    return buffer.getvalue()


@rc_context(_STYLE)
def board_png(board: Board, language: str) -> bytes:
    """The board's first page as a picture.

    board     what is shown
    language  `ru` or `en`
    returns   PNG [byte]
    source    ours
    """
    return png(_pages(board, language)[0])


@rc_context(_STYLE)
def board_svgs(board: Board, language: str) -> dict[str, str]:
    """The pictures alone, for a page of the web.

    board     what is shown
    language  `ru` or `en`
    returns   SVG [-] of `map` and, where there is an index, `fan`
    source    ours
    """
    made = {}
    figure = Figure(figsize=(5.2, 4.6))
    FigureCanvasAgg(figure)
    _map(figure.add_axes((0.02, 0.16, 0.96, 0.82)), board, language)
    made["map"] = _svg(figure)
    if board.indicator is not None and board.indicator["years"]:
        figure = Figure(figsize=(5.6, 4.0))
        FigureCanvasAgg(figure)
        _fan(figure.add_axes((0.09, 0.09, 0.86, 0.86)), board, language)
        made["fan"] = _svg(figure)
    return made


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _page(board: Board, language: str) -> Figure:
    figure = Figure(figsize=(8.27, 11.69), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    mark_simulated(figure, board.simulated, language)
    return figure


def _pages(board: Board, language: str) -> list[Figure]:
    """The first page with everything at a glance; the table of forecasts goes on as far as it needs."""
    figure, y = _first(board, language)
    pages = [figure]
    lines = _lines(board, language)
    while lines:
        lines = _table(pages[-1], y, lines, board, language)
        if lines:
            pages.append(_page(board, language))
            y = 0.955
    return pages


def _first(board: Board, language: str) -> tuple[Figure, float]:
    """What stands above the table of forecasts, and where it ends."""
    figure = _page(board, language)
    day = day_text(board.as_of, language)
    title = say("Board of districts: {year}, as of {day}", language, year=board.year, day=day)
    figure.text(_LEFT, 0.955, title, fontsize=14, weight="bold", color=INK)
    y = 0.945
    for line in board.assumed:
        for piece in wrapped(line, 118).split("\n"):
            figure.text(_LEFT, y, piece, fontsize=7.5, color="#a3341f", va="top")
            y -= 0.0115
    y = _output(figure, y - 0.006, board, language)
    y = _scenarios(figure, y - 0.004, board, language) - 0.012
    low = y - 0.275
    questions = say("Where is it greener or paler than in other years?", language), say("Will output reach the scenarios?", language)  # fmt: skip  # noqa: E501
    for left, question in zip((_LEFT, 0.54), questions, strict=True):
        figure.text(left, y, question, fontsize=10, weight="bold", color=INK, va="top")
    _map(figure.add_axes((_LEFT, low + 0.045, 0.42, 0.212)), board, language)
    axes = figure.add_axes((0.59, low + 0.03, 0.36, 0.222))
    if board.indicator is not None and board.indicator["years"]:
        _fan(axes, board, language)
    else:
        axes.axis("off")
        axes.text(0.5, 0.5, wrapped(" ".join(output_lines(board, language)), 40), ha="center", va="center", fontsize=9)
    y = _districts(figure, low - 0.002, board, language)
    y = _changes(figure, y - 0.006, board, language)
    figure.text(_LEFT, 0.015, wrapped(footnote(language), 130), fontsize=7, color=FAINT, va="bottom")
    return figure, y - 0.006


def _output(figure: Figure, y: float, board: Board, language: str) -> float:
    big = big_lines(board, language)
    if not big:
        for line in output_lines(board, language):
            figure.text(_LEFT, y, wrapped(line, 100), fontsize=9.5, color=INK, va="top")
            y -= 0.016 * (1 + wrapped(line, 100).count("\n"))
        return y
    figure.text(_LEFT, y - 0.002, big[0], fontsize=24, weight="bold", color=_BLUE, va="top")
    for i, line in enumerate(big[1:]):
        figure.text(_LEFT + 0.21, y - 0.005 - 0.016 * i, line, fontsize=11, color=INK, va="top")
    return y - 0.042


def _scenarios(figure: Figure, y: float, board: Board, language: str) -> float:
    rows = scenario_rows(board, language)
    if not rows or board.indicator is None:
        return y
    years = [str(year["year"]) for year in board.indicator["years"]]
    heads = [say("scenario", language)] + [text for year in years for text in (year, say("chance {year}", language, year=year))]  # fmt: skip  # noqa: E501
    x = [_LEFT, 0.24, 0.34, 0.52, 0.62]
    for place, head in zip(x, heads, strict=True):
        figure.text(place, y - 0.004, head, fontsize=8, color=FAINT, va="top")
    y -= 0.014
    for row in rows:
        for i, (place, cell) in enumerate(zip(x, row, strict=True)):
            figure.text(place, y - 0.004, cell, fontsize=9.5, color=INK, va="top", weight="bold" if i in (2, 4) else "normal")  # fmt: skip  # noqa: E501
        y -= 0.0155
    line = wrapped(apart_line(board, language), 112)
    figure.text(_LEFT, y - 0.006, line, fontsize=8.5, color=INK, va="top")
    return y - 0.013 * (1 + line.count("\n"))


def _map(axes: Axes, board: Board, language: str) -> None:
    """Where the fields lie, coloured by how green they are against other years."""
    known = [(one, one.ground) for one in board.districts if one.ground is not None]
    if not known:
        axes.axis("off")
        return
    whole = unary_union([ground for _, ground in known])
    span = max(whole.bounds[2] - whole.bounds[0], whole.bounds[3] - whole.bounds[1])
    for one, ground in known:
        colour = _GREY if one.greener is None else _BETTER[int(np.searchsorted(_EDGES, one.greener))]
        _fill(axes, ground.buffer(_WIDER * span), colour, "////" if one.greener is None else None)
    frame(axes, whole.buffer(0.1 * span).bounds, language)
    for number_, one in enumerate(board.districts, start=1):
        if one.ground is None:
            continue
        place, told = one.ground.centroid, told_of_district(one, language)[2]
        east = one.ground.buffer(_WIDER * span).bounds[2]
        halo = [withStroke(linewidth=2.2, foreground="white")]
        axes.text(place.x, place.y, str(number_), ha="center", va="center", fontsize=9, weight="bold", color=INK, path_effects=halo)  # fmt: skip  # noqa: E501
        axes.annotate(told, (east, place.y), (3, -3), textcoords="offset points", ha="left", fontsize=8, color=INK, path_effects=halo)  # fmt: skip  # noqa: E501
    _legend(axes, language)


def _legend(axes: Axes, language: str) -> None:
    """Five steps with their numbers, below the map."""
    ends = [f"< {_percent(_EDGES[0], language)}", *(f"{_percent(a, language)}…{_percent(b, language)}" for a, b in pairwise(_EDGES)), f"> {_percent(_EDGES[-1], language)}"]  # fmt: skip  # noqa: E501
    for i, (colour, end) in enumerate(zip(_BETTER, ends, strict=True)):
        left = 0.02 + 0.195 * i
        patch = Path([(left, -0.075), (left + 0.185, -0.075), (left + 0.185, -0.045), (left, -0.045)])
        axes.add_patch(PathPatch(patch, transform=axes.transAxes, facecolor=colour, edgecolor="none", clip_on=False))
        axes.text(left, -0.085, end, transform=axes.transAxes, fontsize=6.5, color=INK, va="top")
    note = say("NDVI against the same days of other seasons, %; a sketch: it shows where fields lie, not borders", language)  # fmt: skip  # noqa: E501
    axes.text(0.02, -0.125, wrapped(note, 66), transform=axes.transAxes, fontsize=6.5, color=FAINT, va="top")


def _percent(share: float, language: str) -> str:
    return f"{'−' if share < 0 else '+'}{number(abs(100 * share), 0, language)}"


def _fill(axes: Axes, ground: Geometry, colour: str, hatch: str | None) -> None:
    for part in getattr(ground, "geoms", [ground]):
        path = Path.make_compound_path(*(Path(np.asarray(ring.coords)) for ring in (part.exterior, *part.interiors)))
        axes.add_patch(PathPatch(path, facecolor=colour, edgecolor="white" if hatch else INK, linewidth=0.8, hatch=hatch))  # fmt: skip  # noqa: E501


def _fan(axes: Axes, board: Board, language: str) -> None:
    """Closed years as a line, the open one and the next as a fan, the scenarios beside them."""
    made = board.indicator
    assert made is not None  # noqa: S101  the caller has looked
    base = made["base_year"]
    value, years, told = 100.0, [base], [100.0]
    for one in made["closed"]:
        value *= one["pct_of_previous"] / 100
        years.append(one["year"])
        told.append(value)
    axes.plot(years, told, color=_BLUE, linewidth=2, marker="o", markersize=3.5)
    ahead = [years[-1], *(one["year"] for one in made["years"])]
    for level, alpha in (("90", 0.15), ("80", 0.28)):
        low, high = ([told[-1], *(one[f"{end}_{level}"] for one in made["years"])] for end in ("low", "high"))
        axes.fill_between(ahead, low, high, color=_BLUE, alpha=alpha, linewidth=0)
    axes.plot(ahead, [told[-1], *(one["median"] for one in made["years"])], color=_BLUE, linewidth=1.4, linestyle=(0, (4, 2)))  # fmt: skip  # noqa: E501
    for name, (colour, dashes) in _PATHS.items():
        path = {base: 100.0, **{int(year): goal for year, goal in made["paths"][name].items() if int(year) <= ahead[-1] + 2}}  # fmt: skip  # noqa: E501
        axes.plot(list(path), list(path.values()), color=colour, linestyle=dashes, linewidth=1.3, label=say(name, language))  # fmt: skip  # noqa: E501
    axes.axvline(years[-1] + 0.5, color=FAINT, linewidth=0.8)
    axes.set_ylabel(say("% of {base}", language, base=base), fontsize=8, color=INK)
    axes.set_xticks(range(base, ahead[-1] + 3))
    axes.tick_params(labelsize=7, colors=INK, length=2)
    axes.grid(axis="y", color="#e3e6e8", linewidth=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=7, loc="upper left")
    axes.text(1.0, -0.13, say("line: closed years; fan: 80 and 90 %", language), transform=axes.transAxes, fontsize=6.5, color=FAINT, ha="right")  # fmt: skip  # noqa: E501


def _districts(figure: Figure, y: float, board: Board, language: str) -> float:
    heads = [say("district", language), *district_heads(language)]
    x = [_LEFT, 0.485, 0.555, 0.68, 0.83]
    for place, head in zip(x, heads, strict=True):
        figure.text(place, y, wrapped(head, 18), fontsize=8, color=FAINT, va="top")
    y -= 0.027
    shown = board.districts[:9]
    for number_, one in enumerate(shown, start=1):
        name = f"{number_}. {one.marked} {one.codes}".strip()
        for place, cell in zip(x, [name, *told_of_district(one, language)], strict=True):
            figure.text(place, y, cell, fontsize=8.5, color=INK, va="top")
        y -= 0.0145
    if len(board.districts) > len(shown):
        figure.text(_LEFT, y, say("... and {n} more", language, n=len(board.districts) - len(shown)), fontsize=8, color=INK, va="top")  # fmt: skip  # noqa: E501
        y -= 0.0145
    if any(one.priority for one in shown):
        figure.text(_LEFT, y - 0.002, priority_note(language), fontsize=7, color=FAINT, va="top")
        y -= 0.0135
    return y


def _changes(figure: Figure, y: float, board: Board, language: str) -> float:
    figure.text(_LEFT, y, say("What changed since last week, and why", language), fontsize=10, weight="bold", color=INK, va="top")  # fmt: skip  # noqa: E501
    y -= 0.018
    for line in board.changes:
        for piece in wrapped(line, 118).split("\n"):
            if y < 0.05:
                return y
            figure.text(_LEFT, y, piece, fontsize=8.5, color=INK, va="top")
            y -= 0.0135
    return y


def _lines(board: Board, language: str) -> list[tuple[str, Row | str]]:
    """The table of forecasts, line by line: a crop's name, its rows, who is withheld."""
    lines: list[tuple[str, Row | str]] = []
    for crop, rows, silent in by_crop(board, language):
        lines += [("crop", crop), *(("row", row) for row in rows)]
        lines += [("silent", piece) for line in silent for piece in wrapped(line, 125).split("\n")]
    return lines


def _table(
    figure: Figure, y: float, lines: list[tuple[str, Row | str]], board: Board, language: str
) -> list[tuple[str, Row | str]]:
    """Write as many lines as the page holds; what is left."""
    years = past_years(board)
    day = day_text(board.as_of, language)
    figure.text(_LEFT, y, say("Yields foreseen as of {day}", language, day=day), fontsize=10, weight="bold", color=INK, va="top")  # fmt: skip  # noqa: E501
    x = [_LEFT, 0.29, 0.385, 0.485, 0.565, 0.675, 0.745, *(0.81 + 0.05 * i for i in range(len(years)))]
    for place, head in zip(x, ["", *heads_of(years, language)], strict=True):
        figure.text(place, y - 0.017, wrapped(head, 8), fontsize=6.8, color=FAINT, va="top")
    y -= 0.042
    for done, (kind, told) in enumerate(lines):
        if y < _LOWEST + (_STEP if kind == "crop" else 0.0):
            return lines[done:]
        if isinstance(told, Row):
            cells = [f"  {board.named(told.district, language)}", *cells_of(told, years, language)]
            for place, cell in zip(x, cells, strict=True):
                figure.text(place, y, cell, fontsize=8.5, color=INK, va="top")
        else:
            bold = "bold" if kind == "crop" else "normal"
            colour, size = (INK, 8.5) if kind == "crop" else (FAINT, 7)
            figure.text(_LEFT if kind == "crop" else _LEFT + 0.01, y, told, fontsize=size, weight=bold, color=colour, va="top")  # fmt: skip  # noqa: E501
        y -= _STEP if kind != "silent" else 0.0125
    return []
