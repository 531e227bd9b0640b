"""What a machine put out, from the time logs of its task data (ISO 11783-10)."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.terminal import APPLIED_COLUMNS, Applied
from agro.sources import task_data
from agro.sources.ddi import quantity
from agro.sources.task_data import TaskData, named
from agro.sources.time_log import TimeLog, decode

_ACTUAL = {0x0007: (0x0006, 0x0051), 0x0002: (0x0001, 0x0050), 0x000C: (0x000B, None)}  # and its setpoint and total
_WIDTHS = (0x0043, 0x0046)  # actual, largest working width
_COUNT, _M2_IN_HA = 0x000C, 10_000.0  # pieces are logged by the square metre, and told by the hectare
_STATE, _SECTIONS = 0x008D, 0x00A1
_APART = ("2", "3")  # elements that put out something of their own: functions and bins. source: ISO 11783-10, DET C
_Key = tuple[int, str]  # DDI and element; no element: the mean of several


def read_logs(path: Path) -> list[Applied]:
    """Every product of every task, the widest worked one first. Raises BadInput, TornFile."""
    data = task_data.read(path)
    refused = list(data.unread)
    found = []
    for task in data.root.iter("TSK"):
        logs = list(_decoded(data, task, refused))
        keys = sorted({key for log in logs for key in _products(data, log)})
        for key in keys:
            rows = pd.concat([_rows(data, log, key) for log in logs if key in _products(data, log)])
            found.append((data, task, key, rows.sort_values("clock", kind="stable")))
    if not found:
        raise BadInput(
            "APPLIED-NONE",
            "{where}: no log of a task tells a rate that was put out",
            "give the task data that the terminal wrote after the work",
            where=path.name,
        )
    found.sort(key=lambda one: -float((one[3]["width_m"].fillna(0) * one[3]["working"]).sum()))
    return [_applied(*one, tuple(refused)) for one in found]


def _decoded(data: TaskData, task: Element, refused: list[Refusal]) -> Iterator[TimeLog]:
    """The logs of a task; what cannot be read is named."""
    for element in task.findall("TLG"):
        name = element.get("A", "")
        try:
            log = decode(data.binary(name, ".xml"), data.binary(name, ".bin"), f"{data.where}: {name}")
        except AgroError as error:
            refused.append(error.refusal)
            continue
        refused += log.refused
        yield log


def _products(data: TaskData, log: TimeLog) -> list[_Key]:
    """What of the log is put out: each function or bin by itself, sections and rows of one kind together."""
    own = [(ddi, element) for ddi, element in log.values.values() if ddi in _ACTUAL]
    alone = {ddi for ddi, _ in own if sum(other == ddi for other, _ in own) == 1}
    return list(dict.fromkeys((ddi, e if ddi in alone or _kind(data, e) in _APART else "") for ddi, e in own))


def _kind(data: TaskData, element: str) -> str:
    return next((one.get("C", "") for one in data.root.iter("DET") if one.get("A") == element), "")


def _rows(data: TaskData, log: TimeLog, key: _Key) -> pd.DataFrame:
    """One log's rows of one product, with `clock`."""
    ddi, element = key
    setpoint, total = _ACTUAL[ddi]
    records = log.records
    table = pd.DataFrame({"clock": records["clock"].where(records["clock"].notna(), records["utc"])})
    table["lon"], table["lat"] = records["lon_deg"], records["lat_deg"]
    table["rate"] = _logged(log, ddi, element)
    table["target"] = _logged(log, setpoint, element)
    table["total"] = np.nan if total is None else _logged(log, total, element, summed=not element)
    width = _logged(log, _WIDTHS[0], element)
    table["width_m"] = width.fillna(_described_width(data))
    state = _logged(log, _STATE, element)
    on = state == 1 if state.notna().any() else table["rate"] > 0
    sections = [number for number, (own, _) in log.values.items() if own == _SECTIONS]
    left, right = _span(records[sections[0]]) if sections else (-0.5, 0.5)
    table["left"], table["right"], table["area_m2"] = left, right, np.nan
    table["working"] = on & (table["right"] > table["left"]) & table["rate"].notna()
    return table


def _logged(log: TimeLog, ddi: int, element: str, summed: bool = False) -> pd.Series:
    """A quantity of an element in its unit; of any element where its own does not log it, the mean of several."""
    numbers = [number for number, (own, _) in log.values.items() if own == ddi]
    numbers = [number for number in numbers if log.values[number][1] == element] or numbers
    if not numbers:
        return pd.Series(np.nan, index=log.records.index)
    values = log.records[numbers]
    whole = values.sum(axis=1, min_count=1) if summed else values.mean(axis=1)
    return whole * quantity(ddi).step


def _described_width(data: TaskData) -> float:
    """The working width that the device's description gives [m]; NaN where it gives none."""
    for ddi in _WIDTHS:
        for one in data.root.iter("DPT"):
            if one.get("B", "").upper() == f"{ddi:04X}":
                return (task_data.number(one, "C") or float("nan")) * quantity(ddi).step
    return float("nan")


def _span(states: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """From which to which share of the width sections are on: two bits a section, 1 is on, 3 is no section.

    source   ISO 11783-11, DDI 161: actual condensed work state of sections 1 to 16, from the left
    """
    raw = states.fillna(0xFFFFFFFF).to_numpy().astype("i8") & 0xFFFFFFFF
    each = raw[:, None] >> np.arange(0, 32, 2) & 3
    there, on = each != 3, each == 1
    count = np.maximum(there.sum(axis=1), 1)
    first = np.where(on.any(axis=1), on.argmax(axis=1), 0)
    last = np.where(on.any(axis=1), 16 - on[:, ::-1].argmax(axis=1), 0)
    known = there.any(axis=1)
    return np.where(known, first / count - 0.5, -0.5), np.where(known, last / count - 0.5, 0.5)


def _applied(data: TaskData, task: Element, key: _Key, rows: pd.DataFrame, unread: tuple[Refusal, ...]) -> Applied:
    clock = rows["clock"]
    began = clock.dropna().iloc[0] if clock.notna().any() else pd.NaT
    rows = rows.assign(seconds=(clock - began).dt.total_seconds())[list(APPLIED_COLUMNS)].reset_index(drop=True)
    product = _product(data, task, key[1]) or named(task, "B")
    unit = quantity(key[0]).unit
    if key[0] == _COUNT:
        unit, rows = "1/ha", rows.assign(rate=rows["rate"] * _M2_IN_HA, target=rows["target"] * _M2_IN_HA)
    return Applied(product, unit, "" if pd.isna(began) else began.isoformat(), rows, unread)


def _product(data: TaskData, task: Element, element: str) -> str:
    """The product of an element: as the task allots it, as its zones say, or the only one that there is."""
    allotted = [one.get("A") for one in task.findall("PAN") if one.get("E") in (None, element)]
    zones = [value.get("C") for value in task.iter("PDV") if value.get("C")]
    only = [one.get("A") for one in data.root.findall("PDT")]
    for ids in (allotted, list(dict.fromkeys(zones)), only):
        if len(ids) == 1:
            return named(data.of(ids[0]), "B")
    return ""
