"""What offices publish, as files: harvests by district, livestock, prices. Simulated, and every row says so."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.chance import chance
from agro.twin.harvest import district_statistics

_SOURCE = "SIMULATED demonstration, no statistic of a real district"


def write_statistics(
    folder: Path, fields: pd.DataFrame, seasons: Sequence[int], facts: Mapping[str, Any], seed: int
) -> None:
    """crops.csv, livestock.csv and prices.csv; `fields` are those of the truth."""
    folder.mkdir(exist_ok=True)
    districts = sorted(fields["district"].unique())
    for name, table in (
        ("crops", district_statistics(fields, facts, seed)),
        ("livestock", livestock(districts, seasons, facts["statistics"]["livestock"], seed)),
        ("prices", prices(seasons, facts["statistics"]["prices_rub"], seed)),
    ):
        table.assign(source=_SOURCE).to_csv(folder / f"{name}.csv", sep=";", decimal=",", index=False)


def livestock(districts: Sequence[str], seasons: Sequence[int], rules: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """product, district, season, value, unit, vintage: a trend of each product, districts of different weight."""
    rows = []
    for product, about in rules.items():
        for district in districts:
            weight = chance(seed, "herd", district, product).uniform(0.5, 1.5)
            walk = 0.0
            for season in seasons:
                walk += chance(seed, "herd", district, product, season).normal(0, about["year_sd"])
                value = about["value"] * weight * (1 + about["trend"]) ** (season - 2017) * np.exp(walk)
                for vintage, error in ((date(season + 1, 1, 25), 0.01), (date(season + 1, 4, 10), 0.0)):
                    told = value * (1 + error * chance(seed, "herd", district, product, vintage).normal())
                    rows.append((product, district, season, round(told, 1), about["unit"], vintage))
    return pd.DataFrame(rows, columns=["product", "district", "season", "value", "unit", "vintage"])


def prices(seasons: Sequence[int], rules: Mapping[str, Any], seed: int) -> pd.DataFrame:
    """product, season, price_rub, unit, vintage: producers' prices that rise and swing."""
    rows = []
    for product, about in rules.items():
        walk = 0.0
        for season in seasons:
            common, own = chance(seed, "price", season).normal(), chance(seed, "price", season, product).normal()
            walk += 0.05 * common + 0.06 * own
            price = about["price"] * 1.05 ** (season - 2017) * np.exp(walk)
            rows.append((product, season, round(price, -1), about["unit"], date(season + 1, 2, 15)))
    return pd.DataFrame(rows, columns=["product", "season", "price_rub", "unit", "vintage"])
