"""What the tests do with task data: take a zip apart, change it, put it together, check it against the schemas."""

import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from agro.domain.terminal import TaskMap, Terminal
from agro.sources.archive import unzipped
from agro.sources.task_data import from_files
from agro.sources.task_map import task_maps

MAIN, GRID = "TASKDATA/TASKDATA.XML", "TASKDATA/GRD00001.bin"


def isoxml(version: int = 4, layout: str = "grid2", **more) -> Terminal:
    return Terminal("any", "Any", "isoxml", "TASKDATA", "test", False, version=version, layout=layout, **more)


def files(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, one in content.items():
            archive.writestr(name, one)
    return held.getvalue()


def root(content: bytes) -> etree._Element:
    return etree.fromstring(files(content)[MAIN])


def changed(
    content: bytes, xml: Callable[[etree._Element], object] | None = None, grid: Callable[[bytes], bytes] | None = None
) -> bytes:
    """The zip with its XML or its grid changed."""
    held = files(content)
    if xml is not None:
        tree = etree.fromstring(held[MAIN])
        xml(tree)
        held[MAIN] = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    if grid is not None:
        held[GRID] = grid(held[GRID])
    return packed(held)


def read_back(content: bytes) -> list[TaskMap]:
    return [found for _, found in task_maps(from_files(unzipped(content, "TASKDATA.zip"), "TASKDATA.zip"))]


def schema_4() -> etree.XMLSchema:
    """Version 4.3, as the package isoxml-writer carries it."""
    package = importlib.util.find_spec("isoxml_writer")
    assert package is not None and package.origin is not None
    return etree.XMLSchema(etree.parse(Path(package.origin).parent / "ISOXML_schema" / "ISO11783_TaskFile_V4-3.xsd"))
