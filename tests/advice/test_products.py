"""Products, rates and kilograms: the cheapest blend, whole steps, and balances that close."""

from dataclasses import replace

import numpy as np
import pytest
from agronomy import SOLD, SPREADER, rules
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, box

from agro.advice.blend import chosen, least_cost, nutrients_of, stepped
from agro.advice.caps import driveable
from agro.advice.prescription import Part, check_balance, fallback_rates, products_for, zones_of
from agro.domain.errors import BadInput, BalanceOpen
from agro.domain.work import Machine

CAPS = rules().cap_kg_ha
PRICES = {
    "ammonium_nitrate": 21_000,
    "urea": 33_000,
    "ammophos": 45_000,
    "azofoska": 34_000,
    "potassium_chloride": 26_000,
}
BOUGHT = [replace(SOLD[code], price_rub_t=price) for code, price in PRICES.items()]
OUTLINE = MultiPolygon([box(86.0, 55.0, 86.01, 55.01)])


def part(area_ha: float, closed=(), **doses: float) -> Part:
    return Part(OUTLINE, area_ha, doses, closed=frozenset(closed))


def test_the_cheapest_blend_by_hand() -> None:
    """20 kg/ha of P2O5 by ammophos bring 4.6 kg of N; the other 25.4 are cheapest in nitrate: 0.61 against 0.71 RUB/kg."""
    rates = dict(zip(PRICES, least_cost(BOUGHT, {"n": 30.0, "p2o5": 20.0}), strict=True))
    assert rates["ammophos"] == pytest.approx(20 / 0.52, abs=0.01)
    assert rates["ammonium_nitrate"] == pytest.approx((30 - 20 / 0.52 * 0.12) / 0.344, abs=0.01)
    assert rates["urea"] == rates["azofoska"] == rates["potassium_chloride"] == 0
    dear = [replace(p, price_rub_t=60_000) if p.code == "ammonium_nitrate" else p for p in BOUGHT]
    assert [p.code for p in chosen(dear, {"n": 30.0})] == ["urea"]


def test_without_a_price_the_least_weight_is_taken() -> None:
    bare = [replace(p, price_rub_t=None) if p.code == "urea" else p for p in BOUGHT]
    assert [p.code for p in chosen(bare, {"n": 30.0})] == ["urea"]


def test_a_product_without_the_nutrient_is_refused() -> None:
    with pytest.raises(BadInput, match="DOSE-PRODUCT"):
        least_cost([SOLD["potassium_chloride"]], {"n": 30.0})
    with pytest.raises(BadInput, match="DOSE-BLEND"):  # 50 of K2O by 16:16:16 bring 50 of N
        least_cost([SOLD["azofoska"]], {"k2o": 50.0}, {"n": 40.0})


@given(st.floats(0, 60), st.floats(0, 80), st.floats(0, 120))
def test_every_blend_gives_what_is_asked_and_costs_no_more_than_single_products(n: float, p: float, k: float) -> None:
    rates = least_cost(BOUGHT, {"n": n, "p2o5": p, "k2o": k})
    brought = nutrients_of(BOUGHT, rates)
    assert all(brought.get(name, 0.0) >= asked - 1e-4 for name, asked in (("n", n), ("p2o5", p), ("k2o", k)))
    cost = float(np.dot(rates, [product.price_rub_t or 0 for product in BOUGHT])) / 1000
    plain = n / 0.344 * 21 + p / 0.52 * 45 + k / 0.60 * 26
    assert cost <= plain + 0.02 * (rates.sum()) + 1e-3


def test_rates_are_whole_steps_within_the_machine() -> None:
    machine = Machine(24.0, 50.0, 300.0, 5.0, "")
    assert driveable([0, 20, 26, 48, 52, 126.07, 400], machine).tolist() == [0, 0, 50, 50, 50, 125, 300]


@given(st.floats(0, 400), st.floats(0, 400))
def test_steps_never_pass_a_cap(nitrate: float, ammophos: float) -> None:
    products = [SOLD["ammonium_nitrate"], SOLD["ammophos"]]
    rates = stepped(products, [nitrate, ammophos], SPREADER, CAPS)
    brought = nutrients_of(products, rates)
    assert brought.get("n", 0) <= CAPS["n"] + 1e-6 and brought.get("p2o5", 0) <= CAPS["p2o5"] + 1e-6
    assert all(rate == 0 or rate >= SPREADER.lowest_kg_ha for rate in rates)
    assert all(rate % SPREADER.step_kg_ha == 0 for rate in rates)


def test_zones_get_what_their_parts_ask_for_and_closed_ground_nothing() -> None:
    parts = [part(10, n=40.0, k2o=0.0), part(20, n=20.0, k2o=60.0), part(1, closed="*", n=40.0, k2o=30.0)]
    products = products_for(parts, BOUGHT, CAPS)
    assert [product.code for product in products] == ["ammonium_nitrate", "potassium_chloride"]
    zones = zones_of(parts, products, SPREADER, CAPS)
    assert [zone.rate_kg_ha for zone in zones] == [(115.0, 0.0), (60.0, 100.0), (0.0, 0.0)]
    assert zones[1].dose_kg_ha == pytest.approx({"n": 20.64, "k2o": 60.0})
    assert fallback_rates(zones, SPREADER, strips=True) == {
        "default_kg_ha": (60.0, 100.0),
        "outside_kg_ha": (0.0, 0.0),
        "lost_kg_ha": (0.0, 0.0),
    }


def test_ground_closed_for_nitrogen_keeps_its_potassium() -> None:
    parts = [part(10, n=40.0, k2o=60.0), part(5, closed=("n",), n=40.0, k2o=60.0)]
    products = [SOLD["ammonium_nitrate"], SOLD["potassium_chloride"], SOLD["azofoska"]]
    steep = zones_of(parts, products, SPREADER, CAPS)[1]
    assert steep.rate_kg_ha == (0.0, 100.0, 0.0)


def test_a_dose_beyond_the_machine_is_refused() -> None:
    with pytest.raises(BadInput, match="RX-MACHINE"):
        zones_of([part(10, caco3=5000.0)], [SOLD["limestone"]], SPREADER, {"caco3": 8000.0})


def test_kilograms_that_do_not_add_up_are_a_fault() -> None:
    zones = zones_of([part(10, n=40.0)], [SOLD["urea"]], SPREADER, CAPS)
    check_balance(zones, [850.0], 10.0)
    check_balance(zones, [850.0 * 1.009], 10.0)
    with pytest.raises(BalanceOpen, match="RX-BALANCE"):
        check_balance(zones, [850.0 * 1.02], 10.0)
    with pytest.raises(BalanceOpen, match="RX-BALANCE"):
        check_balance(zones, [850.0], 10.5)
