"""How soon planted damage is found, and how often there is a false alarm. SIMULATED: only there is the truth known.

    python bench/alerts.py SEED...      each seed is another region; seeds used while building: 2017

Ours and a plain z-score see the same clear looks. Both are set to find 80 % of the events over 1 ha; what is
compared is false alarms for 1,000 ha and month, and the delay.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from agro.agromaps.alerts import AlertRule, parts_behind
from agro.store.history import fieldstats, outlines
from agro.store.publish import Store
from flows.looks import Looks, clear_looks, each_field
from flows.settings import CONFIGS, facts, load

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from workshop import run_plain

DISTRICTS = ("kemerovo", "mariinsk", "promyshlennaya", "topki")
FIRST_DAY, LAST_DAY = "06-05", "09-05"  # of the season: between them crops stand green
NEAR_M = 40.0  # [m] an alarm this near to an event is of it
MONTH_D = 30.4


@dataclass(frozen=True)
class Alarm:
    """One alarm of one field: since which look, and its worst places."""

    field_id: str
    since: pd.Timestamp
    places: tuple[tuple[float, float], ...]


def made(folder: Path, seed: int, season: int) -> Store:
    """A store of one season of another region, made without a server."""
    where = [f"twin.path={folder / 'twin'}", f"store.path={folder / 'store'}"]
    overrides = [f"twin.seed={seed}", f"twin.seasons=[{season}]", *where]
    run_plain(load("default", overrides))
    return Store(folder / "store")


def truth_of(folder: Path, season: int) -> pd.DataFrame:
    """The planted pixels."""
    tables = [pd.read_parquet(path) for path in folder.glob(f"*/truth/events-*-{season}.parquet")]
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def ours(looks: Looks, rule: AlertRule) -> Iterator[Alarm]:
    """Every alarm that was ever raised, as each look came."""
    for field_id, maps, corner in each_field(looks):
        told: dict[tuple[str, pd.Timestamp], Alarm] = {}
        for number in range(2, len(maps) + 1):
            if not np.isfinite(maps[number - 1]).any():
                continue
            for alert in parts_behind(field_id, maps[:number], looks.seen_at[:number], corner, 10.0, rule):
                since = pd.Timestamp(alert.since)
                told.setdefault((str(since), alert.worst[0]), Alarm(field_id, since, alert.worst))  # type: ignore[arg-type]
        yield from _merged(list(told.values()))


def z_score(looks: Looks, least_z: float, least_area_ha: float = 0.5) -> Iterator[Alarm]:
    """Parts of at least half a hectare whose NDVI lies so many deviations below their field's mean."""
    for field_id, maps, corner in each_field(looks):
        alarms, before = [], np.zeros(maps.shape[1:], bool)
        for number, now in enumerate(maps):
            seen = np.isfinite(now)
            if seen.sum() < 0.5 * np.isfinite(maps).any(axis=0).sum() or np.median(now[seen]) < 0.3:
                continue
            z = np.where(seen, (now - now[seen].mean()) / max(now[seen].std(), 1e-6), 0.0)
            weight = ndimage.convolve(seen.astype(float), np.ones((3, 3)), mode="constant")
            smooth = np.divide(
                ndimage.convolve(z, np.ones((3, 3)), mode="constant"), weight, out=np.zeros(z.shape), where=seen
            )
            named, count = ndimage.label(smooth < -least_z)
            for part in range(1, count + 1):
                pixels = named == part
                if pixels.sum() < least_area_ha * 100:
                    continue
                if not (pixels & before).any():
                    depth = ndimage.distance_transform_edt(np.pad(pixels, 1))[1:-1, 1:-1]
                    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
                    place = corner[0] + 10 * column + 5, corner[1] - 10 * row - 5
                    alarms.append(Alarm(field_id, pd.Timestamp(looks.seen_at[number]), (place,)))
                before |= pixels
        yield from alarms


def _merged(alarms: list[Alarm]) -> list[Alarm]:
    """Alarms of one field and day are one when they speak of the same place."""
    kept: list[Alarm] = []
    for alarm in sorted(alarms, key=lambda a: a.since):
        if not any(a.since == alarm.since and _near(a.places[0], np.array(alarm.places)) for a in kept):
            kept.append(alarm)
    return kept


