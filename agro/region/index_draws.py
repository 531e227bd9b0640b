"""The index as a distribution: years that all fields share, crops that go together, areas, households, livestock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

Array = np.ndarray

# A table of cells has one row a (district, category, product) of a year:
#   value                 [t or thousand] expected; for crops the area times the yield
#   year_cv, district_cv  [1] of a crop's yield: what all fields of the year share, what those of the district share
#   own_cv                [1] of the yield of this crop in this district alone
#   area_cv               [1] of its area there
#   series_cv             [1] of a series ahead; 0 for crops
#   homes_cv              [1] what all figures of households' crops miss alike, because samples tell them
CELL_COLUMNS = ("value", "year_cv", "district_cv", "own_cv", "area_cv", "series_cv", "homes_cv")


@dataclass(frozen=True)
class Together:
    """How errors go together [1]: a year's effect between crops, one product's series between districts."""

    between_crops: float
    between_series: float


def drawn(cells: pd.DataFrame, together: Together, draws: int, seed: int) -> Array:
    """Quantities as they may turn out.

    cells     (district, category, product) x CELL_COLUMNS
    together  how errors go together [1]
    draws     how many [1]
    seed      equal seeds give equal draws
    returns   (draw, cell) quantity [unit of the product], never below 0
    source    ours: normal errors, relative; a crop's effect is sqrt(r) of the common one and sqrt(1 - r) of its own
    """
    rng = np.random.default_rng(seed)
    district, product = (cells.index.get_level_values(name) for name in ("district", "product"))
    cell = pd.MultiIndex.from_arrays([district, product])
    cv = {name: cells[name].to_numpy("float64") for name in CELL_COLUMNS[1:]}

    def each(of: pd.Index) -> Array:
        """One standard normal (draw, cell) for each different label."""
        codes, labels = pd.factorize(of)
        return rng.standard_normal((draws, len(labels)))[:, codes]

    def mixed(share: float, common: Array, own: Array) -> Array:
        out: Array = np.sqrt(share) * common + np.sqrt(1 - share) * own
        return out

    every = rng.standard_normal((draws, 1))
    yields = 1 + cv["year_cv"] * mixed(together.between_crops, every, each(product))
    yields = yields + cv["district_cv"] * mixed(together.between_crops, each(district), each(cell))
    yields = yields + cv["own_cv"] * each(cell)
    areas = 1 + cv["area_cv"] * each(cell)
    series = 1 + cv["series_cv"] * mixed(together.between_series, each(product), each(cells.index))
    homes = 1 + cv["homes_cv"] * rng.standard_normal((draws, 1))
    factors = [np.maximum(one, 0.0) for one in (yields, areas, series, homes)]
    out: Array = cells["value"].to_numpy("float64") * np.prod(factors, axis=0)
    return out


def links_pct(now: Array, before: Array, price: Array) -> Array:
    """The link of each draw.

    now      (draw, cell) quantity [unit] of the later year
    before   (cell) or (draw, cell) quantity [unit] of the year before
    price    (cell) [RUB for the unit] of the base
    returns  (draw) [%] of the year before
    source   Laspeyres, as `agro.region.output.laspeyres_pct`
    """
    out: Array = 100.0 * (now @ price) / (before @ price)
    return out


def damped(values: Sequence[float], damping: float, years: int, ahead: int = 1) -> float:
    """A series a few years ahead: its last value, with a growth that dies away.

    values   of successive years [any unit], oldest first, above 0
    damping  of the growth with each year ahead [1]
    years    that the growth is taken from, at most [a]
    ahead    [a]
    returns  [the same unit]; the last value where there is one alone or a zero among them
    source   Gardner and McKenzie 1985, damped trend; growth as the mean of logarithms: ours
    """
    last = [float(value) for value in values][-years - 1 :]
    if len(last) < 2 or min(last) <= 0:
        return last[-1]
    growth = float(np.log(last[-1] / last[0])) / (len(last) - 1)
    return last[-1] * float(np.exp(growth * sum(damping**k for k in range(1, ahead + 1))))
