"""Every way in which a file may lie is caught; the true one passes."""

from collections.abc import Callable

import numpy as np
import pytest
from prescriptions import KCL, UREA, degrees, odd_field, prescribed, two_halves
from shapely import box
from task_files import changed, isoxml, read_back

from agro.domain.errors import NotProved
from agro.domain.terminal import Area, TaskMap
from agro.domain.work import Prescription
from agro.store.isoxml import Labels, to_taskdata
from agro.store.terminal import prove

GRD = "TSK/GRD"


def written(prescription: Prescription, layout: str = "grid2") -> bytes:
    return to_taskdata(prescription, isoxml(layout=layout), Labels())[0]


def proof(prescription: Prescription, content: bytes) -> dict:
    return prove(prescription, read_back(content), 24.0, framed=True)


def uniform() -> Prescription:
    """The hardest to tell apart: one rate on a rectangle whose sides run along the cells."""
    return prescribed([degrees(box(0, 0, 400, 200))], [(150.0,)])


@pytest.mark.parametrize("layout", ["grid1", "grid2", "polygons"])
@pytest.mark.parametrize("made", [two_halves, uniform, lambda: odd_field(11)])
def test_what_was_written_is_what_was_meant(made: Callable[[], Prescription], layout: str) -> None:
    prescription = made()
    one = proof(prescription, written(prescription, layout))["products"][0]
    assert one["file_kg"] == pytest.approx(prescription.total_kg[0], rel=1e-3)
    assert one["driven_kg"] == pytest.approx(prescription.total_kg[0], rel=1e-3)
    assert one["differing"] == 0 and one["places"] > 1000


def test_kilograms_by_hand() -> None:
    """8 ha, half of it at 100 kg/ha and half at 200: 1,200 kg."""
    one = proof(two_halves(), written(two_halves()))["products"][0]
    assert one["ordered_kg"] == pytest.approx(1200, rel=3e-3)  # a degree is not quite 111,320 m there
    assert one["misplaced_by_width_pct"] < 1


def attribute(name: str, change: Callable[[float], float]) -> Callable:
    def go(tree) -> None:
        grid = tree.find(GRD)
        grid.set(name, f"{change(float(grid.get(name))):.9f}")

    return go


def half_a_cell(axis: str, size: str, cells: float) -> Callable:
    def go(tree) -> None:
        grid = tree.find(GRD)
        grid.set(axis, f"{float(grid.get(axis)) + cells * float(grid.get(size)):.9f}")

    return go


