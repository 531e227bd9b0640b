"""Does wetness by radar rise and fall with rain, with the water balance and with wetness from above? On real looks.

    python bench/radar_wetness.py FOLDER [STORE]

FOLDER holds `flanders-2018`: a static catalogue with Sentinel-1 and Sentinel-2, fields, daily weather. Everything is
published as `agro run` and `agro review` do, into STORE where it is named. Prints a Markdown table.
"""

import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from agro.store.index import opened
from agro.store.publish import Store, read_asset
from agro.store.tables import from_parquet
from flows.settings import load
from flows.winter_review import review

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from workshop import run_plain

DRIES = 0.85  # [1] of the rain that is left in the soil's surface a day later
FEWEST = 6  # [1] pairs that a rank correlation needs
TOGETHER = pd.Timedelta(days=1)  # a look from above this near to a radar look is of the same wetness
MONTHS = (3, 10)  # [1] first and last without frost


def main() -> None:
    """Publish, compare, report."""
    folder = Path(sys.argv[1]) / "flanders-2018"
    with tempfile.TemporaryDirectory() as temporary:
        store = Store(Path(sys.argv[2]) if len(sys.argv) > 2 else Path(temporary) / "store")
        overrides = [
            f"imagery.catalog={folder / 'catalog' / 'catalog.json'}",
            f"fields.path={folder / 'fields.gpkg'}",
            f"records.weather={folder / 'weather.csv'}",
            f"store.path={store.root}",
        ]
        settings = load("stac", overrides)
        run_plain(settings)
        review(settings, date(2019, 6, 1))
        print(table(compared(store, folder)))


def compared(store: Store, folder: Path) -> pd.DataFrame:
    """A row a field and orbit: rank correlations with rain, balance and wetness from above, and pairs they are of."""
    by_radar = read(store, "radar_wetness", "sat:relative_orbit")
    from_above = read(store, "moisture")
    above = from_above[(from_above["layer"] == "wetness") & (from_above["n_px"] > 0)]
    with opened(store) as index:
        water = from_parquet(read_asset(store, index.items("water")[-1], "water"))
    surface = water.assign(day=water["day"].dt.as_unit("ns")).set_index(["field_id", "day"])["surface_depletion_mm"]
    rain = left_in_the_surface(pd.read_csv(folder / "weather.csv", parse_dates=["date"]))
    rows = []
    for (field_id, orbit), looks in by_radar.groupby(["field_id", "orbit"]):
        own = above[above["field_id"] == field_id].set_index("day")["p50"].sort_index()
        against = {
            "rain": [rain.get(day, np.nan) for day in looks["day"]],
            "balance": [-surface.get((field_id, day), np.nan) for day in looks["day"]],
            "above": [own[day - TOGETHER : day + TOGETHER].mean() for day in looks["day"]],
        }
        frost = ~looks["day"].dt.month.between(*MONTHS)
        told = {name: correlation(looks["p50"][~frost], np.array(values)[~frost]) for name, values in against.items()}
        rows.append({"field": field_id, "orbit": orbit, **told})
    return pd.DataFrame(rows)


def read(store: Store, kind: str, told: str | None = None) -> pd.DataFrame:
    """The field rows of all results of a kind, with their day and a property of the result."""
    with opened(store) as index:
        results = index.items(kind)
    tables = [
        from_parquet(read_asset(store, result, "fields")).assign(orbit=result.properties[told] if told else None)
        for result in results
    ]
    rows = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return rows.assign(day=rows["acquired_at"].dt.tz_convert(None).dt.normalize().dt.as_unit("ns"))


def left_in_the_surface(weather: pd.DataFrame) -> pd.Series:
    """The rain of a day and what is left of the days before [mm]."""
    left, total = [], 0.0
    for fallen in weather["precip_mm"]:
        total = DRIES * total + fallen
        left.append(total)
    return pd.Series(left, index=weather["date"])


def correlation(seen: pd.Series, other: np.ndarray) -> tuple[float, int]:
    """Rank correlation and pairs; NaN where there are too few."""
    known = np.isfinite(seen.to_numpy()) & np.isfinite(other)
    if known.sum() < FEWEST:
        return float("nan"), int(known.sum())
    return float(spearmanr(seen.to_numpy()[known], other[known]).statistic), int(known.sum())


def table(rows: pd.DataFrame) -> str:
    """Markdown: the correlation and, in brackets, of how many looks it is."""
    names = {
        "rain": f"rain, {DRIES:g} of it left a day later",
        "balance": "surface layer of the water balance",
        "above": "wetness from above within a day",
    }
    lines = [f"| field | relative orbit | {' | '.join(names.values())} |", "|---|---|" + "---|" * len(names)]
    for row in rows.to_dict("records"):
        cells = [f"{row[n][0]:.2f} ({row[n][1]})" if np.isfinite(row[n][0]) else f"- ({row[n][1]})" for n in names]
        lines.append(f"| {row['field']} | {row['orbit']} | {' | '.join(cells)} |")
    middle = {n: np.nanmedian([row[n][0] for row in rows.to_dict("records")]) for n in names}
    lines.append(f"| median | | {' | '.join(f'{middle[n]:.2f}' for n in names)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
