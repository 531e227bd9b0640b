import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from agro.twin.region import make
from flows.settings import CONFIGS, facts

RULES = facts(CONFIGS / "twin.toml")
ALWAYS = {**RULES, "trial": {**RULES["trial"], "field_share": 1.0}}
OUTLINES = gpd.GeoDataFrame(
    {"field_id": ["t1", "t2"], "farm_id": ["f1", "f2"], "district": ["topki"] * 2},
    geometry=[box(85.60, 55.20, 85.610, 55.2044), box(85.612, 55.20, 85.622, 55.2044)],
    crs=4326,
)
TOLD = pd.DataFrame({"field_id": ["t1", "t2"], "season": [2022] * 2, "crop": ["spring_wheat", "barley"]})


def build(path: Path, seed: int = 11, faults: bool = False) -> Path:
    return make(path, OUTLINES, TOLD, ALWAYS, [2022], seed, faults, "EPSG:32645", lambda told: None).parents[1]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("records") / "r")


def test_the_harvest_of_twelve_seasons_is_written_with_decimal_commas(region: Path) -> None:
    assert "," in (region / "harvest" / "harvest.csv").read_text().splitlines()[1].split(";")[5]
    harvest = pd.read_csv(region / "harvest" / "harvest.csv", sep=";", decimal=",")
    assert set(harvest["field_id"]) == {"t1", "t2"} and harvest["season"].min() == 2011
    truth = pd.read_csv(region / "truth" / "fields.csv")
    both = harvest.merge(truth, on=["field_id", "season"], suffixes=("", "_true"))
    assert len(both) == len(harvest)
    assert ((both["yield_t_ha"] / both["yield_t_ha_true"]).between(0.88, 1.25)).all()
    drawn = pd.read_csv(region / "truth" / "fields-topki-2022.csv").set_index("field_id")["yield_t_ha"]
    last = truth[(truth["season"] == 2022) & truth["mapped"]].set_index("field_id")["yield_t_ha"]
    assert np.allclose(drawn, last[drawn.index], rtol=0.03)  # 20 m pixels of the truth against all of 10 m
    summary = pd.read_csv(region / "harvest_summaries" / "2022.csv", sep=";", decimal=",")
    assert (summary.groupby("crop")[["threshed_ha", "bunker_t"]].diff().dropna() >= 0).all(axis=None)


def test_a_monitor_logs_late_with_stops_laps_and_jumps_and_its_truth_stands_apart(region: Path) -> None:
    files = sorted((region / "yield_monitors").glob("*.csv"))
    assert [f.name for f in files] == ["2022-t1.csv", "2022-t2.csv"]
    points = pd.read_csv(files[0])
    assert list(points) == ["time", "longitude", "latitude", "flow_kg_s", "speed_m_s", "swath_m", "moisture_pct"]
    truth = pd.read_parquet(region / "truth" / "monitor-2022-t1.parquet")
    assert len(points) == len(truth)
    naive = points["flow_kg_s"] / (points["speed_m_s"] * points["swath_m"]) * 10  # [t/ha]
    moved = points["flow_kg_s"].shift(-round(truth["delay_s"][0] / 2))
    late = moved / (points["speed_m_s"] * points["swath_m"]) * 10
    good = ~truth["stopped"] & ~truth["jumped"] & (truth["pass_end_s"] > 30) & (truth["cut_share"] > 0.95)
    assert (
        np.corrcoef(late[good], truth["yield_t_ha"][good])[0, 1]
        > np.corrcoef(naive[good], truth["yield_t_ha"][good])[0, 1]
    )
    over = (late[good] / truth["yield_t_ha"][good]).median()
    assert over == pytest.approx(truth["scale"][0] * 1.09, rel=0.08)  # wet and with weeds
    assert (truth["cut_share"] < 0.9).mean() > 0.005 and truth["stopped"].any() and truth["jumped"].any()
    assert naive[truth["stopped"]].median() > 2 * naive[good].median()
    inside = OUTLINES.geometry[0].buffer(1e-4)
    there = gpd.GeoSeries.from_xy(points["longitude"], points["latitude"], crs=4326).within(inside)
    assert there[~truth["jumped"]].mean() > 0.999 and there[truth["jumped"]].mean() < 0.9


