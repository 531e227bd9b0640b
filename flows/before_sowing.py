"""Before sowing: prescriptions for the fields of a farm or district, or for one, each whole in the store."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
from prefect import flow
from rasterio.features import rasterize

from agro.advice.prescription import check_balance
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.grid import Grid, around
from agro.domain.layers import LAYERS
from agro.domain.work import Prescription
from agro.reports.prescription_sheet import prescription_pdf, prescription_picture
from agro.reports.prescription_words import as_facts
from agro.reports.words import say
from agro.store import rasters
from agro.store import stac as items
from agro.store.index import Index, opened
from agro.store.prescriptions import from_geojson, to_geojson
from agro.store.publish import Published, Store, publish, writing
from agro.store.terminal_drive import polygon_ha
from flows.advice_office import Office, Request, open_office
from flows.field_case import open_case
from flows.field_prescription import Draft, draft
from flows.plan import Land, read_land
from flows.prescription_sheets import crop_title, named, sheet_of
from flows.progress import progress
from flows.settings import Settings, load
from flows.soil_maps import make_soil
from flows.terminal_files import TerminalFile, terminal_file, terminal_named
from flows.top_dressing import for_looking

_GEOJSON, _PNG, _PDF, _ZIP = "application/geo+json", "image/png", "application/pdf", "application/zip"


@dataclass(frozen=True)
class Prescribed:
    """What came of it: a result a field, which of them were there before, earlier ones that hold no more, refusals."""

    results: tuple[Published, ...]
    before: int
    failed: tuple[Refusal, ...]
    seconds: float = field(compare=False)


@flow(name="before-sowing")
def before_sowing(
    config: str = "default", overrides: Sequence[str] = (), request: dict[str, Any] | None = None
) -> list[str]:
    """Make the prescriptions that are missing; gives their places. `request` has the names of `Request`."""
    wanted: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in (request or {}).items()}
    return [result.place for result in prescribe(load(config, overrides), Request(**wanted)).results]


def prescribe(settings: Settings, request: Request, today: date | None = None) -> Prescribed:
    """The same without Prefect. Nothing is made twice; a field that cannot be served is refused by name.

    Raises BadInput where nothing can be done at all.
    """
    started, land = time.monotonic(), read_land(settings)
    day = today or datetime.now(UTC).date()
    if request.terminal or settings.advice.terminal:
        terminal_named(request.terminal or settings.advice.terminal)
    results, before, refused = [], 0, list[Refusal]()
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        numbers, absent = _fields(land, request)
        if settings.records.soil is not None:
            refused += make_soil(settings, land, settings.records.soil, store, index, day)
        office, bad = open_office(settings, request, land, store, index, day)
        refused += bad + absent
        with progress(say("Prescriptions", settings.ui.language), len(numbers)) as step:
            for number in numbers:
                field_id = str(land.outlines["field_id"].iloc[number])
                try:
                    result, old, stale = _one(office, number)
                    results.append(result)
                    before += old
                    refused += stale
                except AgroError as error:
                    refused.append(error.about(field_id=field_id))
                step(field_id)
    return Prescribed(tuple(results), before, tuple(refused), time.monotonic() - started)


def _fields(land: Land, request: Request) -> tuple[list[int], list[Refusal]]:
    """The numbers of the fields asked for, and the ids that nobody knows."""
    table = land.outlines
    chosen = np.ones(len(table), bool)
    if request.field_ids:
        chosen &= table["field_id"].isin(request.field_ids).to_numpy()
    for column, value in (("farm_id", request.farm), ("district", request.district)):
        if value is not None:
            chosen &= (table[column] == value).to_numpy()
    known = set(table["field_id"])
    of_land = {str(one.field_id): one for one in land.refused if one.field_id}
    absent = [of_land.get(name) or _unknown(name, table) for name in request.field_ids if name not in known]
    if not chosen.any() and not absent:
        raise BadInput(
            "RX-NO-FIELD",
            "no field is of {met}",
            "check --farm and --district against the outlines",
            met=", ".join(name for name in (request.farm, request.district) if name) or "-",
        )
    return [int(i) for i in np.flatnonzero(chosen)], absent


def _unknown(field_id: str, table: gpd.GeoDataFrame) -> Refusal:
    return BadInput(
        "RX-FIELD",
        "there is no field {met} among the outlines",
        "fields are for instance {expected}",
        met=field_id,
        expected=", ".join(table["field_id"].head(5)),
    ).about(field_id=field_id)


def _one(office: Office, number: int) -> tuple[Published, bool, list[Refusal]]:
    """A field's prescription: the result, whether it was there before, and earlier ones of an outline that changed."""
    case = open_case(office, number)
    version = str(office.land.outlines["version"].iloc[number])
    stale = _stale(office.index, case.field_id, version)
    there = office.index.at(case.place)
    if there is not None:
        return there, True, stale
    try:
        made = draft(office, case)
    except AgroError as error:
        if error.refusal.code == "TOP-NO-STRIP":
            for_looking(office, case)
        raise
    content = to_geojson(made.prescription)
    _check(content, case.place, polygon_ha(office.land.outlines.geometry.iloc[number]))
    file, no_file = _file(office, made.prescription)
    result = _keep(office.store, office, made, content, file, no_file)
    office.index.add(result)
    return result, False, [*stale, *([no_file] if no_file else [])]


