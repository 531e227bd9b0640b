"""Yield models fitted ahead, for the days of the season that configs/yields.toml names."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.store import history
from agro.store.index import Index
from flows.harvest_records import records_kept
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts
from flows.simulated import Records
from flows.yield_card import scores_of
from flows.yield_models import fitted_model, season_known


@dataclass(frozen=True)
class Fitted:
    """One model: what speaks, of how many harvests, and its figures on seasons left out; None where there are none."""

    crop: str
    day: str
    name: str
    chosen: str
    seasons: int
    harvests: int
    rmse_t_ha: float | None
    skill_average: float | None
    skill_trend: float | None


@dataclass(frozen=True)
class Trained:
    """All models, and what could not be fitted."""

    models: tuple[Fitted, ...]
    failed: tuple[Refusal, ...]


def train(settings: Settings, as_of: date | None = None) -> Trained:
    """Fit every crop for every day; what is fitted already stays. `as_of`: only harvests of the seasons before it."""
    with records_kept(settings) as (land, records, index, refused):
        models, failed = refit(settings, land, records, index, as_of.year if as_of else None)
    return Trained(models, (*refused, *failed))


def refit(
    settings: Settings, land: Land, records: Records, index: Index, season: int | None = None
) -> tuple[tuple[Fitted, ...], list[Refusal]]:
    """The models of a season to come: by default the one after the last harvest that is on record."""
    harvest = history.records(index.store, "harvest")
    if harvest.empty:
        raise BadInput(
            "TRAIN-NO-HARVEST",
            "no harvest of any field is on record, so no model can be fitted",
            "name the table of harvests in records.harvest",
        )
    season = season or int(harvest["season"].max()) + 1
    models: list[Fitted] = []
    failed: dict[str, Refusal] = {}
    for day in facts(CONFIGS / "yields.toml")["ladder"]["fit_days"]:
        known = season_known(settings, land, records, index, date.fromisoformat(f"{season}-{day}"), any_season=True)
        for crop in sorted(set(harvest["crop"])):
            try:
                model, name = fitted_model(known, crop, index)
            except AgroError as error:
                failed[error.refusal.reason] = error.refusal
                continue
            table = scores_of(model)
            own = table[table["chosen"]].iloc[0] if len(table) else None
            figures = [_figure(own, of) for of in ("rmse_t_ha", "skill_average", "skill_trend")]
            count = len(model.past.seasons), len(model.left_out)
            models.append(Fitted(crop, day, name, model.chosen, *count, *figures))
    return tuple(models), list(failed.values())


def _figure(row: pd.Series | None, name: str) -> float | None:
    return None if row is None or not np.isfinite(row[name]) else round(float(row[name]), 4)
