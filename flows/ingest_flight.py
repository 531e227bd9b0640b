"""A UAV flight into the local catalogue: judged, as a pass on the satellite's pixels, and in its own pixels too.

uav            calibrated flights: `agro run` takes them as it takes the satellite's passes
uav-relative   flights that nothing bears out: a series of their own
uav-visible    greenness of colour pictures
uav-fine       each mosaic in its own pixels
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import xarray as xr
from affine import Affine
from pyproj import Transformer
from rasterio.windows import Window

from agro.agromaps.vegetation import gli
from agro.domain.errors import BadInput, Refusal, Told
from agro.domain.grid import Grid, around
from agro.domain.imagery import Acquisition
from agro.domain.layers import LAYERS, Layer
from agro.sources import orthomosaic
from agro.sources.orthomosaic import VISIBLE, Flight
from agro.sources.raster import opened
from agro.store import catalogue, cog, rasters
from agro.store import stac as items
from agro.store.own_pixels import OwnPixels, write_own
from agro.store.publish import Published, Store, digest, file_name
from flows.flight_trust import Trust, judged
from flows.keeping import content_of
from flows.plan import Land, find_over, read_land
from flows.settings import CONFIGS, Settings, facts
from flows.taken import Taken, known

PASSES, RELATIVE, PICTURES, OWN = "uav", "uav-relative", "uav-visible", "uav-fine"
_SCALE, _OFFSET = 1e-4, -0.1  # [1] of the counts that are kept: reflectance from -0.1 to 6.4
_EARTH_KM_A_DEG = 111.2  # [km]


def take_flight(path: Path, store: Store, settings: Settings) -> Taken:
    """Check a flight against fields and satellite, and keep what it shows. Raises BadInput, TornFile."""
    path = path.with_suffix(".tif") if path.suffix == ".toml" else path
    flight = orthomosaic.flight_of(path)
    land = read_land(settings)
    _check_over(flight, land)
    item_id = f"UAV_{path.stem}_{flight.flown_at:%Y%m%dT%H%M%S}"
    inputs = digest([content_of(path), content_of(orthomosaic.sidecar_of(path)), land.crs])
    grid = around(land.crs, flight.bounds_in(land.crs), 10)
    if flight.visible_only:
        return _take_picture(flight, grid, store, item_id, inputs)
    there = known(store, f"{PASSES}/{file_name(item_id)}", inputs, path)
    if there is not None:
        return _taken(flight, there, new=False)
    rules = facts(CONFIGS / "flights.toml")
    trust = judged(flight, grid, _looks(flight, land, store, settings, rules), settings, rules)
    collection = PASSES if trust.word == "calibrated" else RELATIVE
    there = known(store, f"{collection}/{file_name(item_id)}", inputs, path)
    if there is None:
        _keep_own(flight, store, item_id, inputs, trust, land.crs)
        made = _keep_pass(flight, grid, store, f"{collection}/{file_name(item_id)}", inputs, trust)
    return _taken(flight, there or made, new=there is None, why=trust.why)


def _check_over(flight: Flight, land: Land) -> None:
    """Refuse a flight that shows none of the fields."""
    ground = shapely.box(*flight.bounds_in("EPSG:4326"))
    fields = land.outlines.geometry
    if bool(fields.intersects(ground).any()):
        return
    middle, nearest = ground.centroid, fields.union_all().centroid
    raise BadInput(
        "ORTHO-ELSEWHERE",
        "{where}: lies at {met} (north, east), where none of the fields is; they lie around {expected}, {km} km away",
        "give the fields below it, or check the mosaic's coordinate system",
        where=flight.path.name,
        met=f"{middle.y:.3f} {middle.x:.3f}",
        expected=f"{nearest.y:.3f} {nearest.x:.3f}",
        km=round(float(shapely.distance(np.asarray(fields.array), middle).min()) * _EARTH_KM_A_DEG),
    )


def _looks(flight: Flight, land: Land, store: Store, settings: Settings, rules: Mapping[str, Any]) -> list[Acquisition]:
    """The satellite's looks near in time, of the configured catalogue and of the local one."""
    local = store.root / catalogue.CATALOG
    own = {"source": "stac", "catalog": local, "unlinked": False}
    choices = [settings] if settings.imagery.catalog is not None or settings.imagery.source == "twin" else []
    if local.is_file():
        choices.append(settings.model_copy(update={"imagery": settings.imagery.model_copy(update=own)}))
    last = (flight.flown_at + timedelta(days=rules["days_apart"])).date()
    found = {look.acquisition_id: look for choice in choices for look in find_over(choice, land, last)[0]}
    return [
        look
        for look in found.values()
        if abs(look.acquired_at - flight.flown_at) <= timedelta(days=rules["days_apart"])
        and not look.collection.startswith(PASSES)
        and {"red", "nir"} <= set(look.bands)
    ]


