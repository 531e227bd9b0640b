"""A combine for the tests: it drives a field up and down, and its monitor makes the mistakes that monitors make."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Truth = Callable[[np.ndarray, np.ndarray], np.ndarray]  # x, y [m] to yield [t/ha]


def wavy(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A field of 3 t/ha with hills of some hundred metres and of some tens."""
    return 3.0 + 0.8 * np.sin(x / 55) * np.cos(y / 70) + 0.5 * np.sin(y / 23 + x / 40) + 0.3 * np.cos(x / 17 + y / 31)


@dataclass(frozen=True)
class Drive:
    """How it is driven: field [m], swath [m], speed [m/s], seconds between records, delay [s], noise [t/ha]."""

    width_m: float = 300.0
    length_m: float = 400.0
    swath_m: float = 8.0
    speed_m_s: float = 2.0
    interval_s: float = 1.0
    delay_s: float = 12.0
    noise_t_ha: float = 0.15
    turn_s: float = 25.0
    x_m: float = 400_000.0
    y_m: float = 6_100_000.0


def drive(how: Drive = Drive(), truth: Truth = wavy, seed: int = 1) -> pd.DataFrame:
    """Points with x_m, y_m and the columns of a monitor; `true_t_ha` is what grew at each."""
    random, rows, clock = np.random.default_rng(seed), [], 0.0
    step = how.speed_m_s * how.interval_s
    along = np.arange(0, how.length_m + 0.1, step)
    for number, x in enumerate(np.arange(how.swath_m / 2, how.width_m, how.swath_m)):
        y = along if number % 2 == 0 else along[::-1]
        times = clock + how.interval_s * np.arange(len(y))
        rows.append(pd.DataFrame({"x": x, "y": y, "clock_s": times}))
        clock = times[-1] + how.turn_s
    points = pd.concat(rows, ignore_index=True)
    grown = truth(points["x"].to_numpy(), points["y"].to_numpy())
    wanted = points["clock_s"].to_numpy() - how.delay_s
    measured = np.interp(wanted, points["clock_s"], grown)
    cut = points.groupby("x")["clock_s"].agg(["min", "max"]).to_numpy()
    full = ((wanted[:, None] >= cut[:, 0]) & (wanted[:, None] <= cut[:, 1])).any(axis=1)
    measured = np.where(full, measured, 0.05)  # while it turned nothing was cut
    count = len(points)
    return pd.DataFrame(
        {
            "log": "drive",
            "number": range(count),
            "x_m": how.x_m + points["x"],
            "y_m": how.y_m + points["y"],
            "day": pd.Timestamp("2022-09-01"),
            "clock_s": points["clock_s"],
            "yield_t_ha": np.maximum(measured + random.normal(0, how.noise_t_ha, count), 0.01),
            "moisture_pct": 14.0,
            "speed_m_s": np.nan,
            "distance_m": step,
            "interval_s": how.interval_s,
            "swath_m": how.swath_m,
            "heading_deg": np.nan,
            "working": True,
            "true_t_ha": grown,
        }
    )
