"""Land that nobody works: each season of a parcel by what was done on it, then the parcel by its seasons.

A claim is only made of parcels of a layer that was given and that the passes show; outside it nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput

USES = ("crop", "bare", "mown", "idle", "unknown")  # of a season
KINDS = ("abandoned", "resting", "hay", "no_till", "cropland", "unknown")  # of a parcel
_WORKED = ("crop", "bare", "mown")
_SOON_D, _AGAIN_D = 7, 50  # [d] after a cut in which grass is green again. source: ours


@dataclass(frozen=True)
class SeasonRules:
    """How a season is judged; units and sources in configs/land.toml."""

    bare_from: str
    bare_to: str
    bare_ndvi: float
    summer_from: str
    summer_to: str
    stubble_from: str
    stubble_to: str
    stubble_ndvi: float
    grown_ndvi: float
    mown_drop: float
    mown_days: float
    mown_again: float
    fewest_spring: int
    fewest_summer: int
    longest_gap_days: float


@dataclass(frozen=True)
class ParcelRules:
    """How a parcel is judged by its seasons; units and sources in configs/land.toml."""

    idle_seasons: int
    woody_from: str
    woody_to: str
    woody_ndvi: float
    covered_ndmi: float
    covered_t: float


def season_uses(looks: pd.DataFrame, rules: SeasonRules, woody: tuple[str, str]) -> pd.DataFrame:
    """What was done on each parcel in each season.

    looks    a row a believed look: `parcel_id`, `season` [a], `day` (date), `ndvi` [1]
    rules    when and below what
    woody    month-day of the first and last day on which grass has withered and leaves have not
    returns  a row a parcel and season: `use` of USES, `late_ndvi` [1] the median of the woody days (NaN: no look),
             `looks` [1]
    source   no gap of green in spring, stubble in late summer and falls of green by mowing: ours
    """
    rows = []
    for (parcel_id, season), own in looks.sort_values("day").groupby(["parcel_id", "season"], sort=True):
        day = np.array([one.toordinal() for one in own["day"]])
        ndvi = own["ndvi"].to_numpy("float64")
        late = _between(day, int(season), woody[0], woody[1])
        late_ndvi = float(np.median(ndvi[late])) if late.any() else np.nan
        use = _use(day, ndvi, int(season), rules)
        rows.append(
            {"parcel_id": parcel_id, "season": int(season), "use": use, "late_ndvi": late_ndvi, "looks": len(day)}
        )
    return pd.DataFrame(rows, columns=["parcel_id", "season", "use", "late_ndvi", "looks"])


def _use(day: np.ndarray, seen: np.ndarray, season: int, rules: SeasonRules) -> str:
    """One season's use; work that was seen is told also where much was not."""
    ndvi = _steady(seen)
    summer = _between(day, season, rules.summer_from, rules.summer_to)
    bare = _between(day, season, rules.bare_from, rules.bare_to) & (ndvi < rules.bare_ndvi)
    stubble = _between(day, season, rules.stubble_from, rules.stubble_to) & (ndvi < rules.stubble_ndvi)
    if bare.any() or stubble.any():
        if summer.sum() >= rules.fewest_summer and ndvi[summer].max() < rules.grown_ndvi:
            return "bare"
        return "crop"
    if _mown(day, ndvi, season, rules):
        return "mown"
    spring = _between(day, season, rules.bare_from, rules.bare_to).sum() >= rules.fewest_spring
    if not spring or summer.sum() < rules.fewest_summer or np.diff(day[summer]).max() > rules.longest_gap_days:
        return "unknown"
    return "idle"


def _steady(ndvi: np.ndarray) -> np.ndarray:
    """The median of each look and its two neighbours: one look alone proves nothing, be it a cloud or a fault."""
    ends = np.concatenate([ndvi[:1], ndvi, ndvi[-1:]])
    steady: np.ndarray = np.median(np.stack([ends[:-2], ends[1:-1], ends[2:]]), axis=0)
    return steady


def _mown(day: np.ndarray, ndvi: np.ndarray, season: int, rules: SeasonRules) -> bool:
    """Whether green fell in summer and then grew again, or at least held: grass that nobody cuts only withers."""
    for at in np.flatnonzero(_between(day, season, rules.summer_from, rules.stubble_to)):
        before = ndvi[(day < day[at]) & (day >= day[at] - rules.mown_days)]
        later = ndvi[(day > day[at] + _SOON_D) & (day <= day[at] + _AGAIN_D)]
        if len(later) < 2 or before.max(initial=-1.0) - ndvi[at] < rules.mown_drop or ndvi[at] < rules.bare_ndvi:
            continue
        if np.median(later) >= ndvi[at] + rules.mown_again:
            return True
    return False


