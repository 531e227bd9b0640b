"""What each pixel of a field should show at a look: the patterns that its soil drew before, at this look's strength."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

STAGES = ("rise", "top", "fall")  # of a season: the field greens, stands, ripens
_MAD = 1.4826  # [1] deviation of a normal distribution over its median absolute deviation
_TRIM = 2.5  # [1] deviations: pixels farther from the expectation are left out of the next fit
_ROUNDS = 6  # of trimming
_RIDGE = 1e-3  # [1] holds the weights of patterns that say the same
_FIT_PX = 3_000  # pixels of a field that the weights are fitted on
_FEW_PX = 60  # no weights are worth fitting on fewer
_FARTHEST = 6.0  # [1] deviations: a pattern's pixels count as no farther
_TOP_SHARE = 0.85  # [1] of the highest median: above it the field stands
_RANK = 3  # ways in which a field's pixels differ from season to season: water, nitrogen, stand. ours
_ODD = 4.0  # [1] deviations: what one pattern shows and no other bears out


def near_infrared(ndvi: np.ndarray, evi2: np.ndarray) -> np.ndarray:
    """The reflectance that both indices were made of.

    ndvi, evi2  (...) [1] of the same look
    returns     (...) reflectance of B08 [1]; NaN where an index is, or nothing is green
    source      both formulas (agro.agromaps.vegetation) solved for the near infrared
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (1 + ndvi) / (1 - ndvi)
        red = evi2 / (2.5 * (ratio - 1) - evi2 * (ratio + 2.4))
        return np.where((ratio > 1) & (red > 0), red * ratio, np.nan).astype("float32")


def spread(values: np.ndarray) -> float:
    """The deviation that most values have from their median.

    values   (...) any unit [1]; NaN = not known
    returns  the same unit [1]; infinite where nothing is known
    source   median absolute deviation, scaled to a normal distribution
    """
    known = values[np.isfinite(values)]
    return _MAD * float(np.median(np.abs(known - np.median(known)))) if known.size else float("inf")


def season_patterns(
    values: np.ndarray, ndvi: np.ndarray, inside: np.ndarray, least_green: float, least_seen: float, edge_px: float
) -> np.ndarray:
    """How a field's pixels differed in one season while it greened, stood and ripened.

    values       (look, y, x) [1] NDVI itself, or near infrared; NaN = not clear
    ndvi         (look, y, x) [1] of the same looks, oldest first
    inside       (y, x) the field's pixels [1]
    least_green  [1] NDVI of the field: barer looks say nothing of it
    least_seen   [1] share of the field that a look must show
    edge_px      [px] pixels so near to a hidden one are left out: haze and shade reach beyond their mask
    returns      (stage, y, x) in deviations of the field [1], stages as in STAGES; NaN where nothing is known
    source       ours: the median over the looks of a stage, each laid level with the others where both show the field
    """
    found = np.full((len(STAGES), *inside.shape), np.nan, "float32")
    seen = np.isfinite(ndvi).sum(axis=(1, 2)) >= max(least_seen * inside.sum(), _FEW_PX)
    level = np.array([np.nanmedian(now) if ok else -1.0 for now, ok in zip(ndvi, seen, strict=True)])
    if not (level >= least_green).any():
        return found
    peak = int(level.argmax())
    stands = level >= _TOP_SHARE * level[peak]
    before = np.arange(len(level)) < peak
    for number, stage in enumerate((~stands & before, stands, ~stands & ~before)):
        looks = [_away_from_edges(values[i], inside, edge_px) for i in np.flatnonzero(stage & (level >= least_green))]
        looks = [look for look in looks if np.isfinite(look).sum() >= _FEW_PX]
        if looks:
            found[number] = in_deviations(_level_median(np.stack(looks)))
    return found


def in_deviations(pattern: np.ndarray) -> np.ndarray:
    """A map as deviations from its median.

    pattern  (y, x) any unit [1]; NaN = not known
    returns  (y, x) [1], at most 6 either way; NaN where not known
    source   ours: what lies farther off is an event of its time, and must not lead a fit
    """
    from_middle: np.ndarray = (pattern - np.nanmedian(pattern)) / max(spread(pattern), 1e-4)
    return from_middle.clip(-_FARTHEST, _FARTHEST)


def _away_from_edges(now: np.ndarray, inside: np.ndarray, edge_px: float) -> np.ndarray:
    """A look without the pixels near to what it hides; specks of a pixel or two hide nothing."""
    hidden = ndimage.binary_opening(inside & ~np.isfinite(now), np.ones((3, 3)))
    if not hidden.any():
        return now
    return np.where(ndimage.distance_transform_edt(~hidden) > edge_px, now, np.nan)


