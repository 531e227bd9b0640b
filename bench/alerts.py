"""How soon planted damage is found, and how often there is a false alarm. SIMULATED: only there is the truth known.

    python bench/alerts.py [--world second] SEED...      a seed is a region; configs/twin.toml lists those used to build

Ours and a plain z-score see the same clear looks of two seasons; the seasons before them are the past that ours knows.
Both are drawn as curves: from loose to strict, the events over 1 ha that are found, false alarms for 1,000 ha and
month, the delay; and what each costs where it finds 80 %. An alarm that no event explains is false, also on strips of
fertiliser trials and reaped corners.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage
from simulated_looks import SEASONS, Drawn, region

from agro.agromaps.alerts import AlertRule, course_of_parts, worst_places
from agro.agromaps.expectation import near_infrared
from agro.agromaps.neighbours import fields_behind
from flows.looks import field_corner, field_maps
from flows.past_patterns import field_looks, patterns_of, with_near_infrared
from flows.settings import CONFIGS, facts

FIRST_DAY, LAST_DAY = "06-05", "09-05"  # of the season: between them crops stand green
NEAR_M = 40.0  # [m] an alarm this near to an event is of it
MONTH_D = 30.4
LOOSENESS = (0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)  # [1] times the multiples and the least drop of configs/alerts.toml
Z_LEVELS = (0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 3.5, 4.0)
ASKED = 0.8  # [1] of the events over 1 ha: where the ways are compared
EVENT = ["region", "season", "field_id", "kind", "on"]


@dataclass(frozen=True)
class Alarm:
    """One alarm: where, since which look, its worst places (none: the whole field), how many looks showed it."""

    region: int
    season: int
    field_id: str
    since: pd.Timestamp
    places: tuple[tuple[float, float], ...]
    looks: int


def ours(seed: int, season: int, drawn: Drawn, past: list[np.ndarray], rule: AlertRule) -> Iterator[Alarm]:
    """Every alarm that was ever raised, as each look came."""
    bright = with_near_infrared(drawn.ndvi, drawn.evi2)
    for number in range(len(drawn.ndvi.pixels.field_ids)):
        field = field_looks(drawn.ndvi, bright, past, number)
        told: dict[Any, Alarm] = {}
        for alerts in course_of_parts(field, rule) if field else ():
            for one in alerts:
                since = pd.Timestamp(one.since)
                told[since, one.worst] = Alarm(seed, season, one.field_id, since, one.worst, one.looks)
        yield from told.values()


def whole_fields(seed: int, season: int, drawn: Drawn, rule: AlertRule) -> Iterator[Alarm]:
    """The same of whole fields against their neighbours."""
    green, other = (_medians(looks) for looks in (drawn.ndvi, drawn.evi2))
    crops = pd.Series(drawn.crops)
    for _, own in crops[crops.index.isin(green.columns)].groupby(crops):
        ndvi = green[own.index]
        nir = pd.DataFrame(near_infrared(ndvi.to_numpy(), other[own.index].to_numpy()), ndvi.index, ndvi.columns)
        told: dict[Any, Alarm] = {}
        for number in range(2, len(ndvi) + 1):
            for one in fields_behind(ndvi.iloc[:number], nir.iloc[:number], drawn.area_ha, rule):
                since = pd.Timestamp(one.since)
                told[one.field_id, since] = Alarm(seed, season, one.field_id, since, (), one.looks)
        yield from told.values()


def _medians(looks: Any) -> pd.DataFrame:
    """The median (look, field) where at least half of a field is clear."""
    start, ids = looks.pixels.start, looks.pixels.field_ids
    table = pd.DataFrame(np.nan, pd.DatetimeIndex(looks.seen_at), list(ids))
    for number, field_id in enumerate(ids):
        own = looks.values[:, start[number] : start[number + 1]]
        shown = np.isfinite(own).mean(axis=1) >= 0.5
        table.loc[shown, field_id] = np.nanmedian(own[shown], axis=1)
    return table


def z_score(seed: int, season: int, drawn: Drawn, least_z: float, rule: AlertRule) -> Iterator[Alarm]:
    """Parts of as many hectares as ours, in the same looks, so many deviations of NDVI below their field's mean."""
    pixels = drawn.ndvi.pixels
    for number, field_id in enumerate(pixels.field_ids):
        maps, corner = field_maps(pixels, number, drawn.ndvi.values), field_corner(pixels, number)
        before, px = np.zeros(maps.shape[1:], bool), np.diff(pixels.start)[number]
        for at, now in zip(drawn.ndvi.seen_at, maps, strict=True):
            seen = np.isfinite(now)
            if seen.sum() < rule.least_seen * px or np.median(now[seen]) < rule.least_green:
                continue
            z = np.where(seen, (now - now[seen].mean()) / max(now[seen].std(), 1e-6), 0.0)
            sides = np.ones((3, 3))
            weight = ndimage.convolve(seen.astype(float), sides, mode="constant")
            smooth = ndimage.convolve(z, sides, mode="constant") / np.maximum(weight, 1.0)
            named, count = ndimage.label(seen & (smooth < -least_z))
            for part in range(1, count + 1):
                spot = named == part
                if spot.sum() < rule.least_area_ha * 100:
                    continue
                if not (spot & before).any():
                    places = worst_places(spot, smooth, corner, 10.0)
                    yield Alarm(seed, season, field_id, pd.Timestamp(at), places, 1)
                before |= spot


