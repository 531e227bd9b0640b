"""What to believe of a pass: the scene classification, with a margin around clouds and shadows."""

import math
from typing import Any

import numpy as np
import xarray as xr

from agro.domain.errors import BadInput
from agro.domain.grid import LATTICE_M
from agro.domain.layers import Quality

# Scene classes of Sentinel-2 L2A (ESA, Sen2Cor): 0 no data, 1 saturated or defective, 2 dark, 3 cloud shadow,
# 4 vegetation, 5 not vegetated, 6 water, 7 unclassified, 8 and 9 cloud, 10 thin cirrus, 11 snow.
MEANING = np.array(
    [
        Quality.NO_DATA,
        Quality.NO_DATA,
        Quality.UNCERTAIN,
        Quality.SHADOW,
        Quality.CLEAR,
        Quality.CLEAR,
        Quality.WATER,
        Quality.UNCERTAIN,
        Quality.CLOUD,
        Quality.CLOUD,
        Quality.CLOUD,
        Quality.SNOW,
    ],
    dtype="uint8",
)


def quality(scene_classes: xr.DataArray, cloud_margin_m: float, shadow_margin_m: float) -> xr.DataArray:
    """What each pixel of a pass shows, with margins around cloud and shadow.

    scene_classes    (y, x) Sentinel-2 scene classes 0..11 [1] on 20 m; give it a border as wide as the margins
    cloud_margin_m   [m] pixels this near to a cloud are cloud
    shadow_margin_m  [m] pixels this near to a cloud's shadow are shadow
    returns          (y, x) `quality` [class]: no data, clear, cloud, shadow, snow, water, uncertain
    raises           BadInput when a class is above 11
    source           ESA Sen2Cor scene classes; margins: ours, clouds are seen larger than they are classified
    """
    classes: xr.DataArray = xr.apply_ufunc(
        _quality,
        scene_classes,
        kwargs={"cloud_px": cloud_margin_m / LATTICE_M, "shadow_px": shadow_margin_m / LATTICE_M},
        dask="allowed",
        keep_attrs=True,
    )
    return classes


def dilate(mask: Any, radius_px: float) -> Any:
    """Grow a mask by a disk.

    mask       (y, x) True where set [1], numpy or dask
    radius_px  [px] Euclidean: pixels at most this far from a set one are set
    returns    (y, x) mask [1], same kind of array
    source     ours: a disk of radius 5 has 81 pixels
    """
    if hasattr(mask, "map_overlap"):
        return mask.map_overlap(_dilated, depth=math.ceil(radius_px), boundary=False, radius_px=radius_px, dtype=bool)
    return _dilated(mask, radius_px)


def believed(classes: xr.DataArray) -> xr.DataArray:
    """Where a value may be kept: clear, and uncertain, which later steps weigh less.

    classes  (y, x) `quality` [class]
    returns  (y, x) True where believed [1]
    source   ours: dark and unclassified pixels serve a smoother with small weight, never a field's statistics
    """
    return (classes == Quality.CLEAR) | (classes == Quality.UNCERTAIN)


def keep_believed(band: xr.DataArray, classes: xr.DataArray) -> xr.DataArray:
    """A band without what is not believed.

    band     (y, x) any layer or `reflectance` [1], on 10 or 20 m
    classes  (y, x) `quality` [class] on 20 m over the same ground
    returns  (y, x) the band [1]; NaN where cloud, shadow, snow, water or no data
    source   ours: nearest neighbour, as the classification itself has no finer truth
    """
    return band.where(on_pixels_of(believed(classes), band))


def on_pixels_of(classes: xr.DataArray, band: xr.DataArray) -> xr.DataArray:
    """A 20 m layer of classes on the pixels of a band over the same ground.

    classes  (y, x) on 20 m [class]
    band     (y, x) [1] on 10 or 20 m
    returns  (y, x) classes [class] on the band's pixels, nearest neighbour
    source   ours: pixel edges nest
    """
    times = band.sizes["y"] // classes.sizes["y"]
    values = classes.data.repeat(times, axis=0).repeat(times, axis=1) if times > 1 else classes.data
    return xr.DataArray(values, dims=("y", "x"), coords=band.coords)


def _quality(scene_classes: Any, cloud_px: float, shadow_px: float) -> Any:
    if hasattr(scene_classes, "map_blocks"):
        classes = scene_classes.map_blocks(_meaning, dtype="uint8")
    else:
        classes = _meaning(scene_classes)
    measured = classes != Quality.NO_DATA
    shadow = dilate(classes == Quality.SHADOW, shadow_px) & measured
    cloud = dilate(classes == Quality.CLOUD, cloud_px) & measured
    module = np if isinstance(classes, np.ndarray) else __import__("dask.array").array
    classes = module.where(shadow, np.uint8(Quality.SHADOW), classes)
    return module.where(cloud, np.uint8(Quality.CLOUD), classes)


def _meaning(scene_classes: np.ndarray) -> np.ndarray:
    highest = int(scene_classes.max(initial=0))
    if highest >= len(MEANING):
        raise BadInput(
            "MASK-CLASS",
            "the scene classification holds class {met}, known are 0 to 11",
            "use the SCL band of Sentinel-2 L2A",
            met=highest,
        )
    classes: np.ndarray = MEANING[scene_classes]
    return classes


def _dilated(mask: np.ndarray, radius_px: float) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        return mask
    near: np.ndarray = distance_transform_edt(~mask) <= radius_px
    return near
