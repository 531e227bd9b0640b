"""The dry and wet edges of each district and crop, from the passes of finished seasons.

What a pass says of them is a small table of counts; the counts of passes that were counted once are kept, so that a new
season adds its own. Fresh edges are taken up where they would tell another wetness, and not for a hair's breadth: all
wetness is made again then.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from agro.agromaps.moisture import shortwave_transform
from agro.agromaps.moisture_counts import COUNT_COLUMNS, add_counts, edge_counts
from agro.agromaps.moisture_edges import EdgeRules, Edges, fit_all_edges, largest_move
from agro.domain.errors import Refusal
from agro.store.index import Index
from agro.store.publish import Published, Store, digest, file_name, now, read_asset
from agro.store.tables import from_parquet
from flows.keeping import Result, keep
from flows.moisture_maps import current_passes, group_map, look_of
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts, season_day

ALGORITHM = 2  # raise it when the same pixels give other edges


def make_edges(settings: Settings, land: Land, store: Store, index: Index, today: date) -> list[Refusal]:
    """Fit the edges of every group from all clear passes of finished seasons, where that is not done yet.

    A running season would move them with every pass. Returns which groups had too few.
    """
    moisture = facts(CONFIGS / "moisture.toml")
    rules, least = moisture["edges"], moisture["refit"]["least_move"]
    looks = [(parts, at) for parts, at in current_passes(store) if season_day(at.year, settings.maps.season_last_day) < today]  # fmt: skip  # noqa: E501
    parents = sorted(part.place for parts, _ in looks for part in parts)
    key = digest([parents, rules, land.key, land.seasons_key, ALGORITHM])
    if not parents or index.at(f"moisture_counts/{key}"):
        return []
    total = _total(land, store, index, looks, parents)
    edges, refused = fit_all_edges(total, EdgeRules(**rules))
    newest = {one.properties["agro:group"]: one.properties["agro:edges"] for one in index.items("moisture_edges")}
    about = {"datetime": now(), "agro:simulated": settings.imagery.source == "twin", "agro:parameters": rules}
    for group, fitted in edges.items():
        held = Edges.from_json(newest[group]) if group in newest else None
        if held is not None and largest_move(held, fitted) < least:
            continue
        properties = {**about, "agro:group": group, "agro:edges": fitted.as_json(), "agro:parents": parents}
        table = total[total["group"] == group].reset_index(drop=True)
        place = f"moisture_edges/{file_name(group.replace('/', '+'))}/{key}"
        keep(store, index, place, Result(properties, None, tables={"counts": table}))
    told = {"agro:refused": [one.reason for one in refused]}
    properties = {**about, **told, "agro:counted_for": _counted_for(land), "agro:parents": parents}
    keep(store, index, f"moisture_counts/{key}", Result(properties, None, tables={"counts": total}))
    return refused


def _counted_for(land: Land) -> str:
    """Counts of the same fields and crops add."""
    return digest([land.key, land.seasons_key, ALGORITHM])


def _total(
    land: Land,
    store: Store,
    index: Index,
    looks: Sequence[tuple[list[Published], pd.Timestamp]],
    parents: list[str],
) -> pd.DataFrame:
    """The counts of all looks: those kept of earlier ones, where each of them still holds, and of the others."""
    kept = [
        one
        for one in index.items("moisture_counts")
        if one.properties["agro:counted_for"] == _counted_for(land) and _adds(one, looks, parents)
    ]
    known: set[str] = set(kept[-1].properties["agro:parents"]) if kept else set()
    tables = [from_parquet(read_asset(store, kept[-1], "counts"))] if kept else []
    for parts, seen_on in looks:
        if not {part.place for part in parts} <= known:
            tables += _counts(store, land, parts, seen_on)
    return (
        add_counts([table for table in tables if len(table)]) if tables else pd.DataFrame(columns=list(COUNT_COLUMNS))
    )


def _adds(counted: Published, looks: Sequence[tuple[list[Published], pd.Timestamp]], parents: list[str]) -> bool:
    """Whether what was counted is still there, and no look was counted by half."""
    known = set(counted.properties["agro:parents"])
    halves = (len(known & {part.place for part in parts}) for parts, _ in looks)
    whole = all(half in (0, len(parts)) for half, (parts, _) in zip(halves, looks, strict=True))
    return whole and known <= set(parents)


def _counts(store: Store, land: Land, parts: list[Published], seen_on: pd.Timestamp) -> list[Any]:
    look = look_of(store, parts, seen_on)
    if look is None:
        return []
    group, names = group_map(land, look)
    return [edge_counts(look.ndvi, shortwave_transform(look.swir), group, names, seen_on.date())]
