"""Before sowing: prescriptions for the fields of a farm or district, or for one, each whole in the store."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from prefect import flow

from agro.advice.prescription import check_balance
from agro.domain.errors import AgroError, BadInput, Refusal
from agro.reports.words import say
from agro.store.index import Index, opened
from agro.store.prescriptions import from_geojson, to_geojson
from agro.store.publish import Published, writing
from agro.store.terminal_drive import polygon_ha
from flows.advice_office import Office, Request, open_office
from flows.field_case import open_case
from flows.field_prescription import draft
from flows.plan import Land, read_land
from flows.prescription_items import keep_prescription
from flows.prescription_sheets import crop_title
from flows.progress import progress
from flows.published_prescriptions import unknown_field
from flows.settings import Settings, load
from flows.simulated import records_of
from flows.soil_maps import make_soil
from flows.top_dressing import for_looking

_NEED_NOTHING = ("RX-ZERO", "RX-FALLOW")  # refusals that say that a field needs no fertiliser: no fault


@dataclass(frozen=True)
class Prescribed:
    """What came of it: a result a field, how many were there before, fields that need nothing, refusals."""

    results: tuple[Published, ...]
    before: int
    nothing: tuple[Refusal, ...]
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
    records, day = records_of(settings, land), today or datetime.now(UTC).date()
    results, before, nothing, refused = [], 0, list[Refusal](), list[Refusal]()
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        numbers, absent = _fields(land, request)
        refused += make_soil(settings, land, records.soil, store, index, day)
        office, bad = open_office(settings, request, land, store, index, day)
        mine = set(land.outlines["field_id"].iloc[numbers])
        refused += bad + absent + [one for one in land.refused if one.field_id is None or one.field_id in mine]
        with progress(say("Prescriptions", settings.ui.language), len(numbers)) as step:
            for number in numbers:
                field_id = str(land.outlines["field_id"].iloc[number])
                try:
                    result, old, stale = _one(office, number)
                    results.append(result)
                    before += old
                    refused += stale
                except AgroError as error:
                    why = _named(error.about(field_id=field_id), settings.ui.language)
                    (nothing if why.code in _NEED_NOTHING else refused).append(why)
                step(field_id)
    return Prescribed(tuple(results), before, tuple(nothing), tuple(refused), time.monotonic() - started)


def _named(why: Refusal, language: str) -> Refusal:
    """A refusal that tells a crop by its name, not by its code."""
    code = why.facts.get("crop")
    return why if code is None else replace(why, facts={**why.facts, "crop": crop_title(code, language)})


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
    unknown = [name for name in request.field_ids if name not in known]
    absent = [of_land.get(name) or unknown_field(land, name).about(field_id=name) for name in unknown]
    if not chosen.any() and not absent:
        raise BadInput(
            "RX-NO-FIELD",
            "no field is of {met}",
            "check --farm and --district against the outlines",
            met=", ".join(name for name in (request.farm, request.district) if name) or "-",
        )
    return [int(i) for i in np.flatnonzero(chosen)], absent


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
    zones = to_geojson(made.prescription)
    _check(zones, case.place, polygon_ha(office.land.outlines.geometry.iloc[number]))
    result, no_files = keep_prescription(office, made, zones)
    office.index.add(result)
    return result, False, [*stale, *no_files]


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
