"""What goes wrong in some fields: hail, disease, a strip that was missed. Planted, and kept as truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agro.twin.chance import chance
from agro.twin.land import Ground


@dataclass(frozen=True)
class Harm:
    """One event: its field's number, kind, day from 1 April, strength [1] and pixels (rows, columns)."""

    field: int
    kind: str
    day: int
    strength: float
    rows: np.ndarray
    columns: np.ndarray


def planted(ground: Ground, season: int, rules: Mapping[str, Any], seed: int) -> list[Harm]:
    """The events of one district's season."""
    events = []
    for number, field_id in enumerate(ground.field_ids, start=1):
        random = chance(seed, "harm", field_id, season)
        if random.random() > rules["field_share"]:
            continue
        rows, columns = (ground.field == number).nonzero()
        kind = str(random.choice(["hail", "disease", "missed_strip"]))
        middle = random.integers(len(rows))
        inside = _shape(kind, rows - rows[middle], columns - columns[middle], rules, random)
        first, last = rules["days"]
        day = 0 if kind == "missed_strip" else int(random.integers(first, last))
        strength = float(random.uniform(*rules[f"{kind}_strength"]))
        events.append(Harm(number, kind, day, strength, rows[inside], columns[inside]))
    return events


def _shape(
    kind: str, south: np.ndarray, east: np.ndarray, rules: Mapping[str, Any], random: np.random.Generator
) -> np.ndarray:
    """Which pixels around the middle are hit: a strip across the field, or an ellipse of so many hectares."""
    turn = random.uniform(0, np.pi)
    along, across = np.cos(turn) * east + np.sin(turn) * south, -np.sin(turn) * east + np.cos(turn) * south
    if kind == "missed_strip":
        return np.asarray(np.abs(across) <= rules["strip_width_m"] / 20)  # [px] of 10 m on each side
    size_px, stretch = random.uniform(*rules["area_ha"]) * 100, random.uniform(1, 2.5)
    radius = np.sqrt(size_px / np.pi)
    return np.asarray((along / (radius * stretch)) ** 2 + (across / (radius / stretch)) ** 2 <= 1)
