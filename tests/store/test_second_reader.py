"""A reader that nobody here wrote (the npm package isoxml) finds in our task data what was prescribed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import shapely
from prescriptions import UAN, UREA, area_ha, odd_field
from shapely.geometry import shape
from task_files import isoxml

from agro.domain.work import Prescription
from agro.store.isoxml import Labels, to_taskdata

ROOT = Path(__file__).parents[2]
SEEDS = range(100, 116)
BOUND = 1e-3  # [1] of the kilograms


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Prescription, str, dict]]:
    """Each field in both versions and all layouts, and what the other reader says of it."""
    modules = ROOT / "build" / "second-reader" / "node_modules"
    if not shutil.which("node"):
        pytest.skip("node is not installed: the second reader of task data cannot run")
    if not (modules / "isoxml").is_dir():
        pytest.skip("the npm package isoxml is not installed: `make second-reader` brings it")
    folder, written = tmp_path_factory.mktemp("written"), {}
    for seed in SEEDS:
        one = odd_field(seed, (UREA, UAN)[: 1 + seed % 2])
        for version in (3, 4):
            for layout in ("grid1", "grid2", "polygons"):
                name = f"{seed}-{version}-{layout}.zip"
                (folder / name).write_bytes(to_taskdata(one, isoxml(version, layout), Labels())[0])
                written[name] = (one, layout)
    command = ["node", str(ROOT / "tests" / "second_reader.js"), str(folder)]
    ran = subprocess.run(
        command, env={**os.environ, "NODE_PATH": str(modules)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {one["name"] for one in said} == set(written)
    return [(*written[one["name"]], one) for one in said]


def test_it_finds_nothing_to_warn_of_and_the_names(found: list) -> None:
    for one, _, said in found:
        assert said["warnings"] == [], said["name"]
        assert (said["customer"], said["field"]) == (one.customer, one.field_name)
        assert said["version"] == int(said["name"].split("-")[1])
        ground = shape(said["boundary"])
        assert ground.symmetric_difference(one.boundary).area < 1e-5 * ground.area, said["name"]


def test_every_cell_has_the_rate_of_the_zone_that_holds_its_middle(found: list) -> None:
    for one, layout, said in found:
        if layout == "polygons":
            continue
        middles, raw = _cells(said)
        wanted = np.zeros_like(raw)
        for zone in one.zones:
            shapely.prepare(zone.outline)
            wanted[shapely.contains_xy(zone.outline, *middles.T)] = _raw(one, zone.rate_kg_ha)
        near = (
            shapely.distance(shapely.points(middles), shapely.union_all([z.outline.boundary for z in one.zones])) < 2e-9
        )
        assert ((wanted == raw).all(axis=1) | near).all(), said["name"]
        assert near.sum() < 5


def test_units_and_kilograms(found: list) -> None:
    for one, layout, said in found:
        to_kg = [1.0, UAN.density_kg_l][: len(one.products)]
        if layout == "polygons":
            drawn = [(area_ha(shape(zone["shape"])), zone["values"]) for zone in said["zones"] if zone["shape"]]
            scales = [0.01, 0.0001]
            kg = [sum(ha * v[n] * scales[n] for ha, v in drawn) * to_kg[n] for n in range(len(to_kg))]
        else:
            assert [unit for unit, _, _ in said["units"]] == ["kg/ha", "l/ha"][: len(to_kg)]
            middles, raw = _cells(said)
            step = said["grid"]["step"]
            ha = np.prod(step) * 111_320 * np.cos(np.radians(middles[:, 1])) * 1.0  # times metres northwards below
            ha = ha * (111_132.954 - 559.822 * np.cos(2 * np.radians(middles[:, 1]))) / 1e4
            kg = [ha @ raw[:, n] * said["units"][n][1] * to_kg[n] for n in range(len(to_kg))]
            kg = [value * _sphere_to_ellipsoid(middles[0, 1]) for value in kg]
        assert kg == pytest.approx(one.total_kg, rel=BOUND), said["name"]


def _sphere_to_ellipsoid(latitude: float) -> float:
    """A degree of longitude on WGS 84 against 111,320 m times the cosine."""
    return (
        111_412.84 / 111_320 * (1 - 93.5 / 111_412.84 * np.cos(3 * np.radians(latitude)) / np.cos(np.radians(latitude)))
    )


def _cells(said: dict) -> tuple[np.ndarray, np.ndarray]:
    """Middles (n, 2) [deg] and raw values of the cells with any rate."""
    grid = said["grid"]
    step = np.array(grid["step"])
    if grid["kind"] == "2":
        corners = np.array([corner for corner, _ in grid["cells"]])
        return corners + step / 2, np.array([values for _, values in grid["cells"]])
    codes = np.array(grid["codes"]).reshape(grid["rows"], grid["columns"])
    values = {zone["code"]: zone["values"] for zone in said["zones"]}
    row, column = np.nonzero(codes)
    raw = np.array([values[code] for code in codes[row, column]])
    return np.column_stack([column, row]) * step + grid["corner"] + step / 2, raw


def _raw(one: Prescription, rates: tuple[float, ...]) -> list[int]:
    return [
        round(rate * 100) if p is UREA else round(rate / p.density_kg_l * 10_000)
        for p, rate in zip(one.products, rates, strict=True)
    ]
