"""Shapefiles, GeoJSON and GeoPackages of rates, read byte by byte: as GDAL writes them, and as nobody should."""

import io
import json
from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, box
from task_files import packed

from agro.domain.errors import AgroError, BadInput, TornFile
from agro.sources.archive import Files, files_of
from agro.sources.rate_shapes import geojson_map, geopackage_map, rate_maps

RING = box(0, 0, 3, 3) - box(1, 1, 2, 2)
TWO = MultiPolygon([box(4, 0, 5, 1), box(6, 0, 7, 1)])


def by_gdal(folder: Path, crs: int = 4326, **columns: list) -> Files:
    folder.mkdir(exist_ok=True)
    table = gpd.GeoDataFrame(columns or {"RATE": [100.5, 20.0]}, geometry=[RING, TWO], crs=crs)
    table.to_file(folder / "rx.shp", driver="ESRI Shapefile")
    return files_of(folder)


def test_what_gdal_writes(tmp_path: Path) -> None:
    ((name, found),) = rate_maps(by_gdal(tmp_path / "a"))
    assert name == "rx" and [column.product for column in found.columns] == ["rx"]
    assert [(area.outline.area, area.rates) for area in found.areas] == [
        (8.0, (100.5,)),
        (1.0, (20.0,)),
        (1.0, (20.0,)),
    ]
    assert found.areas[0].outline.symmetric_difference(RING).area == 0 and not found.unread
    ((_, found),) = rate_maps(by_gdal(tmp_path / "b", name=["a", "b"], KG_HA=[1, 2], L_HA=[3.5, 4.5], other=[9, 9]))
    assert [(column.product, column.unit) for column in found.columns] == [("KG_HA", "kg/ha"), ("L_HA", "l/ha")]
    assert found.areas[1].rates == (2.0, 4.5)


def test_another_coordinate_system_is_named(tmp_path: Path) -> None:
    ((_, found),) = rate_maps(by_gdal(tmp_path / "a", crs=32645))
    assert [one.code for one in found.unread] == ["VECTOR-NOT-WGS84"]


def test_a_bundle_without_its_table_and_torn_ones(tmp_path: Path) -> None:
    whole = by_gdal(tmp_path / "a").content
    with pytest.raises(BadInput, match=r"VECTOR-INCOMPLETE.*\.dbf"):
        rate_maps(Files({name: content for name, content in whole.items() if not name.endswith("dbf")}))
    for suffix, cut in (("shp", 30), ("shp", 150), ("shp", -8), ("dbf", 20), ("dbf", -30)):
        with pytest.raises(TornFile, match="VECTOR-TORN"):
            rate_maps(Files({**whole, f"rx.{suffix}": whole[f"rx.{suffix}"][:cut]}))


def test_geojson_and_geopackage() -> None:
    table = gpd.GeoDataFrame({"urea_kg_ha": [100.5, 20.0], "zone": [1, 2]}, geometry=[RING, TWO], crs=4326)
    held = io.BytesIO()
    table.to_file(held, driver="GPKG", layer="anything")
    for found in (geojson_map(table.to_json().encode(), "g"), geopackage_map(held.getvalue(), "g")):
        assert [(column.product, column.unit) for column in found.columns] == [("urea_kg_ha", "kg/ha")]
        assert [(area.outline.area, area.rates) for area in found.areas] == [
            (8.0, (100.5,)),
            (1.0, (20.0,)),
            (1.0, (20.0,)),
        ]
    for bad in (
        b"",
        b"[]",
        b'{"features": [1]}',
        b"[" * 100_000,
        json.dumps({"features": [{"properties": {}, "geometry": {"type": "Polygon", "coordinates": 1}}]}).encode(),
    ):
        with pytest.raises(TornFile, match="VECTOR-TORN"):
            geojson_map(bad, "g")
    for bad in (b"", b"x" * 5000, held.getvalue()[:9000]):
        with pytest.raises(TornFile, match="VECTOR-TORN"):
            geopackage_map(bad, "g")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_byte_changed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A map, or a sentence."""
    whole = _whole(tmp_path_factory)
    name = data.draw(st.sampled_from(["rx.shp", "rx.dbf"]))
    at = data.draw(st.integers(0, len(whole[name]) - 1))
    content = whole[name][:at] + data.draw(st.binary(min_size=1, max_size=4)) + whole[name][at + 1 :]
    try:
        rate_maps(Files({**whole, name: content}))
    except AgroError as error:
        assert str(error)


_HELD: dict[str, bytes] = {}


def _whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    if not _HELD:
        _HELD.update(by_gdal(tmp_path_factory.mktemp("whole")).content)
    return _HELD


def test_a_zip_of_two_bundles(tmp_path: Path) -> None:
    whole = by_gdal(tmp_path / "a").content
    (tmp_path / "z.zip").write_bytes(
        packed({f"Rx/{n}": c for n, c in whole.items()} | {f"Rx/b{n}".upper(): c for n, c in whole.items()})
    )
    assert [name for name, _ in rate_maps(files_of(tmp_path / "z.zip"))] == ["brx", "rx"]