def covered_in_spring(looks: pd.DataFrame, rules: SeasonRules) -> pd.DataFrame:
    """By how much ground that is bare of green shows more straw and water than the other bare ground in the same look.

    looks    as for `season_uses`, with `district` and `ndmi` [1]
    rules    what is bare
    returns  a row a parcel: `excess` [1] the mean over its bare looks of spring, `excess_se` [1] its standard error
             (NaN: fewer than two looks)
    source   ours: untilled stubble keeps straw on top; only NDMI of the shortwave bands is on record
    """
    season = looks["season"].astype(str)
    inside = pd.Series([f"{one:%m-%d}" for one in looks["day"]], looks.index).between("04-15", rules.bare_to)
    bare = looks[inside & (looks["ndvi"] < rules.bare_ndvi - 0.05) & season.notna()]
    usual = bare.groupby(["district", "day"])["ndmi"].transform("median")
    many = bare.groupby(["district", "day"])["ndmi"].transform("size") >= 3
    excess = (bare["ndmi"] - usual)[many].groupby(bare["parcel_id"][many])
    told = pd.DataFrame({"excess": excess.mean(), "excess_se": excess.std() / np.sqrt(excess.size())})
    return told.reset_index()


def parcel_kinds(uses: pd.DataFrame, covered: pd.DataFrame, rules: ParcelRules) -> pd.DataFrame:
    """What each parcel is, since when nobody works it, and what grows there.

    uses     from `season_uses`
    covered  from `covered_in_spring`
    rules    how many seasons, what is woody
    returns  a row a parcel: `kind` of KINDS, `idle_since` [a] (NaN where it is worked), `since_or_before` whether no
             season with work was ever seen, `idle_seasons` [1] that were seen idle in a row, `cover` (grass, woody, or
             None), `seasons_known` [1]
    source   ours; a season that was not seen neither breaks a row of idle ones nor counts in it
    """
    untilled = _untilled(covered, rules)
    rows = [
        {"parcel_id": parcel_id, **_kind(own.sort_values("season"), str(parcel_id) in untilled, rules)}
        for parcel_id, own in uses.groupby("parcel_id", sort=True)
    ]
    columns = ["parcel_id", "kind", "idle_since", "since_or_before", "idle_seasons", "cover", "seasons_known"]
    return pd.DataFrame(rows, columns=columns)


def _untilled(covered: pd.DataFrame, rules: ParcelRules) -> set[str]:
    sure = (covered["excess"] >= rules.covered_ndmi) & (covered["excess"] >= rules.covered_t * covered["excess_se"])
    return set(covered.loc[sure, "parcel_id"].astype(str))


def _kind(own: pd.DataFrame, untilled: bool, rules: ParcelRules) -> dict[str, Any]:
    known = own[own["use"] != "unknown"]
    use = known["use"].to_numpy()
    worked = np.flatnonzero(np.isin(use, _WORKED))
    idle = known.iloc[worked[-1] + 1 :] if len(worked) else known
    last = use[-rules.idle_seasons :]
    told: dict[str, Any] = {
        "idle_since": float(idle["season"].iloc[0]) if len(idle) else np.nan,
        "since_or_before": not len(worked),
        "idle_seasons": len(idle),
        "cover": None,
        "seasons_known": len(known),
    }
    if len(idle) >= rules.idle_seasons:
        late = float(idle["late_ndvi"].tail(2).mean())
        return {
            **told,
            "kind": "abandoned",
            "cover": None if np.isnan(late) else "woody" if late > rules.woody_ndvi else "grass",
        }
    if not len(known) or (not len(worked) and len(known) < rules.idle_seasons):
        return {**told, "kind": "unknown"}
    if "mown" in last and not np.isin(last, ("crop", "bare")).any():
        return {**told, "kind": "hay", "idle_since": np.nan}
    if len(idle):
        return {**told, "kind": "resting"}
    return {**told, "kind": "no_till" if untilled and not (last == "bare").any() else "cropland"}


