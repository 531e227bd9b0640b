"""Fields that as a whole fall behind their neighbours of the same crop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from agro.agromaps.alerts import BARE, AlertRule
from agro.agromaps.expectation import spread
from agro.domain.alert import Alert


@dataclass
class _Open:
    """A field that is behind: how far it usually stands from its neighbours, since when, how much."""

    usual: float
    usual_nir: float
    since: datetime
    well_at: datetime
    last: datetime
    drop: float
    first_drop: float
    share: float
    noise: float
    looks: int = 1


def fields_behind(
    medians: pd.DataFrame, nir: pd.DataFrame, area_ha: Mapping[str, float], rule: AlertRule
) -> list[Alert]:
    """Fields that as a whole are behind their neighbours of the same crop, by their newest clear looks.

    medians   table (look, field) of the field's median NDVI [1], index = instants (UTC) oldest first, one column a
              field of one crop and district; NaN = not seen clearly
    nir       the same of near infrared [1]
    area_ha   [ha] of each field
    rule      when something counts [-]
    returns   alerts [ha, 1]; none where too few neighbours were seen in the same looks
    source    ours: a field's distance from its neighbours' median is compared with its own distance before; the spread
              of that change among the neighbours is the noise. While all green or ripen quickly, a few days of sowing
              are no loss; and haze, which lowers NDVI, does not lower near infrared
    """
    ahead, level = _from_neighbours(medians, rule)
    darker, _ = _from_neighbours(nir.reindex_like(medians), rule)
    values, seen_at = medians.to_numpy(dtype=float), [instant.to_pydatetime() for instant in medians.index]
    opened: dict[int, _Open] = {}
    for number in range(1, len(values)):
        for place in [i for i in opened if values[number, i] < rule.least_green]:
            del opened[place]  # bare, ripe or harvested
        young = [i for i in range(number) if seen_at[number] - seen_at[i] <= timedelta(days=rule.history_days)]
        usual, usual_nir = (_usual(table, young, rule.history_looks) for table in (ahead, darker))
        for place, standing in opened.items():
            usual[place], usual_nir[place] = standing.usual, standing.usual_nir
        change, nir_change = ahead[number] - usual, darker[number] - usual_nir
        if np.isfinite(change).sum() <= rule.least_neighbours:
            continue
        noise = max(spread(change), rule.least_noise)
        least = max(rule.least_drop, rule.noise_multiple * noise) + _shift(level, seen_at, number, rule.sowing_days)
        for place in np.flatnonzero(np.isfinite(change) & (values[number] >= rule.least_green)).tolist():
            drop, one = -float(change[place]), opened.get(place)
            share = drop / max(float(level[number]) - BARE, 0.1)
            if one is None and drop > least and nir_change[place] <= -rule.least_dark:
                before = max(i for i in young if np.isfinite(ahead[i, place]))
                at = seen_at[number]
                kept = float(usual[place]), float(usual_nir[place])
                opened[place] = _Open(*kept, at, seen_at[before], at, drop, drop, share, noise)
            elif one is not None and share < rule.part_of_drop_left * one.share:
                del opened[place]
            elif one is not None:
                one.drop, one.share, one.looks, one.last = drop, max(share, one.share), one.looks + 1, seen_at[number]
    return [_alert(str(medians.columns[i]), one, area_ha) for i, one in opened.items()]


def _from_neighbours(table: pd.DataFrame, rule: AlertRule) -> tuple[np.ndarray, np.ndarray]:
    """How far each field stands above the median of all in a look, and that median; NaN where too few are seen."""
    values = table.to_numpy(dtype=float)
    level = np.full(len(values), np.nan)
    enough = np.isfinite(values).sum(axis=1) > rule.least_neighbours
    level[enough] = np.nanmedian(values[enough], axis=1)
    return values - level[:, None], level


def _usual(ahead: np.ndarray, young: Sequence[int], looks: int) -> np.ndarray:
    """Each field's mean distance in its newest looks; NaN where there is none."""
    usual = np.full(ahead.shape[1], np.nan)
    for place in range(ahead.shape[1]):
        own = [ahead[i, place] for i in young if np.isfinite(ahead[i, place])][-looks:]
        if own:
            usual[place] = float(np.mean(own))
    return usual


def _shift(level: np.ndarray, seen_at: Sequence[datetime], number: int, days: float) -> float:
    """How much the neighbours change in so many days, one way or the other [1].

    Measured over no fewer days: what two looks of one week have in common errors is no growth.
    """
    ages = [(seen_at[number] - at).total_seconds() / 86_400 for at in seen_at[:number]]
    before = [i for i, known in enumerate(np.isfinite(level[:number])) if known]
    if not before or not np.isfinite(level[number]):
        return 0.0
    then = max((i for i in before if ages[i] >= days), default=before[0])
    return abs(float(level[number] - level[then])) * days / max(ages[then], days)


def _alert(field_id: str, one: _Open, area_ha: Mapping[str, float]) -> Alert:
    return Alert(
        field_id,
        "field_behind",
        "neighbours",
        one.since,
        one.well_at,
        one.last,
        area_ha[field_id],
        one.drop,
        one.first_drop,
        one.noise,
        one.looks,
        0.0,
        0.0,
        (),
    )
