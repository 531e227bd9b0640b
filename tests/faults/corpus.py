"""Bad inputs, made from nothing each time: one catalogue, one file of outlines, and single files of every other kind."""

import io
import json
import math
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine, from_origin
from shapely.geometry import LineString, Polygon, box, mapping
from workshop import Made, Scene, build_catalog

VRT = '<VRTDataset rasterXSize="40" rasterYSize="40"><VRTRasterBand dataType="UInt16" band="1" {kind}>{inner}</VRTRasterBand></VRTDataset>'
OTHERS_FILE = "/etc/hostname"


def _again(path: Path, **changed: Any) -> None:
    """Write the raster again with another profile."""
    with rasterio.open(path) as raster:
        pixels, profile = raster.read(), dict(raster.profile)
    with rasterio.open(path, "w", **{**profile, **changed}) as raster:
        raster.write(pixels.astype(changed.get("dtype", profile["dtype"])))


def _vrt(kind: str, inner: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(VRT.format(kind=kind, inner=inner))


def _sparse(path: Path) -> None:
    profile = {"driver": "GTiff", "width": 200_000, "height": 200_000, "count": 1, "dtype": "uint16"}
    place = {"crs": "EPSG:32645", "transform": from_origin(400_000, 6_100_000, 10, 10)}
    tiles = {"tiled": True, "blockxsize": 8192, "blockysize": 8192, "SPARSE_OK": True, "BIGTIFF": "YES"}
    with rasterio.open(path, "w", **profile, **place, **tiles):
        pass


def _no_crs(path: Path) -> None:
    with rasterio.open(path) as raster:
        pixels = raster.read(1)
    with rasterio.open(path, "w", driver="GTiff", height=40, width=40, count=1, dtype="uint16") as raster:
        raster.write(pixels, 1)


def _block(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40:] = bytes(40)
    path.write_bytes(content)


# Number and name in the list, what is done to band `red` of a sound item, the code.
RASTERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "1 truncated_half": (lambda path: path.write_bytes(path.read_bytes()[:150]), "RASTER-TRUNCATED"),
    "2 zero_bytes": (lambda path: path.write_bytes(b""), "RASTER-EMPTY"),
    "3 html_login_200": (lambda path: path.write_text("<!doctype html><title>log in</title>"), "RASTER-NOT-IMAGE"),
    "4 vrt_disguised": (_vrt("", '<SimpleSource><SourceFilename relativeToVRT="1">nir.tif</SourceFilename></SimpleSource>'), "RASTER-DRIVER"),
    "5 vrt_raw_passwd": (_vrt('subClass="VRTRawRasterBand"', f"<SourceFilename>{OTHERS_FILE}</SourceFilename>"), "RASTER-DRIVER"),
    "6 vrt_vsicurl": (_vrt("", "<SimpleSource><SourceFilename>/vsicurl/http://127.0.0.1:9/x.tif</SourceFilename></SimpleSource>"), "RASTER-DRIVER"),
    "8 huge_200000x200000_sparse": (_sparse, "RASTER-TOO-LARGE"),
    "11 crs_wrong_zone": (lambda path: _again(path, crs="EPSG:32644"), "RASTER-CRS"),
    "14 pixel_size_zero": (lambda path: _again(path, transform=Affine(0, 0, 400_000, 0, 0, 6_100_000)), "RASTER-TRANSFORM"),
    "17 reflectance_0_1_instead_of_DN": (lambda path: _again(path, dtype="float32"), "RASTER-DTYPE"),
    "32 corrupt_block": (_block, "RASTER-TRUNCATED"),
}  # fmt: skip

ITEMS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "7 path_vsicurl": (lambda item: item["assets"]["red"].update(href="/vsicurl/http://127.0.0.1:9/x.tif"), "PATH-FORBIDDEN"),
    "18 baseline_0400_offset_missing": (lambda item: [item["properties"].update({"s2:processing_baseline": "04.00"}), [a["raster:bands"][0].pop("offset", 0) for a in item["assets"].values()]], "RASTER-OFFSET"),
    "20 bands_missing": (lambda item: [item["assets"].pop(name) for name in list(item["assets"]) if name not in ("green", "scl")], "STAC-BANDS-FEW"),
    "26 flipped_byte": (lambda item: item["assets"]["red"].update({"file:checksum": "1220" + "0" * 64}), "RASTER-CHECKSUM"),
    "28 acquisition_date_future": (lambda item: item["properties"].update(datetime="2199-01-01T00:00:00Z"), "SCENE-TIME"),
    "28 acquisition_date_1970": (lambda item: item["properties"].update(datetime="1970-01-01T00:00:00Z"), "SCENE-TIME"),
    "28 acquisition_date_no_zone": (lambda item: item["properties"].update(datetime="2021-07-01T05:00:00"), "SCENE-TIME"),
    "95 asset_href_outside": (lambda item: item["assets"]["red"].update(href="../../../../../../etc/passwd"), "PATH-OUTSIDE"),
    "95 asset_href_file": (lambda item: item["assets"]["red"].update(href="file:///etc/passwd"), "PATH-OUTSIDE"),
    "95 asset_href_metadata_service": (lambda item: item["assets"]["red"].update(href="http://169.254.169.254/latest"), "PATH-FORBIDDEN"),
    "95 datetime_missing": (lambda item: item["properties"].update(datetime=None), "STAC-ITEM"),
}  # fmt: skip


