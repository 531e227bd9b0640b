"""A prescription to the file of a terminal: checked, fitted, written, read by somebody else. No proof, no file."""

from dataclasses import dataclass
from typing import Any

from agro.advice.exportable import check_exportable
from agro.advice.merging import merged
from agro.domain.errors import Told
from agro.domain.terminal import TaskMap, Terminal
from agro.domain.work import Machine, Prescription
from agro.reports.words import say
from agro.sources.archive import unzipped
from agro.sources.rate_shapes import geojson_map, geopackage_map, rate_maps
from agro.sources.task_data import from_files
from agro.sources.task_map import task_maps
from agro.store import isoxml, shapefile
from agro.store.terminal import prove
from flows.terminal_list import terminal_facts, terminal_named

__all__ = ["TerminalFile", "terminal_file", "terminal_named"]

_NAMES = {"isoxml": "TASKDATA.zip", "shapefile": "rx-shapefile.zip", "geojson": "rx.geojson", "geopackage": "rx.gpkg"}


@dataclass(frozen=True)
class TerminalFile:
    """A file for a terminal: its name, its bytes, what proves it (plain JSON values), and what a person is told."""

    name: str
    content: bytes
    proof: dict[str, Any]
    told: tuple[Told, ...]


def terminal_file(prescription: Prescription, machine: Machine, terminal: Terminal, language: str) -> TerminalFile:
    """The proved file of a prescription for a terminal. Raises BadInput, NotProved.

    The driver's words in it are in the language; a rate that the machine cannot put out is refused.
    """
    check_exportable(prescription, machine)
    fitted, lost = merged(
        prescription, terminal.most_zones, terminal.most_polygons, terminal_facts()["merge_loss_pct"] / 100
    )
    content, told = _written(fitted, terminal, language)
    proof = prove(fitted, _read(content, terminal), machine.implement_width_m, terminal.form == "isoxml")
    if len(fitted.zones) < len(prescription.zones) or lost > 0:
        facts_of_loss = {"before": len(prescription.zones), "after": len(fitted.zones), "lost": f"{100 * lost:.1f}"}
        told.append(
            Told("{before} zones were joined to {after}: {lost} % of the product lies elsewhere", facts_of_loss)
        )
    about = {"terminal": terminal.code, "title": terminal.title, "source": terminal.source}
    more = {"assumed": terminal.assumption, "zones": len(fitted.zones), "moved_by_joining_pct": round(100 * lost, 3)}
    return TerminalFile(_NAMES[terminal.form], content, {**about, **more, **proof}, tuple(told))


def _written(prescription: Prescription, terminal: Terminal, language: str) -> tuple[bytes, list[Told]]:
    match terminal.form:
        case "isoxml":
            return isoxml.to_taskdata(prescription, terminal, _labels(language))
        case "shapefile":
            return shapefile.to_shapefiles(prescription, terminal)
        case "geojson":
            return shapefile.to_geojson(prescription), []
        case _:
            return shapefile.to_geopackage(prescription), []


def _read(content: bytes, terminal: Terminal) -> list[TaskMap]:
    """What the readers of another room, which share no code with the writers, find in the file."""
    match terminal.form:
        case "isoxml":
            return [found for _, found in task_maps(from_files(unzipped(content, "TASKDATA.zip"), "TASKDATA.zip"))]
        case "shapefile":
            return [found for _, found in rate_maps(unzipped(content, "rx-shapefile.zip"))]
        case "geojson":
            return [geojson_map(content, "rx.geojson")]
        case _:
            return [geopackage_map(content, "rx.gpkg")]


def _labels(language: str) -> isoxml.Labels:
    return isoxml.Labels(
        zone=say("Zone {n}", language, n="{n}"),
        outside=say("Outside the field", language),
        default=say("Outside the zones", language),
        lost=say("Position lost", language),
    )
