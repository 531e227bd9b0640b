"""One error budget from the sky to the indicator, and whether its intervals hold. SIMULATED.

    python bench/error_budget.py SEEDS [DAY] [WORLD]

Twelve seasons a seed, each told from the others; spring wheat of 60 fields, of which six in ten are on record. The
steps: what the model cannot know of a season seen whole through a clear sky; harvests as they are recorded; the season
still to come; cloud and sensor; fields that are on no record; areas as offices print them; livestock, told as the year
before. Forecasts as the product makes them, without related crops. Prints Markdown tables.
"""

import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from yield_twins import books_of

from agro.domain.outlook import Misses
from agro.region.aggregate import Asked, Cover, district_yield, told_yields
from agro.region.error_budget import error_budget
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables
from flows.yield_tables import Books, as_known
from models.intervals import misses
from models.yield_blend import BLEND, choose
from models.yield_features import feature_blocks
from models.yield_ladder import RUNGS, LadderRules
from models.yields import _errors, fit

SEASONS = tuple(range(2011, 2023))
CROP, LEVEL, WHOLE = "spring_wheat", 0.9, "09-15"
STEPS = ["yield", "records", "to come", "mask"]
COVER = Cover(0.0, 1)
GRAIN = 0.2  # [1] of the output's worth: 60 fields stand for a region's grain. an illustration


def main() -> None:
    """Every seed, then the pooled tables."""
    seeds = [int(one) for one in sys.argv[1].split(",")]
    day, world = (sys.argv[n] if len(sys.argv) > n else given for n, given in ((2, "07-15"), (3, "first")))
    levels: dict[str, list[pd.DataFrame]] = {"field": [], "district": [], "region": [], "indicator": []}
    for seed in seeds:
        for name, rows in of_seed(seed, day, world).items():
            levels[name].append(rows.assign(seed=seed))
        print(world, seed, file=sys.stderr, flush=True)
    whole = {name: pd.concat(rows, ignore_index=True) for name, rows in levels.items()}
    print(f"{len(seeds)} regions of the {world} world, {len(whole['region'])} seasons, foreseen on {day}.\n")
    print(budgets(whole))
    print(coverage(whole))


def of_seed(seed: int, day: str, world: str) -> dict[str, pd.DataFrame]:
    """Chains from truth to told, with the ends of 90 % intervals, at each level."""
    made = simulated_tables(seed, SEASONS, 60, pixels=12, mapped_share=0.6, world=world, bare_sky=True)
    told, missed = told_fields(made, day)
    fields = made.truth.fields[made.truth.fields["crop"] == CROP]
    parts = [of_season(told[told["season"] == s], fields[fields["season"] == s], made, missed[s]) for s in missed]
    district = pd.concat([part[0] for part in parts], ignore_index=True)
    region = pd.DataFrame([part[1] for part in parts])
    return {"field": told, "district": district, "region": region, "indicator": indicator(region, made)}


def told_fields(made, day: str) -> tuple[pd.DataFrame, dict[int, Misses]]:
    """Fields on record: the truth and what is told after each step [t/ha], and what other seasons missed."""
    books = books_of(made)
    clear = replace(
        books, fieldstats=made.truth.bare_sky.rename(columns={"bare_sky_mean": "p50"}).assign(clear_fraction=1.0)
    )
    truth = made.truth.fields[["field_id", "season", "yield_t_ha"]]
    right = books.harvest.merge(truth.rename(columns={"yield_t_ha": "true_t_ha"}), on=["field_id", "season"])
    right = right.assign(barn_t_ha=right["true_t_ha"]).drop(columns="true_t_ha")
    variants = {
        "yield": (replace(clear, harvest=right), WHOLE),
        "records": (clear, WHOLE),
        "to come": (clear, day),
        "mask": (books, day),
    }
    table, missed = pd.DataFrame(), {}
    for step, (own, until) in variants.items():
        rows, missed = left_out(own, until)
        rows = rows.rename(columns={"told_t_ha": step, "half_t_ha": "half"}).set_index(["unit_id", "season"])
        table = rows if table.empty else table.drop(columns="half").join(rows[[step, "half"]])
    true = truth.rename(columns={"field_id": "unit_id", "yield_t_ha": "truth"}).set_index(["unit_id", "season"])
    table = table.join(true).reset_index().dropna(subset=["truth", *STEPS])
    return table.assign(low=table["mask"] - table["half"], high=table["mask"] + table["half"]), missed


