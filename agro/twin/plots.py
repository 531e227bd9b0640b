"""What stands on a set of pixels and what is done to it: soil, crop and care, as arrays over pixels end to end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Traits:
    """What the worlds know of a crop, each an array over pixels, or of one value where all have one crop.

    Units and sources stand in configs/twin.toml.
    """

    base_c: np.ndarray
    emergence_cd: np.ndarray
    lue_g_mj: np.ndarray
    lowest_c: np.ndarray
    best_c: np.ndarray
    highest_c: np.ndarray
    sla_m2_g: np.ndarray
    leaf_share: np.ndarray
    leaf_fall: np.ndarray
    start_lai: np.ndarray
    senescence_cd: np.ndarray
    senescence_rate_cd: np.ndarray
    flowering_cd: np.ndarray
    ripe_cd: np.ndarray
    grain_rate: np.ndarray
    harvest_index: np.ndarray
    heat_c: np.ndarray
    extinction: np.ndarray
    nitrogen_a_pct: np.ndarray
    nitrogen_b: np.ndarray
    fixed_share: np.ndarray
    dry_share: np.ndarray
    shedding: np.ndarray
    bloom: np.ndarray
    reaped: np.ndarray
    weeds: np.ndarray
    potential_t_ha: np.ndarray
    lai_max: np.ndarray
    ky_leaf: np.ndarray
    ky_flower: np.ndarray
    ky_fill: np.ndarray
    n_need_kg_t: np.ndarray


def traits(crops: Mapping[str, Mapping[str, float]], codes: Sequence[str], crop: np.ndarray) -> Traits:
    """The traits of each pixel's crop; `crop` counts in `codes`. A crop inherits what it does not say itself."""
    named = [_inherited(crops, code) for code in codes]
    return Traits(*(np.array([values[one.name] for values in named], "float64")[crop] for one in fields(Traits)))


def _inherited(crops: Mapping[str, Mapping[str, Any]], code: str) -> dict[str, Any]:
    own = crops.get(code, {"like": "spring_wheat"})  # a crop that nobody described grows as wheat does
    return {**(_inherited(crops, own["like"]) if "like" in own else {}), **own}


@dataclass(frozen=True)
class Plots:
    """Pixels of any number of fields, districts and seasons: arrays over pixels.

    place          the column of the weather that falls on a pixel
    capacity_mm    [mm] of water in the root zone; mineral_kg_ha [kg/ha] of nitrogen that a normal season sets free
    stand          [1] density; brightness [1] of bare soil
    sown           [d] from 1 April, of sowing; below 0: it stands since last year
    reaped_after   [d] at the earliest, of harvest
    n_kg_ha        [kg/ha] of fertiliser at sowing; nitrate_kg_ha [kg/ha] in the root zone before it
    water          [1] of the root zone on 1 April; straw_lai [m2/m2] of last year's remains
    tilled         whether sowing buries the remains
    lateness       [1] more warmth than usual that the variety needs; vigour [1] of growth, by variety and care
    unseen         [1] of the yield, by what no leaf shows
    woody          [1] of the ground below trees
    cuts           (cut, pixel) [d] of mowing, or of tillage of fallow; -1: none
    """

    traits: Traits
    place: np.ndarray
    capacity_mm: np.ndarray
    mineral_kg_ha: np.ndarray
    stand: np.ndarray
    brightness: np.ndarray
    sown: np.ndarray
    reaped_after: np.ndarray
    n_kg_ha: np.ndarray
    nitrate_kg_ha: np.ndarray
    water: np.ndarray
    straw_lai: np.ndarray
    tilled: np.ndarray
    lateness: np.ndarray
    vigour: np.ndarray
    unseen: np.ndarray
    woody: np.ndarray
    cuts: np.ndarray


def picked(plots: Plots, some: np.ndarray) -> Plots:
    """Some of the pixels; `some` is a mask, or their numbers."""
    own = {one.name: getattr(plots, one.name)[..., some] for one in fields(Plots) if one.name != "traits"}
    of_crop = vars(plots.traits).values()
    return Plots(traits=Traits(*(value if len(value) == 1 else value[some] for value in of_crop)), **own)
