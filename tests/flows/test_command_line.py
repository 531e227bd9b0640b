"""`agro` as a person runs it: one run through Prefect, and everything that ends before it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner
from workshop import Made, Scene

from agro.cli import app

Make = Callable[..., Made]


def agro(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from agro.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        check=False,
        timeout=400,
    )


@pytest.fixture
def spoken(make_catalog: Make, tmp_path: Path) -> tuple[Made, list[str]]:
    made = make_catalog([Scene("good"), Scene("torn", "2021-07-02T05:00:00Z"), Scene("bare", "2021-07-03T05:00:00Z")])
    (made.item("torn").parent / "nir.tif").write_text("<html>")
    made.edit("bare", lambda item: item["assets"].pop("scl"))
    return made, [
        "--config",
        "stac",
        "--set",
        "imagery.catalog=made/catalog/catalog.json",
        "--set",
        "fields.path=made/fields.geojson",
        "--store",
        "here/store",
    ]


def test_one_run_through_prefect(spoken: tuple[Made, list[str]], tmp_path: Path) -> None:
    _, arguments = spoken
    first = agro("run", *arguments, "--json", cwd=tmp_path)
    assert first.returncode == 3, first.stderr[-2000:]
    told = json.loads(first.stdout)
    assert first.stdout.count("\n") == 1
    assert (told["acquisitions_found"], told["published"], told["already_published"]) == (3, 1, 0)
    assert {(f["acquisition_id"], f["code"]) for f in told["failed"]} == {
        ("torn", "RASTER-NOT-IMAGE"),
        ("bare", "STAC-NO-SCL"),
    }
    assert all(f["remedy"] for f in told["failed"])
    assert told["fields"] == 2 and "ndvi" in told["layers"] and told["store"] == str(tmp_path / "here/store")
    assert "Traceback" not in first.stderr and "файл" not in first.stdout
    assert "Найдено съёмок: 3" in first.stderr
    second = agro("run", *arguments, "--json", "--set", "ui.language=en", cwd=tmp_path)
    again = json.loads(second.stdout)
    assert (again["published"], again["already_published"], len(again["failed"])) == (0, 1, 2)
    assert "Satellite passes found: 3" in second.stderr
    exported = agro("export", "fieldstats", "--store", "here/store", "-o", "out/rows.csv", cwd=tmp_path)
    assert exported.returncode == 0
    assert len(pd.read_csv(tmp_path / "out/rows.csv")) == 10
    shown = agro("show", "--store", "here/store", "--field", "west", "-o", "west.png", cwd=tmp_path)
    assert shown.returncode == 0 and (tmp_path / "west.png").read_bytes().startswith(b"\x89PNG")


def test_the_prefect_api_starts_and_lists_deployments(tmp_path: Path) -> None:
    """Guards the pin of fastapi: newer ones start, and fail here."""
    from flows.orchestra import prepare

    prepare()
    command = [sys.executable, "-m", "prefect", "deployment", "ls"]
    listed = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ, check=False, timeout=400
    )
    assert listed.returncode == 0, listed.stderr[-2000:]
    assert "Deployments" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "--config", "stac", "--set", "imagery.catalog=/nowhere/catalog.json"], "CFG-FIELDS"),
        (["run", "--config", "stac", "--set", "fields.path=/nowhere.gpkg"], "FILE-MISSING"),
        (["run", "--config", "stacc"], "CFG-MISSING"),
        (["run", "--set", "imagery.catalogue=x"], "CFG-KEY"),
        (["run", "--until", "31.02.2018x"], "CLI-DATE"),
        (["run", "--until", "2018-02-31"], "CLI-DATE"),
        (["export", "fieldstats", "--store", "/nowhere"], "STORE-MISSING"),
        (["store", "verify", "--store", "/nowhere"], "STORE-MISSING"),
    ],
)
def test_what_cannot_be_used_ends_in_a_sentence_and_2(arguments: list[str], code: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    more = ["--store", str(tmp_path / "store")] if arguments[0] == "run" else []
    ended = CliRunner().invoke(app, arguments + more)
    assert ended.exit_code == 2
    if arguments[0] == "run":
        told = json.loads(CliRunner().invoke(app, [*arguments, *more, "--json"]).stdout)
        assert told["failed"][0]["code"] == code and told["published"] == 0
    assert f"[{code}]" in ended.stderr and "→" in ended.stderr and "Traceback" not in ended.output


def test_store_commands(make_catalog: Make, run: Callable, tmp_path: Path) -> None:  # type: ignore[type-arg]
    run(make_catalog([Scene("a")]))
    store = str(tmp_path / "store")
    runner = CliRunner()
    assert "Проверено: 3, повреждено: 0" in runner.invoke(app, ["store", "verify", "--store", store]).output
    assert "Внесено в указатель: 3" in runner.invoke(app, ["store", "reindex", "--store", store]).output
    (path,) = (tmp_path / "store").glob("passes/*/*/ndvi.tif")
    broken = bytearray(path.read_bytes())
    broken[-1] ^= 1
    path.write_bytes(broken)
    found = runner.invoke(app, ["store", "verify", "--store", store, "--set-aside"])
    assert found.exit_code == 3 and "STORE-TORN" in found.stderr and not path.exists()
    for arguments in (
        ["show", "--field", "x"],
        ["show", "--layer", "evi3"],
        ["show", "--date", "1999-01-01"],
        ["export", "fieldstats", "--format", "xls"],
    ):
        more = ["-o", str(tmp_path / "x.png")] if arguments[0] == "show" else []
        assert runner.invoke(app, [*arguments, "--store", store, *more]).exit_code == 2


def test_a_field_may_be_called_anything(make_catalog: Make, run: Callable, tmp_path: Path) -> None:  # type: ignore[type-arg]
    made = make_catalog([Scene("a")])
    made.fields.write_text(made.fields.read_text().replace('"west"', '"$\\\\frac$ <b>-"'))
    run(made)
    for more in (["--field", r"$\frac$ <b>-"], []):
        drawn = CliRunner().invoke(
            app, ["show", "--store", str(tmp_path / "store"), "-o", str(tmp_path / "x.png"), *more]
        )
        assert drawn.exit_code == 0, drawn.output


def test_a_changed_season_table_and_torn_outlines_are_work(
    make_catalog: Make,
    run: Callable,  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flows.nothing_new import nothing_new
    from flows.settings import load

    made = make_catalog([Scene("a")])
    table = tmp_path / "s.csv"
    table.write_text("Поле;Сезон;Культура\nwest;2021;овёс\n")
    settings = load("stac", made.overrides(tmp_path / "store", f"fields.seasons={table}"))
    run(made, f"fields.seasons={table}")
    assert nothing_new(settings, None) is not None
    table.write_text("Поле;Сезон;Культура\nwest;2021;рапс\n")
    assert nothing_new(settings, None) is None
    run(made, f"fields.seasons={table}")
    found = nothing_new(settings, None)
    with monkeypatch.context() as changed:
        changed.setattr("flows.wrap_up.looked_for", None)  # where nothing changed since, nobody looks again
        assert replace(nothing_new(settings, None), seconds=0) == replace(found, seconds=0)
    (torn,) = (tmp_path / "store").glob("outlines/*/fields.parquet")
    torn.write_bytes(torn.read_bytes()[:-1])
    assert nothing_new(settings, None) is None
