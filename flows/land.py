"""Land to return: what every parcel is, since when nobody works it, how much there is, what to begin with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, Refusal
from agro.region.areas import adjusted_areas, overall_accuracy
from agro.region.fallow import (
    ParcelRules,
    SeasonRules,
    added_pct,
    covered_in_spring,
    parcel_kinds,
    rank,
    sample_points,
    season_uses,
)
from agro.sources.checked_places import read_checked
from agro.sources.prices import read_prices
from agro.sources.tables import plain
from agro.store import history
from agro.store.index import Index
from agro.store.publish import Published, digest, read_asset
from agro.store.tables import from_parquet
from flows.harvest_records import records_kept
from flows.keeping import Result, keep
from flows.kept_outlook import newest_outlook
from flows.land_looks import known_by, land_looks
from flows.parcels import Parcels, parcel_stats, read_parcels
from flows.plan import Land
from flows.settings import CONFIGS, Settings, crop_codes, facts
from flows.yield_models import known_ground

ALGORITHM = 1  # raise it when the same looks give another judgement
_ENOUGH_CLEAR = 0.3  # [1] of a parcel: a look that shows less does not speak for it
_SOIL_FROM_M = 3_000.0  # [m] a field on record no farther tells a parcel's soil and slope. assumption
_YEARS = 5  # [a] of harvests that stand for what returned land would give. assumption
_WORDS = {  # what people may write for a kind of land
    "abandoned": ("заброшено", "залежь", "неиспользуемая"),
    "resting": ("не работают недавно",),
    "hay": ("сенокос",),
    "no_till": ("без обработки", "нулевая обработка"),
    "cropland": ("пашня",),
}


@dataclass(frozen=True)
class LandTold:
    """What is said of the parcels.

    parcels   a row a parcel: parcel_id, district, area_ha, kind, idle_since, since_or_before, cover, rank, ...
    areas     a row a kind: mapped_ha, and area_ha with se_ha where a sample was checked
    accuracy  share of the area that is mapped as it is, and its standard error; None without a sample
    added     what a thousand hectares would add: per cent of the base year's output, its error; None where not told
    added_to  the year whose indicator it is added to, by the prices that offices told; None where the user gave them
    """

    season: int
    parcels: pd.DataFrame
    areas: pd.DataFrame
    accuracy: tuple[float, float] | None
    added: tuple[float, float] | None
    failed: tuple[Refusal, ...]
    place: str
    simulated: bool
    added_to: int | None = None


@dataclass(frozen=True)
class Asked:
    """What the user gave: the layer of parcels, the checked sample, prices [RUB/t], the base year's output [RUB].

    as_of   the last day that is known; None: all days
    """

    parcels: Path | None = None
    checked: Path | None = None
    prices: Path | None = None
    base_rub: float | None = None
    as_of: date | None = None


def land(settings: Settings, asked: Asked) -> LandTold:
    """Judge the parcels of a layer, or of the simulated region."""
    with records_kept(settings) as (own, _, index, refused):
        parcels = read_parcels(settings, own, asked.parcels)
        rules = facts(CONFIGS / "land.toml")
        told = judged(settings, parcels, own, index, asked.as_of)
        table, season = from_parquet(read_asset(index.store, told, "parcels")), int(told.properties["agro:season"])
        failed = [*refused, *parcels.refused]
        areas, accuracy = _areas(table, asked.checked, failed)
        added, year = _added(index, rules["returned"], asked, failed)
    return LandTold(season, table, areas, accuracy, added, tuple(failed), told.place, parcels.simulated, year)


def sample_places(told: LandTold, seed: int) -> pd.DataFrame:
    """Places to look at, drawn by area within each kind, with an empty column for what is seen there."""
    rules = facts(CONFIGS / "land.toml")["sample"]
    known = told.parcels[told.parcels["kind"] != "unknown"]
    drawn = sample_points(known, rules["points_a_class"], seed)
    where = known.set_index("parcel_id")[["lon", "lat"]]
    return drawn.join(where, on="parcel_id").assign(observed="")


def judged(settings: Settings, parcels: Parcels, own: Land, index: Index, as_of: date | None = None) -> Published:
    """The item with every parcel's kind by the looks up to a day, made where it is not there yet."""
    rules = facts(CONFIGS / "land.toml")
    rows = known_by(parcel_stats(settings, parcels, index), as_of)
    looks = land_looks(rows, _ENOUGH_CLEAR, no_falls=False).rename(columns={"field_id": "parcel_id"})
    looks = looks.merge(parcels.outlines[["parcel_id", "district"]].fillna(""), on="parcel_id")
    season_rules, parcel_rules = SeasonRules(**rules["season"]), ParcelRules(**rules["parcel"])
    uses = season_uses(looks, season_rules, (parcel_rules.woody_from, parcel_rules.woody_to))
    last = int(uses["season"].max()) if len(uses) else 0
    about = _about(parcels, own, index, as_of or date.max)
    key = digest([parcels.key, _plain(uses), _plain(about), rules, ALGORITHM])
    standing = index.at(f"land/{key}")
    if standing is not None:
        return standing
    kinds = about.merge(parcel_kinds(uses, covered_in_spring(looks, season_rules), parcel_rules), how="left")
    kinds["kind"] = kinds["kind"].fillna("unknown")
    ranked = rank(kinds, rules["rank"], rules["cost_rub_ha"], last)
    extra = ["parcel_id", "rank", "score", "cost_rub_ha", "unknown", "too_steep"]
    table = kinds.merge(ranked[extra], on="parcel_id", how="left").sort_values(["rank", "parcel_id"], ignore_index=True)
    properties = {
        "datetime": f"{last or 1970}-12-31T00:00:00Z",
        "agro:season": last,
        "agro:parcels": parcels.key,
        "agro:simulated": settings.imagery.source == "twin",
    }
    return keep(index.store, index, f"land/{key}", Result(properties, None, tables={"parcels": table, "seasons": uses}))


