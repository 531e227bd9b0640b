"""What the takers of `ingest` share: the place of an item in the local catalogue, and what is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agro.domain.errors import BadInput, Refusal, Told
from agro.store import catalogue
from agro.store.publish import Published, Store


@dataclass(frozen=True)
class Taken:
    """One thing in the catalogue: from which file, where it stands, what it is in a sentence, whether it is new.

    `told` are warnings: what was left out of it, and why. `report` are figures for machines.
    """

    source: str
    place: str
    sentence: Told
    new: bool
    told: tuple[Refusal, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)


def known(store: Store, place: str, inputs: str, path: Path) -> Published | None:
    """What stands at a place already, or None. Raises BadInput where it was made of something else."""
    there = catalogue.found(store, place)
    if there is not None and there.properties[catalogue.INPUTS] != inputs:
        raise BadInput(
            "INGEST-OTHER",
            "{where}: the catalogue has {place}, made of other content of this name",
            "nothing is overwritten: move that folder away if it is wrong, and take this in again",
            where=path.name,
            place=place,
        )
    return there
