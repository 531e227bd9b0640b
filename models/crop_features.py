"""The season of a field as numbers that crops are told by: each index every so many days, its highest and lowest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

LAYERS = ("ndvi", "ndre", "ndmi")


def crop_features(
    looks: pd.DataFrame, period: tuple[str, str], step_days: int, longest_gap_days: float
) -> pd.DataFrame:
    """Indices on fixed days of the season.

    looks             a row a believed look: `field_id`, `season` [a], `day` (date) and columns of LAYERS [1]
    period            month-day of the first and the last day
    step_days         between the days [d]
    longest_gap_days  a day farther than half of it from any look is unknown [d]
    returns           a row a field and season: `field_id`, `season`, `LAYER_MMDD`, `LAYER_max`, `LAYER_min` [1]; NaN
                      where unknown
    source            ours: straight lines between looks: on real seasons no worse than smoothing where looks are
                      as dense as here (docs/validation.md)
    """
    layers = [name for name in LAYERS if name in looks]
    ordered = looks.sort_values("day")
    rows = [
        {
            "field_id": field_id,
            "season": season,
            **_of_season(own, int(season), layers, period, step_days, longest_gap_days),
        }
        for (field_id, season), own in ordered.groupby(["field_id", "season"], sort=True)
    ]
    return pd.DataFrame(rows)


def feature_names(table: pd.DataFrame) -> list[str]:
    """The features of a table.

    table    as `crop_features` gives it
    returns  names [-]
    source   ours
    """
    return [name for name in table.columns if name.partition("_")[0] in LAYERS and "_" in name]


def _of_season(
    own: pd.DataFrame, season: int, layers: Sequence[str], period: tuple[str, str], step: int, gap: float
) -> dict[str, float]:
    first, last = (date.fromisoformat(f"{season}-{end}") for end in period)
    days = np.arange(0, (last - first).days + 1, step)
    at = np.array([(day - first).days for day in own["day"]], float)
    inside = (at >= days[0]) & (at <= days[-1])
    names = [(pd.Timestamp(first) + pd.Timedelta(days=int(d))).strftime("%m%d") for d in days]
    told: dict[str, float] = {}
    for layer in layers:
        value = own[layer].to_numpy("float64")
        seen = np.isfinite(value)
        if not (seen & inside).any():
            told |= dict.fromkeys([f"{layer}_{name}" for name in [*names, "max", "min"]], np.nan)
            continue
        far = np.abs(days[:, None] - at[seen][None]).min(axis=1) > gap / 2
        drawn = np.where(far, np.nan, np.interp(days, at[seen], value[seen]))
        told |= {f"{layer}_{name}": float(v) for name, v in zip(names, drawn, strict=True)}
        told |= {f"{layer}_max": float(value[seen & inside].max()), f"{layer}_min": float(value[seen & inside].min())}
    return told
