"""Radar looks of Sentinel-1 from a static STAC catalogue on disk: calibrated, terrain-corrected backscatter in dB.

Whether an asset holds decibels or power is what its item declares, never guessed. Each relative orbit sees the ground
at its own angle, so a look says its orbit; where the item does not, the time of the look does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pystac

from agro.domain.errors import BadInput
from agro.domain.grid import Grid
from agro.domain.imagery import Acquisition, Band
from agro.sources import stac
from agro.sources.guard import Tree
from agro.sources.raster import read_values
from agro.sources.stac_properties import crs
from agro.sources.stac_scale import bands_of, declared

if TYPE_CHECKING:
    import xarray as xr

_UNITS = {**dict.fromkeys(("db", "decibel", "decibels"), "dB"), **dict.fromkeys(("1", "linear", "power"), "1")}
_NODATA = -32768  # no backscatter, in dB or as power; the mark of Planetary Computer
_LAND_DB = (
    -30.0,
    -1.0,
)  # [dB] the middle of a look over farm land lies between, both polarisations. source: ours, wide
_ORBITS = 175  # [1] relative orbits in 12 days. source: ESA Sentinel-1 user guide
_HALF_S = 12 * 86_400 / _ORBITS / 2  # [s] half a revolution; two satellites fly half a revolution of 175 apart
_INCLINATION_DEG = 98.18  # [deg] source: the same
# [1] half revolutions between the epoch and relative orbit 0, modulo 175. source: ours, from four published products,
# which agree within 0.02: S1A R033 of 2018-11-03, R095 of 2015-03-05, S1B R153 of 2021-08-10, R168 of 2021-04-01
_PHASE = 136


def read(acquisition: Acquisition, grid: Grid, bands: Sequence[str]) -> xr.Dataset:
    """Backscatter Dataset (y, x) `float32` [dB] of the named bands on the grid; NaN = nothing there.

    Pixels of another lattice are averaged as they are stored: means of decibels lie lower than those of power, by the
    same amount in each look of a product. Raises TornFile or BadInput where an asset cannot be read, or is not in the
    unit that its item declares.
    """
    import xarray as xr

    found = {}
    for name in bands:
        band = acquisition.bands[name]
        stac.check_declared(band)
        assert band.scale is not None and band.offset is not None  # noqa: S101  every band of radar has them
        stored = read_values(Path(band.href), grid, acquisition.crs, band.nodata)
        found[name] = (("y", "x"), _decibels(stored * band.scale + band.offset, band))
    return xr.Dataset(found)


def _decibels(values: np.ndarray, band: Band) -> np.ndarray:
    if band.unit != "dB":
        below = int((values < 0).sum())
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(values > 0, 10 * np.log10(values), np.nan)
        if below > np.isfinite(values).sum():
            raise _other_unit(band, f"{below} < 0")
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if known.size else _LAND_DB[0]
    if not _LAND_DB[0] <= middle <= _LAND_DB[1]:
        raise _other_unit(band, f"{middle:.3g} dB")
    return values.astype("float32")


def _other_unit(band: Band, met: str) -> BadInput:
    return BadInput(
        "RADAR-UNIT-VALUES",
        "{where}: its item declares {unit}, but the middle of its pixels is {met}; farm land has {low} to {high} dB",
        "mend `unit` in `raster:bands` of the asset: dB, or 1 for power",
        where=f"{Path(band.href).parent.name}/{Path(band.href).name}",
        unit="dB" if band.unit == "dB" else "power",
        met=met,
        low=_LAND_DB[0],
        high=_LAND_DB[1],
    )


def relative_orbit(at: datetime, latitude_deg: float, ascending: bool) -> int:
    """The relative orbit 1..175 from which Sentinel-1 sees a latitude [deg] at an instant (UTC).

    A satellite comes back to its track after 175 revolutions, and the other one half-way between, so the time since an
    epoch, less the way from the ascending node, counts half revolutions; times good to ten minutes suffice.
    """
    sine = math.sin(math.radians(latitude_deg)) / math.sin(math.radians(_INCLINATION_DEG))
    angle = math.asin(max(-1.0, min(1.0, sine)))
    later = (angle if ascending else math.pi - angle) / math.pi  # [half revolutions] since the ascending node
    number = math.floor(at.timestamp() / _HALF_S - later) - _PHASE
    return (number * (_ORBITS + 1) // 2) % _ORBITS or _ORBITS  # half of it, modulo 175


def _look(
    item: pystac.Item,
    item_assets: Mapping[str, Any],
    acquired_at: datetime,
    aliases: Mapping[str, Sequence[str]],
    tree: Tree,
) -> Acquisition:
    bands = {}
    for name, keys in aliases.items():
        key = next((key for key in keys if key in item.assets), None)
        if key is not None:
            bands[name] = _band(name, item, key, item_assets.get(key) or {}, tree)
    if not bands:
        raise BadInput(
            "STAC-BANDS",
            "{where}: names no band that is known",
            "add its asset names to configs/bands.toml",
            where=item.id,
        )
    ground = stac.footprint_of(item)
    platform = str(item.properties.get("platform") or item.properties.get("constellation") or "unknown")
    return Acquisition(
        acquisition_id=item.id,
        acquired_at=acquired_at,
        platform=platform,
        collection=str(item.collection_id),
        bands=bands,
        footprint=ground.wkt if ground is not None else None,
        crs=crs(item),
        relative_orbit=_orbit(item, acquired_at, platform, ground.centroid.y if ground is not None else None),
    )


def _band(name: str, item: pystac.Item, key: str, inherited: Mapping[str, Any], tree: Tree) -> Band:
    asset = item.assets[key]
    where = f"{item.id}, {key}"
    path = tree.file(asset.get_absolute_href() or asset.href, where)
    about = {**_first(inherited), **_first(asset.extra_fields)}
    unit = about.get("unit", asset.extra_fields.get("unit"))
    if str(unit).strip().casefold() not in _UNITS:
        raise BadInput(
            "RADAR-UNIT",
            "{where}: does not declare whether it holds decibels or power (met {met})",
            "take calibrated backscatter, and declare `unit` dB, or 1 for power, in `raster:bands` of the asset",
            where=where,
            met=unit,
        )
    scale, offset = (
        declared(asset.extra_fields, n, where) or declared(inherited, n, where) for n in ("scale", "offset")
    )
    size = path.stat().st_size if path.is_file() else None
    checksum = asset.extra_fields.get("file:checksum")
    mark = about.get("nodata")
    nodata = int(mark) if isinstance(mark, int | float) and math.isfinite(mark) else _NODATA
    plain = _UNITS[str(unit).strip().casefold()]
    return Band(name, str(path), scale or 1.0, offset or 0.0, nodata, size, checksum, plain)


def _first(asset: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an asset says of its first band."""
    return {name: value for about in reversed(bands_of(asset)) for name, value in about.items() if value is not None}


def _orbit(item: pystac.Item, acquired_at: datetime, platform: str, latitude_deg: float | None) -> int:
    told, state = item.properties.get("sat:relative_orbit"), item.properties.get("sat:orbit_state")
    if isinstance(told, int) and 1 <= told <= _ORBITS:
        return told
    ours = platform.casefold().replace("_", "-").startswith("sentinel-1")
    if told is not None or not ours or latitude_deg is None or state not in ("ascending", "descending"):
        raise BadInput(
            "RADAR-ORBIT",
            "{where}: its relative orbit is {met} and its direction {state}, so nobody knows from where it looked",
            "add `sat:relative_orbit` to the item, 1 to 175, or `sat:orbit_state`, ascending or descending",
            where=item.id,
            met=told,
            state=state,
        )
    return relative_orbit(acquired_at, latitude_deg, state == "ascending")


# All radar looks of a catalogue, as `stac.find`.
find = partial(stac.find, understood=_look)