def _stale(index: Index, field_id: str, version: str) -> list[Refusal]:
    """The field's earlier prescriptions that were made for another outline."""
    own = [r for r in index.items("prescriptions") if r.properties["agro:field_id"] == field_id]
    old = [r for r in own if r.properties["agro:outline_version"] != version]
    return [
        BadInput(
            "RX-OUTLINE",
            "the prescription of {day} was made for an outline that has changed since",
            "do not drive its files ({place}); this run made a new one",
            day=str(result.properties["agro:made_on"]),
            place=result.place,
        ).about(field_id=field_id)
        for result in old[-1:]
    ]


def _check(content: bytes, where: str, field_ha: float) -> None:
    """Whether the zones as they are written hold what is ordered, on the field's ground. Raises BalanceOpen."""
    read = from_geojson(content, where)
    drawn = np.sum([np.asarray(zone.rate_kg_ha) * polygon_ha(zone.outline) for zone in read.zones], axis=0)
    check_balance(read.zones, drawn.tolist(), field_ha)


def _file(office: Office, prescription: Prescription) -> tuple[TerminalFile | None, Refusal | None]:
    """The proved file for the terminal, where one is named; or why there is none."""
    if not office.machine.terminal:
        return None, None
    try:
        terminal = terminal_named(office.machine.terminal)
        return terminal_file(prescription, office.machine, terminal, office.settings.ui.language), None
    except AgroError as error:
        return None, error.about(field_id=prescription.field_id)


def _keep(
    store: Store, office: Office, made: Draft, zones: bytes, file: TerminalFile | None, no_file: Refusal | None
) -> Published:
    """Publish it with its map, its page and its file."""
    language, rx, place = office.settings.ui.language, made.prescription, made.case.place
    sheet = sheet_of(office, made, file, no_file)
    content = {
        "zones": zones,
        "sheet": prescription_picture(sheet, language),
        "print": prescription_pdf(sheet, language),
    }
    assets: dict[str, dict[str, Any]] = {
        "zones": _asset("zones.geojson", _GEOJSON, "zones with their rates"),
        "sheet": _asset("sheet.png", _PNG, "the page of the prescription"),
        "print": _asset("sheet.pdf", _PDF, "the same for the printer"),
    }
    grid = around(office.land.crs, office.land.on_grid.iloc[made.case.number].bounds, LAYERS["rate"].resolution_m)
    for name, stored in _rates(rx, grid).items():
        content[name] = rasters.to_cog(LAYERS["rate"], stored, grid)
        assets[name] = items.raster_asset(name, LAYERS["rate"].meaning, grid, rasters.described(LAYERS["rate"], stored))
    if made.trial is not None:
        content["trial"] = made.trial.to_json(drop_id=True).encode()
        assets["trial"] = _asset("trial.geojson", _GEOJSON, "strips that would settle whether to vary")
    if file is not None:
        content |= {"file": file.content, "proof": _json(file.proof)}
        assets |= {
            "file": _asset(file.name, _ZIP, "the file for the terminal"),
            "proof": _asset("proof.json", "application/json", "what an independent reader found in the file"),
        }
    properties = _told(office, made, file)
    return publish(store, place, content, items.item(rx.prescription_id, items.bbox_of(grid), properties, assets))


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


def _told(office: Office, made: Draft, file: TerminalFile | None) -> dict[str, Any]:
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
        "agro:terminal": office.machine.terminal or None,
        "agro:trial": office.request.trial,
        "agro:look": made.case.looked_at,
        "agro:brought_kg_ha": _brought(rx),
        "agro:machine": asdict(office.machine),
        "agro:file": file.name if file else None,
        "agro:parents": sorted({known.parent for known in made.case.known.values()} - {""}),
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
