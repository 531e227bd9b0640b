"""The soil's water day by day: the dual crop coefficient balance of FAO-56, closed to a millionth of a millimetre.

Under the roots lies the rest of the profile, at least 1 m in all; roots take its water over as they grow, water that
the root zone cannot hold goes down to it, and what it cannot hold drains. The error of each state is the spread of an
ensemble about the undisturbed run. Its draws are the same for every field, so a field's result does not depend on
which fields are computed beside it; errors of two fields are therefore fully correlated, and so are their sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import xarray as xr

from agro.agromaps.crop_water import Canopy, Soil
from agro.agromaps.water_errors import Errors, draws
from agro.domain.errors import BadInput, BalanceOpen, Refusal, Told

Array = np.ndarray

OPEN_MM = 1e-6  # [mm] a day's balance that misses more than this is a fault. source: ours
STATES = {
    "depletion_mm": "water missing in the root zone to field capacity",
    "stress": "stress coefficient Ks: 1 no stress, 0 no transpiration",
    "water_20cm_mm": "plant-available water in 0-20 cm",
    "water_100cm_mm": "plant-available water in 0-100 cm",
    "surface_depletion_mm": "water missing in the layer that evaporates",
}
FLUXES = {
    "evaporation_mm": "evaporation from the soil",
    "transpiration_mm": "transpiration of the crop",
    "runoff_mm": "rain that ran off",
    "drainage_mm": "water that drained below the profile",
}
_WITH_ERROR = ("depletion_mm", "stress", "water_20cm_mm", "water_100cm_mm")
_FIELDS_AT_ONCE = 8192  # [1] fields times members whose arrays stay in the processor's cache
_TOP_M = 0.2  # [m] the layer in which sowing and emergence live: 0-20 cm


@dataclass(frozen=True)
class Sky:
    """The weather: days (day), rain_mm, et0_mm, irrigation_mm (day, field) or (day, 1) for all [mm]; NaN: unknown."""

    days: Array
    rain_mm: Array
    et0_mm: Array
    irrigation_mm: Array | None = None


@dataclass(frozen=True)
class Start:
    """How each field begins, (field) each: day [date], water_mm and water_se_mm plant-available in 0-100 cm [mm].

    surface_depletion_mm [mm] where known; else the surface is as dry as the rest.
    """

    day: Array
    water_mm: Array
    water_se_mm: Array
    surface_depletion_mm: Array | None = None


@dataclass
class _State:
    """Depletions [mm] (member, field) at the end of a day; `root_m` is how deep the roots were."""

    root: Array
    below: Array
    surface: Array
    top: Array
    root_m: Array


@dataclass(frozen=True)
class _Ground:
    """The soil of each member and field, and the factors of what falls and rises (member, 1)."""

    available: Array
    evaporable: Array
    readily: Array
    curve_number: Array | None
    profile_m: Array
    fraction: Array
    start_mm: Array
    kcb_factor: Array


def water_balance(
    sky: Sky, canopy: Canopy, soil: Soil, start: Start, errors: Errors | None = None, dtype: str = "float32"
) -> xr.Dataset:
    """Water in the soil of each field, day by day.

    sky      (day, field) rain and reference evapotranspiration [mm]; NaN stops the field's balance that day
    canopy   (day, field) what the crop asks [1, m]; NaN stops the field's balance that day
    soil     (field) constants [m3/m3, m, mm, 1]
    start    (field) first day and water then [mm]; NaN or no day: the field has no balance
    errors   what is uncertain [1, m3/m3]; None: no errors are computed, and no `_se` comes out
    dtype    of the result; the balance itself is in double precision
    returns  Dataset (day, field) of STATES and FLUXES at the end of each day [mm], stress [1], and `_se` of the
             states in the same unit; NaN before the start, and from the first missing day on; `holds_until` (field)
             [date] is the last day that holds, NaT where none
    raises   BadInput where rain, irrigation or evaporation is negative; BalanceOpen where water is lost or made
    source   Allen 1998, FAO-56, equations 69 to 88; layer under the roots as pyfao56 1.4; errors: ours, an ensemble
    """
    days, fields = canopy.kcb.shape
    names = Told("rain", {}), Told("evaporation", {}), Told("irrigation", {})
    for name, amount in zip(names, _amounts(sky), strict=True):
        if amount is not None and np.nanmin(amount, initial=0.0) < 0:
            raise BadInput(
                "WATER-NEGATIVE",
                "{what} of {met} mm in a day: water cannot be negative",
                "check the weather table",
                what=name,
                met=float(np.nanmin(amount)),
            )
    rain, et0, given = (0.0 if amount is None else amount for amount in _amounts(sky))
    sky = Sky(sky.days, *(np.broadcast_to(amount, (days, fields)) for amount in (rain, et0, given)))
    members = errors.members + 1 if errors else 1
    out = {name: np.full((days, fields), np.nan, dtype) for name in (*STATES, *FLUXES)}
    out |= {f"{name}_se": np.full((days, fields), np.nan, dtype) for name in _WITH_ERROR if errors}
    width = max(_FIELDS_AT_ONCE // members, 16)
    drawn = draws(errors, days)
    for first in range(0, fields, width):
        _run(slice(first, min(first + width, fields)), (sky, canopy, soil, start), drawn, out)
    known = np.isfinite(out["depletion_mm"])
    last = np.where(known.any(axis=0), days - 1 - np.argmax(known[::-1], axis=0), -1)
    until = np.where(last >= 0, _dates(sky.days)[last], np.datetime64("NaT"))
    layers = {name: (("day", "field"), values) for name, values in out.items()}
    return xr.Dataset(layers | {"holds_until": ("field", until)}, coords={"day": _dates(sky.days).astype("M8[ns]")})


def stopped(balance: xr.Dataset, field_ids: Sequence[str], until: date) -> list[Refusal]:
    """The fields whose balance ends before it is needed, each with the day to which it holds.

    balance    (day, field) as `water_balance` gives it [mm]
    field_ids  names in the order of the fields [-]
    until      the day to which water is needed [date]
    returns    one refusal a field [-]; none where all hold
    source     ours: nothing is extrapolated silently
    """
    told = []
    for field_id, last in zip(field_ids, balance["holds_until"].values.astype("datetime64[D]"), strict=True):
        if np.isnat(last):
            fault = BadInput(
                "WATER-NEVER",
                "the soil water balance never begins: its first day or water, the weather or the greenness is missing",
                "give moisture measured in spring, daily weather and clear looks",
            )
        elif last < np.datetime64(until):
            fault = BadInput(
                "WATER-STOPS",
                "the soil water balance holds to {last}: weather or greenness of the next day is missing",
                "fill the days; nothing is computed beyond them",
                last=str(last),
            )
        else:
            continue
        told.append(fault.about(field_id=field_id))
    return told


def _amounts(sky: Sky) -> tuple[Array | None, ...]:
    return sky.rain_mm, sky.et0_mm, sky.irrigation_mm


def _dates(days: Any) -> Array:
    return np.asarray(days).astype("datetime64[D]")


def _ground(soil: Soil, canopy: Canopy, start: Start, drawn: dict[str, Array], part: slice) -> _Ground:
    wilting = np.maximum(soil.wilting_point[part] + drawn["wilting"], 0.0)
    capacity = np.maximum(soil.field_capacity[part] + drawn["capacity"], wilting + 0.02)
    evaporable = 1000 * (capacity - 0.5 * wilting) * soil.evaporation_depth_m[part]
    available = 1000 * (capacity - wilting)
    numbers = soil.curve_number[part]
    return _Ground(
        available=available,
        evaporable=evaporable,
        readily=np.minimum(soil.readily_evaporable_mm[part], 0.9 * evaporable),
        curve_number=numbers if np.isfinite(numbers).any() else None,
        profile_m=canopy.profile_m[part],
        fraction=canopy.depletion_fraction[part],
        start_mm=np.clip(start.water_mm[part] + drawn["start"] * start.water_se_mm[part], 0.0, available),
        kcb_factor=drawn["kcb"],
    )


def _run(part: slice, world: tuple[Sky, Canopy, Soil, Start], drawn: dict[str, Array], out: dict[str, Array]) -> None:
    sky, canopy, soil, start = world
    ground = _ground(soil, canopy, start, drawn, part)
    first = np.searchsorted(_dates(sky.days), _dates(start.day[part]))
    first = np.where(_dates(start.day[part]) < _dates(sky.days)[0], -1, first)
    unknown = np.full(ground.available.shape, np.nan)
    state = _State(unknown, unknown, unknown, unknown, unknown)
    for day in range(len(sky.days)):
        root_m = canopy.root_m[day, part]
        if (first == day).any():
            state = _begun(state, ground, first == day, root_m, start, part)
        rain = sky.rain_mm[day, part] * drawn["rain"][:, day : day + 1]
        et0 = sky.et0_mm[day, part] * drawn["et0"][:, day : day + 1]
        given = sky.irrigation_mm[day, part] if sky.irrigation_mm is not None else 0.0
        asked = (canopy.kcb[day, part], canopy.kc_max[day, part], canopy.cover[day, part], root_m)
        state, today = _step(state, ground, (rain, et0, given), asked)
        for name, values in today.items():
            out[name][day, part] = values[0]
            if f"{name}_se" in out:
                out[f"{name}_se"][day, part] = np.sqrt(np.mean((values[1:] - values[0]) ** 2, axis=0))


def _begun(state: _State, ground: _Ground, now: Array, root_m: Array, start: Start, part: slice) -> _State:
    """The state with the fields that begin today set to their first water; every layer is equally dry."""
    dry = 1 - ground.start_mm / ground.available
    surface = dry * ground.evaporable
    if start.surface_depletion_mm is not None:
        surface = np.minimum(start.surface_depletion_mm[part], ground.evaporable)
    return _State(
        root=np.where(now, dry * ground.available * root_m, state.root),
        below=np.where(now, dry * ground.available * (ground.profile_m - root_m), state.below),
        surface=np.where(now, surface, state.surface),
        top=np.where(now, dry * ground.available * _TOP_M, state.top),
        root_m=np.where(now, root_m, state.root_m),
    )


def _step(
    old: _State, ground: _Ground, sky: tuple[Array, Array, Any], asked: tuple[Array, Array, Array, Array]
) -> tuple[_State, dict[str, Array]]:
    """One day: what fell, what rose, what went down. Each line carries its equation of FAO-56."""
    (rain, et0, given), (kcb, kc_max, cover, root_m) = sky, asked
    kcb = kcb * ground.kcb_factor
    kc_max = np.maximum(kc_max, kcb + 0.05)
    total = ground.available * root_m  # 82
    under_m = ground.profile_m - old.root_m
    taken_over = old.below * np.where(under_m > 0, (root_m - old.root_m) / np.where(under_m > 0, under_m, 1), 0)
    root, below = old.root + taken_over, old.below - taken_over
    runoff = _runoff(rain, old.surface, ground)
    soaked = rain - runoff + given
    reduction = np.clip((ground.evaporable - old.surface) / (ground.evaporable - ground.readily), 0, 1)  # 74
    exposed = np.maximum(1 - cover, 0.01)  # 75
    ke = np.minimum(reduction * (kc_max - kcb), exposed * kc_max)  # 71
    fraction = np.clip(ground.fraction + 0.04 * (5 - (ke + kcb) * et0), 0.1, 0.8)  # table 22
    stress = np.clip((total - root) / ((1 - fraction) * total), 0, 1)  # 84
    evaporation, transpiration = ke * et0, stress * kcb * et0  # 69, 80
    wanted = evaporation + transpiration
    there = np.maximum(total - root, 0) + soaked
    share = np.where(wanted > there, there / np.where(wanted > 0, wanted, 1), 1.0)  # no soil gives what it lacks
    evaporation, transpiration = evaporation * share, transpiration * share
    surface = np.maximum(old.surface - soaked, 0) + evaporation / exposed  # 77 with 79
    balance = root - soaked + evaporation + transpiration  # 85
    root = np.maximum(balance, 0)
    lower = below + np.minimum(balance, 0)
    below = np.maximum(lower, 0)
    drainage = np.maximum(-lower, 0)  # 88
    check_closed(old.root + old.below, root + below, soaked, evaporation + transpiration + drainage)
    new = _State(root, below, np.clip(surface, 0, ground.evaporable), old.top, root_m)
    new.top = _top(old.top, new, ground, soaked, evaporation, transpiration)
    return new, {
        "depletion_mm": root,
        "stress": stress,
        "water_20cm_mm": ground.available * _TOP_M - new.top,
        "water_100cm_mm": _water_100cm(new, ground),
        "surface_depletion_mm": new.surface,
        "evaporation_mm": evaporation,
        "transpiration_mm": transpiration,
        "runoff_mm": runoff,
        "drainage_mm": drainage,
    }


def check_closed(missing_before: Array, missing_after: Array, came: Array, went: Array) -> None:
    """Water in equals water out and water kept.

    missing_before, missing_after  depletion of the profile [mm], any one shape; NaN is no balance and no fault
    came, went                     what soaked in, and what rose or drained [mm]
    returns                        nothing [mm]
    raises                         BalanceOpen where the day misses more than a millionth of a millimetre
    source                         ours: water in = water out, at run time too
    """
    open_mm = np.abs((missing_before - missing_after) - (came - went))
    worst = np.nanmax(open_mm, initial=0.0) if np.isfinite(open_mm).any() else 0.0
    if worst > OPEN_MM:
        raise BalanceOpen(
            "BALANCE-OPEN",
            "the soil water balance of a day misses {met} mm",
            "report it with the weather and the soil of the fields",
            met=float(worst),
        )


def _runoff(rain: Array, surface: Array, ground: _Ground) -> Array:
    """Rain that runs off by the curve number, wetter soil giving more. source: ASCE 2016, equations 14-12 to 14-20."""
    if ground.curve_number is None:
        return np.zeros_like(rain + surface)
    middle = ground.curve_number
    dry, wet = middle / (2.281 - 0.01281 * middle), middle / (0.427 + 0.00573 * middle)
    low, high = 0.5 * ground.readily, 0.7 * ground.readily + 0.3 * ground.evaporable
    number = wet + (dry - wet) * np.clip((surface - low) / (high - low), 0, 1)
    storage = 250 * (100 / number - 1)
    beyond = np.maximum(rain - 0.2 * storage, 0)
    runoff = np.where(np.isnan(middle), 0 * rain, np.minimum(beyond**2 / (rain + 0.8 * storage), rain))
    return np.asarray(runoff + 0 * surface)


def _top(old: Array, new: _State, ground: _Ground, soaked: Array, rose: Array, drunk: Array) -> Array:
    """Depletion of 0-20 cm: all evaporation, and the roots' share, 40, 30, 20, 10 % by quarters of their depth."""
    depth = np.minimum(_TOP_M / new.root_m, 1)
    drawn = drunk * depth * (1.8 - 0.8 * depth)  # source: Soil Conservation Service's extraction pattern, as a parabola
    room, total = ground.available * _TOP_M, ground.available * new.root_m
    least = np.maximum(new.root - np.maximum(total - room, 0), 0)
    return np.asarray(np.clip(old - soaked + rose + drawn, least, np.minimum(room, np.maximum(new.root, least))))


def _water_100cm(state: _State, ground: _Ground) -> Array:
    """Water in 0-100 cm; the root zone and what lies below are each dry evenly."""
    under_m = np.maximum(ground.profile_m - state.root_m, 1e-9)
    missing = state.root * np.minimum(1 / state.root_m, 1) + state.below * np.clip((1 - state.root_m) / under_m, 0, 1)
    return np.asarray(ground.available - missing)
