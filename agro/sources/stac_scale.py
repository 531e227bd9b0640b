"""What turns an item's counts into reflectance: read from the item, never guessed from a date, never applied twice."""

import math
from collections.abc import Mapping
from typing import Any

from agro.domain.errors import BadInput

_SCALE = 1e-4  # [1] QUANTIFICATION_VALUE 10000 of every L2A baseline. source: ESA S2 product specification
_OFFSET_SINCE = (4, 0)  # the processing baseline that brought BOA_ADD_OFFSET. source: ESA, in force since 2022-01-25
_OFFSET = -0.1  # [1] BOA_ADD_OFFSET -1000 of these baselines, where an item declares neither scale nor offset


def scale_and_offset(
    asset: Mapping[str, Any], baseline: Any, applied: bool, where: str, inherited: Mapping[str, Any] | None = None
) -> tuple[float, float]:
    """Scale and offset [1] of one asset: reflectance = counts * scale + offset.

    asset      the asset's own fields
    baseline   the item's processing baseline, or None
    applied    the provider says that the offset is already in the counts
    inherited  what the collection says of all such assets; heard only where the asset itself is silent

    What the item declares holds. Where it declares neither, its processing baseline tells (raw counts, as Planetary
    Computer has them). A scale without an offset is clear only before baseline 04.00. Anything else raises BadInput.
    """
    scale, offset = declared(asset, "scale", where), declared(asset, "offset", where)
    if scale is None and offset is None and inherited:
        scale, offset = declared(inherited, "scale", where), declared(inherited, "offset", where)
    number = _baseline(baseline)
    if scale is None and offset is None and number is not None:
        scale, offset = _SCALE, _OFFSET if number >= _OFFSET_SINCE else 0.0
    if scale is not None and offset is None and number is not None and number < _OFFSET_SINCE:
        offset = 0.0
    if applied and scale is not None:
        offset = 0.0
    if scale is None:
        raise BadInput(
            "RASTER-SCALE",
            "{where}: the item declares no scale, and no processing baseline tells it",
            "add `raster:bands` with scale and offset to the asset, as the product's metadata says",
            where=where,
        )
    if offset is None:
        raise BadInput(
            "RASTER-OFFSET",
            "{where}: a scale without an offset; since processing baseline 04.00 counts carry one (met baseline {met})",
            "add the offset of the product's metadata (BOA_ADD_OFFSET times the scale) to the asset",
            where=where,
            met=str(baseline),
        )
    if not (0 < scale <= 1 and -10 <= offset <= 10):
        raise BadInput(
            "RASTER-SCALE-VALUE",
            "{where}: scale {scale} and offset {offset} cannot be those of reflectance",
            "give them as the product's metadata says, for instance 0.0001 and -0.1",
            where=where,
            scale=scale,
            offset=offset,
        )
    return scale, offset


def bands_of(asset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What an asset says of its first band, in the ways of the raster extension and of STAC 1.1."""
    lists = (asset.get("raster:bands"), asset.get("bands"))
    return [bands[0] for bands in lists if isinstance(bands, list) and bands and isinstance(bands[0], Mapping)]


def declared(asset: Mapping[str, Any], name: str, where: str) -> float | None:
    """The number that an asset declares under a name, `scale` or `offset`; None where it is silent."""
    values = [band.get(key) for band in bands_of(asset) for key in (name, f"raster:{name}")]
    for value in (*values, asset.get(f"raster:{name}")):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadInput(
                "RASTER-SCALE-VALUE",
                "{where}: scale {scale} and offset {offset} cannot be those of reflectance",
                "give them as the product's metadata says, for instance 0.0001 and -0.1",
                where=where,
                scale=value if name == "scale" else None,
                offset=value if name == "offset" else None,
            )
        return float(value)
    return None


def _baseline(text: Any) -> tuple[int, int] | None:
    major, _, minor = str(text).partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
