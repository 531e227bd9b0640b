"""Real metadata of SAFE products give the items that stactools publishes of them."""

import json
from pathlib import Path

import pytest
import shapely

from agro.domain.errors import BadInput
from agro.sources.safe_metadata import BANDS, described
from agro.sources.xml_tree import parsed

_OF_ITS_TIME = {"created", "datetime", "proj:epsg"}  # looked at apart, or the name of an older extension


def test_items_as_stactools_publishes_them(real: Path) -> None:
    checked = 0
    for path in sorted((real / "stac-safe" / "stactools").glob("*/expected_output.json")):
        product, tile = path.parent / "MTD_MSIL2A.xml", next(path.parent.glob("GRANULE/*/MTD_TL.xml"), None)
        if not product.exists() or tile is None:
            continue
        expected = json.loads(path.read_text())
        told = described(parsed(product.read_bytes(), "product"), parsed(tile.read_bytes(), "tile"), path.parent.name)
        assert told.item_id == expected["id"]
        assert f"{told.acquired_at:%Y-%m-%dT%H:%M:%S.%f}Z" == expected["properties"]["datetime"]
        assert list(told.bbox) == expected["bbox"]
        outline = shapely.geometry.shape(expected["geometry"])
        assert told.footprint.symmetric_difference(outline).area < 1e-9
        for name, value in expected["properties"].items():
            if name not in _OF_ITS_TIME:
                # stactools takes the plain mean of directions; ours is right across north, and differs by 0.0002 deg
                near = 1e-3 if name == "view:azimuth" else 1e-9
                same = told.properties[name] == value or abs(told.properties[name] - value) < near
                assert same, (path.parent.name, name)
        code = expected["properties"].get("proj:code") or f"EPSG:{expected['properties']['proj:epsg']}"
        for band in BANDS:
            asset, grid = expected["assets"][band], told.grids[BANDS[band][1]]
            stored = asset["raster:bands"][0]
            assert (grid.crs, list(grid.shape)) == (code, asset["proj:shape"])
            assert list(grid.transform)[:6] == asset["proj:transform"]
            assert asset["href"] == f"./{told.files[band]}"
            if band != "scl":
                assert (told.scale, told.offset[band]) == (stored["scale"], stored["offset"])
        checked += 1
    assert checked == 3


def test_products_of_other_makers_and_levels(real: Path) -> None:
    folder = real / "stac-safe" / "sen2agri" / "SEN2COR"
    tile = parsed(next(folder.glob("GRANULE/*/MTD_TL.xml")).read_bytes(), "tile")
    told = described(parsed((folder / "MTD_MSIL2A.xml").read_bytes(), "product"), tile, "sen2agri")
    assert told.item_id == "S2B_T28RBN_20181127T115214_L2A" and set(told.offset.values()) == {0.0}
    raw = next((real / "stac-safe" / "stactools").glob("S2A_MSIL1C*"))
    with pytest.raises(BadInput, match="SAFE-LEVEL"):
        described(parsed((raw / "MTD_MSIL1C.xml").read_bytes(), "product"), tile, raw.name)
