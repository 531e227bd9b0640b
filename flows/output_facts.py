"""What the indicator takes from configs: products, scenarios, the sizes of errors."""

from collections.abc import Mapping
from typing import Any

from agro.domain.output import Product, Scenario
from flows.settings import CONFIGS, crops, facts


def products() -> list[Product]:
    """All products: the crops, then what no field shows."""
    rows = facts(CONFIGS / "products.toml")
    group = {code: name for name, codes in rows["crops"].items() for code in codes}
    grown = [
        Product(one.code, one.english, one.russian, group[one.code], also=one.also)
        for one in crops()
        if one.code in group
    ]
    return [*grown, *(Product(code, **{**row, "also": tuple(row["also"])}) for code, row in rows["products"].items())]


def product_names(language: str) -> dict[str, str]:
    """What each product and group of products is called."""
    names = {one.code: one.russian if language == "ru" else one.english for one in products()}
    groups = facts(CONFIGS / "products.toml")["groups"]
    return names | {code: row["russian" if language == "ru" else "english"] for code, row in groups.items()}


def scenarios() -> list[Scenario]:
    """The paths of the strategy, lowest first."""
    rows = facts(CONFIGS / "scenarios.toml")["scenarios"]
    return [Scenario(name, {int(year): value for year, value in row.items()}) for name, row in rows.items()]


def uncertainty() -> Mapping[str, Any]:
    """The sizes of errors [1], all assumptions."""
    table: Mapping[str, Any] = facts(CONFIGS / "scenarios.toml")["uncertainty"]
    return table