def rows(content: bytes, prescription: Prescription, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """The grid with its rows, columns or numbers changed."""
    shape = read_back(content)[0].cells.rates.shape
    return changed(content, grid=lambda raw: change(np.frombuffer(raw, "<i4").reshape(shape)).astype("<i4").tobytes())


@pytest.mark.parametrize("made", [two_halves, uniform, lambda: odd_field(11), lambda: odd_field(4)])
@pytest.mark.parametrize("cells", [0.5, -0.5, 1.0])
@pytest.mark.parametrize(("axis", "size"), [("A", "C"), ("B", "D")])
def test_a_grid_that_lies_half_a_cell_off(made: Callable[[], Prescription], axis: str, size: str, cells: float) -> None:
    prescription = made()
    content = changed(written(prescription), half_a_cell(axis, size, cells))
    with pytest.raises(NotProved, match="NOT-PROVED"):
        proof(prescription, content)


def test_rows_from_the_north_and_columns_from_the_east() -> None:
    for prescription in (odd_field(11), odd_field(4), two_halves()):
        content = written(prescription)
        with pytest.raises(NotProved):
            proof(prescription, rows(content, prescription, lambda raw: raw[:, ::-1]))
    lying = prescribed([degrees(box(0, 0, 300, 100)), degrees(box(0, 100, 300, 200))], [(100.0,), (200.0,)])
    with pytest.raises(NotProved, match="places with another rate"):
        proof(lying, rows(written(lying), lying, lambda raw: raw[::-1]))


@pytest.mark.parametrize("factor", [0.1, 10.0, 1.002])
def test_another_scale(factor: float) -> None:
    with pytest.raises(NotProved, match="kilograms in the file"):
        proof(two_halves(), rows(written(two_halves()), two_halves(), lambda raw: np.round(raw * factor)))


def test_numbers_with_the_wrong_end_first() -> None:
    with pytest.raises(NotProved):
        proof(two_halves(), rows(written(two_halves()), two_halves(), lambda raw: raw.byteswap()))


def set_all(tag: str, name: str, value: str) -> Callable:
    return lambda tree: [one.set(name, value) for one in tree.iter(tag)]


def test_another_quantity_or_another_unit_shown() -> None:
    content = written(two_halves())
    with pytest.raises(NotProved, match=r"PROOF-UNIT.*l/ha"):
        proof(two_halves(), changed(content, set_all("PDV", "A", "0001")))
    with pytest.raises(NotProved, match="PROOF-UNIT"):
        proof(two_halves(), changed(content, set_all("PDV", "A", "000B")))
    with pytest.raises(NotProved, match="what the reader could not read"):
        proof(two_halves(), changed(content, set_all("VPN", "C", "0.1")))
    with pytest.raises(NotProved, match="what the reader could not read"):
        proof(two_halves(), changed(content, set_all("VPN", "E", "l/ha")))


@pytest.mark.parametrize("layout", ["grid2", "polygons"])
def test_latitude_and_longitude_swapped(layout: str) -> None:
    def swap(tree) -> None:
        for tag, one, other in (("GRD", "A", "B"), ("GRD", "C", "D"), ("PNT", "C", "D")):
            for element in tree.iter(tag):
                first, second = element.get(one), element.get(other)
                element.set(one, second)
                element.set(other, first)

    with pytest.raises(NotProved):
        proof(two_halves(), changed(written(two_halves(), layout), swap))


def test_a_zone_that_was_dropped() -> None:
    def drop(tree) -> None:
        task = tree.find("TSK")
        task.remove(task.findall("TZN")[-1])

    for layout in ("grid1", "polygons"):
        with pytest.raises(NotProved):
            proof(two_halves(), changed(written(two_halves(), layout), drop))
    two = read_back(written(two_halves(), "polygons"))[0]
    bare = TaskMap(two.columns, areas=two.areas[:1])
    with pytest.raises(NotProved, match="kilograms"):
        prove(two_halves(), [bare], 24.0, framed=False)


def test_a_hole_that_was_filled() -> None:
    ring = prescribed([degrees(box(0, 0, 300, 300) - box(120, 120, 180, 180))], [(150.0,)])
    content = written(ring, "polygons")

    def fill(tree) -> None:
        for polygon in tree.iter("PLN"):
            for line in polygon.findall("LSG")[1:]:
                polygon.remove(line)

    with pytest.raises(NotProved):
        proof(ring, changed(content, fill))

    def fill_boundary(tree) -> None:
        polygon = tree.find("PFD/PLN")
        polygon.remove(polygon.findall("LSG")[1])

    with pytest.raises(NotProved, match="boundary differs"):
        proof(ring, changed(content, fill_boundary))


def test_two_products_that_changed_places() -> None:
    two = prescribed(
        [degrees(box(0, 0, 200, 200)), degrees(box(200, 0, 400, 200))], [(100.0, 60.0), (200.0, 80.0)], (UREA, KCL)
    )
    content = written(two)
    assert len(proof(two, content)["products"]) == 2

    def swap(tree) -> None:
        first, second = tree.findall("PDT")
        names = first.get("B"), second.get("B")
        first.set("B", names[1])
        second.set("B", names[0])

    with pytest.raises(NotProved, match="kilograms in the file"):
        proof(two, changed(content, swap))
    with pytest.raises(NotProved, match=r"PROOF-PRODUCT.*urea 0 times"):
        proof(two, changed(content, set_all("PDT", "B", "-")))


@pytest.mark.parametrize(
    ("letter", "what"), [("H", "outside the zones"), ("I", "without a position"), ("J", "outside the field")]
)
def test_the_rates_where_the_map_is_silent(letter: str, what: str) -> None:
    content = written(two_halves(fallback=90.0))
    proof(two_halves(fallback=90.0), content)
    wrong = "1" if letter == "J" else "0"
    with pytest.raises(NotProved, match=what):
        proof(two_halves(fallback=90.0), changed(content, lambda tree: tree.find("TSK").set(letter, wrong)))


@pytest.mark.parametrize(("tag", "name"), [("CTR", "B"), ("FRM", "B"), ("PFD", "C"), ("TSK", "B")])
def test_names_that_some_terminals_cannot_do_without(tag: str, name: str) -> None:
    with pytest.raises(NotProved, match="names that are missing"):
        proof(two_halves(), changed(written(two_halves()), set_all(tag, name, "")))


def test_a_cut_grid_and_a_fault_within_rounding() -> None:
    with pytest.raises(NotProved, match="what the reader could not read"):
        proof(two_halves(), changed(written(two_halves()), grid=lambda raw: raw[:-4]))
    areas = read_back(written(two_halves(), "polygons"))[0]
    near = tuple(Area(one.outline, (one.rates[0] + 0.01,)) for one in areas.areas)
    prove(two_halves(), [TaskMap(areas.columns, areas=near)], 24.0, framed=False)  # formats round to 0.01
    far = tuple(Area(one.outline, (one.rates[0] + 0.03,)) for one in areas.areas)
    with pytest.raises(NotProved, match="places with another rate"):
        prove(two_halves(), [TaskMap(areas.columns, areas=far)], 24.0, framed=False)
