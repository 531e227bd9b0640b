"""The simulated region's files: a static STAC catalogue of Sentinel-2-like passes, and the truth in a folder apart."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from pyproj import Transformer

from agro.domain.grid import Grid
from agro.twin.chance import chance
from agro.twin.growth import State, grow
from agro.twin.harm import Harm, planted
from agro.twin.land import Ground, ground
from agro.twin.light import BANDS, FINE, above_ground, to_20_m
from agro.twin.records import write_elevation, write_soil_samples, write_weather
from agro.twin.sky import Sky, scene_classes, sky, sun_angles, through
from agro.twin.weather import season_weather

VERSION = 3  # raise it when the same seed gives another region
COLLECTION = "sentinel-2-l2a"
_SINCE_0400 = datetime(2022, 1, 25, tzinfo=UTC)  # the day from which products carry the offset. source: ESA
_ASSETS = dict(
    zip((*BANDS, "scl"), ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "SCL"), strict=True)
)
_ENCODING = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1, "predictor": 2}
_SIMULATED = "SIMULATED by the program: no satellite saw this"


@dataclass(frozen=True)
class Orbit:
    """One relative orbit over the region: its number, first day of the season, days between looks, view [deg]."""

    number: int
    first_day: int
    every_days: int
    view_zenith_deg: float
    view_azimuth_deg: float


@dataclass(frozen=True)
class Look:
    """One pass over one place: its item's id, ground, time (UTC), orbit, zenith and azimuth of the sun [deg], sky."""

    name: str
    place: Ground
    when: datetime
    orbit: Orbit
    sun: tuple[float, float]
    above: Sky


_ORBITS = (Orbit(19, 24, 10, 4.1, 104.0), Orbit(119, 30, 10, 8.7, 288.0))  # days from 1 April
_LAST_DAY = 190  # of the season, counted from 1 April
_AT = timedelta(hours=5, minutes=18)  # UTC of the pass, noon by the clock of Kuzbass


