"""The output of agriculture as a share of 2017: links between years by the statistical office's way, chained.

A volumes table has one row a product: its index is (district, category, product), its value the quantity of a year.
Prices are by product, of one year, in money for the same unit as the quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from agro.domain.errors import BadInput

BASE_YEAR = 2017  # [a] = 100 %. source: strategy of Kemerovo region to 2035
_LOWEST_PCT, _HIGHEST_PCT = 50.0, 200.0  # [%] of the year before: beyond them a link is a slip of the pen. source: ours


@dataclass(frozen=True)
class Link:
    """How the output of `year` stands to the year before [%], as an office told it on `vintage`, by `source`."""

    year: int
    pct_of_previous: float
    vintage: str
    source: str


def laspeyres_pct(now: pd.Series, before: pd.Series, prices: Mapping[str, float]) -> float:
    """Volume of output at the prices of the base, as a share of the base.

    now      (district, category, product) quantity [unit of the product] of the later year
    before   the same of the base
    prices   [RUB for the unit] by product, of the base year (of the year before, for a link of the chain)
    returns  [%] of the base
    raises   BadInput when a product has no price above zero, is missing in one of the years, or the base is worth 0
    source   Laspeyres's volume index, as Rosstat links years (Decree 138 of 1998-12-29)
    """
    _told_in_both(now, before)
    weight = _prices_of(before, prices)
    worth = float((before * weight).sum())
    if worth <= 0:
        raise BadInput(
            "OUTPUT-EMPTY", "the base year's output is worth nothing", "give the quantities of the base year"
        )
    return 100.0 * float((now * weight).sum()) / worth


def chain_pct(links_pct: Sequence[float]) -> float:
    """Links of successive years, chained.

    links_pct  [%] of the year before, oldest first
    returns    [%] of the year before the first link
    raises     BadInput when a link lies outside 50..200 %
    source     Rosstat's way from annual indices to an index of a base year
    """
    for link in links_pct:
        if not _LOWEST_PCT <= link <= _HIGHEST_PCT:
            raise BadInput(
                "OUTPUT-LINK",
                "an annual index of {met} %, expected 50 to 200 % of the year before",
                "check the number and whether it is of the year before, not of 2017",
                met=f"{link:g}",
            )
    return 100.0 * float(np.prod(np.asarray(links_pct, float) / 100.0))


def closed_years(links: Sequence[Link], last: int, known_on: str | None = None) -> list[Link]:
    """The links from 2018 to `last`, each in the newest vintage that was known by a day.

    links    of any years and vintages
    last     [a] the last closed year
    known_on  ISO date; None takes the newest of all
    returns  one link a year [%], oldest first
    raises   BadInput when a year is missing: then nothing is said `of 2017`
    source   ours: a revision adds a vintage and never changes what was told before
    """
    known = [link for link in links if known_on is None or link.vintage <= known_on]
    newest = {link.year: link for link in sorted(known, key=lambda link: link.vintage)}
    missing = [year for year in range(BASE_YEAR + 1, last + 1) if year not in newest]
    if missing:
        raise BadInput(
            "OUTPUT-YEARS",
            "the official annual index of {met} is missing, so nothing can be said in per cent of 2017",
            "add it to the table of annual indices with its source and the day of its publication",
            met=", ".join(map(str, missing)),
        )
    return [newest[year] for year in range(BASE_YEAR + 1, last + 1)]


def by_parts_pct(now: pd.Series, before: pd.Series, prices: Mapping[str, float], part: str) -> pd.Series:
    """The link of each district, category or product.

    now, before, prices  as for `laspeyres_pct`
    part     `district`, `category` or `product`
    returns  (part) [%] of the year before; a part whose base is worth nothing is NaN
    source   as `laspeyres_pct`
    """
    _told_in_both(now, before)
    weight = _prices_of(before, prices)
    later, base = ((q * weight).groupby(level=part).sum() for q in (now, before))
    share: pd.Series = 100.0 * later / base.where(base > 0)
    return share


def contributions(areas: pd.DataFrame, yields: pd.DataFrame, prices: Mapping[str, float]) -> pd.DataFrame:
    """What of the change of crop output came from area, from the mix of crops, and from yields; it adds up exactly.

    areas    (district, crop) x (before, now) [ha]
    yields   (district, crop) x (before, now) [t/ha]; what was not grown in a year may be NaN there
    prices   [RUB/t] of the year before, by crop
    returns  (district) x (area, mix, yield, total) [RUB]
    raises   BadInput when a price is missing
    source   Shapley's value of three factors (Ang 2004, 10.1016/S0301-4215(03)00076-4): symmetric and exact
    """
    weight = pd.Series({crop: _price(prices, crop) for crop in areas.index.get_level_values("crop").unique()})
    other = {"before": "now", "now": "before"}
    told = {year: yields[year].where(yields[year].notna(), yields[other[year]]).fillna(0.0) for year in other}
    rows = {}
    for district, own in areas.groupby(level="district"):
        value = own.index.get_level_values("crop").map(weight).to_numpy()
        total = {year: float(own[year].sum()) for year in other}
        mix = {year: _shares(own, year, total, other[year]) for year in other}
        gain = {year: told[year].loc[own.index].to_numpy() * value for year in other}
        rows[district] = _shapley(total, mix, gain)
    parts = pd.DataFrame.from_dict(rows, orient="index", columns=["area", "mix", "yield"])
    parts.index.name = "district"
    return parts.assign(total=parts.sum(axis=1))


def needed_growth_pct(now_pct: float, goal_pct: float, years: int) -> float:
    """The growth a year that still leads to a goal.

    now_pct, goal_pct  [% of 2017]
    years    until the goal [a]
    returns  [%/a]
    source   constant growth: goal = now (1 + g)^years
    """
    return 100.0 * float((goal_pct / now_pct) ** (1 / years) - 1)


def _shares(own: pd.DataFrame, year: str, total: Mapping[str, float], other: str) -> np.ndarray:
    """The mix of a year; that of the other where nothing was grown, so that all change is of area then."""
    column = year if total[year] > 0 else other
    share: np.ndarray = own[column].to_numpy() / total[column] if total[column] > 0 else np.zeros(len(own))
    return share


def _shapley(
    total: Mapping[str, float], mix: Mapping[str, np.ndarray], gain: Mapping[str, np.ndarray]
) -> tuple[float, float, float]:
    """The mean of each factor's change over all orders in which the three may change."""

    def worth(area: str, share: str, own: str) -> float:
        return total[area] * float(mix[share] @ gain[own])

    def change(one: str) -> float:
        factors = ("area", "mix", "yield")
        a, b = (name for name in factors if name != one)
        mean = 0.0
        for others, share in (((), 1 / 3), ((a,), 1 / 6), ((b,), 1 / 6), ((a, b), 1 / 3)):
            without = {name: "now" if name in others else "before" for name in factors}
            with_it = {**without, one: "now"}
            mean += share * (worth(*with_it.values()) - worth(*without.values()))
        return mean

    return change("area"), change("mix"), change("yield")


def _told_in_both(now: pd.Series, before: pd.Series) -> None:
    odd = now.index.symmetric_difference(before.index)
    bad = [*odd, *now.index[now.isna() | (now < 0)], *before.index[before.isna() | (before < 0)]]
    if bad:
        raise BadInput(
            "OUTPUT-HOLE",
            "{met}: a quantity of one of the two years is missing or below zero",
            "write what was produced, or 0 where nothing was",
            met="; ".join(" / ".join(map(str, one)) for one in bad[:3]),
        )


def _prices_of(quantities: pd.Series, prices: Mapping[str, float]) -> pd.Series:
    products = quantities.index.get_level_values("product")
    return pd.Series([_price(prices, str(product)) for product in products], quantities.index)


def _price(prices: Mapping[str, float], product: str) -> float:
    price = prices.get(product)
    if price is None or not price > 0:
        raise BadInput(
            "OUTPUT-PRICE",
            "{where}: the price is {met}, expected one above zero",
            "write the average producer price of that year",
            where=product,
            met="-" if price is None else f"{price:g}",
        )
    return float(price)