def score(alarms: list[Alarm], truth: pd.DataFrame, area_ha: float, least_ha: float = 1.0) -> dict[str, Any]:
    """Events over so many hectares: how many, found, the median delay, by kind; false alarms for 1,000 ha and month.

    `area_ha` is that of all fields and seasons.
    """
    true: set[int] = set()
    events: list[dict[str, Any]] = []
    for (number, season, field_id, kind, on), pixels in truth.groupby(EVENT):
        start = pd.Timestamp(f"{season}-{FIRST_DAY}", tz="UTC") if kind == "missed_strip" else on
        places = pixels[["x_m", "y_m"]].to_numpy()
        own = {
            i: alarm.since
            for i, alarm in enumerate(alarms)
            if (alarm.region, alarm.season, alarm.field_id) == (number, season, field_id)
            and (kind == "missed_strip" or alarm.since >= start)
            and (not alarm.places or any(_near(place, places) for place in alarm.places))
        }
        true |= set(own)
        parts = [since for i, since in own.items() if alarms[i].places]
        if len(pixels) >= 100 * least_ha:
            delay = max((min(parts) - start).total_seconds() / 86_400, 0.0) if parts else np.nan
            events.append({"kind": kind, "found": bool(parts), "delay_d": delay})
    table = pd.DataFrame(events)
    false = [alarm for i, alarm in enumerate(alarms) if i not in true and _in_season(alarm)]
    months = (pd.Timestamp(f"2021-{LAST_DAY}") - pd.Timestamp(f"2021-{FIRST_DAY}")).days / MONTH_D
    rate = 1000 / area_ha / months
    return {
        "events": len(table),
        "found": float(table["found"].mean()),
        "delay_d": float(table["delay_d"].median()),
        "late_d": float(table["delay_d"].quantile(0.9)),
        "false": rate * len(false),
        "false_whole_fields": rate * sum(not alarm.places for alarm in false),
        "false_confirmed": rate * sum(alarm.looks > 1 for alarm in false),
        "by_kind": {kind: [len(own), float(own.mean())] for kind, own in table.groupby("kind")["found"]},
    }


def at_share(rows: dict[str, Any], way: str) -> dict[str, float] | None:
    """The fewest false alarms with which a way finds as many events as asked, on its curve; None: it never does."""
    names = ("found", "false", "delay_d")
    points = [np.array([row[name] for name in names]) for level, row in rows.items() if level.startswith(f"{way} ")]
    met = [point for point in points if point[0] >= ASKED]
    for loose, strict in pairwise(points):
        if (loose[0] < ASKED) != (strict[0] < ASKED):
            met.append(loose + (strict - loose) * (ASKED - loose[0]) / (strict[0] - loose[0]))
    return dict(zip(names, min(met, key=lambda at: at[1]).tolist(), strict=True)) if met else None


def _in_season(alarm: Alarm) -> bool:
    first, last = (pd.Timestamp(f"{alarm.season}-{day}", tz="UTC") for day in (FIRST_DAY, LAST_DAY))
    return bool(first <= alarm.since <= last)


def _near(place: tuple[float, float], places: np.ndarray) -> bool:
    return bool((np.hypot(*(places - np.array(place)).T) <= NEAR_M).any())


def looser(rule: AlertRule, factor: float) -> AlertRule:
    """The rule with all that says how deep a part must lie times a factor."""
    names = ("least_drop", "noise_multiple", "strip_multiple")
    return replace(rule, **{name: factor * getattr(rule, name) for name in names})


def alarms_of(seed: int, world: str, rule: AlertRule) -> tuple[dict[str, list[Alarm]], pd.DataFrame, float]:
    """What every way raises in one region: the alarms of each row of the table, the truth, hectares times seasons."""
    drawn = region(seed, world)
    patterns = {k: patterns_of(one.ndvi, with_near_infrared(one.ndvi, one.evi2), rule) for k, one in drawn.items()}
    found: dict[str, list[Alarm]] = {}
    truth, area_ha = [], 0.0
    for (district, season), one in drawn.items():
        if season == SEASONS[0]:
            continue
        past = [patterns[district, year] for year in SEASONS if year < season]
        whole = list(whole_fields(seed, season, one, rule))
        ways = {f"ours {f}": (past, looser(rule, f)) for f in LOOSENESS} | {"one past season": (past[-1:], rule)}
        for name, (known, own_rule) in {**ways, "no past season": ([], rule)}.items():
            found.setdefault(name, []).extend([*ours(seed, season, one, known, own_rule), *whole])
        for level in Z_LEVELS:
            found.setdefault(f"z {level}", []).extend(z_score(seed, season, one, level, rule))
        truth.append(one.events.assign(region=seed, season=season))
        area_ha += sum(one.area_ha.values())
    return found, pd.concat(truth, ignore_index=True), area_ha


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("seeds", nargs="*", type=int, default=[2017])
    asked.add_argument("--world", default="first")
    seeds, world = (given := asked.parse_args()).seeds, given.world
    rule = AlertRule(**{k: v for k, v in facts(CONFIGS / "alerts.toml").items() if k != "version"})
    with ProcessPoolExecutor(2) as hands:
        each = list(hands.map(partial(alarms_of, world=world, rule=rule), seeds))
    truth, area_ha = pd.concat([own for _, own, _ in each], ignore_index=True), sum(area for _, _, area in each)
    rows = {name: score([a for found, _, _ in each for a in found[name]], truth, area_ha) for name in each[0][0]}
    by_seed = {seed: score(found["ours 1.0"], own, area) for seed, (found, own, area) in zip(seeds, each, strict=True)}
    asked_for = {way: at_share(rows, way) for way in ("ours", "z")}
    told = {"seeds": seeds, "world": world, "area_ha": area_ha, "simulated": True}
    print(json.dumps({**told, "at_80_percent": asked_for, "rows": rows, "by_seed": by_seed}, indent=1))


if __name__ == "__main__":
    main()