def _level_median(looks: np.ndarray) -> np.ndarray:
    """The median over looks (look, y, x) that show different parts of a field, each shifted to fit the others."""
    looks = looks - np.nanmedian(looks, axis=(1, 2), keepdims=True)
    for _ in range(3):
        middle = _median_of(looks)
        looks = looks - np.nan_to_num(np.nanmedian(looks - middle, axis=(1, 2), keepdims=True))
    return _median_of(looks)


def _median_of(looks: np.ndarray) -> np.ndarray:
    """The median over looks; NaN where none shows the pixel."""
    ordered = np.sort(looks, axis=0)  # NaN comes last
    count = np.isfinite(looks).sum(axis=0)
    low, high = (np.take_along_axis(ordered, np.maximum(i, 0)[None], axis=0)[0] for i in ((count - 1) // 2, count // 2))
    return np.where(count > 0, (low + np.where(count % 2, low, high)) / 2, np.nan)


def completed(patterns: Sequence[np.ndarray]) -> np.ndarray:
    """Patterns of several seasons with the gaps of each filled by what the others say.

    patterns  each (stage, y, x) in deviations of the field [1]; NaN = not known
    returns   (pattern, y, x) [1] without those that nobody saw; NaN where less than a third is known
    source    ours: least squares of low rank over the known pixels, repeated; what departs from it by more than four
              deviations (an event of its season, haze) counts as not known
    """
    stacked = [pattern for season in patterns for pattern in season if np.isfinite(pattern).any()]
    if not stacked:
        return np.empty((0, *(patterns[0].shape[1:] if len(patterns) else (0, 0))), "float32")
    shape, values = stacked[0].shape, np.stack([pattern.ravel() for pattern in stacked], axis=1)
    known = np.isfinite(values)
    rows = known.mean(axis=1) >= 1 / 3
    seen, given = np.where(known, values, 0.0)[rows], known[rows]
    filled, rank = seen.copy(), min(_RANK, seen.shape[1] - 1)
    for number in range(15 if rank else 0):
        axes = np.linalg.eigh(filled.T @ filled)[1][:, -rank:]
        fit = filled @ axes @ axes.T
        trusted = given
        if number >= 4:  # the fit has settled enough to tell what is odd
            off = np.where(given, np.abs(seen - fit), np.nan)
            trusted = given & (off <= _ODD * np.maximum(_MAD * np.nanmedian(off, axis=0), 0.05))
        filled = np.where(trusted, seen, fit)
    whole = np.full(values.shape, np.nan, "float32")
    whole[rows] = filled
    return whole.T.reshape(-1, *shape)


def unexplained(now: np.ndarray, known: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """How much each pixel lies above what the known patterns let expect of it at this look.

    now      (y, x) [1] of a look; NaN = not seen
    known    (pattern, y, x) [1]; NaN = not known
    apart    (y, x) True [1] where something is known to be wrong: it has no say in the weights
    returns  (y, x) [1]; NaN where not seen or not expected, or too little is seen to say anything
    source   ours: ridge regression with trimming on a sample of the pixels, so that what fell behind does not lead it
    """
    told = np.isfinite(now) & np.isfinite(known).all(axis=0)
    used = np.flatnonzero(told & ~apart)
    if len(used) < _FEW_PX:
        return np.full(now.shape, np.nan, "float32")
    sample = used[:: max(1, len(used) // _FIT_PX)]
    y = now.ravel()[sample].astype("float64")
    middle = float(np.median(y))
    columns = np.stack([np.ones(len(sample)), *(pattern.ravel()[sample] for pattern in known)], axis=1)
    hold = _RIDGE * np.diag([0.0, *[1.0] * len(known)])
    keep, weights = np.ones(len(sample), bool), np.zeros(len(known) + 1)
    for _ in range(_ROUNDS):
        x = columns[keep]
        weights = np.linalg.solve(x.T @ x / len(x) + hold, x.T @ (y[keep] - middle) / len(x))
        off = y - middle - columns @ weights
        fits = np.abs(off - np.median(off)) <= max(_TRIM * spread(off), 1e-6)
        if (fits == keep).all():
            break
        keep = fits
    expected = middle + weights[0] + np.tensordot(weights[1:], np.nan_to_num(known), axes=1)
    return np.where(told, now - expected, np.nan).astype("float32")
