"""What falls behind: parts of a field against the rest of it, a field against its neighbours of the same crop.

Raw clear looks are compared, never a smoothed curve: a smoother sees a sudden loss late and halves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from scipy import ndimage

from agro.domain.alert import Alert

_MAD = 1.4826  # [1] deviation of a normal distribution over its median absolute deviation
_TRIM = 2.5  # [1] deviations: pixels farther from the line are left out of the next fit
_NEIGHBOURS = np.ones((3, 3))


@dataclass(frozen=True)
class AlertRule:
    """When something counts as behind; the file of facts says where each number comes from.

    least_area_ha [ha], least_drop [1] NDVI, noise_multiple [1], part_of_drop_left [1] below which it has recovered,
    least_noise [1] NDVI, history_looks, history_days [d], least_seen [1] share of the field, least_neighbours,
    least_green [1] NDVI of the field below which nothing can fall behind, growth_share [1] of the field's own change
    since then by which its parts may differ
    """

    least_area_ha: float
    least_drop: float
    noise_multiple: float
    part_of_drop_left: float
    least_noise: float
    history_looks: int
    history_days: float
    least_seen: float
    least_neighbours: int
    least_green: float
    growth_share: float


@dataclass
class _Open:
    """A part that is behind: its pixels, what they were before it began, since when, how much."""

    pixels: np.ndarray
    before: np.ndarray
    since: datetime
    drop: float
    noise: float
    last: datetime
    residual: np.ndarray = field(default_factory=lambda: np.zeros(1))
    looks: int = 1


def parts_behind(
    field_id: str,
    ndvi: np.ndarray,
    seen_at: Sequence[datetime],
    corner: tuple[float, float],
    pixel_m: float,
    rule: AlertRule,
) -> list[Alert]:
    """Parts of a field that are behind at its newest clear look.

    field_id  name [-]
    ndvi      (look, y, x) [1] of the field's own pixels, oldest look first; NaN = outside the field or not clear
    seen_at   one instant a look (UTC)
    corner    west and north edge of the array [m]
    pixel_m   pixel size [m]
    rule      when something counts [-]
    returns   alerts, the largest first [ha, 1]; none where fewer than two looks are clear enough
    source    ours: each look is fitted by a straight line to the mean of the looks before; what stays below the line
              over a connected area is behind until it is back. Sudden loss and slow decay both show, a pattern that the
              soil draws every year does not
    """
    inside = np.isfinite(ndvi).any(axis=0)
    seen = [bool(np.isfinite(now).sum() >= rule.least_seen * inside.sum()) for now in ndvi]
    telling = [ok and bool(np.nanmedian(now) >= rule.least_green) for ok, now in zip(seen, ndvi, strict=True)]
    opened: list[_Open] = []
    for number in np.flatnonzero(seen).tolist():
        now = ndvi[number]
        if not telling[number]:
            opened = []  # bare, ripe or harvested: nothing is behind any more
            continue
        taken = np.zeros(inside.shape, bool)
        for one in opened:
            taken |= one.pixels
        opened = [one for one in opened if _still_behind(one, now, taken, seen_at[number], rule)]
        before = _mean_before(ndvi, seen_at, telling, number, rule)
        opened += _new_parts(now, before, taken, seen_at[number], pixel_m, rule)
    return sorted((_alert(field_id, one, corner, pixel_m) for one in opened), key=lambda alert: -alert.area_ha)


def _mean_before(
    ndvi: np.ndarray, seen_at: Sequence[datetime], telling: Sequence[bool], number: int, rule: AlertRule
) -> np.ndarray:
    """The mean of the newest telling looks before one (y, x); where none is young enough, an even field."""
    reach_s = rule.history_days * 86_400
    young = [i for i in range(number) if telling[i] and (seen_at[number] - seen_at[i]).total_seconds() <= reach_s]
    young = young[-rule.history_looks :]
    if not young:
        return np.where(np.isfinite(ndvi[number]), 0.0, np.nan)
    stack = ndvi[young]
    count = np.isfinite(stack).sum(axis=0)
    mean: np.ndarray = np.divide(np.nansum(stack, axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)
    return mean


def _residual(now: np.ndarray, before: np.ndarray, apart: np.ndarray) -> tuple[np.ndarray, float]:
    """How much each pixel lies above the line of now on before (smoothed 3 x 3, NaN unseen), and its noise [1]."""
    both = np.isfinite(now) & np.isfinite(before)
    used = both & ~apart
    if used.sum() < 30:  # [px] no line is worth drawing through fewer
        return np.full(now.shape, np.nan), np.inf
    slope, level = 1.0, float(np.median(now[used] - before[used]))
    for _ in range(4):
        off = now - (level + slope * before)
        keep = used & (np.abs(off) <= max(_TRIM * _MAD * float(np.median(np.abs(off[used]))), 1e-6))
        x, y = before[keep], now[keep]
        spread = float(np.var(x))
        slope = float(np.clip(np.cov(x, y, bias=True)[0, 1] / spread, 0.0, 2.0)) if spread > 1e-6 else 1.0
        level = float(np.mean(y) - slope * np.mean(x))
    off = np.where(both, now - (level + slope * before), 0.0)
    weight = ndimage.convolve(both.astype(float), _NEIGHBOURS, mode="constant")
    smooth = np.divide(
        ndimage.convolve(off, _NEIGHBOURS, mode="constant"), weight, out=np.full(now.shape, np.nan), where=both
    )
    calm = smooth[used]
    return smooth, _MAD * float(np.median(np.abs(calm - np.median(calm))))


def _new_parts(
    now: np.ndarray, before: np.ndarray, taken: np.ndarray, at: datetime, pixel_m: float, rule: AlertRule
) -> list[_Open]:
    residual, noise = _residual(now, before, taken)
    noise = max(noise, rule.least_noise)
    even = not np.any(before[np.isfinite(before)])  # nothing is known of the field's own pattern yet
    moved = 0.0 if even else abs(float(np.nanmedian(now) - np.nanmedian(before)))
    least = max(rule.least_drop * (1 + even), rule.noise_multiple * noise) + rule.growth_share * moved
    behind = (residual < -0.6 * least) & ~taken  # the rim of a part lies less deep than its core
    named, count = ndimage.label(behind)
    least_px = rule.least_area_ha * 10_000 / pixel_m**2
    found = []
    for part in range(1, count + 1):
        pixels = named == part
        core = pixels & (residual < -least)
        if not core.any():
            continue
        pixels &= residual < residual[core].mean() / 2  # smoothing widens a deep part: its edge lies at half its depth
        if pixels.sum() < least_px or core.sum() < least_px / 2:
            continue
        found.append(_Open(pixels, before, at, float(-residual[pixels].mean()), noise, at, residual))
    return found


def _still_behind(one: _Open, now: np.ndarray, taken: np.ndarray, at: datetime, rule: AlertRule) -> bool:
    """Whether a part stays behind by what a new look shows of it; it remembers the look."""
    seen = one.pixels & np.isfinite(now) & np.isfinite(one.before)
    if seen.sum() < one.pixels.sum() / 2:
        return True  # nothing new is known of it
    residual, noise = _residual(now, one.before, taken)
    drop = -float(np.nanmean(residual[seen]))
    if not np.isfinite(noise):
        return True
    if drop < rule.part_of_drop_left * one.drop or drop < rule.least_drop / 2:
        return False
    one.drop, one.noise, one.looks, one.last = drop, max(noise, rule.least_noise), one.looks + 1, at
    return True


def _alert(field_id: str, one: _Open, corner: tuple[float, float], pixel_m: float) -> Alert:
    """The alert of an open part, with the places where it lies lowest, some way from each other."""
    left = np.where(one.pixels, one.residual, np.inf)
    reach_px = max(5.0, float(np.sqrt(one.pixels.sum())) / 2)
    places: list[tuple[float, float]] = []
    while len(places) < 3 and np.isfinite(left).any():
        row, column = np.unravel_index(int(np.nanargmin(left)), left.shape)
        places.append((float(corner[0] + (column + 0.5) * pixel_m), float(corner[1] - (row + 0.5) * pixel_m)))
        rows, columns = np.ogrid[: left.shape[0], : left.shape[1]]
        left = np.where((rows - row) ** 2 + (columns - column) ** 2 <= reach_px**2, np.inf, left)
    area_ha = float(one.pixels.sum()) * pixel_m**2 / 10_000
    return Alert(field_id, "part_behind", one.since, one.last, area_ha, one.drop, one.noise, one.looks, tuple(places))


def fields_behind(medians: pd.DataFrame, area_ha: Mapping[str, float], rule: AlertRule) -> list[Alert]:
    """Fields that as a whole are behind their neighbours of the same crop, by their newest clear looks.

    medians   table (look, field) of the field's median NDVI [1], index = instants (UTC) oldest first, one column a
              field of one crop and district; NaN = not seen clearly
    area_ha   [ha] of each field
    rule      when something counts [-]
    returns   alerts [ha, 1]; none where too few neighbours were seen in the same looks
    source    ours: a field's distance from its neighbours' median is compared with its own distance before; the spread
              of that change among the neighbours is the noise
    """
    values = medians.to_numpy(dtype=float)
    others = np.isfinite(values).sum(axis=1) - 1
    level = np.full(len(values), np.nan)
    enough = others >= rule.least_neighbours
    level[enough] = np.nanmedian(values[enough], axis=1)
    ahead = np.where(level[:, None] >= rule.least_green, values - level[:, None], np.nan)
    seen_at = [instant.to_pydatetime() for instant in medians.index]
    opened: dict[int, _Open] = {}
    for number in range(1, len(values)):
        for place in [i for i in opened if values[number, i] < rule.least_green]:
            del opened[place]  # bare, ripe or harvested
        usual = _usual(ahead, seen_at, number, rule, opened)
        change = ahead[number] - usual
        known = np.isfinite(change)
        if known.sum() <= rule.least_neighbours:
            continue
        noise = max(_MAD * float(np.median(np.abs(change[known] - np.median(change[known])))), rule.least_noise)
        least = max(rule.least_drop, rule.noise_multiple * noise)
        for place in np.flatnonzero(known).tolist():
            drop, one = -float(change[place]), opened.get(place)
            if one is None and drop > least:
                opened[place] = _Open(
                    np.ones(1, bool), usual[place : place + 1], seen_at[number], drop, noise, seen_at[number]
                )
            elif one is not None and drop < rule.part_of_drop_left * one.drop:
                del opened[place]
            elif one is not None:
                one.drop, one.noise, one.looks, one.last = drop, noise, one.looks + 1, seen_at[number]
    names = list(medians.columns)
    return [
        Alert(names[i], "field_behind", one.since, one.last, area_ha[names[i]], one.drop, one.noise, one.looks, ())
        for i, one in opened.items()
    ]


def _usual(
    ahead: np.ndarray, seen_at: Sequence[datetime], number: int, rule: AlertRule, opened: Mapping[int, _Open]
) -> np.ndarray:
    """Each field's distance from its neighbours before a look: the mean of its newest looks, frozen while behind."""
    young = [i for i in range(number) if (seen_at[number] - seen_at[i]).total_seconds() <= rule.history_days * 86_400]
    usual = np.full(ahead.shape[1], np.nan)
    for place in range(ahead.shape[1]):
        if place in opened:
            usual[place] = opened[place].before[0]
            continue
        own = [ahead[i, place] for i in young if np.isfinite(ahead[i, place])][-rule.history_looks :]
        if own:
            usual[place] = float(np.mean(own))
    return usual
