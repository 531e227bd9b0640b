"""Prescriptions as the store has them: the newest of a field, and its file for another terminal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from shapely import Geometry

from agro.domain.errors import BadInput, Told
from agro.domain.work import Machine, Prescription
from agro.store.index import Index, opened
from agro.store.prescriptions import from_geojson
from agro.store.publish import Published, Store, read_asset
from flows.plan import Land, read_land
from flows.settings import Settings
from flows.terminal_files import terminal_file
from flows.terminal_list import terminal_named


@dataclass(frozen=True)
class Again:
    """Files by name: what the terminal gets and its proof; and what a person is told."""

    files: Mapping[str, bytes]
    told: tuple[Told, ...]


def newest(index: Index, field_id: str) -> Published | None:
    """The newest published prescription of a field, where there is one."""
    own = [result for result in index.items("prescriptions") if result.properties["agro:field_id"] == field_id]
    return own[-1] if own else None


def nitrogen_prescribed(index: Index, field_id: str, outline_version: str, season: int) -> float:
    """What the last prescription of nitrogen for a field's season brings [kg/ha]; 0 where there is none."""
    own = [
        result.properties["agro:brought_kg_ha"].get("n", 0.0)
        for result in index.items("prescriptions")
        if (result.properties["agro:field_id"], result.properties["agro:season"]) == (field_id, season)
        and result.properties["agro:outline_version"] == outline_version
        and "n" in result.properties["agro:doses_kg_ha"]
        and not result.properties["agro:look"]
    ]
    return float(own[-1]) if own else 0.0


def read(store: Store, result: Published) -> Prescription:
    """The prescription that was published. Raises TornFile."""
    return from_geojson(read_asset(store, result, "zones"), result.place)


def field_of(land: Land, field_id: str) -> tuple[Geometry, str]:
    """A field's outline [m] and its version. Raises BadInput."""
    at = land.outlines.index[land.outlines["field_id"] == field_id]
    if not len(at):
        raise unknown_field(land, field_id)
    return land.on_grid.loc[at[0]], str(land.outlines["version"].loc[at[0]])


def unknown_field(land: Land, field_id: str) -> BadInput:
    """What is said of a field that nobody knows."""
    return BadInput(
        "RX-FIELD",
        "there is no field {met} among the outlines",
        "fields are for instance {expected}",
        met=field_id,
        expected=", ".join(land.outlines["field_id"].astype(str)[:5]),
    )


def again(settings: Settings, store: Store, field_id: str, terminal: str) -> Again:
    """The newest prescription of a field as the file of a terminal, with its proof. Raises BadInput, NotProved."""
    wanted = terminal_named(terminal)
    _, version = field_of(read_land(settings), field_id)
    with opened(store) as index:
        result = newest(index, field_id)
    if result is None:
        raise BadInput(
            "RX-NONE",
            "the store has no prescription of the field {met}",
            "make one with `agro prescribe --field ID`",
            met=field_id,
        )
    if result.properties["agro:outline_version"] != version:
        raise BadInput(
            "RX-STALE",
            "{field}: its outline changed after the prescription of {day}; no file is written from it",
            "make the prescription again with `agro prescribe --field ID`",
            field=field_id,
            day=str(result.properties["datetime"])[:10],
        )
    machine = Machine(**result.properties["agro:machine"])
    made = terminal_file(read(store, result), machine, wanted, settings.ui.language)
    proof = json.dumps({**made.proof, "prescription": result.place}, ensure_ascii=False, indent=1).encode()
    return Again({made.name: made.content, "proof.json": proof}, made.told)
