"""Parcels of the land register beyond the fields: ploughland in use, hay, no-till, and land that nobody works."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
from shapely import Geometry, STRtree
from shapely.affinity import rotate, scale
from shapely.geometry import box

from agro.twin.chance import chance

_TRIES = 400  # [1] places that are looked at for each parcel
_APART_M = 25.0  # [m] between a parcel and its neighbours
_EDGE_M = 60.0  # [m] between a parcel and the image's edge


def parcels_beyond(
    shapes: Sequence[Geometry],
    bounds: tuple[float, float, float, float],
    district: str,
    rules: Mapping[str, Any],
    last_season: int,
    seed: int,
) -> gpd.GeoDataFrame:
    """Parcels in the free land of a district: field_id (the parcel's own), farm_id, use, idle_since; geometry [m].

    use is one of `rules["uses"]`; idle_since the first season without work, of the abandoned only.
    """
    random = chance(seed, "parcels", district)
    taken = list(shapes)
    rows = []
    for use, count in rules["uses"].items():
        for years in _idle_years(use, count, rules, random):
            place = _free_place(taken, bounds, rules["area_ha"], random)
            if place is None:
                continue
            taken.append(place)
            farm = f"{district}-farm-{int(random.integers(1, 4))}"
            since = last_season - years + 1 if use == "abandoned" else None
            rows.append({"farm_id": farm, "use": use, "idle_since": since, "geometry": place})
    for number, row in enumerate(rows, start=1):
        row["field_id"] = f"parcel-{district}-{number:03d}"
    columns = ["field_id", "farm_id", "use", "idle_since", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry")


def _idle_years(use: str, count: int, rules: Mapping[str, Any], random: np.random.Generator) -> list[int]:
    """For how many seasons each parcel has been left: evenly spread, so that short and long are among them."""
    if use != "abandoned":
        return [0] * count
    low, high = rules["idle_years"]
    spread = np.linspace(low, high, count) + random.uniform(-0.5, 0.5, count)
    return [int(years) for years in np.clip(np.rint(spread), low, high)]


def _free_place(
    taken: Sequence[Geometry],
    bounds: tuple[float, float, float, float],
    area_ha: Sequence[float],
    random: np.random.Generator,
) -> Geometry | None:
    """A rectangle inside the bounds and clear of what is taken; smaller where there is little room, None where none."""
    west, south, east, north = bounds
    tree, frame = STRtree(list(taken)), box(west + _EDGE_M, south + _EDGE_M, east - _EDGE_M, north - _EDGE_M)
    for number in range(_TRIES):
        area_m2 = 1e4 * random.uniform(area_ha[0], area_ha[1]) * (1 - 0.6 * number / _TRIES)
        stretch = random.uniform(1, 2)
        x, y = random.uniform(west, east), random.uniform(south, north)
        long, wide = np.sqrt(area_m2 * stretch) / 2, np.sqrt(area_m2 / stretch) / 2
        place = rotate(box(x - long, y - wide, x + long, y + wide), random.uniform(0, 180))
        if frame.contains(place) and not len(tree.query(place.buffer(_APART_M), predicate="intersects")):
            return place
    return None


def register(fields: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """The parcel layer as a register gives it: every parcel, also those below the fields, a little larger than them.

    Who works a parcel, and whether anybody does, the register does not know.
    """
    drawn = fields.to_crs(crs)
    below = ~drawn["field_id"].str.startswith("parcel-")
    larger = [scale(shape, 1.02, 1.02) if field else shape for shape, field in zip(drawn.geometry, below, strict=True)]
    parcel_id = np.where(below, "parcel-of-" + drawn["field_id"], drawn["field_id"])
    return gpd.GeoDataFrame(
        {"parcel_id": parcel_id, "district": drawn["district"], "declared_use": "arable"},
        geometry=gpd.GeoSeries(larger, crs=crs).to_crs(4326).to_numpy(),
        crs=4326,
    )
