"""How the cost grows: with pixels, dates, fields, workers and history, over a region, and with the orchestration.

    python bench/growth.py [--side 5490] [--rounds 3] [--tiles 8] [--passes 10] [--history 1000] [--out build/bench]

Each work in a process of its own (bench/ours.py), round by round; prints medians and ratios and writes OUT/growth.json.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
from scenes import DATES, again, catalog, make, outlines
from speed import HERE, measured

FIRST = date(2024, 6, 1)  # of the passes that bench/scenes.py makes, one each five days
SMALL = 512  # [px] of the passes that make up a history
OURS = [sys.executable, str(HERE / "ours.py")]


def main() -> None:
    """Measure one thing after the other."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--side", type=int, default=5490, help="pixels of 10 m of a tile; a full one has 10,980")
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--tiles", type=int, default=8)
    ask.add_argument("--passes", type=int, default=10)
    ask.add_argument("--fields", type=int, default=20_000)
    ask.add_argument("--history", type=int, default=1000)
    ask.add_argument("--only", choices=["history"], help="this part alone")
    ask.add_argument("--out", type=Path, default=Path("build/bench"))
    given = ask.parse_args()
    if given.only:
        history(given)
        return
    region = given.out / f"region-{given.side}-{given.tiles}-{given.passes}-{given.fields}"
    make(region, given.side, given.passes, given.fields, given.tiles)
    found = {**pixels_dates_workers(given), **fields(region, given), **over_a_region(region, given), **history(given)}
    (given.out / "growth.json").write_text(json.dumps({"about": {**vars(given), "out": str(given.out)}, **found}))


def pixels_dates_workers(given: argparse.Namespace) -> dict[str, float]:
    """A pass over one, a quarter and a sixteenth of the ground; medians of 3, 6 and 12 dates; one worker and two."""
    works: dict[str, list[str]] = {}
    for part in (1, 2, 4):
        side = given.side // part // 2 * 2
        folder = given.out / f"{side}-{DATES}-{3000 * side**2 // 10_980**2}"
        make(folder, side, DATES, 3000 * side**2 // 10_980**2)
        works[f"pass of {side} px"] = [*OURS, "pass", str(folder)]
    whole = given.out / f"{given.side}-12-{3000 * given.side**2 // 10_980**2}"
    make(whole, given.side, 12, 3000 * given.side**2 // 10_980**2)
    for dates in (3, 6, 12):
        works[f"medians of {dates} dates"] = [*OURS, "medians", str(whole), "--until", str(day(dates))]
    for workers in (1, 2):
        works[f"medians, workers: {workers}"] = [*works["medians of 3 dates"], "--workers", str(workers)]
    return told(works, given.rounds)


def fields(region: Path, given: argparse.Namespace) -> dict[str, float]:
    """The first pass over one tile with few and many fields on the same ground."""
    works = {}
    for number in (given.fields // 80, given.fields // 8):
        path = region / f"{number}.gpkg"
        outlines(given.side, 1, number, 1.0, np.random.default_rng(1)).to_file(path)
        works[f"pass of {number} fields"] = [*OURS, "pass", str(region), "--fields", str(path)]
    return told(works, given.rounds)


def over_a_region(region: Path, given: argparse.Namespace) -> dict[str, float]:
    """All passes over half and all of the tiles, half and all of the passes; then the same as a run of the product."""
    all_fields, works = gpd.read_file(region / "fields.gpkg"), {}
    for tiles in (given.tiles // 2, given.tiles):
        own = region / f"{tiles}-tiles.gpkg"
        all_fields.iloc[: len(all_fields) * tiles // given.tiles].to_file(own)
        for passes in (given.passes // 2, given.passes):
            more = ["--fields", str(own), "--until", str(day(passes))]
            works[f"region: {tiles} tiles, {passes} passes"] = [*OURS, "season", str(region), *more]
    found = told(works, 1)
    run = [*OURS, "run", str(region), "--until"]
    measured([*run, str(FIRST)])  # makes Prefect's own database
    return found | told({f"agro run: {n} passes": [*run, str(day(n))] for n in (1, given.passes)}, 1)


def history(given: argparse.Namespace) -> dict[str, float]:
    """A pass into an empty store, and into one that holds many passes over a corner of the same fields."""
    large = given.out / f"{given.side}-{DATES}-{3000 * given.side**2 // 10_980**2}"
    works = {}
    with tempfile.TemporaryDirectory(dir=given.out) as made:
        folder = Path(made)
        make(folder / "small", SMALL, DATES, 4)
        shutil.copy(large / "fields.gpkg", folder / "fields.gpkg")
        collection = folder / "catalog" / "sentinel-2-l2a"
        collection.mkdir(parents=True)
        for n in range(given.history):
            like = folder / "small" / "catalog" / "sentinel-2-l2a" / f"S2A_45UAB_{n % DATES:02d}"
            again(collection / f"S2A_45UAB_{n:04d}", like, SMALL, 0, n - given.history, jp2=False)
        like = large / "catalog" / "sentinel-2-l2a" / "S2A_45UAB_00"
        again(collection / "S2A_45UAB_last", like, given.side, 0, 0, jp2=False)
        catalog(folder, sorted(one.name for one in collection.iterdir() if one.is_dir()))
        store = ["--store", str(folder / "store")]
        assert measured([*OURS, "season", str(folder), *store, "--until", str(day(0))])["passes"] == given.history
        works["the first pass"] = [*OURS, "season", str(large), "--until", str(FIRST)]
        found = told(works, given.rounds)
        return found | told({f"after {given.history} passes": [*OURS, "season", str(folder), *store]}, 1)


def day(passes: int) -> date:
    """The day of the last of so many passes."""
    return FIRST + timedelta(days=5 * (passes - 1))


def told(works: dict[str, list[str]], rounds: int) -> dict[str, float]:
    """Run in turn; medians of CPU seconds, wall seconds and memory, printed and by their names."""
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, work in works.items():
            runs[name].append(measured(work))
    found = {}
    for name, own in runs.items():
        middle = {key: statistics.median(run[key] for run in own) for key in own[0]}
        print(f"{name:36}" + "".join(f"  {key} {value:.4g}" for key, value in middle.items()), flush=True)
        found |= {f"{name}, {key}": value for key, value in middle.items()}
    return found


if __name__ == "__main__":
    main()
