"""`make flight`: a flight over a simulated field, put aside and mis-scaled on purpose; found, corrected, published.

Everything is done by the commands that a user gives; they are printed. What is measured is against the truth that the
simulated region keeps apart. Writes build/flight/report.json and report.png.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
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

from agro.domain.grid import Grid, around
from agro.imagery.alignment import shift
from agro.sources import orthomosaic
from agro.twin.flight import light_on, write_flight
from flows.flight_trust import FINE, reference_of
from flows.plan import Land, find_over, read_land
from flows.settings import CONFIGS, Settings, facts, load
from flows.simulated import twin_catalog

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "flight"
ASIDE_M = (2.6, -3.1)
WRONG = {"green": (1.1, 0.0), "red": (1.3, 0.01), "rededge1": (0.9, 0.0), "nir": (0.8, 0.03)}
DAYS_LATER = 2
Bounds = tuple[float, float, float, float]  # west, south, east, north [m]
DISTRICT, SEASON = "topki", 2022
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
    sky = day_of_flights(settings)
    rows, bounds = many(sky), largest_green(sky)
    path = write_flight(sky.truth, sky.grid, bounds, OUT / "flight.tif", sky.at, 11, ASIDE_M, WRONG)
    before = [word for one in sets for word in ("--set", one)]
    agro("ingest", str(path), "--into", str(OUT / "local"), "--config", "default", *before)
    told = agro("ingest", str(path), "--into", str(OUT / "local"), "--config", "default", "--json", *before)
    (report,) = json.loads(told)["taken"]
    catalog = f"imagery.catalog={OUT / 'local' / 'catalog.json'}"
    stac = ["imagery.source=stac", catalog, 'imagery.collections=["uav"]', "output.after_run=false"]
    own = [*before, *(word for one in stac for word in ("--set", one))]
    agro("run", "--config", "default", *own, "--store", str(OUT / "store"))
    measured = compared(report, sky.truth, sky.grid, bounds, sky.scene)
    (OUT / "report.json").write_text(json.dumps({"told": report, "measured": measured, "many": rows}, indent=1))
    print(json.dumps(measured, indent=1))
    drawn(path, measured)


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


@dataclass(frozen=True)
class Sky:
    """The day of the flights: the truth on its grid, the satellite's look of two days before, the fields."""

    settings: Settings
    land: Land
    at: datetime
    truth: dict[str, np.ndarray]
    grid: Grid
    scene: Path


def day_of_flights(settings: Settings) -> Sky:
    """Two days after the clearest look of July, at another hour."""
    land = read_land(settings)
    scene, seen_at = clearest(twin_catalog(settings, land))
    at = datetime(seen_at.year, seen_at.month, seen_at.day, 3, 30, tzinfo=UTC) + timedelta(days=DAYS_LATER)
    told = land.seasons if len(land.seasons) else None
    twin, outlines = settings.twin, land.outlines.dropna(subset=["district"])
    rules = facts(CONFIGS / "twin.toml")
    truth, grid = light_on(at, DISTRICT, outlines, told, rules, twin.seasons, twin.seed, land.crs, twin.world)
    return Sky(settings, land, at, truth, grid, scene)


def largest_green(sky: Sky) -> Bounds:
    """The ground of the largest green field of less than 100 ha, with its edges."""
    green = ndvi(sky.truth)
    whole = []
    for area_ha, shape in zip(sky.land.outlines["area_ha"], sky.land.on_grid, strict=True):
        inside = geometry_mask([shape], sky.grid.shape, sky.grid.transform, invert=True)
        if np.median(green[inside]) > GREEN and area_ha < 100:
            whole.append((area_ha, around_field(shape.bounds)))
    return max(whole)[1]


def around_field(bounds: Bounds) -> Bounds:
    """A field and 60 m around it, on whole 20 m."""
    west, south, east, north = (20 * round((edge + way * 60) / 20) for edge, way in zip(bounds, (-1, -1, 1, 1), strict=True))  # fmt: skip  # noqa: E501
    return west, south, east, north


def many(sky: Sky) -> list[dict[str, Any]]:
    """How far off a flight is put, by the clearness of its pattern: each field whole, and a piece of its inside."""
    random, rows = np.random.default_rng(1), []
    rules = facts(CONFIGS / "flights.toml")
    looks = find_over(sky.settings, sky.land, None)[0]
    look = next(one for one in looks if one.acquisition_id == sky.scene.stem)
    for n, shape in enumerate(sky.land.on_grid):
        x, y = (20 * round((middle - 250) / 20) for middle in (shape.centroid.x, shape.centroid.y))
        for kind, bounds in (("whole", around_field(shape.bounds)), ("inside", (x, y, x + 500, y + 500))):
            aside = tuple(random.uniform(-3.4, 3.4, 2))
            path = write_flight(sky.truth, sky.grid, bounds, OUT / "one.tif", sky.at, n, aside, WRONG, pixel_m=1.0)
            flight = orthomosaic.flight_of(path)
            grid = around(sky.land.crs, flight.bounds_in(sky.land.crs), 10)
            seen = orthomosaic.read(flight, grid, list(flight.bands))
            reference = reference_of(look, grid, list(flight.bands), sky.settings)
            fine = [band for band in reference.data_vars if band in FINE]
            found = shift(*(np.stack([one[band].values for band in fine]) for one in (reference, seen)))
            if found is None:
                continue
            off = float(np.hypot(10 * found.right_px + aside[0], -10 * found.down_px + aside[1]))
            rows.append({"ground": kind, "off_m": off, "clearness": found.clearness})
    for told, those in (
        ("accepted", [row for row in rows if row["clearness"] >= rules["least_clearness"]]),
        ("relative only", [row for row in rows if row["clearness"] < rules["least_clearness"]]),
    ):
        off = sorted(row["off_m"] for row in those)
        print(f"{told}: {len(off)} flights, off by {np.median(off):.1f} m in the middle, {max(off):.1f} m at most")
    return rows


def compared(
    report: dict[str, Any], truth: dict[str, np.ndarray], grid: Grid, bounds: Bounds, scene: Path
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


def counts_of(path: Path, asset: dict[str, Any], bounds: Bounds) -> np.ndarray:
    """Reflectance of a band over the ground, NaN where there is none."""
    about = asset["raster:bands"][0]
    with rasterio.open(path) as source:
        counts = source.read(1, window=from_bounds(*bounds, source.transform).round_offsets().round_lengths())
    return np.where(counts == 0, np.nan, counts * about["scale"] + about.get("offset", 0.0))


def ndvi(bands: dict[str, np.ndarray]) -> np.ndarray:
    """Of reflectance."""
    return (bands["nir"] - bands["red"]) / (bands["nir"] + bands["red"])


def drawn(path: Path, measured: dict[str, Any]) -> None:
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
        f"SIMULATED. Place error {measured['place error [m]']} m; NDVI error by the mis-scaling alone "
        f"{measured['ndvi error, rms']['raw']}, corrected {measured['ndvi error, rms']['flight']}"
    )
    figure.savefig(OUT / "report.png", dpi=90)


if __name__ == "__main__":
    main()
