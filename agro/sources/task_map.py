"""The rates that task data tell: zones, polygons and grids as a terminal takes them, in kg/ha, l/ha or pieces."""

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

import numpy as np
from shapely import MultiPolygon, Polygon, get_parts, is_valid, make_valid, union_all

from agro.domain.errors import AgroError, BadInput, Refusal, Told
from agro.domain.terminal import Area, Cells, Column, TaskMap
from agro.sources.ddi import Quantity, quantity
from agro.sources.task_data import TaskData, named, number, whole
from agro.sources.task_grid import BY_RATE, cells_of, shape_of

_EXTERIOR, _INTERIOR, _BOUNDARY = "1", "2", "1"  # kinds of rings and polygons. source: ISO 11783-10, LSG A and PLN A
_Key = tuple[str, str, str]  # DDI, product and device element of a rate


def task_maps(data: TaskData) -> list[tuple[str, TaskMap]]:
    """The id and the map of each task that has zones or a grid."""
    tasks = [task for task in data.root.iter("TSK") if task.find("TZN") is not None or task.find("GRD") is not None]
    return [(task.get("A", ""), _Reader(data, task).map()) for task in tasks]


class _Reader:
    """One task's reading: its zones by code, the columns of its rates, and what could not be read."""

    def __init__(self, data: TaskData, task: Element) -> None:
        self.data, self.task = data, task
        self.where = Told("{file}, task {task}", {"file": data.where, "task": task.get("A", "-")})
        self.unread: list[Refusal] = []
        self.zones = {n: zone for zone in task.findall("TZN") if 0 <= (n := _code(zone)) <= 255}
        grid = task.find("GRD")
        template = None if grid is None or whole(grid, "I") != BY_RATE else self.zones.get(_code(grid, "J"))
        sources = list(self.zones.values()) if template is None else [template]
        self.keys = list(dict.fromkeys(key for zone in sources for key, _ in _values(zone)))
        self.quantities = [self._quantity(key) for key in self.keys]
        self.rates = {code: self._rates(zone) for code, zone in self.zones.items()}
        version = data.root.get("VersionMajor", "")
        if version not in ("3", "4"):
            self._name("TASK-VERSION", Told("version {met} of task data is not known", {"met": version or "-"}))

    def map(self) -> TaskMap:
        """The task's map; what is not readable of it is in `unread`."""
        land, grid = self.data.of(self.task.get("E")), self.task.find("GRD")
        names = {
            "customer": named(self.data.of(self.task.get("C")), "C", "B"),
            "farm": named(self.data.of(self.task.get("D")), "B"),
            "field": named(land, "C"),
            "task": named(self.task, "B"),
        }
        found = TaskMap(
            columns=tuple(map(self._column, self.keys, self.quantities)),
            cells=None if grid is None else self._cells(grid),
            areas=tuple(area for code, zone in self.zones.items() for area in self._areas(zone, self.rates[code])),
            boundary=self._boundary(land),
            names=names,
            default=self.rates.get(_code(self.task, "H")),
            lost=self.rates.get(_code(self.task, "I")),
            outside=self.rates.get(_code(self.task, "J")),
        )
        return replace(found, unread=tuple(self.unread))

    def _column(self, key: _Key, meant: Quantity) -> Column:
        return Column(named(self.data.of(key[1]), "B") or key[1], meant.unit)

    def _quantity(self, key: _Key) -> Quantity:
        try:
            number = int(key[0], 16)
        except ValueError:
            number = 0
        if not number:
            self._name("TASK-DDI", Told("{met} is no data dictionary identifier", {"met": key[0]}))
        return quantity(number) if number else Quantity("", "", float("nan"))

    def _rates(self, zone: Element) -> tuple[float, ...]:
        """The rate of each column; NaN where the zone gives none."""
        rates = dict.fromkeys(self.keys, float("nan"))
        for key, value in _values(zone):
            raw = whole(value, "B")
            if raw is None:
                self._name("TASK-VALUE", Told("the rate {met} is no whole number", {"met": value.get("B", "-")}))
            elif key in rates:
                meant = self.quantities[self.keys.index(key)]
                rates[key] = raw * meant.step
                self._check_shown(value, meant)
        return tuple(rates.values())

    def _check_shown(self, value: Element, meant: Quantity) -> None:
        """The unit that the driver is shown must be the one that the machine gets."""
        shown = self.data.of(value.get("E"))
        unit = "" if shown is None else shown.get("E", "").strip().lower()
        if shown is None or unit not in ("kg/ha", "l/ha"):
            return
        scale = number(shown, "C") or float("nan")
        if unit != meant.unit or not abs(scale / meant.step - 1) < 1e-6:
            facts = {"shown": unit, "scale": scale, "meant": meant.unit, "step": meant.step}
            self._name(
                "TASK-UNIT",
                Told(
                    "the driver is shown {shown} in steps of {scale}, the machine gets {meant} in steps of {step}",
                    facts,
                ),
            )

    def _areas(self, zone: Element, rates: tuple[float, ...]) -> Iterator[Area]:
        for polygon in zone.findall("PLN"):
            yield from (Area(outline, rates) for outline in self._polygons(polygon))

    def _boundary(self, land: Element | None) -> MultiPolygon | None:
        drawn = [] if land is None else [one for one in land.findall("PLN") if one.get("A") == _BOUNDARY]
        found = [outline for one in drawn for outline in self._polygons(one)]
        return MultiPolygon(list(_only_polygons(union_all(found)))) if found else None

    def _polygons(self, polygon: Element) -> list[Polygon]:
        """The polygons of one PLN: its exterior rings, each less the interior rings inside it."""
        lines = polygon.findall("LSG")
        outer = [ring for line in lines if line.get("A") == _EXTERIOR and (ring := self._ring(line))]
        inner = [ring for line in lines if line.get("A") == _INTERIOR and (ring := self._ring(line))]
        found: list[Polygon] = []
        for ring in outer:
            shape = Polygon(ring.exterior, [hole.exterior for hole in inner if len(outer) == 1 or ring.contains(hole)])
            if not is_valid(shape):
                self._name("TASK-RING", Told("an outline crosses itself; it was read mended", {}))
            found += _only_polygons(make_valid(shape))
        return found

    def _ring(self, line: Element) -> Polygon | None:
        points = [(number(point, "D"), number(point, "C")) for point in line.findall("PNT")]
        sound = [(east, north) for east, north in points if east is not None and north is not None]
        if len(sound) < len(points) or len(set(sound)) < 3:
            facts = {"met": len(set(sound))}
            self._name("TASK-RING", Told("an outline has {met} sound points, at least 3 are needed", facts))
        return Polygon(sound) if len(set(sound)) >= 3 else None

    def _cells(self, grid: Element) -> Cells | None:
        try:
            shape = shape_of(grid, self.where)
            content = self.data.binary(grid.get("G"), ".bin")
            steps = [one.step for one in self.quantities]
            cells = cells_of(shape, content, steps, self.rates, self.where)
        except AgroError as error:
            self.unread.append(error.refusal)
            return None
        if shape.kind != BY_RATE:
            strange = sorted(set(np.unique(np.frombuffer(content, "u1")).tolist()) - set(self.zones))
            facts = {"met": ", ".join(map(str, strange[:10]))}
            if strange:
                self._name("TASK-CODES", Told("cells name zones that are not described: {met}", facts))
        return cells

    def _name(self, code: str, what: Told) -> None:
        """Remember, once, what could not be read."""
        refusal = BadInput(code, "{where}: {met}", "export the task data again", where=self.where, met=what).refusal
        if refusal not in self.unread:
            self.unread.append(refusal)


def _code(element: Element, attribute: str = "A") -> int:
    """The code of a zone that an attribute names; -1 where it names none."""
    found = whole(element, attribute)
    return -1 if found is None else found


def _values(zone: Element) -> Iterator[tuple[_Key, Element]]:
    for value in zone.findall("PDV"):
        yield (value.get("A", "").upper().zfill(4), value.get("C", ""), value.get("D", "")), value


def _only_polygons(shape: object) -> Iterator[Polygon]:
    yield from (one for one in get_parts(shape) if isinstance(one, Polygon))
