"""Records of the harvest into the store: of fields, of districts, and as it comes; each version beside the last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from agro.agromaps.barn_weight import in_barn
from agro.domain.errors import AgroError, Refusal
from agro.domain.harvest import Known, YieldBounds
from agro.domain.land import Crop
from agro.sources.harvest import read_harvest
from agro.sources.harvest_summaries import read_summaries
from agro.sources.statistics import read_statistics
from agro.sources.tables import even, plain
from agro.store.index import Index, opened
from agro.store.publish import digest, writing
from flows.keeping import Result, content_of, keep
from flows.plan import Land, missing_place, read_land
from flows.settings import CONFIGS, Settings, crops, facts
from flows.simulated import Records, records_of
from flows.weather_records import ask_for_weather

ALGORITHM = 1  # raise it when the same records give other tables


@contextmanager
def records_kept(settings: Settings) -> Iterator[tuple[Land, Records, Index, list[Refusal]]]:
    """The land, the records, and the open index with their tables as they are today; what was refused of them."""
    land = read_land(settings)
    records = records_of(settings, land)
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        today = datetime.now(UTC).date()
        refused = keep_records(settings, land, records, index, today)
        refused += ask_for_weather(settings, land, records.weather, index, today)
        yield land, records, index, [*land.refused, *refused]


def keep_records(settings: Settings, land: Land, records: Records, index: Index, today: date) -> list[Refusal]:
    """Publish each table of records where it is not published as it is now; what was refused."""
    known, places = known_of(today), district_words()
    area_ha = dict(zip(land.outlines["field_id"], land.outlines["area_ha"], strict=True))
    farm_of = land.outlines.dropna(subset=["farm_id"]).set_index("field_id")["farm_id"].to_dict()
    known, farms = replace(known, farm_of=farm_of), set(farm_of.values())
    doors: dict[str, tuple[Path | None, Callable[[Path], tuple[pd.DataFrame, list[Refusal]]]]] = {
        "harvest": (records.harvest, lambda source: read_harvest(source, known, area_ha, land.seasons)),
        "statistics": (records.statistics, lambda source: read_statistics(source, known, places)),
        "harvest_summaries": (
            records.harvest_summaries,
            lambda source: read_summaries(source, known, places, farms),
        ),
    }
    refused: list[Refusal] = []
    for kind, (source, read) in doors.items():
        if source is None:
            continue
        try:
            table, bad = read(source)
        except AgroError as error:
            refused.append(error.refusal)
            continue
        refused += bad
        if len(table):
            simulated = settings.imagery.source == "twin"
            about = {"agro:inputs": content_of(source), "agro:simulated": simulated}
            _keep(kind, _in_barn(table), about, land.field_ids if kind == "harvest" else "", index, today)
    return refused


def known_of(today: date) -> Known:
    """What records are checked against, by configs/crops.toml and configs/harvest.toml."""
    rules = facts(CONFIGS / "harvest.toml")
    groups = [
        Crop(code, row["english"], row["russian"], tuple(row.get("also", ()))) for code, row in rules["groups"].items()
    ]
    bounds = {code: YieldBounds(**row) for code, row in rules["bounds"].items()}
    return Known((*crops(), *groups), bounds, today, frozenset(rules["green"]))


def district_words() -> dict[str, str]:
    """The code of every word that means a district: its code, names old and new, OKTMO."""
    words: dict[str, str] = {}
    for code, row in facts(CONFIGS / "districts.toml").items():
        if not isinstance(row, dict):
            continue
        stem = row["russian"].removesuffix(" район")
        kinds = ("район", "муниципальный район", "муниципальный округ", "округ", "р-н", "мо", "мр")
        names = [code, row["english"], *(f"{stem} {kind}" for kind in kinds), *row.get("also", ())]
        names += [oktmo + zeros for oktmo in row.get("oktmo", ()) for zeros in ("", "000", "000000")]
        words |= {plain(even(name)): code for name in names}
    return words


def _in_barn(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its yields by barn weight; summaries are of the bunker and stay so."""
    if "weight_basis" not in table:
        return table
    barn = facts(CONFIGS / "harvest.toml")["barn"]
    return in_barn(table, barn["factor"], barn["factor_se"])


def _keep(kind: str, table: pd.DataFrame, about: dict[str, Any], whose: str, index: Index, today: date) -> None:
    rows = [[None if pd.isna(value) else str(value) for value in row] for row in table.itertuples(index=False)]
    rivals = [result for result in index.items(kind) if result.properties["agro:field_ids"] == whose]
    place = missing_place(f"{kind}/{digest([rows, whose, ALGORITHM])}", rivals, index)
    if place is None:
        return
    last = table["day"].max() if "day" in table else min(date(int(table["season"].max()), 12, 31), today)
    properties = {
        **about,
        "datetime": f"{last:%Y-%m-%d}T00:00:00Z",
        "agro:field_ids": whose,
        "agro:rows": len(table),
        "agro:seasons": sorted({int(season) for season in table["season"]}),
    }
    keep(index.store, index, place, Result(properties, None, tables={kind: table}))
