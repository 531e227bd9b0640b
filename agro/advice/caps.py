"""What bounds a dose after the balance: the soil's class, the caps of crops, the steps and limits of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from agro.domain.errors import BadInput
from agro.domain.work import Machine


@dataclass(frozen=True)
class ClassRule:
    """What the soil's class makes of a balance.

    factor         [1] by class, the poorest first
    replaced       classes on which this crop gets back what it takes, and no more than the balance
    starter_kg_ha  [kg/ha] in the row, whatever the soil
    """

    factor: tuple[float, ...]
    replaced: tuple[int, ...] = ()
    starter_kg_ha: float = 0.0


def by_class(dose_kg_ha: Any, class_no: Any, removal_kg_ha: float, rule: ClassRule) -> Any:
    """The dose after the class rule: it never rises with the soil's supply.

    dose_kg_ha     balance, any shape [kg/ha]
    class_no       class of supply, same shape [1], 1 the poorest; NaN where unknown: the balance stands
    removal_kg_ha  what the planned yield takes [kg/ha]
    rule           the rule of this nutrient and crop
    returns        same shape [kg/ha]
    source         Russian handbooks: poor soils x 1.2 to 1.3, rich soils a starter or nothing; potato on class 4 is
                   given back what it takes. Not checked against a text: assumption
    """
    dose, number = np.asarray(dose_kg_ha, float), np.asarray(class_no, float)
    known = np.isfinite(number)
    place = np.clip(np.where(known, number, 1).astype(int) - 1, 0, len(rule.factor) - 1)
    changed = dose * np.where(known, np.asarray(rule.factor)[place], 1.0)
    back = np.isin(number, rule.replaced)
    return np.maximum(np.where(back, np.minimum(dose, removal_kg_ha), changed), rule.starter_kg_ha)


def capped(dose_kg_ha: Any, cap_kg_ha: float) -> Any:
    """The dose under its cap.

    dose_kg_ha  any shape [kg/ha]
    cap_kg_ha   [kg/ha]
    returns     same shape [kg/ha]
    source      ours
    """
    return np.clip(np.asarray(dose_kg_ha, float), 0.0, cap_kg_ha)


def driveable(rate_kg_ha: Any, machine: Machine) -> Any:
    """Rates that the machine can hold: whole steps, within its limits, or nothing.

    rate_kg_ha  of product, any shape [kg/ha]
    machine     its step and limits [kg/ha]
    returns     same shape [kg/ha]; a rate below half the lowest becomes 0, between that and the lowest the lowest
    source      ours
    """
    rate = np.asarray(rate_kg_ha, float)
    step = machine.step_kg_ha
    highest = np.floor(machine.highest_kg_ha / step + 1e-9) * step
    lowest = np.ceil(machine.lowest_kg_ha / step - 1e-9) * step
    stepped = np.clip(np.floor(rate / step + 0.5) * step, lowest, highest)
    return np.where(rate < max(machine.lowest_kg_ha, step) / 2, 0.0, stepped)


def check_plan(yield_t_ha: float, highest_t_ha: float, crop: str) -> None:
    """Refuse a planned yield that no field has.

    yield_t_ha    [t/ha] planned
    highest_t_ha  [t/ha] that the crop reaches
    crop          its name
    returns       nothing [-]
    raises        BadInput RX-YIELD
    source        ours: 40 is a slip of unit (dt/ha written for t/ha) before it is a harvest
    """
    if not 0 < yield_t_ha <= highest_t_ha:
        raise BadInput(
            "RX-YIELD",
            "the planned yield of {crop} is {met} t/ha, expected above 0 and at most {highest}",
            "write it in t/ha: 40 dt/ha are 4 t/ha",
            crop=crop,
            met=yield_t_ha,
            highest=highest_t_ha,
        )
