import numpy as np
import pytest
import shapely
from prescriptions import KCL, LAT, LON, UAN, UREA, degrees, odd_field, prescribed, two_halves
from shapely import box
from task_files import GRID, MAIN, files, isoxml, read_back, root, schema_4

from agro.domain.errors import BadInput
from agro.store.isoxml import Labels, parts, to_taskdata

LAYOUTS = ("grid1", "grid2", "polygons")


def quarters():
    """200 x 200 m in four squares: 100 south-west, 200 south-east, 300 north-west, 400 north-east."""
    places = [(0, 0), (100, 0), (0, 100), (100, 100)]
    squares = [degrees(box(x, y, x + 100, y + 100)) for x, y in places]
    return prescribed(squares, [(100.0,), (200.0,), (300.0,), (400.0,)], fallback=120.0)


def grid_of(content: bytes) -> tuple[dict[str, float], np.ndarray]:
    about = root(content).find("TSK/GRD").attrib
    shape = int(about["F"]), int(about["E"])
    return {k: float(about[k]) for k in "ABCD"}, np.frombuffer(files(content)[GRID], "<i4").reshape(shape)


def test_rows_begin_in_the_south_and_the_corner_is_no_centre() -> None:
    content, _ = to_taskdata(quarters(), isoxml(), Labels())
    place, raw = grid_of(content)
    row, column = (np.floor((np.array(at) - place[low]) / place[step]).astype(int) for at, low, step in (([LAT + 3e-4, LAT + 1.5e-3], "A", "C"), ([LON + 5e-4, LON + 2.4e-3], "B", "D")))  # fmt: skip
    assert raw[np.ix_(row, column)].tolist() == [[10_000, 20_000], [30_000, 40_000]]  # 1 kg/ha is 100
    assert raw[0].max() == 0 and raw[:, 0].max() == 0  # the grid begins outside the field
    first = np.argwhere(raw == 10_000)[0]
    middle = place["A"] + (first[0] + 0.5) * place["C"], place["B"] + (first[1] + 0.5) * place["D"]
    assert middle[0] > LAT and middle[1] > LON  # the middle of its first cell is inside, the one before is not
    assert middle[0] - place["C"] <= LAT and middle[1] - place["D"] <= LON


def test_codes_of_zones_stand_for_their_rates() -> None:
    content, _ = to_taskdata(quarters(), isoxml(layout="grid1"), Labels())
    task = root(content).find("TSK")
    rates = {int(zone.get("A")): int(zone.find("PDV").get("B")) for zone in task.findall("TZN")}
    assert rates == {0: 0, 1: 12_000, 2: 12_000, 3: 10_000, 4: 20_000, 5: 30_000, 6: 40_000}
    assert [task.get(name) for name in "HIJ"] == ["1", "2", "0"]  # default, lost, outside
    assert sorted(set(files(content)[GRID])) == [0, 3, 4, 5, 6]


def test_several_products_in_kilograms_and_litres() -> None:
    square = degrees(box(0, 0, 200, 200))
    content, _ = to_taskdata(prescribed([square], [(100.0, 132.0, 60.0)], (UREA, UAN, KCL)), isoxml(), Labels())
    tree = root(content)
    assert [(v.get("A"), v.get("C"), v.get("E")) for v in tree.findall("TSK/TZN/PDV")[:3]] == [("0006", "PDT1", "VPN1"), ("0001", "PDT2", "VPN2"), ("0006", "PDT3", "VPN3")]  # fmt: skip
    assert [(v.get("C"), v.get("E")) for v in tree.findall("VPN")] == [("0.01", "kg/ha"), ("0.0001", "l/ha"), ("0.01", "kg/ha")]  # fmt: skip
    raw = np.frombuffer(files(content)[GRID], "<i4").reshape(-1, 3)
    assert raw.max(axis=0).tolist() == [10_000, 1_000_000, 6_000]  # 132 kg/ha of 1.32 kg/l are 100 l/ha


def test_holes_are_interior_rings_and_every_polygon_has_a_zone() -> None:
    ring = degrees(box(0, 0, 300, 300) - box(100, 100, 200, 200))
    apart = degrees(box(400, 0, 500, 100)).union(degrees(box(400, 200, 500, 300)))
    content, _ = to_taskdata(prescribed([ring, apart], [(100.0,), (150.0,)]), isoxml(layout="polygons"), Labels())
    tree = root(content)
    assert sorted([line.get("A") for line in p.findall("LSG")] for p in tree.findall("PFD/PLN")) == [
        ["1"],
        ["1"],
        ["1", "2"],
    ]
    drawn = [(zone.get("A"), zone.find("PDV").get("B"), len(zone.findall("PLN"))) for zone in tree.findall("TSK/TZN")]
    assert drawn[3:] == [("3", "10000", 1), ("4", "15000", 1), ("5", "15000", 1)]
    assert int(tree.find("PFD").get("D")) == pytest.approx(300**2 - 100**2 + 2 * 100**2, rel=5e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(6))
