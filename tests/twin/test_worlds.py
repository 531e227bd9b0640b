"""The second world lives on the same land, weather and care as the first, and answers to them in another way."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from agro.twin.estate import estate
from agro.twin.growth import State
from agro.twin.light import BANDS, Cover
from agro.twin.optimum import RATES_KG_HA, response
from agro.twin.oracle import oracle
from agro.twin.past import Past, past
from agro.twin.region import make
from agro.twin.table import Tables, tables
from agro.twin.worlds import WORLDS
from flows.settings import CONFIGS, facts
from flows.simulated import measure, simulated_tables

RULES = facts(CONFIGS / "twin.toml")
USUAL_T_HA = {  # bounds of the mean over seasons
    **{"spring_wheat": (2.2, 3.3), "barley": (2.2, 3.4), "oats": (2.0, 3.3), "pea": (1.5, 2.8)},
    **{"rapeseed": (1.3, 2.5), "potato": (15.0, 30.0), "perennial_grass": (2.0, 5.5)},
}


def of(world: str, seed: int = 205) -> Past:
    return past(RULES, seed, estate(RULES, seed, 24, 20, 1.0), range(2014, 2022), world=world)


@pytest.fixture(scope="module", params=["first", "second"])
def was(request: pytest.FixtureRequest) -> Past:
    return of(request.param)


@pytest.fixture(scope="module")
def both() -> dict[str, Tables]:
    return {world: simulated_tables(206, range(2011, 2021), n_fields=32, world=world) for world in WORLDS}


def on(was: Past, day: int) -> State:
    return next(state for state in was.evenings() if state.day == day)


def test_both_worlds_have_one_land_one_weather_and_one_care(both: dict[str, Tables]) -> None:
    first, second = (made.truth.was for made in both.values())
    pd.testing.assert_frame_equal(first.work, second.work)
    pd.testing.assert_frame_equal(first.days, second.days)
    assert both["first"].fieldstats["acquisition_id"].equals(both["second"].fieldstats["acquisition_id"])
    assert both["first"].fieldstats["clear_fraction"].equals(both["second"].fieldstats["clear_fraction"])


def test_a_seed_decides_the_second_world_too() -> None:
    one, same, other = (simulated_tables(seed, [2015], 16, world="second") for seed in (207, 207, 208))
    pd.testing.assert_frame_equal(one.fieldstats, same.fieldstats)
    pd.testing.assert_frame_equal(one.harvest, same.harvest)
    assert not one.truth.fields["yield_t_ha"].equals(other.truth.fields["yield_t_ha"])


def test_leaves_live_on_light_in_the_first_world_and_on_warmth_in_the_second() -> None:
    for world, grows_on_light in (("first", True), ("second", False)):
        was = of(world)
        bright = replace(was, weather=replace(was.weather, radiation_mj_m2=1.2 * was.weather.radiation_mj_m2))
        ratio = on(bright, 90).lai.mean() / on(was, 90).lai.mean()
        assert ratio > 1.1 if grows_on_light else ratio == pytest.approx(1.0, abs=1e-9)


def test_drought_at_flowering_costs_the_second_world_more_than_drought_of_seedlings() -> None:
    was = of("second")
    wheat = np.repeat((was.work["crop"] == "spring_wheat").to_numpy(), 20)
    lost = {}
    for stage, days in (("seedling", slice(50, 75)), ("flower", slice(75, 110))):
        rain = was.weather.rain_mm.copy()
        rain[days] = 0.0
        dry = replace(was, weather=replace(was.weather, rain_mm=rain))
        ratio = yields(dry)[wheat].mean() / yields(was)[wheat].mean()
        lost[stage] = 1 - ratio
    assert lost["flower"] > max(lost["seedling"], 0) + 0.02


def yields(was: Past) -> np.ndarray:
    return was.world.yield_t_ha(was.last_evening(), was.plots)


def test_the_worlds_do_not_agree_where_it_was_a_good_year(both: dict[str, Tables]) -> None:
    first, second = (made.truth.fields for made in both.values())
    wheat = first["crop"] == "spring_wheat"
    agreement = first["yield_t_ha"][wheat].corr(second["yield_t_ha"][wheat], method="spearman")
    assert 0.3 < agreement < 0.9  # the same droughts, another answer


def test_one_canopy_sends_back_other_light_in_each_world() -> None:
    lai = np.linspace(0, 6, 25)
    nothing = np.zeros(lai.shape)
    cover = Cover(lai, nothing, nothing + 0.4, nothing + 0.7, nothing + 1, nothing + 0.72, nothing, nothing)
    ndvi = {}
    for name, world in WORLDS.items():
        light = world.mixed(cover, 40.0)
        assert set(light) == set(BANDS) and all(((v > 0) & (v < 0.75)).all() for v in light.values())
        ndvi[name] = (light["nir"] - light["red"]) / (light["nir"] + light["red"])
        assert (np.diff(ndvi[name]) > 0).all()
    assert np.abs(ndvi["first"] - ndvi["second"]).max() > 0.05
    near_soil, closed = (ndvi["second"][i] - ndvi["first"][i] for i in (0, 8))
    assert near_soil < -0.02 < 0.02 < closed  # no offset makes one of the other


@pytest.mark.parametrize("world", list(WORLDS))
def test_yields_of_each_crop_are_of_this_region(both: dict[str, Tables], world: str) -> None:
    fields = both[world].truth.fields
    mean = fields.groupby("crop")["yield_t_ha"].mean()
    for crop, (low, high) in USUAL_T_HA.items():
        assert low < mean[crop] < high, crop
    assert np.isnan(mean["fallow"])
    wheat = fields[fields["crop"] == "spring_wheat"]
    per_year = wheat.groupby("season")["yield_t_ha"].mean()
    assert per_year.min() < 0.88 * per_year.mean() and per_year.max() > 1.1 * per_year.mean()
    assert wheat["yield_t_ha"].quantile(0.01) > 0.8 and wheat["yield_t_ha"].quantile(0.99) < 6.0


@pytest.mark.parametrize("world", list(WORLDS))
def test_the_ndvi_of_each_crop_runs_as_that_crop_does(both: dict[str, Tables], world: str) -> None:
    rows, fields = both[world].fieldstats, both[world].truth.fields[["field_id", "season", "crop"]]
    clear = rows[(rows["layer"] == "ndvi") & (rows["clear_fraction"] > 0.9)]
    clear = clear.assign(season=clear["acquired_at"].dt.year, month=clear["acquired_at"].dt.month)
    mean = clear.merge(fields).pivot_table(index="crop", columns="month", values="mean")
    for crop in ("spring_wheat", "barley", "oats", "pea"):
        assert mean.loc[crop, 5] < 0.35 and 0.65 < mean.loc[crop, 7] < 0.93 and mean.loc[crop, 9] < 0.35, crop
        assert mean.loc[crop].idxmax() == 7, crop
    assert mean.loc["potato", 6] < 0.6 < mean.loc["potato", 8]
    assert mean.loc["fallow"].max() < 0.4
    assert mean.loc["perennial_grass", 6] > 0.7 and mean.loc["perennial_grass", 10] < 0.7


@pytest.mark.parametrize("world", list(WORLDS))
def test_mowing_is_seen(world: str) -> None:
    hay = {**RULES, "rotations": {"hay": {"crops": ["perennial_grass"], "weight": 1}}}
    made = tables(hay, 209, measure, [2019, 2020], n_fields=12, world=world)
    rows = made.fieldstats[(made.fieldstats["layer"] == "ndvi") & (made.fieldstats["clear_fraction"] > 0.8)]
    fell = []
    for one in made.truth.was.work.itertuples(index=False):
        mown = pd.Timestamp(one.season, 4, 1, tz="UTC") + pd.Timedelta(days=one.cuts[0])
        since = (rows["acquired_at"] - mown).dt.days[rows["field_id"] == one.field_id]
        before, after = (rows["mean"][since.index[since.between(*days)]] for days in ((-14, -1), (0, 9)))
        if len(before) and len(after):
            fell.append(before.iloc[-1] - after.iloc[0])
    assert len(fell) > 5 and np.median(fell) > 0.15


def test_more_nitrogen_brings_less_and_less(was: Past) -> None:
    cereal = was.work["crop"].isin(["spring_wheat", "barley", "oats"]).to_numpy()
    mean = response(was)[:, cereal].mean(axis=(1, 2))
    slopes = np.diff(mean) / np.diff(RATES_KG_HA)
    assert 0.005 < slopes[0] < 0.025  # [t/kg]
    assert all(later < earlier for earlier, later in pairwise(slopes[:6]))


def test_the_oracle_knows_more_the_later_it_is(was: Past) -> None:
    wheat = (was.work["crop"] == "spring_wheat").to_numpy()
    progress = np.repeat(was.work["progress"].to_numpy(), 20)  # the harvest but for what no leaf shows
    shown = was.by_field(yields(replace(was, plots=replace(was.plots, unseen=progress)))).mean(axis=1)[wheat]
    rmse = [
        float(np.sqrt(np.mean((oracle(was, day)[wheat]["expected_t_ha"] - shown) ** 2)))
        for day in ("06-01", "07-15", "08-20")
    ]
    assert rmse[2] < rmse[1] < rmse[0] < 1.2 * shown.std() and rmse[2] < 0.35 * shown.std()


def test_the_second_world_is_drawn_as_images_too(tmp_path: Path) -> None:
    outlines = gpd.GeoDataFrame(
        {"field_id": ["t1"], "district": ["topki"]}, geometry=[box(85.60, 55.20, 85.606, 55.2034)], crs=4326
    )
    told = pd.DataFrame({"field_id": ["t1"], "season": [2022], "crop": ["spring_wheat"]})
    truths = {}
    for world in WORLDS:
        path = tmp_path / world
        made = make(path, outlines, told, RULES, [2022], 11, False, "EPSG:32645", lambda told: None, world)
        assert made.is_file()
        truths[world] = pd.read_parquet(path / "truth" / "pixels-topki-2022.parquet")
    first, second = (truth.filter(like="lai_").mean() for truth in truths.values())
    assert list(first.index) == list(second.index) and np.abs(first - second).max() > 0.2
    assert second.max() > 1.5 and second.iloc[0] < 0.1 and second.iloc[-1] < 0.5
    assert 0.8 < truths["second"]["yield_t_ha"].mean() < 4.5
    cloud = [truth.filter(like="cloud_") for truth in truths.values()]
    pd.testing.assert_frame_equal(*cloud)
