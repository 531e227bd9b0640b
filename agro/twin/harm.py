"""What goes wrong in some fields: hail, disease, a strip that was missed. Planted, and kept as truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agro.twin.chance import chance
from agro.twin.growth import Event, State


@dataclass(frozen=True)
class Harm:
    """One event in a field: its kind, day from 1 April, strength [1] and pixels, counted among the field's."""

    kind: str
    day: int
    strength: float
    pixels: np.ndarray


def planted(
    field_id: str, season: int, x_m: np.ndarray, y_m: np.ndarray, rules: Mapping[str, Any], seed: int
) -> Harm | None:
    """What happens to a field in a season, if anything; x and y [m] of its pixels."""
    random = chance(seed, "harm", field_id, season)
    if random.random() > rules["field_share"]:
        return None
    middle = random.integers(len(x_m))
    kind = str(random.choice(["hail", "disease", "missed_strip"]))
    inside = _shape(kind, x_m - x_m[middle], y_m - y_m[middle], rules, random)
    day = 0 if kind == "missed_strip" else int(random.integers(*rules["days"]))
    return Harm(kind, day, float(random.uniform(*rules[f"{kind}_strength"])), np.flatnonzero(inside))


def _shape(
    kind: str, east_m: np.ndarray, north_m: np.ndarray, rules: Mapping[str, Any], random: np.random.Generator
) -> np.ndarray:
    """Which pixels around the middle are hit: a strip across the field, or an ellipse of so many hectares."""
    turn = random.uniform(0, np.pi)
    along, across = np.cos(turn) * east_m + np.sin(turn) * north_m, np.cos(turn) * north_m - np.sin(turn) * east_m
    if kind == "missed_strip":
        return np.asarray(np.abs(across) <= rules["strip_width_m"] / 2)
    radius_m, stretch = np.sqrt(random.uniform(*rules["area_ha"]) * 1e4 / np.pi), random.uniform(1, 2.5)
    return np.asarray((along / (radius_m * stretch)) ** 2 + (across / (radius_m / stretch)) ** 2 <= 1)


def thinned(stand: np.ndarray, harms: Sequence[Harm]) -> np.ndarray:
    """The density of the stand with the strips that were missed; the harms' pixels count in `stand`."""
    stand = stand.copy()
    for harm in harms:
        if harm.kind == "missed_strip":
            stand[harm.pixels] *= 1 - harm.strength
    return stand


def hurting(harms: Sequence[Harm]) -> Event:
    """What takes the leaves that hail strikes on its day, and those that disease eats from its first day on."""
    active = [harm for harm in harms if harm.kind != "missed_strip" and len(harm.pixels)]

    def event(state: State) -> State:
        today = [h for h in active if state.day == h.day or (h.kind == "disease" and state.day > h.day)]
        if not today:
            return state
        lai, dead, matter = state.lai.copy(), state.dead_lai.copy(), state.matter_g_m2.copy()
        for harm in today:
            lost = harm.strength * lai[..., harm.pixels]
            lai[..., harm.pixels] -= lost
            dead[..., harm.pixels] += lost
            matter[..., harm.pixels] *= 1 - 0.5 * harm.strength
        return replace(state, lai=lai, dead_lai=dead, matter_g_m2=matter)

    return event
