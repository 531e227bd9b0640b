"""Orthomosaics of UAV flights: GeoTIFFs of several bands, each with a TOML beside it that says what they hold.

Read in any coordinate system onto the 10 m grid of the satellite: a pixel is the mean of what lies in it, and is there
only where four fifths of it were seen.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from agro.domain.errors import BadInput, Told
from agro.domain.grid import Grid
from agro.sources.guard import read_text
from agro.sources.raster import check_frame, opened

BANDS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08")
VISIBLE = ("red", "green", "blue")
_OTHERS = ("alpha", "other")  # what was seen at all; a band that is not read, for instance thermal infrared
_KEYS = ("time", "bands", "scale", "offset", "nodata", "camera", "calibrated")
LEAST_SEEN = 0.8  # [1] of a pixel's area
_FINEST_M = 0.25  # [m] finer pixels are averaged to about this first
_READ_PX = 16_000_000  # [px] of the finer lattice held at once
_POSSIBLE = (-0.05, 1.6)  # [1] reflectance; bright roofs and glints reach above 1. source: ours, wide
_BEYOND = 0.02  # [1] more of the pixels outside: these numbers are no reflectance. source: ours


@dataclass(frozen=True)
class Flight:
    """An orthomosaic that was checked: when, which band is which (1, 2, ...), what its numbers mean.

    scale, offset  reflectance [1] = number * scale + offset; None for a colour picture
    calibrated     whether the camera's panel or light sensor was used, by the word of who flew
    """

    path: Path
    flown_at: datetime
    bands: dict[str, int]
    scale: float | None
    offset: float
    nodata: float | None
    camera: str
    calibrated: bool
    crs: str
    transform: Affine
    pixel: float

    @property
    def visible_only(self) -> bool:
        """A colour picture: no near infrared, so no NDVI."""
        return set(self.bands) - {"alpha"} <= set(VISIBLE)

    def bounds_in(self, crs: str) -> tuple[float, float, float, float]:
        """The ground of the file (west, south, east, north) in another CRS."""
        with opened(self.path) as source:
            west, south, east, north = transform_bounds(source.crs, crs, *source.bounds, densify_pts=21)
        return west, south, east, north


def sidecar_of(path: Path) -> Path:
    """The TOML that belongs to an orthomosaic."""
    return path.with_suffix(".toml")


def flight_of(path: Path) -> Flight:
    """An orthomosaic and what its sidecar says of it; nothing is guessed. Raises BadInput, TornFile."""
    with opened(path) as source:
        _check_georeference(source, path)
        told = _sidecar(path)
        bands = _bands(told, source, path)
        scale = told.get("scale")
        _check_numbers(source, bands, scale, path)
        return Flight(
            path,
            _flown_at(told, path),
            bands,
            None if scale is None else float(scale),
            float(told.get("offset", 0.0)),
            told.get("nodata", source.nodata),
            str(told.get("camera", "")),
            bool(told.get("calibrated", False)),
            source.crs.to_string(),
            source.transform,
            abs(source.transform.a),
        )


def read(flight: Flight, grid: Grid, bands: Sequence[str], moved_m: tuple[float, float] = (0.0, 0.0)) -> xr.Dataset:
    """Means (y, x) `float32` of the named bands on the grid; NaN where less than four fifths of a pixel were seen.

    moved_m  [m] how far the mosaic is moved east and north before it is read
    returns  reflectance [1], or the picture's own numbers where it has no scale
    """
    found = {name: np.full(grid.shape, np.nan, "float32") for name in bands}
    with opened(flight.path) as source:
        parts = 10 * max(1, math.ceil(grid.resolution_m / 10 / max(_metres(source, flight, grid), _FINEST_M)))
        side = max(1, int(math.sqrt(_READ_PX)) // parts) * grid.resolution_m
        for window in grid.windows(side):
            place = window.rows_and_columns_in(grid)
            for name in bands:
                found[name][place] = _means(source, flight, window, name, parts, moved_m)
    return xr.Dataset({name: (("y", "x"), values) for name, values in found.items()})


def check_reflectance(flight: Flight, seen: xr.Dataset) -> None:
    """Refuse numbers that cannot be reflectance by the scale of the sidecar."""
    values = np.concatenate([band.values[np.isfinite(band.values)] for band in seen.data_vars.values()])
    low, high = _POSSIBLE
    beyond = float(((values < low) | (values > high)).mean()) if values.size else 0.0
    if beyond > _BEYOND:
        raise BadInput(
            "ORTHO-REFLECTANCE",
            "{where}: {share} % of the pixels are no reflectance ({met}; {expected} is possible)",
            "give the scale and offset that turn the file's numbers into reflectance of 0 to 1",
            where=flight.path.name,
            share=round(100 * beyond),
            met=f"{np.median(values):.4g}",
            expected=f"{low:g}..{high:g}",
        )


def windows(flight: Flight, side_px: int = 2048) -> Iterator[tuple[Window, np.ndarray]]:
    """The file's own numbers (band, y, x), window by window, for a copy in its own pixels."""
    with opened(flight.path) as source:
        for row in range(0, source.height, side_px):
            for column in range(0, source.width, side_px):
                window = Window(column, row, min(side_px, source.width - column), min(side_px, source.height - row))
                yield window, source.read(window=window)


