"""The proof that a written file says what was prescribed: it is driven over as a terminal does it, and compared.

Nothing here knows how files are written. What a file says comes from a reader of another room, with which the writers
cannot share code. Where the two do not agree, nothing is handed out.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from shapely import Point

from agro.domain.errors import NotProved, Told
from agro.domain.terminal import Cells, Column, TaskMap
from agro.domain.work import Prescription, Product
from agro.store.terminal_drive import (
    Rules,
    drive_over,
    metres_per_degree,
    polygon_ha,
    row_areas_ha,
    rules_of_map,
    rules_of_prescription,
)

_KG_OFF = 1e-3  # [1] of all kilograms
_CENTRE_OFF = 0.3  # [cell] between the centres of mass: half a cell is the mistake that is looked for
_CENTRE_OFF_M = 0.02  # [m] the same for polygons, which have no cells
_RATE_OFF = 0.011  # [kg/ha] files round to 0.01
_AREA_OFF = 5e-4  # [1] of the boundary's area
_ON_BORDER_DEG = 2e-9  # [deg] so near to a border a place may belong to either side; files round to 1e-9
_CUT_FROM = 24  # letters: a shorter name was not cut
_PLACES = 20_000  # [1] at which polygons are compared
_DRIVEN = (120_000, 1_000_000)  # [1] sections looked at


@dataclass(frozen=True)
class Compared:
    """One product: kilograms ordered, kilograms in the file, kilograms that an implement put out by the file.

    places, differing       [1] at which the two rates were held against each other
    centre_off_m            [m] between the centres of mass
    misplaced_by_width_pct  [%] that lands elsewhere where one rate holds over the whole width, not one a section
    """

    product: str
    ordered_kg: float
    file_kg: float
    driven_kg: float
    places: int
    differing: int
    centre_off_m: float
    misplaced_by_width_pct: float


def prove(prescription: Prescription, maps: Sequence[TaskMap], width_m: float, framed: bool) -> dict[str, Any]:
    """What was compared, and how far it agrees, as plain JSON values. Raises NotProved.

    maps     what an independent reader found in the file: one with all products, or one for each, in any order
    width_m  of the implement that drives
    framed   whether the form holds a boundary, names and the rates where the map is silent
    """
    whole = rules_of_prescription(prescription)
    own = drive_over(whole, prescription.boundary, width_m, _DRIVEN[0])
    compared = []
    for place, product in enumerate(prescription.products):
        task, column = _find(prescription, maps, product)
        factor = _to_kg(prescription, product, task.columns[column])
        meant, read = _only(whole, place, 1.0), _only(rules_of_map(task), column, factor)
        driven_kg = _driven_kg(read, prescription, place, width_m)
        one = _compared(prescription, place, (meant, read), driven_kg, float(own.misplaced[place]))
        _judge(prescription, one, task)
        if framed:
            _check_frame(prescription, task, place, column, factor)
        compared.append(one)
    return {
        "products": [asdict(one) for one in compared],
        "implement_width_m": width_m,
        "places_driven": own.places,
        "kilograms_may_differ_by": _KG_OFF,
        "tried_on_this_terminal": False,
    }


def _find(prescription: Prescription, maps: Sequence[TaskMap], product: Product) -> tuple[TaskMap, int]:
    """The map and the column that are called as the product is."""
    called = [(task, n) for task in maps for n, column in enumerate(task.columns) if _is_called(product, column)]
    if len(called) != 1:
        raise NotProved(
            "PROOF-PRODUCT",
            "{field}: the written file names the product {product} {met} times, expected once",
            "this is a fault of the program: report it; no file was handed out",
            field=prescription.field_id,
            product=product.code,
            met=len(called),
        )
    return called[0]


def _is_called(product: Product, column: Column) -> bool:
    """By its Russian name, cut where it is long; by its code, alone or behind the field's."""
    plain, shown = " ".join(product.russian.split()), column.product
    code = "".join(filter(str.isalnum, product.code.casefold()))
    words = shown.casefold().removesuffix("_kg_ha").removesuffix("_l_ha").split("_")
    cut = len(shown) >= _CUT_FROM and plain.startswith(shown)
    return bool(shown) and (plain == shown or cut or code in ("".join(words), words[-1]))


