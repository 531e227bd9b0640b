"""Cleaned points of a yield monitor to a field's map with its error, scaled to what was weighed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from agro.agromaps.block_kriging import Witnesses, krige_blocks, mean_error, variogram_of
from agro.domain.errors import BadInput

_FEWEST = 50  # [1] stretches of passes; fewer make no map. source: ours
_SLIGHT, _GREAT = 0.5, 2.0  # [1] a monitor that is off by more than this was no witness of the harvest. source: ours


@dataclass(frozen=True)
class FieldYield:
    """`yield_t_ha` and `yield_se` of the pixels [t/ha], NaN where no point is near; the field's mean and its error
    [t/ha], with the error that is common to all points; what the monitor was multiplied by [1]; share of pixels [1].

    `yield_se` is of a place beside its neighbours: the common error is in the mean's alone.
    """

    yield_t_ha: np.ndarray
    yield_se: np.ndarray
    mean_t_ha: float
    mean_se_t_ha: float
    scale: float
    seen_fraction: float


def field_yield(
    kept: pd.DataFrame, pixels: np.ndarray, sizes_m: tuple[float, float], weighed_t_ha: float | None, common_cv: float
) -> FieldYield:
    """The mean yield of a field's pixels and of the field, with their errors.

    kept          rows in driving order: `x_m`, `y_m` [m], `cleaned_t_ha` [t/ha], `pass_no` [1]
    pixels        (m, 2) middles of the field's pixels [m]
    sizes_m       their side, and how far from every point a pixel has no value [m]
    weighed_t_ha  the field's harvest by area [t/ha]; None: the monitor is believed
    common_cv     error that all points share, of the weighing or of the monitor's calibration [1]
    returns       FieldYield
    raises        BadInput where too few points are left, or the weighed harvest cannot be of them
    source        local block kriging of yields: Whelan, McBratney and Minasny 2002 (VESPER); one scale for a field, as
                  a calibration is one: ours
    """
    own = kept[["x_m", "y_m"]].to_numpy(), kept["cleaned_t_ha"].to_numpy(), kept["pass_no"].to_numpy()
    witnesses = segments(*own, sizes_m[0]) if len(kept) else None
    if witnesses is None or len(witnesses.values) < _FEWEST:
        raise BadInput(
            "YIELD-FEW",
            "{met} stretches of passes are left after cleaning, at least {limit} make a map",
            "look at the reasons of the points that were left out",
            met=0 if witnesses is None else len(witnesses.values),
            limit=_FEWEST,
        )
    shape = variogram_of(witnesses)
    value, error = krige_blocks(witnesses, shape, pixels, *sizes_m)
    known = np.isfinite(value)
    scale = 1.0 if weighed_t_ha is None else scale_to(weighed_t_ha, value)
    mean = scale * float(value[known].mean())
    of_places = scale * mean_error(shape, pixels[known], error[known])
    mean_se = float(np.hypot(of_places, common_cv * mean))
    return FieldYield(scale * value, scale * error, mean, mean_se, scale, float(known.mean()))


def scale_to(weighed_t_ha: float, pixels_t_ha: np.ndarray) -> float:
    """What the map is to be multiplied by so that its mean is what was weighed.

    weighed_t_ha  the field's harvest by area [t/ha]
    pixels_t_ha   (m,) yields of pixels of equal area inside the field, NaN where unknown [t/ha]
    returns       factor [1]
    raises        BadInput where the two cannot be of one harvest
    source        ours: an even scale is what a monitor's calibration is
    """
    mean = float(np.nanmean(pixels_t_ha))
    factor = weighed_t_ha / mean if mean > 0 else np.inf
    if not _SLIGHT <= factor <= _GREAT:
        raise BadInput(
            "YIELD-SCALE",
            "the monitor tells {met} t/ha and the scales {expected} t/ha; they are not of one harvest",
            "check the field, the season and the units of both",
            met=round(mean, 2),
            expected=round(weighed_t_ha, 2),
        )
    return float(factor)


def segments(xy: np.ndarray, values: np.ndarray, pass_no: np.ndarray, length_m: float) -> Witnesses:
    """The points averaged over stretches of their passes: what a sensor mixes and errs in at once is one witness.

    xy        (n, 2) places in driving order [m]
    values    (n,) cleaned yields [t/ha]
    pass_no   (n,) the pass of each [1], below 0 where it is of none
    length_m  of a stretch [m]
    returns   Witnesses [t/ha], by pass; their noise is what the points of a stretch show of it
    source    ours: errors of one pass are alike, those of two passes hardly
    """
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    travelled = np.cumsum(np.where(np.diff(pass_no, prepend=pass_no[:1]) == 0, step, 0))
    alone = np.where(pass_no < 0, -1 - np.arange(len(xy)), pass_no)
    stretch = np.column_stack([alone, travelled // length_m])
    _, place = np.unique(stretch, axis=0, return_inverse=True)
    place = place.ravel()
    same = place[1:] == place[:-1]
    noise = float((np.diff(values)[same] ** 2).mean() / 2) if same.any() else 0.0
    noise /= float(np.mean(np.bincount(place)))
    mean = _mean_of(place, np.column_stack([xy, values, alone]))
    _, place = np.unique(np.round(mean[:, :2], 1), axis=0, return_inverse=True)  # twice the same place: no solution
    mean = _mean_of(place.ravel(), mean)
    return Witnesses(mean[:, :2], mean[:, 2], mean[:, 3], noise)


def _mean_of(group: np.ndarray, table: np.ndarray) -> np.ndarray:
    count = np.bincount(group)
    return np.column_stack([np.bincount(group, column) / count for column in table.T])
