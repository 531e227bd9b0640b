"""What befalls single pixels of a field in a season: the strips of a trial, and what goes wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.harm import Harm, planted, thinned
from agro.twin.plots import Plots
from agro.twin.trial import laid_out

_UNHARMED = ("fallow", "idle_grass", "perennial_grass")  # nobody would look for it there


def with_events(
    standing: Plots,
    work: pd.DataFrame,
    pixels: Sequence[np.ndarray],
    x_m: np.ndarray,
    y_m: np.ndarray,
    facts: Mapping[str, Any],
    seed: int,
) -> tuple[Plots, dict[str, Harm]]:
    """The plots with strips of nitrogen and missed ones, and the harms by field_id/season; their pixels in `standing`.

    pixels   of each row of `work`, by their number in `standing`; x and y [m] of all pixels of `standing`
    """
    n_kg_ha, harms = standing.n_kg_ha.copy(), {}
    for own, one in zip(pixels, work.itertuples(index=False), strict=True):
        x, y = x_m[own], y_m[own]
        if one.trial:
            tried = laid_out(one.field_id, one.season, x, y, facts["trial"], seed).n_kg_ha
            n_kg_ha[own] = np.where(np.isfinite(tried), tried, n_kg_ha[own])
        if one.crop in _UNHARMED or one.use != "field":
            continue
        harm = planted(one.field_id, one.season, x, y, facts["harm"], seed)
        if harm is not None:
            harms[f"{one.field_id}/{one.season}"] = replace(harm, pixels=own[harm.pixels])
    return replace(standing, stand=thinned(standing.stand, list(harms.values())), n_kg_ha=n_kg_ha), harms
