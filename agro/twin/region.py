"""The simulated region's files: images in a static catalogue, records beside them, and the truth in a folder apart."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.twin.catalogue import COLLECTION, dirty, spoil, write_catalogue, write_pass
from agro.twin.drawn import Season, below, evenings, harvest, looks_of, season_of, seen, truth_of_look
from agro.twin.growth import State
from agro.twin.land import Ground, ground, sampled
from agro.twin.light import to_20_m
from agro.twin.past import Past, past
from agro.twin.records import write_elevation, write_soil_samples, write_weather

VERSION = 4  # raise it when the same seed gives another region
_SEASONS_ON_RECORD = 12  # [1] to the last one that is drawn
_SAMPLES = 30  # [px] of each field carry the seasons that are not drawn


def make(
    path: Path,
    outlines: gpd.GeoDataFrame,
    told: pd.DataFrame | None,
    facts: Mapping[str, Any],
    seasons: Sequence[int],
    seed: int,
    faults: bool,
    crs: str,
    step: Callable[[str], None],
) -> Path:
    """Make the region's folder at `path`, whole or absent, and give its catalogue's path.

    outlines need `field_id` and `district`; `told` names what grew where (field_id, season, crop); `facts` are those
    of configs/twin.toml; `step` is told of each season.
    """
    making = path.with_name(path.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    folder = making / "catalog" / COLLECTION
    folder.mkdir(parents=True)
    places = [ground(outlines, district, crs, facts, seed) for district in sorted(outlines["district"].unique())]
    was = past(facts, seed, sampled(places, _SAMPLES, seed), on_record(seasons), told)
    write_weather(making / "weather", was.days)
    names: list[str] = []
    for place in places:
        write_elevation(making / "elevation", place, seed)
        write_soil_samples(making / "soil", making / "truth", place, facts["laboratory"], seasons[0], seed)
        for season in seasons:
            names += _draw(making, folder, place, season, was)
            step(f"{place.district} {season}")
    dirty(folder, names, seed)
    if faults:
        spoil(folder, names, seed)
    write_catalogue(making / "catalog", names, seed)
    shutil.rmtree(path, ignore_errors=True)
    making.rename(path)
    return path / "catalog" / "catalog.json"


def on_record(seasons: Sequence[int]) -> list[int]:
    """The seasons of which there are records: those that are drawn, and so many before them."""
    return sorted({*range(max(seasons) - _SEASONS_ON_RECORD + 1, max(seasons) + 1), *seasons})


def _draw(making: Path, folder: Path, place: Ground, season: int, was: Past) -> list[str]:
    """One district's passes of one season: files in `folder`, truth beside; the items' ids."""
    work = was.work[(was.work["season"] == season) & (was.work["district"] == place.district)]
    days = was.days[(was.days["place"] == place.district) & (was.days["day"].dt.year == season)]
    days = days[days["day"] >= f"{season}-04-01"].reset_index(drop=True)
    drawn = season_of(place, work, days[days["radiation_mj_m2"].notna()], was.facts, was.seed)
    due = looks_of(drawn, was.facts, was.seed)
    truth: dict[str, np.ndarray] = {}
    states: tuple[State, ...] = ()
    for day, (states, around) in enumerate(evenings(drawn)):
        if day not in due:
            continue
        cover = below(drawn, states, around)
        write_pass(folder / due[day].name, due[day], *seen(due[day], cover, was.facts, was.seed))
        truth |= truth_of_look(due[day], cover)
    truth = {"yield_t_ha": to_20_m(harvest(drawn, states)), **truth}
    _write_truth(making / "truth", drawn, truth)
    _write_harms(making / "truth", drawn)
    return [look.name for look in due.values()]


def _write_truth(folder: Path, drawn: Season, truth: Mapping[str, np.ndarray]) -> None:
    """The truth of a district's season, a row a 20 m pixel and a row a field. The pipeline never opens it."""
    place, season = drawn.place, drawn.season
    folder.mkdir(exist_ok=True)
    field = place.field[::2, ::2]
    rows, columns = field.nonzero()
    table = pd.DataFrame(
        {"field_id": np.array(place.field_ids)[field[rows, columns] - 1], "row": rows, "column": columns}
    )
    found = pd.DataFrame({name: pixels[rows, columns].astype("float32") for name, pixels in truth.items()})
    table = pd.concat([table, found], axis=1)
    table.to_parquet(folder / f"pixels-{place.district}-{season}.parquet", index=False)
    fields = table.groupby("field_id", as_index=False)["yield_t_ha"].mean().assign(season=season)
    fields.to_csv(folder / f"fields-{place.district}-{season}.csv", index=False)


def _write_harms(folder: Path, drawn: Season) -> None:
    """A row for each 10 m pixel that an event hit."""
    rows = []
    for field_id, (harm, index) in drawn.harms.items():
        x, y = drawn.place.x_y_m(index)
        on = pd.Timestamp(drawn.season, 4, 1) + pd.Timedelta(days=harm.day)
        rows.append(pd.DataFrame({"field_id": field_id, "kind": harm.kind, "on": on, "x_m": x, "y_m": y}))
    nothing = pd.DataFrame({"field_id": [], "kind": [], "on": [], "x_m": [], "y_m": []})
    pd.concat(rows or [nothing]).to_parquet(
        folder / f"events-{drawn.place.district}-{drawn.season}.parquet", index=False
    )
