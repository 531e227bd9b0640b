"""One pass over a large patch: the whole way against the limit of decoding and encoding the same bytes once.

Prints a table and a JSON object. Ratios of CPU time within one run count; seconds depend on the machine.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from scipy.ndimage import gaussian_filter, zoom

from agro.domain.layers import LAYERS
from agro.store import rasters
from agro.store.index import opened
from agro.store.publish import writing
from flows.plan import make_plan
from flows.settings import load
from flows.way_of_a_pass import Season, take

SIDE = 1920  # [px] of 10 m
ROUNDS = 5


def main() -> None:
    """Make the input, measure in turn, report."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from workshop import KEYS, Scene, build_catalog

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        random = np.random.default_rng(1)
        size = {b: SIDE if b in ("green", "red", "nir") else SIDE // 2 for b in KEYS["cdse"] if b != "scl"}
        pixels = {band: surface(random, side) for band, side in size.items()}
        scl = np.where(surface(random, SIDE // 2) > 0.33, 9, 4)
        made = build_catalog(root, [Scene("a", pixels=pixels, scl=scl)], side=SIDE, west=399_360, north=6_103_040)
        bands = sorted(made.item("a").parent.glob("*.tif"))
        seconds: dict[str, list[float]] = {"decode": [], "encode": [], "ours": []}
        for n in range(ROUNDS):
            seconds["decode"].append(cpu(lambda: [rasterio.open(band).read(1) for band in bands]))
            settings = load("stac", made.overrides(root / f"store{n}"))
            with writing(settings.store.path) as store, opened(store) as index:
                plan = make_plan(settings, index, None)
                season = Season(settings, plan.land, store)
                seconds["ours"].append(cpu(lambda p=plan, s=season: take(p.todo[0], s)))  # type: ignore[misc]
            maps = [
                (*rasters.from_cog(path.read_bytes()), path.stem)
                for path in settings.store.path.glob("passes/*/*/*.tif")
            ]
            seconds["encode"].append(
                cpu(lambda m=maps: [rasters.to_cog(LAYERS[name], stored, grid) for stored, grid, name in m])
            )  # type: ignore[misc]
    report(seconds)


def surface(random: np.random.Generator, side: int) -> np.ndarray:
    """A smooth surface of reflectance with a little noise, 0.02 to 0.5."""
    small = gaussian_filter(random.normal(size=(side // 16 + 4,) * 2), 2)
    fine = zoom(small, 16.0, order=1)[:side, :side]
    fine = (fine - fine.min()) / np.ptp(fine)
    return np.asarray(np.round(0.02 + 0.45 * fine + random.normal(0, 0.004, fine.shape), 4).clip(0.005, 0.6))


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


def report(seconds: dict[str, list[float]]) -> None:
    """The table, and one JSON line."""
    median = {name: statistics.median(runs) for name, runs in seconds.items()}
    ratio = median["ours"] / (median["decode"] + median["encode"])
    print(f"{SIDE} x {SIDE} pixels of 10 m, one pass, medians of {ROUNDS} interleaved rounds, CPU seconds")
    for name, value in median.items():
        print(f"  {name:8} {value:7.2f}")
    print(f"  ours / (decode + encode) = {ratio:.2f}")
    print(json.dumps({"side_px": SIDE, "rounds": ROUNDS, "cpu_s": median, "ratio_to_limit": round(ratio, 3)}))


if __name__ == "__main__":
    main()
