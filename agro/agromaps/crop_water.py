"""What a crop asks of the soil's water each day: its basal coefficient, roots and cover, read from its greenness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal

Array = np.ndarray

_NEEDED = ("kcb_min", "kcb_max", "root_min_m", "root_max_m", "height_m", "depletion_fraction")
_WIND_RANGE = (1.0, 6.0)  # [m/s] at 2 m, inside which equation 72 was fitted. source: FAO-56, equation 72
_HUMIDITY_RANGE = (20.0, 80.0)  # [%] likewise. source: FAO-56, equation 72
_WIDEST_SOIL = 0.6  # [m3/m3] no mineral soil holds more at field capacity


@dataclass(frozen=True)
class Crops:
    """What is known of the crop of each field, (field) each: kcb [1], root and height [m], depletion_fraction [1]."""

    kcb_min: Array
    kcb_max: Array
    root_min_m: Array
    root_max_m: Array
    height_m: Array
    depletion_fraction: Array


@dataclass(frozen=True)
class Soil:
    """What is known of the soil of each field, (field) each.

    field_capacity, wilting_point [m3/m3] · evaporation_depth_m [m] of the layer that dries by evaporation ·
    readily_evaporable_mm [mm] that evaporate unhindered · curve_number [1] of runoff, NaN: no runoff.
    """

    field_capacity: Array
    wilting_point: Array
    evaporation_depth_m: Array
    readily_evaporable_mm: Array
    curve_number: Array


@dataclass(frozen=True)
class Canopy:
    """What the crop asks each day, (day, field) each: kcb, kc_max, cover [1] and root_m [m].

    depletion_fraction and profile_m are (field): the share of the water that is taken without stress at 5 mm/d [1],
    and the depth of the balance [m].
    """

    kcb: Array
    kc_max: Array
    cover: Array
    root_m: Array
    depletion_fraction: Array
    profile_m: Array


def crops_and_soils(
    fields: pd.DataFrame, crops: Mapping[str, Mapping[str, float]], soil_defaults: Mapping[str, float]
) -> tuple[pd.DataFrame, Crops, Soil, list[Refusal]]:
    """The constants of each field, and the fields that have to stay out.

    fields         field_id [-], crop code [-] and any of field_capacity, wilting_point [m3/m3], evaporation_depth_m
                   [m], readily_evaporable_mm [mm], curve_number [1]; NaN or no column: the default
    crops          the numbers of each crop code [1, m]
    soil_defaults  the same names as the soil's columns [m3/m3, m, mm, 1]
    returns        the rows that stay, in order; their Crops [1, m] and Soil [m3/m3, m, mm]; the refusals by field
    source         ours: one field without numbers never stops the others
    """
    names = ("field_capacity", "wilting_point", "evaporation_depth_m", "readily_evaporable_mm", "curve_number")
    nothing = pd.Series(np.nan, index=fields.index)
    soil = pd.DataFrame(
        {n: fields.get(n, nothing).astype("float64").fillna(soil_defaults.get(n, np.nan)) for n in names}
    )
    stays, refused = [], []
    for place, (field_id, crop) in enumerate(zip(fields["field_id"], fields["crop"], strict=True)):
        try:
            _sound(crop, crops, *soil.iloc[place][["field_capacity", "wilting_point"]])
            stays.append(place)
        except AgroError as error:
            refused.append(error.about(field_id=str(field_id)))
    kept = fields.iloc[stays]
    numbers = {name: np.array([crops[crop][name] for crop in kept["crop"]], dtype="float64") for name in _NEEDED}
    constants = {name: soil[name].to_numpy()[stays] for name in names}
    return kept, Crops(**numbers), Soil(**constants), refused


def _sound(crop: Any, crops: Mapping[str, Mapping[str, float]], capacity: float, wilting: float) -> None:
    if crop not in crops:
        raise BadInput(
            "WATER-CROP",
            "the water use of the crop {met} is not known",
            "give the field's crop, or add it to configs/water.toml",
            met=crop,
        )
    if not 0 <= wilting < capacity <= _WIDEST_SOIL:
        raise BadInput(
            "WATER-SOIL",
            "field capacity {capacity} and wilting point {wilting} m3/m3: expected 0 to 0.6, the first the larger",
            "check the two numbers of the soil; 34 % is written 0.34",
            capacity=capacity,
            wilting=wilting,
        )


def kcb_from_ndvi(
    ndvi: Array, kcb_min: Array, kcb_max: Array, bare_ndvi: float = 0.15, full_ndvi: float = 0.85
) -> Array:
    """Basal crop coefficient from greenness, straight between bare soil and a full stand.

    ndvi                  (day, field) `ndvi` [1], -1..1; NaN where unknown
    kcb_min, kcb_max      (field) of bare soil and of the full stand [1]
    bare_ndvi, full_ndvi  greenness of the two [1]
    returns               (day, field) [1], never outside kcb_min..kcb_max; NaN where ndvi is
    source                ours after Campos 2010 (vineyards), stretched to FAO-56 table 17 for cereals
    """
    share = (ndvi - bare_ndvi) / (full_ndvi - bare_ndvi)
    return np.asarray(kcb_min + (kcb_max - kcb_min) * np.clip(share, 0.0, 1.0))


def canopy(
    ndvi: Array,
    crops: Crops,
    wind_2m_m_s: Array | float = 2.0,
    humidity_min_pct: Array | float = 45.0,
    ndvi_range: Sequence[float] = (0.15, 0.85),
) -> Canopy:
    """What each field's crop asks of the soil each day.

    ndvi              (day, field) `ndvi` [1], a gapless daily series of one crop's season, for its roots only grow;
                      NaN where unknown
    crops             the numbers of each field's crop [1, m]
    wind_2m_m_s       (day, field) or one number [m/s]
    humidity_min_pct  (day, field) or one number [%]
    ndvi_range        greenness of bare soil and of a full stand [1]
    returns           Canopy: kcb, kc_max, cover (day, field) [1], root_m (day, field) [m]; roots never shrink
    source            FAO-56, equations 72 and 76, annex 8 for roots that grow with kcb
    """
    kcb = kcb_from_ndvi(ndvi, crops.kcb_min, crops.kcb_max, *ndvi_range)
    span = np.where(crops.kcb_max > crops.kcb_min, crops.kcb_max - crops.kcb_min, 1.0)
    grown = np.maximum.accumulate(np.where(np.isnan(kcb), -np.inf, (kcb - crops.kcb_min) / span), axis=0)
    grown = np.clip(grown, 0.0, 1.0)
    height = np.maximum(crops.height_m * grown, 0.001)
    wind = np.clip(wind_2m_m_s, *_WIND_RANGE)
    humidity = np.clip(humidity_min_pct, *_HUMIDITY_RANGE)
    climate = 1.2 + (0.04 * (wind - 2) - 0.004 * (humidity - 45)) * (height / 3) ** 0.3
    kc_max = np.maximum(climate, kcb + 0.05)
    green = np.clip((kcb - crops.kcb_min) / (kc_max - crops.kcb_min), 0.0, 1.0)
    return Canopy(
        kcb=kcb,
        kc_max=kc_max,
        cover=np.clip(green ** (1 + 0.5 * height), 0.0, 0.99),
        root_m=crops.root_min_m + (crops.root_max_m - crops.root_min_m) * grown,
        depletion_fraction=crops.depletion_fraction,
        profile_m=np.maximum(1.0, crops.root_max_m),
    )
