"""Several passes to one map: the median of a period's clear looks, straight from their counts, and its field rows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from agro.agromaps.moisture_edges import Edges
from agro.agromaps.tally import Tally
from agro.domain.errors import Refusal
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.domain.layers import LAYERS
from agro.sources import stac
from agro.store import stac as items
from agro.store.index import Index, opened
from agro.store.publish import Content, Published, Store, digest, publish, writing
from agro.store.tables import to_parquet
from flows.imagery_doors import on_disk
from flows.keeping import cog_assets
from flows.plan import Land, below_of, find_over, identity_of, parameters, read_land
from flows.settings import CONFIGS, Settings, facts
from flows.way_of_a_pass import Season, ground_of, without_bands
from flows.windows import Ground
from flows.windows_of_looks import INDICES, Composite

ALGORITHM = 1  # raise it when the same looks give another composite


def make_composite(settings: Settings, first: date, last: date) -> tuple[Published | None, list[Refusal]]:
    """Publish the composite of a period (both days included), where it is not made yet; and what was refused.

    None where no acquisition shows any field. Raises an AgroError where nothing can be done.
    """
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        land = read_land(settings)
        found, refused = find_over(settings, land, last)
        looks, unusable = _looks(found, land, first)
        edges = _edges(index)
        if not looks:
            return None, [*refused, *unusable]
        refused += unusable
        made = keep_composite(Composite(settings, land, looks, edges), (first, last), store, index, refused)
        return made, refused


def _looks(found: Sequence[Acquisition], land: Land, first: date) -> tuple[tuple[Acquisition, ...], list[Refusal]]:
    """The looks of a period over any field, the newest product of each, and those that lack a band."""
    newest: dict[str, Acquisition] = {}
    refused = []
    needed = [band for name in INDICES for band in LAYERS[name].bands]
    for look in found:
        if look.acquired_at.date() < first or not below_of(look.footprint, land).fields:
            continue
        missing = [band for band in needed if band not in look.bands]
        if missing:
            refused.append(replace(without_bands(missing), acquisition_id=look.acquisition_id))
            continue
        held = newest.get(look.look_id)
        if held is None or (held.processing_baseline or "") <= (look.processing_baseline or ""):
            newest[look.look_id] = look
    return tuple(newest.values()), refused


def _edges(index: Index) -> dict[str, Edges]:
    """The newest edges of each group, for the band that is in use."""
    band = facts(CONFIGS / "moisture.toml")["edges"]["band"]
    newest = {str(one.properties["agro:group"]): one.properties["agro:edges"] for one in index.items("moisture_edges")}
    known = {name: Edges.from_json(content) for name, content in newest.items()}
    return {name: edges for name, edges in known.items() if edges.band == band}


def keep_composite(
    composite: Composite, period: tuple[date, date], store: Store, index: Index, refused: list[Refusal]
) -> Published | None:
    """Publish a composite and its rows, where it is not made yet; looks that cannot be used come to stand in `refused`.

    None where no look is left.
    """
    settings, land, looks = composite.settings, composite.land, composite.looks
    inputs = [digest(identity_of(look, settings)) for look in looks]
    edges = {name: own.as_json() for name, own in composite.edges.items()}
    key = digest([inputs, edges, land.key, parameters(settings), ALGORITHM])
    name = f"{period[0]}--{period[1]}--{key}"
    place = f"composites/{period[1].year}/{name}"
    known = index.at(place)
    if known is not None:
        return known
    sizes = (LAYERS["ndvi"].resolution_m, LAYERS["ndmi"].resolution_m)
    season, few, low = Season(settings, land, store), settings.fields.few_px, settings.fields.low_clear_fraction
    tallies = {
        size: Tally(season.pixels(size), [n for n in composite.layers if LAYERS[n].resolution_m == size])
        for size in sizes
    }
    blocks = sorted({block for look in looks for block in below_of(look.footprint, land).blocks})
    with on_disk(looks, blocks, (*composite.bands, SCENE_CLASS_BAND), settings, refused) as local:
        if not local:
            return None
        west, south, east, north = zip(*(stac.bounds(look, land.crs) for look in local), strict=True)
        grid = ground_of(name, blocks, (min(west), min(south), max(east), max(north)))
        ground = Ground(grid, blocks, settings.compute.workers)
        cogs = replace(composite, looks=tuple(local)).cogs(ground, tallies)
    rows = pd.concat([tally.rows(few, low) for tally in tallies.values()])
    content: dict[str, Content] = {layer: cog.content for layer, cog in cogs.items()}
    content["fields"] = to_parquet(rows.sort_values(["field_id", "layer"], ignore_index=True))
    assets = cog_assets(cogs, grid)
    assets["fields"] = items.table_asset("fields.parquet", "one row for each field and layer")
    properties = {
        "datetime": f"{period[1]}T00:00:00Z",
        "start_datetime": f"{period[0]}T00:00:00Z",
        "end_datetime": f"{period[1]}T23:59:59Z",
        "agro:kind": "composites",
        "agro:acquisition_ids": [look.acquisition_id for look in local],
        "agro:edges": edges,
        "agro:parameters": parameters(settings),
        "agro:simulated": settings.imagery.source == "twin",
    }
    published = publish(store, place, content, items.item(name, items.bbox_of(grid), properties, assets))
    index.add(published)
    return published
