"""Published forecasts against what was harvested: every season that is over, every day that was foretold."""

from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput, Refusal
from agro.domain.outlook import LEVELS
from agro.store import history
from agro.store.index import Index
from agro.store.publish import Published, digest, read_asset
from agro.store.tables import from_parquet
from flows.harvest_records import records_kept
from flows.keeping import Result, keep
from flows.plan import Land
from flows.settings import Settings
from flows.simulated import Records
from flows.train_yields import refit
from models.judge import interval_score, scores

ALGORITHM = 2  # raise it when the same forecasts and harvests give other scores
_SCORED = ("yield_t_ha", "outcome_t_ha")  # the forecast, and the outcome once the harvest had begun


def score_published(settings: Settings, season: int | None = None) -> pd.DataFrame:
    """The scores of one season's forecasts, or of all seasons', a row a day, crop, scope and quantity; kept."""
    with records_kept(settings) as (_, _, index, _):
        kept = [from_parquet(read_asset(index.store, one, "scores")) for one in score_all(index, season)]
        kept = [table for table in kept if len(table)]
        if not kept:
            raise BadInput(
                "SCORE-NOTHING",
                "no published forecast is of a season whose harvest is on record",
                "make forecasts with `agro forecast`, and name the harvest in records.harvest",
            )
        return pd.concat(kept, ignore_index=True)


def score_and_refit(settings: Settings, land: Land, records: Records, index: Index) -> list[Refusal]:
    """Once a season's harvest came: what its forecasts missed, and models that know it; what could not be done."""
    before = len(index.items("scores"))
    score_all(index)
    if len(index.items("scores")) == before:
        return []
    return refit(settings, land, records, index)[1]


def score_all(index: Index, season: int | None = None) -> list[Published]:
    """Score every season that has both forecasts and a harvest, where that is not done yet."""
    harvest, statistics = (history.records(index.store, kind) for kind in ("harvest", "statistics"))
    if harvest.empty:
        return []
    forecasts: dict[int, list[Published]] = {}
    for result in index.items("forecasts"):
        forecasts.setdefault(int(result.properties["agro:season"]), []).append(result)
    kept = []
    for year in sorted(set(forecasts) & {int(one) for one in harvest["season"]}):
        if season in (None, year):
            truth = _truth(harvest, statistics, year)
            kept.append(_of_season(year, forecasts[year], truth, index))
    return kept


def _truth(harvest: pd.DataFrame, statistics: pd.DataFrame, year: int) -> pd.DataFrame:
    """What was harvested: scope, subject, crop, observed_t_ha, area_ha; districts by the newest statistics."""
    own = harvest[harvest["season"] == year]
    names = {"field_id": "subject", "barn_t_ha": "observed_t_ha"}
    parts = [own[["field_id", "crop", "barn_t_ha", "area_ha"]].rename(columns=names).assign(scope="field")]
    if len(statistics):
        rows = statistics[(statistics["season"] == year) & statistics["area_ha"].gt(0)].sort_values("known_on")
        rows = rows.drop_duplicates(["district", "crop", "category"], keep="last")
        whole = rows[rows["category"] == "all"]
        parted = rows[rows["category"] != "all"]
        sums = [one.groupby(["district", "crop"])[["production_t", "area_ha"]].sum() for one in (whole, parted)]
        both = sums[0].combine_first(sums[1]).reset_index()
        both["observed_t_ha"] = both["production_t"] / both["area_ha"]
        parts.append(both.rename(columns={"district": "subject"}).drop(columns="production_t").assign(scope="district"))
    return pd.concat(parts, ignore_index=True).drop_duplicates(["scope", "subject", "crop"], keep="last")


def _with_region(told: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The truth with that of the region: of the districts that a forecast told, where all of them are known."""
    districts = told[(told["scope"] == "district") & (told["quantity"] == "yield_t_ha") & told["told_t_ha"].notna()]
    both = districts[["scope", "subject", "crop"]].merge(truth, how="left")
    regions = told[told["scope"] == "region"].drop_duplicates("crop").set_index("crop")["subject"]
    sums = [
        {
            "scope": "region",
            "subject": regions[crop],
            "crop": crop,
            "observed_t_ha": float(np.average(own["observed_t_ha"], weights=own["area_ha"])),
        }
        for crop, own in both.groupby("crop")
        if crop in regions.index and own["observed_t_ha"].notna().all()
    ]
    return pd.concat([truth, pd.DataFrame(sums)], ignore_index=True)


def _of_season(year: int, forecasts: list[Published], truth: pd.DataFrame, index: Index) -> Published:
    parents = [result.place for result in forecasts]
    cells = [[str(cell) for cell in row] for row in truth.itertuples(index=False)]
    place = f"scores/{year}--{digest([parents, cells, ALGORITHM])}"
    standing = index.at(place)
    if standing is not None:
        return standing
    rows = [row for result in forecasts for row in _of_forecast(result, truth, index)]
    properties: dict[str, Any] = {
        "datetime": f"{year}-12-31T00:00:00Z",
        "agro:season": year,
        "agro:parents": parents,
        "agro:simulated": any(result.properties["agro:simulated"] for result in forecasts),
    }
    return keep(index.store, index, place, Result(properties, None, tables={"scores": pd.DataFrame(rows)}))


def _of_forecast(result: Published, truth: pd.DataFrame, index: Index) -> list[dict[str, Any]]:
    tables = [from_parquet(read_asset(index.store, result, name)) for name in ("fields", "districts")]
    if not any(len(table) for table in tables):
        return []  # nothing was foreseen that day
    told = pd.concat([table for table in tables if len(table)], ignore_index=True)
    told = told[told["quantity"].isin(_SCORED)].rename(columns={"value": "told_t_ha"})
    rows = told.merge(_with_region(told, truth), on=["scope", "subject", "crop"])
    about = {"season": result.properties["agro:season"], "as_of": result.properties["agro:as_of"]}
    scored = []
    for (scope, crop, quantity), own in rows.groupby(["scope", "crop", "quantity"]):
        own = own.reindex(columns=[*own.columns, *({"average_t_ha", "trend_t_ha"} - set(own.columns))])
        figures = {name: value for name, value in vars(scores(own)).items() if name != "nrmse_median"}
        for level in LEVELS:
            n = round(100 * level)
            low, high, observed = (own[name].to_numpy("float64") for name in (f"low_{n}", f"high_{n}", "observed_t_ha"))
            known = np.isfinite(low)
            inside = (observed >= low) & (observed <= high)
            figures |= {
                f"covered_{n}": float(inside[known].mean()) if known.any() else np.nan,
                f"interval_score_{n}": interval_score(observed, low, high, level),
            }
        of = {"scope": scope, "crop": crop, "quantity": quantity, "model": own["model"].iloc[0]}
        scored.append({**about, **of, **figures})
    return scored
