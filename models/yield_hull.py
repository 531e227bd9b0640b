"""Where a model knows its way: rows near enough to what it was fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agro.domain.errors import Refusal
from models.gaps import standardised
from models.yield_words import in_words

Array = np.ndarray

_NEIGHBOURS = 3  # [1] the third nearest row: two alone may be chance. source: ours
_ROWS_AT_ONCE = 2_000  # [1] bounds memory


@dataclass(frozen=True)
class Hull:
    """Rows that are known: features of mean 0 and deviation 1 (0 where unknown), and how far from them is too far.

    lowest, highest   of each feature, in its own unit
    known_share       of each feature: rows on record that know it [1]
    """

    names: tuple[str, ...]
    middle: Array
    spread: Array
    rows: Array
    farthest: float
    lowest: Array
    highest: Array
    known_share: Array


def hull_of(seen: pd.DataFrame, names: Sequence[str], margin: float) -> Hull:
    """The hull of the rows that a model is fitted to.

    seen     a row a unit and season: `season` [a] and the features
    names    of the features [-]
    margin   times the farthest that a left-out season's row lay from the other seasons' [1]
    returns  Hull; distances are roots of the mean square over features of deviation 1 [1]
    source   ours: nearest neighbours need no shape of the cloud; a convex hull of so many features holds nothing
    """
    values = seen[list(names)].to_numpy("float64")
    known = np.isfinite(values)
    middle, spread = standardised(values)
    rows = np.nan_to_num((values - middle) / spread)
    season = seen["season"].to_numpy()
    away = [_away(rows[season == one], rows[season != one]).max() for one in np.unique(season)]
    lowest, highest = (figure(np.where(known, values, middle), axis=0) for figure in (np.min, np.max))
    return Hull(tuple(names), middle, spread, rows, margin * float(np.max(away)), lowest, highest, known.mean(axis=0))


def outside(hull: Hull, asked: pd.DataFrame) -> list[Refusal | None]:
    """Which rows lie too far from all that is known.

    hull     of the model
    asked    rows with its features
    returns  for each row None [-], or the refusal that names the feature which is farthest out
    source   ours
    """
    values = asked[list(hull.names)].to_numpy("float64")
    rows = np.nan_to_num((values - hull.middle) / hull.spread)
    far = _away(rows, hull.rows) > hull.farthest
    return [_told(hull, values[i]) if far[i] else None for i in range(len(asked))]


def _away(rows: Array, known: Array) -> Array:
    """The distance of each row to its third nearest known one."""
    place = min(_NEIGHBOURS, len(known)) - 1
    told = np.empty(len(rows))
    square = (known**2).sum(axis=1)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        distance2 = (part**2).sum(axis=1)[:, None] + square[None] - 2 * part @ known.T
        nearest = np.partition(distance2, place, axis=1)[:, place]
        told[first : first + len(part)] = np.sqrt(np.maximum(nearest, 0) / max(known.shape[1], 1))
    return told


def _told(hull: Hull, row: Array) -> Refusal:
    beyond = np.maximum(hull.lowest - row, row - hull.highest) / hull.spread
    worst = int(np.nanargmax(np.where(np.isfinite(beyond), beyond, -np.inf)))
    facts = {"feature": in_words(hull.names[worst]), "met": f"{row[worst]:.4g}", "low": f"{hull.lowest[worst]:.4g}", "high": f"{hull.highest[worst]:.4g}"}  # fmt: skip  # noqa: E501
    return Refusal(
        "FORECAST-OUTSIDE",
        "unlike all seasons on record: {feature} is {met}, known are {low} to {high}",
        "check the input; such a season is not foreseen from those before",
        facts,
    )
