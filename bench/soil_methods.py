"""The choice of a way to map a soil property against each way alone, on the 31 data sets of LimeSoDa.

Outer folds are the package's own (ten, at random); the choice sees the training part only. Prints a table in Markdown
and a JSON object. `python bench/soil_methods.py [--folds SEED] [DATA SET ...]`; all of them take about ten minutes of
one core. With a seed the outer folds are other ten, of which nobody knew while the ways were settled.
"""

import argparse
import json
import sys
import time

import LimeSoDa
import numpy as np
import pandas as pd

from agro.agromaps.soil import choose_method, tell_at
from agro.agromaps.soil_methods import METHODS, Ground, fit_methods
from agro.agromaps.soil_skill import NORMAL_90

DEGREE_M = 111_200.0  # [m] two sets give degrees around a made-up origin at the equator
SPECTRUM = 60  # [1] sets with more covariates hold spectra of the laboratory, which no map has


def main() -> None:
    """Compare, report."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--folds", type=int, help="seed of other outer folds than the package's")
    asked.add_argument("--maps", action="store_true", help="only sets whose covariates a map can have")
    asked.add_argument("names", nargs="*")
    options = asked.parse_args()
    every = [name for name in LimeSoDa.list_datasets() if name != "Overview_Datasets"]
    names = [name for name in options.names or every if not (options.maps and len(opened(name)[1]) > SPECTRUM)]
    rows = [row for name in names for row in compared(name, options.folds)]
    table = pd.DataFrame(rows)
    print(report(table))
    print(json.dumps(table.round(4).to_dict("records")))


def compared(name: str, seed: int | None = None) -> list[dict[str, object]]:
    """One row a target: R2 of each way alone and of the choice, on the samples of the outer folds."""
    samples, covariates, targets, fold = opened(name)
    if seed is not None:
        fold = np.random.default_rng(seed).permutation(len(samples)) % 10
    rows = []
    for target in targets:
        started = time.process_time()
        samples = samples.assign(value=samples[target])
        told = {way: np.empty(len(samples)) for way in (*METHODS, "choice")}
        inside, drawn = np.empty(len(samples), bool), 0
        for number in np.unique(fold):
            rest, gone = samples[fold != number], samples[fold == number]
            for way, values in alone(rest, gone, covariates).items():
                told[way][fold == number] = values
            choice = choose_method(rest, covariates)
            drawn += choice.surface
            value, error = tell_at(rest, gone, choice)
            told["choice"][fold == number] = value
            inside[fold == number] = np.abs(gone["value"] - value) <= NORMAL_90 * error
        observed = samples["value"].to_numpy()
        spread = ((observed - observed.mean()) ** 2).sum()
        rows.append(
            {
                "set": name,
                "target": target.removesuffix("_target"),
                "n": len(samples),
                "spectra": len(covariates) > SPECTRUM,
                "placed": bool(samples["x_m"].notna().all()),
                **{way: 1 - ((observed - values) ** 2).sum() / spread for way, values in told.items()},
                "coverage_90": float(inside.mean()),
                "drawn": drawn / len(np.unique(fold)),
                "seconds": time.process_time() - started,
            }
        )
        print(name, target, {k: round(v, 2) for k, v in rows[-1].items() if isinstance(v, float)}, file=sys.stderr)
    return rows


def opened(name: str) -> tuple[pd.DataFrame, list[str], list[str], np.ndarray]:
    """The samples with x_m and y_m (missing where the set has no places), covariates, targets, outer folds."""
    loaded = LimeSoDa.load_dataset(name)
    samples = loaded["Dataset"].copy()
    targets = [column for column in samples if column.endswith("_target")]
    covariates = [column for column in samples if column not in targets]
    places = loaded["Coordinates"]
    xy = np.asarray(places, dtype=float) if isinstance(places, pd.DataFrame) else np.full((len(samples), 2), np.nan)
    metres = xy * DEGREE_M if np.nanmax(np.abs(xy), initial=0) < 400 else xy
    return samples.assign(x_m=metres[:, 0], y_m=metres[:, 1]), covariates, targets, np.asarray(loaded["Folds"])


def alone(rest: pd.DataFrame, gone: pd.DataFrame, covariates: list[str]) -> dict[str, np.ndarray]:
    """What each way says by itself; without places kriging adds nothing to a regression, and alone is the mean."""
    first, last = (
        Ground(part[["x_m", "y_m"]].to_numpy(), part[covariates].to_numpy(), np.zeros(len(part)))
        for part in (rest, gone)
    )
    placed = first.placed
    stands = {"idw": "mean", "kriging": "mean", "ridge_kriging": "ridge", "forest_kriging": "forest"}
    ways = METHODS if placed else ("mean", "ridge", "forest")
    fitted = {way: tell(last)[0] for way, tell in fit_methods(first, rest["value"].to_numpy(), ways).items()}
    return fitted if placed else {way: fitted[stands.get(way, way)] for way in METHODS}


def report(table: pd.DataFrame) -> str:
    """Medians over targets, for all sets and for those whose covariates a map can have."""
    lines = []
    parts = {"all": table, "no spectra": table[~table["spectra"]], "spectra": table[table["spectra"]]}
    for part, chosen in parts.items():
        if not len(chosen):
            continue
        ways = [*METHODS, "choice"]
        rmse = {way: np.sqrt((1 - chosen[way]) / (1 - chosen["forest"])) for way in ways}
        lines += [f"\n**{part}**: {len(chosen)} targets\n", "| way | median R2 | mean R2 | median RMSE / forest |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {w} | {chosen[w].median():.3f} | {chosen[w].mean():.3f} | {rmse[w].median():.3f} |" for w in ways]
        lines += [
            f"\n90 % intervals hold: median {chosen['coverage_90'].median():.3f}, pooled "
            f"{np.average(chosen['coverage_90'], weights=chosen['n']):.3f}; surface drawn in "
            f"{chosen['drawn'].mean():.0%} of the fits; {chosen['seconds'].sum():.0f} s of processor time"
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
