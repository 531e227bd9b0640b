"""What more than one pass is needed for: relief, soil, seasons, wetness, water, zones; forecasts against harvests."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from prefect import flow

from agro.domain.errors import AgroError, Refusal
from agro.reports.words import say
from agro.store.index import Index, opened
from agro.store.publish import KINDS, Store, writing
from flows.forecast_scores import score_and_refit
from flows.ground_maps import make_relief
from flows.harvest_records import keep_records
from flows.moisture_maps import make_edges, make_wetness
from flows.plan import Land, read_land
from flows.progress import progress
from flows.season_maps import make_seasons
from flows.settings import Settings, load
from flows.simulated import Records, records_of
from flows.soil_maps import make_soil
from flows.water_tables import make_water
from flows.yield_maps import make_yield_maps
from flows.zone_maps import make_zones

_STEPS = (
    *("harvest records", "yield maps", "relief", "soil", "season curves", "wetness edges", "wetness"),
    *("water balance", "zones", "forecast scores"),
)


@dataclass(frozen=True)
class Reviewed:
    """What came of a review: how many results each kind got, what was refused, and the time it took [s]."""

    made: dict[str, int]
    failed: tuple[Refusal, ...]
    seconds: float = field(compare=False)


@flow(name="winter-review")
def winter_review(config: str = "default", overrides: Sequence[str] = ()) -> Reviewed:
    """Make every map that more than one pass is needed for. config and overrides as for `after_pass`."""
    return review(load(config, overrides))


def review(settings: Settings, today: date | None = None) -> Reviewed:
    """The same without Prefect. Nothing is made twice, so that it may follow every pass."""
    started, land = time.monotonic(), read_land(settings)
    records = records_of(settings, land)
    refused: list[Refusal] = []
    with (
        writing(settings.store.path, settings.store.wait_s) as store,
        opened(store) as index,
        progress(say("Agromaps", settings.ui.language), len(_STEPS)) as step,
    ):
        before = _counted(index)
        for name in _STEPS:
            try:
                refused += _step(name, settings, land, records, store, index, today or datetime.now(UTC).date())
            except AgroError as error:  # a record that cannot be used sinks only what is made of it
                refused.append(error.refusal)
            step(say(name, settings.ui.language))
        after = _counted(index)
    made = {kind: after[kind] - before[kind] for kind in after if after[kind] > before[kind]}
    return Reviewed(
        made, tuple({(one.code, one.field_id, one.reason): one for one in refused}.values()), time.monotonic() - started
    )


def _step(
    name: str, settings: Settings, land: Land, records: Records, store: Store, index: Index, today: date
) -> list[Refusal]:
    match name:
        case "yield maps":
            return make_yield_maps(settings, land, records.yield_monitors, index, today)
        case "harvest records":
            return keep_records(settings, land, records, index, today)
        case "relief":
            return make_relief(settings, land, records.elevation, store, index)
        case "soil":
            return make_soil(settings, land, records.soil, store, index, today)
        case "season curves":
            return make_seasons(settings, land, store, index, today)
        case "wetness edges":
            return make_edges(settings, land, store, index, today)
        case "wetness":
            return make_wetness(settings, land, store, index)
        case "water balance":
            return make_water(settings, land, records.weather, store, index)
        case "zones":
            return make_zones(settings, land, store, index)
        case _:
            return score_and_refit(settings, land, records, index)


def _counted(index: Index) -> dict[str, int]:
    return {kind: len(index.items(kind)) for kind in KINDS}
