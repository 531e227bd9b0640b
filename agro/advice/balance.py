"""The balance of one nutrient: what the planned yield takes, less what soil, manure and straw give [kg/ha]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_STOCK = 0.1  # [kg/ha per mg/kg, cm and g/cm3]
_DRAWS = 2000  # [1]


@dataclass(frozen=True)
class Soil:
    """What the soil holds of a nutrient at one or several places: content and its standard error [mg/kg], the layer.

    content_mg_kg, se_mg_kg  one figure, or an array over places
    depth_cm, density_g_cm3  [cm] of the layer that was sampled, [g/cm3]
    use                      [1] of the stock that the crop takes up
    """

    content_mg_kg: Any
    se_mg_kg: Any
    depth_cm: float
    density_g_cm3: float
    use: float


@dataclass(frozen=True)
class Terms:
    """The other numbers of the balance of one nutrient.

    removal_kg_t      [kg/t] that 1 t of the main product takes from soil and fertiliser
    yield_t_ha        [t/ha] planned, one for the field
    organic_kg_ha     [kg/ha] that manure and straw give in this season
    mineralised_kg_ha [kg/ha] that humus gives in the season; nitrogen only
    fertiliser_use    [1] of the fertiliser's nutrient that the crop takes up
    """

    removal_kg_t: float
    yield_t_ha: float
    organic_kg_ha: float
    mineralised_kg_ha: float
    fertiliser_use: float


@dataclass(frozen=True)
class Errors:
    """How far the numbers may be off: coefficients of variation [1], standard error of what humus gives [kg/ha]."""

    yield_cv: float
    coefficients_cv: float
    mineralised_se_kg_ha: float


def stock(soil: Soil) -> Any:
    """What the sampled layer holds.

    soil     content [mg/kg], layer [cm], density [g/cm3]
    returns  same shape as the content [kg/ha]
    source   1 ha of 1 cm weighs 100 t at 1 g/cm3
    """
    return np.asarray(soil.content_mg_kg, float) * soil.depth_cm * soil.density_g_cm3 * _STOCK


def balance(terms: Terms, soil: Soil) -> Any:
    """The dose that closes the balance, before the class rule and the caps.

    terms    the planned yield and what feeds it beside the soil
    soil     at one or several places
    returns  same shape as the content [kg/ha], never below 0
    source   D = (B Y - S Kp - organic - mineralised) / Ku, the balance method of Russian handbooks
    """
    given = stock(soil) * soil.use + terms.organic_kg_ha + terms.mineralised_kg_ha
    return np.maximum(terms.removal_kg_t * terms.yield_t_ha - given, 0.0) / terms.fertiliser_use


def drawn(terms: Terms, soil: Soil, errors: Errors, draws: int = _DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """The balance with its errors: one of yield, coefficients and humus for all places, one of the soil for each.

    terms, soil  as for `balance`
    errors       how far they may be off
    draws        how many [1]
    returns      (draw, place) doses [kg/ha], and the content of each draw [mg/kg]; equal input gives equal draws, and
                 places share theirs, so that their differences carry the soil's error only
    source       ours: Monte Carlo, normal errors, contents never below 0
    """
    content = np.atleast_1d(np.asarray(soil.content_mg_kg, float))
    se = np.broadcast_to(np.asarray(soil.se_mg_kg, float), content.shape)
    random = np.random.default_rng(0)
    common = random.standard_normal((4, draws, 1))
    found = np.maximum(content + se * random.standard_normal((draws, content.size)), 0.0)
    removal = terms.removal_kg_t * (1 + errors.coefficients_cv * common[0])
    planned = terms.yield_t_ha * (1 + errors.yield_cv * common[1])
    humus = np.maximum(terms.mineralised_kg_ha + errors.mineralised_se_kg_ha * common[2], 0.0)
    use = terms.fertiliser_use * (1 + errors.coefficients_cv * common[3])
    held = found * soil.depth_cm * soil.density_g_cm3 * _STOCK * soil.use
    return np.maximum(removal * planned - held - terms.organic_kg_ha - humus, 0.0) / use, found


def cross_check(yield_t_ha: float, nitrate_mg_kg: float, rule: TrialRule) -> float | None:
    """What field trials of another region say of nitrogen, where they say anything.

    yield_t_ha     [t/ha] planned
    nitrate_mg_kg  [mg/kg] of N-NO3
    rule           their regression, and from which to which yield it holds
    returns        [kg/ha], or None outside the yields of the trials
    source         N = 6.27 X - 4.45 X1 - 80.29 (X in 0.1 t/ha), spring wheat on leached chernozem of the northern
                   Trans-Urals, kgau.editorum.ru/nauka/article/79584
    """
    if not rule.from_t_ha <= yield_t_ha <= rule.to_t_ha:
        return None
    return rule.per_dt_ha * 10 * yield_t_ha + rule.per_nitrate_mg_kg * nitrate_mg_kg + rule.intercept


@dataclass(frozen=True)
class TrialRule:
    """A regression of the nitrogen dose on yield [0.1 t/ha] and nitrate [mg/kg], and its range [t/ha]."""

    intercept: float
    per_dt_ha: float
    per_nitrate_mg_kg: float
    from_t_ha: float
    to_t_ha: float
