"""The board of a day: what may be published of the forecasts and of output, kept beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.region.privacy import Limits
from agro.reports.board_book import board_xlsx
from agro.reports.board_page import board_html, board_words_json
from agro.reports.board_pictures import board_pdf, board_png
from agro.reports.district_board import Board
from agro.reports.outlook_text import assumed
from agro.store import history
from agro.store import stac as items
from agro.store.index import Index
from agro.store.publish import Published, digest, publish, read_asset
from agro.store.tables import from_parquet
from agro.store.whole_file import write_whole
from flows.board_tables import (
    FIGURES,
    Verdict,
    changes,
    figures_of,
    harvested,
    limits_of,
    past_yields,
    published_before,
    rows_of,
    told_districts,
    verdicts,
)
from flows.output_facts import product_names
from flows.plan import Land
from flows.settings import Settings, crop_names, districts
from flows.yield_models import Season

ALGORITHM = 7  # raise it when the same forecasts and outlook give another board
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES = {"html": "text/html", "pdf": "application/pdf", "xlsx": _XLSX, "png": "image/png"}
WORDS = "words"  # the asset that the portal makes its pages of, in every language
_LANGUAGES = ("ru", "en")
_BEFORE = timedelta(days=5)  # the last forecasts that count as those of the week before


@dataclass(frozen=True)
class Shown:
    """What a board is made of: the day's forecasts, the indicator and its place, or why there is none."""

    season: Season
    land: Land
    forecasts: Published
    place: str | None
    indicator: Mapping[str, Any] | None
    silent: tuple[Refusal, ...]


def board_of(settings: Settings, of: Shown, index: Index) -> Published:
    """The board of a day's forecasts, made where it is not kept yet."""
    language, last, day = settings.ui.language, _last(of.forecasts, index), of.season.as_of
    seen = [one.place for one in index.items("fieldstats") if one.properties["datetime"][:10] <= day.isoformat()]
    why = [one.reason for one in of.silent]
    before = last.place if last else None
    about = [of.forecasts.place, of.place, before, why, settings.privacy.model_dump(), language, seen, ALGORITHM]
    place = f"boards/{day:%Y%m%d}--{digest(about)}"
    standing = index.at(place)
    if standing is not None:
        return standing
    fields, sums = (from_parquet(read_asset(index.store, of.forecasts, name)) for name in ("fields", "districts"))
    limits = limits_of(settings.privacy)
    verdict = verdicts(fields, sums, limits, published_before(index, day.year))
    boards = {name: _board(of, limits, verdict, last, index, name) for name in _LANGUAGES}
    board = boards[language]
    made = {"html": board_html, "pdf": board_pdf, "xlsx": board_xlsx, "png": board_png}
    content = {name: make(board, language) for name, make in made.items()}
    content |= {WORDS: board_words_json(boards), FIGURES: _figures(fields, sums, verdict)}
    properties = {
        "datetime": f"{day:%Y-%m-%d}T23:59:59Z",
        "agro:kind": "boards",
        "agro:as_of": day.isoformat(),
        "agro:season": day.year,
        "agro:parents": [one for one in (of.forecasts.place, of.place, before) if one],
        "agro:simulated": of.season.simulated,
    }
    assets = {
        name: {"href": f"board.{name}", "type": kind, "title": "board of districts", "roles": ["overview"]}
        for name, kind in FILES.items()
    }
    for name, title in ((WORDS, "the board's words"), (FIGURES, "what it shows")):
        assets[name] = {"href": f"{name}.json", "type": "application/json", "title": title, "roles": ["data"]}
    item = items.item(place.rsplit("/", 1)[-1], None, properties, assets)
    published = publish(index.store, place, content, item)
    index.add(published)
    return published


def _figures(fields: pd.DataFrame, sums: pd.DataFrame, verdict: Verdict) -> bytes:
    """The cells of every figure that is shown, and the districts whose sums are not."""
    _, figures = figures_of(fields, sums)
    shown = [cells for name, cells in figures.items() if verdict[name] is None]
    withheld = [name[1] for name in figures if name[0] is None and verdict[name] is not None]
    return json.dumps({"shown": shown, "withheld": withheld}, indent=1).encode()


def withheld_districts(board: Published, index: Index) -> frozenset[str]:
    """Districts of which a board shows no sum of all crops."""
    return frozenset(json.loads(read_asset(index.store, board, FIGURES))["withheld"])


def _last(forecasts: Published, index: Index) -> Published | None:
    """The forecasts of about a week before, of the same season."""
    own = forecasts.properties
    day = date.fromisoformat(own["agro:as_of"])
    rivals = [
        one
        for one in index.items("forecasts")
        if one.properties["agro:season"] == own["agro:season"]
        and date.fromisoformat(one.properties["agro:as_of"]) <= day - _BEFORE
    ]
    return max(rivals, key=lambda one: (one.properties["agro:as_of"], one.created), default=None)


def _board(of: Shown, limits: Limits, verdict: Verdict, last: Published | None, index: Index, language: str) -> Board:
    sums = from_parquet(read_asset(index.store, of.forecasts, "districts"))
    before: pd.DataFrame | None = from_parquet(read_asset(index.store, last, "districts")) if last else None
    threshed = harvested(history.records(index.store, "harvest_summaries"), of.season.as_of, sums, verdict)
    rows = rows_of(sums, before, verdict, past_yields(index, of.season), limits, threshed)
    names = product_names(language) | crop_names(language) | districts(language)
    demonstration = bool(of.indicator and of.indicator["demonstration"])
    return Board(
        of.season.as_of,
        of.season.as_of.year,
        tuple(assumed(of.indicator, of.season.simulated, demonstration, language)),
        of.indicator,
        of.silent,
        rows,
        told_districts(of.land, of.season, of.indicator, verdict, index, language),
        tuple(changes(rows, of.forecasts, last, names, index, language)),
        names,
        of.season.simulated,
    )


def lay(board: Published, folder: Path, index: Index) -> list[Path]:
    """Write the board's files into a folder, over those that lie there; what was written."""
    written = []
    for name in FILES:
        file = folder / f"board.{name}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(file, read_asset(index.store, board, name))
        except OSError as error:
            raise BadInput(
                "FILE-WRITE",
                "{where}: cannot be written ({met})",
                "choose another file with -o",
                where=str(file),
                met=str(error),
            ) from None
        written.append(file)
    return written
