"""Wetness by radar from the catalogue to the picture: kept, compared with itself orbit by orbit, made once."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Polygon
from typer.testing import CliRunner
from workshop import Made, Scene, build_catalog, run_plain, write_radar

from agro.cli import app
from agro.domain.errors import Refusal
from agro.domain.grid import BLOCK_M, Grid
from agro.store.index import opened
from agro.store.publish import KINDS, Store, writing
from agro.store.tables import from_parquet
from flows import radar_maps
from flows.plan import below_of, read_land
from flows.radar_maps import make_radar
from flows.settings import load

SIDE = 40
SOIL = {
    "green": 0.10,
    "red": 0.13,
    "nir": 0.18,
    "rededge1": 0.15,
    "rededge2": 0.16,
    "rededge3": 0.17,
    "nir08": 0.18,
    "swir16": 0.30,
    "swir22": 0.27,
}
LEAVES = {**SOIL, "red": 0.03, "nir": 0.40}


def backscatter(wetness: float, number: int) -> np.ndarray:
    """A look (y, x) [dB]: from -16 where driest to -8 where wettest, with the speckle of a radar."""
    speckle = np.random.default_rng(number).gamma(4, 1 / 4, (SIDE // 2, SIDE // 2))
    return (-16 + 8 * wetness + 10 * np.log10(speckle)).astype("float32")


def radar_days(year: int) -> list[datetime]:
    return [datetime(year, 5, 2, 11, 50) + timedelta(days=6 * n) for n in range(24)]


def looks_of(days: list[datetime]) -> dict[str, tuple[np.ndarray, dict[str, object], dict[str, object]]]:
    about = {"unit": "dB"}
    return {
        f"S1_{day:%Y%m%d}": (
            backscatter(wet_on(day), day.toordinal()),
            about,
            {"datetime": f"{day.isoformat()}Z", "sat:relative_orbit": 33},
        )
        for day in days
    }


def wet_on(day: datetime) -> float:
    return float((day.toordinal() * 7 % 24) / 23)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path, list[str], Grid]:
    """Bare soil, but leaves in July; two seasons of radar from orbit 33 and three looks from orbit 106."""
    root = tmp_path_factory.mktemp("radar")
    scenes = [
        Scene(
            f"S2_{year}{month:02d}{day:02d}",
            f"{year}-{month:02d}-{day:02d}T05:00:00Z",
            LEAVES if month == 7 else SOIL,
            scl=4 if month == 7 else 5,
        )
        for year in (2019, 2020, 2021)
        for month in ((5, 6, 7, 8, 9) if year < 2021 else (5,))
        for day in (1, 16)
    ]
    made = build_catalog(root, scenes, side=SIDE)
    grid = Grid(made.crs, made.west, made.north, 20, SIDE // 2, SIDE // 2)
    few = {
        f"S1_other{n}": (
            backscatter(0.5, n),
            {"unit": "dB"},
            {"datetime": f"2020-06-{n + 1:02d}T00:10:00Z", "sat:relative_orbit": 106},
        )
        for n in range(3)
    }
    unsaid = {"S1_unsaid": (backscatter(0.5, 9), {}, {"sat:relative_orbit": 33})}
    write_radar(root / "made", looks_of(radar_days(2019) + radar_days(2020)) | few | unsaid, grid)
    overrides = made.overrides(root / "store")
    run_plain(load("stac", overrides))
    return made, root, overrides, grid


def made_by(overrides: list[str], today: date) -> tuple[dict[str, int], list[Refusal]]:
    """The step of the review, and how many results of each kind it made."""
    settings = load("stac", overrides)
    with writing(settings.store.path) as store, opened(store) as index:
        before = {kind: len(index.items(kind)) for kind in KINDS}
        refused = make_radar(settings, read_land(settings), store, index, today)
        more = {kind: len(index.items(kind)) - before[kind] for kind in KINDS}
    return {kind: n for kind, n in more.items() if n}, refused


def rows_of(store: Store) -> pd.DataFrame:
    tables = [from_parquet(p.read_bytes()) for p in (store.root / "radar_wetness").glob("*/*/fields.parquet")]
    return pd.concat(tables, ignore_index=True)


def test_wetness_follows_what_was_planted_and_keeps_silent_under_leaves(
    world: tuple[Made, Path, list[str], Grid], tmp_path: Path
) -> None:
    _, root, overrides, grid = world
    store = Store(root / "store")
    done, refused = made_by(overrides, date(2021, 6, 1))
    told = {one.code: one for one in refused}
    assert {"RADAR-UNIT", "RADAR-FEW"} <= set(told) and told["RADAR-UNIT"].acquisition_id == "S1_unsaid"
    assert done == {"radar": 51, "radar_edges": 1, "radar_wetness": 48}
    rows = rows_of(store)
    assert set(rows["field_id"]) == {"west", "east"} and not rows["acquired_at"].dt.month.eq(7).any()
    planted = [wet_on(at.to_pydatetime()) for at in rows["acquired_at"]]
    assert np.corrcoef(rows["p50"], planted)[0, 1] > 0.97
    assert rows["p50"].between(0, 1).all() and rows["p50"].max() > 0.8 and rows["p50"].min() < 0.2

    assert made_by(overrides, date(2021, 6, 1))[0] == {}
    write_radar(root / "made", looks_of(radar_days(2019) + radar_days(2020) + [datetime(2021, 5, 20, 11, 50)]), grid)
    assert made_by(overrides, date(2021, 6, 1))[0] == {"radar": 1, "radar_wetness": 1}

    where = ["--store", str(root / "store"), "--field", "west"]
    shown = CliRunner().invoke(app, ["show", *where, "--layer", "wetness_s1", "-o", str(tmp_path / "s1.png")])
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "s1.png").read_bytes().startswith(b"\x89PNG")
    listed = CliRunner().invoke(app, ["maps", *where])
    assert "увлажнённость по радару" in listed.output and "радарные съёмки" in listed.output
    with opened(store) as index:
        assert {r.properties["sat:relative_orbit"] for r in index.items("radar_edges")} == {33}


def test_gaps_in_the_series_of_an_orbit_are_told(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("S2_a", reflectance=SOIL, scl=5)], side=SIDE)
    grid = Grid(made.crs, made.west, made.north, 20, SIDE // 2, SIDE // 2)
    days = [datetime(2020, 5, 2) + timedelta(days=n) for n in (0, 12, 60, 72, 240)]
    looks = looks_of(days)
    looks["S1_other"] = (looks["S1_20200502"][0], {"unit": "dB"}, {"datetime": "2020-06-10T00:00:00Z", "sat:relative_orbit": 106})  # fmt: skip
    write_radar(tmp_path / "made", looks, grid)
    run_plain(load("stac", made.overrides(tmp_path / "store")))
    _, refused = made_by(made.overrides(tmp_path / "store"), date(2021, 6, 1))
    gaps = [one.facts for one in refused if one.code == "RADAR-GAP"]
    assert [(g["orbit"], g["first"], g["last"], g["days"]) for g in gaps] == [(33, "2020-05-14", "2020-07-01", 48)]


def test_a_catalogue_without_radar_is_no_fault(make_catalog: Callable[..., Made], tmp_path: Path) -> None:
    made = make_catalog([Scene("S2_a", reflectance=SOIL, scl=5)], side=SIDE)
    overrides = made.overrides(tmp_path / "store")
    run_plain(load("stac", overrides))
    assert made_by(overrides, date(2022, 1, 1)) == ({}, [])


def test_a_block_that_only_the_box_of_a_field_reaches_has_no_series() -> None:
    """A slanted field whose box has four blocks, one of which the field itself misses."""
    x, y = (BLOCK_M * (value // BLOCK_M + 1) for value in (500_000, 6_100_000))
    corners = ((-600, 100), (-300, 100), (-100, -300), (200, -300), (200, -500), (-200, -500))
    on_grid = gpd.GeoSeries([Polygon([(x + dx, y + dy) for dx, dy in corners])], crs="EPSG:32645")
    outlines = gpd.GeoDataFrame({"field_id": ["a"], "version": ["1"]}, geometry=on_grid.to_crs(4326))
    land = SimpleNamespace(on_grid=on_grid, outlines=outlines, crs="EPSG:32645")
    ground = radar_maps._Ground(None, land, None, {}, [])
    assert len(below_of(None, land).blocks) == 4 and len(ground.blocks) == 3
