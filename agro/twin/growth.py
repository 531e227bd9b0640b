"""The first world: leaves that live on light, warmth, water and nitrogen, pixel by pixel and day by day.

Source: SAFY (Duchemin et al. 2008, 10.1016/j.envsoft.2007.10.003) over a bucket of two layers, with a nitrogen supply
held against a critical dilution curve (form: Justes et al. 1994). What joins them is ours: an assumption.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from agro.twin.plots import Plots
from agro.twin.weather import Weather

_SURFACE_MM = 22.0  # [mm] what the upper 10 cm can hold between air-dry and full. assumption
_STRESS_BELOW = 0.38  # [1] of the root zone's water: growth falls below it. assumption after FAO-56's p of 0.55 to 0.65
_LIGHT_SHARE = 0.48  # [1] of radiation that plants can use. source: Duchemin 2008
_TAKEN_UP = 0.06  # [1/d] of the soil's mineral nitrogen within reach of grown roots. assumption
_LUXURY = 1.25  # [1] times the critical content: more nitrogen than this a plant does not take. assumption
LAST_REAPED = 194  # [d] from 1 April: by then all is off the field. assumption


@dataclass(frozen=True)
class State:
    """One evening, arrays over pixels (or draw, pixel).

    lai, dead_lai [m2/m2]; wetness of the surface [1]; root_water [1]; matter_g_m2 above ground and grain_g_m2 [g/m2];
    warmth_cd [degC d] since emergence; taken_kg_ha, mineral_kg_ha [kg/ha] of nitrogen in plant and soil; nni [1] of
    the critical content; lodged, lost [1] of the yield; reaped: whether it is off the field; hay_g_m2 [g/m2] mown
    """

    day: int
    lai: np.ndarray
    dead_lai: np.ndarray
    wetness: np.ndarray
    root_water: np.ndarray
    matter_g_m2: np.ndarray
    grain_g_m2: np.ndarray
    hay_g_m2: np.ndarray
    warmth_cd: np.ndarray
    taken_kg_ha: np.ndarray
    mineral_kg_ha: np.ndarray
    nni: np.ndarray
    lodged: np.ndarray
    lost: np.ndarray
    reaped: np.ndarray
    reaped_on: np.ndarray


@dataclass(frozen=True)
class Day:
    """The weather of one day on the pixels: arrays that broadcast against them."""

    number: int
    tmean_c: np.ndarray
    tmax_c: np.ndarray
    rain_mm: np.ndarray
    radiation_mj_m2: np.ndarray
    et0_mm: np.ndarray


Event = Callable[[State], State]  # what befalls the pixels on an evening, for instance hail


def day_of(weather: Weather, number: int, place: np.ndarray) -> Day:
    """One day of the weather on each pixel."""
    names = ("tmean_c", "tmax_c", "rain_mm", "radiation_mj_m2", "et0_mm")
    return Day(number, *(_on_pixels(getattr(weather, name)[number], place) for name in names))


def _on_pixels(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    return values if values.shape[-1] == 1 else values[..., place]


def first_evening(plots: Plots) -> State:
    """The state before 1 April."""
    t = plots.traits
    nothing = np.zeros(plots.sown.shape)
    stands = plots.sown < 0
    lai = np.where(stands, t.start_lai * plots.stand, 0.0)
    return State(
        *(-1, lai, plots.straw_lai, nothing + 0.75, plots.water, np.where(stands, lai / t.sla_m2_g, 0.0)),
        *(nothing, nothing, np.where(stands, 1.0, -t.emergence_cd)),
        *(lai / t.sla_m2_g * t.nitrogen_a_pct / 10, plots.nitrate_kg_ha, nothing + 1, nothing, nothing),
        *(nothing > 0, nothing + LAST_REAPED),
    )


def step(before: State, plots: Plots, day: Day) -> State:
    """One day of the first world."""
    t = plots.traits
    standing = (day.number >= plots.sown) & ~before.reaped
    warmth = before.warmth_cd + np.where(standing, np.maximum(day.tmean_c - t.base_c, 0) / plots.lateness, 0.0)
    out = standing & (warmth > 0)
    fresh = out & (before.matter_g_m2 == 0)
    lai = np.where(fresh, t.start_lai * plots.stand, before.lai)
    water = 0.2 + 0.8 * np.clip(before.root_water / _STRESS_BELOW, 0, 1)  # deep roots find some always
    fed = 1 - 0.7 * np.clip(1 - before.nni, 0, 1)
    light = _LIGHT_SHARE * day.radiation_mj_m2 * (1 - np.exp(-t.extinction * lai))
    made = np.where(out, t.lue_g_mj * plots.vigour * light * warm(day.tmean_c, plots) * water * fed, 0.0)
    matter = before.matter_g_m2 + made
    share = np.clip(1 - t.leaf_share * np.exp(t.leaf_fall * np.maximum(warmth, 0)), 0, 1)
    dying = lai * np.maximum(warmth - t.senescence_cd, 0) / t.senescence_rate_cd * (2 - fed)
    lai = np.where(out, np.clip(lai + made * share * t.sla_m2_g * (0.4 + 0.6 * fed) - dying, 0, 8), lai)
    dead = np.where(out, before.dead_lai + dying, before.dead_lai)
    filling = out & (warmth > t.flowering_cd) & (warmth < t.ripe_cd)
    heat = np.clip(1 - 0.06 * np.maximum(day.tmax_c - t.heat_c, 0), 0.3, 1)
    rate = t.grain_rate * np.maximum(day.tmean_c, 0) / 18.0 * (0.6 + 0.4 * water) * heat
    grain = np.where(
        filling, np.minimum(before.grain_g_m2 + rate * matter, t.harvest_index * matter), before.grain_g_m2
    )
    lodging = np.where(filling & (day.rain_mm > 7), 0.25 * np.maximum(before.nni - 1, 0) * matter / 800, 0.0)
    ripe = out & (warmth > t.ripe_cd) & (t.reaped > 0)
    waiting = np.where(ripe, t.shedding * (1 + 2 * (day.rain_mm > 2)), 0.0)
    taken, mineral, nni = _nitrogen(before, plots, day, matter, out)
    wetness, root = _water(before.wetness, before.root_water, lai, plots.capacity_mm, day.rain_mm, day.et0_mm)
    grown = replace(
        before, day=day.number, lai=lai, dead_lai=dead, wetness=wetness, root_water=root, matter_g_m2=matter,
        grain_g_m2=grain, warmth_cd=warmth, taken_kg_ha=taken, mineral_kg_ha=mineral, nni=nni,
        lodged=np.minimum(before.lodged + lodging, 0.6), lost=np.minimum(before.lost + waiting, 0.35),
    )  # fmt: skip
    return settled(grown, plots, day, ripe)


def yield_t_ha(state: State, plots: Plots) -> np.ndarray:
    """What is or would be harvested, at the moisture at which it is bought; hay where it was mown."""
    grain = np.minimum(state.grain_g_m2, plots.traits.harvest_index * state.matter_g_m2)
    kept = (1 - 0.5 * state.lodged) * (1 - state.lost) * plots.unseen
    return np.asarray((grain * kept + state.hay_g_m2) / 100 / plots.traits.dry_share)


def warm(mean_c: np.ndarray, plots: Plots) -> np.ndarray:
    """How well plants grow at a day's mean temperature [1]."""
    t = plots.traits
    reach = np.where(mean_c < t.best_c, t.best_c - t.lowest_c, t.highest_c - t.best_c)
    return np.asarray(np.clip(1 - ((t.best_c - mean_c) / reach) ** 2, 0, 1))


