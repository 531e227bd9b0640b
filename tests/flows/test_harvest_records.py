import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner
from workshop import Made, Ran, Scene

from agro.cli import app
from agro.store import history
from agro.store.publish import Store
from flows.settings import load
from flows.winter_review import Reviewed, review

HARVEST = "field_id;season;crop;harvested_on;area_ha;yield_t_ha;weight_basis;moisture_pct\n"
ROWS = "west;2020;wheat;2020-09-01;8;2,0;barn;14\neast;2021;wheat;2021-09-02;8;3,0;bunker;17\n"


def reviewed(overrides: list[str], *more: str) -> Reviewed:
    return review(load("stac", [*overrides, *more]), today=date(2022, 1, 1))


def test_versions_of_the_harvest_stand_beside_each_other(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    made = make_catalog([Scene("a")])
    run(made)
    path, store = tmp_path / "harvest.csv", Store(tmp_path / "store")
    overrides = [*made.overrides(tmp_path / "store"), f"records.harvest={path}", "fields.seasons="]
    path.write_text(HARVEST + ROWS)
    first = reviewed(overrides)
    assert first.made["harvest"] == 1 and "harvest" not in reviewed(overrides).made
    then = history.records(store, "harvest").set_index("field_id")
    assert then.loc["west", ["barn_t_ha", "barn_t_ha_se"]].tolist() == [2.0, 0.0]
    assert then.loc["east", ["barn_t_ha", "barn_t_ha_se"]].tolist() == pytest.approx([2.73, 0.06])
    assert then["converted"].to_dict() == {"west": False, "east": True}

    from agro.store.publish import now

    instant = now()
    path.write_text(HARVEST + ROWS.replace("east;2021", "east;2020").replace("2021-09-02", "2020-09-02"))
    assert reviewed(overrides).made == {"harvest": 1}
    assert sorted(history.records(store, "harvest")["season"]) == [2020, 2020]  # a row that was wrong is gone
    assert sorted(history.records(store, "harvest", instant)["season"]) == [2020, 2021]
    assert history.records(store, "harvest", "2020-01-01T00:00:00.000Z").empty

    path.write_text(HARVEST + ROWS)
    assert reviewed(overrides).made == {"harvest": 1}  # who goes back to it wants it to be current again
    assert sorted(history.records(store, "harvest")["season"]) == [2020, 2021]


def test_a_bad_record_sinks_only_itself_and_the_command_says_so(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    made = make_catalog([Scene("a")])
    run(made)
    (tmp_path / "h.csv").write_text(HARVEST + ROWS + "east;2020;wheat;;;28;barn;14\n", encoding="cp1251")
    (tmp_path / "s.csv").write_text("district;crop;category;season;area_ha;production;weight_basis;vintage\n", "utf-8")
    (tmp_path / "d.csv").write_text("day;district;crop;threshed_ha;bunker_t\n2021-09-01;topki;grain;10;20\n")
    records = [f"records.harvest={tmp_path / 'h.csv'}", f"records.statistics={tmp_path / 's.csv'}", f"records.harvest_summaries={tmp_path / 'd.csv'}"]  # fmt: skip
    sets = [
        part for one in [*made.overrides(tmp_path / "store"), *records, "fields.seasons="] for part in ("--set", one)
    ]
    ran = CliRunner().invoke(app, ["review", "--config", "stac", *sets])
    assert ran.exit_code == 3, ran.output
    assert "похоже на центнеры: может быть, 2.8 т/га?" in ran.stderr and "h.csv, строка 4" in ran.stderr
    assert "s.csv" in ran.stderr
    store = Store(tmp_path / "store")
    assert len(history.records(store, "harvest")) == 2 and history.records(store, "statistics").empty
    assert history.records(store, "harvest_summaries")["bunker_t"].tolist() == [20.0]


def test_every_bad_row_ends_in_a_sentence_of_the_command(
    make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path
) -> None:
    made = make_catalog([Scene("a")])
    run(made)
    (tmp_path / "seasons.csv").write_text("field_id,season,crop,sown_on\nwest,2021,wheat,2021-05-15\n")
    bad = {
        "YIELD-RANGE": "west;2020;wheat;2020-09-01;8;25;barn;14",
        "SEASON-ORDER": "west;2021;wheat;2021-04-01;8;2;barn;14",
        "HARVEST-CROP": "west;2021;oats;2021-09-01;8;2;barn;14",
        "CROP-UNKNOWN": "west;2019;сойя;2019-09-01;8;2;barn;14",
        "CSV-SEASON": "west;2206;wheat;;8;2;barn;14",
        "CSV-DATE": "west;2018;wheat;43374;8;2;barn;14",
        "CSV-ROW": "west;2018;wheat;2018-09-01;8;2;barn",
        "HARVEST-BASIS": "west;2018;wheat;2018-09-01;8;2;бункер, амбар;14",
        "HARVEST-MOISTURE": "west;2018;wheat;2018-09-01;8;2;barn;",
        "TABLE-RANGE": "west;2018;wheat;2018-09-01;-8;2;barn;14",
        "SEASON-FIELD": "north;2018;wheat;2018-09-01;8;2;barn;14",
        "HARVEST-CONFLICT": "east;2021;wheat;2021-09-02;8;2,5;barn;17",
        "HARVEST-MIXED-ROWS": "east;2020;wheat;2020-09-02;8;2,1;bunker;15",
    }
    (tmp_path / "h.csv").write_text(HARVEST + ROWS + "\n".join(bad.values()) + "\n", encoding="utf-8")
    overrides = [*made.overrides(tmp_path / "store"), f"fields.seasons={tmp_path / 'seasons.csv'}", f"records.harvest={tmp_path / 'h.csv'}"]  # fmt: skip
    sets = [part for one in overrides for part in ("--set", one)]
    ran = CliRunner().invoke(app, ["yields", "--config", "stac", "--json", *sets])
    assert ran.exit_code == 3 and "Traceback" not in ran.stderr
    failed = {one["code"]: one for one in json.loads(ran.stdout)["failed"]}
    assert set(failed) == set(bad)
    assert all(one["reason"] and one["remedy"] for one in failed.values())
    assert len(history.records(Store(tmp_path / "store"), "harvest")) == 2  # west and east of 2020: the rest is told
