import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from combine import Drive, drive
from pyproj import Transformer
from typer.testing import CliRunner
from workshop import Made, Ran, Scene

from agro.cli import app
from agro.domain.grid import around
from agro.store import history
from agro.store.index import opened
from agro.store.maps import windowed
from agro.store.publish import Store
from flows.settings import load
from flows.yield_maps import take_in

SEASONS = "field_id,season,crop,sown_on\nwest,2022,wheat,2022-05-15\neast,2022,barley,2022-05-20\n"
HARVEST = "field_id;season;crop;area_ha;yield_t_ha;weight_basis;moisture_pct\nwest;2022;wheat;8;3,3;bunker;14\n"
TODAY = date(2023, 1, 1)


@pytest.fixture
def farm(make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path) -> list[str]:
    """Two fields of 200 x 400 m side by side, a pass over them, and what grew there."""
    made = make_catalog([Scene("a")])
    (tmp_path / "seasons.csv").write_text(SEASONS)
    overrides = [f"fields.seasons={tmp_path / 'seasons.csv'}"]
    run(made, *overrides)
    (tmp_path / "monitors").mkdir()
    return [*made.overrides(tmp_path / "store", *overrides), f"records.yield_monitors={tmp_path / 'monitors'}"]


def monitor(folder: Path, name: str = "combine.csv", times: float = 1.0, **how: float) -> pd.DataFrame:
    """A drive over both fields as a monitor's CSV."""
    points = drive(Drive(width_m=400, length_m=400, x_m=400_000, y_m=6_099_600, interval_s=2.0, **how))  # type: ignore[arg-type]
    lon, lat = Transformer.from_crs(32645, 4326, always_xy=True).transform(points["x_m"], points["y_m"])
    table = pd.DataFrame({"lon": lon, "lat": lat, "day": "2022-09-01", "time": points["clock_s"], "distance, m": points["distance_m"], "interval, s": 2.0, "swath, m": 8.0, "moisture, %": 14.0, "yield, t/ha": times * points["yield_t_ha"]})  # fmt: skip
    table.round(7).to_csv(folder / "monitors" / name, index=False)
    return points


def layer(store: Store, name: str) -> np.ndarray:
    with opened(store) as index:
        results = index.items("yield_maps")[-1:]
    return windowed(store, results, name, around("EPSG:32645", (400_000, 6_099_600, 400_400, 6_100_000), 10))


def test_points_become_a_map_with_error_scaled_to_what_was_weighed(farm: list[str], tmp_path: Path) -> None:
    points = monitor(tmp_path)
    (tmp_path / "harvest.csv").write_text(HARVEST)
    settings = load("stac", [*farm, f"records.harvest={tmp_path / 'harvest.csv'}"])
    done = take_in(settings, None, TODAY)
    assert not done.refused
    rows = done.fields.set_index("field_id")
    assert rows.loc["west", "yield_t_ha"] == pytest.approx(3.3) and rows.loc["west", "scaled_to"] == "weighed harvest"
    assert rows.loc["west", "barn_t_ha"] == pytest.approx(0.91 * 3.3) and rows.loc["west", "crop"] == "spring_wheat"
    assert rows.loc["east", "scale"] == 1.0 and rows.loc["east", "yield_se_t_ha"] > 0.05 * rows.loc["east", "yield_t_ha"] * 0.99  # fmt: skip
    assert rows["delay_s"].astype(float).tolist() == pytest.approx([12, 12], abs=1.0)
    assert len(done.points) == len(points) and (done.points["reason"] == "").sum() == rows["kept"].sum()

    store = Store(tmp_path / "store")
    value, error = layer(store, "yield_t_ha"), layer(store, "yield_se")
    west = value[:, :20]
    assert west[np.isfinite(west)].mean() == pytest.approx(3.3, abs=0.03) and np.isfinite(value).mean() > 0.95
    assert 0 < np.nanmedian(error) < 0.2 and (np.isfinite(error) == np.isfinite(value)).all()

    again = take_in(settings, "west", TODAY)
    assert again.fields["field_id"].tolist() == ["west"]
    with opened(store) as index:
        assert len(index.items("yield_maps")) == 1
    (tmp_path / "harvest.csv").write_text(HARVEST.replace("3,3", "3,0"))
    assert take_in(settings, "west", TODAY).fields["yield_t_ha"].iloc[0] == pytest.approx(3.0)
    with opened(store) as index:
        assert len(index.items("yield_maps")) == 2 and len(index.items("harvest")) == 2


