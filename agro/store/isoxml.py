"""Task data of ISO 11783-10 for terminals, versions 3.3 and 4.3: one field, one task, cells or polygons."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from lxml import etree
from pyproj import Geod
from shapely import MultiPolygon, Polygon

from agro import __version__
from agro.domain.errors import BadInput, Told
from agro.domain.terminal import Terminal
from agro.domain.work import Prescription, Product
from agro.store.isoxml_grid import ZoneCells, zone_cells

_GEOD = Geod(ellps="WGS84")
_LONGEST = 32  # letters of a designator. source: schemas V3-3 and V4-3
_MASS = ("0006", 100.0, "0.01", "kg/ha")  # setpoint mass per area, 1 mg/m2: 1 kg/ha is 100. source: ISO 11783-11
_VOLUME = ("0001", 10_000.0, "0.0001", "l/ha")  # setpoint volume per area, 0.01 mm3/m2: 1 l/ha is 10,000. source: same
_DEGREE = 1e-9  # [deg] of the places that are written
_MOST_CODES = 255  # treatment zones 0..254. source: schema, TZN A
_GRID = "GRD00001"


@dataclass(frozen=True)
class Labels:
    """What the driver reads on the terminal beside the names of field and products."""

    zone: str = "Zone {n}"
    outside: str = "Outside the field"
    default: str = "Outside the zones"
    lost: str = "Position lost"
    task: str = "{season} {field}"


@dataclass
class _Names:
    """Names cut to what the format takes; what was cut is remembered, to be told."""

    told: list[Told] = field(default_factory=list)

    def short(self, name: str) -> str:
        plain = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split()) or "-"
        if len(plain) <= _LONGEST:
            return plain
        cut = plain[:_LONGEST].rstrip()
        self.told.append(
            Told(
                "{name}: on the terminal it is {short}, names have at most {limit} letters there",
                {"name": plain, "short": cut, "limit": _LONGEST},
            )
        )
        return cut


def to_taskdata(prescription: Prescription, terminal: Terminal, labels: Labels) -> tuple[bytes, list[Told]]:
    """A zip with the folder TASKDATA, and the names that had to be cut. Raises BadInput.

    `terminal` says version 3 or 4, and grid1, grid2 or polygons.
    """
    names, binaries = _Names(), {}
    root = etree.Element("ISO11783_TaskData", _about(terminal.version))
    _partners(root, prescription, names)
    _field(root, prescription, names)
    for number, one in enumerate(prescription.products, 1):
        etree.SubElement(root, "PDT", A=f"PDT{number}", B=names.short(one.russian), D=f"VPN{number}")
    task = _task(root, prescription, labels, names)
    if terminal.layout == "polygons":
        _polygons(task, prescription, labels)
    else:
        cells = zone_cells(prescription, terminal.most_cells)
        binaries[f"{_GRID}.bin"] = _cells(task, prescription, terminal.layout, cells, labels)
    for number, one in enumerate(prescription.products, 1):
        _, _, scale, unit = _measure(one)
        etree.SubElement(root, "VPN", A=f"VPN{number}", B="0", C=scale, D="1" if unit == "kg/ha" else "2", E=unit)
    document = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    files = {"TASKDATA.XML": document, **binaries}
    return zipped({f"TASKDATA/{name}": content for name, content in files.items()}), names.told


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files in one zip, the same bytes for the same files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _about(version: int) -> dict[str, str]:
    return {
        "VersionMajor": str(version),
        "VersionMinor": "3",
        "ManagementSoftwareManufacturer": "Agro",
        "ManagementSoftwareVersion": __version__,
        "DataTransferOrigin": "1",
    }


def _partners(root: etree._Element, prescription: Prescription, names: _Names) -> None:
    """Customer and farm: some terminals show nothing without them, so each has at least the field's name."""
    farm = prescription.farm_id or prescription.field_id
    etree.SubElement(root, "CTR", A="CTR1", B=names.short(prescription.customer or farm))
    etree.SubElement(root, "FRM", A="FRM1", B=names.short(farm), I="CTR1")


def _field(root: etree._Element, prescription: Prescription, names: _Names) -> None:
    area_m2 = round(abs(_GEOD.geometry_area_perimeter(prescription.boundary)[0]))
    about = {
        "C": names.short(prescription.field_name or prescription.field_id),
        "D": str(area_m2),
        "E": "CTR1",
        "F": "FRM1",
    }
    code = {"B": prescription.field_id} if len(prescription.field_id) <= _LONGEST else {}
    land = etree.SubElement(root, "PFD", {"A": "PFD1", **code, **about})
    for polygon in parts(prescription.boundary):
        _polygon(land, polygon, "1")


