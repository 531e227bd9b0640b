"""Rows of records: the files of a folder, each row told or refused by its number, each thing once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.harvest import Known, YieldBounds
from agro.sources.tables import day, number_of, read_rows, text_of
from agro.sources.yield_headings import Column, Form, basis_of, factor_of, read_headings

_FORMATS = (".csv", ".xlsx")
_ANY = YieldBounds(120.0, 0.0, 120.0)  # [t/ha] of a crop without a row in configs/harvest.toml. source: ours
_FEW = 5  # [1] figures from which the middle of a table can tell a slip of unit
_LARGEST = {"area_ha": 2e7, "production_t": 1e9, "moisture_pct": 95.0}  # [ha], [t], [%] beyond it no figure is one


@dataclass(frozen=True)
class Row:
    """One row as it came: what each column says, where it stands."""

    cells: Mapping[str, str]
    raw: Mapping[str, Any]
    columns: Sequence[Column]
    place: Told

    def needed(self, name: str) -> str:
        """A cell that may not be empty. Raises BadInput."""
        if not self.cells.get(name):
            raise BadInput("CSV-CELL", "{where}: {column} is empty", "fill it", where=self.place, column=name)
        return self.cells[name]

    def day(self, name: str) -> date | None:
        """A day, where there is one. Raises BadInput."""
        text, raw = self.cells.get(name), self.raw.get(name)
        return None if not text else raw if type(raw) is date else day(raw, text, self.place, name)

    def figure(self, name: str, basis: str | None = None) -> float:
        """A figure in our unit, NaN where the cell is empty; `basis` chooses a column by weight. Raises BadInput."""
        columns = [c for c in self.columns if c.name == name and (basis is None or c.basis in (None, basis))]
        for column in columns:
            text = text_of(self.raw[column.heading])
            if not text:
                continue
            value = number_of(text) * factor_of(column, self.cells, self.place)
            limit = _LARGEST.get(name, np.inf)
            if not 0 <= value <= limit:
                raise BadInput(
                    "TABLE-RANGE",
                    "{where}: {column} is {met}, expected a number from 0 to {limit}",
                    "check the number and its unit",
                    where=self.place,
                    column=column.heading,
                    met=text,
                    limit=limit if np.isfinite(limit) else "...",
                )
            return value
        return float("nan")


def read_records(
    source: Path, form: Form, row_of: Callable[[Row], dict[str, Any] | None]
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """What `row_of` makes of every row of a file, or of a folder's files; a bad file or row is refused alone.

    Each row gets `place` and `source`. `row_of` gives None for a row that is to be passed over (a total).
    """
    files = [source]
    if source.is_dir():
        files = sorted(p for p in source.iterdir() if p.suffix.lower() in _FORMATS)
    if not files:
        raise BadInput(
            "RECORDS-NONE", "{where}: holds no table", "put CSV or XLSX there, or take it out", where=source.name
        )
    good: list[dict[str, Any]] = []
    refused: list[Refusal] = []
    for file in files:
        try:
            rows, unread = _rows(file, form)
        except AgroError as error:
            refused.append(error.refusal)
            continue
        refused += unread
        for row in rows:
            try:
                if isinstance(row, Refusal):
                    refused.append(row)
                elif made := row_of(row):
                    good.append({"source": file.name, **made, "place": row.place})
            except AgroError as error:
                refused.append(error.refusal)
    return good, refused


def _rows(file: Path, form: Form) -> tuple[list[Row | Refusal], list[Refusal]]:
    table = read_rows(file)
    if len(table) < 2:
        raise BadInput(
            "CSV-EMPTY", "{where}: has no rows", "fill the table or take it out of the configuration", where=file.name
        )
    columns, refused = read_headings(table[0], form, file.name)
    return list(_each(table, columns, file.name)), refused


def _each(table: list[list[Any]], columns: Sequence[Column], where: str) -> Iterator[Row | Refusal]:
    for number, cells in enumerate(table[1:], start=2):
        place = Told("{file}, row {n}", {"file": where, "n": number})
        if not any(text_of(cell) for cell in cells):
            continue
        if len(cells) != len(table[0]):
            yield BadInput(
                "CSV-ROW",
                "{where}: {met} cells, the heading has {expected}",
                "mend the row",
                where=place,
                met=len(cells),
                expected=len(table[0]),
            ).refusal
            continue
        raw = {c.heading: cells[c.place] for c in columns} | {c.name: cells[c.place] for c in columns}
        yield Row({c.name: text_of(cells[c.place]) for c in columns}, raw, columns, place)


def weighed(row: Row, names: Sequence[str]) -> tuple[str, dict[str, float]]:
    """The weight basis of a row and its figures by that weight: after cleaning where both stand there.

    The column of weights, the headings and the figures must not contradict each other. Raises BadInput.
    """
    said = basis_of(row.cells.get("weight_basis", ""), row.place)
    by_heading = {c.basis for c in row.columns if c.name in names and c.basis and text_of(row.raw[c.heading])}
    if said and by_heading - {said}:
        raise BadInput(
            "HARVEST-MIXED",
            "{where}: the heading says {expected} weight, the row {met} weight",
            "find out by which weight the figure is",
            where=row.place,
            expected=", ".join(sorted(by_heading)),
            met=said,
        )
    basis = said or ("barn" if "barn" in by_heading else "bunker" if by_heading else None)
    if basis is None:
        raise BadInput(
            "HARVEST-BASIS-MISSING",
            "{where}: whether the weight is that of the bunker or of the barn is not said (met {met})",
            "write bunker or barn into the column weight_basis; it is never guessed",
            where=row.place,
            met=row.cells.get("weight_basis") or "-",
        )
    return basis, {name: row.figure(name, basis) for name in names}


def check_yield(value: float, crop: str, known: Known, place: Told) -> None:
    """Refuse a yield [t/ha] that no field of this crop has. Raises BadInput."""
    limit = known.bounds.get(crop, _ANY)
    if value <= limit.highest_t_ha:
        return
    tenth = value / 10 <= limit.highest_t_ha
    raise BadInput(
        "YIELD-RANGE",
        "{where}: {met} t/ha of {crop}, expected 0 to {high} t/ha",
        "it looks like centners: is it {tenth} t/ha?" if tenth else "check the number and its unit",
        where=place,
        met=round(value, 2),
        crop=crop,
        high=limit.highest_t_ha,
        tenth=round(value / 10, 2),
    )


def without_doubles(rows: Sequence[dict[str, Any]], key: Sequence[str]) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """Each thing once: a copy is dropped, and where two rows contradict each other none is believed; all is told."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    refused, torn = [], set()
    for row in rows:
        own = tuple(row[name] for name in key)
        first = kept.setdefault(own, row)
        if first is row:
            continue
        same = all(first[k] == row[k] or (first[k] != first[k] and row[k] != row[k]) for k in row.keys() - {"place", "source"})  # fmt: skip  # noqa: E501
        torn |= set() if same else {own}
        error = BadInput(
            "HARVEST-TWICE" if same else "HARVEST-CONFLICT",
            "{where}: says the same as {first}"
            if same
            else "{where}: {what} stands in {first} already with other figures; neither is used",
            "keep one of them" if same else "find out which row is right",
            where=row["place"],
            first=first["place"],
            what=", ".join(str(part) for part in own if part is not None),
        )
        refused.append(error.about(field_id=row.get("field_id")))
    return [row for own, row in kept.items() if own not in torn], refused


