"""One measured work of ours, in a process of its own: prints the CPU and wall seconds of the work as JSON.

python bench/ours.py WORK FOLDER [--workers N] [--out FILE]; FOLDER as bench/scenes.py makes it. What a process loads
once, whatever it works on (the library of the compiled kernels), is loaded before the clock starts.
"""

import argparse
import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
from shapely.geometry import box

from agro.agromaps.coverage import spans_centred
from agro.agromaps.fieldstats import FieldPixels, field_pixels
from agro.agromaps.moisture_edges import Edge, Edges
from agro.agromaps.tally import Tally
from agro.domain.grid import Grid
from agro.domain.layers import Quality
from agro.store.index import opened
from agro.store.publish import writing
from agro.store.rasters import from_cog
from flows import field_lists, way_of_a_pass
from flows.composites import keep_composite
from flows.nothing_new import nothing_new
from flows.plan import find_over, make_plan, read_land
from flows.settings import Settings, load
from flows.way_of_a_pass import Season, take
from flows.windows import Ground
from flows.windows_of_looks import EVERYWHERE, Composite

PERIOD = date(2024, 1, 1), date(2024, 12, 31)
EDGES = Edges("bench", "swir16", "linear", Edge(0.3, 1.0), Edge(4.0, 6.0), 0.0, 1.0)
ONE_PASS = ("green", "red", "nir", "rededge1", "rededge2", "rededge3", "nir08", "swir16", "swir22", "scl")
MEDIANS = ("red", "nir", "nir08", "swir16", "scl")


def timed(work: Callable[[], object]) -> dict[str, float]:
    """CPU seconds of all threads, and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def one_pass(settings: Settings, out: Path | None) -> dict[str, float]:
    """One pass from counts to published layers and rows; then what it costs to see that nothing is new."""
    with writing(settings.store.path) as store, opened(store) as index:
        plan = make_plan(settings, index, date(2024, 6, 3))
        mapping = {"wall_s": 0.0}
        whole = Ground.cogs

        def mapped(*given: Any) -> Any:
            """Reading, computing and encoding, without what comes before and after."""
            made: list[Any] = []
            mapping.update(timed(lambda: made.append(whole(*given))))
            return made[0]

        Ground.cogs = mapped  # type: ignore[method-assign]
        found = timed(lambda: take(plan.todo[0], Season(settings, plan.land, store)))
        found["mapping_wall_s"] = mapping["wall_s"]
    again = timed(lambda: nothing_new(settings, date(2024, 6, 3)))
    _leave(settings, "passes/*/*/*.tif", out)
    return {**found, "again_cpu_s": again["cpu_s"], "again_wall_s": again["wall_s"]}


def medians(settings: Settings, out: Path | None, until: date | None) -> dict[str, float]:
    """All passes to the published medians of NDVI, NDMI and wetness, and rows."""
    with writing(settings.store.path) as store, opened(store) as index:
        land = read_land(settings)
        looks = tuple(find_over(settings, land, until or PERIOD[1])[0])
        composite = Composite(settings, land, looks, {EVERYWHERE: EDGES})
        found = timed(lambda: keep_composite(composite, PERIOD, store, index, []))
    _leave(settings, "composites/*/*/*.tif", out)
    return found


def season(settings: Settings, until: date | None) -> dict[str, float]:
    """All passes that are not published yet, from the plan to the last row, and what of it was for the fields."""
    spent, lock = [0.0], threading.Lock()
    counting = [(Tally, "add"), (Tally, "rows"), (field_lists, "field_pixels"), (way_of_a_pass, "_keep_rows")]
    for owner, name in counting:
        setattr(owner, name, _timed_in_threads(getattr(owner, name), spent, lock))
    found, passes = {}, 0

    def work() -> None:
        nonlocal passes
        with writing(settings.store.path) as store, opened(store) as index:
            plan = make_plan(settings, index, until)
            passes = len(plan.todo)
            land = Season(settings, plan.land, store)
            for result in way_of_a_pass.keep_land(land, plan.outlines_place, plan.seasons_place):
                index.add(result)
            for one in plan.todo:
                for result in take(one, land).published:
                    index.add(result)

    found = timed(work)
    return {**found, "passes": passes, "fields_cpu_s": spent[0]}


def run(folder: Path, sets: list[str], until: date | None) -> dict[str, float]:
    """The same by the product's own command, with all that it starts: its CPU seconds and those of its children."""
    asked = [word for one in sets for word in ("--set", one)]
    more = ["--until", str(until)] if until else []
    program = [sys.executable, "-c", "from agro.cli import main; main()", "run", "--config", "stac"]
    began = time.perf_counter()
    own = {**os.environ, "AGRO_HOME": str(folder.resolve() / "home")}
    subprocess.run([*program, *asked, *more], check=True, stdout=subprocess.DEVNULL, env=own)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_s": spent.ru_utime + spent.ru_stime, "wall_s": time.perf_counter() - began}


def _timed_in_threads(work: Callable[..., Any], spent: list[float], lock: threading.Lock) -> Callable[..., Any]:
    """The same work, its CPU seconds added up over all threads."""

    @functools.wraps(work)
    def counted(*given: Any, **more: Any) -> Any:
        began = time.thread_time()
        try:
            return work(*given, **more)
        finally:
            with lock:
                spent[0] += time.thread_time() - began

    return counted


