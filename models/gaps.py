"""Figures of tables with gaps: only what is known counts."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def mean_of_known(values: Array, axis: int = 0) -> Array:
    """The mean over what is known.

    values   any table [u], NaN: unknown
    axis     over which [-]
    returns  the mean [u]; NaN where nothing is known
    source   ours
    """
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    mean: Array = np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0)
    return mean


def standardised(values: Array) -> tuple[Array, Array]:
    """What brings columns to mean 0 and deviation 1.

    values   (row, column) [u], NaN: unknown
    returns  mean and deviation of each column [u]; 0 and 1 where nothing is known, deviation 1 where all are alike
    source   ours
    """
    middle = np.nan_to_num(mean_of_known(values))
    spread = np.sqrt(np.nan_to_num(mean_of_known((values - middle) ** 2)))
    return middle, np.where(spread > 0, spread, 1.0)
