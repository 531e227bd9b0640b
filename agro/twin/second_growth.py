"""The second world: a canopy that follows the sum of warmth, and a yield that stress takes away stage by stage.

No leaf and no grain grows from light here: leaf area is a logistic curve of thermal time towards what water and
nitrogen allow, and the yield is the crop's potential, less what each stage's want of water costs (form: Doorenbos and
Kassam 1979, FAO Irrigation and Drainage Paper 33), times Mitscherlich's answer to nitrogen. One bucket of water,
wetness of the surface from the rain of the last days. What joins them is ours: an assumption.
"""

from dataclasses import replace

import numpy as np

from agro.twin.growth import LAST_REAPED, Day, State, settled, warm
from agro.twin.plots import Plots

_SUPPORT = 0.6  # [1] of the root zone's water: transpiration falls below it. assumption after FAO-56's p
_FADE = 0.80  # [1/d] of the surface's wetness that is left the next day. assumption
_FULL_MM = 14.0  # [mm] of rain that wets the surface through. assumption
_ANSWER = 2.7  # [1] Mitscherlich's constant, at the nitrogen that the potential needs. assumption
_FLOWERS_FROM, _FLOWERS_TO = 0.75, 1.2  # [1] of the warmth to flowering: the sensitive stage. assumption
_COLD_C = 10.0  # [degC] in autumn leaves yellow below it. assumption
_AUTUMN = 140  # [d] from 1 April. assumption
_USUAL_MJ = 18.0  # [MJ/m2/d] light of the sensitive stage. assumption


def first_evening(plots: Plots) -> State:
    """The state before 1 April."""
    t = plots.traits
    nothing = np.zeros(plots.sown.shape)
    stands = plots.sown < 0
    lai = np.where(stands, t.start_lai * plots.stand, 0.0)
    hope = t.potential_t_ha * 100 * t.dry_share * plots.stand**0.5 * plots.vigour
    return State(
        *(-1, lai, plots.straw_lai, nothing + 0.8, plots.water, 40 * lai, hope, nothing),
        *(np.where(stands, 1.0, -t.emergence_cd), 0.7 * plots.nitrate_kg_ha, nothing, nothing + 1),
        *(nothing, nothing, nothing > 0, nothing + LAST_REAPED),
    )


def step(before: State, plots: Plots, day: Day) -> State:
    """One day of the second world."""
    t = plots.traits
    standing = (day.number >= plots.sown) & ~before.reaped
    gained = np.where(standing, np.maximum(day.tmean_c - t.base_c, 0) / plots.lateness, 0.0)
    warmth = before.warmth_cd + gained
    out = standing & (warmth > 0)
    moist = np.clip(before.root_water / _SUPPORT, 0, 1)
    lai, fallen = _leaves(before, plots, day, warmth, np.where(out, gained, 0.0), moist)
    grain = np.where(out, before.grain_g_m2 * _kept(plots, day, warmth, gained, moist, lai), before.grain_g_m2)
    light = day.radiation_mj_m2 * (1 - np.exp(-0.55 * lai))
    matter = before.matter_g_m2 + np.where(out, 0.3 * light * moist * warm(day.tmean_c, plots), 0.0)
    ripe = out & (warmth > t.ripe_cd) & (t.reaped > 0)
    waiting = np.where(ripe, t.shedding * (1 + 2 * (day.rain_mm > 2)), 0.0)
    supply = before.taken_kg_ha + _nitrogen(before, plots, day)
    wetness, root = _water(before, plots, day, lai)
    grown = replace(
        before, day=day.number, lai=lai, dead_lai=before.dead_lai + fallen, wetness=wetness, root_water=root,
        matter_g_m2=matter, grain_g_m2=grain, warmth_cd=warmth, taken_kg_ha=supply,
        nni=np.clip(0.35 + 0.75 * _answer(supply, plots), 0.3, 1.1), lost=np.minimum(before.lost + waiting, 0.35),
    )  # fmt: skip
    return settled(grown, plots, day, ripe)


def yield_t_ha(state: State, plots: Plots) -> np.ndarray:
    """What is harvested, at the moisture at which it is bought; hay where it was mown."""
    t = plots.traits
    plenty = np.maximum(state.taken_kg_ha / _needed(plots) - 1.05, 0)  # too much nitrogen: it lodges
    grain = state.grain_g_m2 * _answer(state.taken_kg_ha, plots) * np.clip(1 - 0.35 * plenty, 0.5, 1)
    grown = np.where(t.reaped > 0, grain * (1 - state.lost) * plots.unseen, 0.0)
    return np.asarray((grown + state.hay_g_m2) / 100 / t.dry_share)


