"""Grain as the bunker weighed it, and as it lies in the barn: cleaned, dried, about a tenth lighter."""

import numpy as np
import pandas as pd


def in_barn(table: pd.DataFrame, factor: float, factor_se: float) -> pd.DataFrame:
    """Yields by barn weight, with the error of the conversion where there was one.

    table      a row a harvest: `yield_t_ha` [t/ha], `weight_basis` (bunker or barn)
    factor     barn weight of a bunker weight of one [1], and its standard error [1]: common to the harvests of a
               season, so that it does not average out over fields
    returns    the same with `barn_t_ha` [t/ha], `barn_t_ha_se` [t/ha] (0 where nothing was converted), `converted`
    source     Kuzbass grain 2020 and 2021, see configs/harvest.toml
    """
    converted = (table["weight_basis"] == "bunker").to_numpy()
    weighed = table["yield_t_ha"].to_numpy("float64")
    return table.assign(
        barn_t_ha=np.where(converted, factor * weighed, weighed),
        barn_t_ha_se=np.where(converted, factor_se * weighed, 0.0),
        converted=converted,
    )
