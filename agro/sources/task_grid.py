"""The binary grid of a task: a zone's code or the rates themselves for each cell, rows from the south."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from agro.domain.errors import BadInput, Told, TornFile
from agro.domain.terminal import Cells
from agro.sources.task_data import number, whole

_MOST_CELLS = 50_000_000  # [1]
BY_CODE, BY_RATE = 1, 2  # types of a grid. source: ISO 11783-10, GRD I


@dataclass(frozen=True)
class GridShape:
    """Where a grid lies and how large it is: south-west corner and cell [deg], rows, columns, its type."""

    south_deg: float
    west_deg: float
    north_step_deg: float
    east_step_deg: float
    rows: int
    columns: int
    kind: int


def shape_of(grid: Element, where: Told) -> GridShape:
    """What the grid's element says of it. Raises BadInput."""
    place = [number(grid, letter) for letter in "ABCD"]
    south, west, north_step, east_step = (float("nan") if value is None else value for value in place)
    columns, rows, kind = (whole(grid, letter) or 0 for letter in "EFI")
    if not (abs(south) <= 90 and abs(west) <= 180 and 0 < north_step < 1 and 0 < east_step < 1 and kind in (1, 2)):
        raise BadInput(
            "TASK-GRID",
            "{where}: the grid's corner, cell size or type is missing or cannot be",
            "export the task data again",
            where=where,
        )
    if rows < 1 or columns < 1 or rows * columns > _MOST_CELLS:
        raise BadInput(
            "TASK-GRID-SIZE",
            "{where}: the grid is said to have {rows} rows and {columns} columns, at most {limit} cells are read",
            "export the task data again",
            where=where,
            rows=rows,
            columns=columns,
            limit=_MOST_CELLS,
        )
    return GridShape(south, west, north_step, east_step, rows, columns, kind)


def cells_of(
    shape: GridShape, content: bytes, steps: list[float], zones: Mapping[int, tuple[float, ...]], where: Told
) -> Cells:
    """The rates (rows, columns, products) of a grid's file. Raises TornFile where it is cut.

    steps  what one step of a rate is, for each product
    zones  the rates of each zone's code; a code that no zone has gives NaN
    """
    need = shape.rows * shape.columns * (1 if shape.kind == BY_CODE else 4 * len(steps))
    if len(content) < need or not steps:
        raise TornFile(
            "TASK-GRID-TORN",
            "{where}: the grid's file has {met} bytes, {rows} rows and {columns} columns need {expected}",
            "export the task data again",
            where=where,
            met=len(content),
            rows=shape.rows,
            columns=shape.columns,
            expected=need,
        )
    if shape.kind == BY_RATE:
        raw = np.frombuffer(content[:need], "<i4").reshape(shape.rows, shape.columns, len(steps))
        rates = raw * np.array(steps)
    else:
        table = np.full((256, len(steps)), np.nan)
        for code, own in zones.items():
            table[code] = own
        rates = table[np.frombuffer(content[:need], "u1").reshape(shape.rows, shape.columns)]
    return Cells(shape.south_deg, shape.west_deg, shape.north_step_deg, shape.east_step_deg, rates)
