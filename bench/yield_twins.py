"""Forecasts of simulated regions that nobody looked at while building, both worlds, against an oracle. SIMULATED.

    python bench/yield_twins.py SEEDS [DAYS] [CROPS] [WORLDS]     each comma-separated

Twelve seasons a seed; each season is told from the others: features, choice of the rung, intervals and hull know
nothing of it. The oracle knows the true state of every pixel on the day and the model of growth, but not the weather
to come. Prints Markdown tables and a JSON line; a row a seed goes to standard error as it comes.
"""

import json
import sys
from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from agro.agromaps.barn_weight import in_barn
from agro.twin.oracle import oracle
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables
from flows.yield_tables import Books, as_known
from models.intervals import misses
from models.judge import coverage_by_season, interval_score
from models.yield_blend import BLEND, choose
from models.yield_features import feature_blocks
from models.yield_hull import hull_of, outside
from models.yield_ladder import PLAIN, RUNGS, LadderRules, names_of
from models.yields import _errors, fit

SEASONS = tuple(range(2011, 2023))
LEVEL, LATITUDE, DRAWS = 0.8, 55.3, 40


def main() -> None:
    """Every world, seed, day and crop; then the pooled figures."""
    seeds, days, crops, worlds = (
        (sys.argv[n].split(",") if len(sys.argv) > n else given)
        for n, given in ((1, []), (2, ["07-15"]), (3, ["spring_wheat"]), (4, ["first", "second"]))
    )
    rows = []
    for world in worlds:
        for seed in seeds:
            for own in _of_seed(int(seed), days, crops, world):
                rows.append(own)
                figures = {name: round(value, 3) for name, value in _figures(own).items()}
                print(world, seed, own["day"].iloc[0], own["crop"].iloc[0], figures, file=sys.stderr, flush=True)
    whole = pd.concat(rows, ignore_index=True)
    print(_pooled(whole, ["world", "day", "crop"]))
    print("\nCoverage of the 80 % intervals by season, all seeds together:\n")
    print(_by_season(whole))
    print(json.dumps({str(key): _figures(own) for key, own in whole.groupby(["world", "day", "crop"])}))


def _of_seed(seed: int, days: list[str], crops: list[str], world: str) -> Iterator[pd.DataFrame]:
    made = simulated_tables(seed, SEASONS, world=world)
    books = books_of(made)
    rules, water = facts(CONFIGS / "yields.toml"), facts(CONFIGS / "water.toml")
    truth = made.truth.fields[["field_id", "season", "yield_t_ha"]].rename(columns={"yield_t_ha": "true_t_ha"})
    for day in days:
        table = as_known(books, date.fromisoformat(f"{SEASONS[-1] + 1}-{day}"), rules, water)
        best = oracle(made.truth.was, day, DRAWS)[["field_id", "season", "expected_t_ha"]]
        known = truth.merge(best, on=["field_id", "season"]).rename(columns={"field_id": "unit_id"})
        for crop in crops:
            own = table[(table["crop"] == crop) & table["yield_t_ha"].notna()].reset_index(drop=True)
            kind = next((kind for kind in rules["kinds"] if crop in kind), [])
            kin = table[table["crop"].isin(kind) & (table["crop"] != crop) & table["yield_t_ha"].notna()]
            told = left_out(own, crop, day, rules, kin)
            yield told.merge(known, on=["unit_id", "season"]).assign(world=world, seed=seed, day=day, crop=crop)


def books_of(made) -> Books:
    """The tables of a simulated region as the flows hold them, soil and relief beside the fields."""
    ground = made.soil.merge(made.relief, on="field_id").set_index("field_id").add_prefix("ground_").reset_index()
    fields = pd.DataFrame(made.outlines[["field_id", "farm_id", "district", "area_ha"]]).merge(ground, on="field_id")
    barn = facts(CONFIGS / "harvest.toml")["barn"]
    harvest = in_barn(made.harvest, barn["factor"], barn["factor_se"])
    return Books(fields, made.seasons, made.fieldstats, made.weather, harvest, LATITUDE)