def make(
    path: Path,
    outlines: gpd.GeoDataFrame,
    facts: Mapping[str, Any],
    seasons: Sequence[int],
    seed: int,
    faults: bool,
    crs: str,
    step: Callable[[str], None],
) -> Path:
    """Make the region's folder at `path`, whole or absent, and give its catalogue's path.

    outlines need `field_id` and `district`; `facts` are those of configs/twin.toml; `step` is told of each season.
    """
    making = path.with_name(path.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    folder = making / "catalog" / COLLECTION
    folder.mkdir(parents=True)
    names: list[str] = []
    for district in sorted(outlines["district"].unique()):
        place = ground(outlines, district, crs, seed)
        write_elevation(making / "elevation", place, seed)
        write_soil_samples(making / "soil", making / "truth", place, facts["laboratory"], seasons[0], seed)
        write_weather(making / "weather", place, facts["climate"], seasons, seed)
        for season in seasons:
            names += _season(making, folder, place, season, facts, seed)
            step(f"{district} {season}")
    _dirty(folder, names, seed)
    if faults:
        _spoil(folder, names, seed)
    _catalogue(making / "catalog", names, seed)
    shutil.rmtree(path, ignore_errors=True)
    making.rename(path)
    return path / "catalog" / "catalog.json"


def passes_of(season: int) -> list[tuple[datetime, Orbit]]:
    """When the satellites look at the region in a season."""
    start = datetime(season, 4, 1, tzinfo=UTC) + _AT
    looks = [
        (start + timedelta(days=day), orbit)
        for orbit in _ORBITS
        for day in range(orbit.first_day, _LAST_DAY, orbit.every_days)
    ]
    return sorted(looks, key=lambda look: look[0])


def _season(making: Path, folder: Path, place: Ground, season: int, facts: Mapping[str, Any], seed: int) -> list[str]:
    """One district's passes of one season: files in `folder`, truth beside; the items' ids."""
    west, south, east, north = _degrees(place.grid)
    middle = ((west + east) / 2, (south + north) / 2)
    weather = season_weather(facts["climate"], place.district, season, middle[1], seed)
    looks = {when.date(): (when, orbit) for when, orbit in passes_of(season)}
    harms = planted(place, season, facts["harm"], seed)
    truth, names, state = {}, [], None
    for state in grow(place, weather, facts["spring_wheat"], season, seed, harms):
        if state.day.date() not in looks:
            continue
        when, orbit = looks[state.day.date()]
        name = f"TWIN_{place.district.upper()}_{when:%Y%m%d}_R{orbit.number:03d}_L2A"
        random = chance(seed, name)
        sun = sun_angles(when, *middle)
        above = sky(place.grid.shape, facts["sky"], sun, random)
        light = above_ground(state, place, 1 if orbit is _ORBITS[0] else -1, random)
        seen = through(light, above)
        classes = scene_classes(seen, above, facts["sky"], random)
        _write_pass(folder / name, Look(name, place, when, orbit, sun, above), seen, classes)
        names.append(name)
        truth[f"lai_{when:%Y%m%d}"] = to_20_m(state.lai)
        truth[f"wetness_{when:%Y%m%d}"] = to_20_m(state.wetness)
        truth[f"cloud_{when:%Y%m%d}"] = to_20_m(np.maximum(above.opacity, above.shade))
    assert state is not None
    _write_truth(making / "truth", place, season, truth, state)
    _write_harms(making / "truth", place, season, harms)
    return names


def _write_pass(folder: Path, look: Look, seen: Mapping[str, np.ndarray], classes: np.ndarray) -> None:
    folder.mkdir()
    grid, added = look.place.grid, 1000 if look.when >= _SINCE_0400 else 0
    for band in BANDS:
        pixels = seen[band] if band in FINE else to_20_m(seen[band])
        counts = np.clip(np.rint(pixels * 10_000) + added, 1, 65_535).astype("uint16")
        _write_raster(folder / f"{_ASSETS[band]}.tif", counts, grid.at(10 if band in FINE else 20))
    _write_raster(folder / "SCL.tif", classes, grid.at(20))
    (folder / f"{look.name}.json").write_text(json.dumps(_item(look), indent=1))


def _item(look: Look) -> dict[str, Any]:
    west, south, east, north = _degrees(look.place.grid)
    late = look.when >= _SINCE_0400
    assets = {}
    for band, file in _ASSETS.items():
        size = 10 if band in FINE else 20
        about: dict[str, Any] = {
            "nodata": 0,
            "data_type": "uint8" if band == "scl" else "uint16",
            "spatial_resolution": size,
        }
        if band != "scl":
            about |= {"scale": 0.0001, "offset": -0.1 if late else 0.0}
        assets[band] = {
            "href": f"./{file}.tif",
            "type": "image/tiff; application=geotiff",
            "roles": ["data"],
            "raster:bands": [about],
        }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": look.name,
        "collection": COLLECTION,
        "bbox": [west, south, east, north],
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
        },
        "properties": {
            "datetime": f"{look.when:%Y-%m-%dT%H:%M:%SZ}",
            "description": _SIMULATED,
            "platform": "sentinel-2b" if look.when.toordinal() // 5 % 2 else "sentinel-2a",
            "proj:epsg": int(look.place.grid.crs.split(":")[1]),
            "sat:relative_orbit": look.orbit.number,
            "s2:processing_baseline": "04.00" if late else "03.01",
            "eo:cloud_cover": round(100 * look.above.cover, 1),
            "view:sun_elevation": round(90 - look.sun[0], 2),
            "view:sun_azimuth": round(look.sun[1], 2),
            "view:off_nadir": look.orbit.view_zenith_deg,
            "view:azimuth": look.orbit.view_azimuth_deg,
        },
        "assets": assets,
        "links": [{"rel": "collection", "href": "../collection.json"}, {"rel": "parent", "href": "../collection.json"}],
    }


def _write_raster(path: Path, pixels: np.ndarray, grid: Grid) -> None:
    size = {"height": grid.height, "width": grid.width, "count": 1, "dtype": pixels.dtype}
    place = {"crs": grid.crs, "transform": grid.transform, "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", **size, **place, **_ENCODING) as raster:
        raster.write(pixels, 1)


