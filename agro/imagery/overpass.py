"""When Sentinel-2 looks at a place: from the published orbit alone, no network needed.

The orbit repeats after 10 days and 143 revolutions; two satellites fly it half a cycle apart, so each relative orbit is
flown every 5 days. At the descending crossing of the equator it is 10:30 by local mean solar time.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

REPEAT = timedelta(days=5)  # of one relative orbit by two satellites. source: ESA Sentinel-2 user handbook
_ORBITS = 143  # [1] in 10 days. source: the same
_PERIOD_S = 10 * 86_400 / _ORBITS  # [s]
_INCLINATION_DEG = 98.62  # [deg] source: the same
_ASCENDING_H = 22.5  # [h] local mean solar time at the ascending node, 12 h from 10:30. source: the same
_HALF_SWATH_KM = 145.0  # [km] source: the same, 290 km
_DEGREE_KM = 111.32  # [km] of longitude on the equator
_EPOCH = datetime(2017, 1, 1, tzinfo=UTC)
# [1] revolutions from the epoch to the ascending node where relative orbit 0 of Sentinel-2A would begin.
# source: ours, from the times of published products (S2A R029 of 2023-08-21, S2B R043 of 2019-06-29 and others)
_PHASE = 26.652


@dataclass(frozen=True)
class Overpass:
    """One look: when (UTC), along which relative orbit, how far from its middle line [km], east positive."""

    at: datetime
    relative_orbit: int
    off_track_km: float


def overpasses(longitude_deg: float, latitude_deg: float, since: datetime, days: float) -> list[Overpass]:
    """All looks of the two Sentinel-2 at a place within some days.

    longitude_deg, latitude_deg  the place [deg], WGS 84, up to 80 degrees north or south
    since                        UTC
    days                         [d]
    returns                      looks, oldest first: time [UTC], relative orbit [1], distance from the track [km];
                                 times are good to about a minute, distances to about 25 km
    source                       circular orbit over a turning Earth; constants of the ESA Sentinel-2 user handbook
    """
    sine = math.sin(math.radians(latitude_deg)) / math.sin(math.radians(_INCLINATION_DEG))
    if abs(sine) >= 1 or abs(latitude_deg) > 80:
        return []
    angle = math.pi - math.asin(sine)  # from the ascending node to the place's latitude, on the way down
    later_s = angle / (2 * math.pi) * _PERIOD_S
    turned = math.degrees(math.atan2(math.cos(math.radians(_INCLINATION_DEG)) * math.sin(angle), math.cos(angle)))
    track = turned - 360 * later_s / 86_400
    heading = math.asin(min(1.0, abs(math.cos(math.radians(_INCLINATION_DEG)) / math.cos(math.radians(latitude_deg)))))
    first = math.floor((since - _EPOCH).total_seconds() / _PERIOD_S) - 2
    looks = []
    for number in range(first, first + math.ceil(days * _ORBITS / 10) + 4):
        for slot, shift in enumerate((_PHASE, _PHASE + _ORBITS / 2)):
            node_s = (number + shift % 1) * _PERIOD_S
            node_deg = (_ASCENDING_H - node_s / 3600 % 24) * 15
            away = (longitude_deg - node_deg - track + 540) % 360 - 180
            off_km = away * _DEGREE_KM * math.cos(math.radians(latitude_deg)) * math.cos(heading)
            at = _EPOCH + timedelta(seconds=node_s + later_s)
            if abs(off_km) <= _HALF_SWATH_KM and since <= at < since + timedelta(days=days):
                orbit = round(number + shift % 1 - (_PHASE + slot * _ORBITS / 2)) % _ORBITS or _ORBITS
                looks.append(Overpass(at, orbit, off_km))
    return sorted(looks, key=lambda look: look.at)
