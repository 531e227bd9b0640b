from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from agro.imagery.overpass import REPEAT, overpasses

SINCE = datetime(2026, 6, 1, tzinfo=UTC)


def test_every_relative_orbit_comes_back_after_five_days() -> None:
    looks = overpasses(85.6, 55.2, SINCE, 20)
    times: dict[int, list[datetime]] = {}
    for look in looks:
        times.setdefault(look.relative_orbit, []).append(look.at)
    assert len(times) in (2, 3)
    for at in times.values():
        assert len(at) == 4
        assert all(abs((b - a) - REPEAT) < timedelta(seconds=1) for a, b in pairwise(at))


@pytest.mark.parametrize("longitude", [-120.0, 0.0, 3.0, 85.6, 179.9])
@pytest.mark.parametrize("latitude", [-55.0, 0.0, 50.8, 55.2])
def test_it_is_morning_below_the_satellite(longitude: float, latitude: float) -> None:
    looks = overpasses(longitude, latitude, SINCE, 10)
    assert 2 <= len(looks) <= 8
    for look in looks:
        local = (look.at.hour + look.at.minute / 60 + longitude / 15) % 24
        assert 9.3 < local < 12.2
        assert abs(look.off_track_km) <= 145


def test_more_often_towards_the_pole_and_never_beyond() -> None:
    count = [len(overpasses(85.6, latitude, SINCE, 10)) for latitude in (0.0, 50.0, 65.0)]
    assert count == sorted(count) and count[0] < count[-1]
    assert overpasses(85.6, 85.0, SINCE, 10) == []


def test_known_orbits_over_a_known_place() -> None:
    """Western Flanders is seen from relative orbits 51 and 94, as product names of tile 31UDS say."""
    seen = Counter(look.relative_orbit for look in overpasses(3.02, 50.816, datetime(2018, 7, 1, tzinfo=UTC), 30))
    assert seen == {51: 6, 94: 6}
