"""What is in somebody's task data: every task and log that can be read, and what cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, Refusal
from agro.domain.terminal import TaskMap
from agro.sources import task_data
from agro.sources.ddi import quantity
from agro.sources.task_map import task_maps
from agro.sources.time_log import decode


def look_into(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Refusal]]:
    """Tasks, logs (see `agro.reports.task_list`), and what could not be read. Raises BadInput, TornFile."""
    data = task_data.read(path)
    maps = task_maps(data)
    unread = [*data.unread, *(one for _, found in maps for one in found.unread)]
    logs = []
    for element in data.root.iter("TLG"):
        name = element.get("A", "")
        try:
            log = decode(data.binary(name, ".xml"), data.binary(name, ".bin"), f"{data.where}: {name}")
        except AgroError as error:
            unread.append(error.refusal)
            continue
        unread += log.refused
        clock = log.records["clock"].where(log.records["clock"].notna(), log.records["utc"])
        quantities = dict.fromkeys(quantity(ddi).name for ddi, _ in log.values.values())
        first, last = ("-" if pd.isna(at) else at.isoformat() for at in (clock.min(), clock.max()))
        logs.append(
            {"name": name, "records": len(log.records), "first": first, "last": last, "quantities": list(quantities)}
        )
    return [_told(task_id, found) for task_id, found in maps], logs, unread


def _told(task_id: str, found: TaskMap) -> dict[str, Any]:
    shape = (0, 0) if found.cells is None else found.cells.rates.shape[:2]
    rates = [
        {"product": column.product, "unit": column.unit, **_spread(_rates(found, n))}
        for n, column in enumerate(found.columns)
    ]
    names = {name: found.names.get(name, "") for name in ("field", "customer", "farm")}
    task = found.names.get("task") or task_id
    return {"task": task, **names, "rows": shape[0], "columns": shape[1], "areas": len(found.areas), "rates": rates}


def _rates(found: TaskMap, column: int) -> np.ndarray:
    """All rates of a product that the map holds and that are said."""
    cells = np.array([]) if found.cells is None else found.cells.rates[..., column].ravel()
    rates: np.ndarray = np.concatenate([cells, [area.rates[column] for area in found.areas]])
    finite: np.ndarray = rates[np.isfinite(rates)]
    return finite


def _spread(rates: np.ndarray) -> dict[str, float | None]:
    some = len(rates) > 0
    return {
        "lowest": float(rates.min()) if some else None,
        "highest": float(rates.max()) if some else None,
        "mean": float(rates.mean()) if some else None,
    }
