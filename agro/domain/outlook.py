"""What is foreseen: values with their errors, intervals, and the reason where something is withheld."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from agro.domain.errors import Refusal

Quantity = Literal["yield_t_ha", "production_t", "outcome_t_ha", "outcome_t"]
Scope = Literal["field", "district", "region"]
SCOPES: tuple[Scope, ...] = ("field", "district", "region")
LEVELS = (0.8, 0.9)  # [1] of the intervals that are told, where the seasons suffice for them


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, in `unit`. There is no `+`: a sum must state how its parts err together."""

    value: float
    se: float
    unit: str


@dataclass(frozen=True)
class Interval:
    """Where the truth is said to lie in a share `level` [1] of cases, in the unit of what it belongs to."""

    level: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """What is foreseen for one field, district or region and crop.

    subject     the field's id, the district's code, or the region's name
    quantity    `yield_t_ha` [t/ha] or `production_t` [t], made without knowing any of the harvest; `outcome_t_ha` and
                `outcome_t`: what is threshed, and the forecast of the rest
    estimate    None where the forecast abstains
    intervals   narrowest first, each of another level; empty where none can be vouched for
    model       the rung of the ladder that speaks, and the key of the fitted model
    answered    [1] share of the subject's area that is foreseen: 1 or 0 for a field
    why         why there is no estimate, or no interval; None where both are told
    """

    scope: Scope
    subject: str
    crop: str
    season: int
    quantity: Quantity
    as_of: date
    estimate: Estimate | None
    intervals: tuple[Interval, ...]
    model: str
    answered: float
    why: Refusal | None = None

    def interval(self, level: float = LEVELS[0]) -> Interval | None:
        """The interval of a level, where it is told."""
        return next((one for one in self.intervals if one.level == level), None)


@dataclass(frozen=True)
class Misses:
    """How far forecasts of one crop and day of the season were off in seasons that the model had not seen.

    All as shares of what was foreseen [1]: observed over foreseen, less 1.
    year_cv      what all fields of a season share; district_cv: what the fields of a district share beside it;
    field_cv     each field's own
    reach        for each scope and level: half the interval's width in standard errors; missing where the seasons
                 are too few
    seasons      how many seasons that were
    """

    year_cv: float
    district_cv: float
    field_cv: float
    reach: Mapping[tuple[Scope, float], float]
    seasons: int

    def ends(self, value: float, se: float, scope: Scope) -> tuple[Interval, ...]:
        """The intervals that the seasons on record can vouch for, in the unit of the value; none ends below 0."""
        return tuple(
            Interval(level, max(value - reach * se, 0.0), value + reach * se)
            for (of, level), reach in sorted(self.reach.items())
            if of == scope
        )


def few_seasons(seasons: int) -> Refusal:
    """Why a forecast has no interval."""
    return Refusal(
        "INTERVAL-SEASONS",
        "no interval: it takes errors of at least {expected} seasons that were not seen, there are {met}",
        "give harvests of more seasons",
        {"met": seasons, "expected": 4},
    )
