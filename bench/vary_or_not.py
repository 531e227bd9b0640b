"""To vary or not, tried where the truth is known: a public trial, the simulated region, and a second simulated world.

    AGRO_REAL_DATA=DIR python bench/vary_or_not.py [FIELDS] [SEED ...]

Prints tables in markdown and one line of JSON. False 'vary': fields certified among those where the prescription's
true gain, costs deducted, is not above zero. Missed: fields not certified among those where it is. Captured: the true
gain of all certified prescriptions over what somebody would gain who knows each zone's true response.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import response_world

from agro.advice.decision import decide
from agro.twin.chance import chance
from agro.twin.estate import estate
from agro.twin.growth import yield_t_ha
from agro.twin.optimum import RATES_KG_HA, response
from agro.twin.past import Past, past
from agro.twin.plots import picked
from agro.twin.trial import as_weighed, laid_out
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
CEREALS = ("spring_wheat", "barley", "oats")
FACTS = facts(CONFIGS / "twin.toml")
SEASONS = (2018, 2019, 2020)  # the first two draw the zones, the last is tried
PIXELS, THIN, DRAWS = 2400, 32, 8  # of a field; every so many are valued; seasons that could come
BATCH = 24  # fields of one estate
PAST_NOISE = 0.10  # [1] of the yields that zones are drawn from
STRIPS = {"rates_kg_ha": [0, 30, 60, 90, 120], "reps": 4, "strip_width_m": 24.0}


@dataclass(frozen=True)
class Case:
    """A field: its trial, and the true profit (dose of `grid`, zone) [RUB/ha] over the seasons that could come."""

    trial: pd.DataFrame
    zones: tuple[str, ...]
    share: np.ndarray
    grid: np.ndarray
    profit: np.ndarray

    def earns(self, doses: np.ndarray) -> float:
        """The true profit of doses by zone [RUB/ha]."""
        return float(
            sum(w * np.interp(d, self.grid, p) for w, d, p in zip(self.share, doses, self.profit.T, strict=True))
        )

    @property
    def knowing(self) -> float:
        """What knowing each zone's response is worth over the best one rate, costs deducted [RUB/ha]."""
        best = float((self.share * self.profit.max(axis=0)).sum() - (self.profit @ self.share).max())
        return max(best - COST_HA, 0.0)


def main() -> None:
    """All three, then the JSON."""
    fields = int(sys.argv[1]) if len(sys.argv) > 1 else 240
    seeds = [int(seed) for seed in sys.argv[2:]] or [911, 912, 913]
    said = {"las_rosas": las_rosas(strips_of(Path(os.environ["AGRO_REAL_DATA"])))}
    by_yields, by_soil = zip(*twin_fields(fields, seeds), strict=True)
    for name, how, cases in (
        ("twin_yields", "zones by the yields of two earlier seasons", by_yields),
        ("twin_soil", "zones by a soil map of nitrogen whose error is as large as its spread", by_soil),
    ):
        print(f"\n**SIMULATED: {fields} fields of the simulated region, seeds {seeds}, one season of strips, {how}**\n")
        said[name] = judged(iter(cases))
    for seasons in (1, 2):
        print(f"\n**SIMULATED: {fields} fields of a second world, strips of {seasons} season(s)**\n")
        said[f"second_world_{seasons}"] = judged(world_fields(fields, seeds[0], seasons))
    print(json.dumps(said))


def vary(said: LeftOut, cost: float) -> bool:
    """The rule of the house."""
    return decide(said.draws, said.gain, said.deduction, cost, said.by, RULES["sure"]).vary


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


def judged(cases: Iterator[Case]) -> dict[str, float]:
    """The decision on many fields, against the truth and against varying always and never."""
    rows = []
    for case in cases:
        said = left_out_gain(case.trial, ROUBLES, draws=200)
        doses = np.array([said.zone_kg_ha.get(zone, said.uniform_kg_ha) for zone in case.zones])
        uniform = np.full(len(case.zones), said.uniform_kg_ha)
        gain = case.earns(doses) - case.earns(uniform) - COST_HA
        own = left_out_gain(case.trial, ROUBLES, "each_zone", draws=1)
        each = np.array([own.zone_kg_ha.get(zone, own.uniform_kg_ha) for zone in case.zones])
        always = case.earns(each) - case.earns(np.full(len(case.zones), own.uniform_kg_ha)) - COST_HA
        rows.append((vary(said, COST_HA), gain, case.knowing, always))
    table = pd.DataFrame(rows, columns=["vary", "gain", "knowing", "always"])
    loses = table["gain"] <= 0
    figures = {
        "fields": float(len(table)),
        "pays_truly": float((~loses).mean()),
        "varied": float(table["vary"].mean()),
        "false_vary": float((table["vary"] & loses).sum() / max(loses.sum(), 1)),
        "losing_of_varied": float((table["vary"] & loses).sum() / max(table["vary"].sum(), 1)),
        "missed": float((~table["vary"] & ~loses).sum() / max((~loses).sum(), 1)),
        "knowing_rub_ha": float(table["knowing"].mean()),
        "captured": float(table.loc[table["vary"], "gain"].sum() / max(table["knowing"].sum(), 1e-9)),
        "always_each_zone": float(table["always"].sum() / max(table["knowing"].sum(), 1e-9)),
    }
    heads = ("fields", "varying truly pays on", "varied", "false 'vary'", "losing among varied", "missed gains")
    more = ("the oracle's gain, RUB/ha", "captured", "captured by always varying, each zone alone")
    print(f"| {' | '.join((*heads, *more))} |")
    print("|" + "---|" * 9)
    shares = [f"{figures[n]:.0%}" for n in ("pays_truly", "varied", "false_vary", "losing_of_varied", "missed")]
    last = f"{figures['knowing_rub_ha']:.0f} | {figures['captured']:.0%} | {figures['always_each_zone']:.0%}"
    print(f"| {len(table)} | {' | '.join(shares)} | {last} |")
    return figures


