"""Field outlines from GeoJSON, GeoPackage, Shapefile or GeoParquet: checked one by one, each refusal by name."""

import glob
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS, Geod

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.land import OUTLINE_COLUMNS

_DRIVERS = {".geojson": "GeoJSON", ".json": "GeoJSON", ".gpkg": "GPKG", ".shp": "ESRI Shapefile"}
_PARQUET = (".parquet", ".geoparquet")
_SIGNATURES = {".geojson": b"{", ".json": b"{", ".gpkg": b"SQLite format 3\x00", ".shp": b"\x00\x00\x27\x0a"}
_SMALLEST_HA = 0.01  # [ha] one pixel; less is a sliver
_LARGEST_HA = 20_000.0  # [ha] more is a district, not a field
_MOST_VERTICES = 200_000
_MOST_FEATURES = 1_000_000
_UTM = (326, 327)  # EPSG codes of the UTM zones on WGS 84 begin so: north, south
_CRS84 = ("OGC", "CRS84")  # longitude and latitude on WGS 84, the default of GeoParquet
_GEOD = Geod(ellps="WGS84")
_UNSAID_DBF_MARKS = {0x00, 0x57}  # a .dbf whose header does not say its code page


def read_outlines(
    path: Path,
    layer: str | None = None,
    encoding: str | None = None,
    bounds: tuple[float, float, float, float] | None = None,
    named: str = "field_id",
) -> tuple[gpd.GeoDataFrame, list[Refusal]]:
    """The outlines table (see `agro.domain.land`) in EPSG:4326, and the features that were refused.

    `attrs["utm"]` names the UTM zone that all outlines were drawn in, where they were.

    path      a file, or a folder of them
    layer     which layer of a GeoPackage, where it has several
    encoding  of a Shapefile's attributes, where the file itself does not say it
    bounds    (west, south, east, north) [deg]: fields outside are refused
    named     what the column of ids is called in the file, for instance parcel_id
    raises    BadInput where the file as a whole cannot be used
    """
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in {*_DRIVERS, *_PARQUET}) if path.is_dir() else [path]
    if not files:
        raise BadInput(
            "VECTOR-NONE",
            "{where}: holds no file of outlines",
            "put GeoJSON, GeoPackage, Shapefile or GeoParquet there",
            where=str(path),
        )
    read = [_by_id(read_features(file, layer, encoding), named) for file in files]
    features = gpd.GeoDataFrame(
        pd.concat([_normal(table, file, named) for table, file in zip(read, files, strict=True)], ignore_index=True),
        crs=4326,
    )
    reasons = dict(_refusals(features, bounds))
    kept = features.drop(index=list(reasons)).drop(columns=["place"])
    kept["version"] = _versions(np.asarray(kept.geometry.array))
    kept = kept.sort_values("field_id", ignore_index=True)[[*OUTLINE_COLUMNS, "geometry"]]
    drawn_in = {table.crs.to_epsg() for table in read}
    if len(drawn_in) == 1 and (code := drawn_in.pop()) is not None and code // 100 in _UTM:
        kept.attrs["utm"] = f"EPSG:{code}"
    return kept, list(reasons.values())


def _by_id(features: gpd.GeoDataFrame, named: str) -> gpd.GeoDataFrame:
    """The features with the column of ids called field_id, whatever else is called so."""
    if named == "field_id" or named not in features:
        return features
    return features.drop(columns="field_id", errors="ignore").rename(columns={named: "field_id"})


def read_features(path: Path, layer: str | None, encoding: str | None) -> gpd.GeoDataFrame:
    """The features of one file as they are; BadInput where it is not what its name says."""
    where = path.name
    if not path.is_file():
        raise BadInput("FILE-MISSING", "{where}: there is no such file", "check the path", where=str(path))
    suffix = path.suffix.lower()
    try:
        if suffix in _PARQUET:
            return gpd.read_parquet(path)
        if suffix not in _DRIVERS:
            raise BadInput(
                "VECTOR-FORMAT",
                "{where}: outlines are read from .geojson, .gpkg, .shp and .parquet",
                "save it in one of these formats",
                where=where,
            )
        with path.open("rb") as file:
            head = file.read(64)
        if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_SIGNATURES[suffix]):
            raise ValueError(f"it begins with {head[:12]!r}")
        encoding = _shapefile_encoding(path, encoding) if suffix == ".shp" else None  # the others are UTF-8
        if suffix == ".gpkg":
            layer = _only_layer(path, layer)
        driver = pyogrio.read_info(path, layer=layer)["driver"]
        if driver != _DRIVERS[suffix]:
            raise ValueError(f"its content is {driver}")
        return pyogrio.read_dataframe(path, layer=layer, encoding=encoding, on_invalid="ignore")
    except AgroError:
        raise
    except Exception as error:  # GDAL, Arrow and geopandas each have their own
        raise BadInput(
            "VECTOR-UNREADABLE",
            "{where}: cannot be read as {expected} ({met})",
            "open it in a GIS and save it again",
            where=where,
            expected=suffix.lstrip("."),
            met=str(error).strip().splitlines()[-1][:160] if str(error).strip() else type(error).__name__,
        ) from None


