"""`agro outlook` as a person runs it: the index, its scenarios, sentences for each hole, nothing changed afterwards."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from test_forecast_command import harvests
from typer.testing import CliRunner
from workshop import Made, Scene, build_catalog, run_plain

from agro.cli import app
from flows.settings import load

YEARS = range(2017, 2022)
Said = Callable[..., tuple[int, str, str]]
INDEX_PCT = {2018: 105.0, 2019: 98.0, 2020: 101.0, 2021: 103.0}
CROPS = "district;crop;category;season;area_ha;production_t;weight_basis;vintage\n" + "".join(
    f"topki;wheat;organisations;{year};20;{40 + year - 2017};barn;{year + 1}-02-01\n" for year in YEARS
)
GOOD = {
    "indices": "year;pct_of_previous;vintage;source\n"
    + "".join(f"{year};{pct};{year + 1}-02-10;office\n" for year, pct in INDEX_PCT.items()),
    "prices": "product;season;price_rub;unit;vintage;source\n"
    + "".join(
        f"{what};{year};{price};t;{year + 1}-02-15;office\n"
        for year in YEARS
        for what, price in (("wheat", 10_000), ("milk", 20_000))
    ),
    "series": "product;district;category;season;value;unit;vintage;source\n"
    + "".join(f"milk;topki;organisations;{year};100;t;{year + 1}-02-15;office\n" for year in YEARS),
}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    """Two fields of wheat, five harvests, the figures of an office, and a store with the forecasts of 15 July 2022."""
    folder = tmp_path_factory.mktemp("region")
    made = build_catalog(folder, [Scene("a")])
    run_plain(load("stac", made.overrides(folder / "store")))
    (folder / "h.csv").write_text(harvests(*YEARS))
    (folder / "crops.csv").write_text(CROPS)
    grown = "".join(f"{field},2022,wheat,2022-05-12\n" for field in ("west", "east"))
    (folder / "s.csv").write_text(f"field_id,season,crop,sown_on\n{grown}")
    (folder / "office").mkdir()
    lay(folder)
    assert spoken(made, folder)("forecast", "--as-of", "2022-07-15", "--set", "output.statistics=")[0] == 0
    return folder, made


@pytest.fixture
def said(region: tuple[Path, Made], tmp_path: Path) -> Said:
    """Run a command over a copy of the region."""
    shutil.copytree(region[0], tmp_path, dirs_exist_ok=True)
    return spoken(region[1], tmp_path)


def spoken(made: Made, folder: Path) -> Said:
    paths = {"fields.seasons": "s.csv", "records.harvest": "h.csv", "records.statistics": "crops.csv", "output.statistics": "office"}  # fmt: skip
    overrides = [*made.overrides(folder / "store"), *(f"{name}={folder / path}" for name, path in paths.items())]
    sets = [part for one in overrides for part in ("--set", one)]

    def go(*words: str) -> tuple[int, str, str]:
        ran = CliRunner().invoke(app, [words[0], "--config", "stac", *sets, *words[1:]])
        assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
        assert "Traceback" not in ran.output
        return ran.exit_code, ran.stdout, ran.stderr

    return go


def lay(folder: Path, table: str = "", old: str = "", new: str = "") -> None:
    for name, text in GOOD.items():
        assert name != table or old in text
        (folder / "office" / f"{name}.csv").write_text(text.replace(old, new) if name == table else text)


def told(said: Said, *words: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(said("outlook", "--as-of", "2022-07-15", "--json", *words)[1])
    return content


def test_the_index_of_a_region_that_can_be_worked_by_hand(said: Said) -> None:
    """2021: 44 t of wheat at 10,000 and 100 t of milk at 20,000 are 2.44 million; milk stays, wheat is as foreseen."""
    code, _, sorry = said("outlook", "--as-of", "2022-07-15")
    assert code == 0, sorry
    made = told(said, "--all-districts")["indicator"]
    wheat_t = (made["link"]["expected"] / 100 * 2_440_000 - 2_000_000) / 10_000
    assert 30 < wheat_t < 60
    parts = made["parts"][0]
    assert parts["total"] == pytest.approx(made["link"]["expected"] - 100) == pytest.approx(sum(parts[name] for name in ("area", "mix", "yield", "livestock", "rest")))  # fmt: skip
    assert parts["livestock"] == pytest.approx(0) and parts["mix"] == pytest.approx(0, abs=1e-9)
    assert made["previous"] == pytest.approx(100 * 1.05 * 0.98 * 1.01 * 1.03)
    assert made["expected"] == pytest.approx(made["previous"] * made["link"]["expected"] / 100)
    now, then = made["years"]
    assert now["year"] == 2022 and then["year"] == 2023
    for year in (now, then):
        assert year["low_90"] <= year["low_80"] < year["median"] < year["high_80"] <= year["high_90"]
        assert year["chances"]["conservative"] >= year["chances"]["target"] >= year["chances"]["optimistic"]
    assert {row["year"] for row in made["needed"]} == {2035} and made["fixed_prices"]["of_base"] > 0
    assert [row["vintage"] for row in made["closed"]] == [f"{year + 1}-02-10" for year in range(2018, 2022)]


def test_a_person_reads_interval_scenarios_and_that_two_cannot_be_told_apart(said: Said) -> None:
    out = said("outlook", "--as-of", "2022-07-15", "--all-districts")[1]
    assert out.startswith("ДОПУЩЕНИЯ") and "80 %" in out and "различить их нельзя" in out
    assert "По категориям хозяйств, % к предыдущему году: организации 1" in out and "с гектара в ценах 2021 года" in out
    assert out.index("консервативный") < out.index("целевой") < out.index("оптимистичный")
    assert "2035 год не прогнозируется" in out and "сопоставимых ценах" in out
    assert "МОДЕЛЬНЫЕ" not in out and "ДЕМОНСТРАЦИЯ" not in out


def test_a_revision_makes_a_new_outlook_and_changes_no_old_one(said: Said, tmp_path: Path) -> None:
    first = told(said)
    files = {path: path.read_bytes() for path in (tmp_path / "store" / first["place"]).iterdir()}
    assert told(said)["place"] == first["place"]
    lay(tmp_path, "indices", "2021;103.0;2022-02-10;office\n", "2021;103.0;2022-02-10;office\n2021;104.0;2022-06-10;office\n")  # fmt: skip
    second = told(said)
    assert second["place"] != first["place"]
    assert second["indicator"]["previous"] == pytest.approx(first["indicator"]["previous"] * 104 / 103)
    assert all(path.read_bytes() == content for path, content in files.items())
    lay(tmp_path, "indices", "2021;103.0;2022-02-10;office\n", "2021;103.0;2022-02-10;office\n2021;104.0;2022-07-16;office\n")  # fmt: skip
    assert told(said)["indicator"]["previous"] == first["indicator"]["previous"], "published a day later: not known yet"


def test_a_missing_closed_year_leaves_the_link_and_no_headline(said: Said, tmp_path: Path) -> None:
    lay(tmp_path, "indices", "2020;101.0;2021-02-10;office\n")
    code, out, sorry = said("outlook", "--as-of", "2022-07-15")
    assert code == 3 and "2020" in sorry and "OUTPUT-YEARS" in sorry
    assert "2022 год к 2021 году" in out and "консервативный" not in out
    made = told(said)["indicator"]
    assert made["years"] == [] and made["why"]["code"] == "OUTPUT-YEARS" and made["link"]["expected"] > 0


@pytest.mark.parametrize(
    ("table", "old", "new", "codes"),
    [
        ("prices", "wheat;2021;10000", "wheat;2021;0", {"STAT-PRICE", "OUTPUT-PRICE"}),
        ("prices", "wheat;2021;10000;t;2022-02-15;office\n", "", {"OUTPUT-PRICE"}),
        ("prices", "2022-02-15", "2022-07-16", {"OUTPUT-PRICE"}),  # of another vintage: published after the day
        ("series", "milk;topki;organisations;2021;100;t;2022-02-15;office\n", "", {"OUTPUT-SERIES-YEAR"}),
        ("series", "2021;100;t", "2021;0,1;t", {"STAT-UNIT", "OUTPUT-SERIES-YEAR"}),
        (
            "series",
            "organisations;2021;100;t;2022-02-15;office\n",
            "".join(
                f"{who};2021;{n};t;2022-02-15;office\nmilk;topki;"
                for who, n in (("all", 200), ("organisations", 100), ("farmers", 10))
            )
            + "households;2021;10;t;2022-02-15;office\n",
            {"STAT-CATEGORIES", "OUTPUT-SERIES-YEAR"},
        ),
        ("indices", "2021;103.0", "2021;49", {"STAT-INDEX", "OUTPUT-YEARS"}),
        ("indices", "2021;103.0", "2021;201", {"STAT-INDEX", "OUTPUT-YEARS"}),
        ("indices", "2021;103.0;2022-02-10", "2021;103.0;2022-07-16", {"OUTPUT-YEARS"}),
    ],
)
def test_each_hole_ends_in_a_sentence(
    said: Said, tmp_path: Path, table: str, old: str, new: str, codes: set[str]
) -> None:
    lay(tmp_path, table, old, new)
    code, _, sorry = said("outlook", "--as-of", "2022-07-15")
    assert code == 3 and "→" in sorry and {one for one in codes if one not in sorry} == set()


def test_a_district_without_the_year_before_ends_in_a_sentence(said: Said, tmp_path: Path) -> None:
    (tmp_path / "crops.csv").write_text("".join(line for line in CROPS.splitlines(True) if ";2021;" not in line))
    code, _, sorry = said("outlook", "--as-of", "2022-07-15")
    assert code == 3 and "topki" in sorry and "2021" in sorry and "OUTPUT-DISTRICT-YEAR" in sorry


def test_without_figures_of_an_office_there_is_a_sentence_and_the_forecast_goes_on(said: Said) -> None:
    code, _, sorry = said("outlook", "--as-of", "2022-07-15", "--set", "output.statistics=")
    assert code == 2 and "OUTPUT-NONE" in sorry and "data/statistics" in sorry
    assert said("forecast", "--as-of", "2022-07-15", "--set", "output.statistics=")[0] == 0


def test_an_outlook_is_scored_when_its_year_closes(said: Said, tmp_path: Path) -> None:
    first = told(said)
    assert first["scores"] == []
    lay(tmp_path, "indices", "2021;103.0;2022-02-10;office\n", "2021;103.0;2022-02-10;office\n2022;99.0;2023-02-10;office\n")  # fmt: skip
    (row, *_) = told(said)["scores"]
    official = 100 * 1.05 * 0.98 * 1.01 * 1.03 * 0.99
    now = first["indicator"]["years"][0]
    assert row["official"] == pytest.approx(official) and row["error"] == pytest.approx(now["median"] - official)
    assert row["covered_80"] == float(now["low_80"] <= official <= now["high_80"])
    kept = list((tmp_path / "store" / "outlook_scores").glob("2022*"))
    assert kept and pd.read_parquet(next(kept[0].glob("scores*")))["place"].tolist() == [first["place"]]
    assert "официально" in said("outlook", "--as-of", "2022-07-15")[1]


def test_the_board_is_written_and_shows_no_figure_of_the_one_farm(said: Said, tmp_path: Path) -> None:
    code, out, sorry = said("outlook", "--as-of", "2022-07-15", "--export", str(tmp_path / "board"))
    assert code == 0 and "Табло" in out, sorry
    files = {path.name: path.read_bytes() for path in (tmp_path / "board").iterdir()}
    assert set(files) == {"board.html", "board.pdf", "board.xlsx", "board.png"}
    html = files["board.html"].decode()
    assert "меньше 3 хозяйств" in html and "ц/га" in html and "Топкинский район" in html
    assert '<td class="n">скрыто</td>' in html, "what the one farm's district adds to output is withheld"
    made, whole = told(said)["indicator"], told(said, "--all-districts")["indicator"]
    assert (
        made["withheld"] == ["topki"] and made["parts"] == made["rub_ha"] == [] and made["links_by"]["district"] == {}
    )
    assert whole["parts"][0]["district"] == "topki" and "withheld" not in whole
    assert "Топкинский район: +" not in out and "Топкинский район: скрыто" in out
    sheet = openpyxl.load_workbook(tmp_path / "board" / "board.xlsx").worksheets[1]
    (row,) = (own for own in sheet.iter_rows(values_only=True) if own[0] == "Топкинский район")
    assert [value for value in row[3:] if isinstance(value, float | int)] == [row[4]], "but how much of it was seen"
    said("outlook", "--as-of", "2022-07-15", "--export", str(tmp_path / "again"))
    assert (tmp_path / "again" / "board.html").read_bytes() == files["board.html"]
    assert len(list((tmp_path / "store" / "boards").iterdir())) == 1


def test_limits_are_the_configurations(said: Said, tmp_path: Path) -> None:
    free = ["privacy.fewest_farms=1", "privacy.one_farm_pct=100", "privacy.two_farms_pct=100"]
    said("outlook", "--as-of", "2022-07-15", "--export", str(tmp_path / "board"), *(part for one in free for part in ("--set", one)))  # fmt: skip
    assert '<td class="n">скрыто</td>' not in (tmp_path / "board" / "board.html").read_text()
    code, _, sorry = said("outlook", "--set", "privacy.fewest_farms=0")
    assert code == 2 and "privacy.fewest_farms" in sorry