def table(folder: Path, out: Path | None) -> dict[str, float]:
    """The field table of one NDVI map in memory: lists made, then one counting; pixels by their centres."""
    fields = gpd.read_file(folder / "fields.gpkg")
    stored, grid = from_cog((folder / "ndvi.tif").read_bytes())
    classes = np.full(grid.at(20).shape, Quality.CLEAR, "uint8")
    _count(_own(fields), grid, stored, classes)  # compiled or loaded before the clock starts
    first = timed(lambda: _count(_own(fields), grid, stored, classes))
    lists = _own(fields)
    lists.start  # noqa: B018  kept with the lists
    cached = timed(lambda: _count(lists, grid, stored, classes))
    centred = FieldPixels(10, lists.field_ids, spans_centred(np.array(fields.geometry), 10), lists.flags)
    rows = _count(centred, grid, stored, classes)
    if out:
        np.save(out, rows.set_index("field_id").loc[fields["field_id"], "mean"].to_numpy())
    return {**first, "cached_cpu_s": cached["cpu_s"], "cached_wall_s": cached["wall_s"]}


def _own(fields: gpd.GeoDataFrame) -> FieldPixels:
    return field_pixels(list(fields["field_id"]), list(fields.geometry), 10)


def _count(lists: FieldPixels, grid: Grid, stored: np.ndarray, classes: np.ndarray):  # type: ignore[no-untyped-def]
    tally = Tally(lists, ["ndvi"])
    tally.add(grid, classes, {"ndvi": stored})
    return tally.rows(1, 0.0)


def decode(folder: Path, bands: tuple[str, ...], dates: int) -> dict[str, float]:
    """The limit: every needed band of so many dates decoded once, kept nowhere."""
    items = sorted(folder.glob("catalog/sentinel-2-l2a/*/*.json"))[:dates]
    files = [next(item.parent.glob(f"{band}.[tj][ip][f2]")) for item in items for band in bands]

    def work() -> None:
        for file in files:
            with rasterio.open(file) as raster:
                raster.read(1)

    return timed(work)


def encode(maps: Path, driver: str) -> dict[str, float]:
    """The limit: the same layers encoded once by GDAL, with our codec; GTiff without overviews, COG with them."""
    layers = [from_cog(path.read_bytes()) for path in sorted(maps.glob("*.tif"))]
    tiled = {"compress": "zstd", "zstd_level": 1, "predictor": 2, "tiled": True, "blockxsize": 512, "blockysize": 512}
    more = tiled if driver == "GTiff" else {"compress": "zstd", "level": 1, "predictor": "yes", "blocksize": 512}

    def work() -> None:
        for stored, grid in layers:
            shape = {"count": 1, "height": grid.height, "width": grid.width, "dtype": stored.dtype}
            place = {"crs": grid.crs, "transform": grid.transform}
            with rasterio.MemoryFile() as memory, memory.open(driver=driver, **place, **shape, **more) as raster:
                raster.write(stored, 1)

    return timed(work)


def _leave(settings: Settings, pattern: str, out: Path | None) -> None:
    """Lay the made layers into a folder, for the limit of encoding."""
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for path in settings.store.path.glob(pattern):
            (out / path.name).write_bytes(path.read_bytes())


def main() -> None:
    """Do one work."""
    ask = argparse.ArgumentParser()
    ask.add_argument(
        "work", choices=["pass", "medians", "season", "run", "table", "decode", "decode3", "encode", "encode-cog"]
    )
    ask.add_argument("folder", type=Path)
    ask.add_argument("--fields", type=Path)
    ask.add_argument("--catalog", type=Path)
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("--out", type=Path)
    ask.add_argument("--store", type=Path, help="kept, for works that go on from it")
    ask.add_argument("--until", type=date.fromisoformat)
    given = ask.parse_args()
    field_pixels(["ready"], [box(0, 0, 100, 100)], 10)
    with tempfile.TemporaryDirectory(dir=given.folder) as store:
        catalog = given.catalog or given.folder / "catalog" / "catalog.json"
        fields = given.fields or given.folder / "fields.gpkg"
        sets = [f"imagery.catalog={catalog}", f"fields.path={fields}", f"store.path={given.store or store + '/store'}"]
        settings = load("stac", [*sets, f"compute.workers={given.workers}"])
        works: dict[str, Callable[[], dict[str, float]]] = {
            "pass": lambda: one_pass(settings, given.out),
            "medians": lambda: medians(settings, given.out, given.until),
            "run": lambda: run(given.folder, [*sets, "compute.workers=2"], given.until),
            "season": lambda: season(settings, given.until),
            "table": lambda: table(given.folder, given.out),
            "decode": lambda: decode(given.folder, ONE_PASS, 1),
            "decode3": lambda: decode(given.folder, MEDIANS, 3),
            "encode": lambda: encode(given.folder, "GTiff"),
            "encode-cog": lambda: encode(given.folder, "COG"),
        }
        print(json.dumps(works[given.work]()))


if __name__ == "__main__":
    main()
