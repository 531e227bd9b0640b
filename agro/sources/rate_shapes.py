"""Rates by zones as shapefiles, GeoJSON or GeoPackage hold them, read byte by byte: no GIS library stands between."""

import json
import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from shapely import Polygon, from_wkb, get_parts
from shapely.errors import ShapelyError
from shapely.geometry import shape

from agro.domain.errors import BadInput, Refusal, TornFile
from agro.domain.terminal import Area, Column, TaskMap
from agro.sources.archive import Files

_UNITS = {"kg_ha": "kg/ha", "l_ha": "l/ha"}  # how columns end that say their unit
_MOST_RINGS, _MOST_RECORDS = 100_000, 1_000_000  # [1]


def rate_maps(sent: Files) -> list[tuple[str, TaskMap]]:
    """The name and the map of each shapefile among the files. Raises BadInput, TornFile."""
    by_name = {path.lower(): content for path, content in sent.content.items()}
    mains = sorted(path for path in by_name if path.endswith(".shp"))
    return [(PurePosixPath(path).stem, _bundle(path.removesuffix(".shp"), by_name)) for path in mains]


def geojson_map(content: bytes, where: str) -> TaskMap:
    """The map of a GeoJSON file in WGS 84."""
    try:
        features = json.loads(content)["features"]
        rows = [feature["properties"] for feature in features]
        shapes = [shape(feature["geometry"]) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, ShapelyError, RecursionError) as error:
        raise _torn(where, error) from None
    return _map(rows, shapes, ())


def geopackage_map(content: bytes, where: str) -> TaskMap:
    """The map of the one layer of a GeoPackage in WGS 84."""
    try:
        with closing(sqlite3.connect(":memory:")) as rows:
            rows.deserialize(content)
            name, column, place = rows.execute(
                "SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns"
            ).fetchone()
            found = rows.execute(f'SELECT * FROM "{name}"')  # noqa: S608  the file's own name of its own table
            keys = [about[0] for about in found.description]
            table = [dict(zip(keys, row, strict=True)) for row in found.fetchmany(_MOST_RECORDS)]
        shapes = [from_wkb(_well_known(row.pop(column))) for row in table]
    except (sqlite3.Error, MemoryError, TypeError, ValueError, IndexError, ShapelyError) as error:
        raise _torn(where, error) from None
    return _map(table, shapes, () if place == 4326 else (_not_degrees(where),))


def _well_known(blob: bytes) -> bytes:
    """The well-known binary behind the GeoPackage's own header."""
    if blob[:2] != b"GP":
        raise ValueError("no GeoPackage geometry")
    return blob[8 + (0, 32, 48, 48, 64)[blob[3] >> 1 & 7] :]


def _bundle(stem: str, files: Mapping[str, bytes]) -> TaskMap:
    where = f"{stem}.shp"
    for needed in (".shx", ".dbf"):
        if f"{stem}{needed}" not in files:
            raise BadInput(
                "VECTOR-INCOMPLETE",
                "{where}: its {missing} file is missing",
                "a Shapefile is .shp, .shx, .dbf and .prj together; copy all of them",
                where=where,
                missing=needed,
            )
    try:
        shapes, rows = list(_records(files[f"{stem}.shp"])), _table(files[f"{stem}.dbf"])
        if len(shapes) != len(rows):
            raise ValueError(f"{len(shapes)} outlines and {len(rows)} rows")
    except (struct.error, ValueError, IndexError, ShapelyError) as error:
        raise _torn(where, error) from None
    place = files.get(f"{stem}.prj", b"").decode("latin-1").upper()
    plain = "WGS_1984" in place.replace(" ", "_") and place.startswith("GEOGC")
    return _map(rows, shapes, () if plain else (_not_degrees(where),), PurePosixPath(stem).name)


