"""A real mosaic filled with 0 and without a mark of missing data, taken in and read from the catalogue."""

from pathlib import Path

import numpy as np

from agro.domain.grid import Grid
from agro.sources.elevation import read
from agro.sources.elevation_files import files_of
from flows.ingest import ingest
from flows.settings import load


def test_the_mosaic_gets_its_mark(real: Path, tmp_path: Path) -> None:
    done = ingest(load("stac"), [real / "dem"], tmp_path / "local")
    assert not done.refused and [str(one.sentence)[-4:] for one in done.taken] == [" no)", "yes)"]
    files = files_of(tmp_path / "local" / "elevation" / "collection.json")
    assert [file.parent.name for file in files] == ["dem_31UDS", "dem_31UES"]
    asked = Grid("EPSG:32631", 526_120, 5_670_200, 40, 200, 200)
    np.testing.assert_array_equal(read(files[1], asked).values, read(real / "dem" / "dem_31UES.tif", asked).values)
