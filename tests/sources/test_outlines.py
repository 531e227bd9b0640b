import json
import math
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import LineString, Polygon, box, mapping

from agro.domain.errors import BadInput
from agro.sources.outlines import read_outlines

GOOD = box(85.60, 55.20, 85.61, 55.21)
BOWTIE = Polygon([(85.6, 55.2), (85.61, 55.21), (85.61, 55.2), (85.6, 55.21)])


def geojson(path: Path, *features: tuple[object, object]) -> Path:
    rows = [
        {"type": "Feature", "properties": {"field_id": field_id}, "geometry": mapping(shape) if shape else None}
        for field_id, shape in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    return path


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp", ".parquet"])
def test_four_formats_give_the_same_table(tmp_path: Path, suffix: str) -> None:
    fields = gpd.GeoDataFrame(
        {"field_id": ["17", "18"], "farm_id": ["Колос", None]},
        geometry=[GOOD, box(85.62, 55.2, 85.63, 55.21)],
        crs=4326,
    )
    path = tmp_path / f"f{suffix}"
    if suffix == ".parquet":
        fields.to_crs(32645).to_parquet(path)
    else:
        fields.to_file(path, encoding="UTF-8" if suffix == ".shp" else None)
    table, refused = read_outlines(path)
    assert not refused
    assert table["field_id"].tolist() == ["17", "18"]
    assert table["farm_id"].tolist()[0] == "Колос"
    assert table["area_ha"].iloc[0] == pytest.approx(70.86, abs=0.05)
    assert table.crs == 4326


def test_area_is_geodesic(tmp_path: Path) -> None:
    """One degree cell at the equator, from the published area of the ellipsoid's grid: 12,309 km2 a degree squared."""
    table, _ = read_outlines(geojson(tmp_path / "f.geojson", ("a", box(0, 0, 0.1, 0.1))))
    assert table["area_ha"].iloc[0] == pytest.approx(12_309, rel=2e-4)


def test_a_hole_is_no_part_of_the_field_whichever_way_it_is_drawn(tmp_path: Path) -> None:
    rim, ring = (
        [(86, 55), (86.01, 55), (86.01, 55.01), (86, 55.01)],
        [(86.002, 55.002), (86.004, 55.002), (86.004, 55.004)],
    )
    drawn = [("one", Polygon(rim, [ring])), ("other", Polygon(rim, [ring[::-1]])), ("rim", Polygon(rim))]
    areas = read_outlines(geojson(tmp_path / "f.geojson", *drawn))[0].set_index("field_id")["area_ha"]
    hole = read_outlines(geojson(tmp_path / "h.geojson", ("hole", Polygon(ring))))[0]["area_ha"][0]
    assert areas["one"] == areas["other"] == pytest.approx(areas["rim"] - hole, rel=1e-12)


def test_a_folder_is_read_whole_and_an_id_in_two_files_is_two(tmp_path: Path) -> None:
    geojson(tmp_path / "a.geojson", ("1", GOOD))
    geojson(tmp_path / "b.geojson", ("1", box(85.7, 55.2, 85.71, 55.21)), ("2", box(85.8, 55.2, 85.81, 55.21)))
    table, refused = read_outlines(tmp_path)
    assert table["field_id"].tolist() == ["2"]
    assert [r.code for r in refused] == ["FIELD-DUPLICATE"] * 2


@pytest.mark.parametrize(
    ("field_id", "shape", "code"),
    [
        ("bad", BOWTIE, "GEOM-INVALID"),
        ("bad", None, "GEOM-EMPTY"),
        ("bad", Polygon(), "GEOM-EMPTY"),
        ("bad", LineString([(85.6, 55.2), (85.7, 55.2)]), "GEOM-TYPE"),
        ("bad", box(85.6, 55.2, 85.600001, 55.200001), "GEOM-AREA"),
        ("bad", box(85, 55, 86, 56), "GEOM-AREA"),
        ("bad", box(400_000, 6_100_000, 400_100, 6_100_100), "GEOM-OFF-EARTH"),
        (None, GOOD, "FIELD-NO-ID"),
        ("  ", GOOD, "FIELD-NO-ID"),
        ("x" * 300, GOOD, "FIELD-ID"),
    ],
)
def test_a_bad_outline_is_refused_by_name_and_the_others_go_on(
    tmp_path: Path, field_id: object, shape: object, code: str
) -> None:
    table, refused = read_outlines(geojson(tmp_path / "f.geojson", ("good", GOOD), (field_id, shape)))
    assert table["field_id"].tolist() == ["good"]
    assert [r.code for r in refused] == [code]
    assert "feature 2" in refused[0].reason and refused[0].remedy


def test_infinite_coordinates_are_no_outline(tmp_path: Path) -> None:
    endless = Polygon([(85.6, 55.2), (math.inf, 55.2), (85.6, 55.3)])
    gpd.GeoDataFrame({"field_id": ["bad"]}, geometry=[endless], crs=4326).to_parquet(tmp_path / "f.parquet")
    assert read_outlines(tmp_path / "f.parquet")[1][0].code == "GEOM-EMPTY"


def test_outside_the_region_only_where_a_region_is_set(tmp_path: Path) -> None:
    swapped = box(55.20, 85.0, 55.21, 85.01)
    path = geojson(tmp_path / "f.geojson", ("good", GOOD), ("swapped", swapped), ("far", box(3.0, 50.8, 3.01, 50.81)))
    assert not read_outlines(path)[1]
    _, refused = read_outlines(path, bounds=(84, 53, 90, 57))
    assert [(r.field_id, r.code) for r in refused] == [("swapped", "GEOM-OFF-REGION"), ("far", "GEOM-OFF-REGION")]
    assert "swapped" in refused[0].remedy and "swapped" not in refused[1].remedy


def shapefile(folder: Path, encoding: str = "UTF-8") -> Path:
    fields = gpd.GeoDataFrame({"field_id": ["1"], "farm_id": ["Заря"]}, geometry=[GOOD], crs=4326)
    fields.to_file(folder / "f.shp", encoding=encoding)
    return folder / "f.shp"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda p: p.with_suffix(".prj").unlink(), "VECTOR-NO-CRS"),
        (lambda p: p.with_suffix(".dbf").unlink(), "VECTOR-INCOMPLETE"),
        (lambda p: p.with_suffix(".shx").unlink(), "VECTOR-INCOMPLETE"),
        (lambda p: p.write_bytes(b"nonsense"), "VECTOR-UNREADABLE"),
        (lambda p: p.unlink(), "FILE-MISSING"),
    ],
)
def test_a_shapefile_that_is_not_whole(tmp_path: Path, spoil, code: str) -> None:  # type: ignore[no-untyped-def]
    path = shapefile(tmp_path)
    spoil(path)
    with pytest.raises(BadInput, match=code):
        read_outlines(path)


