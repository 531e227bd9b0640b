"""A trial is prescribed, driven and harvested: the field's own response takes the place of the balance, and decides."""

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from combine import Drive, drive
from pyproj import Transformer
from small_farm import EAST, settings_of

from agro.store.index import opened
from agro.store.publish import Published, Store, read_asset, writing
from flows.advice_office import Request
from flows.before_sowing import prescribe
from flows.keeping import Result, keep
from flows.settings import Settings
from flows.yield_maps import take_in

SPRING, AUTUMN, NEXT = date(2026, 4, 25), date(2026, 9, 20), date(2027, 4, 25)
SEASONS = "Поле;Сезон;Культура;Предшественник\nzarya-1;2026;яровая пшеница;ячмень\nzarya-1;2027;яровая пшеница;ячмень\n"
TO_METRES = Transformer.from_crs(4326, 32645, always_xy=True)


def halves(settings: Settings) -> None:
    """Productivity zones of the field: its western and its eastern half."""
    west, south, east, north = EAST.bounds
    parts = [shapely.box(west, south, (west + east) / 2, north), shapely.box((west + east) / 2, south, east, north)]
    zones = gpd.GeoDataFrame({"field_id": "zarya-1", "zone": [1, 2]}, geometry=parts, crs=4326)
    about = {"datetime": "2025-12-01T00:00:00Z", "agro:district": "topki"}
    with writing(settings.store.path) as store, opened(store) as index:
        keep(store, index, "zones/topki/k", Result(about, EAST.bounds, tables={"zones": zones}))


def harvest(folder: Path, strips: gpd.GeoDataFrame, best: Callable[[np.ndarray], np.ndarray]) -> None:
    """The monitor of a combine that drives the field; yields fall off around the best dose of each place.

    best   fraction of the way from west to east (0..1) to the dose that yields most [kg/ha]
    """
    on_grid = strips.to_crs(32645)
    (west, east), (south, north) = TO_METRES.transform(*np.array(EAST.bounds).reshape(2, 2).T)

    def grown(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(west + x, south + y), crs=32645)
        found = gpd.sjoin(points, on_grid[["dose_kg_ha", "geometry"]], how="left", predicate="within")
        dose = found[~found.index.duplicated()]["dose_kg_ha"].fillna(60.0).to_numpy()
        return 3.2 - 1.5e-4 * (dose - best(x / (east - west))) ** 2

    points = drive(Drive(width_m=east - west, length_m=north - south, interval_s=2.0, x_m=west, y_m=south), grown)
    lon, lat = Transformer.from_crs(32645, 4326, always_xy=True).transform(points["x_m"], points["y_m"])
    told = {"lon": lon, "lat": lat, "day": "2026-09-01", "time": points["clock_s"], "distance, m": points["distance_m"]}
    told |= {"interval, s": 2.0, "swath, m": 8.0, "moisture, %": 14.0, "yield, t/ha": points["yield_t_ha"]}
    (folder / "monitors").mkdir()
    pd.DataFrame(told).round(7).to_csv(folder / "monitors" / "combine.csv", index=False)


def after_the_trial(folder: Path, best: Callable[[np.ndarray], np.ndarray]) -> tuple[Published, Published]:
    """The trial as it was prescribed, and the next season's prescription."""
    monitors = f"records.yield_monitors={folder / 'monitors'}"
    plain = ["advice.terminals=[]", "advice.nutrients=['n']"]
    settings = settings_of(folder, *plain, fields__seasons=SEASONS, records__soil="")
    halves(settings)
    one = Request(field_ids=("zarya-1",))
    trial = prescribe(settings, Request(field_ids=("zarya-1",), trial=True), SPRING)
    assert not trial.failed
    strips = gpd.read_file(io.BytesIO(read_asset(Store(settings.store.path), trial.results[0], "trial")))
    assert strips.groupby("dose_kg_ha")["rep"].nunique().min() >= 2
    harvest(folder, strips, best)
    later = settings_of(folder, *plain, monitors, fields__seasons=SEASONS, records__soil="")
    assert not take_in(later, "zarya-1", AUTUMN).refused
    done = prescribe(later, Request(one.field_ids, season=2027), NEXT)
    assert not done.failed
    return trial.results[0], done.results[0]


def test_halves_that_ask_for_different_doses_are_found_and_varied(tmp_path: Path) -> None:
    trial, after = after_the_trial(tmp_path, lambda way: np.where(way < 0.5, 15.0, 100.0))
    assert trial.properties["agro:certificate"]["status"] == "not_checked" and trial.properties["agro:trial"]
    told = after.properties["agro:certificate"]
    assert (told["status"], told["by"]) == ("proved", "rep") and told["low_ha"] > 0
    rates = after.properties["agro:rates_kg_ha"]
    assert len(rates) == 2 and max(rates)[0] > 2 * min(rates)[0]


def test_a_field_that_is_everywhere_alike_keeps_one_rate_by_its_own_response(tmp_path: Path) -> None:
    _, after = after_the_trial(tmp_path, lambda way: np.full(way.shape, 50.0))
    told = after.properties
    assert told["agro:certificate"]["status"] == "not_proved" and len(told["agro:rates_kg_ha"]) == 1
    n = told["agro:doses_kg_ha"]["n"]
    assert n["dose"] == pytest.approx(50 - 61_000 / 13_500 / 1000 / 3e-4, abs=8) and n["low"] <= n["dose"] <= n["high"]