def _means(
    source: Any, flight: Flight, window: Grid, name: str, parts: int, moved_m: tuple[float, float]
) -> np.ndarray:
    """A band's means in a window of the grid, each of `parts` times `parts` points."""
    values = _points(source, flight, window, flight.bands[name], parts, moved_m)
    if "alpha" in flight.bands:
        values[~(_points(source, flight, window, flight.bands["alpha"], parts, moved_m) > 0)] = np.nan
    squares = values.reshape(window.height, parts, window.width, parts)
    seen = np.isfinite(squares)
    count = seen.sum(axis=(1, 3))
    with np.errstate(invalid="ignore"):
        mean = np.where(seen, squares, 0.0).sum(axis=(1, 3), dtype="float64") / count
    mean[count < LEAST_SEEN * parts * parts] = np.nan
    measured: np.ndarray = mean if flight.scale is None else mean * flight.scale + flight.offset
    return measured


def _points(
    source: Any, flight: Flight, window: Grid, band: int, parts: int, moved_m: tuple[float, float]
) -> np.ndarray:
    """A band's numbers on the finer lattice; NaN where nothing was seen."""
    size = window.resolution_m / parts
    place = Affine(size, 0, window.west_m - moved_m[0], 0, -size, window.north_m - moved_m[1])
    finer = _metres(source, flight, window) < size
    with WarpedVRT(
        source,
        crs=window.crs,
        transform=place,
        width=window.width * parts,
        height=window.height * parts,
        resampling=Resampling.average if finer else Resampling.nearest,
        src_nodata=flight.nodata,
        nodata=math.nan,
        dtype="float32",
        SRC_ALPHA_MAX="1",  # whatever the depth of the file, a pixel is there or not
    ) as vrt:
        values: np.ndarray = vrt.read(band)
        unmarked = flight.nodata is None and "alpha" not in flight.bands
        seen = vrt.dataset_mask() if unmarked else None
    if seen is not None:
        values[seen == 0] = np.nan
    return values


def _metres(source: Any, flight: Flight, grid: Grid) -> float:
    """About how large the mosaic's pixels are on the grid [m]."""
    west, south, east, north = transform_bounds(source.crs, grid.crs, *source.bounds)
    return float(max(1e-4, min((east - west) / source.width, (north - south) / source.height)))


def _check_georeference(source: Any, path: Path) -> None:
    if source.crs is None or source.transform.is_identity:
        raw = bool(source.tags(ns="EXIF"))
        raise BadInput(
            "ORTHO-NO-PLACE",
            "{where}: is a single frame of a camera, not an orthomosaic: it lies nowhere"
            if raw
            else "{where}: has no coordinate system or no place, so it lies nowhere",
            "stitch the flight's frames into an orthomosaic, and give that"
            if raw
            else "export the orthomosaic with its coordinate system",
            where=path.name,
        )
    check_frame(source, path)


