"""How the true yield answers to nitrogen, and the dose that pays best: what doses are judged by."""

from dataclasses import replace

import numpy as np

from agro.twin.chance import chance
from agro.twin.past import Past
from agro.twin.weather import Weather, drawn_weather

RATES_KG_HA = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 130.0, 160.0)


def response(was: Past, rates_kg_ha: tuple[float, ...] = RATES_KG_HA, draws: int = 0) -> np.ndarray:
    """The yield (rate, row of `was.work`, pixel) [t/ha] had the field got so much nitrogen at sowing.

    In the season that came; with `draws`, the mean over so many seasons that could have come, as a farmer must decide.
    """
    weather = _drawn(was, draws) if draws else was.weather
    return np.stack([_harvest(was, np.full(was.plots.n_kg_ha.shape, rate), weather) for rate in rates_kg_ha])


def _harvest(was: Past, n_kg_ha: np.ndarray, weather: Weather) -> np.ndarray:
    plots = replace(was.plots, n_kg_ha=n_kg_ha)
    harms = was.harms if weather is was.weather else ()  # nobody foresees hail
    yields = was.world.yield_t_ha(replace(was, plots=plots, weather=weather, harms=harms).last_evening(), plots)
    return was.by_field(yields.mean(axis=0) if yields.ndim > 1 else yields)


def _drawn(was: Past, draws: int) -> Weather:
    latitude = float(np.mean([place[1] for place in was.estate.places.values()]))
    return drawn_weather(was.facts["climate"], 2021, latitude, draws, chance(was.seed, "sowing"))


def best_rate(
    yields_t_ha: np.ndarray, rates_kg_ha: tuple[float, ...], crop_rub_t: float, n_rub_kg: float
) -> tuple[np.ndarray, np.ndarray]:
    """The economic optimum [kg/ha] and the gain over no nitrogen there [RUB/ha], of responses (rate, ...).

    Between the rates the response is the parabola through the best rate and its neighbours.
    """
    rates = np.asarray(rates_kg_ha)
    profit = crop_rub_t * yields_t_ha - n_rub_kg * rates.reshape(-1, *(1,) * (yields_t_ha.ndim - 1))
    middle = np.clip(profit.argmax(axis=0), 1, len(rates) - 2)
    low, mid, high = (np.take_along_axis(profit, middle[None] + step, axis=0)[0] for step in (-1, 0, 1))
    left, right = rates[middle] - rates[middle - 1], rates[middle + 1] - rates[middle]
    slopes = (mid - low) / left, (high - mid) / right
    bend = (slopes[1] - slopes[0]) / (left + right)
    slope = slopes[0] + bend * left
    step = np.where(bend < 0, -slope / np.minimum(2 * bend, -1e-9), np.sign(slope) * np.maximum(left, right))
    step = np.clip(step, -left, right)
    return rates[middle] + step, mid + slope * step + bend * step**2 - profit[0]


def worth_of_varying(
    yields_t_ha: np.ndarray, rates_kg_ha: tuple[float, ...], crop_rub_t: float, n_rub_kg: float
) -> np.ndarray:
    """What every pixel's own best rate earns above one best rate for the field [RUB/ha]; of (rate, row, pixel)."""
    own = best_rate(yields_t_ha, rates_kg_ha, crop_rub_t, n_rub_kg)[1].mean(axis=-1)
    return np.asarray(own - best_rate(yields_t_ha.mean(axis=-1), rates_kg_ha, crop_rub_t, n_rub_kg)[1])
