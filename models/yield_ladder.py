"""The ladder: which rungs are tried, how each is fitted, what each says, and what it said of seasons left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import Refusal
from models.yield_levels import Past, past_of, plain_average, trend
from models.yield_process import fit_process, tell_process
from models.yield_rungs import fit_boosting, fit_ridge, tell_boosting, tell_ridge

Array = np.ndarray
Blocks = Mapping[str, Sequence[str]]
State = Mapping[str, Any]

PLAIN = ("average", "trend")
RUNGS = (*PLAIN, "ridge", "boosting", "process")  # the simplest first
_FEWEST_FOR_FEATURES = 5  # [a] seasons from which what a feature does can be told from chance at all. source: ours
_FIT: dict[str, Callable[..., dict[str, Any]]] = {"ridge": fit_ridge, "boosting": fit_boosting, "process": fit_process}
_LEVEL: dict[str, Callable[[Past, int], Array]] = {"average": plain_average, "trend": trend}


@dataclass(frozen=True)
class LadderRules:
    """When which rung is tried; units and sources in configs/yields.toml."""

    fewest_seasons: int
    fewest_rows_for_boosting: int
    most_rows_for_process: int
    hull_margin: float


def names_of(blocks: Blocks) -> list[str]:
    """All features of some blocks, in their order.

    blocks   names by block [-]
    returns  names [-]
    source   ours
    """
    return [name for columns in blocks.values() for name in columns]


def not_tried(seen: pd.DataFrame, blocks: Blocks, rules: LadderRules) -> dict[str, Refusal]:
    """Which rungs are not tried, and why.

    seen     rows with a yield [t/ha]: `season` and the features
    blocks   names of the features [-] by block
    rules    when which rung is tried [1]
    returns  refusals [-] by rung
    source   ours
    """
    seasons, rows = int(seen["season"].nunique()), len(seen)
    told: dict[str, Refusal] = {}
    if seasons < _FEWEST_FOR_FEATURES:
        few = Refusal(
            "RUNG-SEASONS",
            "{met} seasons with harvests; tried from {expected} on",
            "give harvests of more seasons",
            {"met": seasons, "expected": _FEWEST_FOR_FEATURES},
        )
        return dict.fromkeys(_FIT, few)
    if not names_of(blocks):
        nothing = Refusal(
            "RUNG-FEATURES", "no feature is known that differs between rows", "give daily weather, imagery, soil"
        )
        return dict.fromkeys(_FIT, nothing)
    if rows < rules.fewest_rows_for_boosting:
        told["boosting"] = Refusal(
            "RUNG-ROWS-FEW",
            "{met} fields and seasons; tried from {expected} on",
            "give more harvests",
            {"met": rows, "expected": rules.fewest_rows_for_boosting},
        )
    if rows > rules.most_rows_for_process:
        told["process"] = Refusal(
            "RUNG-ROWS-MANY",
            "{met} fields and seasons; tried up to {expected}",
            "nothing: boosted trees take so many",
            {"met": rows, "expected": rules.most_rows_for_process},
        )
    return told


def fit_rung(rung: str, seen: pd.DataFrame, blocks: Blocks, kin: pd.DataFrame | None = None) -> dict[str, Any]:
    """What a rung has learnt; nothing for average and trend, which live on the harvests themselves.

    rung     one of RUNGS [-]
    seen     rows with a yield [t/ha]
    blocks   names of the features [-] by block
    kin      rows of crops of its kind, from which the process learns, too
    returns  its state [-]
    source   see the rungs
    """
    if rung in _LEVEL:
        return {}
    return _FIT[rung](seen, blocks, *([kin] if rung == "process" else []))


def tell_rung(rung: str, state: State, past: Past, asked: pd.DataFrame) -> Array:
    """What a rung says.

    rung     one of RUNGS [-]
    state    from `fit_rung`
    past     the harvests it knows [t/ha]
    asked    rows with the same features
    returns  (row,) [t/ha]
    source   see the rungs
    """
    if rung in _LEVEL:
        return _plain(_LEVEL[rung], past, asked)
    if rung == "process":
        return tell_process(dict(state), asked)
    return (tell_ridge if rung == "ridge" else tell_boosting)(dict(state), past, asked)


def tell_left_out(rung: str, seen: pd.DataFrame, blocks: Blocks, kin: pd.DataFrame | None = None) -> Array:
    """What a rung would have said of each season, had it never seen that season's harvest.

    rung     one of RUNGS [-]
    seen     rows with a yield [t/ha]
    blocks   names of the features [-] by block
    kin      as for `fit_rung`; of the season left out nothing is known of them either
    returns  (row,) [t/ha]
    source   leave one year out: all is fitted anew for each season
    """
    if rung in _LEVEL:  # these never read the harvest of the season that is asked for
        return _plain(_LEVEL[rung], past_of(seen), seen)
    near = fit_process(seen, blocks, kin)["variance"] if rung == "process" else None
    told = np.empty(len(seen))
    for season in seen["season"].unique():
        asked = (seen["season"] == season).to_numpy()
        others = seen[~asked]
        if rung == "process":
            state = fit_process(others, blocks, None if kin is None else kin[kin["season"] != season], near)
        else:
            state = fit_rung(rung, others, blocks)
        told[asked] = tell_rung(rung, state, past_of(others), seen[asked])
    return told


def _plain(level: Callable[[Past, int], Array], past: Past, rows: pd.DataFrame) -> Array:
    """Average or trend of each row; of its group, else of all, for a unit that is not on record."""
    told = np.full(len(rows), np.nan)
    for season, own in rows.reset_index(drop=True).groupby("season"):
        levels = pd.Series(level(past, int(season)))
        group = own["farm_id"].where(own["farm_id"].notna(), own["district"])
        known = pd.Series(past.of(own["unit_id"].to_numpy(), levels.to_numpy()), own.index)
        told[own.index] = known.fillna(group.map(levels.groupby(past.groups).mean())).fillna(levels.mean())
    return told
