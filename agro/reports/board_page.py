"""The board as one page of the web that needs nothing else."""

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined

from agro.reports.board_pictures import board_svgs
from agro.reports.district_board import (
    Board,
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
from agro.reports.outlook_text import footnote
from agro.reports.words import say

_FIGURES = ("crop", "district", "yield_t_ha", "low_t_ha", "high_t_ha", "tonnes", "low_t", "high_t", "seen", "change")
_PAGE = """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.45 "DejaVu Sans", "Segoe UI", Arial, sans-serif; color: #1f2a30; margin: 0 auto;
 max-width: 1180px; padding: 1rem; }
h1 { font-size: 1.4rem; margin: .2rem 0 .4rem; }
h2 { font-size: 1.1rem; margin: 1.4rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1rem 0 .2rem; }
.assumed { color: #a3341f; font-size: .85rem; margin: 0; }
p { margin: .3rem 0; }
.big { font-size: 2.4rem; font-weight: bold; color: #2c5f86; margin: .5rem 0 0; line-height: 1.1; }
.faint { color: #6b7378; font-size: .85rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
.pictures figure { flex: 1 1 320px; margin: 0; min-width: 0; }
.pictures svg { width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th { text-align: left; color: #6b7378; font-weight: normal; }
th, td { padding: .18rem .7rem .18rem 0; vertical-align: top; border-bottom: 1px solid #e3e6e8; }
th.crop { color: #1f2a30; font-weight: bold; padding-top: .7rem; }
td.n { text-align: right; white-space: nowrap; }
@media print { body { font-size: 11px; } }
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% for line in assumed %}<p class="assumed">{{ line }}</p>
{% endfor %}
<section>
{% for line in output %}<p{% if loop.first and scenarios %} class="big"{% endif %}>{{ line }}</p>
{% endfor %}
{% if scenarios %}<div class="wide"><table>
<tr>{% for head in scenario_heads %}<th>{{ head }}</th>{% endfor %}</tr>
{% for row in scenarios %}<tr>
{%- for cell in row %}<td{% if not loop.first %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
<p>{{ apart }}</p>{% endif %}
</section>
<div class="pictures">
{% for title, svg in pictures %}<figure><h2>{{ title }}</h2>{{ svg | safe }}</figure>
{% endfor %}</div>
<h2>{{ words.districts }}</h2>
<div class="wide"><table>
<tr>{% for head in district_heads %}<th>{{ head }}</th>{% endfor %}</tr>
{% for row in districts %}<tr>
{%- for cell in row %}<td{% if not loop.first %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% if priority %}<p class="faint">{{ priority }}</p>
{% endif %}<h2>{{ words.changes }}</h2>
{% for line in changes %}<p>{{ line }}</p>
{% endfor %}
<h2>{{ words.forecasts }}</h2>
<div class="wide"><table>
<tr><th></th>{% for head in heads %}<th>{{ head }}</th>{% endfor %}</tr>
{% for crop, rows, silent in crops %}<tr><th colspan="{{ heads | length + 1 }}" class="crop">{{ crop }}</th></tr>
{% for cells in rows %}<tr>
{%- for cell in cells %}<td{% if not loop.first %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
{%- for line in silent %}<tr><td colspan="{{ heads | length + 1 }}" class="faint">{{ line }}</td></tr>
{% endfor %}
{%- endfor %}</table></div>
<p class="faint">{{ footnote }}</p>
</body>
</html>
"""


def board_html(board: Board, language: str) -> bytes:
    """The board as a page.

    board     what is shown
    language  `ru` or `en`
    returns   HTML [byte]; every word of the data is escaped
    source    ours
    """
    pages = Environment(loader=DictLoader({"board": _PAGE}), autoescape=True, undefined=StrictUndefined)
    return pages.get_template("board").render(**board_words(board, language)).encode()


def board_words_json(boards: Mapping[str, Board]) -> bytes:
    """The board for the portal's pages, in every language of `boards`, with its figures for a table.

    boards    the same board by language
    returns   JSON [byte]: by language the words of the page, and `rows` [t/ha, t]
    source    ours
    """
    rows = [
        {
            **{name: getattr(row, name) for name in _FIGURES},
            "past": dict(row.past),
            "why": row.why.code if row.why else None,
        }
        for row in next(iter(boards.values())).rows
    ]
    told = {language: board_words(board, language) for language, board in boards.items()}
    names = {language: dict(board.names) for language, board in boards.items()}
    return json.dumps({"words": told, "names": names, "rows": rows}, ensure_ascii=False, allow_nan=False).encode()


def board_words(board: Board, language: str) -> dict[str, Any]:
    """Every word and picture of the page.

    board     what is shown
    language  `ru` or `en`
    returns   words by their place on the page [-]; `pictures` are (title, SVG)
    source    ours
    """
    years, made = past_years(board), board.indicator
    titles = {
        "map": say("Where is it greener or paler than in other years?", language),
        "fan": say("Will output reach the scenarios?", language),
    }
    crops = [
        (crop, [[board.named(row.district, language), *cells_of(row, years, language)] for row in rows], silent)
        for crop, rows, silent in by_crop(board, language)
    ]
    lines = big_lines(board, language) or output_lines(board, language)
    spoken = [str(year["year"]) for year in made["years"]] if made else []
    day = day_text(board.as_of, language)
    heads = [text for year in spoken for text in (year, say("chance {year}", language, year=year))]
    return {
        "language": language,
        "title": say("Board of districts: {year}, as of {day}", language, year=board.year, day=day),
        "assumed": board.assumed,
        "output": lines,
        "scenarios": scenario_rows(board, language),
        "scenario_heads": [say("scenario", language), *heads],
        "apart": apart_line(board, language),
        "pictures": [(titles[name], svg) for name, svg in board_svgs(board, language).items()],
        "district_heads": [say("district", language), *district_heads(language)],
        "priority": priority_note(language) if any(one.priority for one in board.districts) else "",
        "districts": [
            [f"{n}. {one.marked} {one.codes}".strip(), *told_of_district(one, language)]
            for n, one in enumerate(board.districts, start=1)
        ],
        "changes": board.changes,
        "heads": heads_of(years, language),
        "crops": crops,
        "footnote": footnote(language),
        "words": {
            "districts": say("Districts", language),
            "changes": say("What changed since last week, and why", language),
            "forecasts": say("Yields foreseen as of {day}", language, day=day),
        },
    }
