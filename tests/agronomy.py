"""Numbers of the configuration and small plans for the tests of doses."""

from functools import partial

from agro.advice.balance import Soil
from agro.advice.doses import Plan
from agro.advice.rules import Rules, rules_for
from agro.agromaps.fertility import classes_from, classes_of, classify
from agro.domain.work import Machine, Product
from flows.settings import CONFIGS, facts

FACTS = facts(CONFIGS / "doses.toml")
CLASSES = classes_from(facts(CONFIGS / "soils.toml")["classes"])
SPREADER = Machine(24.0, 20.0, 600.0, 5.0, "")
SOLD = {
    code: Product(code, row["english"], row["russian"], row["content_pct"])
    for code, row in facts(CONFIGS / "fertilisers.toml").items()
    if isinstance(row, dict)
}


def rules(crop: str = "spring_wheat") -> Rules:
    return rules_for(crop, FACTS)


def plan(yield_t_ha: float = 2.5, crop: str = "spring_wheat", **more) -> Plan:
    return Plan(rules(crop), yield_t_ha, **more)


def soil(nutrient: str, content, se=None) -> Soil:
    """The soil of the example: nitrate of 0-40 cm, the rest of 0-20 cm by Chirikov."""
    se = 0.1 * content if se is None else se
    if nutrient == "n":
        return Soil(content, se, 40.0, 1.15, 0.70)
    return Soil(content, se, 20.0, 1.10, {"p2o5": 0.07, "k2o": 0.12, "s": 0.20}[nutrient])


def class_of(nutrient: str, method: str = "chirikov"):
    table = classes_of(f"{nutrient}_mg_kg", "" if nutrient == "s" else method, CLASSES)
    return partial(classify, table=table)
