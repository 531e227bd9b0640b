"""`make flight`: a flight over a simulated field, put aside and mis-scaled on purpose; found, corrected, published.

Everything is done by the commands that a user gives; they are printed. What is measured is against the truth that the
simulated region keeps apart. Writes build/flight/report.json and report.png.
"""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import rasterio
from rasterio.features import geometry_mask
from rasterio.windows import from_bounds

mpl.use("Agg")
import matplotlib.pyplot as plt

from agro.domain.grid import Grid
from agro.twin.flight import light_on, write_flight
from flows.plan import Land, read_land
from flows.settings import CONFIGS, Settings, facts, load
from flows.simulated import twin_catalog

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "flight"
ASIDE_M = (2.6, -3.1)
WRONG = {"green": (1.1, 0.0), "red": (1.3, 0.01), "rededge1": (0.9, 0.0), "nir": (0.8, 0.03)}
DAYS_LATER = 2
DISTRICT, SEASON, SIDE_M = "topki", 2022, 700
GREEN = 0.5  # [1] median NDVI: on bare ground there is no pattern to find, and a flight stays relative only


def main() -> None:
    """Fly, take in, map, and measure."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    sets = [
        f"fields.path={ROOT / 'data/fields' / f'{DISTRICT}.geojson'}",
        f"twin.path={ROOT / 'build/flight-twin'}",
        f"twin.seasons=[{SEASON}]",
        "ui.language=en",
    ]
    settings = load("default", sets)
    land = read_land(settings)
    scene, seen_at = clearest(twin_catalog(settings, land))
    truth, grid, bounds, path = flown(settings, land, seen_at)
    before = [word for one in sets for word in ("--set", one)]
    agro("ingest", str(path), "--into", str(OUT / "local"), "--config", "default", *before)
    told = agro("ingest", str(path), "--into", str(OUT / "local"), "--config", "default", "--json", *before)
    (report,) = json.loads(told)["taken"]
    catalog = f"imagery.catalog={OUT / 'local' / 'catalog.json'}"
    stac = ["imagery.source=stac", catalog, 'imagery.collections=["uav"]', "output.after_run=false"]
    own = [*before, *(word for one in stac for word in ("--set", one))]
    agro("run", "--config", "default", *own, "--store", str(OUT / "store"))
    measured = compared(report, truth, grid, bounds, scene)
    (OUT / "report.json").write_text(json.dumps({"told": report, "measured": measured}, indent=1))
    print(json.dumps(measured, indent=1))
    drawn(path, measured, scene)


def agro(*words: str) -> str:
    """Give a command, shown as it is given; what it printed."""
    print("agro " + " ".join(f"'{word}'" if "[" in word else word for word in words), flush=True)
    command = [sys.executable, "-c", "from agro.cli import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "--json" not in words:
        print(done.stdout + done.stderr, flush=True)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return done.stdout


def clearest(catalog: Path) -> tuple[Path, datetime]:
    """The item of the clearest look of July, and when it was."""
    looks = []
    for path in (catalog.parent / "sentinel-2-l2a").glob("*/TWIN_*.json"):
        told = json.loads(path.read_text())["properties"]
        when = datetime.fromisoformat(told["datetime"])
        if when.year == SEASON and when.month == 7:
            looks.append((told["eo:cloud_cover"], path, when))
    _, path, when = min(looks)
    return path, when


def flown(
    settings: Settings, land: Land, seen_at: datetime
) -> tuple[dict[str, np.ndarray], Grid, tuple[float, float, float, float], Path]:
    """The flight over the middle of the district's largest green field: the truth, its grid, the ground, the file."""
    at = datetime(seen_at.year, seen_at.month, seen_at.day, 3, 30, tzinfo=UTC) + timedelta(days=DAYS_LATER)
    told = land.seasons if len(land.seasons) else None
    twin, outlines = settings.twin, land.outlines.dropna(subset=["district"])
    rules = facts(CONFIGS / "twin.toml")
    truth, grid = light_on(at, DISTRICT, outlines, told, rules, twin.seasons, twin.seed, land.crs, twin.world)
    green = ndvi(truth)
    inside = {i: green[geometry_mask([shape], grid.shape, grid.transform, invert=True)] for i, shape in enumerate(land.on_grid)}  # fmt: skip  # noqa: E501
    stands = [i for i, values in inside.items() if np.median(values) > GREEN]
    middle = land.on_grid.iloc[max(stands, key=lambda i: land.outlines["area_ha"].iloc[i])].centroid
    west, south = (round((value - SIDE_M / 2) / 20) * 20 for value in (middle.x, middle.y))
    bounds = (west, south, west + SIDE_M, south + SIDE_M)
    return truth, grid, bounds, write_flight(truth, grid, bounds, OUT / "flight.tif", at, 11, ASIDE_M, WRONG)


