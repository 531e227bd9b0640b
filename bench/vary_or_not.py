"""To vary or not, tried where the truth is known: a public trial, the simulated region, and a second simulated world.

    AGRO_REAL_DATA=DIR python bench/vary_or_not.py [FIELDS] [SEED ...]

Prints tables in markdown and one line of JSON. False 'vary': fields certified among those where the prescription's
true gain, costs deducted, is not above zero. Missed: fields not certified among those where it is. Captured: the true
gain of all certified prescriptions over what somebody would gain who knows each zone's true response.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from vary_fields import SEASONS, Case, plain_fields, twin_fields

from agro.advice.decision import Demand, decide
from flows.settings import CONFIGS, facts, load
from models.left_out import LeftOut, Money, left_out_gain
from models.response import best_interval, best_of, fit
from models.tried import tried

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from las_rosas import DOLLARS, RATIO, strips_of

RULES = facts(CONFIGS / "doses.toml")["varying"]
SCHEMES = facts(CONFIGS / "schemes.toml")
COST_HA = load("default").advice.varying_cost_ha  # [RUB/ha]
ROUBLES = Money(12_000.0, 60.0, RULES["price_cv"], RULES["zone_error"], RULES["season_sd_kg_ha"])  # prices: assumption


def main() -> None:
    """All three, then the JSON."""
    fields = int(sys.argv[1]) if len(sys.argv) > 1 else 201
    seeds = [int(seed) for seed in sys.argv[2:]] or [931, 932, 933]
    said = {"las_rosas": las_rosas(strips_of(Path(os.environ["AGRO_REAL_DATA"])))}
    each = fields // len(seeds)
    by_yields, by_soil = zip(*(pair for seed in seeds for pair in twin_fields(each, seed, ROUBLES)), strict=True)
    worlds: dict[str, tuple[str, Sequence[Case]]] = {
        "twin_yields": ("the simulated region, zones by the yields of two earlier seasons", by_yields),
        "twin_soil": (
            "the simulated region, zones by a map of nitrogen whose error is as large as its spread",
            by_soil,
        ),
        "second_world": (
            "a second world",
            [case for seed in seeds for case in plain_fields(each, seed, ROUBLES)],
        ),
    }
    for name, (where, cases) in worlds.items():
        for seasons in range(1, SEASONS + 1):
            print(f"\n**SIMULATED: {len(cases)} fields of {where}, seeds {seeds}, strips of {seasons} season(s)**\n")
            said[f"{name}_{seasons}"] = judged(cases, seasons)
    for seasons in range(1, SEASONS + 1):
        earned = {name: said[f"{name}_{seasons}"]["earned_rub_ha"] for name in worlds}
        verdict = "may not vary: it lost" if min(earned.values()) < 0 else "may vary"
        told = ", ".join(f"{name} {value:+.1f}" for name, value in earned.items())
        print(f"\n- Strips of {seasons} season(s), RUB/ha over all fields: {told}: {verdict} (configs/schemes.toml).")
    print(json.dumps(said))


def vary(said: LeftOut, cost: float) -> bool:
    """The rule of the house."""
    return decide(said.draws, said.gain, said.deduction, said.by, Demand(cost, RULES["sure"], "")).vary


def las_rosas(trial: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Every scheme where it was not fitted; the rows of the field's own optimum first."""
    for season, rows in trial.groupby("season"):
        best = best_interval(rows.assign(strip=rows["rep"] + rows["strip"]), RATIO)
        zones = {z: round(best_of(fit(own.drop(columns="strip")), RATIO), 1) for z, own in rows.groupby("zone")}
        print(
            f"- {season}: best uniform dose {best.dose_kg_ha:.1f} kg/ha of N, 90 % interval "
            f"{best.low_kg_ha:.1f}-{best.high_kg_ha:.1f} (strips redrawn); by landscape {zones}"
        )
    columns, found = None, {}
    for name, row in SCHEMES.items():
        if not isinstance(row, dict):
            continue
        rule = (lambda said: vary(said, SCHEMES["cost_ha"])) if row["decided"] else (lambda said: True)
        found[name] = tried(trial, DOLLARS, row["fit"], rule, SCHEMES["highest_kg_ha"])
        if columns is None:
            columns = list(found[name])
            print(f"\n| scheme | {' | '.join(f'{c} left out' for c in columns)} | may prescribe |")
            print("|---|" + "---|" * (len(columns) + 1))
        allowed = "no: it lost" if min(found[name].values()) < -0.005 else "yes"
        print(f"| {name} | {' | '.join(f'{found[name][c]:+.2f}' for c in columns)} | {allowed} |")
    return found


def judged(cases: Sequence[Case], seasons: int) -> dict[str, float]:
    """The decision by the strips of some seasons of many fields, against the truth and against varying always."""
    rows = []
    for case in cases:
        trial = case.last(seasons)
        said = left_out_gain(trial, ROUBLES, draws=200)
        own = left_out_gain(trial, ROUBLES, "each_zone", draws=1)
        rows.append((vary(said, COST_HA), _gain(case, said), case.knowing(COST_HA), _gain(case, own), case.strips_cost))
    table = pd.DataFrame(rows, columns=["vary", "gain", "knowing", "always", "strips"])
    loses = table["gain"] <= 0
    earned = table["gain"].where(table["vary"], 0.0)
    figures = {
        "fields": float(len(table)),
        "pays_truly": float((~loses).mean()),
        "varied": float(table["vary"].mean()),
        "false_vary": float((table["vary"] & loses).sum() / max(loses.sum(), 1)),
        "losing_of_varied": float((table["vary"] & loses).sum() / max(table["vary"].sum(), 1)),
        "missed": float((~table["vary"] & ~loses).sum() / max((~loses).sum(), 1)),
        "knowing_rub_ha": float(table["knowing"].mean()),
        "earned_rub_ha": float(earned.mean()),
        "earned_se_rub_ha": float(earned.std() / len(table) ** 0.5),
        "captured": float(earned.sum() / max(table["knowing"].sum(), 1e-9)),
        "always_each_zone": float(table["always"].sum() / max(table["knowing"].sum(), 1e-9)),
        "strips_cost_rub_ha": float(table["strips"].mean()),
    }
    heads = ("fields", "varying truly pays on", "varied", "false 'vary'", "losing among varied", "missed gains")
    more = ("the oracle's gain, RUB/ha", "earned, RUB/ha", "captured", "captured by always varying, each zone alone")
    print(f"| {' | '.join((*heads, *more, 'a season of strips costs, RUB/ha'))} |")
    print("|" + "---|" * 11)
    shares = [f"{figures[n]:.0%}" for n in ("pays_truly", "varied", "false_vary", "losing_of_varied", "missed")]
    earned_ha = f"{figures['earned_rub_ha']:+.1f} ± {figures['earned_se_rub_ha']:.1f}"
    last = f"{figures['knowing_rub_ha']:.0f} | {earned_ha} | {figures['captured']:.0%}"
    strips = f"{figures['always_each_zone']:.0%} | {figures['strips_cost_rub_ha']:.0f}"
    print(f"| {len(table)} | {' | '.join(shares)} | {last} | {strips} |")
    return figures


def _gain(case: Case, said: LeftOut) -> float:
    """The true gain of what the strips say, over the one rate that they say, costs deducted [RUB/ha]."""
    doses = np.array([said.zone_kg_ha.get(zone, said.uniform_kg_ha) for zone in case.zones])
    return case.earns(doses) - case.earns(np.full(len(case.zones), said.uniform_kg_ha)) - COST_HA


if __name__ == "__main__":
    main()
