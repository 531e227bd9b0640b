"""A fitted yield model as plain content, and back: dictionaries, text, numbers, arrays, and trees where it has any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import Refusal
from agro.domain.outlook import Misses
from models.yield_hull import Hull
from models.yield_levels import Past
from models.yields import YieldModel

_TEXT = ("unit_id", "farm_id", "district")


def as_content(model: YieldModel) -> dict[str, Any]:
    """What a file of the model holds.

    model    fitted
    returns  names to text, numbers, lists and arrays; yields [t/ha]
    source   ours
    """
    past, hull, missed = model.past, model.hull, model.missed
    return {
        "crop": model.crop,
        "day": model.day,
        "chosen": model.chosen,
        "blocks": {name: list(columns) for name, columns in model.blocks.items()},
        "weights": dict(model.weights),
        "states": dict(model.states),
        "past": {
            "unit_ids": past.unit_ids.astype("U"),
            "seasons": past.seasons,
            "groups": past.groups.astype("U"),
            "yields": past.yields,
        },
        "left_out": {name: _column(column) for name, column in model.left_out.items()},
        "not_tried": {
            rung: {"code": why.code, "text": why.text, "remedy": why.remedy, "facts": dict(why.facts)}
            for rung, why in model.not_tried.items()
        },
        "missed": None if missed is None else _of_misses(missed),
        "hull": None if hull is None else {**vars(hull), "names": list(hull.names)},
    }


def model_of(content: Mapping[str, Any]) -> YieldModel:
    """The model that a file holds.

    content   from `as_content`
    returns   YieldModel, yields [t/ha]
    source    ours
    """
    missed, hull = content["missed"], content["hull"]
    left_out = pd.DataFrame(dict(content["left_out"]))
    return YieldModel(
        content["crop"],
        content["day"],
        content["chosen"],
        {name: tuple(columns) for name, columns in content["blocks"].items()},
        content["weights"],
        content["states"],
        Past(**content["past"]),
        left_out.assign(**{name: left_out[name].where(left_out[name] != "", None) for name in _TEXT[1:]}),
        {rung: Refusal(**why) for rung, why in content["not_tried"].items()},
        None if missed is None else _misses(missed),
        None if hull is None else Hull(**{**hull, "names": tuple(hull["names"])}),
    )


def _column(column: pd.Series) -> np.ndarray:
    text = column.name in _TEXT
    values: np.ndarray = column.fillna("").to_numpy().astype("U") if text else column.to_numpy()
    return values


def _of_misses(missed: Misses) -> dict[str, Any]:
    reach = [[scope, level, value] for (scope, level), value in missed.reach.items()]
    return {**{name: value for name, value in vars(missed).items() if name != "reach"}, "reach": reach}


def _misses(content: Mapping[str, Any]) -> Misses:
    reach = {(scope, level): value for scope, level, value in content["reach"]}
    return Misses(**{**content, "reach": reach})
