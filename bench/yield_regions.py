"""Forecasts of real regions: counties of the USA (maize), regions of Spain (maize, wheat) and the Netherlands (maize).

    python bench/yield_regions.py REAL_DATA_FOLDER

Each season is told from the others: features, choice of the rung and intervals know nothing of its harvest. Half of
the season, and its end. MAPIE conformalises the same left-out forecasts with rows taken as exchangeable: what is
lost where a season's common error is not seen. Prints Markdown tables and a JSON line.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from mapie.regression import SplitConformalRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from yield_twins import LEVEL, left_out

from flows.settings import CONFIGS, facts
from models.judge import coverage_by_season, interval_score, scores

# By the calendar: half of the season, and its end (first months that are not seen).
CUTS = {"maize": {"half": 8, "end": 10}, "wheat": {"half": 5, "end": 7}}
FIRST_MONTH = 3
SLIPS = (0.2, 5.0)  # [1] of a region's median: beyond lie slips of the source (all of Spain's maize of 2002 is a tenth)
US_PHASES = {"half": "012", "end": "01234"}  # of the crop's development, as the features are named
# Baselines of CY-Bench, August 2024, each year left out: average, linear trend, forest on the trend's residuals, forest
# [%]. source: github.com/BigDataWUR/AgML-CY-Bench, results_baselines/tables/tables_aug2024.md (normalized_rmse; of
# maize in the USA only mape is filled in)
PUBLISHED = {
    "US maize": ("MAPE", 21.54, 20.72, 20.82, 28.11),
    "ES maize": ("NRMSE", 16.00, 14.04, 13.90, 20.23),
    "NL maize": ("NRMSE", 15.32, 16.00, 16.46, 16.21),
    "ES wheat": ("NRMSE", 36.35, 39.54, 40.43, 39.59),
}
_COLUMN = {"MAPE": "mape", "NRMSE": "nrmse_median"}
_PLAIN = ("nrmse", "nrmse_median", "mape")


def main() -> None:
    """Every set and day; then what the intervals cover season by season."""
    folder = Path(sys.argv[1]) / "yield-stats" / "wur_agml"
    rules = facts(CONFIGS / "yields.toml")
    lines = [
        "| set | known to | regions and seasons | NRMSE | MAPE | R2 | five-year average | trend | skill to the "
        "average | to the trend | spoke | answered | 80 % covers | worst season | MAPIE covers | worst season | "
        "interval score | of the trend |",
        "|" + "---|" * 18,
    ]
    beside = [
        "| set, end of the season | figure | published: average | trend | forest on residuals | forest | best over the "
        "average | ours: average | trend | told | over the average | speaks |",
        "|" + "---|" * 12,
    ]
    by_season, said = [], {}
    for name, cut, table in tables(folder):
        told = left_out(table, name, cut, rules)
        told[["mapie_low", "mapie_high"]] = exchangeable(told)
        f = figures(told)
        print(name, cut, f, file=sys.stderr, flush=True)
        said[f"{name}, {cut}"] = f
        lines.append(
            f"| {name} | {cut} | {len(told)} | {f['nrmse']:.1%} | {f['mape']:.1%} | {f['r2']:.2f} | "
            f"{f['average_nrmse']:.1%} | {f['trend_nrmse']:.1%} | {f['skill_average']:+.2f} | "
            f"{f['skill_trend']:+.2f} | "
            f"{f['spoke']} | {f['answered']:.0%} | {f['covered']:.0%} | {f['worst']:.0%} | {f['mapie_covered']:.0%} | "
            f"{f['mapie_worst']:.0%} | {f['interval_score']:.2f} | {f['trend_score']:.2f} |"
        )
        if cut == "end":
            beside.append(_beside(name, f))
        share = _coverage(told, "")
        by_season.append(f"- {name}, {cut}: " + ", ".join(f"{season} {own:.0%}" for season, own in share.items()))
    print("\n".join(lines))
    print(
        "\nBeside what was published of the same countries (CY-Bench: other years and regions; NRMSE of each season, "
        "then the median, here too):\n\n" + "\n".join(beside)
    )
    print("\nCoverage of the 80 % intervals by season:\n\n" + "\n".join(by_season))
    print(json.dumps(said))


def tables(folder: Path) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Each set at each cut: `unit_id, farm_id, district, season, area_ha, yield_t_ha` and features."""
    for cut in US_PHASES:
        yield "US maize", cut, counties(folder / "features/maize/US/grain_maize_US_train.csv", cut)
    for crop, country in (("maize", "ES"), ("maize", "NL"), ("wheat", "ES")):
        for cut, month in CUTS[crop].items():
            yield f"{country} {crop}", cut, regions(folder / crop / country, f"{crop}_{country}", month)


def counties(file: Path, cut: str) -> pd.DataFrame:
    """The counties with features of the phases that are over; without the file's own columns of earlier yields."""
    rows = pd.read_csv(file)
    weather = [c for c in rows if c[-2:-1] == "p" and c[-1] in US_PHASES[cut] and "FAPAR" not in c]
    table = _table(rows["adm_id"], rows["adm_id"].str[:2], rows["year"], np.ones(len(rows)), rows["yield"])
    for name in weather:
        table[f"weather_{name}"] = rows[name]
    return table.assign(canopy_fapar=rows["avgFAPARp2"], ground_whc=rows["SM_WHC"])