def _to_kg(prescription: Prescription, product: Product, column: Column) -> float:
    """Kilograms in the unit of the column."""
    if column.unit == "kg/ha":
        return 1.0
    if column.unit == "l/ha" and product.density_kg_l:
        return product.density_kg_l
    raise NotProved(
        "PROOF-UNIT",
        "{field}: the written file gives {product} in {met}",
        "this is a fault of the program: report it; no file was handed out",
        field=prescription.field_id,
        product=product.code,
        met=column.unit or "-",
    )


def _only(rules: Rules, place: int, factor: float) -> Rules:
    """The rules of one product, its rates times a factor."""
    keep = [place]
    cells = rules.cells and replace(rules.cells, rates=rules.cells.rates[..., keep] * factor)
    areas = tuple((area, rates[keep] * factor) for area, rates in rules.areas)
    return Rules(areas, cells, rules.boundary, rules.default[keep] * factor, rules.outside[keep] * factor)


def _driven_kg(read: Rules, prescription: Prescription, place: int, width_m: float) -> float:
    """Kilograms that the implement puts out by the file; looked at finer where they seem to differ."""
    for places in _DRIVEN:
        driven = drive_over(read, prescription.boundary, width_m, places)
        if _agree(float(driven.kg[0]), prescription.total_kg[place], _KG_OFF / 2):
            break
    return float(driven.kg[0])


def _compared(
    prescription: Prescription, place: int, both: tuple[Rules, Rules], driven_kg: float, misplaced: float
) -> Compared:
    meant, read = both
    outside = float(meant.outside[0])
    kg, centre = _mass(read, outside)
    _, meant_centre = _mass(meant, outside)
    apart = (centre - meant_centre) * metres_per_degree(meant_centre[1])
    places = _places(read, prescription)
    return Compared(
        prescription.products[place].code,
        prescription.total_kg[place],
        kg + outside * polygon_ha(prescription.boundary),
        driven_kg,
        len(places),
        _differing(meant, read, places),
        float(np.hypot(*apart)),
        100 * misplaced,
    )


def _mass(rules: Rules, outside: float) -> tuple[float, np.ndarray]:
    """Kilograms above the rate outside, and the centre [deg] of what differs from it."""
    if rules.cells is not None:
        above = (np.nan_to_num(rules.cells.rates[..., 0], nan=outside) - outside) * row_areas_ha(rules.cells)[:, None]
        middles = _cell_middles(rules.cells)
        weights = above.ravel()
    else:
        weights = np.array([(rates[0] - outside) * polygon_ha(area) for area, rates in rules.areas])
        middles = np.array([area.centroid.coords[0] for area, _ in rules.areas]).reshape(-1, 2)
    total = np.abs(weights).sum()
    centre = np.abs(weights) @ middles / total if total > 0 else np.zeros(2)
    return float(weights.sum()), centre


def _cell_middles(cells: Cells) -> np.ndarray:
    rows, columns = cells.rates.shape[:2]
    north = cells.south_deg + (np.arange(rows) + 0.5) * cells.north_step_deg
    east = cells.west_deg + (np.arange(columns) + 0.5) * cells.east_step_deg
    return np.column_stack([np.tile(east, rows), np.repeat(north, columns)])


def _places(read: Rules, prescription: Prescription) -> np.ndarray:
    """Every cell's middle; for polygons a lattice over the field and its surroundings."""
    if read.cells is not None:
        return _cell_middles(read.cells)
    west, south, east, north = prescription.boundary.bounds
    side = int(np.sqrt(_PLACES))
    margin = 0.02
    x = np.linspace(west - margin * (east - west), east + margin * (east - west), side)
    y = np.linspace(south - margin * (north - south), north + margin * (north - south), side)
    return np.column_stack([np.tile(x, side), np.repeat(y, side)])


