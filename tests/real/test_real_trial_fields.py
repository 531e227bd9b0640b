"""Real fields of yield trials as somebody's: what their own data allow, and what the rule of the decision says."""

import json
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import pytest
from typer.testing import CliRunner
from workshop import figure

from agro.cli import app

FIELDS = {"maize, Gartner": "кукуруза", "grain, CSIRO": "яровая пшеница", "wheat, Argentina": "яровая пшеница"}
TERMINALS = {"topcon": "TASKDATA.zip", "john-deere": "rx-shapefile.zip", "amazone": "TASKDATA-amazone.zip"}


def options(folder: Path, outline: gpd.GeoDataFrame) -> list[str]:
    """One field with nothing known but its outline."""
    outline.to_crs(4326).to_file(folder / "fields.geojson")
    told = {"fields.path": folder / "fields.geojson", "fields.seasons": "", "store.path": folder / "store"}
    return ["--config", "stac", *(part for name, value in told.items() for part in ("--set", f"{name}={value}"))]


def prescribed(folder: Path, options: list[str], crop: str) -> dict:
    asked = [*f"prescribe --nutrient n --season 2022 --export {folder / 'rx'} --json --crop".split(), crop]
    terminals = [part for code in TERMINALS for part in ("--terminal", code)]
    told = CliRunner().invoke(app, [*asked, *terminals, *options])
    assert told.exit_code == 0, told.output
    (one,) = json.loads(told.stdout)["prescriptions"]
    place = folder / "rx" / one["field_id"]
    proof = json.loads((place / "proof.json").read_text())
    assert set(proof) == set(TERMINALS.values()) and (place / "sheet.png").stat().st_size > 20_000
    assert all(product["differing"] == 0 for file in proof.values() for product in file["products"])
    return one


def one_rate_not_verified(one: dict) -> bool:
    dose, verdict = one["doses_kg_ha"]["n"], one["certificate"]["status"]
    told = verdict == "not_checked" and one["why_uniform"]["text"].startswith("one rate: there is")
    return told and len(one["rates_kg_ha"]) == 1 and dose["low"] <= dose["dose"]


@pytest.mark.parametrize("name", list(FIELDS))
def test_a_field_of_which_only_yields_are_known_gets_one_rate_and_is_told_so(
    bench: ModuleType, real: Path, tmp_path: Path, name: str
) -> None:
    trial = next(one for one in bench.TRIALS if one.name == name)
    points = bench.opened(trial, real / "yield-trials", tmp_path)
    _, hull = bench.cleaned_of(trial, points)
    field = gpd.GeoDataFrame({"field_id": ["field-1"]}, geometry=[hull], crs=trial.crs)
    one = prescribed(tmp_path, options(tmp_path, field), FIELDS[name])
    assert one_rate_not_verified(one)
    dose = one["doses_kg_ha"]["n"]
    figure(
        f"{name}, {one['area_ha']:.1f} ha: nitrogen by the usual yield and soil, 90 % interval, kg/ha",
        "no soil, no strips", "one rate, not verified", f"{dose['dose']:.0f} ({dose['low']:.0f} to {dose['high']:.0f})",
    )  # fmt: skip


def test_a_field_in_montana_and_what_a_machine_put_out_there(real: Path, tmp_path: Path) -> None:
    """Its log names no unit: that is asked for, not guessed; with one, all that lies on the field is told."""
    folder = real / "yield-trials" / "ofpe_montana"
    outline = gpd.read_file(f"zip://{folder / 'sec35mid_bbox.zip'}").iloc[[0]].assign(field_id="sec35")
    told = options(tmp_path, outline)
    one = prescribed(tmp_path, told, "озимая пшеница")
    assert one_rate_not_verified(one)
    log = folder / "FarmerB_AA1617_POLY_AA_N_sec35middle.zip"
    refused = CliRunner().invoke(app, ["applied", str(log), "--field", "sec35", *told])
    assert refused.exit_code == 2 and "[APPLIED-COLUMNS]" in refused.output and "→" in refused.output
    rows = gpd.read_file(f"zip://{log}")
    put_out = rows.assign(rate_kg_ha=1.12085 * rows["vrappratev"])[["rate_kg_ha", "geometry"]]  # lb/acre: assumption
    (tmp_path / "log").mkdir()
    put_out.to_file(tmp_path / "log" / "applied.shp")
    back = CliRunner().invoke(
        app, ["applied", str(tmp_path / "log" / "applied.shp"), "--field", "sec35", "--json", *told]
    )
    assert back.exit_code == 0, back.output
    figures = json.loads(back.stdout)["comparison"]
    assert figures["planned_kg"] == pytest.approx(one["total_kg"][0], rel=5e-3)
    assert figures["applied_kg"] == pytest.approx((put_out["rate_kg_ha"] * put_out.area / 1e4).sum(), rel=2e-2)
