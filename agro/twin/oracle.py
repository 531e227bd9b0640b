"""What somebody would expect who knows the true state of every field today, but not the weather to come."""

from collections import deque
from dataclasses import replace

import numpy as np
import pandas as pd

from agro.twin.chance import chance
from agro.twin.growth import State
from agro.twin.past import Past
from agro.twin.plots import Plots, picked
from agro.twin.weather import Weather, drawn_weather
from agro.twin.worlds import World

_THIN = 5  # every so many pixels carry all draws; a few draws on all pixels mend the difference
_FEW = 4  # [1] draws that all pixels carry


def oracle(was: Past, on: str, draws: int = 40) -> pd.DataFrame:
    """The expected harvest of every field and season as of the evening of a month-day: `on` like "07-01".

    Returns field_id, season, expected_t_ha and sd_t_ha of it over so many draws of the weather to come, which is drawn
    from the climate, not from what came. What no leaf shows (see `unseen`) is unknown to it, too.
    """
    number = (pd.Timestamp(f"2021-{on}") - pd.Timestamp("2021-04-01")).days
    state = next(state for state in was.evenings() if state.day == number)
    rules = was.facts["care"]
    luck = sum(rules[f"unseen_{of}_sd"] ** 2 for of in ("year", "district", "field")) / 2
    pixels = len(was.plots.sown) // len(was.work)
    known = replace(was.plots, unseen=np.repeat(was.work["progress"].to_numpy() * np.exp(luck), pixels))
    latitude = float(np.mean([place[1] for place in was.estate.places.values()]))
    to_come = drawn_weather(was.facts["climate"], 2021, latitude, draws, chance(was.seed, "oracle", on))
    some = np.tile(np.arange(pixels) % _THIN == 0, len(was.work))
    thin = (
        _harvests(was.world, state_of(state, some), picked(known, some), to_come)
        .reshape(draws, len(was.work), -1)
        .mean(axis=2)
    )
    few = _first(to_come, _FEW)
    whole = _harvests(was.world, state, known, few).reshape(_FEW, len(was.work), -1).mean(axis=2)
    expected = thin.mean(axis=0) + (whole - thin[:_FEW]).mean(axis=0)
    return was.work[["field_id", "season"]].assign(expected_t_ha=expected, sd_t_ha=thin.std(axis=0))


def state_of(state: State, some: np.ndarray) -> State:
    """The state of some of the pixels."""
    arrays = {name: value[some] for name, value in vars(state).items() if isinstance(value, np.ndarray)}
    return replace(state, **arrays)


def _harvests(world: World, state: State, plots: Plots, weather: Weather) -> np.ndarray:
    """(draw, pixel) [t/ha] at the end of each season that could come."""
    last = deque(world.go_on(state, plots, weather), maxlen=1)
    return world.yield_t_ha(last[0] if last else state, plots)


def _first(weather: Weather, draws: int) -> Weather:
    arrays = {name: value[:, :draws] for name, value in vars(weather).items() if isinstance(value, np.ndarray)}
    return replace(weather, **arrays)