def test_the_schema_of_version_4_holds(layout: str, seed: int) -> None:
    content, _ = to_taskdata(odd_field(seed, (UREA, UAN)[: 1 + seed % 2]), isoxml(4, layout), Labels())
    schema = schema_4()
    assert schema.validate(root(content)), schema.error_log


def test_names_are_cut_and_it_is_said_and_no_odd_sign_stays() -> None:
    odd = two_halves(
        customer="Сельскохозяйственный кооператив «Заря Кузбасса»", field_name="Поле\n<№ 7> & \x07«логово»", farm_id=""
    )
    content, told = to_taskdata(odd, isoxml(), Labels())
    tree = root(content)
    assert schema_4().validate(tree)
    assert tree.find("CTR").get("B") == "Сельскохозяйственный кооператив "[:32].rstrip()
    assert tree.find("PFD").get("C") == "Поле <№ 7> & «логово»"
    assert tree.find("FRM").get("B") == "topki-017"  # some terminals show nothing without a farm
    assert [str(one) for one in told] == [
        "Сельскохозяйственный кооператив «Заря Кузбасса»: on the terminal it is Сельскохозяйственный кооператив, names have at most 32 letters there"
    ]


def test_the_two_versions_and_the_ids() -> None:
    for version in (3, 4):
        content, _ = to_taskdata(two_halves(), isoxml(version), Labels())
        tree = root(content)
        assert (tree.get("VersionMajor"), tree.get("VersionMinor")) == (str(version), "3")
        assert {tree.find(tag).get("A") for tag in ("CTR", "FRM", "PFD", "TSK", "PDT")} == {
            "CTR1",
            "FRM1",
            "PFD1",
            "TSK1",
            "PDT1",
        }
        assert all(
            len(number.partition(".")[2]) <= 9
            for point in tree.iter("PNT")
            for number in (point.get("C"), point.get("D"))
        )
        assert list(files(content)) == [MAIN, GRID]
    assert to_taskdata(two_halves(), isoxml(), Labels()) == to_taskdata(two_halves(), isoxml(), Labels())


def test_a_field_too_large_for_cells_of_ten_metres_gets_coarser_ones() -> None:
    west, east = degrees(box(0, 0, 2600, 4000)), degrees(box(2600, 0, 5200, 4000))
    large = prescribed([west, east], [(100.0,), (200.0,)])
    about = root(to_taskdata(large, isoxml(most_cells=100_000), Labels())[0]).find("TSK/GRD")
    assert int(about.get("E")) * int(about.get("F")) <= 100_000
    assert 14 < float(about.get("C")) * 111_320 < 41


def test_a_large_uniform_grid_is_read_back_though_it_packs_well() -> None:
    even = prescribed([degrees(box(0, 0, 5000, 4700))], [(150.0,)])
    content, _ = to_taskdata(even, isoxml(most_cells=300_000), Labels())
    packed, unpacked = len(content), sum(map(len, files(content).values()))
    assert unpacked > 900_000 and unpacked > 200 * packed
    assert len(read_back(content)) == 1


def test_too_many_zones_and_too_few_cells_end_in_a_sentence() -> None:
    strips = [degrees(box(3 * n, 0, 3 * n + 3, 90)) for n in range(260)]
    many = prescribed(strips, [(float(5 * (n % 2 + 20)),) for n in range(260)])
    for layout in ("grid1", "polygons"):
        with pytest.raises(BadInput, match=r"RX-ZONES.*260 zones.*252"):
            to_taskdata(many, isoxml(layout=layout), Labels())
    with pytest.raises(BadInput, match=r"RX-CELLS.*20 cells are too few"):
        to_taskdata(odd_field(3), isoxml(most_cells=20), Labels())


def test_rings_that_touch_by_rounding_stay_sound() -> None:
    """Strips of a trial lie side by side: with nine digits two holes would share an edge, and a reader would mend them."""
    holes = shapely.union_all([shapely.box(0.2, 0.2, 0.4, 0.8), shapely.box(0.4 + 4e-10, 0.2, 0.6, 0.8)])
    ground = shapely.box(0, 0, 1, 1).difference(holes)
    assert not shapely.transform(ground, lambda xy: np.round(xy, 9)).is_valid
    found = list(parts(ground))
    assert all(shapely.transform(one, lambda xy: np.round(xy, 9)).is_valid for one in found)
    assert sum(one.area for one in found) == pytest.approx(1 - 0.24)
