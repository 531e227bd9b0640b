"""A second, plainer world for the decision to vary: yields that saturate with the soil's own nitrogen and the dose.

Nothing of it is shared with the fit (parabolas) or with the simulated region (growth). SIMULATED; all numbers are ours.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

DOSES = np.array([0.0, 30.0, 60.0, 90.0, 120.0])
GRID = np.arange(0, 121, 2.0)
_SEASONS = 200  # that could come


@dataclass(frozen=True)
class Field:
    """Zones with shares of the ground and nitrogen of their own [kg/ha]; what seasons, strips and places add."""

    share: np.ndarray
    soil_n: np.ndarray
    rate: float
    height_t_ha: float
    season_sd: float
    strip_sd: float
    place_sd: float


def field(seed: int, number: int) -> tuple[Field, np.random.Generator]:
    """One field; in four of ten zones are alike."""
    random = np.random.default_rng([seed, number])
    zones = int(random.integers(2, 5))
    apart = random.uniform(10, 50) if random.random() < 0.6 else 0.0
    return (
        Field(
            random.dirichlet(np.full(zones, 6.0)),
            random.uniform(25, 60) + random.normal(0, apart, zones)
            if apart
            else np.full(zones, random.uniform(25, 60)),
            random.uniform(0.012, 0.025),
            random.uniform(1.2, 2.6),
            random.uniform(5, 25),
            random.uniform(0.06, 0.2),
            random.uniform(0.06, 0.2),
        ),
        random,
    )


def season(one: Field, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """Nitrogen of the zones [kg/ha] and height of the response [t/ha] in one season."""
    soil = one.soil_n + random.normal(0, 12) + random.normal(0, one.season_sd, len(one.share))
    return np.maximum(soil, 0.0), one.height_t_ha * float(np.exp(random.normal(0, 0.2)))


def yields(one: Field, soil_n: np.ndarray, height: float, dose: np.ndarray) -> np.ndarray:
    """(dose, zone) [t/ha]."""
    return 1.0 + height * (1 - np.exp(-one.rate * (soil_n + dose[:, None])))


def trial(one: Field, random: np.random.Generator, name: int, reps: int = 4) -> pd.DataFrame:
    """Strips of one season that cross all zones."""
    true = yields(one, *season(one, random), DOSES)
    rows = []
    for rep in range(reps):
        places = random.normal(0, 0.25, len(one.share))
        for strip, i in enumerate(random.permutation(len(DOSES))):
            found = true[i] + places + random.normal(0, one.strip_sd) + random.normal(0, one.place_sd, len(one.share))
            rows += [(name, rep, strip, str(z), DOSES[i], found[z], one.share[z]) for z in range(len(one.share))]
    return pd.DataFrame(rows, columns=["season", "rep", "strip", "zone", "dose_kg_ha", "yield_t_ha", "area_ha"])


def profits(one: Field, random: np.random.Generator, yield_price_t: float, nutrient_price_kg: float) -> np.ndarray:
    """(dose of GRID, zone) [RUB/ha] on average over the seasons that could come."""
    seen = [yields(one, *season(one, random), GRID) for _ in range(_SEASONS)]
    return np.asarray(yield_price_t * np.mean(seen, axis=0) - nutrient_price_kg * GRID[:, None])
