"""The fast path: a region as the tables that the store would give, without drawing an image.

The same growth, light, noise and clouds as the drawn region, on some tens of sample pixels of each field, for all
fields and seasons at once. How indices are made of bands is the caller's: this world knows reflectance only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.domain.land import OUTLINE_COLUMNS
from agro.twin.chance import chance
from agro.twin.estate import LAND_CRS, estate
from agro.twin.growth import State
from agro.twin.harvest import NO_HARVEST, district_statistics, harvest_records, scale_of
from agro.twin.looks import Measure, watched
from agro.twin.office_records import livestock, prices
from agro.twin.parcels import register
from agro.twin.past import Past, past
from agro.twin.trial import as_weighed, laid_out

_WEATHER = (
    *("place", "day", "tmin_c", "tmax_c", "tmean_c", "rain_mm", "radiation_mj_m2", "wind_m_s", "wind_height_m"),
    *("vapour_pressure_kpa", "dew_point_c", "humidity_pct", "humidity_max_pct", "humidity_min_pct", "et0_mm"),
)
_OUTLINES = [*OUTLINE_COLUMNS, "geometry"]
_NITRATE_SHARE = 0.6  # [1] of the root zone's nitrate that lies in its upper 40 cm. assumption
_KG_OF_MG = 4.6  # [kg/ha per mg/kg] 40 cm of soil of 1.15 g/cm3
_NITRATE_CV = 0.15  # [1] error of a mixed sample of a field. assumption


@dataclass(frozen=True)
class Truth:
    """What nobody is told.

    was       fields, care, pixels and weather, for `agro.twin.oracle` and `agro.twin.optimum`
    fields    field_id, season, district, farm_id, category, crop, previous_crop, area_ha, n_kg_ha, nitrate_kg_ha,
              mapped, use, idle_since, yield_t_ha after cleaning (NaN where nothing is harvested), production_t
    yields_t_ha  (row of `fields`, pixel)
    bare_sky  field_id, acquired_at, layer, bare_sky_mean: what the looks would have shown without a cloud and with a
              sensor that does not err; None where it was not asked for
    """

    was: Past
    fields: pd.DataFrame
    yields_t_ha: np.ndarray
    bare_sky: pd.DataFrame | None = None


@dataclass(frozen=True)
class Tables:
    """What a pipeline would have, each table by the columns of the reader that it stands for, and the truth apart.

    outlines    `agro.domain.land.OUTLINE_COLUMNS` and geometry; only of fields that are on record
    seasons     `agro.domain.land.SEASON_COLUMNS`, of the same fields
    fieldstats  as `agro.store.history.fieldstats` gives them
    weather     as `agro.sources.weather.read_weather` gives it; the place is the district
    soil        field_id, humus_pct, ph_kcl, p2o5_mg_kg, k2o_mg_kg, as a survey of the first season found them
    nitrate     field_id, season, sampled_on, n_no3_mg_kg of 0-40 cm before sowing
    relief      field_id, height_m, slope_deg
    harvest     field_id, season, crop, harvested_on, area_ha, yield_t_ha, weight_basis, moisture_pct
    trials      field_id, season, x_m, y_m, strip, rep, n_kg_ha, yield_t_ha: nitrogen strips, a row a pixel
    statistics  district, crop, category, season, area_ha, production_t, weight_basis, vintage; of all fields
    livestock   product, district, season, value, unit, vintage
    prices      product, season, price_rub, unit, vintage
    parcels     parcel_id, district, declared_use and geometry: the land register, where it was asked for, else empty
    parcelstats as fieldstats, of the parcels beyond the fields; their field_id is the parcel_id
    """

    outlines: gpd.GeoDataFrame
    seasons: pd.DataFrame
    fieldstats: pd.DataFrame
    weather: pd.DataFrame
    soil: pd.DataFrame
    nitrate: pd.DataFrame
    relief: pd.DataFrame
    harvest: pd.DataFrame
    trials: pd.DataFrame
    statistics: pd.DataFrame
    livestock: pd.DataFrame
    prices: pd.DataFrame
    parcels: gpd.GeoDataFrame
    parcelstats: pd.DataFrame
    truth: Truth


def tables(
    facts: Mapping[str, Any],
    seed: int,
    measure: Measure,
    seasons: Sequence[int] = tuple(range(2011, 2023)),
    n_fields: int = 40,
    pixels: int = 30,
    mapped_share: float = 1.0,
    trial_share: float | None = None,
    world: str = "first",
    with_parcels: bool = False,
    bare_sky: bool = False,
) -> Tables:
    """One region of another seed, its fields made up, too.

    `facts` are those of configs/twin.toml; a `mapped_share` of the fields is on record, the statistics are of all; a
    `trial_share` of the fields and seasons that can have a trial has one, where it is not to be as the facts have it;
    `world` is `first` or `second`, see `agro.twin.worlds`; `with_parcels` adds land beyond the fields, some of it
    abandoned, `bare_sky` what the looks would have shown without cloud and error.
    """
    if trial_share is not None:
        facts = {**facts, "trial": {**facts["trial"], "field_share": trial_share}}
    land = estate(facts, seed, n_fields, pixels, mapped_share, max(seasons) if with_parcels else None)
    was = past(facts, seed, land, seasons, world=world)
    looks, last = watched(was, measure, bare_sky)
    clear = looks[["field_id", "acquired_at", "layer", "bare_sky_mean"]] if bare_sky else None
    truth = replace(truth_of(was, last), bare_sky=clear)
    on_record = truth.fields["mapped"].to_numpy()
    of_field = looks["field_id"].isin(land.fields["field_id"][land.fields["mapped"]])
    looks = looks.drop(columns="bare_sky_mean")
    parcels = register(land.fields, LAND_CRS) if with_parcels else register(land.fields[:0], LAND_CRS)
    rules = facts["statistics"]
    return Tables(
        gpd.GeoDataFrame(land.fields[land.fields["mapped"]][_OUTLINES].reset_index(drop=True), crs=4326),
        season_table(was, last)[on_record].reset_index(drop=True),
        looks[of_field].reset_index(drop=True),
        was.days.drop(columns="et0_mm").reindex(columns=_WEATHER),
        _soil(was),
        _nitrate(was)[on_record].reset_index(drop=True),
        _relief(was),
        harvest_records(truth.fields[on_record], facts, seed),
        trial_yields(truth),
        district_statistics(truth.fields, facts, seed),
        livestock(sorted(land.places), sorted(seasons), rules["livestock"], seed),
        prices(sorted(seasons), rules["prices_rub"], seed),
        parcels,
        looks[~of_field].reset_index(drop=True),
        truth,
    )


def truth_of(was: Past, last: State) -> Truth:
    """The harvests as they really were, from the last evening of the seasons."""
    yields = was.by_field(was.world.yield_t_ha(last, was.plots))
    yields = np.where(was.work["crop"].isin(NO_HARVEST).to_numpy()[:, None], np.nan, yields)
    known = ["field_id", "season", "district", "farm_id", "category", "crop", "previous_crop", "area_ha", "n_kg_ha"]
    known += ["mapped", "use", "nitrate_kg_ha"]
    fields = was.work[known].assign(
        idle_since=was.estate.fields["idle_since"].to_numpy()[was.field],
        harvested_on=_harvested_on(was, last),
        yield_t_ha=yields.mean(axis=1),
    )
    return Truth(was, fields.assign(production_t=fields["yield_t_ha"] * fields["area_ha"]), yields)


def season_table(was: Past, last: State) -> pd.DataFrame:
    """What the farms know of their seasons, every field, by `agro.domain.land.SEASON_COLUMNS`."""
    work = was.work
    sown = pd.Series(_date(work["season"], work["sown"]))
    reaped = pd.Series(_harvested_on(was, last))
    return pd.DataFrame(
        {
            **{name: work[name] for name in ("field_id", "season", "crop")},
            "variety": work["variety"],
            "sown_on": sown.where(~work["crop"].isin(("perennial_grass", "fallow", "idle_grass")), None),
            "harvested_on": reaped.where(~work["crop"].isin(NO_HARVEST), None),
            "previous_crop": work["previous_crop"],
            "straw": work["straw"],
            "n_kg_ha": work["n_kg_ha"],
            "p2o5_kg_ha": None,
            "k2o_kg_ha": None,
        }
    )


def _harvested_on(was: Past, last: State) -> Any:
    mown = np.array([max(days, default=0) for days in was.work["cuts"]])  # the last cut of grass
    return _date(was.work["season"], np.where(mown > 0, mown, was.by_field(last.reaped_on).max(axis=1)))


def _date(season: pd.Series, day: Any) -> Any:
    start = pd.to_datetime(season.astype(str) + "-04-01")
    return (start + pd.to_timedelta(np.asarray(day), unit="D")).dt.date.to_numpy()


def trial_yields(truth: Truth) -> pd.DataFrame:
    """The trials of the fields on record as their combines show them."""
    was, tables = truth.was, []
    for row, one in enumerate(was.work.itertuples(index=False)):
        if not one.trial or not truth.fields["mapped"][row]:
            continue
        x, y = was.estate.x_m[was.field[row]], was.estate.y_m[was.field[row]]
        strips = laid_out(one.field_id, one.season, x, y, was.facts["trial"], was.seed)
        scale = scale_of(one.farm_id, was.facts["care"], was.seed)
        weighed = as_weighed(
            truth.yields_t_ha[row], strips, scale, chance(was.seed, "weighed", one.field_id, one.season)
        )
        found = {"x_m": x, "y_m": y, "strip": strips.strip, "rep": strips.rep, "n_kg_ha": strips.n_kg_ha}
        own = pd.DataFrame({"field_id": one.field_id, "season": one.season, **found, "yield_t_ha": weighed})
        tables.append(own[own["strip"] >= 0])
    columns = ["field_id", "season", "x_m", "y_m", "strip", "rep", "n_kg_ha", "yield_t_ha"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _soil(was: Past) -> pd.DataFrame:
    """One row a mapped field, with the errors of the laboratory."""
    land, rules = was.estate, was.facts["laboratory"]
    random = chance(was.seed, "soil table")
    table = land.fields[["field_id"]].copy()
    for name, values in land.soil.nutrients.items():
        error = random.normal(size=len(table))
        mean = values.mean(axis=1)
        table[name] = (
            mean + rules["ph_error"] * error if name == "ph_kcl" else mean * (1 + rules["error_cv"][name] * error)
        )
    return table[land.fields["mapped"]].reset_index(drop=True)


def _nitrate(was: Past) -> pd.DataFrame:
    random = chance(was.seed, "nitrate table")
    kg_ha = was.by_field(was.plots.nitrate_kg_ha).mean(axis=1)
    found = kg_ha * _NITRATE_SHARE / _KG_OF_MG * (1 + random.normal(0, _NITRATE_CV, len(kg_ha)))
    early = _date(was.work["season"], np.full(len(kg_ha), 30))
    return was.work[["field_id", "season"]].assign(sampled_on=early, n_no3_mg_kg=np.maximum(found, 0.5))


def _relief(was: Past) -> pd.DataFrame:
    land = was.estate
    table = land.fields[["field_id"]].assign(
        height_m=land.soil.height_m.mean(axis=1), slope_deg=land.soil.slope_deg.mean(axis=1)
    )
    return table[land.fields["mapped"]].reset_index(drop=True)
