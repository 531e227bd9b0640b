"""Fields whose true response is known, with their strips, for the decision to vary: of two simulated worlds."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import response_world
from scipy.interpolate import PchipInterpolator

from agro.advice.trial import Design, lay_out, read_trial
from agro.domain.errors import BadInput
from agro.twin.chance import chance
from agro.twin.estate import LAND_CRS, estate
from agro.twin.growth import yield_t_ha
from agro.twin.optimum import RATES_KG_HA, response
from agro.twin.past import Past, past
from agro.twin.plots import picked
from agro.twin.trial import Strips, as_weighed
from flows.settings import CONFIGS, facts
from models.left_out import Money

TRIAL = facts(CONFIGS / "doses.toml")["trial"]
DESIGN = Design((0.0, 30.0, 60.0, 90.0, 120.0), TRIAL["repetitions"], 24.0, TRIAL["shortest_m"])
CEREALS = ("spring_wheat", "barley", "oats")
FACTS = facts(CONFIGS / "twin.toml")
BEFORE, TRIED = (2017, 2018), (2019, 2020, 2021)  # seasons that draw the zones; seasons that strips may stand in
PIXELS, THIN, DRAWS = 2400, 32, 8  # of a field; every so many are valued; seasons that could come
BATCH = 24  # fields of one estate
PAST_NOISE = 0.10  # [1] of the yields that zones are drawn from
SEASONS = 2  # [1] of strips on every field


@dataclass(frozen=True)
class Case:
    """A field: its trial, and the true profit (dose of `grid`, zone) [RUB/ha] over the seasons that could come.

    tried_share  of the field that lies in strips [1]
    """

    trial: pd.DataFrame
    zones: tuple[str, ...]
    share: np.ndarray
    grid: np.ndarray
    profit: np.ndarray
    tried_share: float

    def earns(self, doses: np.ndarray) -> float:
        """The true profit of doses by zone [RUB/ha]."""
        return float(
            sum(w * np.interp(d, self.grid, p) for w, d, p in zip(self.share, doses, self.profit.T, strict=True))
        )

    @property
    def uniform(self) -> np.ndarray:
        """The true profit of one rate, by dose of `grid` [RUB/ha]."""
        return np.asarray(self.profit @ self.share)

    def knowing(self, cost_ha: float) -> float:
        """What knowing each zone's response is worth over the best one rate, costs deducted [RUB/ha]."""
        return max(float((self.share * self.profit.max(axis=0)).sum() - self.uniform.max()) - cost_ha, 0.0)

    @property
    def strips_cost(self) -> float:
        """What one season of strips costs against the best one rate [RUB/ha of the whole field]."""
        tried = [np.interp(dose, self.grid, self.uniform) for dose in sorted(set(self.trial["dose_kg_ha"]))]
        return self.tried_share * float(self.uniform.max() - np.mean(tried))

    def last(self, seasons: int) -> pd.DataFrame:
        """The strips of the last so many seasons."""
        return self.trial[self.trial["season"].isin(sorted(set(self.trial["season"]))[-seasons:])]


def plain_fields(fields: int, seed: int, money: Money) -> Iterator[Case]:
    """Fields of the second world."""
    for number in range(fields):
        one, random = response_world.field(seed, number)
        strips = [response_world.trial(one, random, season, DESIGN.repetitions) for season in range(SEASONS)]
        profit = response_world.profits(one, random, money.yield_price_t, money.nutrient_price_kg)
        zones = tuple(str(z) for z in range(len(one.share)))
        yield Case(pd.concat(strips), zones, one.share, response_world.GRID, profit, 1.0)


def twin_fields(fields: int, seed: int, money: Money) -> Iterator[tuple[Case, Case]]:
    """Fields of the simulated region with cereals in two seasons of strips; zones by earlier yields, and by soil."""
    made, batch = 0, 0
    while made < fields:
        region = _region(seed + 1000 * batch, money)
        batch += 1
        for case in region:
            yield case
            made += 1
            if made == fields:
                return


