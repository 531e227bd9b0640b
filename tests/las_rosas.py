"""The nitrogen trial of Las Rosas, Argentina (agridat, MIT), as a table of strips; prices of its authors."""

from pathlib import Path

import pandas as pd

from flows.settings import CONFIGS, facts
from models.left_out import Money

_PRICES = facts(CONFIGS / "schemes.toml")
_RULES = facts(CONFIGS / "doses.toml")["varying"]
DOLLARS = Money(
    _PRICES["yield_price_t"],
    _PRICES["nutrient_price_kg"],
    _RULES["price_cv"],
    _RULES["zone_error"],
    _RULES["season_sd_kg_ha"],
)
RATIO = DOLLARS.nutrient_price_kg / DOLLARS.yield_price_t


def strips_of(real: Path) -> pd.DataFrame:
    """season, rep, strip, zone (landscape), dose_kg_ha, yield_t_ha, lon, lat: a row a point of the yield monitor."""
    table = pd.read_csv(real / "yield-trials" / "agridat" / "lasrosas.corn.txt", sep="\t")
    return pd.DataFrame(
        {
            "season": table["year"],
            "rep": table["rep"],
            "strip": table["nf"],
            "zone": table["topo"],
            "dose_kg_ha": table["nitro"],
            "yield_t_ha": table["yield"] / 10,
            "lon": table["long"],
            "lat": table["lat"],
        }
    )
