"""What the output of agriculture is made of: products, and the tables that offices publish about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Annual indices, one row a year and vintage: how the output of `year` stands to the year before.
#   pct_of_previous   [%]
#   vintage           day on which it was published
INDEX_COLUMNS = ("year", "pct_of_previous", "vintage", "source")

# Average producers' prices, one row a product, year and vintage. price_rub is for a tonne, or for a thousand pieces.
PRICE_COLUMNS = ("product", "season", "price_rub", "vintage", "source")

# Volumes of what no field shows, one row a product, district, category of farm, year and vintage.
#   value   [t] or [thousand pieces]
SERIES_COLUMNS = ("product", "district", "category", "season", "value", "vintage", "source")


@dataclass(frozen=True)
class Product:
    """One product: its code and names, its group, its unit, and what a district usually makes of it in a year.

    unit   `t` or `thousand` (pieces)
    """

    code: str
    english: str
    russian: str
    group: str
    unit: str = "t"
    also: tuple[str, ...] = ()
    usual_low: float = 0.0
    usual_high: float = float("inf")


@dataclass(frozen=True)
class Offices:
    """What offices told: tables of INDEX_COLUMNS, PRICE_COLUMNS and SERIES_COLUMNS, every vintage beside the others.

    demonstration   whether these are the figures of the demonstration, of no real district
    """

    indices: Any
    prices: Any
    series: Any
    demonstration: bool = False


@dataclass(frozen=True)
class Scenario:
    """A path of the strategy: its per cent of the base year at the years that it names."""

    name: str
    nodes: Mapping[int, float]
