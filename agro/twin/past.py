"""Some seasons of a region as they were: fields, what was done there, the weather, and how evening follows evening."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.care import care, plots
from agro.twin.estate import Estate
from agro.twin.events import with_events
from agro.twin.growth import State
from agro.twin.harm import Harm, hurting
from agro.twin.plots import Plots
from agro.twin.weather import Weather, season_weather, stacked, winter_weather
from agro.twin.worlds import WORLDS, World


@dataclass(frozen=True)
class Past:
    """Fields and seasons of one seed.

    work       one row a field and season, see `agro.twin.care`
    plots      the pixels of `work`, end to end, so many of each row as the estate has of each field
    weather    of each (season, district) of `work`, in the order of their coming
    days       the same by place and day, with the winters before the seasons
    harms      what went wrong; the pixels count in `plots`
    world      the one of `agro.twin.worlds` that it happened in
    """

    facts: Mapping[str, Any]
    seed: int
    estate: Estate
    work: pd.DataFrame
    plots: Plots
    weather: Weather
    days: pd.DataFrame
    harms: tuple[Harm, ...]
    world: World = WORLDS["first"]

    @cached_property
    def field(self) -> np.ndarray:
        """The number of each row's field in the estate."""
        return _numbers(self.work, self.estate)

    def evenings(self) -> Iterator[State]:
        """Every evening of all seasons at once, 1 April to 15 October."""
        return self.world.live(self.plots, self.weather, hurting(self.harms))

    def last_evening(self) -> State:
        """15 October of all seasons, when all is harvested."""
        return deque(self.evenings(), maxlen=1)[0]

    def by_field(self, values: np.ndarray) -> np.ndarray:
        """An array over pixels as (row of `work`, pixel)."""
        return values.reshape(len(self.work), -1)


def past(
    facts: Mapping[str, Any],
    seed: int,
    estate: Estate,
    seasons: Sequence[int],
    told: pd.DataFrame | None = None,
    world: str = "first",
) -> Past:
    """What happened on an estate; `told` names crops that are known already (field_id, season, crop)."""
    summers, winters = weather_of(facts, seed, estate.places, seasons)
    winter_mm = {here: float(table["rain_mm"].sum()) for here, table in winters.items()}
    work = care(estate.fields, seasons, summers, winter_mm, facts, seed, told)
    places = work[["season", "district"]].drop_duplicates()
    weather = stacked([summers[district, season] for season, district in places.itertuples(index=False)])
    days = pd.concat(
        [table.assign(place=place) for part in (summers, winters) for (place, _), table in part.items()],
        ignore_index=True,
    ).sort_values(["place", "day"], ignore_index=True)
    number = _numbers(work, estate)
    pixels = estate.x_m.shape[1]
    index = (number[:, None] * pixels + np.arange(pixels)).ravel()
    standing = plots(work, np.repeat(np.arange(len(work)), pixels), estate.soil.at(index), facts)
    x, y = (points[number].ravel() for points in (estate.x_m, estate.y_m))
    each = list(np.arange(len(x)).reshape(-1, pixels))
    standing, harms = with_events(standing, work, each, x, y, facts, seed)
    return Past(facts, seed, estate, work, standing, weather, days, tuple(harms.values()), WORLDS[world])


def weather_of(
    facts: Mapping[str, Any], seed: int, places: Mapping[str, tuple[float, float]], seasons: Sequence[int]
) -> tuple[dict[tuple[str, int], pd.DataFrame], dict[tuple[str, int], pd.DataFrame]]:
    """The weather of each district and season, and of the winter before it."""
    here = [(district, season) for district in sorted(places) for season in seasons]
    climate = facts["climate"]
    summers = {(d, s): season_weather(climate, d, s, places[d][1], seed) for d, s in here}
    return summers, {(d, s): winter_weather(climate, d, s, seed) for d, s in here}


def _numbers(work: pd.DataFrame, estate: Estate) -> np.ndarray:
    number = {field_id: i for i, field_id in enumerate(estate.fields["field_id"])}
    return np.asarray(work["field_id"].map(number))
