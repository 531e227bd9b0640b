"""The same work by other tools, each written well, in a process of its own and an environment that knows nothing of us.

python bench/peers.py WORK FOLDER [--out FILE]; FOLDER as bench/scenes.py makes it, `ndvi.tif` beside it for tables.
Prints CPU and wall seconds of the work as JSON. Clouds are masked by class without a margin: less work than ours.
"""

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.windows import Window

FINE, COARSE = ("red", "nir"), ("nir08", "swir16")
CLEAR = (4, 5, 6, 7)
DRY, WET = (0.3, 1.0), (4.0, 6.0)
WRITTEN = {"driver": "COG", "compress": "zstd", "level": 1, "predictor": "yes", "blocksize": 512}
CHUNK = 2048  # [px] of 10 m


def refl(counts):  # type: ignore[no-untyped-def]
    return counts * np.float32(1e-4) - np.float32(0.1)


def wetness(ndvi, band):  # type: ignore[no-untyped-def]
    """OPTRAM between straight edges."""
    place, dry, wet = (1 - band) ** 2 / (2 * band), DRY[0] + DRY[1] * ndvi, WET[0] + WET[1] * ndvi
    return ((place - dry) / (wet - dry)).clip(0, 1)


def stored(value):  # type: ignore[no-untyped-def]
    return np.where(np.isfinite(value), np.rint(value * 1e4), -32768).astype("int16")


def passes(folder: Path) -> list[Path]:
    return sorted(one for one in (folder / "catalog" / "sentinel-2-l2a").iterdir() if one.is_dir())


def three(fine, coarse, scl):  # type: ignore[no-untyped-def]
    """NDVI on 10 m, NDMI and wetness on 20 m of xarray stacks (time, y, x), masked; medians of the dates."""
    red, nir = (refl(fine[b].astype("float32")) for b in FINE)
    clear = scl.isin(CLEAR)
    wide = clear.data.repeat(2, axis=-2).repeat(2, axis=-1)
    wide = wide.rechunk(red.data.chunks)
    ndvi = ((nir - red) / (nir + red)).where(wide)
    nir08, swir = (refl(coarse[b].astype("float32")) for b in COARSE)
    ndmi = ((nir08 - swir) / (nir08 + swir)).where(clear)
    green = ndvi.coarsen(y=2, x=2).mean().data
    wet = wetness(green, swir).where(clear)
    return {"ndvi": ndvi.median("time"), "ndmi": ndmi.median("time"), "wetness": wet.median("time")}


def kept(layers, folder: Path, out: Path) -> dict[str, Path]:  # type: ignore[no-untyped-def]
    """Compute at once on two threads and write COGs."""
    import dask
    import dask.array as da

    names = list(layers)
    with dask.config.set(scheduler="threads", num_workers=2):
        arrays = dask.compute(*[da.map_blocks(stored, layers[n].data, dtype="int16") for n in names])
    return {name: write(out / f"{name}.tif", pixels, folder, name) for name, pixels in zip(names, arrays, strict=True)}


def write(path: Path, pixels: np.ndarray, folder: Path, name: str) -> Path:
    with rasterio.open(passes(folder)[0] / ("red.tif" if name == "ndvi" else "swir16.tif")) as like:
        place = {"crs": like.crs, "transform": like.transform}
    shape = {"height": pixels.shape[0], "width": pixels.shape[1], "count": 1, "dtype": "int16", "nodata": -32768}
    with rasterio.open(path, "w", **WRITTEN, **shape, **place) as raster:
        raster.write(pixels, 1)
    return path


def exact(maps: dict[str, Path], fields: gpd.GeoDataFrame) -> None:
    from exactextract import exact_extract

    for path in maps.values():
        asked = ["count", "mean", "stdev", "quantile(q=0.1)", "quantile(q=0.9)"]
        exact_extract(str(path), fields, asked, include_cols="field_id", output="pandas")


def by_rasterstats(maps: dict[str, Path], fields: gpd.GeoDataFrame) -> None:
    from rasterstats import zonal_stats

    for path in maps.values():
        zonal_stats(fields, str(path), stats=["count", "mean", "std", "percentile_10", "percentile_90"])


