"""From a prescription to the file of every terminal that is listed, proved; and what ends in a sentence."""

from dataclasses import replace

import pytest
from prescriptions import KCL, SPREADER, UAN, UREA, degrees, odd_field, prescribed, two_halves
from shapely import MultiPolygon, box
from task_files import files, isoxml

from agro.domain.errors import BadInput
from agro.domain.work import Machine
from flows.terminal_files import terminal_file
from flows.terminal_list import terminal_named, terminals

ANY_RATE = Machine(24.0, 0.0, 600.0, 5.0, "any")


@pytest.mark.parametrize("code", list(terminals()))
def test_every_listed_terminal_gets_a_proved_file(code: str) -> None:
    terminal = terminal_named(code)
    made = terminal_file(two_halves(), SPREADER, terminal, "ru")
    assert terminal.source and terminal.title
    assert made.proof["products"][0]["differing"] == 0 and made.proof["tried_on_this_terminal"] is False
    if terminal.form in ("isoxml", "shapefile"):
        folder = {"isoxml": "TASKDATA"}.get(terminal.form, terminal.folder)
        assert all(name.rpartition("/")[0] == folder for name in files(made.content))
    assert terminal_file(two_halves(), SPREADER, terminal, "ru").content == made.content  # the same bytes again


@pytest.mark.parametrize("seed", range(20, 32))
@pytest.mark.parametrize("code", ["topcon", "amazone", "isoxml4-polygons", "john-deere", "geopackage"])
def test_odd_fields_with_holes(code: str, seed: int) -> None:
    products = (UREA, UAN, KCL)[: 1 + seed % 3]
    one = odd_field(seed, products)
    made = terminal_file(one, ANY_RATE, terminal_named(code), "ru")
    for told, kg in zip(made.proof["products"], one.total_kg, strict=True):
        assert told["file_kg"] == pytest.approx(kg, rel=1e-3, abs=0.5)
        assert told["driven_kg"] == pytest.approx(kg, rel=1e-3, abs=0.5)
        assert told["differing"] == 0


def test_the_driver_reads_the_language_of_the_farm() -> None:
    made = terminal_file(two_halves(), SPREADER, terminal_named("topcon"), "ru")
    text = files(made.content)["TASKDATA/TASKDATA.XML"].decode()
    assert all(
        word in text for word in ("Зона 1", "Вне поля", "Вне зон", "Нет сигнала", "2026 Дальнее за логом", "Карбамид")
    )
    assert (
        'B="Zone 1"'
        in files(terminal_file(two_halves(), SPREADER, terminal_named("topcon"), "en").content)[
            "TASKDATA/TASKDATA.XML"
        ].decode()
    )


def test_zones_are_joined_to_the_limit_and_the_loss_is_told() -> None:
    strips = [degrees(box(100 * n, 0, 100 * n + 100, 300)) for n in range(6)]
    six = prescribed(strips, [(rate,) for rate in (100.0, 105.0, 150.0, 155.0, 200.0, 205.0)])
    made = terminal_file(six, SPREADER, isoxml(layout="grid1", most_zones=3), "ru")
    assert made.proof["zones"] == 3
    assert made.proof["moved_by_joining_pct"] == pytest.approx(100 * 3 * 2.5 / 915, rel=1e-2)
    assert [str(one) for one in made.told] == ["6 zones were joined to 3: 0.8 % of the product lies elsewhere"]
    with pytest.raises(BadInput, match=r"RX-MERGE.*in 1 zones"):
        terminal_file(six, SPREADER, isoxml(most_zones=1), "ru")
    islands = prescribed([degrees(MultiPolygon([box(200 * n, 0, 200 * n + 90, 90) for n in range(5)]))], [(100.0,)])
    with pytest.raises(BadInput, match="RX-POLYGONS"):
        terminal_file(islands, SPREADER, replace(terminal_named("john-deere"), most_polygons=4), "ru")


@pytest.mark.parametrize(
    ("name", "near"), [("trimbl-gfx", "trimble-gfx"), ("AMAZON", "amazone"), ("john deere", "john-deere")]
)
def test_an_unknown_terminal_and_its_neighbours(name: str, near: str) -> None:
    with pytest.raises(BadInput, match="TERMINAL-UNKNOWN") as raised:
        terminal_named(name)
    assert near in raised.value.refusal.as_json()["remedy"]
    with pytest.raises(BadInput) as raised:
        terminal_named("сеялка")
    assert "topcon" in raised.value.refusal.as_json()["remedy"]


def test_nothing_is_written_of_a_dose_that_cannot_be() -> None:
    with pytest.raises(BadInput, match="DOSE-RANGE"):
        terminal_file(two_halves(), Machine(24.0, 50.0, 150.0, 5.0, "any"), terminal_named("topcon"), "ru")
