"""What a fitted yield model is and how each rung did on seasons it had not seen: the table, and a card for people."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

import models
from models.judge import scores
from models.yield_blend import BLEND
from models.yield_ladder import RUNGS
from models.yields import YieldModel

CARD = Path(models.__file__).parent / "cards" / "yields.md"


def scores_of(model: YieldModel) -> pd.DataFrame:
    """Figures of merit of every rung on the seasons that it had not seen; empty where seasons are too few for any."""
    rungs = [rung for rung in (*RUNGS, BLEND) if rung in model.left_out]
    rows = []
    for rung in rungs:
        told = model.left_out.assign(
            told_t_ha=model.left_out[rung],
            average_t_ha=model.left_out["average"],
            trend_t_ha=model.left_out["trend"],
        )
        rows.append({"rung": rung, "chosen": rung == model.chosen, **asdict(scores(told))})
    return pd.DataFrame(rows)


def card_of(model: YieldModel, table: pd.DataFrame, simulated: bool) -> str:
    """What was fitted to what, the scores of all rungs, and then what holds for every yield model."""
    past = model.past.seasons
    lines = [
        f"# {model.crop}, features by {model.day}: {model.chosen}",
        "",
        *(["SIMULATED: no figure is of a real field.", ""] if simulated else []),
        f"{len(model.left_out)} harvests of {len(model.past.unit_ids)} fields, {min(past)} to {max(past)}.",
        *(f"Not tried: {rung}, {why.reason}." for rung, why in model.not_tried.items()),
        *([f"Weights: {_weights(model)}."] if model.chosen == BLEND else []),
        *([f"{model.why_plain.reason}."] if model.why_plain else []),
        "",
    ]
    if len(table):
        lines += ["| seasons left out | RMSE, t/ha | NRMSE | R2 | over average | over trend |", "|" + "---|" * 6]
    for row in table.itertuples():
        figures = f"{row.rmse_t_ha:.2f} | {row.nrmse:.1%} | {row.r2:.2f}"
        skills = f"{row.skill_average:+.2f} | {row.skill_trend:+.2f}"
        lines.append(f"| {row.rung}{' (speaks)' if row.chosen else ''} | {figures} | {skills} |")
    return "\n".join([*lines, "", CARD.read_text(encoding="utf-8")])


def _weights(model: YieldModel) -> str:
    return ", ".join(f"{rung} {weight:.0%}" for rung, weight in model.weights.items() if weight >= 0.005)
