"""A season in small: many passes over many small fields, delivered a few at a time, with faults among them."""

import errno
import gc
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
from faults.harness import torn
from shapely.geometry import box
from workshop import Made, Scene, build_catalog, run_plain

from agro.store import publish
from agro.store.index import places
from agro.store.publish import Store
from flows.settings import load

_DELIVERIES, _FAULTY = 30, 0.01


@dataclass(frozen=True)
class Felt:
    """What a season did to the process and the disk."""

    faults: int
    violations: int
    memory_mb_per_pass: float
    files_per_pass: float
    swept: bool


def soak_season(folder: Path, passes: int, fields: int) -> Felt:
    """Take a season its way in this process; every bad input is mended before the next delivery."""
    made = _season(folder, passes, fields)
    store, chance, faults, violations = Store(folder / "store"), random.Random(14), 0, 0  # noqa: S311
    looks = sorted(made.catalog.parent.glob("sentinel-2-l2a/s*/s*.json"))
    waiting = [path.rename(path.with_suffix(".away")) for path in looks]
    memory, files = [], []
    each = -(-passes // _DELIVERIES)
    for first in range(0, passes, each):
        for path, hidden in list(zip(looks, waiting, strict=True))[first : first + each]:
            hidden.rename(path)
        spoiled = {}
        for file in sorted(p for look in looks[first : first + each] for p in look.parent.glob("*.tif")):
            if chance.random() < _FAULTY / 3:
                spoiled[file] = file.read_bytes()
                file.write_bytes(spoiled[file][: len(spoiled[file]) // 2])
        full = chance.random() < 20 * _FAULTY
        with _full_disk(full):
            ran = run_plain(load("stac", made.overrides(store.root)))
        faults += len(spoiled) + full
        violations += bool(spoiled or full) != bool(ran.refused)
        violations += len(torn(store.root))
        for file, content in spoiled.items():
            file.write_bytes(content)
        del ran
        gc.collect()
        memory.append(_resident_mb())
        files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
    run_plain(load("stac", made.overrides(store.root)))
    violations += len([place for place in places(store) if place.startswith("passes/")]) != passes
    late = np.arange(len(memory))[len(memory) // 3 :]
    slopes = [float(np.polyfit(late * each, np.array(felt)[late], 1)[0]) for felt in (memory, files)]
    return Felt(faults, violations, *slopes, not any(store.staging.iterdir()))


@contextmanager
def _full_disk(full: bool) -> Iterator[None]:
    """A disk that takes no more at the third file of this delivery."""
    real, left = publish._write, [3]

    def write(path: Path, content: publish.Content) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, content)

    publish._write = write if full else real
    try:
        yield
    finally:
        publish._write = real


def _resident_mb() -> float:
    with open("/proc/self/statm") as told:  # noqa: PTH123
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _season(folder: Path, passes: int, fields: int) -> Made:
    scenes = [Scene(f"s{n:03}", f"2021-{5 + n // 30:02}-{n % 30 + 1:02}T05:00:00Z") for n in range(passes)]
    made = build_catalog(folder, scenes, side=200)
    across = 10
    shapes = [
        box(x, y, x + 2000 / across, y + 2000 / (fields // across))
        for n in range(fields)
        for x in [made.west + n % across * 2000 / across]
        for y in [made.north - 2000 + n // across * 2000 / (fields // across)]
    ]
    table = gpd.GeoDataFrame({"field_id": [f"f{n}" for n in range(fields)], "district": "topki"}, geometry=shapes)
    table.set_crs(made.crs).to_crs(4326).to_file(made.fields, driver="GeoJSON", COORDINATE_PRECISION=9)
    assert len(json.loads(made.fields.read_text())["features"]) == fields
    return made
