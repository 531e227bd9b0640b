"""Which products give the nutrients, at the least cost: a linear programme over the products at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linprog

from agro.advice.caps import driveable
from agro.domain.errors import BadInput
from agro.domain.work import Machine, Product

_LEAST_KG_HA = 1e-6  # [kg/ha] of nutrient below which none is wanted
_SURPLUS = 0.02  # [RUB/kg, or kg/kg] on nutrient beyond the dose, so that of equal blends the leaner is taken


def least_cost(
    products: Sequence[Product], dose_kg_ha: Mapping[str, float], most_kg_ha: Mapping[str, float] | None = None
) -> np.ndarray:
    """Kilograms of each product that give at least the doses, at the least cost.

    products    what is at hand; where one of them has no price, the least weight is sought instead
    dose_kg_ha  wanted, by nutrient [kg/ha]
    most_kg_ha  [kg/ha] never to be passed, by nutrient; a nutrient without an entry may be passed
    returns     (product) [kg/ha] of product as weighed
    raises      BadInput DOSE-PRODUCT where no product holds a nutrient that is wanted, DOSE-BLEND where no blend keeps
                within the most
    source      linear programme, scipy's HiGHS
    """
    wanted = {name: dose for name, dose in dose_kg_ha.items() if dose > _LEAST_KG_HA}
    for name in wanted:
        if not any(product.content_pct.get(name, 0) > 0 for product in products):
            raise BadInput(
                "DOSE-PRODUCT",
                "{nutrient}: none of the products {met} holds it",
                "choose a product with this nutrient, or leave the nutrient out",
                nutrient=name,
                met=", ".join(product.code for product in products) or "-",
            )
    if not wanted:
        return np.zeros(len(products))
    names = sorted({name for product in products for name in product.content_pct} | set(wanted))
    share = np.array([[product.content_pct.get(name, 0.0) / 100 for product in products] for name in names])
    least = np.array([wanted.get(name, 0.0) for name in names])
    most = np.array([max((most_kg_ha or {}).get(name, np.inf), wanted.get(name, 0.0)) for name in names])
    bounded = np.isfinite(most)
    found = linprog(
        _price_of(products) + _SURPLUS * share.sum(axis=0),
        A_ub=np.vstack([-share, share[bounded]]),
        b_ub=np.concatenate([-least, most[bounded] + 1e-9]),
        method="highs",
    )
    if not found.success:
        raise BadInput(
            "DOSE-BLEND",
            "no blend of {met} gives the doses and keeps below the caps",
            "add a product with one nutrient only, or leave a nutrient out",
            met=", ".join(product.code for product in products),
        )
    return np.asarray(np.where(found.x > _LEAST_KG_HA, found.x, 0.0))


def chosen(
    products: Sequence[Product],
    dose_kg_ha: Mapping[str, float],
    most_kg_ha: Mapping[str, float] | None = None,
) -> tuple[Product, ...]:
    """The products that the cheapest blend for a dose consists of.

    products, dose_kg_ha, most_kg_ha  as for `least_cost` [kg/ha]
    returns                           some of the products [-], in their order
    raises                            as `least_cost`
    source                            a basic solution of the programme has no more products than bounds that hold
    """
    rates = least_cost(products, dose_kg_ha, most_kg_ha)
    return tuple(product for product, rate in zip(products, rates, strict=True) if rate > 0)


def stepped(
    products: Sequence[Product], rate_kg_ha: Sequence[float], machine: Machine, most_kg_ha: Mapping[str, float]
) -> tuple[float, ...]:
    """Rates that a machine can hold and that keep below the caps.

    products    of the blend
    rate_kg_ha  of each [kg/ha] as weighed
    machine     its step and limits [kg/ha]
    most_kg_ha  [kg/ha] never to be passed, by nutrient
    returns     of each [kg/ha]: the nearest step, lowered step by step where a nutrient would pass its cap
    source      ours
    """
    rates = [float(rate) for rate in driveable(np.asarray(rate_kg_ha, float), machine)]
    for name, most in most_kg_ha.items():
        while nutrients_of(products, rates).get(name, 0.0) > most + _LEAST_KG_HA:
            share = [
                product.content_pct.get(name, 0.0) * (rate > 0) for product, rate in zip(products, rates, strict=True)
            ]
            richest = int(np.argmax(share))
            lowered = rates[richest] - machine.step_kg_ha
            rates[richest] = lowered if lowered >= max(machine.lowest_kg_ha, machine.step_kg_ha) - 1e-9 else 0.0
    return tuple(rates)


def nutrients_of(products: Sequence[Product], rate_kg_ha: Sequence[float]) -> dict[str, float]:
    """What rates of products bring.

    products    any
    rate_kg_ha  of each [kg/ha] as weighed
    returns     by nutrient [kg/ha]
    source      content
    """
    brought: dict[str, float] = {}
    for product, rate in zip(products, rate_kg_ha, strict=True):
        for name, content in product.content_pct.items():
            brought[name] = brought.get(name, 0.0) + float(rate) * content / 100
    return brought


def _price_of(products: Sequence[Product]) -> np.ndarray:
    """[RUB/kg] of each, or 1 for all where a price is missing: then the least weight is the least cost."""
    prices = [product.price_rub_t for product in products]
    return np.array([1.0 if None in prices else float(price or 0) / 1000 for price in prices])