def _about(parcels: Parcels, own: Land, index: Index, as_of: date) -> pd.DataFrame:
    """What is known of each parcel beside its looks: size, place, the nearest field, its soil and slope."""
    middle = parcels.outlines.geometry.representative_point()
    table = pd.DataFrame(parcels.outlines[["parcel_id", "district", "area_ha"]]).assign(lon=middle.x, lat=middle.y)
    ground, _ = known_ground(index, set(own.outlines["field_id"]), as_of)
    near, away_m = own.on_grid.sindex.nearest(parcels.on_grid, return_all=False, return_distance=True)
    nearest = pd.DataFrame({"at": near[0], "field_id": own.outlines["field_id"].to_numpy()[near[1]], "away_m": away_m})
    nearest = nearest.merge(ground, on="field_id", how="left").set_index("at").reindex(range(len(table)))
    close = nearest["away_m"] <= _SOIL_FROM_M
    for column, name in (("humus_pct", "ground_humus_pct"), ("slope_deg", "ground_slope")):
        table[column] = nearest[name].where(close).to_numpy() if name in nearest else np.nan
    return table.assign(distance_km=nearest["away_m"].to_numpy() / 1000)


def _areas(
    table: pd.DataFrame, checked: Path | None, failed: list[Refusal]
) -> tuple[pd.DataFrame, tuple[float, float] | None]:
    """Hectares of each kind as mapped, and as the sample corrects them where somebody checked it."""
    mapped = table.groupby("kind")["area_ha"].sum()
    plainly = pd.DataFrame({"class": mapped.index, "mapped_ha": mapped.to_numpy(), "area_ha": np.nan, "se_ha": np.nan})
    if checked is None:
        return plainly, None
    words = {plain(word): kind for kind, more in _WORDS.items() for word in (kind, *more)}
    try:
        found, refused = read_checked(checked, words)
        found, old = _still_so(found, table)
        failed += [*refused, *old]
        units = found.rename(columns={"kind": "mapped"}).assign(weight=1.0, cluster=range(len(found)))
        judged = {str(kind): float(area) for kind, area in mapped.items() if kind != "unknown"}
        return adjusted_areas(units, judged), overall_accuracy(units, judged)
    except AgroError as error:
        failed.append(error.refusal)
        return plainly, None


def _still_so(found: pd.DataFrame, table: pd.DataFrame) -> tuple[pd.DataFrame, list[Refusal]]:
    """The checked places whose parcels are mapped as they were when the sample was drawn, and why others are not."""
    now = found["parcel_id"].map(table.set_index("parcel_id")["kind"])
    same = (now == found["kind"]).to_numpy()
    old = [
        Refusal(
            "LAND-SAMPLE-OLD",
            "{where}: the sample says that the parcel was mapped as {met}, now it is {expected}",
            "draw a new sample with --sample and check it",
            {"where": row.parcel_id, "met": row.kind, "expected": kind if isinstance(kind, str) else "-"},
        )
        for row, kind in zip(found[~same].itertuples(), now[~same], strict=True)
    ]
    return found[same], old


def _added(
    index: Index, shares: Mapping[str, float], asked: Asked, failed: list[Refusal]
) -> tuple[tuple[float, float] | None, int | None]:
    """What a thousand hectares would add: to the base year that was given, else to the indicator of the newest outlook.

    The second is the outlook's year. Nothing where neither is known.
    """
    try:
        if asked.prices is not None and asked.base_rub is not None:
            prices, refused = read_prices(asked.prices, {plain(word): code for word, code in crop_codes().items()})
            failed += refused
            return added_pct(_usual_yields(index, shares, asked.as_of), prices, asked.base_rub), None
        made = newest_outlook(index.store, asked.as_of)
        if made is None or not made["years"] or "base_rub" not in made:
            return None, None
        pct, error = added_pct(_usual_yields(index, shares, asked.as_of), made["price_rub"], made["base_rub"])
        return (pct * made["previous"] / 100, error * made["previous"] / 100), int(made["year"])
    except AgroError as refusal:
        failed.append(refusal.refusal)
        return None, None


def _usual_yields(index: Index, shares: Mapping[str, float], as_of: date | None) -> pd.DataFrame:
    """What the crops of returned land gave on the fields on record in the last seasons, by area."""
    harvest = history.records(index.store, "harvest")
    if as_of is not None and len(harvest):
        harvest = harvest[harvest["season"] < as_of.year]
    rows = []
    for crop, share in shares.items():
        own = harvest[harvest["crop"] == crop] if len(harvest) else harvest
        own = own[own["season"] > own["season"].max() - _YEARS] if len(own) else own
        seasons = [one for _, one in own.groupby("season")] if len(own) else []
        by_season = [float(np.average(one["barn_t_ha"], weights=one["area_ha"])) for one in seasons]
        mean = float(np.mean(by_season)) if by_season else np.nan
        error = float(np.std(by_season, ddof=1)) if len(by_season) > 1 else np.nan
        rows.append({"crop": crop, "share": share, "yield_t_ha": mean, "yield_se_t_ha": error})
    return pd.DataFrame(rows)


def _plain(table: pd.DataFrame) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in table.itertuples(index=False)]
