"""The readable way from counts to what is stored: the public functions of the rooms, one after the other."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from agro.agromaps.vegetation import INDICES, lai
from agro.domain.imagery import Angles
from agro.domain.layers import KEPT, LAYERS
from agro.imagery.clearsky import keep_believed, quality
from agro.imagery.reflectance import for_ratios, reflectance, to_20_m
from agro.store.rasters import encode

Counts = Mapping[str, np.ndarray]


def plane(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("y", "x"))


def readable_layers(
    counts: Counts,
    scaling: Mapping[str, tuple[float, float]],
    classes: np.ndarray,
    angles: Angles,
    net: str,
    layers: Sequence[str],
) -> dict[str, np.ndarray]:
    """Counts and classes of a window to its layers as they are stored; `scaling` holds (scale, offset) of each band."""
    scene = {
        name: keep_believed(reflectance(plane(band), *scaling[name]), plane(classes)) for name, band in counts.items()
    }
    made = {}
    for name in layers:
        if name in INDICES:
            made[name] = INDICES[name](**{band: for_ratios(scene[band]) for band in LAYERS[name].bands})
        elif name in KEPT:
            made[name] = scene[name]
    if "lai" in layers:
        coarse = {
            band: to_20_m(scene[band]) if band in ("green", "red") else scene[band] for band in LAYERS["lai"].bands
        }
        area = lai(xr.Dataset(coarse), angles, net)
        made.update(lai=area["lai"], lai_flag=area["lai_flag"])
    return {name: encode(LAYERS[name], values.values) for name, values in made.items()}


def readable_classes(
    scene_classes: np.ndarray, border: int, cloud_margin_m: float, shadow_margin_m: float
) -> np.ndarray:
    """The classes of a window that came with a border."""
    whole = quality(plane(scene_classes), cloud_margin_m, shadow_margin_m).values
    return np.asarray(whole[border : whole.shape[0] - border, border : whole.shape[1] - border])