def odc(folder: Path, out: Path) -> None:
    import pystac
    from odc.geo.geobox import GeoBox
    from odc.stac import load

    items = [pystac.Item.from_file(str(next(one.glob("*.json")))) for one in passes(folder)]
    with rasterio.open(passes(folder)[0] / "red.tif") as like:
        fine_box = GeoBox(like.shape, like.transform, like.crs)
    chunks, half = {"x": CHUNK, "y": CHUNK}, {"x": CHUNK // 2, "y": CHUNK // 2}
    fine = load(items, FINE, geobox=fine_box, chunks=chunks, groupby="id")
    coarse = load(items, (*COARSE, "scl"), geobox=fine_box.zoom_out(2), chunks=half, groupby="id")
    exact(kept(three(fine, coarse, coarse["scl"]), folder, out), gpd.read_file(folder / "fields.gpkg"))


def stack(folder: Path, out: Path) -> None:
    import stackstac

    items = [json.loads(next(one.glob("*.json")).read_text()) for one in passes(folder)]
    for item, one in zip(items, passes(folder), strict=True):
        for name, asset in item["assets"].items():
            asset["href"] = str(one / asset["href"])
            asset["type"] = "image/tiff; application=geotiff"
            size = 10 if name in ("green", *FINE) else 20
            with rasterio.open(asset["href"]) as raster:
                asset["proj:transform"], asset["proj:shape"] = list(raster.transform)[:6], list(raster.shape)
                item["properties"]["proj:bbox"] = list(raster.bounds)
            asset["gsd"] = size
    bounds = items[0]["properties"]["proj:bbox"]
    same = {"epsg": 32645, "bounds": bounds, "rescale": False, "dtype": "uint16", "fill_value": np.uint16(0)}
    fine = stackstac.stack(items, assets=list(FINE), resolution=10, chunksize=(1, 1, CHUNK, CHUNK), **same)
    small = (1, 1, CHUNK // 2, CHUNK // 2)
    coarse = stackstac.stack(items, assets=[*COARSE, "scl"], resolution=20, chunksize=small, **same)
    fine, coarse = fine.to_dataset("band"), coarse.to_dataset("band")
    exact(kept(three(fine, coarse, coarse["scl"]), folder, out), gpd.read_file(folder / "fields.gpkg"))


def rio(folder: Path, out: Path) -> None:
    """rioxarray and dask; the table of each map by xarray-spatial on a raster of labels."""
    import rioxarray
    import xarray as xr
    from rasterio.features import rasterize
    from xrspatial.zonal import stats

    def band(name: str, side: int) -> xr.DataArray:
        opened = [rioxarray.open_rasterio(one / f"{name}.tif", chunks={"x": side, "y": side}) for one in passes(folder)]
        return xr.concat([one.squeeze("band", drop=True) for one in opened], "time", join="override")

    fine, coarse = {b: band(b, CHUNK) for b in FINE}, {b: band(b, CHUNK // 2) for b in (*COARSE, "scl")}
    maps = kept(three(fine, coarse, coarse["scl"]), folder, out)
    fields = gpd.read_file(folder / "fields.gpkg")
    for path in maps.values():
        with rasterio.open(path) as raster:
            values, place = raster.read(1), raster.transform
        shapes = zip(fields.geometry, range(1, len(fields) + 1), strict=True)
        labels = rasterize(shapes, values.shape, transform=place, dtype="int32")
        zones, pixels = xr.DataArray(labels, dims=("y", "x")), xr.DataArray(values.astype("float32"), dims=("y", "x"))
        stats(zones, pixels.where(pixels > -32768), stats_funcs=["count", "mean", "std"])


def patches(folder: Path, out: Path) -> None:
    """eo-learn's way without eo-learn: patches as float arrays, one by one, written as they come; rasterstats."""
    with rasterio.open(passes(folder)[0] / "red.tif") as like:
        side = like.width
    whole = {n: np.empty((side if n == "ndvi" else side // 2,) * 2, "int16") for n in ("ndvi", "ndmi", "wetness")}
    for row in range(0, side, CHUNK):
        for column in range(0, side, CHUNK):
            for name, values in _patch(folder, row, column, side).items():
                size = 1 if name == "ndvi" else 2
                y, x = row // size, column // size
                whole[name][y : y + values.shape[0], x : x + values.shape[1]] = stored(values)
    maps = {name: write(out / f"{name}.tif", pixels, folder, name) for name, pixels in whole.items()}
    by_rasterstats(maps, gpd.read_file(folder / "fields.gpkg"))


def _patch(folder: Path, row: int, column: int, side: int) -> dict[str, np.ndarray]:
    import warnings

    height, width = min(CHUNK, side - row), min(CHUNK, side - column)

    def read(one: Path, name: str) -> np.ndarray:
        size = 1 if name in FINE else 2
        with rasterio.open(one / f"{name}.tif") as raster:
            return raster.read(1, window=Window(column // size, row // size, width // size, height // size))  # type: ignore[no-any-return]

    seen: dict[str, list[np.ndarray]] = {"ndvi": [], "ndmi": [], "wetness": []}
    for one in passes(folder):
        clear = np.isin(read(one, "scl"), CLEAR)
        red, nir, nir08, swir = (refl(read(one, b).astype("float32")) for b in (*FINE, *COARSE))
        ndvi = np.where(clear.repeat(2, 0).repeat(2, 1), (nir - red) / (nir + red), np.nan)
        green = ndvi.reshape(height // 2, 2, width // 2, 2).mean((1, 3))
        seen["ndvi"].append(ndvi)
        seen["ndmi"].append(np.where(clear, (nir08 - swir) / (nir08 + swir), np.nan))
        seen["wetness"].append(np.where(clear, wetness(green, swir), np.nan))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return {name: np.nanmedian(np.stack(dates), 0) for name, dates in seen.items()}


def table_rasterstats(folder: Path, out: Path) -> None:
    from rasterstats import zonal_stats

    values, place, fields = table_input(folder)
    asked = ["count", "mean", "std", "percentile_10", "percentile_50", "percentile_90"]
    rows = zonal_stats(fields, values, affine=place, nodata=-32768, stats=asked)
    np.save(out / "means.npy", np.array([np.nan if row["mean"] is None else row["mean"] for row in rows]))


def table_exactextract(folder: Path, out: Path) -> None:
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    values, place, fields = table_input(folder)
    west, north, size = place.c, place.f, place.a
    high, wide = values.shape
    source = NumPyRasterSource(values, west, north - high * size, west + wide * size, north, nodata=-32768)
    asked = ["count", "mean", "stdev", "quantile(q=0.1)", "quantile(q=0.5)", "quantile(q=0.9)"]
    exact_extract(source, fields, asked, include_cols="field_id", output="pandas")


def table_input(folder: Path):  # type: ignore[no-untyped-def]
    """An NDVI map in memory and the fields; read before the clock starts."""
    if folder not in _read:
        with rasterio.open(folder / "ndvi.tif") as raster:
            _read[folder] = raster.read(1), raster.transform, gpd.read_file(folder / "fields.gpkg")
    return _read[folder]


_read: dict[Path, tuple[np.ndarray, rasterio.Affine, gpd.GeoDataFrame]] = {}
WORKS: dict[str, Callable[[Path, Path], None]] = {
    "odc-stac": odc,
    "stackstac": stack,
    "rioxarray": rio,
    "patches": patches,
    "rasterstats": table_rasterstats,
    "exactextract": table_exactextract,
}
# Loaded before the clock starts, as ours are.
MODULES = {
    "odc-stac": ("odc.stac", "dask.array", "exactextract"),
    "stackstac": ("stackstac", "dask.array", "exactextract"),
    "rioxarray": ("rioxarray", "dask.array", "xrspatial.zonal"),
    "patches": ("rasterstats",),
    "rasterstats": ("rasterstats",),
    "exactextract": ("exactextract",),
}


def main() -> None:
    """Do one work."""
    ask = argparse.ArgumentParser()
    ask.add_argument("work", choices=WORKS)
    ask.add_argument("folder", type=Path)
    ask.add_argument("--out", type=Path)
    given = ask.parse_args()
    for module in MODULES[given.work]:
        importlib.import_module(module)
    if given.work in ("rasterstats", "exactextract"):
        table_input(given.folder)
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        out = given.out or Path(made)
        out.mkdir(parents=True, exist_ok=True)
        cpu, wall = time.process_time(), time.perf_counter()
        WORKS[given.work](given.folder, out)
        print(json.dumps({"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}))


if __name__ == "__main__":
    main()