def test_trials_are_strips_with_rates_and_what_the_combine_weighed(region: Path) -> None:
    strips = gpd.read_file(region / "trials" / "2022" / "t1.geojson")
    assert set(strips["n_kg_ha"]) == {0.0, 30.0, 60.0, 90.0} and set(strips["rep"]) == {0, 1, 2, 3}
    assert strips.geometry.is_valid.all() and not strips.to_crs(32645).geometry.iloc[0].area > 27 * 30 + 1
    assert strips.to_crs(32645).geometry.buffer(-1).union_all().area == pytest.approx(
        strips.to_crs(32645).geometry.buffer(-1).area.sum(), rel=1e-6
    )  # they do not lie on each other
    mean = strips.groupby("n_kg_ha")["yield_t_ha"].mean()
    assert mean[60.0] > mean[0.0]


def test_parcels_reach_beyond_the_fields_and_some_are_abandoned(region: Path) -> None:
    parcels = gpd.read_file(region / "parcels" / "parcels.geojson")
    assert {"parcel-of-t1", "parcel-of-t2"} < set(parcels["parcel_id"])
    beyond = parcels[~parcels["parcel_id"].str.startswith("parcel-of-")]
    assert not beyond.intersects(OUTLINES.union_all()).any()
    truth = pd.read_csv(region / "truth" / "parcels.csv")
    assert set(truth["parcel_id"]) == set(beyond["parcel_id"])
    idle = truth[truth["use"] == "abandoned"]
    assert ((idle["crop"] == "idle_grass") == (idle["season"] >= idle["idle_since"])).all()
    assert (truth[truth["use"] == "hay"]["crop"] == "perennial_grass").all()
    old = idle[idle["season"] - idle["idle_since"] >= 9]
    assert old["woody"].empty or old["woody"].min() > 0.4
    image = json.loads(next((region / "catalog" / "sentinel-2-l2a").glob("*/*.json")).read_text())["bbox"]
    assert beyond.within(box(*image)).all()  # the satellite sees them


def test_what_offices_publish_says_that_it_is_simulated(region: Path) -> None:
    for name in ("crops", "livestock", "prices"):
        table = pd.read_csv(region / "statistics" / f"{name}.csv", sep=";", decimal=",")
        assert table["source"].str.startswith("SIMULATED").all() and "vintage" in table
    crops = pd.read_csv(region / "statistics" / "crops.csv", sep=";", decimal=",")
    assert (
        set(crops["category"]) >= {"households"} and (crops.groupby(["crop", "category", "season"]).size() == 2).all()
    )
    last = crops.sort_values("vintage").drop_duplicates(["crop", "category", "season"], keep="last")
    truth = pd.read_csv(region / "truth" / "fields.csv")
    fields = truth.groupby(["crop", "season"])["production_t"].sum()
    told = last[last["category"] != "households"].groupby(["crop", "season"])["production_t"].sum()
    assert (np.abs(told - fields[told.index]) <= 1.0).all()  # within the rounding of two categories


def test_record_faults_are_planted_only_on_demand(region: Path, tmp_path: Path) -> None:
    spoiled = build(tmp_path / "f", faults=True)
    good, bad = (pd.read_csv(r / "harvest" / "harvest.csv", sep=";", decimal=",") for r in (region, spoiled))
    assert not good.duplicated(["field_id", "season"]).any() and bad.duplicated(["field_id", "season"]).sum() == 1
    assert bad["yield_t_ha"].max() > 10 > good[good["crop"] != "potato"]["yield_t_ha"].max()
    assert not (region / "fields").exists()
    assert gpd.read_file(spoiled / "fields" / "drawn-twice.geojson")["field_id"].duplicated().sum() == 1
