from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner
from workshop import GREEN, Made, Ran, Scene

from agro.cli import app
from agro.domain.errors import Refusal
from agro.store.index import opened
from agro.store.publish import Store, writing
from agro.store.tables import from_parquet
from flows import wetness_edges
from flows.moisture_maps import current_passes
from flows.plan import read_land
from flows.settings import load
from flows.winter_review import Reviewed, review

SIDE = 60


def scene(day: date, green: float) -> Scene:
    """A look on which the crop covers this share of the soil, less in the west of each field."""
    random = np.random.default_rng(day.toordinal())
    share = np.clip(green * np.linspace(0.6, 1.1, SIDE)[None, :] * np.ones((SIDE, 1)), 0, 1)
    wet = 0.5 + 0.5 * np.sin(day.toordinal() / 3)
    bare = {"green": 0.10, "red": 0.14, "nir": 0.22}
    fine = {b: bare[b] * (1 - share) + GREEN[b] * share + random.normal(0, 0.002, (SIDE, SIDE)) for b in bare}
    coarse = share[::2, ::2]
    noise = 1 + random.normal(0, 0.15, coarse.shape)
    swir = (0.30 - 0.14 * wet) * noise * (1 - coarse) + GREEN["swir22"] * coarse
    pixels = {**fine, "swir22": np.clip(swir, 0.01, 1)}
    return Scene(f"S2_{day:%Y%m%d}", when=f"{day}T05:00:00Z", pixels=pixels, scl=np.where(coarse > 0.5, 4, 5))


def seasons(years: tuple[int, ...] = (2019, 2020, 2021)) -> list[Scene]:
    found = []
    for year in years:
        for n in range(14):
            day = date(year, 5, 1) + timedelta(days=11 * n)
            found.append(scene(day, float(np.sin(np.pi * n / 13) ** 2)))
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Path, list[str]]:
    """A patch with three seasons, a height model, weather and soil samples, its passes published."""
    from workshop import build_catalog, run_plain

    root = tmp_path_factory.mktemp("review")
    made = build_catalog(root, seasons(), side=SIDE)
    heights = np.add.outer(np.arange(80) * 0.6, np.arange(80) * 0.3).astype("float32") + 150
    place = {"crs": made.crs, "transform": rasterio.transform.from_origin(made.west - 900, made.north + 900, 30, 30)}
    with rasterio.open(
        root / "dem.tif", "w", driver="GTiff", count=1, dtype="float32", height=80, width=80, **place
    ) as dem:
        dem.write(heights, 1)
    days = pd.date_range("2018-08-01", "2021-10-31")
    mean = 3 - 18 * np.cos(2 * np.pi * (days.day_of_year - 20) / 365)
    rain = np.where(np.arange(len(days)) % 5 == 0, 8.0, 0.0)
    weather = pd.DataFrame({"day": days, "tmin_c": mean - 5, "tmax_c": mean + 5, "tmean_c": mean, "rain_mm": rain})
    weather.assign(day=days.date).to_csv(root / "weather.csv", index=False)
    (root / "seasons.csv").write_text(
        "field_id,season,crop\n"
        + "".join(f"{f},{y},spring wheat\n" for f in ("west", "east") for y in (2019, 2020, 2021))
    )
    more = [f"records.elevation={root / 'dem.tif'}", f"records.weather={root / 'weather.csv'}", f"fields.seasons={root / 'seasons.csv'}"]  # fmt: skip
    overrides = made.overrides(root / "store", *more)
    run_plain(load("stac", overrides))
    return made, root, overrides


@pytest.fixture(scope="module")
def early(world: tuple[Made, Path, list[str]]) -> Reviewed:
    """The review when the third season had begun."""
    return review(load("stac", world[2]), today=date(2021, 6, 1))


@pytest.fixture(scope="module")
def reviewed(world: tuple[Made, Path, list[str]], early: Reviewed) -> Reviewed:
    return review(load("stac", world[2]), today=date(2022, 1, 1))


def table(root: Path, pattern: str) -> Any:
    newest = max((root / "store").glob(pattern), key=lambda path: path.stat().st_mtime)
    return from_parquet(newest.read_bytes())


