"""Shares of an error, step by step."""

import numpy as np
import pandas as pd
import pytest

from agro.region.error_budget import error_budget


def test_two_steps_of_known_size_share_the_error_and_add_up() -> None:
    """Steps +1 and +2 in every row: errors 3, shares 1*3/9 and 2*3/9."""
    told = error_budget(pd.DataFrame({"truth": [5.0, 7.0], "mask": [6.0, 8.0], "season": [8.0, 10.0]}))
    assert told["share"].tolist() == pytest.approx([1 / 3, 2 / 3]) and told["sd"].tolist() == [1.0, 2.0]


def test_independent_steps_share_by_their_variances() -> None:
    random = np.random.default_rng(3)
    truth = random.normal(0, 5, 40_000)
    mask = truth + random.normal(0, 1, len(truth))
    season = mask + random.normal(0, 2, len(truth))
    told = error_budget(pd.DataFrame({"truth": truth, "mask": mask, "season": season}))
    assert told["share"].tolist() == pytest.approx([0.2, 0.8], abs=0.02) and told["share"].sum() == pytest.approx(1)


def test_a_step_that_mends_others_has_less_than_no_share() -> None:
    told = error_budget(pd.DataFrame({"truth": [0.0], "worse": [3.0], "mended": [1.0]}))
    assert told["share"].tolist() == [3.0, -2.0]


def test_groups_weigh_alike_and_no_error_has_no_shares() -> None:
    chain = pd.DataFrame({"truth": 0.0, "a": [1.0, 1.0, 1.0, 0.0], "b": [1.0, 1.0, 1.0, 3.0]})
    told = error_budget(chain, pd.Series(["x", "x", "x", "y"]))
    assert told["share"].tolist() == pytest.approx([0.1, 0.9])
    assert error_budget(pd.DataFrame({"truth": [1.0], "a": [1.0]}))["share"].isna().all()
