"""What a scheme earns on a public trial where it was not fitted: by repetitions, and one season on another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from models.left_out import LeftOut, Money, left_out_gain, worth
from models.zone_curves import Scheme


def tried(
    trial: pd.DataFrame,
    money: Money,
    scheme: Scheme,
    vary: Callable[[LeftOut], bool],
    highest_kg_ha: float,
) -> dict[str, float]:
    """What the prescriptions of a scheme earned over the best uniform dose, where neither was fitted.

    trial          as for `left_out_gain`, of several seasons with several repetitions
    money          prices and what else is uncertain [money]
    scheme         how the curves of zones are fitted
    vary           whether a prescription varies, by what its own strips say; where it does not, it earns 0
    highest_kg_ha  the highest dose that may be given [kg/ha]
    returns        [money/ha] before the cost of varying, by what was left out: the repetitions of each season on
                   average, and each season foreseen from the others
    source         ours
    """
    earned = {}
    for season, rows in trial.groupby("season"):
        each = [
            _earned(rows[rows["rep"] != rep], rows[rows["rep"] == rep], money, scheme, vary, highest_kg_ha)
            for rep in sorted(rows["rep"].unique())
        ]
        earned[f"repetitions of {season}"] = float(np.mean(each))
    for season, rows in trial.groupby("season"):
        others = trial[trial["season"] != season]
        if len(others):
            earned[f"season {season}"] = _earned(others, rows, money, scheme, vary, highest_kg_ha)
    return earned


def _earned(
    seen: pd.DataFrame,
    unseen: pd.DataFrame,
    money: Money,
    scheme: Scheme,
    vary: Callable[[LeftOut], bool],
    highest_kg_ha: float,
) -> float:
    said = left_out_gain(seen, money, scheme, highest_kg_ha)
    return worth(unseen, said.zone_kg_ha, said.uniform_kg_ha, money, scheme) if vary(said) else 0.0
