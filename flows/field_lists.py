"""Which pixels are whose: found once for a set of outlines and a pixel size, then kept beside the index."""

import numpy as np

from agro.agromaps.coverage import Spans
from agro.agromaps.fieldstats import FieldPixels, field_pixels
from agro.store.cache import remember, remembered
from agro.store.publish import Store, digest
from flows.plan import Land

VERSION = 1  # raise it when the same outlines give other pixels


def kept_field_pixels(store: Store, land: Land, resolution_m: int) -> FieldPixels:
    """The fields' pixels at one resolution, as `field_pixels` finds them."""
    ids, versions = list(land.outlines["field_id"]), list(land.outlines["version"])
    name, key = f"pixels-{resolution_m}", digest([VERSION, land.crs, ids, versions])
    arrays = remembered(store, name, key)
    if arrays is not None:
        flags = tuple(str(flag) for flag in arrays.pop("flags"))
        return FieldPixels(resolution_m, tuple(ids), Spans(**arrays), flags)
    found = field_pixels(ids, list(land.on_grid), resolution_m)
    remember(store, name, key, {**found.spans._asdict(), "flags": np.array(found.flags, dtype=str)})
    return found