def _leaves(
    before: State, plots: Plots, day: Day, warmth: np.ndarray, gained: np.ndarray, moist: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Leaf area, and what of it died today: logistic to flowering, then ever faster down; autumn takes its part."""
    t = plots.traits
    fed = 0.4 + 0.6 * np.clip(_answer(before.taken_kg_ha, plots), 0, 1)
    cap = np.maximum(t.lai_max * plots.stand * plots.vigour * fed, 0.1)
    lai = np.where((before.lai == 0) & (gained > 0) & (warmth < t.flowering_cd), t.start_lai * plots.stand, before.lai)
    speed = np.log(9 * (t.lai_max / 0.06 - 1)) / np.minimum(t.flowering_cd, 700)
    grows = warmth < t.senescence_cd
    more = np.where(grows, speed * lai * np.clip(1 - lai / cap, -0.5, 1) * gained * (0.25 + 0.75 * moist), 0.0)
    age = np.clip((warmth - t.senescence_cd) / np.maximum(t.ripe_cd - t.senescence_cd, 100), 0, 1.5)
    less = np.where(grows, 0.0, lai * np.clip(gained / 550 * (0.6 + 4 * age**2 + 1.5 * (1 - moist)), 0, 1))
    if day.number > _AUTUMN:
        less = less + 0.08 * lai * np.clip(1 - day.tmean_c / _COLD_C, 0, 1)
    return np.maximum(lai + more - less, 0), less + np.maximum(-more, 0)


def _kept(
    plots: Plots, day: Day, warmth: np.ndarray, gained: np.ndarray, moist: np.ndarray, lai: np.ndarray
) -> np.ndarray:
    """What share of the yield hoped for this morning can still be hoped for in the evening."""
    t = plots.traits
    stage = warmth / t.flowering_cd
    early, late = stage < _FLOWERS_FROM, stage > _FLOWERS_TO
    fill = np.maximum(t.ripe_cd - _FLOWERS_TO * t.flowering_cd, 100)
    length = np.where(late, fill, np.where(early, _FLOWERS_FROM, _FLOWERS_TO - _FLOWERS_FROM) * t.flowering_cd)
    cost = np.where(early, t.ky_leaf, np.where(late, t.ky_fill, t.ky_flower)) * (1 - moist)
    dim = np.where(early | late, 0.0, 0.30 * (1 - day.radiation_mj_m2 / _USUAL_MJ))
    hot = np.where(early, 0.0, 0.05 * np.maximum(day.tmax_c - t.heat_c, 0))
    bare = np.where(late, 0.55 * (1 - np.clip((1 - np.exp(-0.5 * lai)) / 0.62, 0, 1)), 0.0)
    share = np.where(warmth < t.ripe_cd, gained / length, 0.0)
    return np.asarray(np.clip(1 - share * (cost + dim + hot + bare), 0.5, 1.1))


def _needed(plots: Plots) -> np.ndarray:
    return np.asarray(plots.traits.n_need_kg_t * plots.traits.potential_t_ha * plots.vigour)


def _answer(supply_kg_ha: np.ndarray, plots: Plots) -> np.ndarray:
    """Mitscherlich: the share of the potential that so much nitrogen allows; crops that fix their own need less."""
    own = plots.traits.fixed_share * _needed(plots)
    share = (supply_kg_ha + 1.3 * own) / _needed(plots)
    return np.asarray((1 - np.exp(-_ANSWER * share)) / (1 - np.exp(-_ANSWER)))


def _nitrogen(before: State, plots: Plots, day: Day) -> np.ndarray:
    """Nitrogen that comes within reach today [kg/ha]: what the soil frees until ripeness, and the fertiliser."""
    active = before.warmth_cd < plots.traits.ripe_cd
    freed = plots.mineral_kg_ha / 120 * np.clip(day.tmean_c / 15, 0, 1.5) * (0.3 + 0.7 * np.clip(before.wetness, 0, 1))
    spread = np.where(day.number == np.maximum(plots.sown, 25), 0.7 * plots.n_kg_ha, 0.0)
    return np.asarray(np.where(active, 0.7 * freed, 0.0) + spread)


def _water(before: State, plots: Plots, day: Day, lai: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface's wetness from the rain of the last days, and one bucket that rain fills and the crop empties."""
    cover = 1 - np.exp(-0.55 * lai)
    came = np.clip(day.rain_mm / _FULL_MM, 0, 1)
    wetness = before.wetness * _FADE + (1 - before.wetness * _FADE) * came
    kept = day.rain_mm - 0.25 * np.clip(day.rain_mm - 18, 0, 200)  # the rest of a downpour runs off
    used = day.et0_mm * (cover * np.clip(before.root_water / _SUPPORT, 0, 1) + 0.35 * (1 - cover) * wetness)
    held = np.clip(before.root_water * plots.capacity_mm + kept - 1.05 * used, 0, plots.capacity_mm)
    return wetness, held / plots.capacity_mm
