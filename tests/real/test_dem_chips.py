"""Real elevation chips of Belgium: a small one, and a mosaic filled with zeros that carries no mark of missing data."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from agro.agromaps.relief import landform, relief, smoothed
from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.sources.elevation import read, uncovered

CRS = "EPSG:32631"
CHIP = Grid(CRS, 501_360, 5_629_680, 40, 16, 16)  # 640 m
MOSAIC = Grid(CRS, 526_120, 5_670_200, 40, 1210, 1231)  # 49 km


def test_heights_of_the_chip_are_the_means_of_its_own_pixels(real: Path) -> None:
    """20 m pixels nest in 40 m ones; between pixel centres heights are linear, so the mean moves by parts of a metre."""
    with rasterio.open(real / "dem/dem_31UDS.tif") as source:
        own = source.read(1).astype(float)
    blocks = own.reshape(16, 2, 16, 2).mean(axis=(1, 3))
    got = read(real / "dem/dem_31UDS.tif", CHIP).values
    assert np.isfinite(got[1:-1, 1:-1]).all() and np.isnan(got[0]).all()
    assert np.abs(got - blocks)[1:-1, 1:-1].max() < 0.6
    assert 30 < np.nanmin(got) <= np.nanmax(got) < 50


def test_slope_and_aspect_equal_horns_on_the_same_heights(real: Path) -> None:
    """Plain NumPy, with the letters a to i of Horn's window."""
    height = read(real / "dem/dem_31UDS.tif", CHIP)
    z = smoothed(height).values
    a, b, c = z[:-2, :-2], z[:-2, 1:-1], z[:-2, 2:]
    d, f = z[1:-1, :-2], z[1:-1, 2:]
    g, h, i = z[2:, :-2], z[2:, 1:-1], z[2:, 2:]
    east, north = (c + 2 * f + i - a - 2 * d - g) / 320, (a + 2 * b + c - g - 2 * h - i) / 320
    layers = landform(height, 40, 0.01).isel(y=slice(1, -1), x=slice(1, -1))
    np.testing.assert_allclose(layers["slope"], np.degrees(np.arctan(np.hypot(east, north))), atol=1e-9)
    downhill = (np.degrees(np.arctan2(-east, -north)) + 360) % 360
    pointed = np.isfinite(layers["aspect"].values)
    assert pointed.sum() > 100
    np.testing.assert_allclose(layers["aspect"].values[pointed], downhill[pointed], atol=1e-9)
    assert float(layers["slope"].max()) < 5  # farmland of the plain


def test_the_mosaics_zeros_are_missing_data(real: Path) -> None:
    """5,948,732 zeros of 5,950,780 pixels around two chips of 8 to 52 m."""
    height = read(real / "dem/dem_31UES.tif", MOSAIC)
    known = np.isfinite(height.values)
    assert height.attrs["zero_is_missing"]
    assert 8 <= float(height.min()) <= float(height.max()) <= 52
    assert 400 <= known.sum() <= 512  # two chips of 16 x 16, less the rim that lies between chip and nothing
    slope = relief(height, 40, 0.86)["slope"]
    assert float(slope.max()) < 10  # no cliff of the filling is left
    with pytest.raises(BadInput, match="zeros end in cliffs"):
        read(real / "dem/dem_31UES.tif", Grid(CRS, 540_000, 5_650_000, 40, 50, 50))


def test_fields_on_the_filling_are_refused_by_name(real: Path) -> None:
    height = read(real / "dem/dem_31UES.tif", MOSAIC)
    rows, columns = np.nonzero(np.isfinite(height.values))
    north, west = MOSAIC.north_m - rows.min() * 40, MOSAIC.west_m + columns[rows == rows.min()].min() * 40
    on_chip = box(west + 200, north - 300, west + 300, north - 200)
    on_zeros = box(549_000, 5_650_000, 549_500, 5_650_500)
    told = uncovered(height, MOSAIC, ["chip", "zeros"], [on_chip, on_zeros], 160)
    assert [(refusal.field_id, refusal.facts["share"]) for refusal in told] == [("zeros", 100.0)]