def compared(
    report: dict[str, Any], truth: dict[str, np.ndarray], grid: Grid, bounds: tuple[float, ...], scene: Path
) -> dict[str, Any]:
    """What was found against what was planted, and the corrected flight against the truth of its own day."""
    item = json.loads((OUT / "local" / report["place"] / "item.json").read_text())
    inner = (bounds[0] + 20, bounds[1] + 20, bounds[2] - 20, bounds[3] - 20)
    true, made, raw = {}, {}, {}
    for band in ("green", "red", "nir"):
        window = from_bounds(*inner, grid.transform).round_offsets().round_lengths()
        rows, columns = window.toslices()
        true[band] = truth[band][rows, columns]
        made[band] = counts_of(OUT / "local" / report["place"] / f"{band}.tif", item["assets"][band], inner)
        gain, offset = WRONG[band]
        raw[band] = true[band] * gain + offset
    by_satellite = {
        band: counts_of(scene.parent / asset["href"], asset, inner)
        for band, asset in json.loads(scene.read_text())["assets"].items()
        if band in ("red", "nir")
    }
    index = {
        name: ndvi(one) for name, one in (("true", true), ("flight", made), ("raw", raw), ("satellite", by_satellite))
    }
    apart = {
        name: float(np.sqrt(np.nanmean((index[name] - index["true"]) ** 2))) for name in ("raw", "flight", "satellite")
    }
    found = (report["moved_east_m"], report["moved_north_m"])
    gains = {band: {"planted": WRONG.get(band, (1.0, 0.0)), **line} for band, line in report["lines"].items()}
    np.savez(OUT / "maps.npz", **index)
    return {
        "reference": report["reference"],
        "hours_apart": report["reference_hours_apart"],
        "put aside [m]": ASIDE_M,
        "moved [m]": found,
        "place error [m]": round(float(np.hypot(found[0] + ASIDE_M[0], found[1] + ASIDE_M[1])), 2),
        "lines": gains,
        "reflectance error, rms": {b: round(float(np.sqrt(np.nanmean((made[b] - true[b]) ** 2))), 4) for b in made},
        "ndvi error, rms": {name: round(value, 4) for name, value in apart.items()},
    }  # fmt: skip


def counts_of(path: Path, asset: dict[str, Any], bounds: tuple[float, ...]) -> np.ndarray:
    """Reflectance of a band over the ground, NaN where there is none."""
    about = asset["raster:bands"][0]
    with rasterio.open(path) as source:
        counts = source.read(1, window=from_bounds(*bounds, source.transform).round_offsets().round_lengths())
    return np.where(counts == 0, np.nan, counts * about["scale"] + about.get("offset", 0.0))


def ndvi(bands: dict[str, np.ndarray]) -> np.ndarray:
    """Of reflectance."""
    return (bands["nir"] - bands["red"]) / (bands["nir"] + bands["red"])


def drawn(path: Path, measured: dict[str, Any], scene: Path) -> None:
    """The flight as it was delivered, and NDVI: the satellite's, the flight's, the truth of its day."""
    maps = np.load(OUT / "maps.npz")
    with rasterio.open(path) as source:
        names = json.loads(path.with_suffix(".toml").read_text().split("bands = ")[1].splitlines()[0])
        nir, red, green = (source.read(names.index(band) + 1).astype(float) for band in ("nir", "red", "green"))
    figure, axes = plt.subplots(1, 4, figsize=(15, 4.4), layout="constrained")
    picture = np.dstack([band / np.quantile(band, 0.99) for band in (nir, red, green)]).clip(0, 1)
    axes[0].imshow(picture)
    axes[0].set_title("as delivered (infrared, red, green)\n0.5 m, put aside and mis-scaled")
    for axis, name, title in (
        (axes[1], "satellite", f"NDVI by the satellite\n{DAYS_LATER} days before"),
        (axes[2], "flight", "NDVI by the flight, corrected"),
        (axes[3], "true", "NDVI, the truth of its day"),
    ):
        shown = axis.imshow(maps[name], vmin=0.2, vmax=0.95, cmap="RdYlGn")
        axis.set_title(title)
    figure.colorbar(shown, ax=axes[1:], shrink=0.8)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    figure.suptitle(
        f"SIMULATED. Place error {measured['place error [m]']} m; NDVI error as delivered "
        f"{measured['ndvi error, rms']['raw']}, corrected {measured['ndvi error, rms']['flight']}"
    )
    figure.savefig(OUT / "report.png", dpi=90)


if __name__ == "__main__":
    main()
