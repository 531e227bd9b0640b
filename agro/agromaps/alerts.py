"""Parts of a field that fall behind what the field's own patterns let expect of them.

Raw clear looks are compared, never a smoothed curve: a smoother sees a sudden loss late and halves it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy import ndimage

from agro.agromaps.expectation import in_deviations, spread, unexplained
from agro.domain.alert import STRIP, Against, Alert

_BOX = np.ones((3, 3))
_RIM = 0.6  # [1] of the least drop: the rim of a part lies less deep than its core
BARE = 0.15  # [1] NDVI of bare soil: losses are shares of what stands above it


@dataclass(frozen=True)
class AlertRule:
    """When something counts as behind; the file of facts says where each number comes from.

    least_area_ha [ha], least_drop [1] NDVI, noise_multiple [1], strip_multiple [1] for long narrow parts, which no soil
    draws, least_noise [1] NDVI, least_dark [1] near infrared that a loss of leaves takes too, part_of_drop_left [1]
    below which it has recovered, smooth_px [px], join_px [px], history_looks, history_days [d], least_seen [1] share of
    the field, least_neighbours, sowing_days [d] between fields of a crop, least_green [1] NDVI of the field below which
    nothing can fall behind; of the patterns: past_seasons, pattern_seen [1] share of the field, edge_m [m]
    """

    least_area_ha: float
    least_drop: float
    noise_multiple: float
    strip_multiple: float
    least_noise: float
    least_dark: float
    part_of_drop_left: float
    smooth_px: int
    join_px: int
    history_looks: int
    history_days: float
    least_seen: float
    least_neighbours: int
    sowing_days: float
    least_green: float
    past_seasons: int
    pattern_seen: float
    edge_m: float


@dataclass(frozen=True)
class FieldLooks:
    """A field's clear looks of one season, oldest first, and the patterns of its past seasons.

    ndvi, nir  (look, y, x) [1] NDVI and near infrared; NaN = outside the field or not clear
    seen_at    one instant a look (UTC)
    inside     (y, x) the field's pixels
    past_ndvi, past_nir  (pattern, y, x) [1] as `agro.agromaps.expectation.completed` gives them; none without past
    corner     west and north edge of the arrays [m]
    pixel_m    pixel size [m]
    """

    field_id: str
    ndvi: np.ndarray
    nir: np.ndarray
    seen_at: Sequence[datetime]
    inside: np.ndarray
    past_ndvi: np.ndarray
    past_nir: np.ndarray
    corner: tuple[float, float]
    pixel_m: float


@dataclass
class _Open:
    """A part that is behind: its pixels, what is expected of them, since when, how much, where to look."""

    pixels: np.ndarray
    known: np.ndarray
    against: Against
    since: datetime
    well_at: datetime | None
    last: datetime
    drop: float
    first_drop: float
    share: float
    noise: float
    places: tuple[tuple[float, float], ...]
    looks: int = 1


def parts_behind(field: FieldLooks, rule: AlertRule) -> list[Alert]:
    """Parts of a field that are behind at its newest clear look.

    field    its looks and patterns [1]
    rule     when something counts [-]
    returns  alerts, the largest first [ha, 1]
    source   as `course_of_parts`
    """
    return deque(course_of_parts(field, rule), maxlen=1)[0] if len(field.ndvi) else []


def course_of_parts(field: FieldLooks, rule: AlertRule) -> Iterator[list[Alert]]:
    """The parts that were behind after each look, by that look and the ones before.

    field    its looks and patterns [1]
    rule     when something counts [-]
    returns  alerts after each look, the largest first [ha, 1]
    source   ours: each look is explained by the field's patterns of past seasons, and once more by these and its newest
             looks; what stays below over a connected area is behind until it is back. Haze whitens and shade darkens: a
             loss of leaves lowers both NDVI and near infrared
    """
    opened: list[_Open] = []
    telling: list[int] = []
    for number, now in enumerate(field.ndvi):
        if np.isfinite(now).sum() >= rule.least_seen * field.inside.sum() > 0:
            level = float(np.nanmedian(now))
            if level < rule.least_green:
                opened = []  # bare, ripe or harvested: nothing is behind any more
            else:
                taken = _taken(opened, field.inside)
                opened = [one for one in opened if _still_behind(one, field, number, taken, level, rule)]
                _find_new(opened, field, number, telling, level, rule)
                telling.append(number)
        yield sorted((_alert(field, one) for one in opened), key=lambda alert: -alert.area_ha)


def _taken(opened: Sequence[_Open], inside: np.ndarray) -> np.ndarray:
    taken = np.zeros(inside.shape, bool)
    for one in opened:
        taken |= one.pixels
    return taken


def _find_new(
    opened: list[_Open], field: FieldLooks, number: int, telling: Sequence[int], level: float, rule: AlertRule
) -> None:
    """Add what a look shows for the first time; what touches an open part is more of that part."""
    young = _young(field, number, telling, rule)
    for against in _comparisons(field, young):
        taken = _taken(opened, field.inside)
        known = _known(field.past_ndvi, field.ndvi, young, against)
        residual = unexplained(field.ndvi[number], known, taken)
        smooth = _smoothed(residual, rule.smooth_px)
        noise = max(spread(smooth[~taken]), rule.least_noise)
        if not np.isfinite(noise):
            continue
        bright: np.ndarray | None = None
        for pixels in _parts(smooth, residual, taken, noise, field, rule):
            if bright is None:
                bright = unexplained(field.nir[number], _known(field.past_nir, field.nir, young, against), taken)
            if not float(np.nanmean(bright[pixels])) <= -rule.least_dark:
                continue  # haze
            grown = ndimage.binary_dilation(pixels, _BOX, iterations=rule.join_px)
            touched = [one for one in opened if (one.pixels & grown).any()]
            if touched:
                touched[0].pixels |= pixels
                continue
            drop = -float(np.nanmean(residual[pixels]))
            well = _seen_well(pixels, known, field, telling, rule.part_of_drop_left * drop)
            at, places = field.seen_at[number], worst_places(pixels, smooth, field.corner, field.pixel_m)
            share = drop / (level - BARE)
            opened.append(_Open(pixels, known, against, at, well, at, drop, drop, share, noise, places))


def _young(field: FieldLooks, number: int, telling: Sequence[int], rule: AlertRule) -> list[int]:
    """The newest telling looks before one, none too old."""
    reach_s = rule.history_days * 86_400
    return [i for i in telling if (field.seen_at[number] - field.seen_at[i]).total_seconds() <= reach_s][
        -rule.history_looks :
    ]


def _comparisons(field: FieldLooks, young: Sequence[int]) -> Iterator[Against]:
    if len(field.past_ndvi):
        yield "past_seasons"
    if len(young):
        yield "this_season"


def _known(past: np.ndarray, looks: np.ndarray, young: Sequence[int], against: Against) -> np.ndarray:
    """The patterns (pattern, y, x) that explain a look: of the past seasons, and with them the mean of young looks.

    Beside the mean, what past seasons do not know of a pixel is taken as their middle: it blinds nothing.
    """
    if against == "past_seasons":
        return past
    level = looks[young] - np.nanmedian(looks[young], axis=(1, 2), keepdims=True)
    count = np.isfinite(level).sum(axis=0)
    mean = np.divide(np.nansum(level, axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)
    return np.concatenate([np.nan_to_num(past), in_deviations(mean)[None]])


def _parts(
    smooth: np.ndarray, residual: np.ndarray, taken: np.ndarray, noise: float, field: FieldLooks, rule: AlertRule
) -> Iterator[np.ndarray]:
    """The connected areas (y, x) that lie low enough over enough hectares."""
    least, surely = (max(rule.least_drop, n * noise) for n in (rule.strip_multiple, rule.noise_multiple))
    deep = (smooth < -_RIM * least) & ~taken
    if not deep.any():
        return
    fine = _smoothed(residual, 3)
    named, count = ndimage.label(ndimage.binary_dilation(deep, _BOX, iterations=rule.join_px))
    least_px = rule.least_area_ha * 10_000 / field.pixel_m**2
    for part in range(1, count + 1):
        core = deep & (named == part) & (smooth < -least)
        if core.sum() < least_px / 2:
            continue
        half = np.nanmean(fine[core]) / 2  # smoothing widens: the part's edge is at half its depth
        pixels = deep & (named == part) & (fine < half)
        length_px, width_px = _length_and_width(pixels)
        sure = length_px >= STRIP * width_px or (smooth[core] < -surely).sum() >= least_px / 2
        if pixels.sum() >= least_px and sure:
            yield pixels


def _length_and_width(pixels: np.ndarray) -> tuple[float, float]:
    """Of the rectangle that has the pixels' area and the variance of their places [px]."""
    count = float(pixels.sum())
    if count < 2:
        return max(count, 1.0), 1.0
    longest = np.linalg.eigvalsh(np.cov(np.stack(pixels.nonzero())))[-1]
    length = max(float(np.sqrt(12 * longest)), 1.0)
    return length, count / length


