"""`agro forecast`, `agro train` and `agro score` as a person runs them: figures, sentences, nothing twice, no look ahead."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner
from workshop import Made, Ran, Scene

from agro.cli import app

HARVEST = "field_id;season;crop;harvested_on;area_ha;yield_t_ha;weight_basis;moisture_pct\n"
Said = Callable[..., tuple[int, str, str]]


def harvests(*seasons: int) -> str:
    rows = [f"{field};{year};wheat;{year}-09-0{n};8;{2 + 0.1 * n + 0.07 * (year % 4)};barn;14\n" for year in seasons for n, field in enumerate(("west", "east"), 1)]  # fmt: skip
    return HARVEST + "".join(rows)


@pytest.fixture
def said(make_catalog: Callable[..., Made], run: Callable[..., Ran], tmp_path: Path) -> Said:
    """Run a command over two fields of one farm that grew wheat in 2017 to 2021 and grow it in 2022."""
    made = make_catalog([Scene("a")])
    run(made)
    (tmp_path / "h.csv").write_text(harvests(*range(2017, 2022)))
    (tmp_path / "s.csv").write_text("field_id,season,crop,sown_on\n" + "".join(f"{f},2022,wheat,2022-05-12\n" for f in ("west", "east")))  # fmt: skip
    overrides = [*made.overrides(tmp_path / "store"), f"fields.seasons={tmp_path / 's.csv'}", f"records.harvest={tmp_path / 'h.csv'}"]  # fmt: skip
    sets = [part for one in overrides for part in ("--set", one)]

    def go(*words: str) -> tuple[int, str, str]:
        ran = CliRunner().invoke(app, [*words, "--config", "stac", *sets])
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        assert "Traceback" not in ran.output
        return ran.exit_code, ran.stdout, ran.stderr

    return go


def told(said: Said, day: str = "2022-07-15") -> dict[str, Any]:
    content: dict[str, Any] = json.loads(said("forecast", "--as-of", day, "--json")[1])
    return content


def test_five_seasons_of_one_crop_in_one_farm(said: Said, tmp_path: Path) -> None:
    """Fields get a value and an interval of 80 %; the region would show the farm, and is withheld."""
    content = told(said)
    assert content["as_of"] == "2022-07-15" and not content["simulated"] and not content["failed"]
    (region, *_) = [one for one in content["forecasts"] if one["scope"] == "region"]
    assert region["estimate"] is None and region["why"]["code"] == "DISTRICT-FEW-FARMS"
    table = pd.read_parquet(next((tmp_path / "store" / content["place"]).glob("fields*")))
    assert table["value"].between(1.9, 2.6).all() and (table["low_80"] < table["value"]).all()
    assert table["low_90"].isna().all(), "five seasons vouch for no 90 %"


def test_a_forecast_is_made_once_and_never_changed(said: Said, tmp_path: Path) -> None:
    first = told(said)
    files = {path: path.read_bytes() for path in (tmp_path / "store" / first["place"]).iterdir()}
    assert told(said) == first
    (tmp_path / "h.csv").write_text(harvests(*range(2016, 2022)))
    later = told(said)
    assert later["place"] != first["place"]
    assert all(path.read_bytes() == content for path, content in files.items())


def test_nothing_after_the_day_changes_the_forecast(said: Said, tmp_path: Path) -> None:
    """To the bit, through the store: what the harvest tells of the season, and another season after it."""
    (tmp_path / "s.csv").write_text("field_id,season,crop,sown_on\nwest,2022,wheat,2022-05-12\n")
    first = told(said)
    (tmp_path / "h.csv").write_text(harvests(*range(2017, 2022)) + "west;2022;wheat;2022-09-01;8;9;barn;14\neast;2022;wheat;2022-09-01;8;8;barn;14\n")  # fmt: skip
    (tmp_path / "s.csv").write_text((tmp_path / "s.csv").read_text() + "west,2023,oats,2023-05-12\neast,2023,fallow,\n")
    assert {**told(said), "failed": []} == first


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["forecast", "--as-of", "2022-04-01"], "рано"),
        (["forecast", "--as-of", "1999-07-15"], "1999"),
        (["forecast", "--as-of", "15.07"], "15.07"),
        (["forecast", "--as-of", "2022-07-15", "--district", "atlantis"], "atlantis"),
        (["train", "--as-of", "вчера"], "вчера"),
        (["score"], "прогноз"),
        (["score", "--season", "1980"], "прогноз"),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(said: Said, words: list[str], sentence: str) -> None:
    code, _, sorry = said(*words)
    assert code not in (0, 1) and sentence in sorry and "→" in sorry


def test_no_harvest_ends_in_a_sentence(said: Said, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(HARVEST)
    code, out, _ = said("forecast", "--as-of", "2022-07-15", "--json")
    assert code == 3 and "YIELD-NO-HARVEST" in {one["code"] for one in json.loads(out)["failed"]}


def test_a_changed_byte_of_a_model_ends_in_a_sentence(said: Said, tmp_path: Path) -> None:
    assert said("train", "--as-of", "2022-07-15")[0] == 0
    told(said)
    (card, *_) = (tmp_path / "store" / "models").rglob("card.md")
    assert "10 harvests of 2 fields, 2017 to 2021" in card.read_text() and "(speaks)" in card.read_text()
    for file in (tmp_path / "store" / "models").rglob("model.skops"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    code, out, _ = said("forecast", "--as-of", "2022-07-15", "--json")
    (failed,) = json.loads(out)["failed"]
    assert code == 3 and "sha-256" in failed["reason"] and failed["remedy"]


def test_a_season_that_is_over_is_scored_and_models_learn_it(said: Said, tmp_path: Path) -> None:
    told(said)
    models = set((tmp_path / "store" / "models").rglob("model.skops"))
    (tmp_path / "h.csv").write_text(harvests(*range(2017, 2023)))
    code, out, _ = said("score", "--json")
    (row,) = [one for one in json.loads(out)["scores"] if one["scope"] == "field"]
    assert code == 0 and row["n"] == 2 and row["answered"] == 1.0 and row["rmse_t_ha"] < 0.5
    assert {"skill_average", "skill_trend", "covered_80", "interval_score_80"} <= set(row)
    assert said("train")[0] == 0
    now = set((tmp_path / "store" / "models").rglob("model.skops"))
    assert models < now, "models that know the season stand beside those that did not"


def test_a_year_of_which_nothing_was_foreseen_does_not_stop_the_scores(said: Said, tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(harvests(2022).replace("2022", "2023"))  # no harvest before the season
    assert said("forecast", "--as-of", "2022-07-15")[0] in (0, 3)
    (tmp_path / "h.csv").write_text(harvests(2022))
    code, _, complaint = said("score")
    assert code == 2 and "SCORE-NOTHING" in complaint
