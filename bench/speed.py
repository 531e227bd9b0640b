"""How fast: our ways against the limit of the machine and against other tools, each in a process of its own.

    python bench/speed.py [--side 5490] [--fields 750] [--rounds 5] [--jp2] [--peers NAME...] [--out build/bench]

Makes its input once (bench/scenes.py), installs the other tools once into build/bench-venv, runs every work in turn,
round by round, and prints medians and ratios as a table and as OUT/speed.json. CPU seconds are of the work alone, the
peak of memory is that of the whole process, watched from outside. Where other programs run too, ratios of CPU time
hold; wall seconds do not.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scenes import make, outlines

HERE = Path(__file__).parent
PEERS = ("odc-stac", "stackstac", "rioxarray", "patches", "rasterstats", "exactextract")
INSTALLED = (*PEERS[:3], *PEERS[4:], "xarray-spatial", "dask[array]", "pystac", "geopandas")

# One thread for each linear algebra call; modules keep what was compiled of them, as they do for users.
ENVIRONMENT = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"} | {"OMP_NUM_THREADS": "1"}

Works = dict[str, list[str]]
Found = dict[str, dict[str, float]]


def main() -> None:
    """Make, run in turn, report."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--side", type=int, default=5490, help="pixels of 10 m; a full tile has 10,980")
    ask.add_argument("--fields", type=int, default=750)
    ask.add_argument("--dates", type=int, default=3)
    ask.add_argument("--rounds", type=int, default=5)
    ask.add_argument("--jp2", action="store_true")
    ask.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="other tools to measure; none: none")
    ask.add_argument("--out", type=Path, default=Path("build/bench"))
    given = ask.parse_args()
    folder = given.out / f"{given.side}-{given.dates}-{given.fields}{'-jp2' if given.jp2 else ''}"
    make(folder, given.side, given.dates, given.fields, jp2=given.jp2)
    outlines(given.side, 1, max(given.fields // 100, 1), 0.01, np.random.default_rng(1)).to_file(folder / "few.gpkg")
    works = ours(folder)
    for work in works.values():  # once before the clock: compiles, fills the page cache, leaves the maps to encode
        measured(work)
    shutil.copy(folder / "medians" / "ndvi.tif", folder / "ndvi.tif")
    if given.peers and not given.jp2:
        works |= {
            n: w for n, w in peers(folder, given.out.parent / "bench-venv").items() if n in ("table", *given.peers)
        }
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for _ in range(given.rounds):
        for name, work in works.items():
            runs[name].append(measured(work))
    medians = {n: {k: statistics.median(r[k] for r in own) for k in own[0]} for n, own in runs.items()}
    report(medians, folder, {**vars(given), "out": str(given.out), "load_1min": os.getloadavg()[0]})


def ours(folder: Path) -> Works:
    """Our ways and the limits, in the order in which they can run the first time."""
    base = [sys.executable, str(HERE / "ours.py")]
    made = {name: ["--out", str(folder / name)] for name in ("pass", "medians")}
    return {
        "pass": [*base, "pass", str(folder), *made["pass"]],
        "pass, 1 worker": [*base, "pass", str(folder), "--workers", "1"],
        "pass, 1 % in fields": [*base, "pass", str(folder), "--fields", str(folder / "few.gpkg")],
        "medians": [*base, "medians", str(folder), *made["medians"]],
        "pass: decode": [*base, "decode", str(folder)],
        "pass: encode": [*base, "encode-cog", str(folder / "pass")],
        "pass: encode without overviews": [*base, "encode", str(folder / "pass")],
        "medians: decode": [*base, "decode3", str(folder)],
        "medians: encode": [*base, "encode-cog", str(folder / "medians")],
        "medians: encode without overviews": [*base, "encode", str(folder / "medians")],
    }


def peers(folder: Path, environment: Path) -> Works:
    """The other tools, in an environment of their own; and our field table, on the map that they count."""
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *INSTALLED], check=True)
    own = {"table": [sys.executable, str(HERE / "ours.py"), "table", str(folder), "--out", str(folder / "means.npy")]}
    more = {"rasterstats": ["--out", str(folder / "rasterstats")]}
    works = {n: [str(python), str(HERE / "peers.py"), n, str(folder), *more.get(n, [])] for n in PEERS}
    return own | works


def measured(work: list[str]) -> dict[str, float]:
    """Run a work; what it prints, and the peak of its memory [MB]."""
    process = subprocess.Popen(work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert process.stdout and process.stderr
    said, complaint = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(work)}: {complaint[-2000:]}")
    return {**json.loads(said.splitlines()[-1]), "peak_mb": usage.ru_maxrss / 1024}


def report(found: Found, folder: Path, about: dict[str, object]) -> None:
    """The table and the JSON."""
    print(f"{'work':36}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}")
    for name, own in found.items():
        print(f"{name:36}{own['cpu_s']:9.2f}{own['wall_s']:9.2f}{own['peak_mb']:9.0f}")
    ratios = compared(found, folder)
    for name, value in ratios.items():
        print(f"{name:66}{value:12.3g}")
    (folder.parent / "speed.json").write_text(json.dumps({"about": about, "found": found, "ratios": ratios}, indent=1))


def compared(found: Found, folder: Path) -> dict[str, float]:
    """Ratios within this run."""
    cpu = {name: own["cpu_s"] for name, own in found.items()}
    ratios = {}
    for name in ("pass", "medians"):
        for ending in ("", " without overviews"):
            limit = cpu[f"{name}: decode"] + cpu[f"{name}: encode{ending}"]
            ratios[f"{name} / (decode + encode{ending})"] = cpu[name] / limit
    ratios["nothing new / first run of the pass"] = found["pass"]["again_cpu_s"] / cpu["pass"]
    ratios["1 % in fields / all in fields"] = cpu["pass, 1 % in fields"] / cpu["pass"]
    for name in ("wall_s", "mapping_wall_s"):
        ratios[f"pass, 1 worker / 2 workers, {name}"] = found["pass, 1 worker"][name] / found["pass"][name]
    if "table" not in found:
        return ratios
    for peer in (name for name in PEERS[:4] if name in found):
        for unit in ("cpu_s", "wall_s", "peak_mb"):
            ratios[f"{peer} / medians, {unit}"] = found[peer][unit] / found["medians"][unit]
    for peer in (name for name in PEERS[4:] if name in found):
        ratios[f"{peer} / table, lists made"] = cpu[peer] / cpu["table"]
        ratios[f"{peer} / table, lists kept"] = cpu[peer] / found["table"]["cached_cpu_s"]
    if "rasterstats" not in found:
        return ratios
    means, theirs = np.load(folder / "means.npy"), np.load(folder / "rasterstats" / "means.npy") * 1e-4
    ratios["largest difference of a mean from rasterstats"] = float(np.nanmax(np.abs(means - theirs)))
    return ratios


if __name__ == "__main__":
    main()