def test_every_kind_of_map_is_made_and_none_twice(
    world: tuple[Made, Path, list[str]], early: Reviewed, reviewed: Reviewed
) -> None:
    assert [one.reason for one in (*early.failed, *reviewed.failed) if one.code not in ("EDGES-BINS",)] == []
    assert early.made["relief"] == 1 and early.made["seasons"] >= 2 and early.made["water"] == 3
    assert early.made["moisture_edges"] == 1 and early.made["moisture"] > 30 and early.made["bare_soil"] == 1
    assert reviewed.made["seasons"] >= 1 and reviewed.made["zones"] == 1 and reviewed.made["bare_soil"] == 1
    assert review(load("stac", world[2]), today=date(2022, 1, 1)).made == {}


def test_a_season_more_is_counted_alone_and_edges_that_hardly_move_make_no_wetness_again(
    world: tuple[Made, Path, list[str]], early: Reviewed, reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third season is like the two before; a store that never reviewed in between comes to the same counts."""
    assert reviewed.made["moisture_counts"] == 1 and not {"moisture_edges", "moisture"} & set(reviewed.made)
    counts = sorted((world[1] / "store" / "moisture_counts").glob("*/counts.parquet"), key=lambda p: p.stat().st_mtime)
    kept = [from_parquet(path.read_bytes()) for path in counts]
    assert kept[0]["seen_on"].nunique() < kept[1]["seen_on"].nunique()
    monkeypatch.setattr(wetness_edges, "_adds", lambda *_: False)
    settings = load("stac", world[2])
    with writing(world[1] / "store") as store, opened(store) as index:
        land = read_land(settings)
        looks = [(parts, at) for parts, at in current_passes(store)]
        parents = sorted(part.place for parts, _ in looks for part in parts)
        anew = wetness_edges._total(land, store, index, looks, parents)
    pd.testing.assert_frame_equal(anew, kept[1])


def test_relief_rows_are_those_of_the_plane(world: tuple[Made, Path, list[str]], reviewed: Reviewed) -> None:
    rows = table(world[1], "relief/*/*/fields.parquet").set_index(["field_id", "layer"])
    expected = float(np.degrees(np.arctan(np.hypot(0.6 / 30, 0.3 / 30))))
    assert rows.loc[("west", "slope"), "mean"] == pytest.approx(expected, abs=0.03)


def test_the_season_of_each_year_begins_and_ends_when_it_did(
    world: tuple[Made, Path, list[str]], reviewed: Reviewed
) -> None:
    from agro.store import history, maps
    from agro.store.index import opened

    store = Store(world[1] / "store")
    grid = history.outlines(store).to_crs(world[0].crs).total_bounds
    from agro.domain.grid import around

    window = around(world[0].crs, tuple(grid), 10)
    with opened(store) as index:
        for year in (2019, 2020, 2021):
            own = [r for r in index.items("seasons") if r.properties["agro:season"] == year]
            start = np.nanmedian(maps.windowed(store, own, "season_start", window))
            peak = np.nanmedian(maps.windowed(store, own, "season_peak_day", window))
            assert 130 < start < 165 and 180 < peak < 205


def test_water_closes_and_falls_through_a_growing_season(
    world: tuple[Made, Path, list[str]], reviewed: Reviewed
) -> None:
    rows = pd.concat([from_parquet(p.read_bytes()) for p in (world[1] / "store").glob("water/2021/*/water.parquet")])
    assert set(rows["field_id"]) == {"west", "east"} and (rows["water_100cm_mm"] >= 0).all()
    june = rows[rows["day"].dt.month == 6]["water_100cm_mm"].mean()
    august = rows[rows["day"].dt.month == 8]["water_100cm_mm"].mean()
    assert august < june
    assert (rows["water_100cm_mm_se"] > 0).all()


def test_zones_name_the_poor_west_or_say_why_not(world: tuple[Made, Path, list[str]], reviewed: Reviewed) -> None:
    fields = table(world[1], "zones/*/*/fields.parquet")
    assert set(fields["field_id"]) == {"west", "east"} and (fields["seasons"] == 3).all()
    for row in fields.itertuples():
        assert (row.zones > 1) == (row.code == "")


def test_a_page_and_each_map_can_be_drawn_and_listed(
    world: tuple[Made, Path, list[str]], reviewed: Reviewed, tmp_path: Path
) -> None:
    store = ["--store", str(world[1] / "store")]
    runner = CliRunner()
    for command in (
        ["sheet"],
        ["show", "--layer", "wetness"],
        ["show", "--layer", "slope"],
        ["show", "--layer", "season_peak"],
    ):
        result = runner.invoke(
            app, [*command, "--field", "west", "-o", str(tmp_path / "x.png"), "--date", "2021-07-20", *store]
        )
        assert result.exit_code == 0, result.output
        assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    result = runner.invoke(app, ["show", "--field", "west", "--layer", "p2o5", "-o", str(tmp_path / "y.png"), *store])
    assert result.exit_code == 2 and "p2o5" in result.output
    listed = runner.invoke(app, ["maps", "--field", "west", *store])
    assert listed.exit_code == 0 and "водный баланс" in listed.output


def test_one_bad_record_never_sinks_the_others(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    made = make_catalog([scene(date(2021, 7, 1), 1.0)], side=SIDE)
    run(made)
    (tmp_path / "dem.tif").write_text("no raster")
    (tmp_path / "weather.csv").write_text("day,tmin_c\n2021-07-01,Fahrenheit\n")
    (tmp_path / "soil.csv").write_text("a;b\n1;2\n")
    records = [f"records.elevation={tmp_path / 'dem.tif'}", f"records.weather={tmp_path / 'weather.csv'}", f"records.soil={tmp_path / 'soil.csv'}"]  # fmt: skip
    done = review(load("stac", made.overrides(tmp_path / "store", *records)), today=date(2022, 1, 1))
    assert len({one.code for one in done.failed}) >= 3 and done.made["zones"] == 1


def test_per_cents_of_field_capacity_come_with_twenty_measurements_on_five_days_and_not_before(
    world: tuple[Made, Path, list[str]], reviewed: Reviewed, tmp_path: Path
) -> None:
    """Probes in one field read 30 % and 60 % more of the wetness from above; the other field stays relative."""
    seen = pd.concat([from_parquet(p.read_bytes()) for p in (world[1] / "store").glob("moisture/*/*/fields.parquet")])
    sound = (seen["layer"] == "wetness") & (seen["n_px"] > 0) & ~seen["flag"].str.contains("wetness_domain")
    seen = seen[sound & (seen["field_id"] == "west")].drop_duplicates("acquired_at")
    random = np.random.default_rng(1)
    lines = [
        f"west;{row.acquired_at:%d.%m.%Y};5;{30 + 60 * row.p50 + random.normal(0, 3):.1f}"
        for row in seen.itertuples()
        for _ in range(3)
    ]
    assert len(lines) >= 20
    settings = load("stac", [*world[2], f"records.moisture={tmp_path / 'probes.csv'}"])

    def told(some: list[str]) -> tuple[dict[str, int], list[Refusal]]:
        (tmp_path / "probes.csv").write_text("\n".join(["Поле;Дата;Глубина, см;Влажность, % НВ", *some]) + "\n")
        done = review(settings, today=date(2022, 1, 1))
        return done.made, [one for one in done.failed if not one.code.startswith("EDGES")]

    made, refused = told(lines[:12])
    assert [one.code for one in refused] == ["ANCHOR-FEW"] and made == {"moisture_anchors": 1}
    made, refused = told(lines)
    assert not refused and made["moisture_anchors"] == 1 and made["field_moisture"] > 20
    rows = table(world[1], "field_moisture/*/*/fields.parquet")
    assert set(rows["field_id"]) == {"west"} and rows["p50"].between(25, 100).all() and rows["se"].between(1, 6).all()
    shown = CliRunner().invoke(app, ["show", "--field", "west", "--layer", "field_capacity", "-o", str(tmp_path / "fc.png"), "--store", str(world[1] / "store")])  # fmt: skip
    assert shown.exit_code == 0, shown.output
    assert told(lines)[0] == {}
