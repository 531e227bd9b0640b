"""What soil figures mean: classes of supply by method, their shares of a field, loss between two surveys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from agro.domain.errors import BadInput
from agro.domain.soil import DETERMINANDS

_LEAST_CRITERIA = 3  # [1] source: Government decree 612 of 2011-07-22


@dataclass(frozen=True)
class Classes:
    """One grouping: of which property, by which method, upper ends [its unit], names, and whether it was verified.

    A figure is rounded to `step` first; above `highest` the table says nothing. A grouping with `to_cm` is of the layer
    from 0 to there [cm], and `method` names it.
    """

    property: str
    method: str
    upper: tuple[float, ...]
    names: tuple[str, ...]
    russian: tuple[str, ...]
    step: float
    status: str
    source: str
    highest: float = np.inf
    to_cm: float | None = None

    def __post_init__(self) -> None:
        if not (len(self.upper) + 1 == len(self.names) == len(self.russian)) or list(self.upper) != sorted(self.upper):
            raise BadInput(
                "SOIL-CLASSES",
                "{where}: the ends of the classes must rise and be one fewer than their names",
                "mend it in configs/soils.toml",
                where=f"{self.property} {self.method}".strip(),
            )


@dataclass(frozen=True)
class Criterion:
    """One sign of lost fertility: a change [%] that is reached, for soils whose first figure is below `only_below`."""

    property: str
    change_pct: float
    only_below: float = np.inf


def classes_of(property_name: str, method: str | None, tables: Sequence[Classes]) -> Classes:
    """The grouping for a property and its method; never another method's.

    property_name  column of a determinand, `p2o5_mg_kg` [1]
    method         extraction code, or None where the property needs none [1]
    tables         the groupings that are known
    returns        Classes [its property's unit]
    raises         BadInput SOIL-NO-METHOD where the property is grouped by method and none is said, SOIL-NO-CLASSES
                   where nothing is known for it
    source         ours: the same potassium is `high` by one extraction and `very high` by another
    """
    own = [table for table in tables if table.property == property_name]
    found = [table for table in own if table.method == (method or "")]
    if found:
        return found[0]
    if own and not method:
        raise BadInput(
            "SOIL-CLASS-METHOD",
            "{where}: its classes depend on the method, which is not said",
            "say one of {expected}",
            where=property_name,
            expected=", ".join(table.method for table in own),
        )
    raise BadInput(
        "SOIL-NO-CLASSES",
        "{where}: no classes are known for the method {met}",
        "add them to configs/soils.toml with their source, or map the figure alone",
        where=property_name,
        met=method or "-",
    )


def grouping_of(property_name: str, method: str, to_cm: float, tables: Sequence[Classes]) -> Classes | None:
    """The grouping of samples of one kind, or none: then the figure is shown as it is.

    property_name  column of a determinand [1]
    method         extraction code, empty where none was said [1]
    to_cm          lower end of the sampled layer [cm]
    tables         the groupings that are known
    returns        Classes [its property's unit], or None; one of a layer only for that layer
    source         as `classes_of`
    """
    own = [one for one in tables if one.property == property_name]
    of_layer = [one for one in own if one.to_cm is not None and one.to_cm == to_cm]
    found = [*of_layer, *(one for one in own if one.to_cm is None and one.method == method)]
    return found[0] if found else None


def classify(values: Any, table: Classes) -> Any:
    """The class of each figure.

    values   any shape, numpy, dask or xarray, in the property's unit [%, pH or mg/kg]; NaN = not known
    table    the grouping, from `classes_of`
    returns  same shape [class], 1 the poorest; NaN where not known or above what the table covers
    source   the table's own; a figure is rounded to the table's step as the bounds are printed
    """
    ends = np.asarray(table.upper) + table.step / 4

    def number(figures: np.ndarray) -> np.ndarray:
        rounded = np.floor(figures / table.step + 0.5 + 1e-9) * table.step
        told = np.isfinite(figures) & (rounded <= table.highest + table.step / 4)
        return np.where(told, np.searchsorted(ends, rounded) + 1.0, np.nan)

    return xr.apply_ufunc(number, values, dask="parallelized", output_dtypes=["float64"])


def class_shares(classes: np.ndarray, table: Classes, pixel_ha: float) -> pd.DataFrame:
    """How much ground each class takes.

    classes   any shape [class], from `classify`; NaN = not known
    table     the same grouping
    pixel_ha  ground of one figure [ha]
    returns   one row a class: class_no, name, russian, area_ha [ha], share_pct [%] of what is known; 0 where nothing is
    source    ours
    """
    numbers = np.arange(1, len(table.names) + 1)
    count = np.array([(np.asarray(classes) == number).sum() for number in numbers])
    return pd.DataFrame(
        {
            "class_no": numbers,
            "name": table.names,
            "russian": table.russian,
            "area_ha": count * pixel_ha,
            "share_pct": 100.0 * count / max(int(count.sum()), 1),
        }
    )


def fertility_loss(
    before: pd.DataFrame, after: pd.DataFrame, criteria: Sequence[Criterion], least: int = _LEAST_CRITERIA
) -> pd.DataFrame:
    """The alarm between two survey rounds, field by field.

    before, after  tables with field_id and columns of determinands [%, pH, mg/kg], one row a field; `p2o5_method` and
                   `k2o_method` where these are; NaN = not measured
    criteria       what counts as loss
    least          so many of them raise the alarm [1]
    returns        one row a field of both rounds: `<property>_change_pct` [%], NaN where it cannot be compared (not
                   measured, another method, soil not acid), criteria_compared, criteria_met [1], alarm
    raises         BadInput SOIL-FIELD-TWICE where a field has several rows in a round
    source         Government decree 612 of 2011-07-22: not fewer than three criteria; a change through unlawful use,
                   which no figure shows, so this is a reason to look and not a finding
    """
    for when, table in (("before", before), ("after", after)):
        if table["field_id"].duplicated().any():
            raise BadInput(
                "SOIL-FIELD-TWICE",
                "{where}: field {field_id} has several rows in one survey round",
                "average the samples of a field first",
                where=when,
                field_id=str(table["field_id"][table["field_id"].duplicated()].iloc[0]),
            )
    pairs = before.merge(after, on="field_id", suffixes=("_0", "_1"))
    told = pd.DataFrame({"field_id": pairs["field_id"]})
    met = np.zeros(len(pairs), int)
    compared = np.zeros(len(pairs), int)
    for criterion in criteria:
        change = _change_pct(pairs, criterion)
        told[f"{criterion.property}_change_pct"] = change
        reached = change <= criterion.change_pct + 1e-9 if criterion.change_pct < 0 else change >= criterion.change_pct
        met, compared = met + np.asarray(reached), compared + np.isfinite(change)
    return told.assign(criteria_compared=compared, criteria_met=met, alarm=met >= least)


def _change_pct(pairs: pd.DataFrame, criterion: Criterion) -> np.ndarray:
    """Change of one property [%]; NaN where the two rounds cannot be compared."""
    name = criterion.property
    if f"{name}_0" not in pairs or f"{name}_1" not in pairs:
        return np.full(len(pairs), np.nan)
    first, last = (pairs[f"{name}_{i}"].to_numpy("float64") for i in (0, 1))
    comparable = (first > 0) & (first < criterion.only_below)
    if DETERMINANDS[name].needs_method:
        method = DETERMINANDS[name].method_column
        both = [pairs.get(f"{method}_{i}", pd.Series([None] * len(pairs))) for i in (0, 1)]
        comparable &= (both[0].notna() & (both[0] == both[1])).to_numpy(bool)
    change = np.full(len(pairs), np.nan)
    change[comparable] = 100.0 * (last[comparable] / first[comparable] - 1.0)
    return change


def classes_from(rows: Sequence[Mapping[str, Any]]) -> tuple[Classes, ...]:
    """The groupings of a configuration file.

    rows     each with property, method, upper [its unit], names, russian, step, status, source and, may be, highest
    returns  Classes in the same order [1]
    raises   BadInput SOIL-CLASSES where ends and names do not fit
    source   ours
    """
    keys: list[dict[str, Any]] = [{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
    return tuple(Classes(**key) for key in keys)