def left_out(own: pd.DataFrame, crop: str, day: str, rules: dict, kin: pd.DataFrame | None = None) -> pd.DataFrame:
    """What would have been told of each season, had nothing of its harvest been known: value, ends, silence."""
    blocks = feature_blocks(own)
    ladder = {name: rules["ladder"][name] for name in LadderRules.__dataclass_fields__}
    model = fit(crop, day, own, blocks, LadderRules(**ladder), kin)
    told = model.left_out.drop(columns=BLEND, errors="ignore")
    rungs = [rung for rung in RUNGS if rung in told]
    parts = []
    for season in told["season"].unique():
        here = told["season"] == season
        choice = choose(told[~here], rungs)
        rows = told[here].assign(chosen=choice.chosen)
        rows["told_t_ha"] = rows[list(choice.weights)] @ pd.Series(choice.weights)
        for rung, column, name in ((choice.chosen, "told_t_ha", ""), ("trend", "trend", "trend_")):
            missed = misses(_errors(choice.left_out, rung))
            se = np.sqrt(missed.year_cv**2 + missed.district_cv**2 + missed.field_cv**2)
            ends = [{e.level: e for e in missed.ends(v, v * se, "field")}[LEVEL] for v in rows[column]]
            rows[f"{name}low"], rows[f"{name}high"] = [e.low for e in ends], [e.high for e in ends]
        if choice.chosen not in PLAIN:
            past, asked = (own[own["season"].ne(season) == other].reset_index(drop=True) for other in (True, False))
            hull = hull_of(past, names_of(blocks), ladder["hull_margin"])
            unlike = pd.Series([why is not None for why in outside(hull, asked)], index=asked["unit_id"])
            blind = asked.set_index("unit_id")[list(blocks["canopy"])].isna().all(axis=1)
            silent = rows["unit_id"].map(unlike | blind).to_numpy()
            rows.loc[silent, ["told_t_ha", "low", "high"]] = np.nan
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def _figures(rows: pd.DataFrame) -> dict[str, float]:
    """Figures of the rows that were answered, and the share that they are."""
    told = rows[rows["told_t_ha"].notna()]
    true = told["true_t_ha"].to_numpy()

    def off(column: str) -> float:
        return float(np.sqrt(np.mean((told[column] - true) ** 2)))

    inside = (true >= told["low"]) & (true <= told["high"])
    return {
        "rmse": off("told_t_ha"),
        "average": off("average"),
        "trend": off("trend"),
        "oracle": off("expected_t_ha"),
        "to_average": off("told_t_ha") / off("average"),
        "to_oracle": off("told_t_ha") / off("expected_t_ha"),
        "covered": float(inside.mean()),
        "interval_score": interval_score(true, told["low"].to_numpy(), told["high"].to_numpy(), LEVEL),
        "trend_score": interval_score(true, told["trend_low"].to_numpy(), told["trend_high"].to_numpy(), LEVEL),
        "answered": len(told) / len(rows),
    }


def _pooled(whole: pd.DataFrame, keys: list[str]) -> str:
    lines = [
        "| world | day | crop | seeds | fields and seasons | RMSE, t/ha | average | trend | oracle | over average | "
        "over oracle | 80 % covers | interval score | of the trend | answered |",
        "|" + "---|" * 15,
    ]
    for key, own in whole.groupby(keys):
        f = _figures(own)
        lines.append(
            f"| {' | '.join(key)} | {own['seed'].nunique()} | {len(own)} | {f['rmse']:.3f} | {f['average']:.3f} | "
            f"{f['trend']:.3f} | {f['oracle']:.3f} | {f['to_average']:.2f} | {f['to_oracle']:.2f} | "
            f"{f['covered']:.0%} | {f['interval_score']:.2f} | {f['trend_score']:.2f} | {f['answered']:.0%} |"
        )
    return "\n".join(lines)


def _by_season(whole: pd.DataFrame) -> str:
    lines = ["| world, day | " + " | ".join(map(str, SEASONS)) + " |", "|" + "---|" * (len(SEASONS) + 1)]
    for key, own in whole.groupby(["world", "day"]):
        told = own[own["told_t_ha"].notna()]
        share = coverage_by_season(*(told[name].to_numpy() for name in ("season", "true_t_ha", "low", "high")))
        lines.append(f"| {', '.join(key)} | " + " | ".join(f"{share.get(one, np.nan):.0%}" for one in SEASONS) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
