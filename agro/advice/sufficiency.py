"""Top dressing of nitrogen by what the canopy shows against a strip that surely had enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agro.domain.errors import BadInput


@dataclass(frozen=True)
class TopDressing:
    """The deficit of the index that asks for all of the nitrogen [1], and the index that asks for none [1]."""

    full_deficit: float
    enough: float


def sufficiency(index: Any, reference: float) -> Any:
    """The sufficiency index: what the canopy shows over what it shows where nitrogen is plentiful.

    index      vegetation index (NDRE), any shape [1]; NaN = not clear
    reference  the same in an N-rich strip [1]
    returns    same shape [1], at most 1
    source     Holland and Schepers 2010, Agronomy Journal 102:1415
    """
    return np.minimum(np.asarray(index, float) / reference, 1.0)


def top_dressing(
    si: Any, best_kg_ha: float, given_kg_ha: float, credit_kg_ha: float, rule: TopDressing, *, real_strip: bool
) -> Any:
    """Nitrogen to give in the season.

    si            sufficiency index, any shape [1]; NaN = not clear
    best_kg_ha    [kg/ha] the best dose of the whole season
    given_kg_ha   [kg/ha] what was applied before
    credit_kg_ha  [kg/ha] what soil and predecessor give beyond that
    rule          the index's limits
    real_strip    whether the reference was a strip that was really given plenty
    returns       same shape [kg/ha]; NaN where not clear
    raises        BadInput TOP-NO-STRIP without a real strip: a well-fed field of 5 % variation would get nearly half of
                  the full dose by its own best pixels
    source        (best - given - credit) sqrt((1 - SI) / dSI), Holland and Schepers 2010; at SI 0.85 the root is 0.7071
    """
    if not real_strip:
        raise BadInput(
            "TOP-NO-STRIP",
            "no dose: there is no N-rich strip here, so the index is for looking only",
            "give a strip plenty of nitrogen at sowing and its outline with advice.n_rich",
        )
    index = np.asarray(si, float)
    root = np.sqrt(np.clip((1 - index) / rule.full_deficit, 0.0, 1.0))
    dose = max(best_kg_ha - given_kg_ha - credit_kg_ha, 0.0) * root
    return np.where(index >= rule.enough, 0.0, dose)