def _records(content: bytes) -> Iterator[Any]:
    """The outline of each record of a main file; None for an empty one."""
    code, words = struct.unpack_from(">i20xi", content)
    if code != 9994 or words * 2 != len(content):
        raise ValueError(f"its header says {words * 2} bytes, it has {len(content)}")
    at = 100
    while at < len(content):
        _, words = struct.unpack_from(">2i", content, at)
        kind = struct.unpack_from("<i", content, at + 8)[0]
        if kind not in (0, 5, 15, 25) or words < 2 or at + 8 + words * 2 > len(content):
            raise ValueError(f"a record of type {kind} with {words} words")
        yield None if kind == 0 else _outline(content[at + 8 : at + 8 + words * 2])
        at += 8 + words * 2


def _outline(record: bytes) -> Any:
    """Clockwise rings are exteriors; each hole belongs to the exterior that holds it."""
    parts, points = struct.unpack_from("<36x2i", record)
    if not (0 < parts <= _MOST_RINGS and points > 0 and 44 + 4 * parts + 16 * points <= len(record)):
        raise ValueError(f"{parts} rings of {points} points in {len(record)} bytes")
    starts = [*struct.unpack_from(f"<{parts}i", record, 44), points]
    places = np.frombuffer(record, "<f8", 2 * points, 44 + 4 * parts).reshape(points, 2)
    rings = [places[low:high] for low, high in pairwise(starts)]
    clockwise = [ring for ring in rings if len(ring) > 3 and _twice_area(ring) < 0]
    holes = [Polygon(ring) for ring in rings if len(ring) > 3 and _twice_area(ring) > 0]
    outer = [Polygon(ring) for ring in clockwise]
    return [
        Polygon(one.exterior, [h.exterior for h in holes if len(outer) == 1 or one.contains(h.representative_point())])
        for one in outer
    ]


def _twice_area(ring: np.ndarray) -> float:
    x, y = (ring - ring[0]).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def _table(content: bytes) -> list[dict[str, Any]]:
    """The rows of a dBase table: numbers as numbers, the rest as text."""
    count, head, width = struct.unpack_from("<4xIHH", content)
    if head + count * width > len(content) or count > _MOST_RECORDS:
        raise ValueError(f"{count} rows of {width} bytes in {len(content)}")
    fields, at = [], 1
    for about in range(32, head - 32, 32):
        name, kind, size = struct.unpack_from("<11sc4xB", content, about)
        fields.append((name.split(b"\x00")[0].decode("latin-1"), kind, at, at + size))
        at += size
    rows = []
    for number in range(count):
        row = content[head + number * width : head + (number + 1) * width]
        texts = {name: (kind, row[low:high].decode("utf-8", "replace").strip()) for name, kind, low, high in fields}
        rows.append({name: float(text or "nan") if kind in b"NF" else text for name, (kind, text) in texts.items()})
    return rows


def _map(rows: list[dict[str, Any]], shapes: list[Any], unread: tuple[Refusal, ...], file: str = "") -> TaskMap:
    """Columns that say their unit are rates; where none does, every column of numbers is. One alone is the file's."""
    numeric = [name for name in (rows[0] if rows else {}) if all(_is_number(row.get(name)) for row in rows)]
    own = [name for name in numeric if name.lower().endswith(tuple(_UNITS))] or numeric
    columns = tuple(Column(file if file and len(own) == 1 else name, _unit(name)) for name in own)
    areas = tuple(
        Area(polygon, tuple(float(row[name]) for name in own))
        for row, shapes_of_row in zip(rows, shapes, strict=True)
        for polygon in (shapes_of_row if isinstance(shapes_of_row, list) else get_parts(shapes_of_row))
        if isinstance(polygon, Polygon)
    )
    return TaskMap(columns, None, areas, unread=unread)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unit(name: str) -> str:
    return next((unit for end, unit in _UNITS.items() if name.lower().endswith(end)), "")


def _torn(where: str, error: Exception) -> TornFile:
    return TornFile(
        "VECTOR-TORN",
        "{where}: no sound file of zones ({met})",
        "copy it again, or export it again",
        where=where,
        met=str(error)[:120],
    )


def _not_degrees(where: str) -> Refusal:
    return BadInput(
        "VECTOR-NOT-WGS84",
        "{where}: does not say that it is in WGS 84, degrees",
        "export it in WGS 84 (EPSG:4326), with its .prj",
        where=where,
    ).refusal
