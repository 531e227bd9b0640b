"""A prescription in the store: zones, map of rates, page, files for terminals with their proof, item."""

import json
from dataclasses import asdict
from typing import Any

import geopandas as gpd
import numpy as np
from rasterio.features import rasterize

from agro.domain.errors import AgroError, Refusal
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS
from agro.domain.work import Prescription
from agro.reports.prescription_sheet import prescription_picture
from agro.reports.prescription_words import as_facts
from agro.store import rasters
from agro.store import stac as items
from agro.store.publish import Published, publish
from flows.advice_office import Office
from flows.field_prescription import Draft
from flows.prescription_sheets import crop_title, named, sheet_of
from flows.terminal_files import TerminalFile, terminal_file, terminal_named

_GEOJSON, _PNG, _JSON = "application/geo+json", "image/png", "application/json"
_KINDS = {".zip": "application/zip", ".geojson": _GEOJSON, ".gpkg": "application/geopackage+sqlite3"}


def keep_prescription(office: Office, made: Draft, zones: bytes) -> tuple[Published, list[Refusal]]:
    """Publish a draft; `zones` are the prescription as it is written. Gives also why a terminal gets no file."""
    files, refused = _files(office, made.prescription)
    language, rx, place = office.settings.ui.language, made.prescription, made.case.place
    sheet = sheet_of(office, made, files, refused)
    content = {"zones": zones, "sheet": prescription_picture(sheet, language)}
    assets: dict[str, dict[str, Any]] = {
        "zones": _asset("zones.geojson", _GEOJSON, "zones with their rates"),
        "sheet": _asset("sheet.png", _PNG, "the page of the prescription"),
    }
    grid = around(office.land.crs, office.land.on_grid.iloc[made.case.number].bounds, LAYERS["rate"].resolution_m)
    for name, stored in _rates(rx, grid).items():
        cog = rasters.to_cog(LAYERS["rate"], stored, grid)
        content[name] = b"".join(cog.content)
        about = rasters.described(LAYERS["rate"], cog.counted)
        assets[name] = items.raster_asset(name, LAYERS["rate"].meaning, grid, about)
    if made.trial is not None:
        content["trial"] = made.trial.to_json(drop_id=True).encode()
        assets["trial"] = _asset("trial.geojson", _GEOJSON, "strips that would settle whether to vary")
    for name, file in files.items():
        key = name.lower().replace(".", "-")
        content[key] = file.content
        assets[key] = _asset(name, _KINDS[name[name.rindex(".") :]], f"the file for {file.proof['title']}")
    if files:
        content["proof"] = _json({name: file.proof for name, file in files.items()})
        assets["proof"] = _asset("proof.json", _JSON, "what an independent reader found in the files")
    properties = _told(office, made, list(files))
    item = items.item(rx.prescription_id, items.bbox_of(grid), properties, assets)
    return publish(office.store, place, content, item), refused


def _files(office: Office, prescription: Prescription) -> tuple[dict[str, TerminalFile], list[Refusal]]:
    """The proved files by name, of each terminal that is named; or why one gets none."""
    files: dict[str, TerminalFile] = {}
    refused = []
    for code in office.terminals:
        try:
            file = terminal_file(prescription, office.machine, terminal_named(code), office.settings.ui.language)
        except AgroError as error:
            refused.append(error.about(field_id=prescription.field_id))
            continue
        name = file.name
        if name in files:  # two terminals that read files of one name
            name = name.replace(".", f"-{code}.", 1)
        files[name] = file
    return files, refused


def _rates(rx: Prescription, grid: Grid) -> dict[str, np.ndarray]:
    """The rate of each product on the field's pixels, as stored: `doses`, `doses_2`, ..."""
    shapes = gpd.GeoSeries([zone.outline for zone in rx.zones], crs=4326).to_crs(grid.crs)
    maps = {}
    for i in range(len(rx.products)):
        painted = [(shape, zone.rate_kg_ha[i]) for shape, zone in zip(shapes, rx.zones, strict=True)]
        values = rasterize(painted, grid.shape, fill=np.nan, transform=grid.transform, dtype="float64")
        maps["doses" if i == 0 else f"doses_{i + 1}"] = rasters.encode(LAYERS["rate"], values)
    return maps


def _asset(file: str, kind: str, title: str) -> dict[str, Any]:
    return {"href": file, "type": kind, "title": title, "roles": ["data"]}


def _told(office: Office, made: Draft, files: list[str]) -> dict[str, Any]:
    """The item's properties: all that a machine may want to know."""
    rx, certificate = made.prescription, made.heard.certificate
    row = office.land.outlines.iloc[made.case.number]
    return {
        "datetime": f"{office.today.isoformat()}T00:00:00Z",
        "agro:kind": "prescriptions",
        "agro:field_id": rx.field_id,
        "agro:farm": rx.farm_id,
        "agro:district": row["district"] if isinstance(row["district"], str) else None,
        "agro:outline_version": rx.outline_version,
        "agro:made_on": office.today.isoformat(),
        "agro:season": rx.season,
        "agro:crop": rx.crop,
        "agro:planned_yield_t_ha": rx.planned_yield_t_ha,
        "agro:area_ha": round(sum(zone.area_ha for zone in rx.zones), 4),
        "agro:doses_kg_ha": {
            name: {"dose": _plain(one.dose[0]), "low": _plain(one.low[0]), "high": _plain(one.high[0])}
            for name, one in made.doses.items()
        },
        "agro:crop_name": crop_title(rx.crop, office.settings.ui.language),
        "agro:products": [product.code for product in rx.products],
        "agro:product_names": [named(product, office.settings.ui.language) for product in rx.products],
        "agro:rates_kg_ha": [list(zone.rate_kg_ha) for zone in rx.zones],
        "agro:zone_ha": [round(zone.area_ha, 4) for zone in rx.zones],
        "agro:total_kg": [round(total, 2) for total in rx.total_kg],
        "agro:cost": None if made.cost is None else round(made.cost, 2),
        "agro:currency": office.settings.advice.currency,
        "agro:why_uniform": as_facts(rx.why_uniform) if rx.why_uniform else None,
        "agro:certificate": {
            "status": certificate.status,
            "gain_ha": _plain(certificate.gain_ha),
            "low_ha": _plain(certificate.low_ha),
            "high_ha": _plain(certificate.high_ha),
            "by": certificate.by,
            "why": as_facts(certificate.why) if certificate.why else None,
        },
        "agro:told": [as_facts(line) for line in made.told],
        "agro:terminals": list(office.terminals),
        "agro:trial": office.request.trial,
        "agro:look": made.case.looked_at,
        "agro:brought_kg_ha": _brought(rx),
        "agro:machine": asdict(office.machine),
        "agro:files": files,
        "agro:parents": sorted(
            {*(known.parent for known in made.case.known.values()), made.case.acidity.parent} - {""}
        ),
        "agro:simulated": office.settings.imagery.source == "twin",
    }


def _brought(rx: Prescription) -> dict[str, float]:
    """Nutrients that the products bring, the mean over the field [kg/ha]."""
    ground = sum(zone.area_ha for zone in rx.zones)
    names = sorted({name for zone in rx.zones for name in zone.dose_kg_ha})
    return {n: round(sum(z.dose_kg_ha.get(n, 0.0) * z.area_ha for z in rx.zones) / ground, 2) for n in names}


def _plain(value: Any) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, default=str).encode()