def _smoothed(residual: np.ndarray, size_px: int) -> np.ndarray:
    """The mean over a square of pixels; NaN where the middle is not known or too little around it."""
    known = np.isfinite(residual)
    weight = ndimage.uniform_filter(known.astype("float32"), size_px, mode="constant")
    total = ndimage.uniform_filter(np.where(known, residual, 0).astype("float32"), size_px, mode="constant")
    smooth: np.ndarray = np.full(residual.shape, np.nan, "float32")
    np.divide(total, weight, out=smooth, where=known & (weight > 0.3))
    return smooth


def _seen_well(
    pixels: np.ndarray, known: np.ndarray, field: FieldLooks, telling: Sequence[int], least_drop: float
) -> datetime | None:
    """The newest telling look before that showed at least half of the pixels, and them not behind by so much."""
    for number in reversed(telling):
        seen = field.ndvi[number][pixels]
        if np.isfinite(seen).mean() < 0.5:
            continue
        residual = unexplained(field.ndvi[number], known, pixels)[pixels]
        if np.isfinite(residual).any() and -float(np.nanmean(residual)) < least_drop:
            return field.seen_at[number]
    return None


def _still_behind(one: _Open, field: FieldLooks, number: int, taken: np.ndarray, level: float, rule: AlertRule) -> bool:
    """Whether a part stays behind by what a new look shows of it; it remembers the look."""
    residual = unexplained(field.ndvi[number], one.known, taken)
    seen = one.pixels & np.isfinite(residual)
    if seen.sum() < one.pixels.sum() / 2:
        return True  # nothing new is known of it
    drop = -float(residual[seen].mean())
    share = drop / (level - BARE)
    if share < rule.part_of_drop_left * one.share:
        return False
    one.drop, one.share = drop, max(share, one.share)
    one.looks, one.last = one.looks + 1, field.seen_at[number]
    return True


