import hashlib
import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely.geometry import box

from agro.domain.grid import Grid
from agro.twin.chance import chance, random_field
from agro.twin.drawn import evenings, on_map, season_of
from agro.twin.harm import planted
from agro.twin.land import ground, sampled
from agro.twin.passes import passes_of
from agro.twin.past import past
from agro.twin.region import make
from agro.twin.sky import Sky, scene_classes, sky, sun_angles
from agro.twin.weather import season_weather
from flows.settings import CONFIGS, facts

RULES = facts(CONFIGS / "twin.toml")
OUTLINES = gpd.GeoDataFrame(
    {"field_id": ["t1"], "district": ["topki"]}, geometry=[box(85.60, 55.20, 85.606, 55.2034)], crs=4326
)

WHEAT = pd.DataFrame({"field_id": ["t1"] * 2, "season": [2021, 2022], "crop": ["spring_wheat"] * 2})
CALM = {**RULES, "harm": {**RULES["harm"], "field_share": 0.0}}


def build(path: Path, seed: int = 11, faults: bool = False) -> Path:
    return make(path, OUTLINES, WHEAT, RULES, [2022], seed, faults, "EPSG:32645", lambda told: None)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("twin") / "r").parents[1]


def content(region: Path) -> dict[str, str]:
    return {
        str(p.relative_to(region)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(region.rglob("*"))
        if p.is_file()
    }


def test_one_seed_decides_everything_and_another_is_another_region(region: Path, tmp_path: Path) -> None:
    assert content(build(tmp_path / "same").parents[1]) == content(region)
    assert content(build(tmp_path / "other", seed=12).parents[1]) != content(region)


def test_both_baselines_carry_the_right_offset(tmp_path: Path) -> None:
    made = make(tmp_path / "r", OUTLINES, WHEAT, RULES, [2021, 2022], 11, False, "EPSG:32645", lambda told: None)
    items = [json.loads(p.read_text()) for p in made.parent.glob("*/*/*.json")]
    for item in items:
        late = item["properties"]["datetime"] > "2022-01-25"
        band = item["assets"]["red"]["raster:bands"][0]
        assert (item["properties"]["s2:processing_baseline"], band["offset"]) == (
            ("04.00", -0.1) if late else ("03.01", 0.0)
        )
        assert "SIMULATED" in item["properties"]["description"]
    assert len(items) == len(passes_of(2021)) + len(passes_of(2022))


def test_the_crop_grows_ripens_and_goes(region: Path) -> None:
    truth = pd.read_parquet(region / "truth" / "pixels-topki-2022.parquet")
    lai = truth.filter(like="lai_").mean()
    assert lai.max() > 1.5 and lai.iloc[0] < 0.1 and lai.iloc[-1] < 0.5
    assert "20220615" < lai.idxmax()[4:] < "20220725"
    assert 0.8 < truth["yield_t_ha"].mean() < 4.5
    assert truth.filter(like="wetness_").stack().between(0, 1).all()


def test_water_and_light_of_a_season_are_of_this_world() -> None:
    weather = season_weather(RULES["climate"], "topki", 2022, 55.2, 11)
    summer = weather[weather["day"].dt.month.between(6, 8)]
    assert 60 < summer["rain_mm"].sum() < 450
    assert 12 < summer["tmean_c"].mean() < 23
    assert (weather["tmin_c"] < weather["tmax_c"]).all() and (weather["rain_mm"] >= 0).all()
    assert 12 < summer["radiation_mj_m2"].mean() < 26


def test_shadows_fall_away_from_the_sun() -> None:
    from datetime import UTC, datetime

    zenith, azimuth = sun_angles(datetime(2022, 6, 21, 5, 18, tzinfo=UTC), 85.6, 55.2)
    assert zenith == pytest.approx(33.7, abs=0.5) and azimuth == pytest.approx(
        154.6, abs=2
    )  # by hand: 25 degrees before noon
    rules = {**RULES["sky"], "clear_share": 0.0, "overcast_share": 0.0}
    north_of = []
    for i in range(40):
        above = sky((300, 300), rules, (45.0, 180.0), chance(5, i))
        if 0.02 < above.cover < 0.4 and (above.shade > 0.5).any():
            north_of.append(_mean_row(above.shade > 0.5) - _mean_row(above.opacity > 0.5))
    assert len(north_of) > 5 and np.mean(north_of) < 0  # the sun stands in the south: shadows lie north, in lower rows


def _mean_row(mask: np.ndarray) -> float:
    return float(np.nonzero(mask)[0].mean())


def test_the_classification_errs_but_not_much() -> None:
    ground = {"red": np.full((200, 200), 0.05), "nir": np.full((200, 200), 0.4)}
    clear = Sky(np.zeros((200, 200)), np.zeros((200, 200)), 0.0)
    classes = scene_classes(ground, clear, RULES["sky"], chance(1, "x"))
    assert 0.98 < (classes == 4).mean() < 1.0


def test_random_fields_are_smooth_and_standard() -> None:
    surface = random_field(chance(1, "f"), (200, 150), 30)
    assert surface.shape == (200, 150)
    assert surface.mean() == pytest.approx(0, abs=1e-9) and surface.std() == pytest.approx(1)
    assert np.abs(np.diff(surface, axis=0)).mean() < 0.15


def test_faults_are_planted_only_on_demand(tmp_path: Path) -> None:
    spoiled = build(tmp_path / "f", faults=True)
    broken = [p for p in spoiled.parent.glob("*/*/*.json") if p.read_text() == "{"]
    html = [p for p in spoiled.parent.glob("*/*/B04.tif") if p.read_bytes().startswith(b"<html")]
    assert len(broken) == 1 and len(html) == 1


def test_images_lie_where_the_fields_are(region: Path) -> None:
    path = next((region / "catalog" / "sentinel-2-l2a").glob("*/B04.tif"))
    with rasterio.open(path) as raster:
        bounds = OUTLINES.to_crs(32645).total_bounds
        assert raster.bounds.left < bounds[0] and raster.bounds.top > bounds[3]
        grid = Grid("EPSG:32645", round(raster.bounds.left), round(raster.bounds.top), 10, *raster.shape)
    assert grid.west_m % 20 == 0 and grid.north_m % 20 == 0


def test_what_is_on_record_agrees_with_the_truth_up_to_its_error(region: Path) -> None:
    truth = pd.read_parquet(region / "truth" / "soil-topki.parquet")
    samples = pd.read_csv(region / "soil" / "topki.csv", sep=";", decimal=",")
    assert len(samples) >= 1 and set(samples["Поле"]) == {"t1"}
    assert abs(samples["Гумус, %"].mean() - truth["humus_pct"].mean()) < 1.0
    with rasterio.open(region / "elevation" / "topki.tif") as dem:
        height = dem.read(1)
        assert dem.crs.to_epsg() == 4326 and abs(np.nanmean(height) - truth["height_m"].mean()) < 25
    weather = pd.read_csv(region / "weather" / "topki.csv")
    days = pd.to_datetime(weather["day"])
    assert (days.diff().dropna() == pd.Timedelta(days=1)).all()
    assert (days.iloc[0].year, days.iloc[-1].year) == (2010, 2022)
    assert weather[days.dt.month == 1]["tmean_c"].mean() < -8
    assert weather["rain_mm"].ge(0).all()


def test_hail_takes_leaves_where_it_was_planted_and_nowhere_else() -> None:
    place = ground(OUTLINES, "topki", "EPSG:32645", RULES, 2022, 11)
    was = past({**RULES, "harm": {**RULES["harm"], "field_share": 1.0}}, 11, sampled([place], 30, 11), [2022], WHEAT)
    days = was.days[was.days["radiation_mj_m2"].notna()]
    hit_season, plain_season = (
        season_of(place, was.work, days, replace(was, facts=facts)) for facts in (was.facts, CALM)
    )
    harm, index = hit_season.harms["t1"]
    hit = np.zeros(place.field.size, bool)
    hit[index] = True
    for (states, _), (plain, _) in zip(evenings(hit_season), evenings(plain_season), strict=True):
        lai, was_lai = (
            on_map(s, tuple(x.lai for x in of), 0.0).ravel() for s, of in ((hit_season, states), (plain_season, plain))
        )
        assert np.array_equal(lai[~hit], was_lai[~hit])
        if states[0].day == harm.day and harm.kind == "hail":
            assert np.allclose(lai[hit], (1 - harm.strength) * was_lai[hit])


def test_events_are_planted_inside_their_fields() -> None:
    random = chance(3, "points")
    x, y = random.uniform(0, 800, 4000), random.uniform(0, 600, 4000)
    kinds = set()
    for season in range(2000, 2012):
        harm = planted("t1", season, x, y, {**RULES["harm"], "field_share": 1.0}, 11)
        assert harm is not None and 0 < len(harm.pixels) < 4000
        assert harm.pixels.max() < 4000
        kinds.add(harm.kind)
    assert kinds == {"hail", "disease", "missed_strip"}
    assert planted("t1", 2022, x, y, {**RULES["harm"], "field_share": 0.0}, 11) is None
