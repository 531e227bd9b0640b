"""Strips of different nitrogen on some fields, repeated and drawn by lot, as a farm and a scientist would lay them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agro.twin.chance import chance

TRIED = ("spring_wheat", "barley", "oats", "rapeseed")


@dataclass(frozen=True)
class Strips:
    """A trial's pixels: which strip and repetition each lies in (-1: none), and its nitrogen [kg/ha] (NaN: the farm's).

    along_m [m] is the place along the strips from the field's middle, turn [rad] their direction from east.
    """

    strip: np.ndarray
    rep: np.ndarray
    n_kg_ha: np.ndarray
    along_m: np.ndarray
    turn: float


def laid_out(
    field_id: str, season: int, x_m: np.ndarray, y_m: np.ndarray, rules: Mapping[str, Any], seed: int
) -> Strips:
    """The trial of a field and season, along its longer side through its middle; x and y [m] of its pixels."""
    random = chance(seed, "trial", field_id, season)
    turn = _longer_side(x_m, y_m)
    x, y = x_m - x_m.mean(), y_m - y_m.mean()
    across = np.cos(turn) * y - np.sin(turn) * x
    rates = np.array(rules["rates_kg_ha"], float)
    number, reps = len(rates), int(rules["reps"])
    order = np.concatenate([random.permutation(rates) for _ in range(reps)])
    strip = np.floor(across / rules["strip_width_m"] + number * reps / 2).astype(int)
    strip = np.where((strip >= 0) & (strip < number * reps), strip, -1)
    rate = np.where(strip >= 0, order[np.maximum(strip, 0)], np.nan)
    return Strips(strip, np.where(strip >= 0, strip // number, -1), rate, np.cos(turn) * x + np.sin(turn) * y, turn)


def _longer_side(x_m: np.ndarray, y_m: np.ndarray) -> float:
    spread = np.cov(np.stack([x_m, y_m]))
    east, north = np.linalg.eigh(spread)[1][:, 1]
    return float(np.arctan2(north, east))


def as_weighed(yields_t_ha: np.ndarray, strips: Strips, scale: float, random: np.random.Generator) -> np.ndarray:
    """What a combine shows on the pixels of a trial: its scale, a noise of each pixel, a drift along each strip."""
    drift = random.normal(0, 0.02, strips.strip.max() + 2)[strips.strip]
    return np.asarray(yields_t_ha * scale * (1 + drift + random.normal(0, 0.06, yields_t_ha.shape)))
