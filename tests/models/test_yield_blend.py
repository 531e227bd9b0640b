"""Rungs that speak together: whom they listen to, when nobody is surely better than the plain ones, and no look back."""

import numpy as np
import pandas as pd
import pytest

from models.yield_blend import choose

RUNGS = ["average", "trend", "ridge", "process"]


def said(knows: dict[str, float], seasons: int = 10, units: int = 12, seed: int = 5) -> pd.DataFrame:
    """What rungs said of seasons left out: `knows` is the error of each [t/ha] beside a season's own weather."""
    random = np.random.default_rng(seed)
    rows = []
    for season in range(seasons):
        weather = random.normal(0, 0.4)
        for _ in range(units):
            true = 2.5 + weather + random.normal(0, 0.2)
            plain = {"average": 2.5 + random.normal(0, 0.02), "trend": 2.5 + random.normal(0, 0.05)}
            told = {rung: true + random.normal(0, sd) for rung, sd in knows.items()}
            rows.append({"season": season, "observed_t_ha": true, **plain, **told})
    return pd.DataFrame(rows)


def test_rungs_that_know_as_much_share_the_say() -> None:
    choice = choose(said({"ridge": 0.2, "process": 0.2}), RUNGS)
    assert choice.chosen == "blend" and sum(choice.weights.values()) == pytest.approx(1.0)
    assert 0.3 < choice.weights["ridge"] < 0.7 and 0.3 < choice.weights["process"] < 0.7
    told = choice.left_out
    off = ((told[[*RUNGS, "blend"]].sub(told["observed_t_ha"], axis=0)) ** 2).mean()
    assert off["blend"] < 0.75 * off[RUNGS].min(), "two errors that have nothing in common halve"


def test_who_knows_nothing_is_hardly_heard() -> None:
    assert choose(said({"ridge": 0.1, "process": 1.0}), RUNGS).weights["ridge"] > 0.8


def test_where_features_tell_nothing_a_plain_rung_speaks() -> None:
    table, random = said({}), np.random.default_rng(6)
    table = table.assign(**{rung: random.normal(2.5, 0.3, len(table)) for rung in ("ridge", "process")})
    choice = choose(table, RUNGS)
    assert choice.chosen == "average" and choice.weights == {"average": 1.0}


def test_what_is_said_of_a_season_never_heard_its_harvest() -> None:
    table = said({"ridge": 0.2, "process": 0.3})
    other = table.assign(observed_t_ha=table["observed_t_ha"].where(table["season"] != 4, 9.0))
    own = table["season"] == 4
    one, two = (choose(t, RUNGS).left_out["blend"] for t in (table, other))
    assert np.array_equal(one[own], two[own]) and not np.allclose(one[~own], two[~own])


def test_one_season_more_turns_no_weight_over() -> None:
    table = said({"ridge": 0.25, "process": 0.25}, seasons=11)
    before, after = (choose(t, RUNGS).weights for t in (table[table["season"] < 10], table))
    assert all(abs(before.get(rung, 0.0) - after.get(rung, 0.0)) < 0.15 for rung in RUNGS)
