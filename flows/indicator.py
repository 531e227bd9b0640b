"""The output of agriculture in per cent of 2017: closed years as offices told them, the open one from forecasts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, Refusal
from agro.domain.outlook import Misses
from agro.domain.output import Offices
from agro.region.index_draws import Together, drawn, links_pct
from agro.region.indicator import (
    chances,
    change_by_parts,
    levers,
    per_hectare,
    scenario_pct,
    still_needed,
    told,
    told_apart,
)
from agro.region.open_year import foreseen, told_by_office
from agro.region.output import BASE_YEAR, Link, by_parts_pct, chain_pct, closed_years, laspeyres_pct
from agro.region.output_cells import Rules, cells_of, newest, of_crops, of_series, parts_of, year_after
from agro.store import history
from agro.store.index import Index
from flows.district_yields import areas_known
from flows.output_facts import products, scenarios, uncertainty
from flows.yield_models import Season

_LAST_YEAR = 2035  # [a] of the strategy
_PARTS = ("district", "category", "group")


@dataclass(frozen=True)
class Cells:
    """The year before, the open year and the one after, cell by cell; prices of the year before by product."""

    before: pd.DataFrame
    now: pd.DataFrame
    then: pd.DataFrame
    price: Mapping[str, float]
    how: Mapping[str, int]
    vintages: Mapping[str, str]


def indicator_of(
    season: Season,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    missed: Mapping[str, Misses | None],
    offices: Offices,
    index: Index,
) -> dict[str, Any]:
    """The indicator of the open year and the next, as plain JSON values. Raises BadInput where no link can be made.

    tables   forecasts of fields, and of districts and the region
    """
    year = season.as_of.year
    cells = _cells(season, tables, missed, offices, index)
    shape, rules = uncertainty(), _together()
    laspeyres_pct(cells.now["value"], cells.before["value"], cells.price)  # tells every hole
    weight = cells.before.index.get_level_values("product").map(cells.price).to_numpy("float64")
    now = drawn(cells.now, rules, shape["draws"], shape["seed"])
    then = drawn(cells.then, rules, shape["draws"], shape["seed"] + 1)
    first = links_pct(now, cells.before["value"].to_numpy(), weight)
    second = first * links_pct(then, now, weight) / 100.0
    expected = laspeyres_pct(cells.now["value"], cells.before["value"], cells.price)
    closed, why = _closed(offices, season)
    parts = change_by_parts(cells.before, cells.now, cells.price)
    made: dict[str, Any] = {
        "as_of": season.as_of.isoformat(),
        "year": year,
        "base_year": BASE_YEAR,
        "simulated": season.simulated,
        "demonstration": offices.demonstration,
        "vintages": dict(cells.vintages),
        "yields_from": dict(cells.how),
        "closed": [
            {"year": one.year, "pct_of_previous": one.pct_of_previous, "vintage": one.vintage, "source": one.source}
            for one in closed
        ],
        "why": why.as_json() if why else None,
        "refusal": _as_told(why),
        "link": {"expected": expected, **told(first)},
        "years": [],
        "change": parts.sum().to_dict(),
        "parts": _rows(parts, "district"),
        "base_rub": float(cells.before["value"].to_numpy() @ weight),
        "price_rub": dict(cells.price),
        "links_by": {part: _by(cells, part) for part in _PARTS},
        "rub_ha": _per_hectare(cells),
        "fixed_prices": None,
        "levers": [],
        "needed": [],
    }
    if why is None:
        base = chain_pct([one.pct_of_previous for one in closed])
        made |= _of_base(base, {year: first * base / 100, year + 1: second * base / 100}, cells, expected, year)
        made["fixed_prices"] = _fixed(cells, season, offices, index, base * expected / 100)
    return made


def _as_told(why: Refusal | None) -> dict[str, Any] | None:
    """A refusal that can be told again in another language."""
    if why is None:
        return None
    return {"code": why.code, "text": why.text, "remedy": why.remedy, "facts": dict(why.facts)}


def as_content(made: Mapping[str, Any]) -> bytes:
    """The indicator as a file."""
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True, default=float).encode() + b"\n"


def _together() -> Together:
    shape = uncertainty()
    return Together(shape["between_crops"], shape["between_series"])


def _rules() -> Rules:
    shape = uncertainty()
    return Rules(**{name: shape[name] for name in Rules.__dataclass_fields__})


def _cells(
    season: Season,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    missed: Mapping[str, Misses | None],
    offices: Offices,
    index: Index,
) -> Cells:
    year, rules = season.as_of.year, _rules()
    group = {one.code: one.group for one in products()}
    grown, stated = crops_stated(index, season)
    past = grown[grown["season"] < year]
    areas = _areas(season, index, set(group))
    fields, districts = tables
    of_year = foreseen(areas, fields, districts, missed, past, rules)
    of_year = told_by_office(of_year, grown[grown["season"] == year], uncertainty()["preliminary_cv"])
    series = series_known(offices, season)
    parts = of_crops(past, of_year, year, rules), of_series(series[series["season"] < year], group, year, rules)
    homes = rules.households_cv
    before, now = (cells_of(*(pair[i] for pair in parts), group=group, households_cv=homes) for i in (0, 1))
    then = year_after(now, past, series, year, rules)
    prices = newest(offices.prices, ["product", "season"], "vintage", season.as_of)
    own = prices[prices["season"] == year - 1]
    vintages = {"crops": stated, "series": _last(series["vintage"]), "prices": _last(own["vintage"])}
    how = {str(name): int(count) for name, count in of_year["how"].value_counts().items()}
    return Cells(before, now, then, own.set_index("product")["price_rub"].to_dict(), how, vintages)


def crops_stated(index: Index, season: Season) -> tuple[pd.DataFrame, str]:
    """District statistics of single crops as they were known on the day, by barn weight; their newest vintage."""
    columns = ["district", "product", "category", "season", "area_ha", "yield_t_ha"]
    rows = history.records(index.store, "statistics")
    if rows.empty:
        return pd.DataFrame(columns=columns), "-"
    known = {one.code for one in products()}
    rows = newest(rows[rows["crop"].isin(known)], ["district", "crop", "category", "season"], "known_on", season.as_of)
    rows = rows.assign(product=rows["crop"], yield_t_ha=rows["barn_t_ha"]).assign(
        tonnes=lambda table: table["area_ha"] * table["barn_t_ha"]
    )
    rows = rows.dropna(subset=["area_ha", "yield_t_ha"])
    vintage = _last(rows["known_on"])
    return parts_of(rows[[*columns, "tonnes"]], ["tonnes", "area_ha", "yield_t_ha"])[columns], vintage


def series_known(offices: Offices, season: Season) -> pd.DataFrame:
    """The series as they were known on the day, without sums among their parts."""
    key = ["product", "district", "category", "season"]
    rows = newest(offices.series, key, "vintage", season.as_of)
    return parts_of(rows, ["value"])


def _areas(season: Season, index: Index, known: set[str]) -> dict[tuple[str, str], tuple[float, float]]:
    """Area of each crop in each district and its error [ha]: by statistics where they know more, else as mapped."""
    now = season.table[(season.table["season"] == season.as_of.year) & season.table["crop"].isin(known)]
    statistics = history.records(index.store, "statistics")
    told_areas: dict[tuple[str, str], tuple[float, float]] = {}
    for crop, own in now.dropna(subset=["district"]).groupby("crop"):
        stated = areas_known(statistics, str(crop), season)
        for district, mapped in own.groupby("district")["area_ha"].sum().items():
            told_areas[str(district), str(crop)] = stated.get(str(district), (float(mapped), 0.0))
    return told_areas


def _closed(offices: Offices, season: Season) -> tuple[list[Link], Refusal | None]:
    """The official links up to the year before, or why nothing can be said of the base year."""
    links = [
        Link(int(row.year), float(row.pct_of_previous), row.vintage.isoformat(), str(row.source))
        for row in offices.indices.itertuples()
    ]
    try:
        return closed_years(links, season.as_of.year - 1, season.as_of.isoformat()), None
    except AgroError as error:
        return [], error.refusal


def _of_base(base: float, draws: Mapping[int, np.ndarray], cells: Cells, expected: float, year: int) -> dict[str, Any]:
    """Everything that is said in per cent of the base year."""
    paths = scenarios()
    years: list[dict[str, Any]] = []
    for one, index_pct in draws.items():
        goals = {path.name: scenario_pct(path, one, BASE_YEAR) for path in paths}
        figures = told(index_pct)
        apart = told_apart(goals["target"], goals["optimistic"], figures["se"])
        years.append({"year": one, **figures, "goals": goals, "chances": chances(index_pct, goals), "apart": apart})
    now_pct = base * expected / 100
    weight = cells.before.index.get_level_values("product").map(cells.price).to_numpy("float64")
    worth = cells.now["value"] * weight / float(cells.before["value"] @ weight)
    shares = {"all": float(worth.sum()), **{str(k): float(v) for k, v in worth.groupby(cells.now["group"]).sum().items()}}  # fmt: skip  # noqa: E501
    goal = scenario_pct(next(path for path in paths if path.name == "target"), year, BASE_YEAR)
    ends = {path.name: path.nodes[_LAST_YEAR] for path in paths}
    needed = [
        {"scenario": name, "goal": end, "growth": growth, "since": since, "year": _LAST_YEAR}
        for name, end in ends.items()
        for growth, since in [still_needed(now_pct, year, end, _LAST_YEAR, BASE_YEAR)]
    ]
    return {
        "years": years,
        "paths": {
            path.name: {
                one: scenario_pct(path, one, BASE_YEAR) for one in range(BASE_YEAR + 1, min(year + 3, _LAST_YEAR) + 1)
            }
            for path in paths
        },
        "expected": now_pct,
        "previous": base,
        "levers": _rows(levers(now_pct, goal, base, shares), "part"),
        "needed": needed,
    }


def _fixed(cells: Cells, season: Season, offices: Offices, index: Index, chained: float) -> dict[str, Any]:
    """The same year at the prices of the base year, and how far the chained index lies from it."""
    grown, _ = crops_stated(index, season)
    series = series_known(offices, season)
    first = grown[grown["season"] == BASE_YEAR].assign(value=lambda table: table["area_ha"] * table["yield_t_ha"])
    rows = pd.concat([first, series[series["season"] == BASE_YEAR]])
    prices = newest(offices.prices, ["product", "season"], "vintage", season.as_of)
    price = prices[prices["season"] == BASE_YEAR].set_index("product")["price_rub"].to_dict()
    base, now = (table.groupby(level=["district", "category", "product"]).sum() for table in (rows.set_index(["district", "category", "product"])["value"], cells.now["value"]))  # fmt: skip  # noqa: E501
    both = base.index.union(now.index)
    try:
        if rows.empty:
            price = {}
        pct = laspeyres_pct(now.reindex(both, fill_value=0.0), base.reindex(both, fill_value=0.0), price)
    except AgroError as error:
        return {"of_base": None, "gap": None, "why": error.refusal.as_json()}
    return {"of_base": pct, "gap": chained - pct, "why": None}


def _by(cells: Cells, part: str) -> dict[str, float | None]:
    """The link of each district, category or group [%]; None where the year before gave nothing."""
    before, now = cells.before["value"], cells.now["value"]
    if part == "group":
        labels = [*before.index.names, "group"]
        before, now = (
            table.set_index("group", append=True)["value"].rename_axis(labels) for table in (cells.before, cells.now)
        )
    shares = by_parts_pct(now, before, cells.price, part)
    return {str(name): None if value != value else float(value) for name, value in shares.items()}


def _per_hectare(cells: Cells) -> list[dict[str, Any]]:
    both = {name: per_hectare(table, cells.price, ["district"]) for name, table in (("before", cells.before), ("now", cells.now))}  # fmt: skip  # noqa: E501
    return _rows(pd.DataFrame(both), "district")


def _rows(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    plain = table.reset_index(names=name).astype(object)
    rows: list[dict[str, Any]] = plain.where(plain.notna(), None).to_dict("records")
    return rows


def _last(days: pd.Series) -> str:
    known: Sequence[str] = sorted(str(day) for day in days.dropna())
    return known[-1] if known else "-"