def test_bad_monitors_are_told_one_by_one_and_the_good_one_is_mapped(farm: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "monitors"
    monitor(tmp_path)
    monitor(tmp_path, "centners.csv", times=10.0)
    table = (folder / "combine.csv").read_text()
    head, rows = table.split("\n", 1)
    (folder / "far.csv").write_text(head + "\n" + re.sub(r"^8\d\.", "50.", rows, flags=re.MULTILINE))
    (folder / "nocrs.csv").write_text(table.replace("lon,lat", "x,y", 1))
    (folder / "noyear.csv").write_text(table.replace("lon,lat,day", "lon,lat,note", 1))
    (folder / "barley.csv").write_text(table)
    (folder / "barley.toml").write_text('crop = "ячмень"')
    done = take_in(load("stac", farm), None, TODAY)
    told = {(one.code, one.field_id) for one in done.refused}
    assert ("MONITOR-OUTSIDE", None) in told and ("MONITOR-NO-CRS", None) in told
    assert ("YIELD-RANGE", "west") in told and ("YIELD-RANGE", "east") in told
    assert ("MONITOR-SEASON", "west") in told and ("HARVEST-CROP", "west") in told and ("HARVEST-CROP", "east") not in told  # fmt: skip
    assert done.fields.set_index("field_id")["files"].to_dict() == {"east": 2, "west": 1}
    assert done.fields["yield_t_ha"].notna().all()


def test_faults_of_the_drive_are_in_the_table_by_their_reasons(farm: list[str], tmp_path: Path) -> None:
    monitor(tmp_path)
    path = tmp_path / "monitors" / "combine.csv"
    table = pd.read_csv(path)
    table.loc[500:503, "lon"] += 0.3  # a jump
    table.loc[2000:2002, "yield, t/ha"] = 400.0
    table.loc[3000:3003, "swath, m"] = 0.0
    table.loc[3500, ["lon", "lat"]] = 0.0
    table.to_csv(path, index=False)
    points = take_in(load("stac", farm), None, TODAY).points.sort_values("number", ignore_index=True)
    assert points["number"].tolist() == list(range(len(table)))
    assert points["reason"][500:504].tolist() == ["gps_jump"] * 4 and points["reason"][3500] == "no_fix"
    assert points["reason"][3000:3004].tolist() == ["no_swath"] * 4
    assert (points["reason"] == "too_high").sum() >= 2
    assert points.loc[points["reason"] == "", "cleaned_t_ha"].max() < 7


def test_the_command_tells_each_field_and_writes_every_point(farm: list[str], tmp_path: Path) -> None:
    monitor(tmp_path)
    sets = [part for one in farm for part in ("--set", one)]
    ran = CliRunner().invoke(app, ["yields", "--config", "stac", *sets, "--points", str(tmp_path / "points.csv")])
    assert ran.exit_code == 0, ran.output
    assert "west · 2022 · яровая пшеница" in ran.stdout and "ц/га только по датчику" in ran.stdout
    assert "начало прохода" in ran.stdout and "задержка зерна" in ran.stdout
    table = pd.read_csv(tmp_path / "points.csv")
    assert {"field_id", "lon", "lat", "reason"} <= set(table.columns) and len(table) > 4000

    told = CliRunner().invoke(app, ["yields", "--config", "stac", *sets, "--field", "east", "--json"])
    rows = json.loads(told.stdout)["fields"]
    assert [row["field_id"] for row in rows] == ["east"] and rows[0]["yield_t_ha"] > 2

    shown = CliRunner().invoke(app, ["show", "--config", "stac", *sets, "--field", "west", "--layer", "yield", "-o", str(tmp_path / "y.png")])  # fmt: skip
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "y.png").read_bytes().startswith(b"\x89PNG")


def test_a_bad_monitor_through_the_command(farm: list[str], tmp_path: Path) -> None:
    (tmp_path / "monitors" / "m.csv").write_text("x,y,yield\n1,2,3\n")
    sets = [part for one in farm for part in ("--set", one)]
    ran = CliRunner().invoke(app, ["yields", "--config", "stac", *sets])
    assert ran.exit_code == 3 and "единица в столбце yield" in ran.stderr and "Traceback" not in ran.stderr
    empty = CliRunner().invoke(app, ["yields", "--config", "stac", *sets, "--set", "records.yield_monitors="])
    assert empty.exit_code == 0 and "Карт урожайности ещё нет" in empty.stdout


def test_as_of_an_earlier_day_there_was_no_map(farm: list[str], tmp_path: Path) -> None:
    monitor(tmp_path)
    take_in(load("stac", farm), None, TODAY)
    store = Store(tmp_path / "store")
    assert history.yields(store, "fields", "2020-01-01T00:00:00.000Z").empty
    assert len(history.yields(store, "fields")) == 2