def rank(parcels: pd.DataFrame, rules: Mapping[str, Any], costs: Mapping[str, float], season: int) -> pd.DataFrame:
    """Land to return, the best first.

    parcels  of `parcel_kinds`, with `area_ha` [ha] and what is known of `humus_pct` [%], `slope_deg` [deg],
             `distance_km` [km]; NaN: unknown
    rules    weights [1] of soil, relief, distance and cost, and the worst and best of each
    costs    [RUB/ha] by years without work
    season   the last one [a]
    returns  the abandoned parcels: `rank` [1] from 1, `score` [1] 0 to 1, `cost_rub_ha` [RUB/ha], `unknown` (what the
             score rests not on), `too_steep` (then last, whatever its score)
    source   ours: a weighted mean of what is known, weights are assumptions
    """
    own = parcels[parcels["kind"] == "abandoned"].copy()
    years = season - own["idle_since"] + 1
    own["cost_rub_ha"] = np.select([years <= 3, years <= 10], [costs["until_3"], costs["until_10"]], costs["beyond"])
    own["cost_rub_ha"] += np.where(own["cover"] == "woody", costs["woody"], 0.0)
    dearest, cheapest = costs["beyond"] + costs["woody"], costs["until_3"]
    good = pd.DataFrame(
        {
            "soil": _good(own["humus_pct"], *rules["humus_pct"]),
            "relief": _good(own["slope_deg"], *rules["slope_deg"]),
            "distance": _good(own["distance_km"], *rules["distance_km"]),
            "cost": _good(own["cost_rub_ha"], dearest, cheapest),
        }
    )
    weight = good.notna() * [float(rules[name]) for name in good]
    own["score"] = (good.fillna(0.0) * weight).sum(axis=1) / weight.sum(axis=1)
    own["unknown"] = [", ".join(good.columns[row]) for row in good.isna().to_numpy()]
    own["too_steep"] = own["slope_deg"] > rules["slope_deg"][0]
    own = own.sort_values(["too_steep", "score", "parcel_id"], ascending=[True, False, True], ignore_index=True)
    return own.assign(rank=np.arange(1, len(own) + 1))


def added_pct(
    yields: pd.DataFrame, prices: Mapping[str, float], base_rub: float, hectares: float = 1000.0
) -> tuple[float, float]:
    """What land brought back would add to the output of the base year.

    yields    a row a crop: `crop`, `share` of the land [1], `yield_t_ha` [t/ha], `yield_se_t_ha` [t/ha]
    prices    [RUB/t] by crop, of the base year
    base_rub  what the whole output of the base year was worth [RUB]
    hectares  of land [ha]
    returns   percentage points of the base year's output, and their standard error, as if the yields' errors were
              common to all crops [%]
    raises    BadInput where a price, a yield or the base is missing or not above zero, or the shares do not add up to 1
    source    ours: a sum of prices times quantities, as in Laspeyres's index
    """
    unknown = yields.loc[~(yields["yield_t_ha"] > 0), "crop"]
    if len(unknown):
        raise BadInput(
            "LAND-YIELD",
            "{met}: no harvest is on record, so nothing can be said of what returned land would give",
            "give harvests of past seasons",
            met=", ".join(unknown),
        )
    bad = [crop for crop in yields["crop"] if not prices.get(crop, 0.0) > 0]
    if bad or not base_rub > 0:
        raise BadInput(
            "LAND-PRICE",
            "{met}: no price or value above zero is known, so nothing can be said of the output",
            "give prices and the value of the base year's output",
            met=", ".join(bad) or "base",
        )
    if abs(float(yields["share"].sum()) - 1) > 1e-6:
        raise BadInput(
            "LAND-SHARES",
            "the shares of crops on returned land add up to {met}, expected 1",
            "mend the shares",
            met=f"{yields['share'].sum():g}",
        )
    price = yields["crop"].map(prices)
    worth, error = (float((yields["share"] * yields[name] * price).sum()) for name in ("yield_t_ha", "yield_se_t_ha"))
    return 100 * hectares * worth / base_rub, 100 * hectares * error / base_rub


def sample_points(parcels: pd.DataFrame, each: int, seed: int) -> pd.DataFrame:
    """Which parcels to look at: for each kind so many places, the larger a parcel the likelier.

    parcels  `parcel_id`, `kind`, `area_ha` [ha]
    each     places for each kind [1]
    seed     of the draw [-]
    returns  a row a place: `place` [1], `parcel_id`, `kind`; a large parcel may come more than once
    source   Olofsson 2014: strata of the map, simple random places in each; drawn with replacement
    """
    random = np.random.default_rng(seed)
    parts = []
    for kind, own in parcels.groupby("kind", sort=True):
        share = own["area_ha"].to_numpy() / own["area_ha"].sum()
        drawn = own.iloc[random.choice(len(own), size=each, p=share)]
        parts.append(drawn[["parcel_id"]].assign(kind=kind))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["parcel_id", "kind"])
    return table.assign(place=np.arange(1, len(table) + 1))


def _good(value: pd.Series, worst: float, best: float) -> pd.Series:
    """0 at the worst and beyond, 1 at the best and beyond."""
    told: pd.Series = ((value - worst) / (best - worst)).clip(0, 1)
    return told


def _between(day: np.ndarray, season: int, first: str, last: str) -> np.ndarray:
    start, end = (date.fromisoformat(f"{season}-{one}").toordinal() for one in (first, last))
    inside: np.ndarray = (day >= start) & (day <= end)
    return inside