def bad_catalogue(folder: Path) -> tuple[Made, dict[str, str]]:
    """One catalogue with a sound item `good` and every bad one; the code that is expected by item."""
    expected = {name.replace(" ", "_"): code for name, (_, code) in {**RASTERS, **ITEMS}.items()}
    special = {"25_SCL_class_42": "MASK-CLASS"}
    scenes = [Scene("good"), *(Scene(name, _when(n)) for n, name in enumerate([*expected, *special], start=1))]
    next(scene for scene in scenes if scene.item_id == "25_SCL_class_42").scl = 42
    made = build_catalog(folder, scenes)
    for name, (harm, _) in RASTERS.items():
        harm(made.item(name.replace(" ", "_")).parent / "red.tif")
    for name, (change, _) in ITEMS.items():
        made.edit(name.replace(" ", "_"), change)
    return made, {**expected, **special}


def _when(n: int) -> str:
    return f"2021-{5 + n // 28:02}-{n % 28 + 1:02}T05:00:00Z"


GOOD = box(85.6, 55.2, 85.61, 55.21)
_BOW = {"type": "Polygon", "coordinates": [[[85.6, 55.2], [85.7, 55.3], [85.7, 55.2], [85.6, 55.3], [85.6, 55.2]]]}

OUTLINES: dict[str, tuple[Any, str]] = {
    "33 self_intersecting_bowtie": (_BOW, "GEOM-INVALID"),
    "34 polygon_of_two_points": ({"type": "Polygon", "coordinates": [[[85.6, 55.2], [85.7, 55.2], [85.6, 55.2]]]}, "GEOM-INVALID"),
    "35 empty_geometry": ({"type": "Polygon", "coordinates": []}, "GEOM-EMPTY"),
    "35 null_geometry": (None, "GEOM-EMPTY"),
    "36 sliver": (mapping(box(85.6, 55.2, 85.600001, 55.200001)), "GEOM-AREA"),
    "36 zero_area": ({"type": "Polygon", "coordinates": [[[85.6, 55.2], [85.7, 55.2], [85.8, 55.2], [85.6, 55.2]]]}, "GEOM-INVALID"),
    "37 field_of_400000_ha": (mapping(box(85, 55, 86, 55.6)), "GEOM-AREA"),
    "38 lat_lon_swapped": (mapping(box(55.2, 85.0, 55.21, 85.01)), "GEOM-OFF-REGION"),
    "45 too_many_vertices": (mapping(Polygon([(85.6 + 0.005 * math.cos(t), 55.2 + 0.005 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 240_000)])), "GEOM-VERTICES"),
    "49 coordinate_1e308": ({"type": "Polygon", "coordinates": [[[85.6, 55.2], [1e308, 55.2], [85.6, 55.3], [85.6, 55.2]]]}, "GEOM-OFF-EARTH"),
    "50 local_coordinates_without_a_crs": (mapping(box(400_000, 6_100_000, 400_100, 6_100_100)), "GEOM-OFF-EARTH"),
    "line_in_place_of_a_polygon": (mapping(LineString([(85.6, 55.2), (85.7, 55.2)])), "GEOM-TYPE"),
}  # fmt: skip


def bad_outlines(path: Path) -> Path:
    """A GeoJSON with one sound field, two of one id, and every bad one under its name."""
    shapes = {"good": mapping(GOOD), **{name: shape for name, (shape, _) in OUTLINES.items()}}
    features = [
        {"type": "Feature", "properties": {"field_id": name}, "geometry": shape} for name, shape in shapes.items()
    ]
    for n in range(2):
        shape = mapping(box(85.7 + n, 55.2, 85.71 + n, 55.21))
        features.append({"type": "Feature", "properties": {"field_id": "42 twice"}, "geometry": shape})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def zipped(**entries: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return held.getvalue()


def sheet(rows: str, extra: dict[str, bytes] | None = None, dimension: str = "A1:B2") -> bytes:
    """An XLSX from the rows' own XML."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        **{
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>'.encode(),
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode(),
            "xl/workbook.xml": f'<workbook {space} xmlns:r="{relation}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'.encode(),
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'.encode(),
            "xl/worksheets/sheet1.xml": f'<worksheet {space}><dimension ref="{dimension}"/><sheetData>{rows}</sheetData></worksheet>'.encode(),
            **(extra or {}),
        }
    )


def cells(row: int, *texts: str) -> str:
    """The XML of one row of text."""
    inner = "".join(
        f'<c r="{chr(65 + n)}{row}" t="inlineStr"><is><t>{text}</t></is></c>' for n, text in enumerate(texts)
    )
    return f'<row r="{row}">{inner}</row>'


def tar_with_a_device() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        entry = tarfile.TarInfo("dev")
        entry.type = tarfile.CHRTYPE
        archive.addfile(entry)
    return held.getvalue()


def many_entries(count: int) -> bytes:
    return zipped(**{f"{n}": b"" for n in range(count)})


def lying_zip(declared: int, real: int) -> bytes:
    """A zip that declares a smaller size than it unpacks to."""
    content = bytearray(zipped(a=bytes(real)))
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.find(mark) + place
        content[at : at + 4] = struct.pack("<I", declared)
    return bytes(content)
