"""What a machine put out, as it comes back: time logs of a terminal, shapefiles of points or polygons, tables."""

from pathlib import Path
from tempfile import TemporaryDirectory

from agro.domain.errors import AgroError, BadInput
from agro.domain.terminal import Applied
from agro.sources import applied_logs, applied_tables
from agro.sources.archive import unzipped


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
    return [_zipped_shapes(path)]


def _zipped_shapes(path: Path) -> Applied:
    """The records of the one shapefile in a zip."""
    sent = unzipped(path.read_bytes(), path.name).content
    mains = [name[:-3].lower() for name in sent if name.lower().endswith(".shp")]
    if len(mains) == 1:
        with TemporaryDirectory() as folder:
            for name, content in sent.items():
                if name.lower().startswith(mains[0]):
                    (Path(folder) / path.with_suffix(Path(name).suffix.lower()).name).write_bytes(content)
            return applied_tables.read_table(Path(folder) / path.with_suffix(".shp").name)
    raise BadInput(
        "APPLIED-FORMAT",
        "{where}: neither task data nor a table of records",
        "give the zip or the folder of the terminal, or an unpacked .shp, a .csv or an .xlsx",
        where=path.name,
    )