def world_fields(fields: int, seed: int, seasons: int) -> Iterator[Case]:
    """Fields of the second world."""
    for number in range(fields):
        one, random = response_world.field(seed, number)
        trial = pd.concat([response_world.trial(one, random, season) for season in range(seasons)])
        profit = response_world.profits(one, random, ROUBLES.yield_price_t, ROUBLES.nutrient_price_kg)
        zones = tuple(str(z) for z in range(len(one.share)))
        yield Case(trial, zones, one.share, response_world.GRID, profit)


def twin_fields(fields: int, seeds: list[int]) -> Iterator[tuple[Case, Case]]:
    """Cereal fields of the simulated region, with zones by earlier yields and by a soil map; strips in the last."""
    made, batch = 0, 0
    while made < fields:
        seed = seeds[batch % len(seeds)] + 1000 * (batch // len(seeds))
        batch += 1
        for case in _region(seed):
            yield case
            made += 1
            if made == fields:
                return


def _region(seed: int) -> Iterator[tuple[Case, Case]]:
    rules = {**FACTS, "trial": {**FACTS["trial"], "field_share": 0.0}}
    was = past(rules, seed, estate(rules, seed, BATCH, PIXELS, 1.0), SEASONS)
    grown = was.by_field(yield_t_ha(was.last_evening(), was.plots))
    rows = np.flatnonzero(((was.work["season"] == SEASONS[-1]) & was.work["crop"].isin(CEREALS)).to_numpy())
    if not len(rows):
        return
    tried_ = _rows(was, rows, np.arange(PIXELS))
    seen = response(tried_, tuple(STRIPS["rates_kg_ha"]))
    valued = response(_rows(was, rows, np.arange(0, PIXELS, THIN)), draws=DRAWS)
    for i, row in enumerate(rows):
        zone = _by_yields(was, grown, row, seed)
        if zone is None:
            continue
        one = _case(was, row, zone, seen[:, i], valued[:, i], seed)
        other = _case(was, row, _by_soil(was, row, seed), seen[:, i], valued[:, i], seed)
        if one is not None and other is not None:
            yield one, other


def _rows(was: Past, rows: np.ndarray, pixels: np.ndarray) -> Past:
    """Some rows of the past and some of their pixels, without harms."""
    index = (rows[:, None] * PIXELS + pixels).ravel()
    return replace(was, work=was.work.iloc[rows].reset_index(drop=True), plots=picked(was.plots, index), harms=())


def _by_soil(was: Past, row: int, seed: int) -> np.ndarray:
    """Thirds of a field's pixels by a map of its soil's nitrogen."""
    nitrogen = was.estate.soil.mineral_kg_ha[was.field[row]]
    error = chance(seed, "soil map", was.work["field_id"][row]).normal(0, nitrogen.std(), nitrogen.shape)
    return _thirds(nitrogen + error)


def _thirds(values: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.quantile(values, (1 / 3, 2 / 3)), values)


def _by_yields(was: Past, grown: np.ndarray, row: int, seed: int) -> np.ndarray | None:
    """Thirds of a field's pixels by what a noisy monitor saw in earlier seasons; None where nothing was harvested."""
    work = was.work
    mine = ((work["field_id"] == work["field_id"][row]) & (work["season"] < SEASONS[-1])).to_numpy()
    before = [grown[i] for i in np.flatnonzero(mine) if np.ptp(grown[i]) > 0.05]
    if not before:
        return None
    random = chance(seed, "past yields", work["field_id"][row])
    scores = [(y * (1 + random.normal(0, PAST_NOISE, y.shape)) - y.mean()) / y.std() for y in before]
    return _thirds(np.mean(scores, axis=0))


def _case(was: Past, row: int, zone: np.ndarray, seen: np.ndarray, valued: np.ndarray, seed: int) -> Case | None:
    one = was.work.iloc[row]
    field = was.field[row]
    x, y = was.estate.x_m[field], was.estate.y_m[field]
    strips = laid_out(one["field_id"], int(one["season"]), x, y, STRIPS, seed)
    inside = strips.strip >= 0
    dose = np.searchsorted(STRIPS["rates_kg_ha"], np.nan_to_num(strips.n_kg_ha))
    true = seen[dose, np.arange(len(dose))]
    weighed = as_weighed(true, strips, 1.0, chance(seed, "strips", one["field_id"]))
    table = {"season": one["season"], "rep": strips.rep, "strip": strips.strip, "zone": zone.astype(str)}
    trial = pd.DataFrame({**table, "dose_kg_ha": strips.n_kg_ha, "yield_t_ha": weighed})[inside]
    if trial["rep"].nunique() < 2 or trial.groupby("rep")["dose_kg_ha"].nunique().min() < len(STRIPS["rates_kg_ha"]):
        return None
    grid = np.array(RATES_KG_HA)
    profit = ROUBLES.yield_price_t * valued - ROUBLES.nutrient_price_kg * grid[:, None]
    thin = zone[::THIN]
    zones = sorted(set(thin.tolist()))
    fine = np.arange(0, 121, 2.0)
    smooth = [_smooth(grid, profit[:, thin == z].mean(axis=1), fine) for z in zones]
    share = np.array([(thin == z).mean() for z in zones])
    return Case(trial, tuple(str(z) for z in zones), share, fine, np.stack(smooth, axis=1))


def _smooth(grid: np.ndarray, profit: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Between the doses that were grown: a monotone cubic, so that no optimum is an artefact of corners."""
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(grid, profit)(fine))


if __name__ == "__main__":
    main()