def left_out(books: Books, until: str) -> tuple[pd.DataFrame, dict[int, Misses]]:
    """What would have been told of each season from the others, and by what they were missed."""
    rules = facts(CONFIGS / "yields.toml")
    table = as_known(books, date.fromisoformat(f"{SEASONS[-1] + 1}-{until}"), rules, facts(CONFIGS / "water.toml"))
    own = table[(table["crop"] == CROP) & table["yield_t_ha"].notna()].reset_index(drop=True)
    ladder = {name: rules["ladder"][name] for name in LadderRules.__dataclass_fields__}
    told = fit(CROP, until, own, feature_blocks(own), LadderRules(**ladder)).left_out.drop(
        columns=BLEND, errors="ignore"
    )
    rungs, parts, missed = [one for one in RUNGS if one in told], [], {}
    for season in sorted(told["season"].unique()):
        here = told["season"] == season
        choice = choose(told[~here], rungs)
        missed[int(season)] = misses(_errors(choice.left_out, choice.chosen))
        rows = told[here].assign(told_t_ha=told.loc[here, list(choice.weights)] @ pd.Series(choice.weights))
        cv = np.sqrt(sum(getattr(missed[int(season)], f"{name}_cv") ** 2 for name in ("year", "district", "field")))
        half = missed[int(season)].reach.get(("field", LEVEL), np.nan) * cv
        parts.append(rows.assign(half_t_ha=half * rows["told_t_ha"]))
    return pd.concat(parts, ignore_index=True)[
        ["unit_id", "season", "farm_id", "district", "area_ha", "told_t_ha", "half_t_ha"]
    ], missed


def of_season(told: pd.DataFrame, fields: pd.DataFrame, made, missed: Misses) -> tuple[pd.DataFrame, dict[str, float]]:
    """The districts [t/ha] and the region [t] of a season, with the ends that the pipeline would tell."""
    season, offices = int(told["season"].iloc[0]), printed_areas(made, int(told["season"].iloc[0]))
    rows, parts = [], []
    for district, every in fields.groupby("district"):
        own = told[told["district"] == district]
        if own.empty or district not in offices:
            continue
        share = own["area_ha"] / own["area_ha"].sum()
        row = {"district": district, "truth": every["production_t"].sum() / every["area_ha"].sum()}
        row |= {"fields": float(share @ own["truth"]), **{step: float(share @ own[step]) for step in STEPS}}
        row |= {"true_ha": float(every["area_ha"].sum()), "printed_ha": offices[district]}
        area = row["printed_ha"], 0.02 * row["printed_ha"]
        known = own[["farm_id", "area_ha"]].assign(value_t_ha=own["mask"], green=np.nan)
        parts.append(district_yield(str(district), known, area, missed.field_cv, COVER))
        rows.append(row)
    table = pd.DataFrame(rows).assign(season=season)
    asked = Asked(CROP, season, date(season, 7, 15), "-", "region", missed)
    ends = {(one.scope, one.subject, one.quantity): one.interval(LEVEL) for one in told_yields(parts, asked, COVER)}
    for end in ("low", "high"):
        table[end] = [getattr(ends["district", one, "yield_t_ha"], end, np.nan) for one in table["district"]]
    region = {name: float(table["true_ha"] @ table[name]) for name in ("truth", "fields", *STEPS)}
    whole = ends["region", "region", "production_t"]
    region |= {"area": float(table["printed_ha"] @ table["mask"]), "season_id": season}
    return table, region | {end: getattr(whole, end, np.nan) for end in ("low", "high")}


def printed_areas(made, season: int) -> dict[str, float]:
    """Hectares of the crop in each district as offices last printed them."""
    rows = made.statistics[(made.statistics["crop"] == CROP) & (made.statistics["season"] == season)]
    rows = rows.sort_values("vintage").drop_duplicates(["district", "category"], keep="last")
    return rows.groupby("district")["area_ha"].sum().to_dict()