def test_an_encoding_is_asked_for_never_guessed(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "cp1251")
    path.with_suffix(".cpg").unlink()
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = 0
    path.with_suffix(".dbf").write_bytes(table)
    with pytest.raises(BadInput, match="VECTOR-ENCODING"):
        read_outlines(path)
    assert read_outlines(path, encoding="cp1251")[0]["farm_id"].tolist() == ["Заря"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "<html>",
        '<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>',
        "[" * 200_000,
        '{"type": "FeatureCollection", "features": []}',
    ],
)
def test_what_only_looks_like_geojson(tmp_path: Path, content: str) -> None:
    path = tmp_path / "f.geojson"
    path.write_text(content)
    with pytest.raises(BadInput):
        read_outlines(path)


def test_a_file_without_field_id_or_of_an_unknown_kind(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"id": [1]}, geometry=[GOOD], crs=4326).to_file(tmp_path / "f.gpkg")
    with pytest.raises(BadInput, match="VECTOR-NO-FIELD-ID"):
        read_outlines(tmp_path / "f.gpkg")
    (tmp_path / "f.kml").write_text("<kml/>")
    with pytest.raises(BadInput, match="VECTOR-FORMAT"):
        read_outlines(tmp_path / "f.kml")


def test_of_several_layers_one_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "f.gpkg"
    for layer in ("fields", "roads"):
        gpd.GeoDataFrame({"field_id": [layer]}, geometry=[GOOD], crs=4326).to_file(path, layer=layer)
    with pytest.raises(BadInput, match="VECTOR-LAYER"):
        read_outlines(path)
    assert read_outlines(path, layer="fields")[0]["field_id"].tolist() == ["fields"]


def test_the_zone_that_outlines_are_drawn_in_is_remembered(tmp_path: Path) -> None:
    """Near a zone's border the imagery may lie in the neighbour: who draws in its zone wants its pixels untouched."""
    fields = gpd.GeoDataFrame({"field_id": ["1"]}, geometry=[GOOD], crs=4326)
    for code in (32644, 32745, 3857):
        fields.to_crs(code).to_file(tmp_path / f"{code}.gpkg")
    zones = [read_outlines(tmp_path / f"{code}.gpkg")[0].attrs.get("utm") for code in (32644, 32745, 3857)]
    assert zones == ["EPSG:32644", "EPSG:32745", None]


def test_the_version_follows_the_shape_not_its_storage(tmp_path: Path) -> None:
    ring = list(GOOD.exterior.coords)
    turned = Polygon(ring[2:-1] + ring[:3])
    moved = box(85.60, 55.20, 85.6101, 55.21)
    table, _ = read_outlines(geojson(tmp_path / "f.geojson", ("a", GOOD), ("b", turned), ("c", moved)))
    a, b, c = table["version"]
    assert a == b != c


def test_longitude_and_latitude_by_their_other_name(tmp_path: Path) -> None:
    """OGC:CRS84 is the default of GeoParquet."""
    gpd.GeoDataFrame({"field_id": ["1"]}, geometry=[GOOD], crs="OGC:CRS84").to_parquet(tmp_path / "f.parquet")
    assert read_outlines(tmp_path / "f.parquet")[0]["area_ha"].iloc[0] == pytest.approx(70.86, abs=0.05)


def test_one_bad_ring_refuses_one_feature(tmp_path: Path) -> None:
    path = geojson(tmp_path / "f.geojson", ("good", GOOD), ("bad", GOOD))
    content = json.loads(path.read_text())
    content["features"][1]["geometry"]["coordinates"] = [[[85.6, 55.2], [85.7, 55.2]]]
    content["features"][0]["properties"]["crop"] = ["wheat", "oats"]
    path.write_text(json.dumps(content))
    table, refused = read_outlines(path)
    assert table["field_id"].tolist() == ["good"] and refused[0].code in ("GEOM-EMPTY", "GEOM-INVALID")


def test_signs_in_a_file_name_and_an_encoding_that_only_a_shapefile_needs(tmp_path: Path) -> None:
    fields = gpd.GeoDataFrame({"field_id": ["поле 1"]}, geometry=[GOOD], crs=4326)
    fields.to_file(tmp_path / "поля [2021].shp", encoding="UTF-8")
    fields.to_file(tmp_path / "f.gpkg")
    for name in ("поля [2021].shp", "f.gpkg"):
        table, _ = read_outlines(tmp_path / name, encoding="cp1251" if name == "f.gpkg" else None)
        assert table["field_id"].tolist() == ["поле 1"]
