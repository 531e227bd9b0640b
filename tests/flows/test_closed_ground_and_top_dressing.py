"""Where nothing may be applied: protected strips, steep slopes, frozen soil; and nitrogen in the season by a strip."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import box
from small_farm import EAST, overrides
from typer.testing import CliRunner
from workshop import Made, Ran, Scene

from agro.cli import app
from agro.domain.grid import around
from agro.domain.layers import LAYERS
from agro.store.index import opened
from agro.store.publish import writing
from agro.store.stac import bbox_of
from flows.keeping import Result, keep

WEST, SOUTH, MOST_EAST, NORTH = EAST.bounds
PLAIN = ["--product", "ammonium_nitrate", "--product", "double_superphosphate", "--nutrient", "n", "--nutrient", "p2o5"]


def prescribed(folder: Path, *more: str) -> dict:
    """The one prescription of the eastern field without soil samples, and its zones."""
    told = overrides(folder, "advice.terminals=['isoxml4']", *more, records__soil="")
    sets = [part for one in told for part in ("--set", one)]
    asked = [
        "prescribe",
        "--field",
        "zarya-1",
        *PLAIN,
        "--config",
        "stac",
        *sets,
        "--export",
        str(folder / "rx"),
        "--json",
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    (one,) = json.loads(done.stdout)["prescriptions"]
    return one


def test_nothing_is_applied_in_a_protected_strip_along_water(tmp_path: Path) -> None:
    strip = box(WEST, SOUTH, WEST + (MOST_EAST - WEST) / 10, NORTH)  # 90 m of 900 m
    gpd.GeoDataFrame(geometry=[strip], crs=4326).to_file(tmp_path / "water.geojson")
    one = prescribed(tmp_path, f"advice.protection={tmp_path / 'water.geojson'}")
    zones = dict(zip(map(tuple, one["rates_kg_ha"]), one["zone_ha"], strict=True))
    assert zones.pop((0.0, 0.0)) == pytest.approx(5.4, rel=0.01) and all(min(rates) > 0 for rates in zones)
    assert sum(one["zone_ha"]) == pytest.approx(one["area_ha"], abs=1e-3)
    assert one["total_kg"][0] == pytest.approx(sum(rates[0] * ha for rates, ha in zones.items()), rel=0.01)
    proof = json.loads((tmp_path / "rx" / "zarya-1" / "proof.json").read_text())["TASKDATA.zip"]
    assert all(product["differing"] == 0 for product in proof["products"])
    assert any("protected strips" in line["sentence"] for line in one["told"])


def test_no_nitrogen_is_left_on_frozen_soil_and_phosphorus_is(tmp_path: Path) -> None:
    one = prescribed(tmp_path, "advice.placement=surface", "advice.frozen_soil=true")
    assert one["products"] == ["double_superphosphate"] and min(one["rates_kg_ha"])[0] > 0
    tilled = prescribed(tmp_path, "advice.frozen_soil=true")  # what goes into the soil is not left on it
    assert set(tilled["products"]) == {"ammonium_nitrate", "double_superphosphate"}


def test_no_nitrogen_is_left_on_a_steep_slope(tmp_path: Path) -> None:
    on_grid = gpd.GeoSeries([EAST], crs=4326).to_crs(32645).iloc[0]
    grid = around("EPSG:32645", on_grid.bounds, LAYERS["slope"].resolution_m)
    slope = np.where(np.arange(grid.width) < grid.width // 3, 7.0, 2.0) * np.ones(grid.shape)
    about = {"datetime": "2025-12-01T00:00:00Z", "agro:district": "topki"}
    with writing(tmp_path / "store") as store, opened(store) as index:
        keep(store, index, "relief/topki/k", Result(about, bbox_of(grid), {"slope": (slope, grid)}))
    one = prescribed(tmp_path, "advice.placement=surface")
    nitrate = one["products"].index("ammonium_nitrate")
    bare = [ha for rates, ha in zip(one["rates_kg_ha"], one["zone_ha"], strict=True) if rates[nitrate] == 0]
    assert sum(bare) == pytest.approx(54 / 3, rel=0.1) and sum(one["zone_ha"]) > 53
    assert all(rates[1 - nitrate] > 0 for rates in one["rates_kg_ha"])


@pytest.fixture
def hungry(make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path) -> list[str]:
    """A field seen in June whose southern half lacks nitrogen, with its store."""
    red_edge = np.full((30, 30), 0.08)
    red_edge[15:] = 0.12  # NDRE 0.54 instead of 0.67
    made = make_catalog([Scene("S2_a", when="2021-06-10T05:00:00Z", pixels={"rededge1": red_edge})], side=60)
    run(made)
    told = made.overrides(tmp_path / "store", "advice.terminals=[]", "fields.seasons=")
    return ["--config", "stac", *(part for one in told for part in ("--set", one))]


def dressed(options: list[str], *more: str) -> tuple[int, dict]:
    asked = ["prescribe", "--field", "west", "--crop", "яровая пшеница", "--planned-yield", "4", "--season", "2021"]
    done = CliRunner().invoke(app, [*asked, "--top-dress", "--json", *options, *more])
    return done.exit_code, json.loads(done.stdout)


def test_without_a_real_strip_the_index_is_a_map_to_look_at(hungry: list[str], tmp_path: Path) -> None:
    code, told = dressed(hungry)
    assert code == 3 and told["prescriptions"] == [] and [one["code"] for one in told["failed"]] == ["TOP-NO-STRIP"]
    with writing(tmp_path / "store") as store, opened(store) as index:
        (seen,) = index.items("sufficiency")
    assert seen.properties["agro:real_strip"] is False and "sufficiency" in seen.item["assets"]


def test_with_a_strip_only_the_hungry_half_is_dressed(hungry: list[str], tmp_path: Path) -> None:
    fields = gpd.read_file(tmp_path / "made" / "fields.geojson").to_crs(32645)
    west, _, east, north = fields.geometry[fields["field_id"] == "west"].iloc[0].bounds
    strip = gpd.GeoDataFrame({"field_id": ["west"]}, geometry=[shapely.box(west, north - 80, east, north)], crs=32645)
    strip.to_crs(4326).to_file(tmp_path / "rich.geojson")
    code, told = dressed(hungry, "--set", f"advice.n_rich={tmp_path / 'rich.geojson'}")
    assert code == 0, told
    one = told["prescriptions"][0]
    zones = sorted(zip(one["rates_kg_ha"], one["zone_ha"], strict=True))
    assert len(zones) == 2 and zones[0][0] == [0.0] and zones[1][0][0] > 20
    assert zones[0][1] == pytest.approx(9, rel=0.1) and zones[1][1] == pytest.approx(9, rel=0.1)
    assert one["look"] == "S2_a" and one["doses_kg_ha"]["n"]["low"] <= one["doses_kg_ha"]["n"]["dose"]
