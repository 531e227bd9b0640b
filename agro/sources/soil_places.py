"""Where a soil sample lies, and in which field: outside every field it is told by its id, swapped axes are told too."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from agro.domain.errors import AgroError, BadInput, Refusal

_EDGE_M = 10.0  # [m] so far outside an outline a point still counts as in it: error of a hand-held GNSS receiver. ours
_MOSTLY = 0.5  # [1] share of a plot that has to lie in its field. source: ours


def sample_shapes(
    rows: Sequence[dict[str, Any]], drawn: gpd.GeoSeries | None, crs: str | None
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """The rows with `geometry` in longitude and latitude, None where only the field is known, and those without."""
    placed, refused = [], []
    for row in rows:
        try:
            placed.append({**row, "geometry": _drawn(row, drawn) if drawn is not None else _point(row, crs)})
        except AgroError as error:
            refused.append(error.about(field_id=row["field_id"]))
    return placed, refused


def place_in_fields(
    rows: Sequence[dict[str, Any]], outlines: gpd.GeoDataFrame
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """The rows with the field that holds them and their support, and a refusal for each that lies in none."""
    if not rows:
        return [], []
    if not len(outlines):
        raise BadInput(
            "SOIL-NO-FIELDS",
            "{where}: there are no outlines in which its samples could lie",
            "give the fields' outlines first",
            where=str(rows[0]["place"].facts["file"]),
        )
    metres = outlines.estimate_utm_crs()
    fields = dict(zip(outlines["field_id"], outlines.to_crs(metres).geometry, strict=True))
    shapes = gpd.GeoSeries([row["geometry"] for row in rows], crs=4326)
    with np.errstate(invalid="ignore"):
        flat = shapes.to_crs(metres)
    found, refused = [], []
    for row, shape in zip(rows, flat, strict=True):
        try:
            field_id = _own_field(row, outlines) if shape is None else _field_of(row, shape, fields, outlines)
            support = "field" if shape is None else "point" if shape.geom_type == "Point" else "plot"
            outline = outlines.geometry[outlines["field_id"] == field_id].iloc[0]
            found.append({**row, "field_id": field_id, "support": support, "geometry": row["geometry"] or outline})
        except AgroError as error:
            refused.append(error.about(field_id=row["field_id"]))
    return found, refused


def _drawn(row: dict[str, Any], drawn: gpd.GeoSeries) -> shapely.Geometry:
    shape = drawn.iloc[row["number"] - 1]
    if (
        shape is None
        or shape.is_empty
        or not np.isfinite(shape.bounds).all()
        or shape.geom_type
        not in (
            "Point",
            "Polygon",
            "MultiPolygon",
        )
    ):
        raise BadInput(
            "SOIL-SHAPE",
            "{where}: is no point and no plot outline",
            "draw the point of the sample or its plot",
            where=row["place"],
        )
    return shape if shape.is_valid else shapely.make_valid(shape)


def _point(row: dict[str, Any], crs: str | None) -> shapely.Geometry | None:
    if "lon" in row and "lat" in row:
        return shapely.Point(row["lon"], row["lat"])
    if "x" in row and "y" in row and crs is not None:
        try:
            return gpd.GeoSeries([shapely.Point(row["x"], row["y"])], crs=CRS(crs)).to_crs(4326).iloc[0]
        except CRSError:
            raise BadInput(
                "SOIL-CRS",
                "{where}: no coordinate system is called {met}",
                "name it by its code, for instance EPSG:32645",
                where=row["place"],
                met=crs,
            ) from None
    if row["field_id"] is None or {"lon", "lat", "x", "y"} & row.keys():
        raise BadInput(
            "SOIL-NOWHERE",
            "{where}: neither both coordinates nor a field",
            "write where it was taken",
            where=row["place"],
        )
    return None


def _own_field(row: dict[str, Any], outlines: gpd.GeoDataFrame) -> str:
    if row["field_id"] not in set(outlines["field_id"]):
        raise BadInput(
            "SOIL-FIELD",
            "{where}: there is no field {met} among the outlines",
            "check the id, or add the outline",
            where=row["place"],
            met=row["field_id"],
        )
    return str(row["field_id"])


def _field_of(
    row: dict[str, Any], shape: shapely.Geometry, fields: dict[str, shapely.Geometry], outlines: gpd.GeoDataFrame
) -> str:
    if shape.geom_type == "Point":
        distance = {name: shape.distance(outline) if _finite(shape) else np.inf for name, outline in fields.items()}
        inside = [name for name, far in distance.items() if far <= _EDGE_M]
    else:
        share = {name: shape.intersection(outline).area / shape.area for name, outline in fields.items()}
        distance = {name: shape.distance(outline) for name, outline in fields.items()}
        inside = [name for name, part in share.items() if part >= _MOSTLY]
    if row["field_id"] in inside:
        return str(row["field_id"])
    nearest = min(distance, key=lambda name: distance[name])
    if not inside:
        raise _outside(row, nearest, distance[nearest], outlines)
    if row["field_id"] is not None:
        raise BadInput(
            "SOIL-OTHER-FIELD",
            "{where}: is said to be of field {expected} but lies in field {met}",
            "check the field and the coordinates",
            where=row["place"],
            expected=row["field_id"],
            met=nearest,
        )
    return nearest


def _outside(row: dict[str, Any], nearest: str, distance_m: float, outlines: gpd.GeoDataFrame) -> BadInput:
    turned = shapely.transform(row["geometry"], lambda xy: xy[:, ::-1])
    west, south, east, north = outlines.total_bounds
    if shapely.box(west, south, east, north).buffer(0.5).intersects(turned):  # [deg]
        return BadInput(
            "SOIL-SWAPPED",
            "{where}: lies in no field, but would with longitude and latitude exchanged",
            "longitude and latitude look swapped",
            where=row["place"],
        )
    return BadInput(
        "SOIL-OUTSIDE",
        "{where}: lies in no field; the nearest, {field_id}, is {distance_m} m away",
        "check the coordinates, or add the field's outline",
        where=row["place"],
        field_id=nearest,
        distance_m=round(distance_m) if np.isfinite(distance_m) else "?",
    )


def _finite(shape: shapely.Geometry) -> bool:
    return bool(np.isfinite(shapely.get_coordinates(shape)).all())
