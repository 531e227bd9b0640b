"""Zones for terminals that read shapefiles, one bundle a product; and for GIS, as GeoJSON and GeoPackage.

A bundle is .shp, .shx, .dbf, .prj and .cpg of one name: polygons (type 5, no height, no measure) in WGS 84, and one
numeric column that holds the rate and is called by its unit.
"""

import io
import json
import re
import struct
from collections.abc import Iterator
from datetime import date

import geopandas as gpd
import numpy as np
import pyogrio
from shapely import Polygon, orient_polygons
from shapely.geometry import mapping

from agro.domain.errors import Told
from agro.domain.terminal import Terminal
from agro.domain.work import Prescription, Product
from agro.store.isoxml import parts, zipped

_WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
_TODAY = "OGR_CURRENT_DATE"  # a setting of GDAL's
_POLYGON = 5  # source: ESRI Shapefile Technical Description, 1998
_WIDTH, _DECIMALS = 10, 2  # of the number in the table
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_LATIN = "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya"


def to_shapefiles(prescription: Prescription, terminal: Terminal) -> tuple[bytes, list[Told]]:
    """A zip with a bundle for each product in the terminal's folder, and what the driver has to choose."""
    files: dict[str, bytes] = {}
    told = []
    for place, product in enumerate(prescription.products):
        name, column = _file_name(prescription.field_id, product.code, terminal.longest_name), rate_column(product)
        shapes = [polygon for zone in prescription.zones for polygon in parts(zone.outline)]
        rates = [_rate(product, zone.rate_kg_ha[place]) for zone in prescription.zones for _ in parts(zone.outline)]
        main, index = _shapes(shapes)
        table = _table(column, rates, prescription.made_on)
        folder = f"{terminal.folder}/" if terminal.folder else ""
        bundle = {"shp": main, "shx": index, "dbf": table, "prj": _WGS84.encode(), "cpg": b"UTF-8"}
        files |= {f"{folder}{name}.{suffix}": content for suffix, content in bundle.items()}
        facts = {"file": name, "column": column, "unit": _unit(product)}
        told.append(Told("{file}: on import choose the column {column} and the unit {unit}", facts))
    return zipped(files), told


def to_geojson(prescription: Prescription) -> bytes:
    """The zones with the rate of each product, for any GIS."""
    features = [
        {"type": "Feature", "properties": row, "geometry": mapping(zone.outline)}
        for zone, row in zip(prescription.zones, _rows(prescription), strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def to_geopackage(prescription: Prescription) -> bytes:
    """The same as a GeoPackage with the one layer `zones`."""
    table = gpd.GeoDataFrame(
        _rows(prescription), geometry=[zone.outline for zone in prescription.zones], crs="EPSG:4326"
    )
    content = io.BytesIO()
    before = pyogrio.get_gdal_config_option(_TODAY)
    pyogrio.set_gdal_config_options({_TODAY: f"{prescription.made_on}T00:00:00.000Z"})  # or equal zones differ in bytes
    try:
        table.to_file(content, driver="GPKG", layer="zones")
    finally:
        pyogrio.set_gdal_config_options({_TODAY: before})
    return content.getvalue()


def rate_column(product: Product, prefix: str = "") -> str:
    """What a column of rates is called: by its unit."""
    return prefix + _unit(product).replace("/", "_").upper()


def _unit(product: Product) -> str:
    return "l/ha" if product.density_kg_l else "kg/ha"


def _rate(product: Product, rate_kg_ha: float) -> float:
    return rate_kg_ha / (product.density_kg_l or 1.0)


def _rows(prescription: Prescription) -> list[dict[str, float]]:
    """A row a zone: its number, area and rates."""
    return [
        {"zone": zone.number, "area_ha": round(zone.area_ha, 4)}
        | {
            rate_column(product, f"{product.code}_"): round(_rate(product, rate), _DECIMALS)
            for product, rate in zip(prescription.products, zone.rate_kg_ha, strict=True)
        }
        for zone in prescription.zones
    ]


def _file_name(field_id: str, product: str, longest: int) -> str:
    """Latin letters, digits and _ only: field and product, cut to what the terminal shows."""
    latin = dict(zip(_CYRILLIC, _LATIN.split(), strict=True))
    plain = "".join(latin.get(letter, letter) for letter in field_id.lower())
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "field"
    short = re.sub(r"[^a-z0-9]+", "", product.lower()) or "rate"
    return f"{plain[: max(1, longest - len(short) - 1)]}_{short}"[:longest].upper()


def _shapes(shapes: list[Polygon]) -> tuple[bytes, bytes]:
    """The main file and its index."""
    records = [_record(orient_polygons(shape, exterior_cw=True)) for shape in shapes]
    bounds = np.array([shape.bounds for shape in shapes])
    box = struct.pack("<4d4d", *bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0), 0, 0, 0, 0)
    words = [len(content) // 2 for content in records]
    starts = np.cumsum([50, *(4 + count for count in words)])  # [16-bit word] after the header
    main = b"".join(
        struct.pack(">2i", number, count) + content
        for number, (count, content) in enumerate(zip(words, records, strict=True), 1)
    )
    index = b"".join(struct.pack(">2i", start, count) for start, count in zip(starts, words, strict=False))
    return _header(len(main)) + box + main, _header(len(index)) + box + index


def _header(body_bytes: int) -> bytes:
    return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, (100 + body_bytes) // 2) + struct.pack("<2i", 1000, _POLYGON)


def _record(shape: Polygon) -> bytes:
    """Exterior clockwise, holes the other way."""
    rings = [np.asarray(ring.coords)[:, :2] for ring in (shape.exterior, *shape.interiors)]
    starts = np.cumsum([0, *(len(ring) for ring in rings)])
    head = struct.pack("<i4d2i", _POLYGON, *shape.bounds, len(rings), starts[-1])
    return head + starts[:-1].astype("<i4").tobytes() + np.concatenate(rings).astype("<f8").tobytes()


def _table(column: str, rates: list[float], made_on: date) -> bytes:
    """A dBase table of one numeric column."""
    width = 1 + _WIDTH
    head = struct.pack("<4BIHH20x", 3, made_on.year - 1900, made_on.month, made_on.day, len(rates), 65, width)
    about = struct.pack("<11sc4x2B14x", column.encode("ascii"), b"N", _WIDTH, _DECIMALS)
    return head + about + b"\r" + b"".join(_cells(rates)) + b"\x1a"


def _cells(rates: list[float]) -> Iterator[bytes]:
    for rate in rates:
        yield b" " + f"{rate:{_WIDTH}.{_DECIMALS}f}".encode("ascii")
