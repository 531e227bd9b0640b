"""What limits a forecast: the looks, or the few seasons that it learns from? SIMULATED.

    python bench/yield_bound.py TAUGHT SEEDS [DAYS] [WORLDS]     each comma-separated

A learner that is taught the true yields of many other regions of the same world, looked at as ours is, is asked for
regions it has not seen. What it misses after a dozen regions is what the looks do not tell; what it misses more after
one region of twelve seasons is what so few seasons do not teach. Prints a Markdown table.
"""

import sys
import warnings
from datetime import date

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from yield_twins import DRAWS, SEASONS, books_of

from agro.twin.oracle import oracle
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables
from flows.yield_tables import as_known
from models.yield_features import feature_blocks
from models.yield_ladder import names_of

CROP = "spring_wheat"
PENALTIES = np.logspace(-1, 4, 12)


def main() -> None:
    """Every world and day."""
    warnings.filterwarnings("ignore", message="Bins whose width are too small")
    taught, asked = ([int(seed) for seed in sys.argv[n].split(",")] for n in (1, 2))
    days, worlds = (
        sys.argv[n].split(",") if len(sys.argv) > n else given
        for n, given in ((3, ["07-15", "08-15"]), (4, ["first", "second"]))
    )
    lines = ["| world | day | regions taught | harvests taught | RMSE, t/ha | oracle | over oracle |", "|" + "---|" * 7]
    for world in worlds:
        known = {seed: _region(seed, world, days, seed in asked) for seed in [*taught, *asked]}
        for day in days:
            asked_of = pd.concat([known[seed][day] for seed in asked], ignore_index=True)
            best = _off(asked_of, asked_of["expected_t_ha"].to_numpy())
            for count in sorted({1, 4, len(taught)}):
                groups = [taught[n : n + count] for n in range(0, len(taught) - count + 1, count)][:4]
                off = []
                for group in groups:
                    table = pd.concat([known[seed][day] for seed in group], ignore_index=True)
                    off.append(_off(asked_of, _told(table, asked_of)))
                rmse = float(np.sqrt(np.mean(np.square(off))))
                harvests = sum(len(known[seed][day]) for seed in groups[0])
                lines.append(
                    f"| {world} | {day} | {count} | {harvests} | {rmse:.3f} | {best:.3f} | {rmse / best:.2f} |"
                )
                print(lines[-1], file=sys.stderr, flush=True)
    print("\n".join(lines))


def _region(seed: int, world: str, days: list[str], with_oracle: bool) -> dict[str, pd.DataFrame]:
    """Features and true yields of a region's wheat by day; what the oracle expects where it is asked."""
    made = simulated_tables(seed, SEASONS, world=world)
    rules, water = facts(CONFIGS / "yields.toml"), facts(CONFIGS / "water.toml")
    truth = made.truth.fields[["field_id", "season", "yield_t_ha"]].rename(columns={"yield_t_ha": "true_t_ha"})
    told = {}
    for day in days:
        table = as_known(books_of(made), date.fromisoformat(f"{SEASONS[-1] + 1}-{day}"), rules, water)
        known = truth
        if with_oracle:
            best = oracle(made.truth.was, day, DRAWS)[["field_id", "season", "expected_t_ha"]]
            known = truth.merge(best, on=["field_id", "season"])
        own = table[(table["crop"] == CROP) & table["yield_t_ha"].notna()]
        told[day] = own.merge(known.rename(columns={"field_id": "unit_id"}), on=["unit_id", "season"])
    return told


def _told(taught: pd.DataFrame, asked: pd.DataFrame) -> np.ndarray:
    """Trees and splines, half and half, on the logarithm of the true yield."""
    names = names_of(feature_blocks(taught))
    x, at = (_columns(table, names, taught) for table in (taught, asked))
    y = np.log(taught["true_t_ha"].to_numpy())
    trees = HistGradientBoostingRegressor(
        max_iter=500, learning_rate=0.03, max_leaf_nodes=8, min_samples_leaf=20, max_features=0.3, random_state=0
    )
    splines = make_pipeline(StandardScaler(), SplineTransformer(4, 3), RidgeCV(PENALTIES))
    logs = [trees.fit(x, y).predict(at), splines.fit(x, y).predict(at)]
    left = y - np.mean([trees.predict(x), splines.predict(x)], axis=0)
    value: np.ndarray = np.exp(np.mean(logs, axis=0) + left.var() / 2)
    return value


def _columns(table: pd.DataFrame, names: list[str], taught: pd.DataFrame) -> np.ndarray:
    """Features, the season and the variety; where unknown, the middle of what was taught."""
    kinds = sorted(taught["variety"].dropna().unique())
    more = {name: (table["variety"] == name).astype("float64") for name in kinds}
    whole = table[[*names, "season"]].astype("float64").fillna(taught[names].median())
    values: np.ndarray = whole.assign(**more).to_numpy()
    return values


def _off(asked: pd.DataFrame, told: np.ndarray) -> float:
    return float(np.sqrt(np.mean((told - asked["true_t_ha"].to_numpy()) ** 2)))


if __name__ == "__main__":
    main()
