"""Fields to districts to the region: who grows how much of a crop, and what of it is foreseen."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from agro.domain.outlook import Forecast
from agro.region.aggregate import Asked, Cover, district_yield, told_yields
from agro.region.harvest_so_far import SoFar, told_outcomes
from agro.store import history
from agro.store.index import Index
from flows.settings import CONFIGS, facts
from flows.yield_models import Season
from models.yields import YieldModel

_GREEN = "growth_ndvi_peak"  # the index of the canopy that is known of most fields
REGION = "region"


def districts_and_region(
    season: Season, model: YieldModel, name: str, asked: pd.DataFrame, forecasts: Sequence[Forecast], index: Index
) -> list[Forecast]:
    """Yield and tonnes of a crop in each district that grows it, and in the region, with the season's common error."""
    rules = season.rules["district"]
    cover = Cover(rules["least_share"], rules["fewest_farms"])
    value = [np.nan if one.estimate is None else one.estimate.value for one in forecasts]
    green = asked[_GREEN].to_numpy() if _GREEN in asked else np.full(len(asked), np.nan)
    fields = asked[["farm_id", "district", "area_ha"]].assign(value_t_ha=value, green=green)
    areas = areas_known(history.records(index.store, "statistics"), model.crop, season)
    field_cv = model.missed.field_cv if model.missed else 0.0
    districts = [
        district_yield(str(district), own, areas.get(str(district)), field_cv, cover)
        for district, own in fields.dropna(subset=["district"]).groupby("district")
    ]
    about = Asked(model.crop, season.as_of.year, season.as_of, f"{name}: {model.chosen}", REGION, model.missed)
    told = told_yields(districts, about, cover) if districts else []
    if model.missed is None:
        return told
    harvest = history.records(index.store, "harvest")
    past = (
        harvest[(harvest["crop"] == model.crop) & (harvest["season"] < season.as_of.year)] if len(harvest) else harvest
    )
    past = past.rename(columns={"yield_t_ha": "weighed_t_ha", "barn_t_ha": "yield_t_ha"})
    summaries = history.records(index.store, "harvest_summaries")
    so_far = threshed(summaries, model.crop, season, {one.district: one.area_ha for one in districts})
    return [*told, *told_outcomes(told, so_far, past, model.missed)]


def threshed(summaries: pd.DataFrame, crop: str, season: Season, area_ha: Mapping[str, float]) -> dict[str, SoFar]:
    """What of a crop is threshed in each district by the day, as the newest summary that was known then says.

    Where none is of the whole district, those of its farms are summed. `area_ha`: of the crop, by district
    """
    if summaries.empty:
        return {}
    day = pd.to_datetime(summaries["day"])
    own = (summaries["season"] == season.as_of.year) & (day <= pd.Timestamp(season.as_of)) & (summaries["crop"] == crop)
    rows = summaries[own & summaries["threshed_ha"].gt(0)].assign(day=day).sort_values("day")
    whole = rows[rows["farm_id"].isna()].drop_duplicates("district", keep="last").set_index("district")
    farms = _of_farms(rows[rows["farm_id"].notna()], season.table)
    barn, told = facts(CONFIGS / "harvest.toml")["barn"], {}
    for row in pd.concat([whole, farms[~farms.index.isin(whole.index)]]).itertuples():
        if row.Index not in area_ha:
            continue
        planned = max(row.planned_ha if row.planned_ha == row.planned_ha else area_ha[row.Index], row.threshed_ha)
        yields = row.bunker_t / row.threshed_ha
        told[str(row.Index)] = SoFar(row.threshed_ha / planned, barn["factor"] * yields, barn["factor_se"] * yields)
    return told


def _of_farms(rows: pd.DataFrame, fields: pd.DataFrame) -> pd.DataFrame:
    """The newest summary of each farm, summed by district; what they plan is not what the district plans."""
    homes = fields.drop_duplicates(["farm_id", "district"]).groupby("farm_id")["district"]
    home = homes.first().where(homes.size() == 1)  # a farm in two districts must say where it threshed
    rows = rows.assign(district=rows["district"].fillna(rows["farm_id"].map(home)))
    newest = rows.dropna(subset=["district"]).drop_duplicates(["district", "farm_id"], keep="last")
    return newest.groupby("district")[["threshed_ha", "bunker_t"]].sum().assign(planned_ha=np.nan)


def areas_known(statistics: pd.DataFrame, crop: str, season: Season) -> dict[str, tuple[float, float]]:
    """Area of a crop in each district and its error [ha], by the newest statistics that were known on the day.

    A figure of the season itself has the error of its source. Else the mapped area is raised as the seasons before
    show that statistics know more of the crop than the map, with the spread of that between seasons as its error.
    """
    if statistics.empty:
        return {}
    rules, year = season.rules["district"], season.as_of.year
    at_latest = pd.to_datetime((statistics["season"].astype(int) + 1).astype(str) + "-12-31")
    known_on = pd.to_datetime(statistics["known_on"]).fillna(at_latest)
    own = (statistics["crop"] == crop) & (known_on <= pd.Timestamp(season.as_of)) & statistics["area_ha"].notna()
    rows = statistics[own].assign(known_on=known_on[own]).sort_values("known_on")
    rows = rows.drop_duplicates(["district", "category", "season"], keep="last")
    grown = season.table[season.table["crop"] == crop].groupby(["district", "season"])["area_ha"].sum()
    told = {}
    for district, mine in rows.groupby("district"):
        office = _whole(mine)
        if year in office.index:
            told[str(district)] = float(office[year]), float(office[year] * rules["area_cv"])
            continue
        mapped = grown[district] if district in grown.index.get_level_values(0) else pd.Series(dtype="float64")
        both = office.index.intersection(mapped.index[mapped > 0])
        both = both.sort_values()[-rules["area_seasons"] :]
        if not len(both) or year not in mapped:
            continue
        ratio = office[both] / mapped[both]
        mean = max(float(office[both].sum() / mapped[both].sum()), 1.0)
        spread = float(ratio.std()) if len(both) > 1 else rules["area_one_season_cv"] * mean
        told[str(district)] = float(mean * mapped[year]), float(mapped[year] * np.hypot(rules["area_cv"] * mean, spread))  # fmt: skip  # noqa: E501
    return told


def _whole(own: pd.DataFrame) -> pd.Series:
    """The area of all farms by season: the category `all` where it is told, else the sum of the others."""
    whole = own[own["category"] == "all"].groupby("season")["area_ha"].sum()
    parts = own[own["category"] != "all"].groupby("season")["area_ha"].sum()
    area: pd.Series = whole.combine_first(parts)
    return area