def _near(place: tuple[float, float], places: np.ndarray) -> bool:
    return bool((np.hypot(*(places - np.array(place)).T) <= NEAR_M).any())


def score(
    alarms: list[Alarm], truth: pd.DataFrame, area_ha: float, season: int, least_ha: float = 1.0
) -> dict[str, float]:
    """Detection of events over so many hectares, the median delay, false alarms for 1,000 ha and month."""
    found, delays, events, true = 0, [], 0, set()
    first, last = (pd.Timestamp(f"{season}-{day}", tz="UTC") for day in (FIRST_DAY, LAST_DAY))
    for (field_id, kind, on), pixels in truth.groupby(["field_id", "kind", "on"]):
        places = pixels[["x_m", "y_m"]].to_numpy()
        start = first if kind == "missed_strip" else pd.Timestamp(on, tz="UTC")
        own = [
            (i, a)
            for i, a in enumerate(alarms)
            if a.field_id == field_id and a.since >= start and any(_near(p, places) for p in a.places)
        ]
        true |= {i for i, _ in own}
        if len(pixels) < 100 * least_ha:
            continue
        events += 1
        if own:
            found += 1
            delays.append((min(a.since for _, a in own) - start).total_seconds() / 86_400)
    false = [a for i, a in enumerate(alarms) if i not in true and first <= a.since <= last]
    months = (last - first).days / MONTH_D
    return {
        "events": events,
        "found": found / events,
        "delay_d": float(np.median(delays)) if delays else float("nan"),
        "false": 1000 * len(false) / area_ha / months,
    }


def at_80_per_cent(
    alarms_at: Callable[[float], list[list[Alarm]]],
    levels: np.ndarray,
    scored: Callable[[list[list[Alarm]]], dict[str, float]],
) -> dict[str, float]:
    """The strictest level that still finds 80 % of the events."""
    best: dict[str, float] = {}
    for level in levels:
        now = scored(alarms_at(float(level)))
        if now["found"] < 0.8 and best:
            break
        best = {**now, "level": float(level)}
    return best


def main() -> None:
    seeds = [int(text) for text in sys.argv[1:] if text != "scan"] or [2017]
    rule = AlertRule(**{k: v for k, v in facts(CONFIGS / "alerts.toml").items() if k != "version"})
    season, cases, kept = 2021, [], Path(tempfile.gettempdir()) / "agro-bench-alerts"
    for seed in seeds:
        folder = kept / str(seed)
        store = Store(folder / "store") if (folder / "done").exists() else made(folder, seed, season)
        (folder / "done").touch()
        fields = outlines(store)
        looks = clear_looks(store, fields, fieldstats(store), "ndvi", pd.Timestamp(f"{season}-05-15", tz="UTC"))
        cases.append((looks, truth_of(folder / "twin", season), float(fields["area_ha"].sum())))
    truth = pd.concat([t.assign(field_id=f"{i}/" + t["field_id"]) for i, (_, t, _) in enumerate(cases)])
    area_ha = sum(area for _, _, area in cases)

    def scored(alarms: list[list[Alarm]]) -> dict[str, float]:
        flat = [replace(a, field_id=f"{i}/{a.field_id}") for i, own in enumerate(alarms) for a in own]
        return score(flat, truth, area_ha, season)

    if "scan" in sys.argv:
        for g in (0.0, 0.15, 0.3):
            for k in (2.0, 3.0, 4.0):
                for d in (0.06, 0.08):
                    r = replace(rule, growth_share=g, noise_multiple=k, least_drop=d)
                    print(g, k, d, scored([list(ours(looks, r)) for looks, _, _ in cases]), flush=True)
        return
    as_set = scored([list(ours(looks, rule)) for looks, _, _ in cases])
    best = at_80_per_cent(
        lambda k: [list(ours(looks, replace(rule, noise_multiple=k))) for looks, _, _ in cases],
        np.arange(2, 9, 0.5),
        scored,
    )
    plain = at_80_per_cent(lambda z: [list(z_score(looks, z)) for looks, _, _ in cases], np.arange(0.4, 4, 0.1), scored)
    print(
        json.dumps(
            {"seeds": seeds, "simulated": True, "area_ha": area_ha, "as_set": as_set, "ours": best, "z_score": plain},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