def indicator(region: pd.DataFrame, made) -> pd.DataFrame:
    """Wheat, as a fifth of the output, and livestock of each season in per cent of the season before, at its prices."""
    price = made.prices.sort_values("vintage").drop_duplicates(["product", "season"], keep="last")
    price = price.set_index(["product", "season"])["price_rub"]
    herd = made.livestock.sort_values("vintage").drop_duplicates(["product", "district", "season"], keep="last")
    herd = herd.groupby(["product", "season"])["value"].sum()
    region = region.set_index("season_id")
    worth = pd.Series({one: price[one, SEASONS[0]] for one in herd.index.get_level_values(0).unique()})
    of_herd = float(worth @ herd.xs(SEASONS[0], level="season")[worth.index])
    times = GRAIN / (1 - GRAIN) * of_herd / (price[CROP, SEASONS[0]] * region["truth"].mean())
    rows = []
    for season in SEASONS[2:]:
        if season not in region.index or season - 1 not in region.index:
            continue
        worth = pd.Series({one: price[one, season - 1] for one in herd.index.get_level_values(0).unique()})
        now, before, earlier = (worth @ herd.xs(season - back, level="season")[worth.index] for back in (0, 1, 2))
        base = before + times * price[CROP, season - 1] * region.loc[season - 1, "truth"]
        money = times * price[CROP, season - 1]
        wheat = region.loc[season, ["truth", "fields", *STEPS, "area", "low", "high"]] * money
        chain = {name: 100 * (now + wheat[name]) / base for name in ("truth", "fields", *STEPS, "area")}
        guess = before  # livestock as the year before
        chain["other"] = 100 * (guess + wheat["area"]) / base
        rows.append(
            {
                **chain,
                "season_id": season,
                "half_wheat": 50 * (wheat["high"] - wheat["low"]) / base,
                "step": 100 * (before - earlier) / base,
            }
        )
    table = pd.DataFrame(rows)
    others = [table["step"].drop(n).pow(2).mean() for n in table.index]
    half = np.hypot(table["half_wheat"], 1.645 * np.sqrt(others))
    return table.assign(low=table["other"] - half, high=table["other"] + half)


def budgets(whole: dict[str, pd.DataFrame]) -> str:
    """Each step's share of the mean squared error at each level."""
    columns = {
        "field": ["truth", *STEPS],
        "district": ["truth", "fields", *STEPS],
        "region": ["truth", "fields", *STEPS, "area"],
        "indicator": ["truth", "fields", *STEPS, "area", "other"],
    }
    names = [*STEPS, "fields", "area", "other"]
    lines = ["| level | n | error (root mean square) | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 3)]
    unit = {"field": "t/ha", "district": "t/ha", "region": "% of the harvest", "indicator": "points"}
    for level, rows in whole.items():
        chain = rows[columns[level]]
        chain = 100 * chain.div(rows["truth"], axis=0) if level == "region" else chain
        shares = error_budget(chain, rows["seed"]).set_index("step")["share"]
        rmse = float(np.sqrt(np.mean((chain.iloc[:, -1] - chain.iloc[:, 0]) ** 2)))
        told = [f"{shares[name]:.0%}" if name in shares else "" for name in names]
        lines.append(f"| {level} | {len(rows)} | {rmse:.2f} {unit[level]} | " + " | ".join(told) + " |")
    return "\n".join(lines) + "\n"


def coverage(whole: dict[str, pd.DataFrame]) -> str:
    """The share of truths inside the 90 % intervals, pooled and the range over regions."""
    lines = ["| level | 90 % intervals hold | of | least and most of a region |", "|---|---|---|---|"]
    for level, rows in whole.items():
        known = rows[np.isfinite(rows["low"])]
        inside = (known["truth"] >= known["low"]) & (known["truth"] <= known["high"])
        by = inside.groupby(known["seed"]).mean()
        lines.append(f"| {level} | {inside.mean():.1%} | {len(known)} | {by.min():.0%}, {by.max():.0%} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
