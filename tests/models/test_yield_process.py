"""The search of the process for its variances: its slopes are right, it ends where nothing is left to gain."""

import numpy as np
import pytest

from models.yield_process import _unlikely, _variances
from models.yield_rungs import _chosen_weights


def parts_and_logs(rows: int = 40, seed: int = 2) -> tuple[dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(seed)
    feature, season = random.normal(size=rows), np.arange(rows) % 8
    same = (season[:, None] == season).astype("float64")
    parts = {"level": np.ones((rows, rows)), "slope": np.outer(season - 3.5, season - 3.5), "season": same}
    logs = 0.5 * feature + random.normal(0, 0.3, 8)[season] + random.normal(0, 0.2, rows)
    return parts | {"by_canopy": np.outer(feature, feature)}, logs - logs.mean()


def test_slopes_are_those_of_differences() -> None:
    parts, logs = parts_and_logs()
    stack, at = np.stack([*parts.values(), np.eye(len(logs))]), np.log([1.0, 0.001, 0.1, 0.2, 0.05])
    _, slope, bend = _unlikely(at, stack, logs)
    ways = 1e-5 * np.eye(len(at))
    by_hand = [(_unlikely(at + way, stack, logs)[0] - _unlikely(at - way, stack, logs)[0]) / 2e-5 for way in ways]
    assert slope == pytest.approx(by_hand, rel=1e-4, abs=1e-6)
    assert np.linalg.eigvalsh(bend).min() > -1e-9


def test_the_search_finds_what_made_the_yields_from_wherever_it_begins() -> None:
    parts, logs = parts_and_logs(200)
    found = _variances(parts, logs, None)
    assert found[3] == pytest.approx(0.25, rel=1.0) and found[4] == pytest.approx(0.04, rel=0.3)
    near = dict(zip((*parts, "noise"), found * [1, 3, 0.2, 5, 0.3], strict=True))
    assert np.log(_variances(parts, logs, near)[2:]) == pytest.approx(np.log(found[2:]), abs=0.25)


def test_the_ridge_is_that_of_equations_solved_without_short_cuts() -> None:
    random = np.random.default_rng(4)
    x, season = random.normal(size=(60, 5)), np.repeat(np.arange(6), 10)
    ratio = x @ [0.3, 0, 0, -0.2, 0] + random.normal(0, 0.1, 6)[season] + random.normal(0, 0.1, 60)
    weights, (alpha, of_season) = _chosen_weights(x, ratio, season)
    z = np.hstack([x, np.eye(6)[season]]) if of_season else x
    penalty = np.diag([alpha] * 5 + [of_season] * (z.shape[1] - 5))
    assert weights == pytest.approx(np.linalg.solve(z.T @ z + penalty, z.T @ ratio)[:5])
