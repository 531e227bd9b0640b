"""The outlook of agricultural output: made once for a day, kept for good, scored when its year has closed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from agro.domain.errors import AgroError, Refusal
from agro.domain.outlook import Misses
from agro.domain.output import Offices
from agro.region.indicator import scenario_pct, scored
from agro.region.output import BASE_YEAR, Link, chain_pct, closed_years
from agro.store import stac as items
from agro.store.index import Index
from agro.store.publish import Published, digest, publish, read_asset
from agro.store.tables import from_parquet
from flows.boards import Shown, board_of, withheld_districts
from flows.indicator import as_content, indicator_of
from flows.keeping import Result, content_of, keep
from flows.kept_outlook import INDICATOR
from flows.offices import folder_of, offices_told
from flows.output_facts import scenarios
from flows.plan import Land
from flows.settings import CONFIGS, Settings
from flows.yield_models import Season

ALGORITHM = 2  # raise it when the same forecasts and figures of offices give another outlook
_FACTS = ("scenarios.toml", "products.toml")


@dataclass(frozen=True)
class Output:
    """The outlook of one day: the indicator, where it lies, what was refused, how closed years were foretold.

    indicator   None where no link could be made; `failed` says why
    board       what may be published of it, and of the forecasts
    withheld    districts of which the board shows no sum
    """

    indicator: Mapping[str, Any] | None
    place: str | None
    failed: tuple[Refusal, ...]
    scores: pd.DataFrame
    board: Published
    withheld: frozenset[str] = frozenset()


def output_of(
    settings: Settings,
    season: Season,
    land: Land,
    forecasts: Published,
    missed: Mapping[str, Misses | None],
    index: Index,
) -> Output | None:
    """The outlook that follows from a day's forecasts; None where nobody gave figures of offices."""
    folder = folder_of(settings)
    if folder is None:
        return None
    offices, failed = offices_told(folder)
    scores = score_outlooks(offices, index)
    about = [season.as_of.isoformat(), forecasts.place, content_of(folder), _facts(), _statistics(index), ALGORITHM]
    place = f"outlook/{season.as_of:%Y%m%d}--{digest(about)}"
    standing = index.at(place)
    told: Mapping[str, Any] | None = None
    try:
        standing = standing or _made(place, season, forecasts, missed, offices, index)
        told = json.loads(read_asset(index.store, standing, INDICATOR))
        why = [Refusal(**told["refusal"])] if told["refusal"] else []
    except AgroError as error:
        why = [error.refusal]
    kept = place if told else None
    board = board_of(settings, Shown(season, land, forecasts, kept, told, tuple(why)), index)
    return Output(told, kept, (*failed, *why), scores, board, withheld_districts(board, index))


def _made(
    place: str,
    season: Season,
    forecasts: Published,
    missed: Mapping[str, Misses | None],
    offices: Offices,
    index: Index,
) -> Published:
    fields, districts = (from_parquet(read_asset(index.store, forecasts, name)) for name in ("fields", "districts"))
    made = indicator_of(season, (fields, districts), missed, offices, index)
    properties = {
        "datetime": f"{season.as_of:%Y-%m-%d}T23:59:59Z",
        "agro:kind": "outlook",
        "agro:as_of": season.as_of.isoformat(),
        "agro:season": season.as_of.year,
        "agro:parents": [forecasts.place, *(one.place for one in index.items("statistics"))],
        "agro:simulated": season.simulated,
        "agro:demonstration": made["demonstration"],
    }
    assets = {
        INDICATOR: {"href": "indicator.json", "type": "application/json", "title": "the indicator", "roles": ["data"]}
    }
    item = items.item(place.rsplit("/", 1)[-1], None, properties, assets)
    published = publish(index.store, place, {INDICATOR: as_content(made)}, item)
    index.add(published)
    return published


def _facts() -> list[list[str]]:
    return [row for name in _FACTS for row in content_of(CONFIGS / name)]


def _statistics(index: Index) -> list[str]:
    return [one.place for one in index.items("statistics")]


def score_outlooks(offices: Offices, index: Index) -> pd.DataFrame:
    """How outlooks of years that have closed since did, a row an outlook and year; each result is kept once."""
    links = [
        Link(int(row.year), float(row.pct_of_previous), row.vintage.isoformat(), str(row.source))
        for row in offices.indices.itertuples()
    ]
    outlooks = [(one, json.loads(read_asset(index.store, one, INDICATOR))) for one in index.items("outlook")]
    tables = []
    for year in sorted({one["year"] for _, made in outlooks for one in made["years"]}):
        try:
            closed = closed_years(links, year)
        except AgroError:
            continue  # not closed yet
        official = chain_pct([link.pct_of_previous for link in closed])
        own = [(one, made) for one, made in outlooks if any(row["year"] == year for row in made["years"])]
        tables.append(_of_year(year, official, closed[-1], own, index))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _of_year(
    year: int, official: float, link: Link, outlooks: Sequence[tuple[Published, Mapping[str, Any]]], index: Index
) -> pd.DataFrame:
    parents = [one.place for one, _ in outlooks]
    place = f"outlook_scores/{year}--{digest([parents, official, ALGORITHM])}"
    standing = index.at(place)
    if standing is None:
        goals = {path.name: scenario_pct(path, year, BASE_YEAR) for path in scenarios()}
        rows = []
        for one, made in outlooks:
            said = next(row for row in made["years"] if row["year"] == year)
            flat = {**said, **{f"p_{name}": chance for name, chance in said["chances"].items()}}
            about = {"year": year, "as_of": made["as_of"], "place": one.place, "official": official, "vintage": link.vintage}  # fmt: skip  # noqa: E501
            rows.append({**about, "told": said["median"], **scored(official, flat, goals)})
        properties = {
            "datetime": f"{year}-12-31T00:00:00Z",
            "agro:season": year,
            "agro:parents": parents,
            "agro:simulated": any(one.properties["agro:simulated"] for one, _ in outlooks),
        }
        standing = keep(index.store, index, place, Result(properties, None, tables={"scores": pd.DataFrame(rows)}))
    table: pd.DataFrame = from_parquet(read_asset(index.store, standing, "scores"))
    return table
