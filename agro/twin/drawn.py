"""One district's season, drawn: the crops grow on every 10 m pixel, and each pass becomes images and truth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from agro.twin.care import plots
from agro.twin.chance import chance
from agro.twin.events import with_events
from agro.twin.growth import State
from agro.twin.harm import Harm, hurting
from agro.twin.land import Ground
from agro.twin.light import Cover, blurred, to_20_m, with_errors
from agro.twin.looks import cover_of
from agro.twin.passes import Orbit, passes_of
from agro.twin.past import Past
from agro.twin.plots import Plots
from agro.twin.sky import Sky, scene_classes, sky, sun_angles, through
from agro.twin.weather import Weather, stacked
from agro.twin.worlds import World

_AROUND = {  # idle grass between the fields. assumption
    **{"crop": "idle_grass", "sown": -1, "reaped_after": 0, "n_kg_ha": 0.0, "nitrate_kg_ha": 40.0, "water": 0.85},
    **{"straw_lai": 0.6, "tilled": False, "lateness": 1.0, "vigour": 1.0, "progress": 1.0, "luck": 0.0, "woody": 0.0},
    "cuts": (),
}


@dataclass(frozen=True)
class Look:
    """One pass over one place: its item's id, ground, time (UTC), orbit, zenith and azimuth of the sun [deg], sky."""

    name: str
    place: Ground
    when: datetime
    orbit: Orbit
    sun: tuple[float, float]
    above: Sky


@dataclass(frozen=True)
class Crops:
    """The pixels of one crop: their numbers on the map laid end to end, what stands there, what goes wrong."""

    index: np.ndarray
    plots: Plots
    harms: tuple[Harm, ...]


@dataclass(frozen=True)
class Season:
    """One district's season: its ground, crops by crop, the land around the fields, the weather, the harms by field."""

    place: Ground
    season: int
    crops: tuple[Crops, ...]
    around: Plots
    weather: Weather
    harms: Mapping[str, tuple[Harm, np.ndarray]]
    world: World


def season_of(place: Ground, work: pd.DataFrame, days: pd.DataFrame, was: Past) -> Season:
    """What happens on a district's fields in one season; `work` are its rows in the order of the fields."""
    facts, seed = was.facts, was.seed
    season, flat = int(work["season"].iloc[0]), place.field.ravel()
    crops: list[Crops] = []
    harms: dict[str, tuple[Harm, np.ndarray]] = {}
    for _, mine in work.reset_index(drop=True).groupby("crop"):
        row_of = np.full(len(work) + 1, -1)
        row_of[mine.index + 1] = np.arange(len(mine))
        index = np.flatnonzero(row_of[flat] >= 0)
        standing = plots(mine, row_of[flat[index]], place.soil.at(index), facts)
        pixels = [np.flatnonzero(row_of[flat[index]] == row) for row in range(len(mine))]
        standing, here = with_events(standing, mine, pixels, *place.x_y_m(index), facts, seed)
        harms |= {name.rsplit("/", 1)[0]: (harm, index[harm.pixels]) for name, harm in here.items()}
        crops.append(Crops(index, standing, tuple(here.values())))
    one = pd.DataFrame([{**_AROUND, "season": season, "district": place.district}])
    middle = np.array([place.field.size // 2])
    around = plots(one, np.zeros(1, int), place.soil.at(middle), facts)
    return Season(place, season, tuple(crops), around, stacked([days]), harms, was.world)


def evenings(season: Season) -> Iterator[tuple[tuple[State, ...], State]]:
    """Every evening of each crop, and of the land around."""
    world = season.world
    lives = [world.live(one.plots, season.weather, hurting(one.harms)) for one in season.crops]
    for *states, around in zip(*lives, world.live(season.around, season.weather), strict=True):
        yield tuple(states), around


def on_map(season: Season, values: tuple[np.ndarray, ...], around: float | np.ndarray) -> np.ndarray:
    """Arrays over the pixels of each crop as one map (y, x)."""
    whole = np.empty(season.place.field.size)
    whole[:] = np.ravel(around)
    for one, own in zip(season.crops, values, strict=True):
        whole[one.index] = own
    return whole.reshape(season.place.field.shape)


def looks_of(season: Season, facts: Mapping[str, Any], seed: int) -> dict[int, Look]:
    """The passes over a season, by day from 1 April."""
    place, found = season.place, {}
    for when, orbit in passes_of(season.season):
        name = f"TWIN_{place.district.upper()}_{when:%Y%m%d}_R{orbit.number:03d}_L2A"
        sun = sun_angles(when, *place.middle)
        above = sky(place.grid.shape, facts["sky"], sun, chance(seed, name, "sky"))
        found[(when.date() - season.weather.days[0].date()).days] = Look(name, place, when, orbit, sun, above)
    return found


def below(season: Season, states: tuple[State, ...], around: State) -> Cover:
    """What lies below the sky on an evening, as maps (y, x)."""
    covers = [vars(cover_of(state, one.plots)) for state, one in zip(states, season.crops, strict=True)]
    outside = vars(cover_of(around, season.around)) | {"brightness": season.place.soil.brightness}
    return Cover(**{part: on_map(season, tuple(cover[part] for cover in covers), outside[part]) for part in outside})


def seen(look: Look, ground: Cover, was: Past) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The bands on 10 m as the product shows them, and the scene classes on 20 m."""
    random = chance(was.seed, look.name)
    light = {band: blurred(pixels) for band, pixels in was.world.mixed(ground, look.sun[0]).items()}
    measured = through(with_errors(light, look.orbit.sign, random), look.above.opacity, look.above.shade)
    return measured, scene_classes(measured, look.above, was.facts["sky"], random)


def harvest(season: Season, states: tuple[State, ...]) -> np.ndarray:
    """The map (y, x) of the yield [t/ha] on the last evening; NaN around the fields."""
    yields = tuple(season.world.yield_t_ha(state, one.plots) for state, one in zip(states, season.crops, strict=True))
    return on_map(season, yields, np.nan)


def truth_of_look(look: Look, ground: Cover) -> dict[str, np.ndarray]:
    """What the pass would have found, on 20 m: leaf area, wetness of the surface, and what hid it."""
    return {
        f"lai_{look.when:%Y%m%d}": to_20_m(ground.lai),
        f"wetness_{look.when:%Y%m%d}": to_20_m(ground.wetness),
        f"cloud_{look.when:%Y%m%d}": to_20_m(np.maximum(look.above.opacity, look.above.shade)),
    }
