"""A trial is prescribed, driven and harvested: the field's own response takes the place of the balance, and decides."""

import io
from collections.abc import Callable, Sequence
from datetime import date, datetime
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
from agro.store.prescriptions import from_geojson
from agro.store.publish import Published, Store, read_asset, writing
from agro.twin.spreader import Spreader
from agro.twin.spreader import drive as log_of
from flows.advice_office import Request
from flows.as_applied import take_back
from flows.before_sowing import prescribe
from flows.keeping import Result, keep
from flows.settings import Settings
from flows.yield_maps import take_in

SEASONS = "Поле;Сезон;Культура;Предшественник\n" + "".join(
    f"zarya-1;{season};яровая пшеница;ячмень\n" for season in (2026, 2027, 2028)
)
TO_METRES = Transformer.from_crs(4326, 32645, always_xy=True)


def halves(settings: Settings) -> None:
    """Productivity zones of the field: its western and its eastern half."""
    west, south, east, north = EAST.bounds
    parts = [shapely.box(west, south, (west + east) / 2, north), shapely.box((west + east) / 2, south, east, north)]
    zones = gpd.GeoDataFrame({"field_id": "zarya-1", "zone": [1, 2]}, geometry=parts, crs=4326)
    about = {"datetime": "2025-12-01T00:00:00Z", "agro:district": "topki"}
    with writing(settings.store.path) as store, opened(store) as index:
        keep(store, index, "zones/topki/k", Result(about, EAST.bounds, tables={"zones": zones}))


def harvest(folder: Path, strips: gpd.GeoDataFrame, best: Callable[[np.ndarray], np.ndarray], season: int) -> None:
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

    way = Drive(width_m=east - west, length_m=north - south, interval_s=2.0, x_m=west, y_m=south)
    points = drive(way, grown, seed=season)
    lon, lat = Transformer.from_crs(32645, 4326, always_xy=True).transform(points["x_m"], points["y_m"])
    told = {"lon": lon, "lat": lat, "day": f"{season}-09-01", "time": points["clock_s"], "distance, m": points["distance_m"]}  # fmt: skip
    told |= {"interval, s": 2.0, "swath, m": 8.0, "moisture, %": 14.0, "yield, t/ha": points["yield_t_ha"]}
    (folder / "monitors").mkdir(exist_ok=True)
    pd.DataFrame(told).round(7).to_csv(folder / "monitors" / f"combine-{season}.csv", index=False)


def spread(folder: Path, settings: Settings, trial: Published, share: float) -> None:
    """A spreader drives the trial's zones, puts out a share of what they ask for, and its log comes back."""
    rx = from_geojson(read_asset(Store(settings.store.path), trial, "zones"), "zones")
    zones = gpd.GeoDataFrame(
        {"rate": [zone.rate_kg_ha[0] for zone in rx.zones]}, geometry=[zone.outline for zone in rx.zones], crs=4326
    )

    def rates(places: np.ndarray) -> np.ndarray:
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*places.T), crs=4326)
        found = gpd.sjoin(points, zones, how="left", predicate="within")
        return share * found[~found.index.duplicated()]["rate"].fillna(0.0).to_numpy()

    done = log_of(rx.boundary, rates, Spreader(), rx.products[0].russian, datetime(rx.season, 5, 4, 9, 30))
    (folder / "log.zip").write_bytes(done.taskdata)
    with writing(settings.store.path) as store, opened(store) as index:
        take_back(settings, store, index, folder / "log.zip", "zarya-1")


def after_the_trials(
    folder: Path, best: Callable[[np.ndarray], np.ndarray], seasons: Sequence[int], share: float | None = None
) -> tuple[Published, Published]:
    """The first trial as it was prescribed, and the prescription of the season after the last one.

    share   of the prescribed rates that the machine put out, by its log; None: no log came back
    """
    monitors = f"records.yield_monitors={folder / 'monitors'}"
    plain = ["advice.terminals=[]", "advice.nutrients=['n']"]
    halves(settings_of(folder, *plain, fields__seasons=SEASONS, records__soil=""))
    trials = []
    for season in seasons:
        settings = settings_of(
            folder, *plain, *([monitors] if trials else []), fields__seasons=SEASONS, records__soil=""
        )
        asked = Request(field_ids=("zarya-1",), season=season, trial=True)
        made = prescribe(settings, asked, date(season, 4, 25))
        assert not made.failed
        trials.append(made.results[0])
        strips = gpd.read_file(io.BytesIO(read_asset(Store(settings.store.path), made.results[0], "trial")))
        assert strips.groupby("dose_kg_ha")["rep"].nunique().min() >= 2
        if share is not None:
            spread(folder, settings, made.results[0], share)
            strips["dose_kg_ha"] *= share
        harvest(folder, strips, best, season)
        later = settings_of(folder, *plain, monitors, fields__seasons=SEASONS, records__soil="")
        assert not take_in(later, "zarya-1", date(season, 9, 20)).refused
    after = Request(("zarya-1",), season=seasons[-1] + 1)
    done = prescribe(later, after, date(seasons[-1] + 1, 4, 25))
    assert not done.failed
    return trials[0], done.results[0]


def halves_differ(way: np.ndarray) -> np.ndarray:
    return np.where(way < 0.5, 15.0, 100.0)


def test_halves_that_ask_for_different_doses_in_two_seasons_are_found_and_varied(tmp_path: Path) -> None:
    trial, after = after_the_trials(tmp_path, halves_differ, (2026, 2027))
    assert trial.properties["agro:certificate"]["status"] == "not_checked" and trial.properties["agro:trial"]
    told = after.properties["agro:certificate"]
    assert (told["status"], told["by"]) == ("proved", "season") and told["low_ha"] > 0
    rates = after.properties["agro:rates_kg_ha"]
    assert len(rates) == 2 and max(rates)[0] > 2 * min(rates)[0]


def test_one_season_of_strips_gives_one_rate_by_the_field_s_own_response(tmp_path: Path) -> None:
    """With strips of one season the scheme lost on simulated fields (configs/schemes.toml), so it may not vary."""
    _, after = after_the_trials(tmp_path, halves_differ, (2026,))
    told = after.properties
    assert len(told["agro:rates_kg_ha"]) == 1 and told["agro:certificate"]["status"] == "not_checked"
    assert "so few seasons (1)" in told["agro:certificate"]["why"]["sentence"]
    assert any("no log came back" in line["text"] for line in told["agro:told"])


@pytest.mark.parametrize("share", [None, 0.8])
def test_a_field_that_is_everywhere_alike_keeps_one_rate_by_what_was_put_out(
    tmp_path: Path, share: float | None
) -> None:
    """A machine that gave 80 % of each dose: by its log the best dose is the same."""
    _, after = after_the_trials(tmp_path, lambda way: np.full(way.shape, 50.0), (2026, 2027), share)
    told = after.properties
    assert told["agro:certificate"]["status"] == "not_proved" and len(told["agro:rates_kg_ha"]) == 1
    n = told["agro:doses_kg_ha"]["n"]
    assert n["dose"] == pytest.approx(50 - 61_000 / 13_500 / 1000 / 3e-4, abs=8) and n["low"] <= n["dose"] <= n["high"]
    assert share is None or any("machine's log has them" in line["text"] for line in told["agro:told"])