def _task(root: etree._Element, prescription: Prescription, labels: Labels, names: _Names) -> etree._Element:
    """The task and its zones 0 outside, 1 default, 2 lost; the prescription's own zones come after."""
    name = labels.task.format(season=prescription.season, field=prescription.field_name or prescription.field_id)
    about = {"B": names.short(name), "C": "CTR1", "D": "FRM1", "E": "PFD1", "G": "1", "H": "1", "I": "2", "J": "0"}
    task = etree.SubElement(root, "TSK", {"A": "TSK1", **about})
    fallbacks = (
        (labels.outside, prescription.outside_kg_ha),
        (labels.default, prescription.default_kg_ha),
        (labels.lost, prescription.lost_kg_ha),
    )
    for code, (label, rates) in enumerate(fallbacks):
        _zone(task, code, label, prescription.products, rates)
    return task


def _zone(
    task: etree._Element,
    code: int,
    label: str,
    products: Sequence[Product],
    rates: Sequence[float],
    shape: Polygon | None = None,
) -> None:
    zone = etree.SubElement(task, "TZN", A=str(code), B=label[:_LONGEST])
    if shape is not None:
        _polygon(zone, shape, "2")
    for number, (one, raw) in enumerate(zip(products, _raw(products, rates), strict=True), 1):
        etree.SubElement(zone, "PDV", A=_measure(one)[0], B=str(raw), C=f"PDT{number}", E=f"VPN{number}")


def _polygons(task: etree._Element, prescription: Prescription, labels: Labels) -> None:
    pieces = [(zone, polygon) for zone in prescription.zones for polygon in parts(zone.outline)]
    _check_codes(prescription, len(pieces))
    for code, (zone, polygon) in enumerate(pieces, 3):
        _zone(task, code, labels.zone.format(n=zone.number), prescription.products, zone.rate_kg_ha, polygon)


def _cells(task: etree._Element, prescription: Prescription, layout: str, cells: ZoneCells, labels: Labels) -> bytes:
    """The grid's entry, and its binary: a zone code a cell (grid1) or a rate a cell and product (grid2)."""
    place = {
        "A": _degrees(cells.south_deg),
        "B": _degrees(cells.west_deg),
        "C": _degrees(cells.north_step_deg),
        "D": _degrees(cells.east_step_deg),
        "E": str(cells.zone.shape[1]),
        "F": str(cells.zone.shape[0]),
        "G": _GRID,
    }
    if layout == "grid1":
        _check_codes(prescription, len(prescription.zones))
        for code, zone in enumerate(prescription.zones, 3):
            _zone(task, code, labels.zone.format(n=zone.number), prescription.products, zone.rate_kg_ha)
        content = np.where(cells.zone > 0, cells.zone + 2, 0).astype("u1").tobytes()
        more = {"I": "1"}
    else:
        _zone(task, 3, labels.zone.format(n=""), prescription.products, [0.0] * len(prescription.products))
        rates = [prescription.outside_kg_ha, *(zone.rate_kg_ha for zone in prescription.zones)]
        raw = np.array([_raw(prescription.products, one) for one in rates], "<i4")
        content = raw[cells.zone].tobytes()
        more = {"I": "2", "J": "3"}
    etree.SubElement(task, "GRD", {**place, "H": str(len(content)), **more})
    return content


def _check_codes(prescription: Prescription, count: int) -> None:
    if count + 3 > _MOST_CODES:
        raise BadInput(
            "RX-ZONES",
            "{field}: {met} zones, and the format takes {limit}",
            "let zones be merged, or take a terminal that reads rates by cells",
            field=prescription.field_id,
            met=count,
            limit=_MOST_CODES - 3,
        )


def _measure(product: Product) -> tuple[str, float, str, str]:
    """DDI, what 1 kg/ha or 1 l/ha is in it, the scale and the unit shown: liquids in litres, all else in kilograms."""
    return _VOLUME if product.density_kg_l else _MASS


def _raw(products: Sequence[Product], rates: Sequence[float]) -> list[int]:
    """Rates [kg/ha] as the whole numbers of the format."""
    return [
        round(rate / (one.density_kg_l or 1.0) * _measure(one)[1]) for one, rate in zip(products, rates, strict=True)
    ]


def _polygon(parent: etree._Element, polygon: Polygon, kind: str) -> None:
    drawn = etree.SubElement(parent, "PLN", A=kind)
    for ring, where in [(polygon.exterior, "1"), *((hole, "2") for hole in polygon.interiors)]:
        line = etree.SubElement(drawn, "LSG", A=where)
        for east, north in ring.coords:
            etree.SubElement(line, "PNT", A="2", C=_degrees(north), D=_degrees(east))


def _degrees(value: float) -> str:
    return f"{value:.9f}"


def parts(shape: MultiPolygon | Polygon) -> Iterator[Polygon]:
    """The polygons of an outline, sound with the nine digits that are written: by rounding, close rings would cross."""
    for part in shapely.get_parts(shapely.set_precision(shape, _DEGREE)):
        if part.geom_type == "Polygon" and not part.is_empty:
            yield part
