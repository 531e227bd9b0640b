"""Where the error of a figure comes from, step by step from the sky to the indicator; the shares add up."""

from __future__ import annotations

import pandas as pd


def error_budget(chain: pd.DataFrame, by: pd.Series | None = None) -> pd.DataFrame:
    """Each step's part of the error.

    chain    a row a figure (a field, district or season), columns in order: the truth first, then what would have been
             told with one more step as it really is, the last what was told; all in one unit [u]
    by       the group of each row [-] (a simulated region), whose rows weigh as much as all other groups' together
    returns  a row a step: `step` (the column that it leads to), `sd` root of its mean square [u], `share` [1] of the
             mean square of the whole error, which add up to 1: a step that offsets others has less than none
    source   ours: the mean of step times whole error over the mean square of the error, the covariance about zero, so
             that a lasting bias counts too (variance shares as Owen 2014 has them for dependent inputs)
    """
    steps = chain.diff(axis=1).iloc[:, 1:]
    error = steps.sum(axis=1)
    weight = pd.Series(1.0, chain.index) if by is None else 1.0 / by.groupby(by).transform("size")
    weight = weight / weight.sum()
    whole = float(weight @ error**2)
    rows = [
        {
            "step": name,
            "sd": float(weight @ steps[name] ** 2) ** 0.5,
            "share": float(weight @ (steps[name] * error)) / whole if whole > 0 else float("nan"),
        }
        for name in steps.columns
    ]
    return pd.DataFrame(rows, columns=["step", "sd", "share"])