def _write_truth(folder: Path, place: Ground, season: int, truth: Mapping[str, np.ndarray], last: State) -> None:
    """The truth of a district's season, a row a 20 m pixel and a row a field. The pipeline never opens it."""
    folder.mkdir(exist_ok=True)
    field = place.field[::2, ::2]
    rows, columns = field.nonzero()
    table = pd.DataFrame(
        {"field_id": np.array(place.field_ids)[field[rows, columns] - 1], "row": rows, "column": columns}
    )
    table["yield_t_ha"] = to_20_m(last.yield_t_ha)[rows, columns].astype("float32")
    table = pd.concat(
        [table, pd.DataFrame({name: pixels[rows, columns].astype("float32") for name, pixels in truth.items()})], axis=1
    )
    table.to_parquet(folder / f"pixels-{place.district}-{season}.parquet", index=False)
    fields = table.groupby("field_id", as_index=False)["yield_t_ha"].mean().assign(season=season)
    fields.to_csv(folder / f"fields-{place.district}-{season}.csv", index=False)


def _write_harms(folder: Path, place: Ground, season: int, harms: Sequence[Harm]) -> None:
    """A row for each 10 m pixel that an event hit."""
    rows = [
        pd.DataFrame(
            {
                "field_id": place.field_ids[harm.field - 1],
                "kind": harm.kind,
                "on": pd.Timestamp(season, 4, 1) + pd.Timedelta(days=harm.day),
                "x_m": place.grid.west_m + 10 * harm.columns + 5,
                "y_m": place.grid.north_m - 10 * harm.rows - 5,
            }
        )
        for harm in harms
    ]
    nothing = pd.DataFrame({"field_id": [], "kind": [], "on": [], "x_m": [], "y_m": []})
    pd.concat(rows or [nothing]).to_parquet(folder / f"events-{place.district}-{season}.parquet", index=False)


def _dirty(folder: Path, names: list[str], seed: int) -> None:
    """What real archives have and a pipeline must take: a missing asset, half an image, an item listed twice."""
    random = chance(seed, "dirt")
    bare, half, twice = (names[i] for i in random.choice(len(names), 3, replace=False))
    path = folder / bare / f"{bare}.json"
    item = json.loads(path.read_text())
    del item["assets"]["swir16"]
    path.write_text(json.dumps(item, indent=1))
    (folder / bare / "B11.tif").unlink()
    for raster in (folder / half).glob("*.tif"):
        with rasterio.open(raster, "r+") as edge:
            pixels = edge.read(1)
            pixels[:, pixels.shape[1] // 2 // 2 * 2 :] = 0  # the swath ended here
            edge.write(pixels, 1)
    names.append(twice)


def _spoil(folder: Path, names: list[str], seed: int) -> None:
    """What must fail by name: a torn file, a page in place of an image, an item that is no JSON, one without scale."""
    random = chance(seed, "faults")
    torn, page, broken, bare = (names[i] for i in random.choice(len(set(names)), 4, replace=False))
    band = folder / torn / "B08.tif"
    band.write_bytes(band.read_bytes()[: band.stat().st_size // 3])
    (folder / page / "B04.tif").write_text("<html><title>login</title></html>")
    (folder / broken / f"{broken}.json").write_text("{")
    path = folder / bare / f"{bare}.json"
    item = json.loads(path.read_text())
    del item["properties"]["s2:processing_baseline"]
    for asset in item["assets"].values():
        del asset["raster:bands"]
    path.write_text(json.dumps(item, indent=1))


def _catalogue(folder: Path, names: Sequence[str], seed: int) -> None:
    listed = list(names)
    chance(seed, "order").shuffle(listed)  # late products stand wherever they came
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "description": _SIMULATED,
        "license": "CC0-1.0",
        "extent": {"spatial": {"bbox": [[84, 53, 90, 57]]}, "temporal": {"interval": [[None, None]]}},
        "links": [
            {"rel": "parent", "href": "../catalog.json"},
            *({"rel": "item", "href": f"./{name}/{name}.json"} for name in listed),
        ],
    }
    (folder / COLLECTION / "collection.json").write_text(json.dumps(collection, indent=1))
    catalog = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "twin",
        "description": _SIMULATED,
        "links": [{"rel": "child", "href": f"./{COLLECTION}/collection.json"}],
    }
    (folder / "catalog.json").write_text(json.dumps(catalog, indent=1))


def _degrees(grid: Grid) -> tuple[float, float, float, float]:
    west, south, east, north = Transformer.from_crs(grid.crs, 4326, always_xy=True).transform_bounds(*grid.bounds)
    return round(west, 6), round(south, 6), round(east, 6), round(north, 6)
