"""What was harvested: the tables of fields, of districts, and of the harvest as it comes, column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agro.domain.land import Crop

# As the combine's bunker weighed it, or as it lay in the barn, cleaned and dried. Never mixed, never guessed.
WEIGHT_BASES = ("bunker", "barn")

# Harvest of fields, one row a field, season and crop.
#   field_id, season   season is the year of harvest
#   crop               a code of configs/crops.toml
#   harvested_on       date or missing
#   area_ha            [ha] harvested, NaN where nobody said it
#   yield_t_ha         [t/ha] of the weight that was recorded
#   production_t       [t] of it, NaN where no area was said
#   weight_basis       bunker or barn
#   moisture_pct       [%] of the grain as weighed; NaN: said to be not measured, or a crop that is weighed green
#   source             the file's name
HARVEST_COLUMNS = (
    *("field_id", "season", "crop", "harvested_on", "area_ha", "yield_t_ha", "production_t"),
    *("weight_basis", "moisture_pct", "source"),
)
# Weight after processing, added to any of these tables: [t/ha], its standard error, whether it was converted.
BARN_COLUMNS = ("barn_t_ha", "barn_t_ha_se", "converted")

# Statistics of districts, one row a district, crop, category of farm, season and vintage (a figure is revised).
#   vintage     as the publisher calls it: a day, a year, preliminary or final
#   known_on    the day by which it was known, missing where the vintage names none
STATISTICS_COLUMNS = (
    *("district", "crop", "category", "season", "area_ha", "production_t", "yield_t_ha", "weight_basis"),
    *("vintage", "known_on", "source"),
)
CATEGORIES = ("all", "organisations", "farmers", "households")

# The harvest as it comes, one row a day, place (a district or a farm) and crop; figures since the harvest began.
#   planned_ha  [ha] that are to be threshed in all, NaN where nobody said it
SUMMARY_COLUMNS = (
    *("day", "season", "district", "farm_id", "crop", "threshed_ha", "bunker_t", "planned_ha", "source"),
)


@dataclass(frozen=True)
class YieldBounds:
    """What a yield can be [t/ha]: of one field or district, and the middle of a table of them."""

    highest_t_ha: float
    usual_low_t_ha: float
    usual_high_t_ha: float


@dataclass(frozen=True)
class Known:
    """What records are checked against: the crops (groups of crops too), what each can yield, and the day.

    `farm_of` tells the farm of a field, where it is known: a farm weighs a crop of one season in one way.
    `green` are crops that are weighed as they come: nobody measures their moisture, so an empty cell says so.
    """

    crops: Sequence[Crop]
    bounds: Mapping[str, YieldBounds]
    today: date
    green: frozenset[str] = frozenset()
    farm_of: Mapping[str, str] = field(default_factory=dict)


# Points of a yield monitor, one row a record, in the order in which they were driven.
#   log           whose points follow each other: the file, or the log of a task
#   number        of the record in it
#   lon, lat      [deg] WGS 84, NaN without a fix
#   day           date, missing where the file names none
#   clock_s       [s] since the log began, NaN where no clock was logged
#   yield_t_ha    [t/ha] as the monitor gives it, or of flow, interval, distance and swath
#   moisture_pct  [%] of the grain as weighed, NaN where nobody measured it
#   speed_m_s     [m/s], distance_m [m], interval_s [s], swath_m [m], heading_deg [deg]: NaN where not logged
#   working       whether the header was down, True where that was not logged
MONITOR_COLUMNS = (
    *("log", "number", "lon", "lat", "day", "clock_s", "yield_t_ha", "moisture_pct", "speed_m_s", "distance_m"),
    *("interval_s", "swath_m", "heading_deg", "working"),
)


@dataclass(frozen=True)
class Monitored:
    """What one file of a yield monitor holds, as a table of MONITOR_COLUMNS, and what was said of it.

    A monitor weighs what runs into the bunker; `weight_basis` is barn only where somebody says that it was calibrated
    so. `at_moisture_pct` is the moisture that the yields are brought to, None where they are as weighed.
    """

    where: str
    points: Any
    weight_basis: str
    crop: str | None = None
    season: int | None = None
    field_id: str | None = None
    at_moisture_pct: float | None = None
    delay_corrected: bool = False
