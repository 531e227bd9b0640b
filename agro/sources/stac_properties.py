"""What an item says of itself, under the names of several providers."""

import math
import re
from collections.abc import Mapping
from typing import Any

import pystac

from agro.domain.imagery import Angles
from agro.sources.stac_scale import bands_of

_DATATAKE = re.compile(r"(?:GS2[A-D]|S2[A-D]_MSIL[12][AC])_(\d{8}T\d{6})_")  # GS2A_20200714T110621_026425_N02.14


def nodata(*described: Mapping[str, Any]) -> int:
    """The count that marks what was not measured: as declared, else 0."""
    for asset in described:
        for value in (*(band.get("nodata") for band in bands_of(asset)), asset.get("nodata")):
            if isinstance(value, int | float) and math.isfinite(value):
                return int(value)
    return 0


def angles(properties: Mapping[str, Any]) -> Angles:
    """Sun and view; what the item does not say stays unknown."""
    elevation = _number(properties, "view:sun_elevation")
    return Angles(
        90.0 - elevation if elevation is not None else _number(properties, "s2:mean_solar_zenith"),
        _number(properties, "view:sun_azimuth", "s2:mean_solar_azimuth"),
        _number(properties, "view:off_nadir", "view:incidence_angle"),
        _number(properties, "view:azimuth"),
    )


def crs(item: pystac.Item) -> str | None:
    """The coordinate system that the item declares, as `EPSG:32645`."""
    code, epsg = item.properties.get("proj:code"), item.properties.get("proj:epsg")
    if code:
        return str(code)
    return f"EPSG:{int(epsg)}" if isinstance(epsg, int | float) and math.isfinite(epsg) else None


def tile(properties: Mapping[str, Any]) -> str | None:
    """The MGRS tile, as `45UVB`."""
    whole = first(properties, "mgrs:tile", "s2:mgrs_tile", "grid:code")
    if whole is not None:
        return str(whole).removeprefix("MGRS-")
    parts = [properties.get(f"mgrs:{part}") for part in ("utm_zone", "latitude_band", "grid_square")]
    return None if None in parts else "".join(map(str, parts))


def datatake(item: pystac.Item) -> str | None:
    """The start of the datatake, as product names have it: 20200714T110621."""
    names = [item.properties.get(name) for name in ("s2:datatake_id", "s2:product_uri", "eopf:datatake_id")]
    for name in (*names, item.id):
        found = _DATATAKE.match(str(name))
        if found:
            return found[1]
    return None


def first(properties: Mapping[str, Any], *names: str) -> Any:
    """The first of the properties that the item has."""
    return next((properties[name] for name in names if properties.get(name) is not None), None)


def _number(properties: Mapping[str, Any], *names: str) -> float | None:
    value = first(properties, *names)
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if number else None
