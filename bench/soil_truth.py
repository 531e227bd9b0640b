"""Do the intervals of soil maps hold the true soil, and what does bare soil add? SIMULATED: only there is it known.

    python bench/soil_truth.py SEED...      each seed is another region; seeds used while building: 2017, 101 to 104

Each region is published from one season of passes; its soil is mapped twice from the same samples, with the colour of
bare soil among the covariates and without. Prints a Markdown table and a JSON line.
"""

import json
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from agro.agromaps.soil import interval_90
from agro.domain.grid import Grid
from agro.domain.soil import DETERMINANDS
from agro.store.index import Index, opened
from agro.store.maps import windowed
from agro.store.publish import Published, Store, writing
from agro.twin.land import ground
from flows.bare_soil_maps import make_bare_soil
from flows.ground_maps import make_relief
from flows.plan import read_land
from flows.settings import CONFIGS, facts, load
from flows.simulated import records_of
from flows.soil_maps import make_soil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from workshop import run_plain

SEASON, TODAY = 2021, date(2022, 6, 1)


def main() -> None:
    """Simulate, map, compare with the truth."""
    rows = []
    for seed in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            rows += compared(Path(folder), seed)
        print(f"seed {seed}: done", file=sys.stderr, flush=True)
    table = pd.DataFrame(rows)
    print(report(table))
    print(json.dumps(table.round(4).to_dict("records")))


def compared(folder: Path, seed: int) -> list[dict[str, object]]:
    """A row a district, property and way: share of the pixels whose 90 % interval holds the truth, and R2."""
    where = [f"twin.path={folder / 'twin'}", f"store.path={folder / 'store'}"]
    settings = load("default", [f"twin.seed={seed}", f"twin.seasons=[{SEASON}]", *where])
    run_plain(settings)
    land = read_land(settings)
    records, rows = records_of(settings, land), []
    with writing(settings.store.path) as store, opened(store) as index:
        make_relief(settings, land, records.elevation, store, index)
        for way in ("relief", "relief and bare soil"):
            if way != "relief":
                make_bare_soil(settings, land, store, index, TODAY)
            make_soil(settings, land, records.soil, store, index, TODAY)
            rows += [{"seed": seed, "way": way, **row} for row in against_truth(store, index, folder)]
    return rows


def against_truth(store: Store, index: Index, folder: Path) -> list[dict[str, object]]:
    """The newest soil map of each district next to its true pixels."""
    newest = {result.properties["agro:district"]: result for result in index.items("soil")}
    rows = []
    for district, result in newest.items():
        (path,) = folder.glob(f"twin/*/truth/soil-{district}.parquet")
        truth = pd.read_parquet(path)
        grid = truth_grid(result)
        for name in truth.columns.intersection(list(DETERMINANDS)):
            layer = DETERMINANDS[name].layer
            if layer not in result.item["assets"]:
                rows.append({"district": district, "layer": layer, "drawn": False})
                continue
            told, error = (
                windowed(store, [result], asset, grid)[truth["row"], truth["column"]]
                for asset in (layer, f"{layer}_se")
            )
            known, true = np.isfinite(told) & np.isfinite(error), truth[name].to_numpy()
            ends = interval_90(xr.DataArray(told), xr.DataArray(error), DETERMINANDS[name].logarithmic)
            held = (true >= ends[0].values) & (true <= ends[1].values)
            r2 = 1 - ((true - told)[known] ** 2).sum() / ((true[known] - true[known].mean()) ** 2).sum()
            rows.append({"district": district, "layer": layer, "drawn": True, "held": held[known].mean(), "r2": r2})
    return rows


def truth_grid(result: Published) -> Grid:
    """Where the rows and columns of the truth lie [m]."""
    settings = load("default")
    land, rules = read_land(settings), facts(CONFIGS / "twin.toml")
    last_season = max(settings.twin.seasons)
    drawn = ground(land.outlines, str(result.properties["agro:district"]), land.crs, rules, last_season, 0)
    return drawn.grid.at(20)


def report(table: pd.DataFrame) -> str:
    """Pooled over seeds and districts."""
    lines = [
        "| property | way | maps drawn | 90 % intervals hold, mean | lowest | highest | R2, mean |",
        "|---|---|---|---|---|---|---|",
    ]
    for layer in (*sorted(table["layer"].unique()), "all"):
        for way, rows in (table if layer == "all" else table[table["layer"] == layer]).groupby("way"):
            drawn = rows[rows["drawn"]]
            held = drawn["held"]
            lines.append(
                f"| {layer} | {way} | {len(drawn)} of {len(rows)} | {held.mean():.3f} | {held.min():.3f} | "
                f"{held.max():.3f} | {drawn['r2'].mean():.3f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
