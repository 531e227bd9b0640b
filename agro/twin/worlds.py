"""The two worlds: what is good in one only is tuned to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from agro.twin import growth, light, second_growth, second_light
from agro.twin.growth import Day, Event, State, day_of
from agro.twin.light import Cover
from agro.twin.plots import Plots
from agro.twin.weather import Weather


@dataclass(frozen=True)
class World:
    """How crops grow from day to day, what is harvested, and what light comes back."""

    first_evening: Callable[[Plots], State]
    step: Callable[[State, Plots, Day], State]
    yield_t_ha: Callable[[State, Plots], np.ndarray]
    mixed: Callable[[Cover, float], dict[str, np.ndarray]]

    def live(self, plots: Plots, weather: Weather, event: Event = lambda state: state) -> Iterator[State]:
        """The evening of every day of the season."""
        yield from self.go_on(self.first_evening(plots), plots, weather, event)

    def go_on(
        self, state: State, plots: Plots, weather: Weather, event: Event = lambda state: state
    ) -> Iterator[State]:
        """The evenings after that of `state`."""
        for number in range(state.day + 1, len(weather.days)):
            state = event(self.step(state, plots, day_of(weather, number, plots.place)))
            yield state


WORLDS = {
    "first": World(growth.first_evening, growth.step, growth.yield_t_ha, light.mixed),
    "second": World(second_growth.first_evening, second_growth.step, second_growth.yield_t_ha, second_light.mixed),
}
