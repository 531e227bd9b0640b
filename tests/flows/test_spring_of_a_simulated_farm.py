"""A spring on a simulated farm: samples in, prescriptions for all fields, files, proof, page, drive, log, balance."""

import json
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from agro.cli import app
from agro.domain.terminal import TaskMap
from agro.sources.archive import unzipped
from agro.sources.rate_shapes import rate_maps
from agro.sources.task_data import from_files
from agro.sources.task_map import task_maps
from agro.store.prescriptions import from_geojson
from agro.store.terminal_drive import rules_of_map
from agro.twin.spreader import Spreader, drive

FIELDS = Path(__file__).parents[2] / "data" / "fields" / "topki.geojson"
TERMINALS = {"amazone": "TASKDATA.zip", "topcon": "TASKDATA-topcon.zip", "john-deere": "rx-shapefile.zip"}
BEGAN = datetime(2023, 5, 4, 9, 30)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """The fields of one farm, and the options that name them."""
    folder = tmp_path_factory.mktemp("spring")
    outlines = gpd.read_file(FIELDS)
    outlines[outlines["farm_id"] == "topki-farm-1"].to_file(folder / "fields.geojson")
    names = {"fields.path": folder / "fields.geojson", "store.path": folder / "store", "twin.path": folder / "twin"}
    told = [*(f"{name}={value}" for name, value in names.items()), "fields.seasons=", "twin.seasons=[2022]"]
    return [part for one in told for part in ("--set", one)], folder


def test_from_samples_to_a_balance_that_closes(farm: tuple[list[str], Path]) -> None:
    options, folder = farm
    wanted = [part for code in TERMINALS for part in ("--terminal", code)]
    asked = ["prescribe", "--farm", "topki-farm-1", "--crop", "яровая пшеница", *wanted]
    told = CliRunner().invoke(app, [*asked, "--export", str(folder / "rx"), "--json", *options])
    assert told.exit_code == 0, told.output
    made = json.loads(told.stdout)["prescriptions"]
    assert len(made) == 4 and all(one["simulated"] and one["parents"] for one in made)  # by a soil map of samples
    for one in made:
        place = folder / "rx" / one["field_id"]
        proof = json.loads((place / "proof.json").read_text())
        assert set(proof) == set(TERMINALS.values())
        assert all(product["differing"] == 0 for file in proof.values() for product in file["products"])
        assert imread(place / "sheet.png").shape[:2] == (1519, 1075)
        for code, name in TERMINALS.items():
            _driven_and_back(folder, options, one, (code, name))


def _driven_and_back(folder: Path, options: list[str], one: dict, terminal: tuple[str, str]) -> None:
    """The spreader drives the exported file; its log is held against the prescription."""
    place, (code, name) = folder / "rx" / one["field_id"], terminal
    prescription = from_geojson((place / "zones.geojson").read_bytes(), "zones")
    rules = rules_of_map(_map_of_the_first(one, (place / name).read_bytes(), code))
    product = one["product_names"][0]
    done = drive(prescription.boundary, lambda at: rules.rates(at)[:, 0], Spreader(), product, BEGAN)
    (folder / f"{code}.zip").write_bytes(done.taskdata)
    back = CliRunner().invoke(
        app, ["applied", str(folder / f"{code}.zip"), "--field", one["field_id"], "--json", *options]
    )
    assert back.exit_code == 0, back.output
    figures = json.loads(back.stdout)["comparison"]
    assert figures["planned_kg"] == pytest.approx(one["total_kg"][0], rel=5e-3)
    assert figures["applied_kg"] == pytest.approx(done.fallen_kg, rel=5e-3)
    # where the border runs at a slant the middle of the machine is outside already, and the file gives nothing there
    assert 0.985 < figures["applied_kg"] / one["total_kg"][0] < 1.001 and figures["near"] > 0.99
    assert max(figures[name] for name in ("left_out_ha", "doubled_ha", "outside_ha")) < 0.006 * figures["field_ha"]


def _map_of_the_first(one: dict, content: bytes, code: str) -> TaskMap:
    """The rates of the first product as the terminal takes them from its file."""
    files = unzipped(content, code)
    if code != "john-deere":
        return task_maps(from_files(files, code))[0][1]
    return next(found for name, found in rate_maps(files) if one["products"][0].upper() in name.upper())
