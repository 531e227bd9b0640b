"""What a pass says of the edges of moisture: a small table of counts in place of its pixels.

How many pixels of a group had which greenness and which transformed reflectance. Tables add, in any order, so that
seasons are summed without keeping a pixel.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import xarray as xr

COUNT_COLUMNS = ("group", "seen_on", "ndvi_bin", "transform_bin", "n_px")
NDVI_STEP = 0.005  # [1] width of a bin of greenness. source: rOPTRAM 0.3.1, 0.005 to 0.01
_NDVI_BINS = round(1 / NDVI_STEP)
_LOG_STEP = 0.02  # [1] width of a bin of ln transformed reflectance, 2 %. ours: quantiles are interpolated inside it
_LOG_LOWEST = -4.0  # [1] ln of 0.018: reflectance 0.83
_LOG_BINS = 450  # up to ln = 5: transformed reflectance 148, reflectance 0.003


def edge_counts(
    ndvi: xr.DataArray, transform: xr.DataArray, group: xr.DataArray, names: Sequence[str], seen_on: date
) -> pd.DataFrame:
    """What one pass (or a block of it) says of the edges: numbers of pixels, not pixels.

    ndvi       (y, x) `ndvi` [1] on 20 m; NaN where not clear
    transform  (y, x) transformed shortwave reflectance [1]; NaN where not clear
    group      (y, x) number of each pixel's group in `names` [1], below 0 outside all fields
    names      of the groups, each a district and crop class [1]
    seen_on    date of the pass
    returns    table: group, seen_on, ndvi_bin of 0.005, transform_bin of 2 %, n_px [px]; computes what is lazy
    source     ours: counts add, so blocks and passes may come in any order and none needs to be kept
    """
    green, brightness, number = (np.asarray(layer.values).ravel() for layer in (ndvi, transform, group))
    seen = np.isfinite(green) & np.isfinite(brightness) & (brightness > 0) & (green >= 0) & (number >= 0)
    green, brightness, number = green[seen].astype("float64"), brightness[seen].astype("float64"), number[seen]
    row = np.minimum(np.floor(green / NDVI_STEP + 1e-6), _NDVI_BINS - 1).astype("int64")
    column = np.clip(np.floor((np.log(brightness) - _LOG_LOWEST) / _LOG_STEP), 0, _LOG_BINS - 1).astype("int64")
    cell, n_px = np.unique((number * _NDVI_BINS + row) * _LOG_BINS + column, return_counts=True)
    number, row = cell // (_NDVI_BINS * _LOG_BINS), cell // _LOG_BINS % _NDVI_BINS
    return pd.DataFrame(
        {
            "group": np.asarray(names, dtype=object)[number.astype("int64")],
            "seen_on": [seen_on] * len(cell),
            "ndvi_bin": row.astype("int16"),
            "transform_bin": (cell % _LOG_BINS).astype("int16"),
            "n_px": n_px.astype("int64"),
        },
        columns=list(COUNT_COLUMNS),
    )


def add_counts(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The sum of many tables of counts; the order of the tables and of their rows never matters.

    tables   as `edge_counts` gives them, each pass or block once
    returns  one table [px] of the same columns, sorted
    source   ours: sums of whole numbers
    """
    filled = [table for table in tables if len(table)]
    if not filled:
        return pd.DataFrame(columns=list(COUNT_COLUMNS))
    whole = pd.concat(filled, ignore_index=True)
    return whole.groupby(list(COUNT_COLUMNS[:-1]), as_index=False, sort=True)["n_px"].sum()


def histogram(counts: pd.DataFrame) -> np.ndarray:
    """A table of counts as a matrix.

    counts   `edge_counts` of one group, each bin once a date [px]
    returns  (ndvi_bin, transform_bin) [px]
    source   ours
    """
    matrix = np.zeros((_NDVI_BINS, _LOG_BINS), "int32")
    np.add.at(matrix, (counts["ndvi_bin"].to_numpy(), counts["transform_bin"].to_numpy()), counts["n_px"].to_numpy())
    return matrix


def bin_centres() -> np.ndarray:
    """The transformed reflectance that stands for each bin.

    returns  (transform_bin) transformed reflectance [1]
    source   ours: bins of 2 %
    """
    return np.asarray(np.exp(_LOG_LOWEST + (np.arange(_LOG_BINS) + 0.5) * _LOG_STEP))


def quantile(rows: np.ndarray, share: float) -> np.ndarray:
    """Quantile of transformed reflectance in each row of counts, interpolated inside its bin.

    rows     (row, transform_bin) [px], at least one pixel a row
    share    [1] 0..1
    returns  (row) transformed reflectance [1]
    source   ours: ln transformed reflectance taken as even inside 2 %
    """
    reached = np.cumsum(rows, axis=1)
    target = share * reached[:, -1:]
    column = np.argmax(reached >= np.maximum(target, 1e-9), axis=1)
    every = np.arange(len(rows))
    count = rows[every, column]
    part = 1 - (reached[every, column] - target[:, 0]) / np.maximum(count, 1)
    return np.asarray(np.exp(_LOG_LOWEST + (column + part) * _LOG_STEP))
