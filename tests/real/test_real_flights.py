"""Real frames and mosaics of UAVs: a raw frame lies nowhere, an odd coordinate system is put where it truly lies."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from shapely.geometry import Point

from flows.ingest import Ingested, ingest
from flows.settings import load

MOSAIC = "pliman_orthosmall_soy_rgb.tif"


def take(folder: Path, path: Path, lon: float, lat: float) -> Ingested:
    field = gpd.GeoDataFrame({"field_id": ["soy"]}, geometry=[Point(lon, lat).buffer(0.001)], crs=4326)
    field.to_file(folder / "fields.geojson", driver="GeoJSON")
    return ingest(load("stac", [f"fields.path={folder / 'fields.geojson'}"]), [path], folder / "local")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_raw_frames_of_a_camera_are_no_orthomosaic(real: Path, tmp_path: Path) -> None:
    done = take(tmp_path, real / "uav" / "micasense_rededge", -119.435, 36.576)
    assert not done.taken and [r.code for r in done.refused] == ["ORTHO-NO-PLACE"] * 5
    assert "single frame of a camera" in done.refused[0].reason


def test_a_mosaic_in_wgs_72_is_put_where_it_lies(real: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(real / "uav" / MOSAIC, tmp_path))
    assert [r.code for r in take(tmp_path, path, 86.0, 55.3).refused] == ["ORTHO-SIDECAR"]
    path.with_suffix(".toml").write_text('time = 2023-01-20T15:00:00Z\nbands = ["red", "green", "blue"]\n')
    (away,) = take(tmp_path, path, 86.0, 55.3).refused
    assert away.code == "ORTHO-ELSEWHERE" and away.facts["km"] > 5000
    lon, lat = Transformer.from_crs(32414, 4326, always_xy=True).transform(734_321.0, 4_488_976.4)
    done = take(tmp_path, path, lon, lat)
    assert [r.code for r in done.refused] == ["ORTHO-SMALL"]  # 13 x 7 m: no pixel of 10 m, only its own
    (one,) = done.taken
    assert one.place.startswith("uav-fine/")
    with rasterio.open(tmp_path / "local" / one.place / "gli.tif") as green, rasterio.open(path) as given:
        r, g, b = given.read(masked=True).astype("float64")
        expected = ((2 * g - r - b) / (2 * g + r + b))[100:500, 100:1000]
        assert green.crs == given.crs and green.transform.almost_equals(given.transform)
        np.testing.assert_allclose(green.read(1)[100:500, 100:1000] * 1e-4, expected.filled(-3.2768), atol=6e-5)
