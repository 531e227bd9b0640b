"""A field's season as SVG that stands in a page of the web: greenness against what is usual, and water in the soil.

No style is written inline and nothing is drawn by a program in the browser: the page's own style sheet knows the
classes, so the curves follow its colours and its print.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import numpy as np

from agro.reports.words import number, say

_ROUND = (36, 14, 14, 24)  # [px] left, right, over and under the plot
_MONTH_D = (1, 32, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)  # [d] first days of months
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class Look:
    """One look at a field: when, its middle NDVI [1], the clear share [1]."""

    day: date
    ndvi: float
    clear: float


@dataclass(frozen=True)
class SeasonChart:
    """What the curve of a season shows.

    looks    this season's, oldest first; those that show too little of the field are drawn hollow
    before   the clear looks of earlier seasons by year
    usual    (day of year, low, middle, high) [1] of what is expected; low and high are None where too few tell
    today    the day that is looked from
    enough   [1] share of the field that a clear look shows
    """

    year: int
    looks: Sequence[Look]
    before: Mapping[int, Sequence[Look]]
    usual: Sequence[tuple[int, float | None, float, float | None]]
    today: date | None
    enough: float = 0.5


def season_svg(chart: SeasonChart, width: int, language: str) -> str:
    """The season's NDVI against what is usual and earlier seasons.

    chart     what to show [1]
    width     of the picture [px]; half of it on a phone
    language  `ru` or `en`
    returns   SVG text [-]
    source    ours
    """
    frame = _Frame(width, round(0.24 * width) + 110, (95, 295), (0.0, 1.0))
    told = say("NDVI of the field in {year}, with what is usual and with earlier seasons", language, year=chart.year)
    parts = [frame.grid([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 1, language)]
    band = [(day, low, high) for day, low, _, high in chart.usual if low is not None and high is not None]
    parts.append(frame.band([b[0] for b in band], [b[1] for b in band], [b[2] for b in band], "usual-band"))
    parts.append(frame.line([day for day, *_ in chart.usual], [middle for _, _, middle, _ in chart.usual], "usual"))
    for number_of, year in enumerate(sorted(chart.before)[-2:]):
        own = chart.before[year]
        parts.append(frame.line([_day(one) for one in own], [one.ndvi for one in own], "before"))
        if own:
            parts.append(frame.text(_day(own[-1]), own[-1].ndvi, str(year), "before-name", 14 if number_of else -5))
    clear = [one for one in chart.looks if one.clear >= chart.enough]
    parts.append(frame.line([_day(one) for one in clear], [one.ndvi for one in clear], "now"))
    parts += [_point(frame, one, one.clear >= chart.enough, language) for one in chart.looks]
    if chart.today is not None and chart.today.year == chart.year:
        parts.append(frame.today(chart.today.timetuple().tm_yday))
    return frame.whole(told, parts)


@dataclass(frozen=True)
class WaterChart:
    """Plant-available water of a season [mm] by day of year, with standard errors: 0-100 cm and 0-20 cm."""

    days: Sequence[int]
    deep: Sequence[float]
    deep_se: Sequence[float]
    top: Sequence[float]
    top_se: Sequence[float]


def water_svg(chart: WaterChart, width: int, language: str) -> str:
    """The water in two layers of the soil over the season.

    chart     what to show [mm]
    width     of the picture [px]
    language  `ru` or `en`
    returns   SVG text [-]
    source    ours
    """
    deep, deep_se, top, top_se = (np.asarray(part, float) for part in (chart.deep, chart.deep_se, chart.top, chart.top_se))  # fmt: skip  # noqa: E501
    most = float(np.nanmax(np.concatenate([deep + deep_se, top + top_se, [50.0]])))
    step = next(size for size in (20, 50, 100, 200, 500) if most / size <= 5 or size == 500)
    highest = step * float(np.ceil(most / step))
    frame = _Frame(width, round(0.15 * width) + 90, (95, 295), (0.0, highest))
    parts = [frame.grid(list(np.arange(0.0, highest + 1, step)), 0, language)]
    for value, error, name in ((deep, deep_se, "deep"), (top, top_se, "shallow")):
        parts.append(frame.band(chart.days, np.maximum(value - error, 0), value + error, f"{name}-band"))
        parts.append(frame.line(chart.days, value, name))
    return frame.whole(say("plant-available water in the soil, mm", language), parts)


class _Frame:
    """The plot's place: days of the year across, values upwards."""

    def __init__(
        self,
        width: int,
        height: int,
        days: tuple[int, int],
        values: tuple[float, float],
        around: tuple[int, int, int, int] = _ROUND,
    ) -> None:
        self.width, self.height, self.days, self.values = width, height, days, values
        self.left, self.right, self.over, self.under = around

    def x(self, day: float) -> float:
        """Where a day lies [px]."""
        first, last = self.days
        return self.left + (self.width - self.left - self.right) * (min(max(day, first), last) - first) / (last - first)

    def y(self, value: float) -> float:
        """Where a value lies [px]."""
        low, high = self.values
        share = (min(max(value, low), high) - low) / (high - low)
        return self.height - self.under - (self.height - self.under - self.over) * share

    def grid(self, marks: Sequence[float], digits: int, language: str) -> str:
        """Lines at marks with their figures, and the months' names."""
        made = []
        for mark in marks:
            y = self.y(mark)
            made.append(
                f'<line class="grid" x1="{self.left}" x2="{self.width - self.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
            made.append(f'<text class="tick" x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{number(mark, digits, language)}</text>')  # fmt: skip  # noqa: E501
        for first, end, name in zip(_MONTH_D, (*_MONTH_D[1:], 366), _MONTHS, strict=True):
            if first < self.days[0] - 10 or end > self.days[1] + 12:
                continue
            middle, base = self.x((max(first, self.days[0]) + min(end, self.days[1])) / 2), self.height - self.under
            made.append(f'<line class="grid" x1="{self.x(first):.1f}" x2="{self.x(first):.1f}" y1="{base}" y2="{base + 5}"/>')  # fmt: skip  # noqa: E501
            made.append(f'<text class="tick" x="{middle:.1f}" y="{base + 17}" text-anchor="middle">{escape(say(name, language))}</text>')  # fmt: skip  # noqa: E501
        return "".join(made)

    def line(self, days: Sequence[int], values: Sequence[float] | np.ndarray, name: str) -> str:
        """A line through what is known."""
        places = [(self.x(day), self.y(v)) for day, v in zip(days, values, strict=True) if self._in(day, v)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        return f'<polyline class="{name}" points="{points}"/>' if len(places) > 1 else ""

    def band(
        self, days: Sequence[int], low: Sequence[float] | np.ndarray, high: Sequence[float] | np.ndarray, name: str
    ) -> str:
        """The ground between two lines."""
        rows = [(d, a, b) for d, a, b in zip(days, low, high, strict=True) if self._in(d, a) and np.isfinite(b)]
        over = [f"{self.x(day):.1f},{self.y(upper):.1f}" for day, _, upper in rows]
        under = [f"{self.x(day):.1f},{self.y(lower):.1f}" for day, lower, _ in reversed(rows)]
        return f'<polygon class="{name}" points="{" ".join(over + under)}"/>' if len(rows) > 1 else ""

    def text(self, day: int, value: float, words: str, name: str, down: float) -> str:
        """Words at a place of the plot, within it, so many pixels below."""
        x = min(self.x(day) + 4, self.width - self.right - 26)
        return f'<text class="{name}" x="{x:.1f}" y="{self.y(value) + down:.1f}">{escape(words)}</text>'

    def today(self, day: int) -> str:
        """The line of the day that is looked from."""
        x = self.x(day)
        return f'<line class="today" x1="{x:.1f}" x2="{x:.1f}" y1="{self.over}" y2="{self.height - self.under}"/>'

    def whole(self, told: str, parts: Sequence[str]) -> str:
        """The picture with its name for those who hear it."""
        view = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        return f'<svg class="chart" role="img" aria-label="{escape(told)}" {view}>{"".join(parts)}</svg>'

    def _in(self, day: int, value: float) -> bool:
        return bool(np.isfinite(value)) and self.days[0] <= day <= self.days[1]


def _day(one: Look) -> int:
    return one.day.timetuple().tm_yday


def _point(frame: _Frame, one: Look, clear: bool, language: str) -> str:
    if not frame._in(_day(one), one.ndvi):
        return ""
    told = say(
        "{day}: NDVI {ndvi}, clear {share} %",
        language,
        day=one.day.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d"),
        ndvi=number(one.ndvi, 2, language),
        share=number(100 * one.clear, 0, language),
    )
    place = f'cx="{frame.x(_day(one)):.1f}" cy="{frame.y(one.ndvi):.1f}"'
    return (
        f'<circle class="{"look" if clear else "hidden-look"}" {place} r="3.5"><title>{escape(told)}</title></circle>'
    )


def usual_curve(
    curves: Sequence[tuple[Sequence[int], Sequence[float]]], step_d: int = 5, fewest: int = 4
) -> list[tuple[int, float | None, float, float | None]]:
    """What several seasons' curves usually show, day by day.

    curves   (days of year, values [1]) of one field and season each, oldest look first
    step_d   between the days that are told [d]
    fewest   so many curves tell how far they lie apart [1]; of fewer only the middle is told
    returns  (day of year, low, middle, high) [1]: a tenth lies below low, a tenth above high
    source   ours: linear between looks, nothing outside them
    """
    reach: Callable[[Sequence[int], int], bool] = lambda days, day: days[0] <= day <= days[-1]  # noqa: E731
    told: list[tuple[int, float | None, float, float | None]] = []
    for day in range(95, 296, step_d):
        here = [float(np.interp(day, days, values)) for days, values in curves if len(days) > 1 and reach(days, day)]
        if not here:
            continue
        low, middle, high = (float(part) for part in np.percentile(here, (10, 50, 90)))
        told.append((day, low, middle, high) if len(here) >= fewest else (day, None, middle, None))
    return told


def spark_svg(chart: SeasonChart, language: str) -> str:
    """The season in the size of a word: this year's line over what is usual.

    chart     what to show [1]
    language  `ru` or `en`
    returns   SVG text [-]
    source    ours
    """
    frame = _Frame(136, 40, (95, 295), (0.0, 1.0), (2, 2, 3, 3))
    told = say("NDVI of the field in {year}, with what is usual and with earlier seasons", language, year=chart.year)
    band = [(day, low, high) for day, low, _, high in chart.usual if low is not None and high is not None]
    clear = [one for one in chart.looks if one.clear >= chart.enough]
    parts = [
        frame.band([b[0] for b in band], [b[1] for b in band], [b[2] for b in band], "usual-band"),
        frame.line([day for day, *_ in chart.usual], [middle for _, _, middle, _ in chart.usual], "usual"),
        frame.line([_day(one) for one in clear], [one.ndvi for one in clear], "now"),
        _point(frame, clear[-1], True, language) if clear else "",
    ]
    return frame.whole(told, parts).replace('class="chart"', 'class="chart spark"', 1)
