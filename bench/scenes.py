"""Images to measure on: spatially correlated counts of every band, clouds with their shadows, an edge of the swath.

    python bench/scenes.py FOLDER --side 10980 --dates 3 --fields 3000 [--jp2] [--share 1.0]

Writes FOLDER/catalog (STAC, COGs of 512 px, deflate with predictor 2, or JPEG 2000) and FOLDER/fields.gpkg. It knows
nothing of Agro, so that any tool can be measured on what it makes. Texture repeats every 2,048 pixels, at other places
in each band and date; the files compress like those of real passes.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.shutil import copy as copy_raster
from rasterio.transform import from_origin
from shapely.geometry import Polygon, box

CRS, WEST, NORTH = "EPSG:32645", 399_960, 6_100_020
OFFSET = -1000  # [count] of processing baseline 04.00 and later
PATCH = 2048  # [px] of texture
# What bare soil and full cover reflect [1e-4], by band; then the size of the pixel [m].
BANDS = {
    "green": (900, 500, 10),
    "red": (1300, 350, 10),
    "nir": (2100, 4600, 10),
    "rededge1": (1600, 900, 20),
    "rededge2": (1900, 3000, 20),
    "rededge3": (2050, 4100, 20),
    "nir08": (2200, 4700, 20),
    "swir16": (3000, 1900, 20),
    "swir22": (2500, 950, 20),
}
NOISE = 35  # [count] of white noise
DATES = 3  # passes after these show the same pixels again, from the same files


class Ground:
    """Texture to take from: smooth surfaces of mean 0 and deviation 1, and white noise."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.smooth = [self._surface(slope) for slope in (1.6, 1.6, 2.6)]
        self.white = self.random.normal(size=(PATCH, PATCH)).astype("float32")

    def _surface(self, slope: float) -> np.ndarray:
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(PATCH), np.fft.rfftfreq(PATCH), indexing="ij"))
        frequency[0, 0] = np.inf
        waves = np.fft.rfft2(self.random.normal(size=(PATCH, PATCH))) / frequency ** (slope / 2 + 0.5)
        surface = np.fft.irfft2(waves, (PATCH, PATCH))
        return ((surface - surface.mean()) / surface.std()).astype("float32")

    def band(self, rows: slice, side: int, size: int, date: int, soil: int, green: int, shift: int) -> np.ndarray:
        """Counts of some rows of a band."""
        at = np.arange(rows.start, rows.stop) * (size // 10) % PATCH, np.arange(side) * (size // 10) % PATCH
        cover = 1 / (1 + np.exp(-1.5 * (self.smooth[0][np.ix_(*at)] + 0.3 * date - 0.3)))
        light = 1 + 0.12 * self.smooth[1][np.ix_((at[0] + 700) % PATCH, at[1])]
        noise = NOISE * self.white[np.ix_((at[0] + shift) % PATCH, (at[1] + 3 * shift) % PATCH)]
        counts = (soil + (green - soil) * cover) * light + noise - OFFSET
        return np.clip(np.rint(counts), 1, 65_535).astype("uint16")

    def classes(self, side: int, date: int, cloudy: float) -> np.ndarray:
        """Scene classes on 20 m: plants and soil, clouds of `cloudy` of the ground, and their shadows."""
        at = (np.arange(side) + 331 * date) % PATCH, (np.arange(side) + 577 * date) % PATCH
        high = self.smooth[2]
        cloud = (high > np.quantile(high, 1 - cloudy))[np.ix_(*at)]
        classes = np.where(self.smooth[0][np.ix_(np.arange(side) * 2 % PATCH, np.arange(side) * 2 % PATCH)] > 0, 4, 5)
        classes[np.roll(cloud, (20, -15), (0, 1))] = 3
        classes[cloud] = 9
        return classes.astype("uint8")


def main() -> None:
    """Make the folder."""
    ask = argparse.ArgumentParser()
    ask.add_argument("folder", type=Path)
    ask.add_argument("--side", type=int, default=10_980, help="pixels of 10 m, even")
    ask.add_argument("--dates", type=int, default=3)
    ask.add_argument("--fields", type=int, default=3_000)
    ask.add_argument("--tiles", type=int, default=1, help="tiles beside each other; all show the same texture")
    ask.add_argument("--share", type=float, default=1.0, help="share of the tile's area that fields are spread over")
    ask.add_argument("--jp2", action="store_true")
    ask.add_argument("--seed", type=int, default=1)
    make(**vars(ask.parse_args()))


def make(
    folder: Path,
    side: int,
    dates: int,
    fields: int,
    tiles: int = 1,
    share: float = 1.0,
    jp2: bool = False,
    seed: int = 1,
) -> None:
    """Make a catalogue of `dates` passes over each tile, and the fields; what is there already stays."""
    if (folder / "catalog" / "catalog.json").is_file():
        return
    ground, collection = Ground(seed), folder / "catalog" / "sentinel-2-l2a"
    collection.mkdir(parents=True, exist_ok=True)
    names = []
    for tile in range(tiles):
        for date in range(dates):
            name = f"S2A_45U{chr(65 + tile)}B_{date:02d}"
            names.append(name)
            own = f"S2A_45U{chr(65 + tile)}B_{date % DATES:02d}"
            first = collection / f"S2A_45UAB_{date % DATES:02d}"
            if date >= DATES:
                again(collection / name, collection / own, side, tile, date, jp2)
            else:
                pass_of(collection / name, ground, side, tile, date, jp2, None if tile == 0 else first)
    outlines(side, tiles, fields, share, np.random.default_rng(seed)).to_file(folder / "fields.gpkg", driver="GPKG")
    catalog(folder, names)


def catalog(folder: Path, names: Sequence[str]) -> None:
    """The files that say which items there are."""
    collection = folder / "catalog" / "sentinel-2-l2a"
    links = [{"rel": "item", "href": f"./{name}/{name}.json"} for name in names]
    about = {"stac_version": "1.0.0", "license": "CC0-1.0", "description": "made to be measured on"}
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    whole = {"type": "Collection", "id": "sentinel-2-l2a", "extent": extent, "links": links, **about}
    (collection / "collection.json").write_text(json.dumps(whole))
    child = [{"rel": "child", "href": "./sentinel-2-l2a/collection.json"}]
    root = {"type": "Catalog", "id": "bench", "links": child, **about}
    (folder / "catalog" / "catalog.json").write_text(json.dumps(root))


def pass_of(folder: Path, ground: Ground, side: int, tile: int, date: int, jp2: bool, like: Path | None) -> None:
    """One item with its files; of a tile beside the first one, the files are the first one's, put elsewhere."""
    folder.mkdir(exist_ok=True)
    west = WEST + tile * side * 10
    ending = "jp2" if jp2 else "tif"
    edge = 0.3 if date % 3 == 2 else 0.0  # every third pass shows the edge of the swath
    for shift, (name, (soil, green, size)) in enumerate(BANDS.items()):
        own = side * 10 // size
        if like is None:
            rows = [slice(r, min(r + PATCH, own)) for r in range(0, own, PATCH)]
            pixels = np.concatenate([ground.band(r, own, size, date, soil, green, 97 * shift) for r in rows])
            pixels[_beyond(own, edge)] = 0
        else:
            pixels = read(like / f"{name}.{ending}")
        write(folder / f"{name}.{ending}", pixels, west, size)
    classes = ground.classes(side // 2, date, 0.25)
    classes[_beyond(side // 2, edge)] = 0
    write(folder / f"scl.{ending}", classes, west, 20)
    (folder / f"{folder.name}.json").write_text(json.dumps(item(folder.name, side, west, date, ending)))


def again(folder: Path, like: Path, side: int, tile: int, date: int, jp2: bool) -> None:
    """One item of another date with the files of an earlier pass."""
    folder.mkdir(exist_ok=True)
    ending = "jp2" if jp2 else "tif"
    for path in like.glob(f"*.{ending}"):
        (folder / path.name).hardlink_to(path)
    west = WEST + tile * side * 10
    (folder / f"{folder.name}.json").write_text(json.dumps(item(folder.name, side, west, date, ending)))


def _beyond(side: int, edge: float) -> np.ndarray:
    """The pixels that the swath does not reach: a slanting edge, at most this share of the width."""
    return np.arange(side)[None, :] < edge * side - 0.15 * np.arange(side)[:, None]


def read(path: Path) -> np.ndarray:
    """A whole band."""
    with rasterio.open(path) as raster:
        return np.asarray(raster.read(1))


def write(path: Path, pixels: np.ndarray, west: float, size: int) -> None:
    """A band as a COG, or as JPEG 2000 without loss."""
    place = {"crs": CRS, "transform": from_origin(west, NORTH, size, size), "nodata": 0}
    shape = {"count": 1, "height": pixels.shape[0], "width": pixels.shape[1], "dtype": pixels.dtype}
    cog = {"compress": "deflate", "predictor": 2, "blocksize": 512, "overview_resampling": "nearest"}
    if path.suffix == ".tif":
        with rasterio.open(path, "w", driver="COG", **shape, **place, **cog) as raster:
            raster.write(pixels, 1)
        return
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", **shape, **place) as raster:
            raster.write(pixels, 1)
        with memory.open() as raster:
            copy_raster(
                raster, path, driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES", BLOCKXSIZE=1024, BLOCKYSIZE=1024
            )


def item(name: str, side: int, west: float, date: int, ending: str) -> dict[str, object]:
    """The STAC item of a pass."""
    reach = west, NORTH - side * 10, west + side * 10, NORTH
    bounds = Transformer.from_crs(CRS, 4326, always_xy=True).transform_bounds(*reach)
    when = datetime(2024, 6, 1, 5, tzinfo=UTC) + timedelta(days=5 * date)
    about = {"nodata": 0, "scale": 0.0001, "offset": OFFSET / 10_000}
    assets: dict[str, object] = {n: {"href": f"./{n}.{ending}", "raster:bands": [about]} for n in BANDS}
    assets["scl"] = {"href": f"./scl.{ending}"}
    sun = {"view:sun_elevation": 50.0, "view:sun_azimuth": 160.0, "view:off_nadir": 3.0, "view:azimuth": 40.0}
    properties = {"datetime": when.isoformat(), "platform": "sentinel-2a", "s2:processing_baseline": "05.10", **sun}
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "geometry": json.loads(json.dumps(box(*bounds).__geo_interface__)),
        "bbox": list(bounds),
        "properties": {**properties, "proj:epsg": 32645},
        "assets": assets,
        "links": [],
    }


def outlines(side: int, tiles: int, fields: int, share: float, random: np.random.Generator) -> gpd.GeoDataFrame:
    """Fields of 5 to 150 ha with some twenty corners, one to a square of ground, over a share of each tile."""
    reach = side * 10 * share**0.5
    across = int(np.ceil((fields / tiles) ** 0.5))
    step = reach / across
    shapes: list[Polygon] = []
    while len(shapes) < fields:
        square = len(shapes) % -(-fields // tiles)
        corner_x = WEST + len(shapes) // -(-fields // tiles) * side * 10 + (side * 10 - reach) / 2
        corner_y = NORTH - (side * 10 - reach) / 2
        middle = corner_x + (square % across + 0.5) * step, corner_y - (square // across + 0.5) * step
        radius = min(float(random.lognormal(np.log(350), 0.4)), 0.48 * step)
        angle = np.sort(random.uniform(0, 2 * np.pi, 20))
        reaches = radius * random.uniform(0.75, 1.0, 20)
        shapes.append(Polygon(np.column_stack([reaches * np.cos(angle), reaches * np.sin(angle)]) + middle))
    ids = [f"f{n:05d}" for n in range(fields)]
    return gpd.GeoDataFrame({"field_id": ids}, geometry=shapes, crs=CRS)


def areas_ha(folder: Path) -> Sequence[float]:
    """The fields' areas [ha]."""
    return list(gpd.read_file(folder / "fields.gpkg").area / 10_000)


if __name__ == "__main__":
    main()
