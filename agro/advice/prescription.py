"""Parts of a field with their doses become a prescription: products, rates that a machine can hold, kilograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agro.advice.blend import chosen, least_cost, nutrients_of, stepped
from agro.domain.errors import BadInput, BalanceOpen
from agro.domain.work import Machine, Product, Zone

_BALANCE = 0.01  # [1] by which kilograms of zones and kilograms ordered may differ


@dataclass(frozen=True)
class Part:
    """A part of the field: its outline (EPSG:4326), ground [ha], doses wanted [kg/ha] by nutrient, and why so.

    `closed` names the nutrients that may not be applied here at all; `*` stands for all.
    """

    outline: Any
    area_ha: float
    dose_kg_ha: Mapping[str, float]
    why: str = ""
    closed: frozenset[str] = frozenset()

    @property
    def wanted(self) -> dict[str, float]:
        """The doses less what may not be applied."""
        return {n: 0.0 if {n, "*"} & self.closed else dose for n, dose in self.dose_kg_ha.items()}


def products_for(
    parts: Sequence[Part], products: Sequence[Product], most_kg_ha: Mapping[str, float]
) -> tuple[Product, ...]:
    """The products of the cheapest blend for the field's mean doses.

    parts       of the field
    products    what is at hand
    most_kg_ha  caps by nutrient [kg/ha]
    returns     some of the products [-]; none where nothing is wanted
    raises      BadInput DOSE-PRODUCT, DOSE-BLEND
    source      ours: the field gets one set of products, its parts differ in their rates
    """
    open_ha = {n: sum(p.area_ha for p in parts if not {n, "*"} & p.closed) for n in parts[0].dose_kg_ha}
    mean = {
        n: sum(part.wanted[n] * part.area_ha for part in parts) / max(open_ha[n], 1e-9) for n in parts[0].dose_kg_ha
    }
    return chosen(products, mean, most_kg_ha)


def zones_of(
    parts: Sequence[Part], products: Sequence[Product], machine: Machine, most_kg_ha: Mapping[str, float]
) -> tuple[Zone, ...]:
    """The zones of a prescription.

    parts       of the field, in the order of their numbers
    products    of the blend
    machine     its step and limits [kg/ha]
    most_kg_ha  caps by nutrient [kg/ha]
    returns     Zone [kg/ha], one a part; its doses are what the rates bring
    raises      BadInput DOSE-PRODUCT, DOSE-BLEND, RX-MACHINE where the machine cannot hold what is needed
    source      ours
    """
    zones = []
    for number, part in enumerate(parts, start=1):
        usable = [product for product in products if not _closed(product, part.closed)]
        wanted = {n: dose for n, dose in part.wanted.items() if any(p.content_pct.get(n) for p in usable)}
        found = least_cost(usable, wanted, most_kg_ha)
        _check_machine(usable, found, machine)
        by_code = dict(zip((p.code for p in usable), stepped(usable, found.tolist(), machine, most_kg_ha), strict=True))
        rates = tuple(by_code.get(product.code, 0.0) for product in products)
        zones.append(Zone(number, part.outline, part.area_ha, rates, nutrients_of(products, rates), part.why))
    return tuple(zones)


def _check_machine(products: Sequence[Product], rate_kg_ha: np.ndarray, machine: Machine) -> None:
    for product, rate in zip(products, rate_kg_ha, strict=True):
        if rate > machine.highest_kg_ha + machine.step_kg_ha:
            raise BadInput(
                "RX-MACHINE",
                "{product}: the dose needs {met} kg/ha, the machine holds at most {highest}",
                "give the machine's limit with --set advice.highest_kg_ha=...",
                product=product.code,
                met=round(float(rate)),
                highest=machine.highest_kg_ha,
            )


def _closed(product: Product, closed: frozenset[str]) -> bool:
    return bool(closed & {"*", *product.content_pct})


def fallback_rates(zones: Sequence[Zone], machine: Machine, strips: bool) -> dict[str, tuple[float, ...]]:
    """The rates outside all zones, outside the field, and without a position.

    zones    of the prescription
    machine  its step and limits [kg/ha]
    strips   whether the field has ground where nothing may be applied [1]
    returns  default_kg_ha, outside_kg_ha, lost_kg_ha [kg/ha], one number a product: the field's commonest rate, 0, and
             the commonest again, or 0 where a lost machine might be in a protected strip
    source   ours
    """
    count = len(zones[0].rate_kg_ha)
    usual = tuple(_commonest(zones, product) for product in range(count))
    nothing = (0.0,) * count
    return {"default_kg_ha": usual, "outside_kg_ha": nothing, "lost_kg_ha": nothing if strips else usual}


def _commonest(zones: Sequence[Zone], product: int) -> float:
    ground: dict[float, float] = {}
    for zone in zones:
        ground[zone.rate_kg_ha[product]] = ground.get(zone.rate_kg_ha[product], 0.0) + zone.area_ha
    return max(ground, key=lambda rate: (ground[rate], rate))


def check_balance(zones: Sequence[Zone], drawn_kg: Sequence[float], field_ha: float) -> None:
    """Refuse a prescription whose kilograms do not add up.

    zones     of the prescription
    drawn_kg  of each product [kg], counted over the cells of its map, not over the zones
    field_ha  ground of the field [ha]
    returns   nothing [-]
    raises    BalanceOpen RX-BALANCE where kilograms or hectares differ by more than 1 %
    source    ours: kilograms of zones = kilograms ordered
    """
    ordered = np.sum([np.asarray(zone.rate_kg_ha) * zone.area_ha for zone in zones], axis=0)
    ground = sum(zone.area_ha for zone in zones)
    for met, expected, unit in (
        *((d, o, "kg") for d, o in zip(drawn_kg, ordered, strict=True)),
        (ground, field_ha, "ha"),
    ):
        if abs(met - expected) > _BALANCE * max(expected, 1e-9) + 1e-6:
            raise BalanceOpen(
                "RX-BALANCE",
                "the zones of the prescription hold {met} {unit}, {expected} were to be",
                "please report it: nothing was written",
                met=round(met, 2),
                expected=round(expected, 2),
                unit=unit,
            )
