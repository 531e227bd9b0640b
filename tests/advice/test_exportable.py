import pytest
from prescriptions import SPREADER, UREA, degrees, odd_field, prescribed, two_halves
from shapely import box

from agro.advice.exportable import check_exportable
from agro.domain.errors import BadInput
from agro.domain.work import Prescription


@pytest.mark.parametrize("seed", range(5))
def test_sound_ones_pass(seed: int) -> None:
    one = odd_field(seed)
    at_least = prescribed(
        [zone.outline for zone in one.zones],
        [(max(zone.rate_kg_ha[0], 50.0),) for zone in one.zones],
        boundary=one.boundary,
    )
    check_exportable(at_least, SPREADER)


@pytest.mark.parametrize("rate", [-5.0, 4000.0, 20.0, float("nan"), float("inf")])
def test_a_rate_that_the_machine_cannot_put_out(rate: float) -> None:
    west, east = degrees(box(0, 0, 200, 200)), degrees(box(200, 0, 400, 200))
    with pytest.raises(BadInput, match=r"DOSE-RANGE.*0, or 50.0 to 600.0 kg/ha"):
        check_exportable(prescribed([west, east], [(100.0,), (rate,)]), SPREADER)
    with pytest.raises(BadInput, match="DOSE-RANGE"):
        check_exportable(two_halves(lost_kg_ha=(rate,)), SPREADER)
    check_exportable(prescribed([west, east], [(100.0,), (0.0,)]), SPREADER)


@pytest.mark.parametrize(
    ("zones", "text"),
    [
        ([box(0, 0, 200, 200)], "leave 50.00 %"),
        ([box(0, 0, 200, 200), box(200, 0, 440, 200)], "leak 10.00 %"),
        ([box(0, 0, 240, 200), box(200, 0, 400, 200)], "overlap by 10.00 %"),
    ],
)
def test_zones_that_are_not_the_field(zones: list, text: str) -> None:
    made = prescribed([degrees(zone) for zone in zones], [(100.0,)] * len(zones), boundary=degrees(box(0, 0, 400, 200)))
    with pytest.raises(BadInput, match=f"RX-COVERAGE.*{text}"):
        check_exportable(made, SPREADER)


def test_nothing_to_apply_and_rates_too_few() -> None:
    with pytest.raises(BadInput, match="RX-EMPTY"):
        check_exportable(prescribed([degrees(box(0, 0, 9, 9))], [()], ()), SPREADER)
    short: Prescription = two_halves(default_kg_ha=())
    with pytest.raises(BadInput, match=r"RX-PRODUCTS.*0 rates for 1 products"):
        check_exportable(short, SPREADER)
    assert UREA.code == "urea"
