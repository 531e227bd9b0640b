"""Doses of nutrients for a field and its parts: balance, then the class rule, then the caps, each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agro.advice.balance import Soil, Terms, balance, cross_check, drawn, stock
from agro.advice.caps import by_class, capped, check_plan
from agro.advice.rules import Rules
from agro.domain.errors import BadInput, Told

_LOW, _HIGH = 5, 95  # [%] the ends of a 90 % interval


@dataclass(frozen=True)
class Plan:
    """What is to grow on a field, and what was there before.

    yield_t_ha           [t/ha] planned, one for the field
    previous_crop        code, None where nobody said it
    straw_t_ha           [t/ha] of the previous crop's straw left on the field
    manure_t_ha          [t/ha] for this crop
    given_kg_ha          [kg/ha] of nutrients that this season's crop has got already
    """

    rules: Rules
    yield_t_ha: float
    previous_crop: str | None = None
    straw_t_ha: float = 0.0
    manure_t_ha: float = 0.0
    given_kg_ha: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Dose:
    """One nutrient at one or several places of a field [kg/ha].

    dose, low, high   what to give at sowing, and its 90 % interval
    balance           before class rule and caps
    later             [kg/ha] beyond the cap at sowing that the season may still ask for; nitrogen only
    draws             (draw, place) the dose with the errors of soil, yield and coefficients
    class_no          [1] of supply, NaN where nitrogen or unknown
    terms, stock      what the balance was made of
    """

    nutrient: str
    dose: np.ndarray
    low: np.ndarray
    high: np.ndarray
    balance: np.ndarray
    later: np.ndarray
    draws: np.ndarray
    class_no: np.ndarray
    terms: Terms
    stock: np.ndarray


def terms_of(nutrient: str, plan: Plan) -> Terms:
    """The numbers of a nutrient's balance that do not differ within the field.

    nutrient  n, p2o5, k2o or s
    plan      of the field
    returns   Terms [kg/t, t/ha, kg/ha]
    raises    BadInput RX-YIELD where the planned yield cannot be
    source    configs/doses.toml: removal, manure, straw, nitrogen of humus after the previous crop
    """
    rules, facts = plan.rules, plan.rules.facts
    check_plan(plan.yield_t_ha, rules.highest_t_ha, rules.crop)
    organic = plan.given_kg_ha.get(nutrient, 0.0) * facts["fertiliser_use"][nutrient]
    for name, amount_t_ha in (("manure", plan.manure_t_ha), ("straw", plan.straw_t_ha)):
        organic += amount_t_ha * facts[name]["content"][nutrient] * facts[name]["use"][nutrient]
    humus = facts["mineralised_n"].get(plan.previous_crop or "other", facts["mineralised_n"]["other"])
    return Terms(
        rules.removal_kg_t[nutrient],
        plan.yield_t_ha,
        organic,
        humus if nutrient == "n" else 0.0,
        facts["fertiliser_use"][nutrient],
    )


def dose(nutrient: str, plan: Plan, soil: Soil, class_of: Callable[[Any], Any] | None = None) -> Dose:
    """The dose of a nutrient, with its interval.

    nutrient  n, p2o5, k2o or s
    plan      of the field
    soil      what it holds, at one or several places
    class_of  contents [mg/kg] to classes of supply [1]; None where there is no grouping: the balance stands
    returns   Dose [kg/ha]
    raises    BadInput RX-YIELD, RX-MANURE
    source    ours: the order balance, class rule, caps
    """
    check_manure(plan)
    terms = terms_of(nutrient, plan)
    plain, (tried, contents) = np.atleast_1d(balance(terms, soil)), drawn(terms, soil, plan.rules.errors)
    number = _classes(nutrient, np.atleast_1d(np.asarray(soil.content_mg_kg, float)), class_of)
    ruled = _ruled(nutrient, plan, terms, plain, number)
    cap = plan.rules.cap_kg_ha[nutrient]
    given = capped(ruled, cap)
    season = np.minimum(ruled, plan.rules.season_n_kg_ha) if nutrient == "n" else given
    bounded = capped(_ruled(nutrient, plan, terms, tried, _classes(nutrient, contents, class_of)), cap)
    low, high = np.percentile(bounded, (_LOW, _HIGH), axis=0)
    return Dose(
        nutrient,
        given,
        np.minimum(low, given),
        np.maximum(high, given),
        plain,
        np.maximum(season - given, 0.0),
        bounded,
        number,
        terms,
        np.atleast_1d(stock(soil)),
    )


def plain_dose(nutrient: str, plan: Plan, soil: Soil, class_of: Callable[[Any], Any] | None = None) -> np.ndarray:
    """The dose alone, without its interval: for many places at once.

    nutrient, plan, soil, class_of  as for `dose`
    returns                         same shape as the content [kg/ha]
    raises                          BadInput RX-YIELD
    source                          as `dose`
    """
    terms, content = terms_of(nutrient, plan), np.asarray(soil.content_mg_kg, float)
    ruled = _ruled(nutrient, plan, terms, balance(terms, soil), _classes(nutrient, content, class_of))
    return np.asarray(capped(ruled, plan.rules.cap_kg_ha[nutrient]))


def check_manure(plan: Plan) -> None:
    """Refuse more manure than a year may get.

    plan     of the field
    returns  nothing [-]
    raises   BadInput RX-MANURE
    source   configs/doses.toml: 170 kg/ha of nitrogen
    """
    row = plan.rules.facts["manure"]
    brought = plan.manure_t_ha * row["content"]["n"]
    if brought > row["most_n_kg_ha"]:
        raise BadInput(
            "RX-MANURE",
            "manure brings {met} kg/ha of nitrogen, at most {limit} is allowed in a year",
            "check the tonnes per hectare in the season table",
            met=round(brought),
            limit=row["most_n_kg_ha"],
        )


def trials_say(plan: Plan, nitrate_mg_kg: float, dose_kg_ha: float) -> Told | None:
    """What field trials of a neighbouring region say against a nitrogen dose, where they differ much.

    plan           of the field
    nitrate_mg_kg  [mg/kg] of the field
    dose_kg_ha     the balance's [kg/ha]
    returns        a sentence [-], or None: no trials of this crop and yield, or no large difference
    source         configs/doses.toml, cross_check
    """
    rule = plan.rules.trials
    said = None if rule is None else cross_check(plan.yield_t_ha, nitrate_mg_kg, rule)
    limit = plan.rules.facts["cross_check"]["differs_kg_ha"]
    if said is None or abs(said - dose_kg_ha) <= limit:
        return None
    return Told(
        "the balance asks for {dose} kg/ha of nitrogen, trials on leached chernozem of the northern Trans-Urals for {said}",  # noqa: E501
        {"dose": round(dose_kg_ha), "said": round(max(said, 0))},
    )


def _classes(nutrient: str, content: np.ndarray, class_of: Callable[[Any], Any] | None) -> np.ndarray:
    """Classes of supply; nitrogen has no class rule, so it has none here."""
    if nutrient == "n" or class_of is None:
        return np.full(content.shape, np.nan)
    return np.asarray(class_of(content), float)


def _ruled(nutrient: str, plan: Plan, terms: Terms, plain: np.ndarray, number: np.ndarray) -> np.ndarray:
    rule = plan.rules.class_rule(nutrient)
    if rule is None:
        return plain
    return np.asarray(by_class(plain, number, terms.removal_kg_t * plan.yield_t_ha, rule))