def _only_layer(path: Path, layer: str | None) -> str:
    names = [str(name) for name, geometry in pyogrio.list_layers(path) if geometry is not None]
    if layer is None and len(names) == 1:
        return names[0]
    if layer in names:
        return str(layer)
    raise BadInput(
        "VECTOR-LAYER",
        "{where}: has the layers {met}; which of them holds the fields is not said",
        "name it in fields.layer",
        where=path.name,
        met=", ".join(names) or "-",
    )


def _shapefile_encoding(path: Path, encoding: str | None) -> str | None:
    beside = {p.suffix.lower(): p for p in path.parent.glob(f"{glob.escape(path.stem)}.*")}
    for needed in (".dbf", ".shx"):
        if needed not in beside:
            raise BadInput(
                "VECTOR-INCOMPLETE",
                "{where}: its {missing} file is missing",
                "a Shapefile is .shp, .shx, .dbf and .prj together; copy all of them",
                where=path.name,
                missing=needed,
            )
    if encoding is not None or ".cpg" in beside:
        return encoding
    table = beside[".dbf"].read_bytes()
    if len(table) > 30 and table[29] not in _UNSAID_DBF_MARKS:
        return None  # the header names its code page and GDAL follows it
    try:
        table[int.from_bytes(table[8:10], "little") :].decode("utf-8")  # the records, after the header
    except UnicodeDecodeError:
        raise BadInput(
            "VECTOR-ENCODING",
            "{where}: the attributes are not UTF-8 and no .cpg file says what they are",
            "give the encoding in fields.encoding, for instance cp1251",
            where=path.name,
        ) from None
    return "UTF-8"


def _normal(features: gpd.GeoDataFrame, path: Path, named: str) -> gpd.GeoDataFrame:
    """The features with our columns, in EPSG:4326, and `place`, how a person finds each in its file."""
    where = path.name
    if not isinstance(features, gpd.GeoDataFrame) or features.geometry.name is None:
        raise BadInput(
            "VECTOR-NO-GEOMETRY", "{where}: has no outlines, only a table", "export the polygons too", where=where
        )
    if len(features) > _MOST_FEATURES:
        raise BadInput(
            "VECTOR-TOO-MANY",
            "{where}: more than {limit} features",
            "split the file",
            where=where,
            limit=_MOST_FEATURES,
        )
    if "field_id" not in features.columns:
        raise BadInput(
            "VECTOR-NO-FIELD-ID",
            "{where}: has no column {named}; met {met}",
            "name the column with each one's own id {named}",
            where=where,
            named=named,
            met=", ".join(map(str, features.columns[:12])),
        )
    if features.crs is None:
        raise BadInput(
            "VECTOR-NO-CRS",
            "{where}: does not say in which coordinate system it is",
            "add the .prj file, or save it with its CRS",
            where=where,
        )
    table = pd.DataFrame(index=range(len(features)))
    for column in ("field_id", "farm_id", "district", "crop"):
        values = features[column].to_numpy() if column in features.columns else [None] * len(features)
        table[column] = [_text(value) for value in values]
    table["place"] = [Told("{file}, feature {n}", {"file": where, "n": n + 1}) for n in range(len(features))]
    shapes = shapely.force_2d(np.asarray(features.geometry.array))
    places, shape_of = shapely.get_coordinates(shapes, return_index=True)
    shapes[shape_of[~np.isfinite(places).all(axis=1)]] = None
    same = CRS(features.crs).equals(CRS(4326), ignore_axis_order=True) or CRS(features.crs).to_authority() == _CRS84
    outlines = gpd.GeoSeries(shapes, crs=4326) if same else gpd.GeoSeries(shapes, crs=features.crs).to_crs(4326)
    return gpd.GeoDataFrame(table, geometry=outlines.values, crs=4326)


def _text(value: Any) -> str | None:
    """An attribute as text; what is empty, or no single value, is none."""
    if isinstance(value, str):
        return value.strip() or None
    if not pd.api.types.is_scalar(value) or pd.isna(value):
        return None
    return (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)).strip() or None


def _refusals(
    features: gpd.GeoDataFrame, bounds: tuple[float, float, float, float] | None
) -> Iterator[tuple[int, Refusal]]:
    ids = Counter(features["field_id"].to_numpy())
    shapes, areas = np.asarray(features.geometry.array), np.zeros(len(features))
    sound = _sound(shapes)
    areas[sound] = _areas_ha(shapes[sound])
    features["area_ha"] = areas
    there = sound & (bounds is None or shapely.intersects(shapely.box(*bounds), shapes))
    for i, (place, named) in enumerate(zip(features["place"].to_numpy(), features["field_id"].to_numpy(), strict=True)):
        field_id = named if isinstance(named, str) else None
        where = _named(place, field_id)
        try:
            if field_id is None:
                raise BadInput("FIELD-NO-ID", "{where}: field_id is empty", "give it an id of its own", where=where)
            if len(field_id) > 200 or not field_id.isprintable():
                raise BadInput(
                    "FIELD-ID",
                    "{where}: field_id is too long or holds signs that cannot be printed",
                    "give it a short id",
                    where=place,
                )
            if ids[field_id] > 1:
                raise BadInput(
                    "FIELD-DUPLICATE",
                    "{where}: {met} features have this field_id",
                    "give each its own id",
                    where=where,
                    met=ids[field_id],
                )
            if not sound[i]:
                _check_shape(shapes[i], where)
            _check_area(float(areas[i]), where)
            if bounds is not None and not there[i]:
                _refuse_elsewhere(shapes[i], where, bounds)
        except AgroError as error:
            yield i, error.about(field_id=field_id)