def _keep_pass(flight: Flight, grid: Grid, store: Store, place: str, inputs: str, trust: Trust) -> Published:
    """The flight on the satellite's pixels, as a catalogue gives a pass."""
    content: dict[str, Any] = {}
    assets: dict[str, dict[str, Any]] = {}
    for band, values in trust.seen.data_vars.items():
        with np.errstate(invalid="ignore"):
            counts = np.clip(np.rint((values.values - _OFFSET) / _SCALE), 1, 65_535)
        stored = np.where(np.isfinite(values.values), counts, 0).astype("uint16")
        about = {"data_type": "uint16", "nodata": 0, "scale": _SCALE, "offset": _OFFSET, "spatial_resolution": 10}
        content[str(band)], assets[str(band)] = _cog(str(band), stored, grid, about)
    seen = np.isfinite(trust.seen["red"].values).reshape(grid.height // 2, 2, grid.width // 2, 2).any(axis=(1, 3))
    classes = np.where(seen, 4, 0).astype("uint8")  # flown below the clouds: what was seen is ground
    told = {"data_type": "uint8", "nodata": 0, "spatial_resolution": 20}
    content["scl"], assets["scl"] = _cog("scl", classes, grid.at(20), told)
    properties = {**_about(flight, grid.crs, inputs), **trust.as_properties()}
    return catalogue.add(store, place, content, _item(place, grid, properties, assets))


def _cog(name: str, stored: np.ndarray, grid: Grid, about: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    unit = "class" if name == "scl" else "1"
    layer = Layer(name, unit, 0, 65_535, grid.resolution_m, (), name, 1, str(stored.dtype), 0)
    return rasters.to_cog(layer, stored, grid).content, items.raster_asset(name, name, grid, about)


def _item(place: str, grid: Grid, properties: Mapping[str, Any], assets: Mapping[str, Any]) -> dict[str, Any]:
    collection, name = place.split("/", 1)
    return items.item(name, items.bbox_of(grid), properties, assets) | {"collection": collection}


def _about(flight: Flight, crs: str, inputs: str) -> dict[str, Any]:
    return {
        "datetime": flight.flown_at.isoformat().replace("+00:00", "Z"),
        "platform": "uav",
        "agro:camera": flight.camera,
        "agro:panel": flight.calibrated,
        "proj:code": crs,
        catalogue.INPUTS: inputs,
    }


def _keep_own(
    flight: Flight, store: Store, item_id: str, inputs: str, trust: Trust | None, crs: str
) -> tuple[Published, bool]:
    """The mosaic in its own pixels, where it truly lies, with what its numbers mean; and whether it is new."""
    place = f"{OWN}/{file_name(item_id)}"
    there = known(store, place, inputs, flight.path)
    if there is not None:
        return there, False
    with opened(flight.path) as source:
        names = ["other"] * source.count
        for name, n in flight.bands.items():
            names[n - 1] = name
        transform = Affine.translation(*_own_move(flight, trust, crs)) @ flight.transform
        about = OwnPixels(flight.crs, transform, source.shape, source.dtypes[0], flight.nodata, names)
    target = store.staging / f"{file_name(item_id)}-own.tif"
    picture = store.staging / f"{file_name(item_id)}-gli.tif"
    content = {"mosaic": write_own(target, about, orthomosaic.windows(flight))}
    bands = [_means_in_own(flight, name, trust) | {"name": name} for name in names]
    assets = {"mosaic": _own_asset("mosaic", about, bands)}
    if trust is None:
        layer = LAYERS["gli"]
        green = OwnPixels(flight.crs, transform, about.shape, layer.dtype, layer.nodata, ["gli"])
        content["gli"] = write_own(picture, green, _greenness(flight))
        assets["gli"] = _own_asset("gli", green, [{"unit": "1", "scale": layer.step, "offset": 0}])
    properties = {**_about(flight, flight.crs, inputs), **(trust.as_properties() if trust else {})}
    item = items.item(item_id, flight.bounds_in("EPSG:4326"), properties, assets) | {"collection": OWN}
    try:
        return catalogue.add(store, place, content, item), True
    finally:
        for left in (target, picture):
            left.unlink(missing_ok=True)


def _own_asset(name: str, about: OwnPixels, bands: list[dict[str, Any]]) -> dict[str, Any]:
    grid = Grid(about.crs, 0, 0, 1, *about.shape)
    asset = items.raster_asset(name, name, grid, {}) | {"raster:bands": bands}
    return asset | {"proj:transform": list(about.transform)[:6]}


def _means_in_own(flight: Flight, name: str, trust: Trust | None) -> dict[str, Any]:
    """What turns the file's numbers into reflectance, the satellite's where the flight was brought to it."""
    if flight.scale is None or name not in flight.bands or name == "alpha":
        return {}
    line = trust.lines.get(name) if trust is not None and trust.word == "calibrated" else None
    if line is None or (trust is not None and name in trust.left_out):
        return {"scale": flight.scale, "offset": flight.offset}
    return {"scale": flight.scale * line.slope, "offset": flight.offset * line.slope + line.intercept}


def _own_move(flight: Flight, trust: Trust | None, crs: str) -> tuple[float, float]:
    """How far the mosaic is moved in the units of its own CRS."""
    if trust is None or trust.moved_m == (0.0, 0.0):
        return 0.0, 0.0
    with opened(flight.path) as source:
        x, y = source.transform @ (source.width / 2, source.height / 2)
    there = Transformer.from_crs(flight.crs, crs, always_xy=True)
    east, north = there.transform(x, y)
    back = there.transform(east + trust.moved_m[0], north + trust.moved_m[1], direction="INVERSE")
    return back[0] - x, back[1] - y


def _take_picture(flight: Flight, grid: Grid, store: Store, item_id: str, inputs: str) -> Taken:
    """A colour picture: its greenness, named for what it is."""
    own, new = _keep_own(flight, store, item_id, inputs, None, grid.crs)
    place = f"{PICTURES}/{file_name(item_id)}"
    seen = orthomosaic.read(flight, grid, VISIBLE)
    green = gli(seen["red"], seen["green"], seen["blue"]).values
    told: tuple[Refusal, ...] = ()
    if not np.isfinite(green).any():
        told = (
            Refusal(
                "ORTHO-SMALL",
                "{where}: covers no pixel of 10 m to four fifths",
                "it is kept in its own pixels only; fly a larger piece for a map of 10 m",
                {"where": flight.path.name},
            ),
        )
    elif known(store, place, inputs, flight.path) is None:
        layer, new = LAYERS["gli"], True
        made: cog.Cog = rasters.to_cog(layer, rasters.encode(layer, green), grid)
        assets = {"gli": items.raster_asset("gli", layer.meaning, grid, rasters.described(layer, made.counted))}
        properties = {**_about(flight, grid.crs, inputs), "agro:trust": "relative"}
        catalogue.add(store, place, {"gli": made.content}, _item(place, grid, properties, assets))
    sentence = Told(
        "colour picture of {when}: greenness (green leaf index) between {low} and {high}; no NDVI, it sees no infrared",
        {"when": f"{flight.flown_at:%Y-%m-%d %H:%M}", **_range(store, own)},
    )
    return Taken(flight.path.name, own.place if told else place, sentence, new, told)


def _range(store: Store, own: Published) -> dict[str, float]:
    """The middle nine tenths of the greenness in the mosaic's own pixels."""
    with opened(store.root / own.place / "gli.tif") as source:
        step = max(1, max(source.shape) // 2000)
        values = source.read(1, out_shape=(-(-source.height // step), -(-source.width // step)), masked=True)
    known_values = values.compressed() * LAYERS["gli"].step
    low, high = np.percentile(known_values, [5, 95]) if known_values.size else (np.nan, np.nan)
    return {"low": round(float(low), 2), "high": round(float(high), 2)}


def _greenness(flight: Flight) -> Iterator[tuple[Window, np.ndarray]]:
    """The green leaf index in the mosaic's own pixels, as it is stored."""
    for window, pixels in orthomosaic.windows(flight):
        bands = {name: pixels[flight.bands[name] - 1].astype("float32") for name in VISIBLE}
        seen = np.ones(pixels.shape[1:], bool)
        if flight.nodata is not None:
            seen &= ~np.all([band == flight.nodata for band in bands.values()], axis=0)
        if "alpha" in flight.bands:
            seen &= pixels[flight.bands["alpha"] - 1] > 0
        green = gli(*(xr.DataArray(np.where(seen, bands[name], np.nan), dims=("y", "x")) for name in VISIBLE)).values
        yield window, rasters.encode(LAYERS["gli"], green)[None]


def _taken(flight: Flight, item: Published, *, new: bool, why: Told | None = None) -> Taken:
    """What is told of a flight: how far it was moved, and how each band follows the satellite."""
    about = item.properties
    lines = "; ".join(
        f"{band} {one['slope']:g}·x{one['intercept']:+g}, R2 {one['r2']:.2f}, {one['n_px']} px"
        for band, one in about["agro:lines"].items()
    )
    when = f"{flight.flown_at:%Y-%m-%d %H:%M}"
    moved = {
        "scene": about["agro:reference"],
        "hours": about["agro:reference_hours_apart"],
        "east": about["agro:moved_east_m"],
        "north": about["agro:moved_north_m"],
        "left": about["agro:left_over_m"],
        "lines": lines,
    }
    report = {name.removeprefix("agro:"): value for name, value in about.items() if name.startswith("agro:")}
    if about["agro:trust"] == "calibrated":
        sentence = Told(
            "flight of {when}, calibrated by {scene} ({hours} h apart): moved {east} m east and {north} m north, "
            "{left} m left; {lines}",
            {"when": when, **moved},
        )
        left_out = tuple(
            Refusal(
                "UAV-BAND",
                "{where}: the band {band} does not follow that of Sentinel-2 (R2 {met}) and is left out",
                "it stays in the mosaic's own pixels; check the panel and the band's name",
                {"where": flight.path.name, "band": band, "met": about["agro:lines"].get(band, {}).get("r2")},
            )
            for band in about["agro:bands_left_out"]
        )
        return Taken(flight.path.name, item.place, sentence, new, left_out, report)
    sentence = Told("flight of {when}, relative only: it stays a series of its own", {"when": when})
    told = Refusal(
        "UAV-RELATIVE",
        "{where}: is not compared with the satellite's maps: {why}",
        "look at differences inside the flight only; take in a clear Sentinel-2 scene near it, then the flight again",
        {"where": flight.path.name, "why": why or about["agro:trust_reason"]},
    )
    return Taken(flight.path.name, item.place, sentence, new, (told,), report)
