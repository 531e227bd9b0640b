"""The nitrogen trial of Las Rosas: published curves, optima with their intervals, and what varying loses there."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from las_rosas import DOLLARS, RATIO, strips_of

from agro.advice.decision import Demand, decide
from flows.settings import CONFIGS, facts
from models.response import best_interval, best_of, fit
from models.tried import tried

SCHEMES = facts(CONFIGS / "schemes.toml")


@pytest.fixture(scope="module")
def trial(real: Path) -> pd.DataFrame:
    return strips_of(real)


@pytest.mark.parametrize(
    ("season", "n", "mean", "curve", "best"),
    [
        (1999, 1738, 64.558, (59.2533, 0.113007, -0.000320414), 77.29),
        (2001, 1705, 75.200, (71.1191, 0.0970910, -0.000378480), 44.41),
    ],
)
def test_the_published_curves_of_the_field(trial, season, n, mean, curve, best) -> None:
    rows = trial[trial["season"] == season]
    assert len(rows) == n and 10 * rows["yield_t_ha"].mean() == pytest.approx(mean, abs=1e-3)
    found = fit(rows.drop(columns="strip"))
    assert (10 * found.intercept_t_ha, 10 * found.slope, 10 * found.curve) == pytest.approx(curve, rel=1e-5)
    assert best_of(found, RATIO) == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize(
    ("season", "best"),
    [(1999, {"W": 85.9, "HT": 99.9, "E": 49.9, "LO": 46.3}), (2001, {"W": 12.2, "HT": 60.4, "E": 8.2, "LO": 0.0})],
)
def test_the_optima_of_the_landscape_one_of_them_by_the_corner_rule(trial, season, best) -> None:
    rows = trial[trial["season"] == season]
    found = {zone: fit(own.drop(columns="strip")) for zone, own in rows.groupby("zone")}
    assert {zone: best_of(one, RATIO) for zone, one in found.items()} == pytest.approx(best, abs=0.05)
    assert (found["LO"].curve > 0) == (season == 2001)


@pytest.mark.parametrize(("season", "low", "high"), [(1999, 53.5, 131.5), (2001, 8.5, 53.5)])
def test_redrawn_strips_leave_the_optimum_wide_open(trial, season, low, high) -> None:
    rows = trial[trial["season"] == season]
    found = best_interval(rows.assign(strip=rows["rep"] + rows["strip"]), RATIO)
    assert found.low_kg_ha == pytest.approx(low, abs=8) and found.high_kg_ha == pytest.approx(high, abs=4)


@pytest.mark.parametrize(("season", "errors"), [(1999, (8.89, 8.38, 5.88)), (2001, (25.63, 25.55, 13.79))])
def test_a_left_out_repetition_is_told_by_the_landscape_and_hardly_by_nitrogen(trial, season, errors) -> None:
    rows = trial[trial["season"] == season]
    found: list[list[float]] = [[], [], []]
    for rep in sorted(rows["rep"].unique()):
        seen, left = rows[rows["rep"] != rep], rows[rows["rep"] == rep]
        for i, design in enumerate((_mean, _nitrogen, _landscape)):
            coefficients = np.linalg.lstsq(design(seen), seen["yield_t_ha"], rcond=None)[0]
            found[i].append(float(np.sqrt(np.mean((left["yield_t_ha"] - design(left) @ coefficients) ** 2))))
    assert [10 * np.mean(one) for one in found] == pytest.approx(errors, abs=0.03)


def _mean(rows: pd.DataFrame) -> np.ndarray:
    return np.ones((len(rows), 1))


def _nitrogen(rows: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(rows)), rows["dose_kg_ha"], rows["dose_kg_ha"] ** 2])


def _landscape(rows: pd.DataFrame) -> np.ndarray:
    zones = np.column_stack([rows["zone"] == zone for zone in ("E", "HT", "LO", "W")]).astype(float)
    return np.column_stack([zones, rows["dose_kg_ha"], rows["dose_kg_ha"] ** 2])


def test_doses_by_landscape_lose_where_they_were_not_fitted(trial) -> None:
    earned = tried(trial, DOLLARS, "each_zone", lambda _: True, SCHEMES["highest_kg_ha"])
    assert earned["repetitions of 1999"] == pytest.approx(-2.41, abs=0.01)
    assert earned["repetitions of 2001"] == pytest.approx(-0.40, abs=0.01)
    assert earned["season 2001"] == pytest.approx(-1.85, abs=0.01)  # the doses of 1999 in 2001


@pytest.mark.parametrize("name", [name for name, row in SCHEMES.items() if isinstance(row, dict)])
def test_the_file_of_schemes_says_what_is_measured(trial, name: str) -> None:
    row = SCHEMES[name]
    vary = (lambda said: decide(said.draws, said.gain, said.deduction, said.by, Demand(SCHEMES["cost_ha"], 0.9, "USD")).vary) if row["decided"] else (lambda _: True)  # fmt: skip
    assert tried(trial, DOLLARS, row["fit"], vary, SCHEMES["highest_kg_ha"]) == pytest.approx(row["earned"], abs=0.01)
