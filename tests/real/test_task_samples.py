"""Task data of other people's software: all of it is read, what is not readable is named; and the schema of 3.3."""

from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from prescriptions import UAN, UREA, odd_field
from task_files import isoxml, root
from typer.testing import CliRunner

from agro.cli import app
from agro.sources import task_data
from agro.sources.as_applied import read_applied
from agro.sources.task_map import task_maps
from agro.store.isoxml import Labels, to_taskdata
from flows.task_files import look_into

FAULTS = {  # what is wrong in the samples that are meant to be wrong, and in those that merely are
    "Grid/Type1": ["TASK-CODES"],
    "Grid/Type1_Invalid": ["TASK-GRID-TORN"],
    "Grid/Type2_Invalid": ["TASK-GRID-TORN"],
    "Grid/Type2_ReadValue": ["TASK-UNIT"],  # shows kg/ha in steps of 0.1, where a step is 0.01
    "ExternalFiles/MissingExternals": ["TASK-FILE-MISSING"],
    "data/duplicate-xmlid.zip": ["TASK-ID-TWICE", "TASK-ID-TWICE"],
    "data/grid-without-binary.zip": ["TASK-FILE-MISSING"],
}


def samples(real: Path) -> list[Path]:
    folder = real / "isoxml"
    folders = {one.parent for one in folder.rglob("*") if one.name.lower() == "taskdata.xml"}
    return sorted([*folders, *folder.rglob("*.zip"), *folder.glob("isoxml-dotnet/devices/*")])


def test_every_sample_is_read_and_its_faults_are_named(real: Path) -> None:
    found = samples(real)
    assert len(found) > 25
    for path in found:
        _, _, unread = look_into(path)
        expected = next((codes for name, codes in FAULTS.items() if path.as_posix().endswith(name)), [])
        assert [one.code for one in unread] == expected, path


def test_values_of_samples(real: Path) -> None:
    """By eye from the files' own XML and bytes."""
    rates = dict(task_maps(task_data.read(real / "isoxml/isoxml-py/test/resources/isoxml/v3/grid_type_2")))["TSK1"]
    assert rates.cells.rates.shape == (178, 236, 1) and rates.columns[0].unit == "l/ha"
    assert np.unique(rates.cells.rates).tolist() == [0, 49, 300]
    read = dict(task_maps(task_data.read(real / "isoxml/isoxml-dotnet/Grid/Type2")))["TSK1"]
    raw = np.frombuffer((real / "isoxml/isoxml-dotnet/Grid/Type2/GRD00001.bin").read_bytes(), "<i4").reshape(10, 10, 3)
    np.testing.assert_allclose(read.cells.rates, raw * [0.01, 1e-4, 1e-3])
    (log,) = look_into(real / "isoxml/isoxml-js/data/2021-04-09T15_33_26_taskdata.zip")[1]
    assert log["records"] == 207 and log["first"].startswith("2021-04-09T14:54:04.969")


def test_a_planter_with_rows_and_sections_gives_its_rates(real: Path) -> None:
    found = read_applied(real / "isoxml/isoxml-dotnet/ExternalFiles/AFE.zip")
    whole = found[0]
    assert whole.unit == "1/ha" and whole.rows["width_m"].iloc[0] == pytest.approx(32 * 0.381)  # 32 rows of 15 inches
    assert 0.5 < whole.rows["working"].mean() < 0.6 and whole.rows["rate"].max() == pytest.approx(857_200)


def test_the_schema_of_version_3_holds(real: Path) -> None:
    schema = etree.XMLSchema(etree.parse(real / "isoxml/isoxml-js/generation/xsd/ISO11783_TaskFile_V3-3.xsd"))
    for seed in range(40, 60):
        for layout in ("grid1", "grid2", "polygons"):
            content, _ = to_taskdata(odd_field(seed, (UREA, UAN)[: 1 + seed % 2]), isoxml(3, layout), Labels())
            assert schema.validate(root(content)), schema.error_log


def test_by_hand(real: Path) -> None:
    told = CliRunner().invoke(app, ["task-data", "read", str(real / "isoxml/isoxml-js/data/task_with_grid.zip")])
    assert told.exit_code == 0 and "строк 54" in told.output and "Test Field 1" in told.output
    told = CliRunner().invoke(app, ["task-data", "read", str(real / "isoxml/isoxml-js/data/grid-without-binary.zip")])
    assert told.exit_code == 3 and "файл GRD00001.bin назван, но его нет" in told.output
