"""A fitted classifier of crops as plain content, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from models.crop_types import CropModel, CropRules
from models.yield_hull import Hull

_NUMBERS = ("season", "area_ha")


def as_content(model: CropModel) -> dict[str, Any]:
    """What a file of the model holds.

    model    fitted
    returns  names to text, numbers, lists, arrays and trees [-]
    source   ours
    """
    return {
        "classes": list(model.classes),
        "names": list(model.names),
        "chosen": model.chosen,
        "state": dict(model.state),
        "sharpness": model.sharpness,
        "rules": dict(vars(model.rules)),
        "left_out": {name: _column(column) for name, column in model.left_out.items()},
        "hull": {**vars(model.hull), "names": list(model.hull.names)},
    }


def model_of(content: Mapping[str, Any]) -> CropModel:
    """The model that a file holds.

    content   from `as_content`
    returns   CropModel, probabilities [1]
    source    ours
    """
    left_out = pd.DataFrame(dict(content["left_out"]))
    told = left_out["told"].astype("object").where(left_out["told"] != "", None)
    return CropModel(
        tuple(content["classes"]),
        tuple(content["names"]),
        content["chosen"],
        content["state"],
        content["sharpness"],
        CropRules(**content["rules"]),
        left_out.assign(told=told),
        Hull(**{**content["hull"], "names": tuple(content["hull"]["names"])}),
    )


def _column(column: pd.Series) -> np.ndarray:
    number = str(column.name) in _NUMBERS or str(column.name).endswith("_p")
    values: np.ndarray = column.to_numpy("float64") if number else column.fillna("").to_numpy().astype("U")
    return values
