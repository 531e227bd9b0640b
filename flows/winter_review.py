"""What more than one pass is needed for: relief, soil, seasons, wetness, water, zones; forecasts against harvests."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from prefect import flow

from agro.domain.errors import AgroError, Refusal
from agro.reports.words import say
from agro.store.index import Index, opened
from agro.store.publish import KINDS, Store, writing
from flows.bare_soil_maps import make_bare_soil
from flows.field_moisture import make_field_moisture
from flows.forecast_scores import score_and_refit
from flows.ground_maps import make_relief
from flows.harvest_records import keep_records
from flows.moisture_maps import make_wetness
from flows.plan import Land, read_land
from flows.progress import progress
from flows.radar_maps import make_radar
from flows.season_maps import make_seasons
from flows.settings import Settings, load
from flows.simulated import Records, records_of
from flows.soil_maps import make_soil
from flows.water_tables import make_water
from flows.weather_records import ask_for_weather
from flows.wetness_edges import make_edges
from flows.yield_maps import make_yield_maps
from flows.zone_maps import make_zones


@dataclass(frozen=True)
class _Work:
    """What the steps of a review share."""

    settings: Settings
    land: Land
    records: Records
    store: Store
    index: Index
    today: date


_STEPS: dict[str, Callable[[_Work], list[Refusal]]] = {  # in this order: later ones use what earlier ones made
    "harvest records": lambda w: keep_records(w.settings, w.land, w.records, w.index, w.today),
    "yield maps": lambda w: make_yield_maps(w.settings, w.land, w.records.yield_monitors, w.index, w.today),
    "relief": lambda w: make_relief(w.settings, w.land, w.records.elevation, w.store, w.index),
    "colour of bare soil": lambda w: make_bare_soil(w.settings, w.land, w.store, w.index, w.today),
    "soil": lambda w: make_soil(w.settings, w.land, w.records.soil, w.store, w.index, w.today),
    "season curves": lambda w: make_seasons(w.settings, w.land, w.store, w.index, w.today),
    "wetness edges": lambda w: make_edges(w.settings, w.land, w.store, w.index, w.today),
    "wetness": lambda w: make_wetness(w.settings, w.land, w.store, w.index),
    "per cent of field capacity": lambda w: make_field_moisture(
        w.settings, w.land, w.records.moisture, w.store, w.index, w.today
    ),
    "radar": lambda w: make_radar(w.settings, w.land, w.store, w.index, w.today),
    "weather of services": lambda w: ask_for_weather(w.settings, w.land, w.records.weather, w.index, w.today),
    "water balance": lambda w: make_water(w.settings, w.land, w.records.weather, w.store, w.index),
    "zones": lambda w: make_zones(w.settings, w.land, w.store, w.index),
    "forecast scores": lambda w: score_and_refit(w.settings, w.land, w.records, w.index),
}


_WAITING = ("EDGES-SEASONS", "RADAR-FEW", "RADAR-GAP")  # what time alone mends, or nobody any more


@dataclass(frozen=True)
class Reviewed:
    """What came of a review: how many results each kind got, what was refused, and the time it took [s].

    `waiting` is no fault: more seasons or looks are to come before it can be made.
    """

    made: dict[str, int]
    failed: tuple[Refusal, ...]
    waiting: tuple[Refusal, ...]
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
        work = _Work(settings, land, records, store, index, today or datetime.now(UTC).date())
        for name, make in _STEPS.items():
            try:
                refused += make(work)
            except AgroError as error:  # a record that cannot be used sinks only what is made of it
                refused.append(error.refusal)
            step(say(name, settings.ui.language))
        after = _counted(index)
    made = {kind: after[kind] - before[kind] for kind in after if after[kind] > before[kind]}
    told = {(one.code, one.field_id, one.reason): one for one in refused}.values()
    failed, waiting = (tuple(one for one in told if (one.code in _WAITING) == waits) for waits in (False, True))
    return Reviewed(made, failed, waiting, time.monotonic() - started)


def _counted(index: Index) -> dict[str, int]:
    return {kind: len(index.items(kind)) for kind in KINDS}