def _nitrogen(
    before: State, plots: Plots, day: Day, matter: np.ndarray, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nitrogen in the plant and in the soil [kg/ha], and the plant's as a share of what it needs to grow freely."""
    t = plots.traits
    freed = plots.mineral_kg_ha / 150 * np.clip(day.tmean_c / 14, 0, 1.6) * np.clip(1.5 * before.root_water, 0.2, 1)
    washed = 0.02 * np.clip(day.rain_mm - 15, 0, 40) / 15
    mineral = (before.mineral_kg_ha + freed) * (1 - washed)
    mineral = mineral + np.where(day.number == np.maximum(plots.sown, 25), 0.8 * plots.n_kg_ha, 0.0)
    needed = t.nitrogen_a_pct / 10 * matter * np.maximum(matter / 100, 1.0) ** -t.nitrogen_b  # [kg/ha], critical
    wanted = np.where(out, np.maximum(_LUXURY * needed - before.taken_kg_ha, 0), 0.0)
    within_reach = np.clip(before.warmth_cd / 350, 0.05, 1) * np.clip(2 * before.root_water, 0.1, 1)
    from_soil = np.minimum(wanted * (1 - t.fixed_share), _TAKEN_UP * within_reach * mineral)
    taken = before.taken_kg_ha + from_soil + wanted * t.fixed_share
    nni = np.where(matter > 1, np.minimum(taken / np.maximum(needed, 1e-6), 1.4), 1.0)
    return taken, mineral - from_soil, nni


def settled(state: State, plots: Plots, day: Day, ripe: np.ndarray) -> State:
    """The evening after what people did that day: harvest, tillage, mowing."""
    return _cut(_worked(_reaped(state, plots, day, ripe), plots, day), plots, day)


def _reaped(state: State, plots: Plots, day: Day, ripe: np.ndarray) -> State:
    """Ripe fields are harvested on dry days, when the combine comes, and at the latest before the snow."""
    dry = (day.rain_mm < 1) & (day.number >= plots.reaped_after)
    now = (ripe & dry) | (~state.reaped & (plots.traits.reaped > 0) & (day.number >= LAST_REAPED))
    if not now.any():
        return state
    return replace(
        state,
        lai=np.where(now, 0.0, state.lai),
        dead_lai=np.where(now, 0.45, state.dead_lai),
        reaped=state.reaped | now,
        reaped_on=np.where(now, day.number, state.reaped_on),
    )


def _worked(state: State, plots: Plots, day: Day) -> State:
    """Sowing buries last year's straw where the soil is tilled; some weeks after harvest the stubble is ploughed."""
    now = plots.tilled & ((day.number == plots.sown) | (day.number == state.reaped_on + 18))
    return replace(state, dead_lai=np.where(now, 0.08, state.dead_lai)) if now.any() else state


def _cut(state: State, plots: Plots, day: Day) -> State:
    """Mowing takes what stands above the stubble; tillage of a fallow buries it."""
    now = (plots.cuts == day.number).any(axis=0)
    if not now.any():
        return state
    t = plots.traits
    bare = t.weeds > 0
    left = np.where(bare, 0.0, np.minimum(60.0, state.matter_g_m2))
    return replace(
        state,
        hay_g_m2=np.where(now & ~bare, state.hay_g_m2 + 0.85 * (state.matter_g_m2 - left), state.hay_g_m2),
        matter_g_m2=np.where(now, left, state.matter_g_m2),
        lai=np.where(now, np.where(bare, 0.0, np.minimum(0.5, state.lai)), state.lai),
        dead_lai=np.where(now, np.where(bare, 0.05, 0.3), state.dead_lai),
        warmth_cd=np.where(now, np.where(bare, -t.emergence_cd, 1.0), state.warmth_cd),
        taken_kg_ha=np.where(now, left * t.nitrogen_a_pct / 10, state.taken_kg_ha),
    )


def _water(
    surface: np.ndarray,
    root: np.ndarray,
    lai: np.ndarray,
    capacity_mm: np.ndarray,
    rain_mm: np.ndarray,
    et0_mm: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Both layers in the evening, as shares of what they hold; what does not fit runs off or drains."""
    cover = 1 - np.exp(-0.6 * lai)
    evaporated = np.minimum(et0_mm * (1 - cover) * np.clip(1.6 * surface, 0, 1), surface * _SURFACE_MM)
    wet = surface * _SURFACE_MM - evaporated + rain_mm
    below = np.clip(wet - _SURFACE_MM, 0, None) + 0.04 * np.clip(wet, 0, _SURFACE_MM)
    wet = np.clip(wet - below, 0, _SURFACE_MM)
    transpired = np.minimum(1.05 * et0_mm * cover * np.clip(root / _STRESS_BELOW, 0, 1), root * capacity_mm)
    held = np.clip(root * capacity_mm - transpired + below, 0, capacity_mm)
    return wet / _SURFACE_MM, held / capacity_mm
