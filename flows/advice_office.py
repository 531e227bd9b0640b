"""What doses are made of, read once for all fields: products and prices, soil, trials, zones, protected ground."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.domain.work import Machine, Product
from agro.sources.marks import read_marks
from agro.sources.prices import read_prices
from agro.sources.tables import plain
from agro.sources.trials import TRIAL_COLUMNS, read_trials
from agro.store.index import Index
from agro.store.publish import Published, Store, read_asset
from agro.store.tables import from_parquet
from flows.canopy import Canopy
from flows.driven_trials import DrivenTrials
from flows.field_soil import SoilOfFields
from flows.field_trials import scheme_named
from flows.plan import Land
from flows.settings import CONFIGS, Settings, crop_codes, crops, facts
from flows.terminal_list import terminal_named


@dataclass(frozen=True)
class Request:
    """What is asked for; None: as the settings and records have it. No field_ids: all of the farm or district."""

    field_ids: tuple[str, ...] = ()
    farm: str | None = None
    district: str | None = None
    crop: str | None = None
    planned_yield_t_ha: float | None = None
    nutrients: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    terminals: tuple[str, ...] = ()
    width_m: float | None = None
    season: int | None = None
    trial: bool = False
    top_dress: bool = False


@dataclass(frozen=True)
class Office:
    """All that is read once."""

    settings: Settings
    request: Request
    land: Land
    store: Store
    index: Index
    today: date
    season: int
    rules: Mapping[str, Any]
    soil: SoilOfFields
    driven: DrivenTrials
    canopy: Canopy
    products: tuple[Product, ...]
    prices: Mapping[str, float]
    protected: gpd.GeoDataFrame | None
    trials: pd.DataFrame
    machine: Machine
    zones: Mapping[str, tuple[Published, gpd.GeoDataFrame]] = field(repr=False)
    relief: Mapping[str, Published] = field(repr=False)

    @property
    def terminals(self) -> tuple[str, ...]:
        """Whose files are written."""
        return self.request.terminals or self.settings.advice.terminals

    @property
    def nutrients(self) -> tuple[str, ...]:
        """What is to be balanced."""
        if self.request.top_dress:
            return ("n",)
        return self.request.nutrients or self.settings.advice.nutrients


def open_office(
    settings: Settings, request: Request, land: Land, store: Store, index: Index, today: date
) -> tuple[Office, list[Refusal]]:
    """Read all of it; rows that cannot be used are refused alone. Raises BadInput."""
    advice, refused = settings.advice, list[Refusal]()
    sold = facts(advice.fertilisers)
    prices: dict[str, float] = {}
    if advice.prices is not None:
        prices, bad = read_prices(advice.prices, _words(sold))
        refused += bad
    trials = pd.DataFrame(columns=[*TRIAL_COLUMNS, "nutrient"])
    if advice.trials is not None:
        trials, bad = read_trials(advice.trials, list(land.outlines["field_id"]))
        refused += bad
    scheme_named(advice.scheme)
    wanted = request.terminals or advice.terminals
    for code in wanted:
        terminal_named(code)
    width = request.width_m or settings.maps.implement_width_m
    machine = Machine(width, advice.lowest_kg_ha, advice.highest_kg_ha, advice.step_kg_ha, ", ".join(wanted))
    office = Office(
        settings,
        request,
        land,
        store,
        index,
        today,
        request.season or advice.season or _coming(settings, today),
        facts(CONFIGS / "doses.toml"),
        SoilOfFields(store, index),
        DrivenTrials(store, index),
        Canopy(store, None if advice.n_rich is None else read_marks(advice.n_rich)),
        _products(sold, request.products or advice.products, prices),
        prices,
        None if advice.protection is None else read_marks(advice.protection),
        trials,
        machine,
        _newest_zones(store, index),
        {str(r.properties["agro:district"]): r for r in index.items("relief")},
    )
    return office, refused


def _coming(settings: Settings, today: date) -> int:
    """The coming season; of the simulated region the one after its last."""
    if settings.imagery.source == "twin":
        return max(settings.twin.seasons) + 1
    return today.year + (today.month > 8)


def _products(sold: Mapping[str, Any], wanted: tuple[str, ...], prices: Mapping[str, float]) -> tuple[Product, ...]:
    """The fertilisers at hand: those that are wanted, else those with a price and what no other holds, else all."""
    rows = {code: row for code, row in sold.items() if isinstance(row, Mapping)}
    unknown = [code for code in wanted if code not in rows]
    if unknown:
        raise BadInput(
            "DOSE-FERTILISER",
            "there is no fertiliser {met}; known are {expected}",
            "choose one of them with --product, or add it to the file of advice.fertilisers",
            met=", ".join(unknown),
            expected=", ".join(rows),
        )
    products = [
        Product(code, row["english"], row["russian"], row["content_pct"], prices.get(code), row.get("density_kg_l"))
        for code, row in rows.items()
        if not wanted or code in wanted
    ]
    bought = {name for product in products if product.price_rub_t is not None for name in product.content_pct}
    return tuple(p for p in products if wanted or p.price_rub_t is not None or not set(p.content_pct) <= bought)


def _words(sold: Mapping[str, Any]) -> dict[str, str]:
    """The code of every word for a fertiliser or a crop."""
    words = {plain(word): code for word, code in crop_codes().items()}
    for code, row in sold.items():
        if isinstance(row, Mapping):
            words |= {plain(word): code for word in (code, row["english"], row["russian"])}
    return words


def _newest_zones(store: Store, index: Index) -> dict[str, tuple[Published, gpd.GeoDataFrame]]:
    """The newest productivity zones of each district, with their outlines; none where none were drawn."""
    newest = {str(r.properties["agro:district"]): r for r in index.items("zones")}
    found = {}
    for name, result in newest.items():
        content = read_asset(store, result, "zones")
        if "geometry" in from_parquet(content).columns:
            found[name] = (result, from_parquet(content, outlines=True))
    return found


def crop_code(word: str) -> str:
    """The code of a crop as somebody wrote it. Raises BadInput."""
    code = {plain(known): code for known, code in crop_codes().items()}.get(plain(word))
    if code is None:
        raise BadInput(
            "RX-CROP-NAME",
            "there is no crop {met}",
            "use a name of configs/crops.toml, for instance {expected}",
            met=word,
            expected=", ".join(crop.russian for crop in crops()[:4]),
        )
    return code
