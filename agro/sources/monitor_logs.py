"""Yield in the time logs of a combine's task data (ISO 11783-10)."""

from pathlib import Path

import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.sources import task_data
from agro.sources.ddi import quantity
from agro.sources.task_data import TaskData
from agro.sources.time_log import TimeLog, decode

# Data dictionary identifiers that a combine logs: our column, and our unit in units of `agro.sources.ddi`.
_LOGGED = {
    0x0054: ("yield_t_ha", 1e-3),  # kg/ha
    0x0057: ("flow_kg_s", 1.0),
    0x0063: ("moisture_pct", 100.0),
    0x0043: ("swath_m", 1.0),
    0x018D: ("speed_m_s", 1.0),
    0x008D: ("working", 1.0),
}
_MASS_PER_TIME = 0x0057  # [mg/s]. source: ISO 11783-11


def read_logs(path: Path) -> tuple[dict[str, pd.Series], str, list[Refusal]]:
    """The columns of all logs with yield, the crop as the task data call it, and what was left out.

    raises   BadInput where no log tells a yield, TornFile
    """
    data = task_data.read(path)
    refused = list(data.unread)
    tables, crops = [], []
    for task in data.root.iter("TSK"):
        for element in task.findall("TLG"):
            name = element.get("A", "")
            try:
                log = decode(data.binary(name, ".xml"), data.binary(name, ".bin"), f"{path.name}: {name}")
            except AgroError as error:
                refused.append(error.refusal)
                continue
            refused += log.refused
            table = _columns(log, f"{path.name}/{name}")
            if {"yield_t_ha", "flow_kg_s"} & set(table):
                tables.append(table)
                crops.append(_crop(data, task.get("E")))
    if not tables:
        raise BadInput(
            "MONITOR-NO-YIELD",
            "{where}: no log of a task tells a yield",
            "give the task data of the combine; logs of other work tell none",
            where=path.name,
        )
    table = pd.concat(tables, ignore_index=True)
    return {str(name): table[name] for name in table}, next((crop for crop in crops if crop), ""), refused


def _columns(log: TimeLog, name: str) -> pd.DataFrame:
    """One log by our names; of several elements that log the same, the one that says most."""
    rows = log.records
    clock = rows["clock"].where(rows["clock"].notna(), rows["utc"])
    columns = {"log": name, "lon": rows["lon_deg"], "lat": rows["lat_deg"], "clock": clock}
    columns["day"] = clock.dt.normalize()
    columns["interval_s"] = clock.diff().dt.total_seconds()
    for ddi, (ours, times) in _LOGGED.items():
        numbers = [number for number, (own, _) in log.values.items() if own == ddi]
        if numbers:
            best = max(numbers, key=lambda number: rows[number].nunique())
            step = 1e-6 if ddi == _MASS_PER_TIME else quantity(ddi).step
            columns[ours] = rows[best] * step * times
    return pd.DataFrame(columns)


def _crop(data: TaskData, field: str | None) -> str:
    """What the task data call the crop of a field."""
    partfield = data.of(field)
    crop = data.of(partfield.get("G")) if partfield is not None else None
    return crop.get("B", "") if crop is not None else ""