def regions(folder: Path, ending: str, first_unseen: int) -> pd.DataFrame:
    """Regions with monthly means of NDVI and FPAR up to a month, their sum and peak, and the soil's water."""
    rows = pd.read_csv(folder / f"yield_{ending}.csv").dropna(subset=["yield"])
    rows = rows[rows["yield"] > 0].rename(columns={"harvest_year": "season"})
    usual = rows.groupby("adm_id")["yield"].transform("median")
    rows = rows[rows["yield"].between(*(slip * usual for slip in SLIPS))]
    table = _table(rows["adm_id"], rows["country_code"], rows["season"], rows["harvest_area"], rows["yield"])
    for name in ("ndvi", "fpar"):
        seen = pd.read_csv(folder / f"{name}_{ending}.csv")
        day = pd.to_datetime(seen["date"].astype(str), format="%Y%m%d")
        seen = seen.assign(season=day.dt.year, month=day.dt.month)
        seen = seen[seen["month"].between(FIRST_MONTH, first_unseen - 1)]
        months = seen.pivot_table(index=["adm_id", "season"], columns="month", values=name)
        found = months.add_prefix(f"canopy_{name}_").assign(
            **{
                f"canopy_{name}_sum": months.sum(axis=1, skipna=False),
                f"canopy_{name}_peak": months.max(axis=1),
            }
        )
        table = table.merge(found.reset_index().rename(columns={"adm_id": "unit_id"}), on=["unit_id", "season"])
    soil = pd.read_csv(folder / f"soil_{ending}.csv").rename(columns={"adm_id": "unit_id", "awc": "ground_awc"})
    return table.merge(soil[["unit_id", "ground_awc"]], on="unit_id", how="left")


def _table(unit: pd.Series, group: pd.Series, season: pd.Series, area_ha: object, yields: pd.Series) -> pd.DataFrame:
    named = {"unit_id": unit, "farm_id": group, "district": group, "season": season.astype(int)}
    return pd.DataFrame({**named, "area_ha": area_ha, "yield_t_ha": yields}).reset_index(drop=True)


def _beside(name: str, f: dict[str, object]) -> str:
    figure, *theirs = PUBLISHED[name]
    ours = [100 * float(str(f[f"{of}_{_COLUMN[figure]}"])) for of in ("average", "trend", "told")]
    cells = [name, figure, *(f"{one:.1f}" for one in theirs), f"{min(theirs[1:]) / theirs[0]:.2f}"]
    return f"| {' | '.join([*cells, *(f'{one:.1f}' for one in ours), f'{ours[2] / ours[0]:.2f}', str(f['spoke'])])} |"


class _AsTold(RegressorMixin, BaseEstimator):
    """What was told already, as an estimator."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> "_AsTold":
        self.is_fitted_ = True
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x)[:, 0]


def exchangeable(told: pd.DataFrame) -> np.ndarray:
    """MAPIE's intervals (row, end) [t/ha] of each season, from what was missed in the others, row by row."""
    ends = np.full((len(told), 2), np.nan)
    known = told["told_t_ha"].notna().to_numpy()
    for season in told["season"].unique():
        here = (told["season"] == season).to_numpy()
        others, asked = told[~here & known], told[here & known]
        if len(asked) == 0:
            continue
        made = SplitConformalRegressor(_AsTold().fit(None, None), confidence_level=LEVEL, prefit=True)
        made.conformalize(others[["told_t_ha"]].to_numpy(), others["observed_t_ha"].to_numpy())
        ends[here & known] = made.predict_interval(asked[["told_t_ha"]].to_numpy())[1][:, :, 0]
    return ends


def figures(told: pd.DataFrame) -> dict[str, object]:
    """Figures of merit of one set and day."""
    own = scores(told.rename(columns={"average": "average_t_ha", "trend": "trend_t_ha"}))
    known = told[told["told_t_ha"].notna()]
    plain = {rung: scores(known.assign(told_t_ha=known[rung], average_t_ha=known["average"], trend_t_ha=known["trend"]))
             for rung in ("average", "trend")} | {"told": own}  # fmt: skip
    observed = known["observed_t_ha"].to_numpy()
    covered, mapie = (_coverage(told, name) for name in ("", "mapie_"))
    chosen = known.groupby("season")["chosen"].first().value_counts()
    return {
        "nrmse": own.nrmse,
        "mape": own.mape,
        "r2": own.r2,
        **{f"{of}_{name}": getattr(one, name) for of, one in plain.items() for name in _PLAIN},
        "skill_average": own.skill_average,
        "skill_trend": own.skill_trend,
        "spoke": ", ".join(f"{rung} in {n}" for rung, n in chosen.items()),
        "answered": own.answered,
        "covered": _inside(known, ""),
        "worst": float(covered.min()),
        "mapie_covered": _inside(known, "mapie_"),
        "mapie_worst": float(mapie.min()),
        "interval_score": interval_score(observed, known["low"].to_numpy(), known["high"].to_numpy(), LEVEL),
        "trend_score": interval_score(observed, known["trend_low"].to_numpy(), known["trend_high"].to_numpy(), LEVEL),
    }  # fmt: skip


def _inside(known: pd.DataFrame, which: str) -> float:
    return float(known["observed_t_ha"].between(known[f"{which}low"], known[f"{which}high"]).mean())


def _coverage(told: pd.DataFrame, which: str) -> pd.Series:
    known = told[told["told_t_ha"].notna()]
    columns = ("season", "observed_t_ha", f"{which}low", f"{which}high")
    return pd.Series(coverage_by_season(*(known[name].to_numpy() for name in columns)))


if __name__ == "__main__":
    main()