def _sidecar(path: Path) -> dict[str, Any]:
    sidecar = sidecar_of(path)
    if not sidecar.is_file():
        raise BadInput(
            "ORTHO-SIDECAR",
            "{where}: nobody says what its bands are and when it was flown",
            "write {sidecar} beside it: time, bands, and the scale of reflectance",
            where=path.name,
            sidecar=sidecar.name,
        )
    try:
        told = tomllib.loads(read_text(sidecar, sidecar.name))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(
            "CFG-TOML", "{where}: not TOML ({met})", "mend the file", where=sidecar.name, met=str(error)
        ) from None
    for key in told:
        if key not in _KEYS:
            raise _wrong(path, key, ", ".join(_KEYS))
    for key, kinds, expected in (
        ("scale", (int, float), "0.0001"),
        ("offset", (int, float), "0.0"),
        ("nodata", (int, float), "0"),
        ("calibrated", (bool,), "true"),
    ):
        value = told.get(key, kinds[0]())
        if not isinstance(value, kinds) or (kinds[0] is int and isinstance(value, bool)) or not math.isfinite(value):
            raise _wrong(path, f"{key} = {value}", expected)
    return told


def _bands(told: dict[str, Any], source: Any, path: Path) -> dict[str, int]:
    names = told.get("bands")
    if not isinstance(names, list) or not names or any(name not in (*BANDS, *_OTHERS) for name in names):
        raise _wrong(path, f"bands = {names}", ", ".join((*BANDS, *_OTHERS)))
    if ColorInterp.alpha in source.colorinterp and "alpha" not in names:
        raise BadInput(
            "ORTHO-ALPHA",
            "{where}: band {n} is transparency (alpha), which the sidecar does not name: it is no reflectance",
            'write "alpha" at its place in `bands`: it then says where something was seen',
            where=path.name,
            n=source.colorinterp.index(ColorInterp.alpha) + 1,
        )
    if len(names) != source.count:
        raise BadInput(
            "ORTHO-BANDS",
            "{where}: has {met} bands, its sidecar names {expected}",
            'name each band of the file, in its order; one that is not used is "other"',
            where=path.name,
            met=source.count,
            expected=len(names),
        )
    bands = {name: n for n, name in enumerate(names, start=1) if name != "other"}
    if len(bands) != len([name for name in names if name != "other"]):
        raise _wrong(path, f"bands = {names}", ", ".join(BANDS))
    return bands


def _check_numbers(source: Any, bands: dict[str, int], scale: float | None, path: Path) -> None:
    """Refuse numbers of which nobody says how they become reflectance, or which cannot hold it."""
    infrared = set(bands) - {*VISIBLE, "alpha"}
    if not infrared:
        if set(VISIBLE) - set(bands):
            raise _wrong(path, "bands", Told("red, green and blue, or bands with near infrared", {}))
        return
    if any(source.dtypes[n - 1] == "uint8" for name, n in bands.items() if name != "alpha"):
        raise BadInput(
            "ORTHO-8-BIT",
            "{where}: holds 8 bits a band, which is a picture for looking at and no reflectance",
            "export reflectance as 16 bits or real numbers from the program that stitched it",
            where=path.name,
        )
    if scale is None or not scale > 0:
        raise _wrong(path, f"scale = {scale}", Told("the number that turns counts into reflectance, as 0.0001", {}))
    if {"red", "nir"} - set(bands):
        raise _wrong(path, "bands", Told("red and nir among them", {}))


def _flown_at(told: dict[str, Any], path: Path) -> datetime:
    told_time = told.get("time")
    try:
        instant = datetime.fromisoformat(str(told_time))
    except ValueError:
        instant = datetime.max
    if instant.tzinfo is None or instant.year < 1990 or instant > datetime.now(UTC) + timedelta(days=1):
        raise _wrong(path, f"time = {told_time}", "2022-07-01T10:30:00+07:00")
    return instant.astimezone(UTC)


def _wrong(path: Path, met: str, expected: Any) -> BadInput:
    return BadInput(
        "ORTHO-SIDECAR-VALUE",
        "{where}: {met}; expected {expected}",
        "mend the file: docs/inputs.md lists what it holds",
        where=sidecar_of(path).name,
        met=met[:160],
        expected=expected,
    )
