"""What the tests make for themselves: small catalogues, fields, and a run without Prefect."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin
from shapely.geometry import box

from agro.domain.errors import AgroError, Refusal
from agro.domain.grid import Grid
from agro.store.index import opened
from agro.store.publish import writing
from flows.hands import hands
from flows.plan import Plan, make_plan
from flows.settings import Settings
from flows.way_of_a_pass import Done, Season, keep_land

BANDS_10 = ("green", "red", "nir")
BANDS_20 = ("rededge1", "rededge2", "rededge3", "nir08", "swir16", "swir22")
KEYS = {
    "earth-search": {b: b for b in (*BANDS_10, *BANDS_20, "scl")},
    "cdse": dict(zip((*BANDS_10, *BANDS_20, "scl"), ("B03_10m", "B04_10m", "B08_10m", "B05_20m", "B06_20m", "B07_20m", "B8A_20m", "B11_20m", "B12_20m", "SCL_20m"), strict=True)),
    "planetary": dict(zip((*BANDS_10, *BANDS_20, "scl"), ("B03", "B04", "B08", "B05", "B06", "B07", "B8A", "B11", "B12", "SCL"), strict=True)),
}  # fmt: skip
GREEN = {"green": 0.05, "red": 0.03, "nir": 0.40, "rededge1": 0.08, "rededge2": 0.25, "rededge3": 0.35, "nir08": 0.40, "swir16": 0.18, "swir22": 0.09}  # fmt: skip


@dataclass
class Scene:
    """One item of a made catalogue: uniform reflectance unless `pixels` says otherwise; SCL 4 everywhere."""

    item_id: str
    when: str = "2021-07-01T05:00:00Z"
    reflectance: Mapping[str, float] = field(default_factory=lambda: dict(GREEN))
    offset: float | None = 0.0
    declared: bool = True
    baseline: str | None = "03.01"
    scl: Any = 4
    properties: Mapping[str, Any] = field(default_factory=dict)
    pixels: Mapping[str, np.ndarray] = field(default_factory=dict)
    without: Sequence[str] = ()
    naming: str = "earth-search"


@dataclass
class Made:
    """A catalogue and its fields on disk."""

    folder: Path
    crs: str
    west: int
    north: int
    side: int

    @property
    def catalog(self) -> Path:
        return self.folder / "catalog" / "catalog.json"

    @property
    def fields(self) -> Path:
        return self.folder / "fields.geojson"

    def item(self, item_id: str) -> Path:
        return self.folder / "catalog" / "sentinel-2-l2a" / item_id / f"{item_id}.json"

    def edit(self, item_id: str, change: Callable[[dict[str, Any]], Any]) -> None:
        content = json.loads(self.item(item_id).read_text())
        change(content)
        self.item(item_id).write_text(json.dumps(content))

    def overrides(self, store: Path, *more: str) -> list[str]:
        return [f"imagery.catalog={self.catalog}", f"fields.path={self.fields}", f"store.path={store}", *more]


def write_raster(path: Path, pixels: np.ndarray, crs: str, west: float, north: float, size: float, **more: Any) -> None:
    about = {"driver": "GTiff", "dtype": pixels.dtype, "count": 1, "height": pixels.shape[0], "width": pixels.shape[1]}
    place = {"crs": crs, "transform": from_origin(west, north, size, size), "nodata": 0}
    with rasterio.open(path, "w", **{**about, **place, "compress": "deflate", **more}) as raster:
        raster.write(pixels, 1)


def build_catalog(
    root: Path,
    scenes: Sequence[Scene],
    crs: str = "EPSG:32645",
    west: int = 400_000,
    north: int = 6_100_000,
    side: int = 40,
    name: str = "made",
) -> Made:
    """A catalogue of scenes over one patch, with two fields in it: `west` (200 x 400 m) and `east`."""
    folder = root / name / "catalog" / "sentinel-2-l2a"
    folder.mkdir(parents=True)
    for scene in scenes:
        _write_scene(folder / scene.item_id, scene, crs, west, north, side)
    links = [{"rel": "item", "href": f"./{s.item_id}/{s.item_id}.json"} for s in scenes]
    collection = {"type": "Collection", "stac_version": "1.0.0", "id": "sentinel-2-l2a", "description": "made", "license": "CC0-1.0", "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}, "links": links}  # fmt: skip
    (folder / "collection.json").write_text(json.dumps(collection))
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "made", "description": "made", "links": [{"rel": "child", "href": "./sentinel-2-l2a/collection.json"}]}  # fmt: skip
    (folder.parent / "catalog.json").write_text(json.dumps(catalog))
    made = Made(root / name, crs, west, north, side)
    half = side * 10 // 2
    shapes = [
        box(west, north - 2 * half, west + half, north),
        box(west + half, north - 2 * half, west + 2 * half, north),
    ]
    fields = gpd.GeoDataFrame({"field_id": ["west", "east"], "district": ["topki"] * 2}, geometry=shapes, crs=crs)
    fields.to_crs(4326).to_file(made.fields, driver="GeoJSON", COORDINATE_PRECISION=9)
    return made


def _write_scene(folder: Path, scene: Scene, crs: str, west: int, north: int, side: int) -> None:
    folder.mkdir()
    added = -round((scene.offset or 0.0) * 10_000)
    assets: dict[str, Any] = {}
    for band, key in KEYS[scene.naming].items():
        if band in scene.without:
            continue
        size = 10 if band in BANDS_10 else 20
        shape = (side * 10 // size,) * 2
        about: dict[str, Any] = {"nodata": 0}
        if band == "scl":
            pixels = np.broadcast_to(np.asarray(scene.scl, "uint8"), shape).copy()
        else:
            values = scene.pixels.get(band, np.full(shape, scene.reflectance[band]))
            pixels = np.where(np.isnan(values), 0, np.rint(np.nan_to_num(values) * 10_000) + added).astype("uint16")
            about |= {"scale": 0.0001, **({"offset": scene.offset} if scene.offset is not None else {})}
        write_raster(folder / f"{key}.tif", pixels, crs, west, north, size)
        assets[key] = {"href": f"./{key}.tif", **({"raster:bands": [about]} if scene.declared or band == "scl" else {})}
    bounds = Transformer.from_crs(crs, 4326, always_xy=True).transform_bounds(
        west, north - side * 10, west + side * 10, north
    )
    geometry = json.loads(json.dumps(box(*bounds).__geo_interface__))
    sun = {"view:sun_elevation": 50.0, "view:sun_azimuth": 160.0, "view:off_nadir": 3.0, "view:azimuth": 40.0}
    code = {"proj:code": crs} if scene.naming == "cdse" else {"proj:epsg": int(crs.split(":")[1])}
    baseline = {"s2:processing_baseline": scene.baseline} if scene.baseline else {}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": scene.item_id, "collection": "sentinel-2-l2a", "geometry": geometry, "bbox": list(bounds), "properties": {"datetime": scene.when, "platform": "sentinel-2a", **code, **sun, **baseline, **scene.properties}, "assets": assets, "links": []}  # fmt: skip
    (folder / f"{scene.item_id}.json").write_text(json.dumps(item))


def write_radar(root: Path, looks: Mapping[str, tuple[np.ndarray, dict[str, Any], dict[str, Any]]], grid: Grid) -> Path:
    """A collection of radar looks beside others: id to values (y, x) on the grid, `raster:bands`, properties."""
    folder = root / "catalog" / "sentinel-1-grd"
    bounds = Transformer.from_crs(grid.crs, 4326, always_xy=True).transform_bounds(*grid.bounds)
    geometry = json.loads(json.dumps(box(*bounds).__geo_interface__))
    for name, (values, about, told) in looks.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        nodata = np.nan if values.dtype.kind == "f" else -32768
        place = (grid.crs, grid.west_m, grid.north_m, grid.resolution_m)
        write_raster(folder / name / "VV.tif", values, *place, nodata=nodata)
        properties = {"datetime": "2021-07-01T11:50:00Z", "platform": "sentinel-1a", "proj:code": grid.crs, **told}
        asset = {"href": "./VV.tif", "raster:bands": [{"nodata": "nan", "data_type": str(values.dtype), **about}]}
        item = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": "sentinel-1-grd", "geometry": geometry, "bbox": list(bounds), "properties": properties, "assets": {"vv": asset}, "links": []}  # fmt: skip
        (folder / name / f"{name}.json").write_text(json.dumps(item))
    collection = {"type": "Collection", "stac_version": "1.0.0", "id": "sentinel-1-grd", "description": "made", "license": "CC0-1.0", "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}, "links": [{"rel": "item", "href": f"./{n}/{n}.json"} for n in looks]}  # fmt: skip
    (folder / "collection.json").write_text(json.dumps(collection))
    path = folder.parent / "catalog.json"
    catalog = json.loads(path.read_text()) if path.exists() else {"type": "Catalog", "stac_version": "1.0.0", "id": "made", "description": "made", "links": []}  # fmt: skip
    link = {"rel": "child", "href": "./sentinel-1-grd/collection.json"}
    catalog["links"] = [*(one for one in catalog["links"] if one != link), link]
    path.write_text(json.dumps(catalog))
    return path


@dataclass
class Ran:
    """What a run without Prefect did."""

    plan: Plan
    done: dict[str, Done]
    refused: dict[str, Refusal]


def run_plain(settings: Settings) -> Ran:
    """The work of `after_pass` without Prefect."""
    done, refused = {}, {}
    with writing(settings.store.path) as store, opened(store) as index:
        plan = make_plan(settings, index, None)
        season = Season(settings, plan.land, store)
        for result in keep_land(season, plan.outlines_place, plan.seasons_place):
            index.add(result)
        with hands(plan.todo, season) as hand:
            for one in plan.todo:
                name = one.acquisition.acquisition_id
                try:
                    done[name] = hand(one)
                    for result in done[name].published:
                        index.add(result)
                except AgroError as error:
                    refused[name] = error.about(acquisition_id=name)
    refused |= {str(refusal.acquisition_id): refusal for refusal in plan.refused}
    return Ran(plan, done, refused)


def figure(what: str, against: str, theirs: str, ours: str) -> None:
    """Tell a figure that was measured; `make validation` gathers what the tests on real data tell."""
    print("FIGURE", what, against, theirs, ours, sep="|")


def shared_ground(one: Path, other: Path) -> tuple[np.ndarray, np.ndarray]:
    """What both rasters show of the ground that they share; beyond it neither shows anything."""
    with rasterio.open(one) as a, rasterio.open(other) as b:
        assert (a.crs, a.res, a.dtypes, a.nodata) == (b.crs, b.res, b.dtypes, b.nodata)
        west, south, east, north = (max if i < 2 else min for i in range(4))
        shared = [pick(x, y) for pick, x, y in zip((west, south, east, north), a.bounds, b.bounds, strict=True)]
        read = [raster.read(1, window=raster.window(*shared)) for raster in (a, b)]
        for raster, cut in ((a, read[0]), (b, read[1])):
            assert (raster.read(1) != raster.nodata).sum() == (cut != raster.nodata).sum()
        return read[0], read[1]
