"""What strips of different doses on a field say: its own response, and whether varying pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from rasterio.features import rasterize
from scipy.spatial import cKDTree

from agro.advice.decision import Certificate, Demand, Scheme, admit, decide, not_checked
from agro.agromaps.zone_shape import outlines, workable
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.work import Product
from agro.store.publish import Published
from flows.dose_parts import Field
from flows.settings import CONFIGS, Advice, facts
from models.left_out import LeftOut, Money, left_out_gain
from models.response import BestDose, best_interval

_SMALLEST_HA = 0.5  # [ha] of a part of a zone. ours
_KEYS = ["season", "rep", "strip", "zone", "dose_kg_ha", "yield_t_ha"]


@dataclass(frozen=True)
class Heard:
    """What a field's own strips say of one nutrient.

    best    the best uniform dose by them, None where there are no strips or no prices
    gain    what varying by zones earned on left-out strips, None where it could not be measured
    """

    certificate: Certificate
    best: BestDose | None = None
    gain: LeftOut | None = None


def hear(
    strips: pd.DataFrame, prices: Mapping[str, float], products: Sequence[Product], crop: str, advice: Advice
) -> Heard:
    """The field's response and the decision.

    strips    rows of one field and nutrient (agro.sources.trials), with their zone; empty: none were driven
    prices    [currency/t] by code of crop
    products  with their prices, for the price of a kilogram of nutrient
    advice    the scheme, and what varying costs, in the currency of the prices
    """
    if strips.empty:
        return Heard(not_checked(_no_trial()))
    rules = facts(CONFIGS / "doses.toml")["varying"]
    nutrient = str(strips["nutrient"].iloc[0])
    try:
        money = _money(prices, products, crop, nutrient, rules)
    except AgroError as error:
        return Heard(not_checked(error.refusal))
    ratio = money.nutrient_price_kg / money.yield_price_t
    marked = strips.assign(strip=strips[["season", "rep", "strip"]].astype(str).agg("/".join, axis=1))
    try:
        best = best_interval(marked, ratio, 2**0.5 * money.price_cv)
    except AgroError as error:
        return Heard(not_checked(error.refusal))
    try:
        chosen = scheme_named(advice.scheme)
        admit(chosen.record, strips["season"].nunique())
        gain = left_out_gain(strips.dropna(subset=["zone"])[_KEYS], money, chosen.fit)
    except AgroError as error:
        return Heard(not_checked(error.refusal), best)
    demand = Demand(advice.varying_cost_ha, rules["sure"], advice.currency)
    told = decide(gain.draws, gain.gain, gain.deduction, gain.by, demand)
    return Heard(told, best, gain)


def _no_trial() -> Refusal:
    return BadInput(
        "RX-NO-TRIAL",
        "not checked: no strips of different doses were driven on this field, so nobody knows whether varying pays here",  # noqa: E501
        "drive the strips of trial.geojson and give their yields with advice.trials",
    ).refusal


def _money(
    prices: Mapping[str, float], products: Sequence[Product], crop: str, nutrient: str, rules: Mapping[str, Any]
) -> Money:
    """What a tonne of the crop brings and a kilogram of the nutrient costs, by the cheapest product of it alone."""
    costs = [
        product.price_rub_t / (10 * product.content_pct[nutrient])
        for product in products
        if product.price_rub_t is not None and set(product.content_pct) == {nutrient}
    ]
    if crop not in prices or not costs:
        raise BadInput(
            "PRICES-MISSING",
            "the price of {missing} is not known, so the gain of varying cannot be told",
            "give a table of prices with advice.prices: «Что» and «Цена, руб/т»",
            missing=crop if crop not in prices else nutrient,
        )
    return Money(prices[crop], min(costs), rules["price_cv"], rules["zone_error"], rules["season_sd_kg_ha"])


@dataclass(frozen=True)
class _Chosen:
    record: Scheme
    fit: Any


def scheme_named(name: str) -> _Chosen:
    """A scheme of configs/schemes.toml. Raises BadInput."""
    table = facts(CONFIGS / "schemes.toml")
    row = table.get(name)
    if not isinstance(row, dict):
        raise BadInput(
            "SCHEME-UNKNOWN",
            "there is no scheme {met}; known are {expected}",
            "name one of them in advice.scheme",
            met=name,
            expected=", ".join(key for key, value in table.items() if isinstance(value, dict)),
        )
    by_seasons = {one["seasons"]: one["earned"] for one in row.get("simulated", ())}
    return _Chosen(Scheme(name, row["earned"], table["where"], table["currency"], by_seasons), row["fit"])


def productivity_zones(
    published: tuple[Published, gpd.GeoDataFrame] | None, field_id: str, strips: pd.DataFrame, field: Field
) -> gpd.GeoDataFrame | None:
    """The zones of a field (zone, outline in EPSG:4326): those published, else those that its strips name; or none."""
    if strips.empty:
        return None
    if published is not None:
        own = published[1]
        own = own[own["field_id"] == field_id]
        if len(own) > 1:
            return gpd.GeoDataFrame(
                {"zone": own["zone"].astype(int).astype(str)}, geometry=own.geometry.values, crs=4326
            )
    named = strips.dropna(subset=["zone", "lon", "lat"])
    if named["zone"].nunique() < 2:
        return None
    places = gpd.GeoSeries(gpd.points_from_xy(named["lon"], named["lat"]), crs=4326).to_crs(field.crs)
    codes, names = pd.factorize(named["zone"], sort=True)
    near = cKDTree(np.column_stack([places.x, places.y]))
    grid = field.grid
    x = grid.west_m + grid.resolution_m * (np.arange(grid.width) + 0.5)
    y = grid.north_m - grid.resolution_m * (np.arange(grid.height) + 0.5)
    _, nearest = near.query(np.stack(np.meshgrid(x, y), axis=-1))
    zone = np.where(field.inside, codes[nearest] + 1, 0).astype("uint8")
    drawn = workable(zone, grid.resolution_m, field.width_m, _SMALLEST_HA)
    shapes = gpd.GeoSeries(outlines(drawn, grid, field.on_grid), crs=field.crs).to_crs(4326)
    kept = ~shapes.is_empty.to_numpy()
    return gpd.GeoDataFrame({"zone": names[: len(shapes)][kept]}, geometry=shapes[kept].values, crs=4326)


def in_zones(strips: pd.DataFrame, zones: gpd.GeoDataFrame | None) -> pd.DataFrame:
    """The rows with the zone of their place; rows without a place keep the zone that they name."""
    placed = (strips["lon"].notna() & strips["lat"].notna()).to_numpy()
    if zones is None or not placed.any():
        return strips
    points = gpd.GeoSeries(gpd.points_from_xy(strips.loc[placed, "lon"], strips.loc[placed, "lat"]), crs=4326)
    found = gpd.sjoin(gpd.GeoDataFrame(geometry=points), zones[["zone", "geometry"]], how="left", predicate="within")
    zone = strips["zone"].to_numpy(object, copy=True)
    zone[placed] = found[~found.index.duplicated()]["zone"].to_numpy(object)
    return strips.assign(zone=zone)


def zone_doses(field: Field, zones: gpd.GeoDataFrame, gain: LeftOut) -> np.ndarray:
    """(y, x) the dose of each pixel of 10 m by its zone [kg/ha]; the field's uniform one where no zone reaches."""
    shapes = zones.geometry.to_crs(field.crs)
    doses = [gain.zone_kg_ha.get(name, gain.uniform_kg_ha) for name in zones["zone"]]
    drawn = rasterize(
        zip(shapes, doses, strict=True),
        field.grid.shape,
        fill=gain.uniform_kg_ha,
        transform=field.grid.transform,
        dtype="float64",
    )
    return np.asarray(drawn)
