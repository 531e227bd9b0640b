"""Time logs of ISO 11783-10: the header and the records that a terminal writes while it works, bytes to a table.

An attribute of the header that is empty stands in every record; one with a value holds for all; one that is missing
was not logged. A record is the terminal's clock, the position, and the values that changed since the last one.
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput, Refusal, TornFile
from agro.sources.guard import LARGEST_TEXT_BYTES
from agro.sources.xml_tree import parsed

# Attributes of PTN in the order in which records hold them: our name, how it is stored, one step.
# source: ISO 11783-10, XML elements PTN and TIM; degrees, metres, seconds, days
_POSITION = {
    "A": ("lat_deg", "<i4", 1e-7),
    "B": ("lon_deg", "<i4", 1e-7),
    "C": ("up_m", "<i4", 1e-3),
    "D": ("fix", "u1", 1.0),
    "E": ("pdop", "<u2", 0.1),
    "F": ("hdop", "<u2", 0.1),
    "G": ("satellites", "u1", 1.0),
    "H": ("utc_ms", "<u4", 1.0),
    "I": ("utc_days", "<u2", 1.0),
}
_STEP_IN_XML = {"up_m": 1e-3, "utc_ms": 1.0, "utc_days": 1.0}  # constants of the header: degrees and such as written
_EPOCH = np.datetime64("1980-01-01", "ms")  # of the days that records count
_DAY_MS = 86_400_000
_MOST_CELLS = 60_000_000  # [1] records times columns that are held at once


@dataclass(frozen=True)
class TimeLog:
    """A log's records, and what of it could not be read.

    `records` has one row a record: `clock` (the terminal's own, which names no zone), `utc` (of the satellites, NaT
    where it was not logged), `lat_deg`, `lon_deg` (NaN without a fix), `up_m`, `fix`, `pdop`, `hdop`, `satellites`,
    and a column for each logged value by its number in the header, in the dictionary's steps, NaN until it is first
    given. `values` names these columns: (DDI, element) by number.
    """

    records: pd.DataFrame
    values: dict[int, tuple[int, str]]
    refused: tuple[Refusal, ...] = ()


def decode(header: bytes, content: bytes, where: str) -> TimeLog:
    """The log of a header (TLG*.XML) and its records (TLG*.BIN). Raises BadInput, TornFile.

    A file that ends inside a record, or goes on in a way that is none, gives the records before it, and says so.
    """
    root = parsed(header, where)
    times = root if root.tag == "TIM" else root.find("TIM")
    if times is None:
        raise TornFile(
            "LOG-HEADER", "{where}: the header of the log names no time", "export the task data again", where=where
        )
    if len(content) > LARGEST_TEXT_BYTES:
        raise BadInput(
            "FILE-TOO-LARGE",
            "{where}: larger than {limit} MB",
            "split the file",
            where=where,
            limit=LARGEST_TEXT_BYTES // 1_000_000,
        )
    position = times.find("PTN")
    position = Element("PTN") if position is None else position
    values = [_value(element) for element in times.findall("DLV")]
    stored = [("ms", "<u4", 1.0), ("days", "<u2", 1.0)] if times.get("A", "") == "" else []
    stored += [field for name, field in _POSITION.items() if position.get(name) == ""]
    starts, counts, torn = _walk(content, sum(np.dtype(kind).itemsize for _, kind, _ in stored), len(values), where)
    if len(starts) * (len(stored) + len(values) + 2) > _MOST_CELLS:
        raise BadInput(
            "LOG-TOO-LARGE",
            "{where}: {met} records of {columns} values are more than is read at once",
            "split the log",
            where=where,
            met=len(starts),
            columns=len(values),
        )
    raw = np.frombuffer(content, "u1")
    columns = {name: np.full(len(starts), step) for name, step in _constants(position)}
    at = starts
    for name, kind, step in stored:
        columns[name] = _taken(raw, at, kind) * step
        at = at + np.dtype(kind).itemsize
    placed = pd.DataFrame(_placed(_timed(columns, times, len(starts))))
    changed = _changed(raw, at + 1, counts, [constant for _, _, constant in values])
    records = pd.concat([placed, changed], axis=1)
    return TimeLog(records, {n: (ddi, element) for n, (ddi, element, _) in enumerate(values)}, torn)


def _value(element: Element) -> tuple[int, str, float]:
    """DDI, element, and the value that holds for the whole log (NaN where records give it)."""
    try:
        ddi = int(element.get("A", ""), 16)
    except ValueError:
        ddi = -1
    try:
        constant = float(element.get("B") or "nan")
    except ValueError:
        constant = float("nan")
    return ddi, element.get("C", ""), constant


def _constants(position: Element) -> list[tuple[str, float]]:
    found = []
    for attribute, (name, _, _) in _POSITION.items():
        try:
            found.append((name, float(position.get(attribute) or "nan") * _STEP_IN_XML.get(name, 1.0)))
        except ValueError:
            found.append((name, float("nan")))
    return found


def _walk(content: bytes, head: int, most: int, where: str) -> tuple[np.ndarray, np.ndarray, tuple[Refusal, ...]]:
    """Where each record begins, how many values it has, and what to say where the walk ended too early."""
    starts: list[int] = []
    counts: list[int] = []
    at, size = 0, len(content)
    while at < size:
        end = at + head + 1
        count = content[end - 1] if end <= size else 0
        if end + 5 * count > size or count > most:
            why = TornFile(
                "LOG-TORN",
                "{where}: byte {met} of {size} is no record; the {count} records before it are read",
                "copy the log again where more is missing than the last second",
                where=where,
                met=at,
                size=size,
                count=len(starts),
            )
            return np.array(starts, "i8"), np.array(counts, "i8"), (why.refusal,)
        starts.append(at)
        counts.append(count)
        at = end + 5 * count
    return np.array(starts, "i8"), np.array(counts, "i8"), ()


def _taken(raw: np.ndarray, at: np.ndarray, kind: str) -> np.ndarray:
    """The numbers of one kind that begin at these bytes."""
    size = np.dtype(kind).itemsize
    numbers: np.ndarray = raw[at[:, None] + np.arange(size)].reshape(-1).view(kind).astype("f8")
    return numbers


def _timed(columns: dict[str, np.ndarray], times: Element, count: int) -> dict[str, np.ndarray]:
    """The columns with `clock` and `utc` in place of milliseconds and days."""
    if "ms" in columns:
        at = _instant(columns.pop("ms"), columns.pop("days"))
    else:
        first = pd.to_datetime(times.get("A"), errors="coerce")
        instant = np.datetime64("NaT") if pd.isna(first) else np.datetime64(first.replace(tzinfo=None), "ms")
        at = np.full(count, instant, "datetime64[ms]")
    return {"clock": at, "utc": _instant(columns.pop("utc_ms"), columns.pop("utc_days")), **columns}


def _instant(milliseconds: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Instants of milliseconds since midnight and days since 1980; NaT where they are none."""
    sound = np.isfinite(milliseconds) & np.isfinite(days) & (milliseconds < _DAY_MS)
    whole = np.where(sound, np.nan_to_num(days) * _DAY_MS + np.nan_to_num(milliseconds), 0).astype("i8")
    return np.where(sound, _EPOCH + whole.astype("m8[ms]"), np.datetime64("NaT", "ms"))


def _placed(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns, with NaN where there is no position on the earth, or the one that stands for none."""
    lat, lon = columns["lat_deg"], columns["lon_deg"]
    with np.errstate(invalid="ignore"):
        sound = (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & ((lat != 0) | (lon != 0))
    return {**columns, "lat_deg": np.where(sound, lat, np.nan), "lon_deg": np.where(sound, lon, np.nan)}


def _changed(raw: np.ndarray, first: np.ndarray, counts: np.ndarray, constants: list[float]) -> pd.DataFrame:
    """The values (record, number), each kept from record to record until it changes."""
    values = np.full((len(counts), len(constants)), np.nan)
    values[:, np.isfinite(constants)] = np.array(constants)[np.isfinite(constants)]
    total = int(counts.sum())
    if total:
        row = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        at = first[row] + 5 * within
        number = raw[at].astype("i8")
        known = number < len(constants)
        values[row[known], number[known]] = _taken(raw, at[known] + 1, "<i4")
    return pd.DataFrame(values).ffill()