def _region(seed: int, money: Money) -> Iterator[tuple[Case, Case]]:
    rules = {**FACTS, "trial": {**FACTS["trial"], "field_share": 0.0}}
    was = past(rules, seed, estate(rules, seed, BATCH, PIXELS, 1.0), (*BEFORE, *TRIED))
    before = _rows(was, np.flatnonzero(was.work["season"].isin(BEFORE)), np.arange(PIXELS))
    grown = before.by_field(yield_t_ha(before.last_evening(), before.plots))
    cereals = was.work[was.work["season"].isin(TRIED) & was.work["crop"].isin(CEREALS)]
    rows = cereals.groupby("field_id").tail(SEASONS)
    rows = rows[rows.groupby("field_id")["season"].transform("size") == SEASONS]
    if rows.empty:
        return
    seen = response(_rows(was, rows.index.to_numpy(), np.arange(PIXELS)), DESIGN.doses_kg_ha)
    lasts = rows.groupby("field_id").tail(1).index.to_numpy()
    valued = response(_rows(was, lasts, np.arange(0, PIXELS, THIN)), draws=DRAWS)
    shapes = was.estate.fields.geometry.to_crs(LAND_CRS)
    for i, last in enumerate(lasts):
        mine = np.flatnonzero(rows["field_id"] == was.work["field_id"][last])
        zone = _by_yields(before, grown, str(was.work["field_id"][last]), seed)
        try:
            strips = [_strips(was, rows.index[k], shapes[was.field[last]], seen[:, k], seed) for k in mine]
        except BadInput:  # no trial fits
            continue
        if zone is not None:
            both = (zone, _by_soil(was, last, seed))
            yield tuple(_case(strips, one, valued[:, i], money) for one in both)


def _rows(was: Past, rows: np.ndarray, pixels: np.ndarray) -> Past:
    """Some rows of the past and some of their pixels, without harms."""
    index = (rows[:, None] * PIXELS + pixels).ravel()
    return replace(was, work=was.work.iloc[rows].reset_index(drop=True), plots=picked(was.plots, index), harms=())


def _by_soil(was: Past, row: int, seed: int) -> np.ndarray:
    """Thirds of a field's pixels by a map of its soil's nitrogen."""
    nitrogen = was.estate.soil.mineral_kg_ha[was.field[row]]
    error = chance(seed, "soil map", was.work["field_id"][row]).normal(0, nitrogen.std(), nitrogen.shape)
    return _thirds(nitrogen + error)


def _thirds(values: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.quantile(values, (1 / 3, 2 / 3)), values)


def _by_yields(before: Past, grown: np.ndarray, field_id: str, seed: int) -> np.ndarray | None:
    """Thirds of a field's pixels by what a noisy monitor saw in earlier seasons; None where nothing was harvested."""
    mine = np.flatnonzero(before.work["field_id"] == field_id)
    known = [grown[i] for i in mine if np.ptp(grown[i]) > 0.05]
    if not known:
        return None
    random = chance(seed, "past yields", field_id)
    scores = [(y * (1 + random.normal(0, PAST_NOISE, y.shape)) - y.mean()) / y.std() for y in known]
    return _thirds(np.mean(scores, axis=0))


def _strips(was: Past, row: int, shape: object, seen: np.ndarray, seed: int) -> pd.DataFrame:
    """The strips of one season, laid out and read as the house does: a row a pixel; `ha` of strips of `field_ha`."""
    one, field = was.work.iloc[row], was.field[row]
    lot = int(chance(seed, "lot", one["field_id"], int(one["season"])).integers(2**31))
    plots = lay_out(shape, DESIGN, lot).set_crs(LAND_CRS)
    places = gpd.points_from_xy(was.estate.x_m[field], was.estate.y_m[field])
    rows = read_trial(plots, gpd.GeoDataFrame({"pixel": np.arange(PIXELS)}, geometry=places, crs=LAND_CRS))
    dose = np.searchsorted(DESIGN.doses_kg_ha, rows["dose_kg_ha"])
    number = (rows["rep"] * 100 + rows["strip"]).to_numpy()
    lanes = Strips(np.unique(number, return_inverse=True)[1], number, rows["dose_kg_ha"].to_numpy(), number, 0.0)
    weighed = as_weighed(seen[dose, rows["pixel"]], lanes, 1.0, chance(seed, "strips", one["field_id"], row))
    return rows.assign(season=one["season"], yield_t_ha=weighed, tried=plots["area_ha"].sum() / one["area_ha"])


def _case(strips: list[pd.DataFrame], zone: np.ndarray, valued: np.ndarray, money: Money) -> Case:
    trial = pd.concat(strips, ignore_index=True)
    trial["zone"] = zone[trial["pixel"]].astype(str)
    grid, fine, thin = np.array(RATES_KG_HA), np.arange(0, 121, 2.0), zone[::THIN]
    profit = money.yield_price_t * valued - money.nutrient_price_kg * grid[:, None]
    zones = sorted(set(thin.tolist()))
    # between the doses that were grown: a monotone cubic, so that no optimum is an artefact of corners
    smooth = [PchipInterpolator(grid, profit[:, thin == z].mean(axis=1))(fine) for z in zones]
    share = np.array([(thin == z).mean() for z in zones])
    return Case(trial, tuple(map(str, zones)), share, fine, np.stack(smooth, axis=1), float(trial["tried"].iloc[0]))
