"""How near to the oracle a forecast can come that learns from eleven seasons of harvests. SIMULATED.

    python bench/yield_bound.py SEEDS [DAYS] [WORLDS]     each comma-separated

The oracle knows the true state of every pixel and the model of growth. Here it is held beside forecasts that have, too,
to learn what a state is worth from the harvests on record, each season told from the others: (a) from the oracle's own
figure, (b) from the true state itself (leaf area, matter, grain, water, warmth, nitrogen; means of fields) beside our
features, (c) from our features of looks without cloud and error, (d) ours. Average, trend, ridge and process speak;
no trees, for time. Prints Markdown tables.
"""

import sys
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from yield_twins import DRAWS, SEASONS, books_of

from agro.twin.oracle import oracle
from flows.settings import CONFIGS, facts
from flows.simulated import simulated_tables
from flows.yield_tables import Books, as_known
from models.yield_blend import BLEND, choose
from models.yield_features import feature_blocks
from models.yield_ladder import LadderRules
from models.yields import fit

CROP = "spring_wheat"
STATE = ("lai", "matter_g_m2", "grain_g_m2", "root_water", "warmth_cd", "nni", "taken_kg_ha", "dead_lai", "lost")
WAYS = {
    "oracle": "knows state and growth",
    "figure": "(a) learns what the oracle's figure is worth",
    "state": "(b) learns from the true state and our features",
    "clear": "(c) learns from looks without cloud and error",
    "ours": "(d) learns from the looks that there are",
}


def main() -> None:
    """Every seed, day and world; then the pooled tables."""
    seeds, days, worlds = (
        sys.argv[n].split(",") if len(sys.argv) > n else given
        for n, given in ((1, []), (2, ["07-15", "08-15"]), (3, ["first", "second"]))
    )
    rows = []
    for world in worlds:
        for seed in seeds:
            for own in of_seed(int(seed), days, world):
                rows.append(own)
                print(world, seed, own["day"].iloc[0], errors(own).round(3).to_dict(), file=sys.stderr, flush=True)
    whole = pd.concat(rows, ignore_index=True)
    print(over_oracle(whole))
    print("\nThe mean squared error, of ours 100, and what of it a whole season, a district's season, a field share:\n")
    print(shares(whole))


def of_seed(seed: int, days: list[str], world: str):  # type: ignore[no-untyped-def]
    """What each way says of the fields of a seed, a table a day, with the truth."""
    made = simulated_tables(seed, SEASONS, world=world, bare_sky=True)
    books = books_of(made)
    looks = made.truth.bare_sky.rename(columns={"bare_sky_mean": "p50"}).assign(clear_fraction=1.0)
    truth = made.truth.fields[["field_id", "season", "yield_t_ha"]].rename(columns={"yield_t_ha": "truth"})
    for day in days:
        best = oracle(made.truth.was, day, DRAWS)[["field_id", "season", "expected_t_ha"]]
        state = best.merge(state_of(made.truth.was, day), on=["field_id", "season"])
        ours, clear = (rows_of(one, day) for one in (books, replace(books, fieldstats=looks)))
        known = ours[0].merge(state.rename(columns={"field_id": "unit_id"}), on=["unit_id", "season"])
        blocks = feature_blocks(known)
        both = {**blocks, "state": tuple(f"state_{name}" for name in STATE if known[f"state_{name}"].nunique() > 1)}
        figure = known.assign(growth_figure=np.log(known["expected_t_ha"].clip(lower=0.05)))
        told = {
            "oracle": known["expected_t_ha"],
            "figure": said(figure, {"growth": ("growth_figure",)}, day, None),
            "state": said(known, both, day, None),
            "clear": said(clear[0], feature_blocks(clear[0]), day, clear[1]),
            "ours": said(ours[0], blocks, day, ours[1]),
        }
        table = known[["unit_id", "season", "district"]].assign(**told, world=world, seed=seed, day=day)
        yield table.merge(truth.rename(columns={"field_id": "unit_id"}), on=["unit_id", "season"])


def rows_of(books: Books, day: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the crop, and of its kin."""
    rules = facts(CONFIGS / "yields.toml")
    until = date.fromisoformat(f"{SEASONS[-1] + 1}-{day}")
    table = as_known(books, until, rules, facts(CONFIGS / "water.toml"))
    table = table[table["yield_t_ha"].notna()].sort_values(["season", "unit_id"])
    kind = next(kind for kind in rules["kinds"] if CROP in kind)
    own = table["crop"] == CROP
    return table[own].reset_index(drop=True), table[table["crop"].isin(kind) & ~own]


def state_of(was, day: str) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    """The true state of each field on the evening of a month-day, means over its pixels."""
    number = (pd.Timestamp(f"2021-{day}") - pd.Timestamp("2021-04-01")).days
    evening = next(one for one in was.evenings() if one.day == number)
    means = {f"state_{name}": was.by_field(getattr(evening, name)).mean(axis=1) for name in STATE}
    return was.work[["field_id", "season"]].assign(**means)


def said(table: pd.DataFrame, blocks: dict, day: str, kin: pd.DataFrame | None) -> np.ndarray:
    """What the blend says of each season from the others [t/ha], whatever a plain rung would."""
    ladder = {name: facts(CONFIGS / "yields.toml")["ladder"][name] for name in LadderRules.__dataclass_fields__}
    model = fit(CROP, day, table, blocks, LadderRules(**(ladder | {"fewest_rows_for_boosting": 10**9})), kin)
    told = model.left_out if BLEND in model.left_out else choose(model.left_out, ["average", "trend"]).left_out
    return told[BLEND if BLEND in told else "trend"].to_numpy()


def errors(rows: pd.DataFrame) -> pd.Series:
    """Root of the mean squared error of each way [t/ha]."""
    return np.sqrt(rows[list(WAYS)].sub(rows["truth"], axis=0).pow(2).mean())


def over_oracle(whole: pd.DataFrame) -> str:
    lines = ["| world | day | seeds | fields and seasons | RMSE of the oracle, t/ha | " + " | ".join(f"{WAYS[way]}, over it" for way in list(WAYS)[1:]) + " |", "|" + "---|" * 9]  # fmt: skip  # noqa: E501
    for key, own in whole.groupby(["world", "day"]):
        off = errors(own)
        ratio = [f"{off[way] / off['oracle']:.2f}" for way in list(WAYS)[1:]]
        lines.append(f"| {' | '.join(key)} | {own['seed'].nunique()} | {len(own)} | {off['oracle']:.3f} | {' | '.join(ratio)} |")  # fmt: skip  # noqa: E501
    return "\n".join(lines)


def shares(whole: pd.DataFrame) -> str:
    """The mean squared error of each way, of ours 100, taken apart: season, district and season, field."""
    lines = ["| world | day | way | in all | season | district and season | field |", "|" + "---|" * 7]
    for key, own in whole.groupby(["world", "day"]):
        all_of_ours = float((own["ours"] - own["truth"]).pow(2).mean())
        for way in WAYS:
            off = own[way] - own["truth"]
            season = off.groupby([own["seed"], own["season"]]).transform("mean")
            district = off.groupby([own["seed"], own["season"], own["district"]]).transform("mean")
            parts = (off, season, district - season, off - district)
            lines.append(f"| {' | '.join(key)} | {way} | " + " | ".join(f"{100 * part.pow(2).mean() / all_of_ours:.0f}" for part in parts) + " |")  # fmt: skip  # noqa: E501
    return "\n".join(lines)


if __name__ == "__main__":
    main()