def _differing(meant: Rules, read: Rules, places: np.ndarray) -> int:
    """At how many places the two rates differ, but for places on a border, where either side is right."""
    wanted, found = (
        np.where(np.isnan(rates), meant.outside, rates)[:, 0] for rates in (meant.mapped(places), read.mapped(places))
    )
    wrong = np.flatnonzero(np.abs(wanted - found) > _RATE_OFF)
    return sum(not _on_border(meant, places[n], found[n]) for n in wrong)


def _on_border(meant: Rules, place: np.ndarray, rate: float) -> bool:
    """Whether so near to the place something else with this rate begins."""
    spot = Point(place)
    near = [rates[0] for area, rates in meant.areas if area.distance(spot) <= _ON_BORDER_DEG]
    if meant.boundary is not None and meant.boundary.boundary.distance(spot) <= _ON_BORDER_DEG:
        near.append(meant.outside[0])
    return any(abs(one - rate) <= _RATE_OFF for one in near)


def _judge(prescription: Prescription, one: Compared, task: TaskMap) -> None:
    """Raises NotProved where the file says something else than the prescription."""
    cell_m = 0.0 if task.cells is None else task.cells.north_step_deg * metres_per_degree(task.cells.south_deg)[1]
    may_be_off_m = max(_CENTRE_OFF * cell_m, _CENTRE_OFF_M)
    checks = (
        (not task.unread, Told("what the reader could not read", {}), len(task.unread), 0),
        (_agree(one.file_kg, one.ordered_kg), Told("kilograms in the file", {}), one.file_kg, one.ordered_kg),
        (one.differing == 0, Told("places with another rate", {}), one.differing, 0),
        (one.centre_off_m <= may_be_off_m, Told("metres between the centres", {}), one.centre_off_m, may_be_off_m),
        (_agree(one.driven_kg, one.ordered_kg), Told("kilograms driven", {}), one.driven_kg, one.ordered_kg),
    )
    for holds, what, met, expected in checks:
        if not holds:
            raise _not_proved(prescription, one.product, what, met, expected)


def _agree(one: float, other: float, by: float = _KG_OFF) -> bool:
    return abs(one - other) <= by * max(abs(other), 1.0)


def _check_frame(prescription: Prescription, task: TaskMap, place: int, column: int, factor: float) -> None:
    """The boundary, the names and the rates where the map is silent are those of the prescription."""
    product = prescription.products[place].code
    for what, rates, meant in (
        (Told("rate outside the zones", {}), task.default, prescription.default_kg_ha),
        (Told("rate outside the field", {}), task.outside, prescription.outside_kg_ha),
        (Told("rate without a position", {}), task.lost, prescription.lost_kg_ha),
    ):
        met = float("nan") if rates is None else rates[column] * factor
        if not abs(met - meant[place]) <= _RATE_OFF:
            raise _not_proved(prescription, product, what, met, meant[place])
    missing = [name for name in ("customer", "farm", "field", "task") if not task.names.get(name)]
    if missing:
        raise _not_proved(prescription, product, Told("names that are missing", {}), len(missing), 0)
    ground = prescription.boundary
    apart = polygon_ha(ground) if task.boundary is None else polygon_ha(ground.symmetric_difference(task.boundary))
    if apart > _AREA_OFF * polygon_ha(ground):
        raise _not_proved(prescription, product, Told("hectares by which the boundary differs", {}), apart, 0)


def _not_proved(prescription: Prescription, product: str, what: Told, met: float, expected: float) -> NotProved:
    return NotProved(
        "NOT-PROVED",
        "{field}, {product}: the written file does not say what was prescribed: {what}: {met}, expected {expected}",
        "no file was handed out; report it with the prescription",
        field=prescription.field_id,
        product=product,
        what=what,
        met=f"{met:.6g}",
        expected=f"{expected:.6g}",
    )
