"""What a machine put out, as it comes back: time logs of a terminal, shapefiles of points or polygons, tables."""

from pathlib import Path

from agro.domain.errors import AgroError, BadInput
from agro.domain.terminal import Applied
from agro.sources import applied_logs, applied_tables


def read_applied(path: Path) -> list[Applied]:
    """Every product that the file tells of, each with its rows. Raises BadInput, TornFile.

    A zip, a folder or an XML is task data; .shp, .geojson, .gpkg, .csv and .xlsx are tables of records. A zip without
    task data is taken for a zipped shapefile.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".xlsx", ".shp", ".geojson", ".gpkg"):
        return [applied_tables.read_table(path)]
    try:
        return applied_logs.read_logs(path)
    except AgroError as error:
        if error.refusal.code != "TASK-NONE" or suffix != ".zip":
            raise
    raise BadInput(
        "APPLIED-FORMAT",
        "{where}: neither task data nor a table of records",
        "give the zip or the folder of the terminal, or an unpacked .shp, a .csv or an .xlsx",
        where=path.name,
    )