def worst_places(
    pixels: np.ndarray, smooth: np.ndarray, corner: tuple[float, float], pixel_m: float
) -> tuple[tuple[float, float], ...]:
    """Up to three places where a part lies lowest, some way from each other.

    pixels   (y, x) True [1] of the part
    smooth   (y, x) [1] what lies low
    corner   west and north edge of the arrays [m]
    pixel_m  pixel size [m]
    returns  (x, y) [m], the lowest first
    source   ours
    """
    left = np.where(pixels, smooth, np.inf)
    reach_px = max(5.0, float(np.sqrt(pixels.sum())) / 2)
    places: list[tuple[float, float]] = []
    while len(places) < 3 and np.isfinite(left).any():
        row, column = np.unravel_index(int(np.nanargmin(left)), left.shape)
        x, y = corner[0] + (column + 0.5) * pixel_m, corner[1] - (row + 0.5) * pixel_m
        places.append((float(x), float(y)))
        rows, columns = np.ogrid[: left.shape[0], : left.shape[1]]
        left = np.where((rows - row) ** 2 + (columns - column) ** 2 <= reach_px**2, np.inf, left)
    return tuple(places)


def _alert(field: FieldLooks, one: _Open) -> Alert:
    length_px, width_px = _length_and_width(one.pixels)
    return Alert(
        field.field_id,
        "part_behind",
        one.against,
        one.since,
        one.well_at,
        one.last,
        float(one.pixels.sum()) * field.pixel_m**2 / 10_000,
        one.drop,
        one.first_drop,
        one.noise,
        one.looks,
        length_px * field.pixel_m,
        width_px * field.pixel_m,
        one.places,
    )
