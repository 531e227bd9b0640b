"""Forecasts as rows of a table, and back: estimate, interval ends, share answered, and the reason as it was told."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from agro.domain.errors import Refusal, Told
from agro.domain.outlook import LEVELS, Estimate, Forecast, Interval

_WHY = ("why_code", "why", "why_remedy", "why_facts")


def as_table(forecasts: Sequence[Forecast]) -> pd.DataFrame:
    """A row a forecast: scope, subject, crop, season, quantity, as_of, value, se, unit, low_80 ..., model, answered."""
    return pd.DataFrame([_row(one) for one in forecasts], columns=_columns())


def from_table(table: pd.DataFrame) -> list[Forecast]:
    """The forecasts that a table holds."""
    return [_forecast(row) for row in table.to_dict("records")]


def _columns() -> list[str]:
    ends = [f"{end}_{round(100 * level)}" for level in LEVELS for end in ("low", "high")]
    named = ["scope", "subject", "crop", "season", "quantity", "as_of", "value", "se", "unit"]
    return [*named, *ends, "model", "answered", *_WHY]


def _row(one: Forecast) -> dict[str, Any]:
    ends: dict[str, float] = {}
    for told in one.intervals:
        ends |= {f"low_{round(100 * told.level)}": told.low, f"high_{round(100 * told.level)}": told.high}
    known = {name: getattr(one, name) for name in ("scope", "subject", "crop", "season", "quantity", "as_of")}
    estimate = {} if one.estimate is None else vars(one.estimate)
    why = one.why
    reason = (
        dict(zip(_WHY, (why.code, why.text, why.remedy, json.dumps(dict(why.facts), default=vars)), strict=True))
        if why
        else {}
    )
    return {**known, **estimate, **ends, "model": one.model, "answered": one.answered, **reason}


def _forecast(row: dict[str, Any]) -> Forecast:
    estimate = None if pd.isna(row["value"]) else Estimate(row["value"], row["se"], row["unit"])
    ends = tuple(
        Interval(level, row[f"low_{round(100 * level)}"], row[f"high_{round(100 * level)}"])
        for level in LEVELS
        if pd.notna(row[f"low_{round(100 * level)}"])
    )
    why = None
    if isinstance(row["why_code"], str):
        why = Refusal(row["why_code"], row["why"], row["why_remedy"], json.loads(row["why_facts"], object_hook=_told))
    known = {name: row[name] for name in ("scope", "subject", "crop", "quantity", "as_of", "model", "answered")}
    return Forecast(**known, season=int(row["season"]), estimate=estimate, intervals=ends, why=why)


def _told(found: dict[str, Any]) -> Any:
    return Told(**found) if set(found) == {"text", "facts"} else found