def without_mistaken_units(rows: Sequence[dict[str, Any]], known: Known) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """Rows of a file and crop whose yields, taken together, contradict their unit are left out and told."""
    refused, out = [], set()
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["source"], row["crop"]), []).append(row)
    for (source, crop), own in groups.items():
        limit = known.bounds.get(crop, _ANY)
        middle = float(np.median([row["yield_t_ha"] for row in own]))
        if len(own) < _FEW or limit.usual_low_t_ha <= middle <= limit.usual_high_t_ha:
            continue
        out |= {id(row) for row in own}
        refused.append(
            BadInput(
                "YIELD-UNIT-VALUES",
                "{where}: the middle of the yields of {crop} is {met} t/ha, where {low} to {high} are usual; the unit "
                "looks wrong, so these {count} rows are not used",
                "check whether the figures are centners or tonnes; if they are right, mend configs/harvest.toml",
                where=source,
                crop=crop,
                met=round(middle, 2),
                low=limit.usual_low_t_ha,
                high=limit.usual_high_t_ha,
                count=len(own),
            ).refusal
        )
    return [row for row in rows if id(row) not in out], refused


def of_mixed_weight(rows: Sequence[dict[str, Any]], who: Callable[[dict[str, Any]], str]) -> list[Refusal]:
    """What is to be said where one and the same weighed a crop of a season in the bunker and in the barn."""
    groups: dict[tuple[str, int, str], list[str]] = {}
    for row in rows:
        groups.setdefault((who(row), row["season"], row["crop"]), []).append(row["weight_basis"])
    return [
        BadInput(
            "HARVEST-MIXED-ROWS",
            "{where}: {crop} of {season}: {bunker} harvests by bunker weight stand among {barn} by barn weight; "
            "those of the bunker are brought to the barn's weight, with the error of that",
            "give one weight for all where you have it",
            where=whose or "-",
            crop=crop,
            season=season,
            bunker=bases.count("bunker"),
            barn=bases.count("barn"),
        ).refusal
        for (whose, season, crop), bases in groups.items()
        if len(set(bases)) > 1
    ]
