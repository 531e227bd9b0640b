"""The board of districts: what may be published of a day's forecasts and of output, ready to be drawn or written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shapely import Geometry

from agro.domain.errors import Refusal
from agro.reports.outlook_text import apart_as_text, chance, headline, signed
from agro.reports.words import number, reason, say

T_HA_TO_DT_HA = 10.0  # [dt/t] people of Kuzbass count centners


@dataclass(frozen=True)
class Row:
    """A crop in a district, or in the region (`district` None): yield and its interval of 80 % [t/ha], tonnes [t].

    past     yields of past seasons by year [t/ha]
    seen     share of the crop's area that is foreseen field by field [1]
    change   of the forecast since the last one [t/ha], None where there is none
    why      why nothing is shown; everything else is None then
    threshed   so far [ha], and its share of what is to be harvested [1]; None where nobody told it
    """

    crop: str
    district: str | None
    yield_t_ha: float | None
    low_t_ha: float | None
    high_t_ha: float | None
    tonnes: float | None
    low_t: float | None
    high_t: float | None
    seen: float | None
    past: Mapping[int, float]
    change: float | None
    why: Refusal | None
    threshed: tuple[float, float] | None = None


@dataclass(frozen=True)
class District:
    """A district: where its fields lie [m], what of them was seen lately [1], how green they are against other years.

    ground   round its fields; None where it is not shown
    greener  NDVI over what it was on these days in other seasons, less 1 [1]; None where it is not known
    fields   [1]; None where they are withheld
    parts    of the change of output [percentage points of the region's index]; None where they are withheld
    priority   one of the districts that the strategy names for growth of cultivated area
    """

    code: str
    name: str
    codes: str
    ground: Geometry | None
    fields: int | None
    seen: float | None
    greener: float | None
    parts: Mapping[str, float] | None
    why: Refusal | None
    priority: bool = False

    @property
    def marked(self) -> str:
        """Its name, with a star where it is one of the strategy's."""
        return f"{self.name} ★" if self.priority else self.name


@dataclass(frozen=True)
class Board:
    """Everything the board shows. `assumed` stands before all else; `changes` says what changed and why.

    indicator   as it was kept; None where there is none, `silent` says why
    names       of crops and groups, by code
    """

    as_of: date
    year: int
    assumed: tuple[str, ...]
    indicator: Mapping[str, Any] | None
    silent: tuple[Refusal, ...]
    rows: tuple[Row, ...]
    districts: tuple[District, ...]
    changes: tuple[str, ...]
    names: Mapping[str, str]
    simulated: bool

    def named(self, code: str | None, language: str) -> str:
        """What a crop or district is called; None is the region."""
        return say("The region", language) if code is None else self.names.get(code, code)


def day_text(day: date, language: str) -> str:
    """A day as people write it.

    day       any
    language  `ru` or `en`
    returns   text [-]
    source    LOOK: 22.05.2026
    """
    return day.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")


def yield_text(value_t_ha: float | None, language: str) -> str:
    """A yield as people read it.

    value_t_ha  [t/ha]; None where there is none
    language    `ru` or `en`
    returns     text [-]: centners with one digit in Russian, tonnes with two in English
    source      ours
    """
    if value_t_ha is None:
        return "–"
    return number(T_HA_TO_DT_HA * value_t_ha, 1, language) if language == "ru" else number(value_t_ha, 2, language)


def yield_unit(language: str) -> str:
    """The unit of yields on a page.

    language  `ru` or `en`
    returns   text [-]
    source    ours
    """
    return say("dt/ha", language) if language == "ru" else say("t/ha", language)


def cells_of(row: Row, past_years: list[int], language: str) -> list[str]:
    """A row of the table of forecasts.

    row         one crop in one district [t/ha, t]
    past_years  columns of past seasons [a]
    language    `ru` or `en`
    returns     texts [-]: yield, interval, tonnes, threshed, share seen, change, past yields
    source      ours
    """
    past = [yield_text(row.past.get(year), language) for year in past_years]
    ends = "–"
    if row.low_t_ha is not None and row.high_t_ha is not None:
        ends = f"{yield_text(row.low_t_ha, language)}–{yield_text(row.high_t_ha, language)}"
    change = "–" if row.change is None else signed(row.change * (T_HA_TO_DT_HA if language == "ru" else 1), language)
    tonnes = "–" if row.tonnes is None else number(row.tonnes, 0, language)
    seen = "–" if row.seen is None else f"{number(100 * row.seen, 0, language)} %"
    done = "–"
    if row.threshed is not None:
        area, share = row.threshed
        done = f"{number(area, 0, language)} ({number(100 * share, 0, language)} %)"
    return [yield_text(row.yield_t_ha, language), ends, tonnes, done, seen, change, *past]


def by_crop(board: Board, language: str) -> list[tuple[str, list[Row], list[str]]]:
    """The table of forecasts crop by crop: its name, the rows that are shown, and who is withheld for what reason.

    board     what is shown [t/ha, t]
    language  `ru` or `en`
    returns   crops [-], most rows shown first
    source    ours
    """
    crops: dict[str, list[Row]] = {}
    for row in board.rows:
        crops.setdefault(row.crop, []).append(row)
    made = []
    for crop, rows in crops.items():
        silent: dict[str, list[str]] = {}
        for row in rows:
            if row.yield_t_ha is None:
                why = reason(row.why, language) if row.why else say("no data", language)
                silent.setdefault(why, []).append(board.named(row.district, language))
        lines = [f"{', '.join(names)}: {why}" for why, names in silent.items()]
        made.append((board.named(crop, language), [row for row in rows if row.yield_t_ha is not None], lines))
    return sorted(made, key=lambda one: (-len(one[1]), one[0]))


def big_lines(board: Board, language: str) -> list[str]:
    """The index in three lines: the figure, what it is of, its interval; empty where there is none.

    board     what is shown [% of 2017]
    language  `ru` or `en`
    returns   lines [-]
    source    ours
    """
    made = board.indicator
    if made is None or not made["years"]:
        return []
    now = made["years"][0]
    low, high = (number(now[name], 1, language) for name in ("low_80", "high_80"))
    return [
        f"{number(now['median'], 1, language)} %",
        say("agricultural output of {year}, % of {base}", language, year=now["year"], base=made["base_year"]),
        say("between {low} and {high} in 8 years of 10", language, low=low, high=high),
    ]


def heads_of(past_years: list[int], language: str) -> list[str]:
    """The headings of the same table.

    past_years  columns of past seasons [a]
    language    `ru` or `en`
    returns     texts [-]
    source      ours
    """
    unit = yield_unit(language)
    return [
        say("yield, {unit}", language, unit=unit),
        say("80 % interval", language),
        say("harvest, t", language),
        say("threshed, ha", language),
        say("area seen", language),
        say("in a week", language),
        *(str(year) for year in past_years),
    ]


def told_of_district(one: District, language: str) -> list[str]:
    """A row of the table of districts: fields, seen lately, greenness against other years, contribution to output.

    one       the district [1], [percentage points]
    language  `ru` or `en`
    returns   texts [-]
    source    ours
    """
    seen = "–" if one.seen is None else f"{number(100 * one.seen, 0, language)} %"
    green = "–" if one.greener is None else f"{signed(100 * one.greener, language, 0)} %"
    parts = say("withheld", language) if one.parts is None else signed(one.parts["total"], language, 2)
    fields = say("withheld", language) if one.fields is None else str(one.fields)
    return [fields, seen, green, parts]


def output_lines(board: Board, language: str) -> list[str]:
    """What the board says of output in sentences.

    board     what is shown [% of 2017]
    language  `ru` or `en`
    returns   lines [-]; why there is no index, where there is none
    source    ours
    """
    made = board.indicator
    if made is None:
        return [reason(one, language) for one in board.silent] or [say("no data", language)]
    return [line.strip() for line in headline(made, language)]


def scenario_rows(board: Board, language: str) -> list[list[str]]:
    """The scenarios of this year and the next: goal and chance.

    board     what is shown [% of 2017]
    language  `ru` or `en`
    returns   rows of texts [-]: scenario, goal and chance of each year
    source    ours
    """
    made = board.indicator
    if made is None or not made["years"]:
        return []
    return [
        [say(name, language)]
        + [
            text
            for year in made["years"]
            for text in (number(year["goals"][name], 1, language), f"{chance(year['chances'][name], language)} %")
        ]
        for name in ("conservative", "target", "optimistic")
    ]


def apart_line(board: Board, language: str) -> str:
    """Whether target and optimistic can be told apart this year; empty where there is no index.

    board     what is shown [% of 2017]
    language  `ru` or `en`
    returns   one sentence [-]
    source    ours
    """
    made = board.indicator
    return apart_as_text(made["years"][0], language) if made and made["years"] else ""


def district_heads(language: str) -> list[str]:
    """The headings of the table of districts.

    language  `ru` or `en`
    returns   texts [-]
    source    ours
    """
    return [
        say("fields", language),
        say("seen in 14 days", language),
        say("greener than usual", language),
        say("adds to output, points", language),
    ]


def priority_note(language: str) -> str:
    """What the star beside a district means.

    language  `ru` or `en`
    returns   one line of text [-]
    source    strategy of the region to 2035
    """
    return say("★ the strategy's priority for growth of cultivated area", language)


def past_years(board: Board) -> list[int]:
    """The past seasons that the table shows.

    board    what is shown
    returns  at most the last three [a]
    source   ours
    """
    return sorted({year for row in board.rows for year in row.past})[-3:]
