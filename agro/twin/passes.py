"""When the satellites look at the region, and from where."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_LAST_DAY = 190  # of the season, counted from 1 April
_AT = timedelta(hours=5, minutes=18)  # UTC of the pass, noon by the clock of Kuzbass


@dataclass(frozen=True)
class Orbit:
    """One relative orbit: its number, first day of the season, days between looks, view [deg], side of the sun."""

    number: int
    first_day: int
    every_days: int
    view_zenith_deg: float
    view_azimuth_deg: float
    sign: float


ORBITS = (Orbit(19, 24, 10, 4.1, 104.0, 1.0), Orbit(119, 30, 10, 8.7, 288.0, -1.0))  # days from 1 April


def passes_of(season: int) -> list[tuple[datetime, Orbit]]:
    """When the satellites look at the region in a season."""
    start = datetime(season, 4, 1, tzinfo=UTC) + _AT
    looks = [
        (start + timedelta(days=day), orbit)
        for orbit in ORBITS
        for day in range(orbit.first_day, _LAST_DAY, orbit.every_days)
    ]
    return sorted(looks, key=lambda look: look[0])
