"""The trial of Las Rosas as somebody's field: its own strips, what the rule of the decision says, files and page."""

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from las_rosas import strips_of
from typer.testing import CliRunner
from workshop import figure

from agro.cli import app
from flows.settings import CONFIGS, facts

PRICES = "Что;Цена, руб/т\nкукуруза;68,5\nкарбамид;200,9\n"  # [USD/t] of agridat: 0.4348 USD/kg of nitrogen


@pytest.fixture(scope="module")
def options(real: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The field's outline, drawn around its points, and its strips as a farmer's table; no soil was sampled there."""
    folder = tmp_path_factory.mktemp("las_rosas")
    rows = strips_of(real)
    points = gpd.GeoSeries(gpd.points_from_xy(rows["lon"], rows["lat"]), crs=4326).to_crs(32720)
    outline = shapely.concave_hull(shapely.union_all(points.values), 0.1).buffer(5)
    fields = gpd.GeoDataFrame({"field_id": ["las-rosas"]}, geometry=[outline], crs=32720).to_crs(4326)
    fields.to_file(folder / "fields.geojson")
    table = rows.rename(columns={"dose_kg_ha": "n_kg_ha"}).assign(field_id="las-rosas")
    table.to_csv(folder / "trials.csv", index=False)
    (folder / "prices.csv").write_text(PRICES)
    told = {
        **{"fields.path": folder / "fields.geojson", "fields.seasons": "", "store.path": folder / "store"},
        **{"advice.trials": folder / "trials.csv", "advice.prices": folder / "prices.csv", "advice.currency": "USD"},
        "advice.season": 2002,
        "advice.varying_cost_ha": facts(CONFIGS / "schemes.toml")["cost_ha"],
    }
    return ["--config", "stac", *(part for name, value in told.items() for part in ("--set", f"{name}={value}"))]


def prescribed(options: list[str], *more: str) -> tuple[int, dict]:
    asked = ["prescribe", "--field", "las-rosas", "--crop", "кукуруза", "--nutrient", "n", "--product", "urea"]
    told = CliRunner().invoke(app, [*asked, "--json", *options, *more])
    return told.exit_code, json.loads(told.stdout)


def test_two_seasons_of_strips_do_not_pay_for_varying_and_one_rate_is_given(options: list[str]) -> None:
    code, told = prescribed(options, "--terminal", "topcon")
    assert code == 0, told
    one = told["prescriptions"][0]
    certificate, dose = one["certificate"], one["doses_kg_ha"]["n"]
    assert certificate["status"] == "not_proved" and certificate["by"] == "season" and certificate["low_ha"] < 0
    assert len(one["rates_kg_ha"]) == 1 and one["why_uniform"]["text"].startswith("one rate: on strips left out")
    assert dose["low"] < dose["dose"] < dose["high"] and dose["high"] - dose["low"] > 20  # the optimum is wide open
    assert one["files"] == ["TASKDATA.zip"]
    figure(
        "Las Rosas as a field: gain of varying over one rate, left-out seasons, USD/ha", "lower 10 % above 0",
        "vary only then", f"{certificate['gain_ha']:+.1f} ({certificate['low_ha']:+.1f} to {certificate['high_ha']:+.1f}): one rate",
    )  # fmt: skip


def test_a_scheme_that_lost_there_may_not_prescribe_there(options: list[str]) -> None:
    code, told = prescribed(options, "--set", "advice.scheme=each_zone", "--terminal", "isoxml4")
    one = told["prescriptions"][0]
    assert code == 0 and len(one["rates_kg_ha"]) == 1 and "may not prescribe" in one["certificate"]["why"]["text"]
