"""Seasons of one field against each other: standard scores, their mean, and how far they differ."""

import numpy as np

_FARTHEST = 4.0  # [1] robust deviations from the median: a pond or a track counts as this far, no farther (ours)
_NORMAL = 1.4826  # [1] standard deviations in a median absolute deviation, normal distribution


def season_scores(index: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Each season's index against its own field: standard scores.

    index    (season, y, x) [index], NaN not believed
    inside   (y, x) True on the field's pixels [1]
    returns  (season, y, x) z [1], mean 0 and deviation 1 over the field; NaN outside, where not believed, and all of a
             season without variation
    source   Blackmore 2000, 10.1016/S0168-1699(99)00075-7, with z instead of percent of the mean, after
             far values are drawn in to 4 robust deviations: ours
    """
    scores = np.full(index.shape, np.nan)
    for season, z in zip(index, scores, strict=True):
        seen = inside & np.isfinite(season)
        values = season[seen]
        if len(values):
            middle = np.median(values)
            reach = _FARTHEST * _NORMAL * np.median(np.abs(values - middle))
            values = values.clip(middle - reach, middle + reach) if reach > 0 else values
        if len(values) and np.ptp(values) > 1e-9 * np.abs(values).max():
            z[seen] = (values - values.mean()) / values.std()
    return scores


def temporal_stability(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the seasons and how far they differ.

    scores   (season, y, x) z [1], NaN not believed
    returns  (y, x) mean z [1], NaN where no season is; and its between-season standard deviation [1], of a sample,
             NaN where fewer than two seasons are
    source   Blackmore 2000 and 2003, temporal stability; deviation of a sample (n - 1): ours, seasons are few
    """
    count = np.isfinite(scores).sum(axis=0)
    total = np.nansum(scores, axis=0)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    squares = np.nansum((scores - mean) ** 2, axis=0)
    variance = np.divide(squares, count - 1, out=np.full(total.shape, np.nan), where=count > 1)
    return mean, np.sqrt(variance)