def _named(place: Told, field_id: str | None) -> Told:
    if field_id is None:
        return place
    return Told("{file}, feature {n} (field_id {field_id})", {**place.facts, "field_id": field_id})


def _sound(shapes: np.ndarray) -> np.ndarray:
    """Which shapes pass everything that `_check_shape` asks; those that do not are asked one by one, for the reason."""
    west, south, east, north = shapely.bounds(shapes).T
    on_earth = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    polygon = np.isin(shapely.get_type_id(shapes), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    few = shapely.get_num_coordinates(shapes) <= _MOST_VERTICES
    return np.asarray(on_earth & polygon & few & shapely.is_valid(shapes))


def _areas_ha(shapes: np.ndarray) -> np.ndarray:
    """Geodesic areas [ha] of sound polygons: of each outer ring, less its holes, whichever way they are drawn."""
    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    places, ring_of = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(ring_of, np.arange(len(rings)), side="right")
    drawn = [np.ascontiguousarray(ring.T) for ring in np.split(places, ends[:-1])] if len(rings) else []
    own = np.array([abs(_GEOD.polygon_area_perimeter(*ring)[0]) for ring in drawn])
    hole = np.diff(part_of, prepend=-1) == 0
    return np.bincount(shape_of[part_of], np.where(hole, -own, own), len(shapes)) / 1e4


def _check_area(area: float, where: Told) -> None:
    if not _SMALLEST_HA <= area <= _LARGEST_HA:
        raise BadInput(
            "GEOM-AREA",
            "{where}: {met} ha, expected {low} to {high} ha",
            "check the outline and its coordinate system",
            where=where,
            met=round(area, 4),
            low=_SMALLEST_HA,
            high=_LARGEST_HA,
        )


def _refuse_elsewhere(outline: Any, where: Told, bounds: tuple[float, float, float, float]) -> None:
    west, south, east, north = outline.bounds
    swapped = shapely.box(*bounds).intersects(shapely.transform(outline, lambda xy: xy[:, ::-1]))
    raise BadInput(
        "GEOM-OFF-REGION",
        "{where}: near {met}, outside the region",
        "longitude and latitude look swapped" if swapped else "check the coordinate system, or region.bounds",
        where=where,
        met=f"{(west + east) / 2:.4f} {(south + north) / 2:.4f}",
    )


def _check_shape(outline: Any, where: Told) -> None:
    """Refuse what is no sound polygon on the Earth."""
    if outline is None or outline.is_empty:
        raise BadInput(
            "GEOM-EMPTY",
            "{where}: has no outline, or one without finite coordinates",
            "draw it or drop the feature",
            where=where,
        )
    if outline.geom_type not in ("Polygon", "MultiPolygon"):
        raise BadInput(
            "GEOM-TYPE",
            "{where}: is a {met}, expected a polygon",
            "draw the field's outline",
            where=where,
            met=outline.geom_type,
        )
    if shapely.get_num_coordinates(outline) > _MOST_VERTICES:
        raise BadInput(
            "GEOM-VERTICES",
            "{where}: more than {limit} vertices",
            "simplify the outline",
            where=where,
            limit=_MOST_VERTICES,
        )
    west, south, east, north = outline.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadInput(
            "GEOM-OFF-EARTH",
            "{where}: near {met}, which is no longitude and latitude",
            "say the coordinate system that the numbers are in",
            where=where,
            met=f"{west:.1f} {south:.1f}",
        )
    if not outline.is_valid:
        raise BadInput(
            "GEOM-INVALID",
            "{where}: the outline is not sound: {met}",
            "mend it in a GIS or drop the feature",
            where=where,
            met=shapely.is_valid_reason(outline)[:120],
        )


def _versions(outlines: np.ndarray) -> list[str]:
    """Each changes when its outline does: of its shape, not of where its ring begins or how it is stored."""
    exact = shapely.remove_repeated_points(shapely.set_precision(outlines, 1e-7, mode="pointwise"))
    touching = ~shapely.is_valid(exact)  # rounding has laid one part of it onto another
    exact[touching] = shapely.set_precision(outlines[touching], 1e-7)
    shapes = shapely.normalize(np.where(shapely.is_empty(exact), outlines, exact))
    return [hashlib.sha256(shape).hexdigest()[:16] for shape in shapely.to_wkb(shapes, byte_order=1)]
