"""Ground that a user marks: strips along water where nothing may be applied, strips that were given plenty."""

from pathlib import Path

import geopandas as gpd
import shapely

from agro.domain.errors import BadInput
from agro.sources.outlines import read_features


def read_marks(path: Path) -> gpd.GeoDataFrame:
    """Polygons in EPSG:4326 with whatever columns they have. Raises BadInput."""
    marks = read_features(path, None, None)
    if not isinstance(marks, gpd.GeoDataFrame) or marks.crs is None:
        raise BadInput(
            "VECTOR-NO-CRS",
            "{where}: does not say in which coordinate system it is",
            "add the .prj file, or save it with its CRS",
            where=path.name,
        )
    marks = marks[~(marks.geometry.isna() | marks.geometry.is_empty)].to_crs(4326)
    unsound = ~marks.geometry.is_valid | ~marks.geom_type.isin(["Polygon", "MultiPolygon"])
    if unsound.any():
        first = marks.geometry[unsound].iloc[0]
        raise BadInput(
            "MARKS-SHAPE",
            "{where}: marked ground has to be sound polygons, one is {met}",
            "mend it in a GIS; a line along water needs its width",
            where=path.name,
            met=f"{first.geom_type}: {shapely.is_valid_reason(first)}"[:120],
        )
    return marks.reset_index(drop=True)
