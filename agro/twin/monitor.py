"""A combine's monitor: raw points as it logs them, with all that makes raw points wrong; the truth of each beside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Transformer

from agro.twin.chance import chance
from agro.twin.harvest import Weighing
from agro.twin.land import Ground

_WIDE_LAPS = 0.06  # [1] of passes that overlap the last one widely. assumption
_STOPS = 0.15  # [1] of passes on which the combine stops. assumption
_TURN_S = 25  # [s] without a point. assumption
_SHORTEST_S = 10  # [s] of a pass


@dataclass(frozen=True)
class Drive:
    """Where a combine went, a value a second: x and y [m], speed [m/s], pass number, share of the swath that cut [1].

    ends_s is the distance in time to the pass's nearer end [s].
    """

    x_m: np.ndarray
    y_m: np.ndarray
    speed_m_s: np.ndarray
    number: np.ndarray
    cut: np.ndarray
    ends_s: np.ndarray


def drive(inside: np.ndarray, place: Ground, swath_m: float, random: np.random.Generator) -> Drive:
    """Back and forth along the longer side of a field; `inside` is its map (y, x).

    Every pass overlaps the last by up to some decimetres, and some by much more: the header is then full in part only.
    """
    points = np.stack(place.x_y_m(np.flatnonzero(inside.ravel())), axis=1)
    middle, along = points.mean(axis=0), np.linalg.eigh(np.cov(points.T))[1][:, 1]
    across = np.array([-along[1], along[0]])
    reach, side = (float(np.abs((points - middle) @ axis).max()) + 10 for axis in (along, across))
    lap = np.abs(random.normal(0, 0.02, int(4 * side / swath_m) + 4))
    wide = random.random(len(lap)) < _WIDE_LAPS
    lap[wide] = random.uniform(0.15, 0.5, wide.sum())
    parts = []
    for number, line in enumerate(-side + np.cumsum(swath_m * (1 - lap))):
        if line > side:
            break
        pace = _pace(reach, random)
        run = (-reach + np.cumsum(pace)) * (1 if number % 2 == 0 else -1)
        wander = 0.9 * _smoothed(random.normal(size=len(run)), 20)  # [m] of steering
        x, y = (middle + np.outer(run, along) + np.outer(line + wander, across)).T
        at = np.flatnonzero(_inside(inside, place, x, y))
        if len(at) > _SHORTEST_S:
            ends = np.minimum(np.arange(len(at)), np.arange(len(at))[::-1])
            same = np.full(len(at), 1.0)
            parts.append((x[at], y[at], pace[at], same * number, same * (1 - lap[number]), ends))
    return Drive(*(np.concatenate([part[i] for part in parts]) for i in range(6)))


def _pace(reach_m: float, random: np.random.Generator) -> np.ndarray:
    """The speed of every second of a pass [m/s]; on some passes it stops for a while."""
    usual = 1.65 + 0.25 * random.normal()
    seconds = int(2 * reach_m / max(usual, 0.9)) + 1
    pace: np.ndarray = np.clip(usual + 0.5 * _smoothed(random.normal(size=seconds), 8), 0.5, 3.0)
    if random.random() < _STOPS:
        first = int(random.integers(0, max(seconds - 40, 1)))
        pace[first : first + int(random.integers(8, 30))] = 0.03
    return pace


def _inside(inside: np.ndarray, place: Ground, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    row, column = _pixel(place, x_m, y_m)
    on = (row >= 0) & (row < place.grid.height) & (column >= 0) & (column < place.grid.width)
    return np.asarray(on & inside[np.where(on, row, 0), np.where(on, column, 0)])


def _pixel(place: Ground, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ((place.grid.north_m - y_m) // 10).astype(int), ((x_m - place.grid.west_m) // 10).astype(int)


def logged(
    went: Drive,
    yields_t_ha: np.ndarray,
    place: Ground,
    rules: Mapping[str, Any],
    weighed: Weighing,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The points as the monitor writes them, and the truth of each: where it really was, what really grew there.

    yields_t_ha   (y, x) of clean and dry grain; `weighed` says what falls into the bunker of it
    """
    true = np.nan_to_num(yields_t_ha[_pixel(place, went.x_m, went.y_m)])
    delay, scale = int(random.integers(*rules["delay_s"])), 1 + random.normal(0, rules["scale_sd"])
    cut_kg_s = true / 10 * weighed.over_barn * went.speed_m_s * rules["swath_m"] * went.cut  # 1 t/ha is 0.1 kg/m2
    flow = scale * _delayed(_smoothed(cut_kg_s, rules["smear_s"]), went.number, delay)
    flow = np.maximum(flow * (1 + random.normal(0, rules["noise_cv"], len(flow))), 0)
    jumped = random.random(len(flow)) < rules["jump_share"]
    off = random.normal(0, 0.4, (2, len(flow))) + random.normal(0, 120, (2, len(flow))) * jumped
    to_degrees = Transformer.from_crs(place.grid.crs, 4326, always_xy=True)
    longitude, latitude = to_degrees.transform(went.x_m + off[0], went.y_m + off[1])
    seconds = np.arange(len(flow)) + _TURN_S * np.unique(went.number, return_inverse=True)[1]
    points = {
        "seconds": seconds,
        "longitude": longitude.round(7),
        "latitude": latitude.round(7),
        "flow_kg_s": flow.round(3),
    }
    points |= {"speed_m_s": went.speed_m_s.round(2), "swath_m": rules["swath_m"]}
    points |= {"moisture_pct": (weighed.moisture_pct + random.normal(0, 0.4, len(flow))).round(1)}
    truth = {"x_m": went.x_m, "y_m": went.y_m, "yield_t_ha": true, "cut_share": went.cut, "pass_end_s": went.ends_s}
    truth |= {"jumped": jumped, "stopped": went.speed_m_s < 0.3, "delay_s": delay, "scale": scale}
    kept = slice(None, None, int(rules["every_s"]))
    return pd.DataFrame(points)[kept].reset_index(drop=True), pd.DataFrame(truth)[kept].reset_index(drop=True)


def _delayed(flow: np.ndarray, number: np.ndarray, delay_s: int) -> np.ndarray:
    """What a pass cuts arrives later: its first seconds show nothing, its last come while the combine turns."""
    late = np.zeros_like(flow)
    for one in np.unique(number):
        own = np.flatnonzero(number == one)
        late[own[delay_s:]] = flow[own[:-delay_s]]
    return late


def monitored(work: pd.DataFrame, season: int, rules: Mapping[str, Any], seed: int) -> list[str]:
    """Which fields have a combine with a monitor in a season; `work` as `agro.twin.care` gives it."""
    able = work[(work["season"] == season) & work["mapped"] & work["crop"].isin(rules["crops"])]
    random = chance(seed, "monitors", season)
    return sorted(random.choice(able["field_id"], min(int(rules["fields_a_season"]), len(able)), replace=False))


def _smoothed(values: np.ndarray, deviation: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(values, deviation))
