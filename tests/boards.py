"""A board of one district with everything on it, for the tests that draw, write or show one."""

from dataclasses import replace
from datetime import date
from typing import Any

from shapely import Point

from agro.domain.errors import Refusal
from agro.reports.district_board import Board, District, Row

WHY = Refusal("PRIVATE-FEW", "withheld: it would show fewer than {fewest} farms", "nothing: figures of single farms are not published", {"fewest": 3})  # fmt: skip
ROW = Row("spring_wheat", "topki", 2.51, 1.9, 3.1, 1234.0, 900.0, 1500.0, 0.93, {2021: 2.2}, 0.12, None, (120.0, 0.3))
YEAR = {"median": 103.2, "se": 3.0, "low_80": 99.0, "high_80": 107.0, "low_90": 98.0, "high_90": 108.0, "apart": 0.52}
GOALS = {"conservative": 110.7, "target": 113.9, "optimistic": 114.3}
MADE: dict[str, Any] = {
    "as_of": "2022-07-15",
    "year": 2022,
    "base_year": 2017,
    "refusal": None,
    "demonstration": False,
    "closed": [{"year": year, "pct_of_previous": 101.0} for year in range(2018, 2022)],
    "years": [
        {**YEAR, "year": year, "goals": GOALS, "chances": {"conservative": 0.3, "target": 0.2, "optimistic": 0.19}}
        for year in (2022, 2023)
    ],
    "paths": {name: {str(year): goal for year in range(2018, 2026)} for name, goal in GOALS.items()},
}


def board(**changed: Any) -> Board:
    district = District("topki", "Топкинский район", "(ОКТМО 32631, 32531)", Point(0, 0).buffer(5000), 11, 0.5, 0.04, dict.fromkeys(("area", "mix", "yield", "livestock", "rest", "total"), 0.1), None, True)  # fmt: skip
    rows = (replace(ROW, district=None), ROW, Row("oats", "topki", None, None, None, None, None, None, None, {}, None, WHY))  # fmt: skip
    names = {"spring_wheat": "яровая пшеница", "oats": "овёс", "topki": "Топкинский район"}
    whole = Board(date(2022, 7, 15), 2022, ("МОДЕЛЬНЫЕ ДАННЫЕ",), MADE, (), rows, (district,), ("+0,3",), names, True)
    return replace(whole, **changed)
