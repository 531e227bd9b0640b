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
from agro.twin.farm_records import spoil_records, write_harvest, write_monitors, write_summaries, write_trials
from agro.twin.growth import State
from agro.twin.land import Ground, ground, sampled
from agro.twin.light import to_20_m
from agro.twin.monitor import monitored
from agro.twin.office_records import write_statistics
from agro.twin.parcels import register
from agro.twin.past import Past, past
from agro.twin.records import write_elevation, write_soil_samples, write_weather
from agro.twin.table import truth_of

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
    world: str = "first",
) -> Path:
    """Make the region's folder at `path`, whole or absent, and give its catalogue's path.

    outlines need `field_id` and `district`; `told` is a season table, as far as there is one; `facts` are those of
    configs/twin.toml; `step` is told of each season; `world` is one of `agro.twin.worlds`.
    """
    making = path.with_name(path.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    folder, truth = making / "catalog" / COLLECTION, making / "truth"
    folder.mkdir(parents=True)
    truth.mkdir()
    places, was = setting(outlines, told, facts, seasons, seed, crs, world)
    fields = truth_of(was, was.last_evening()).fields
    write_weather(making / "weather", was.days)
    names: list[str] = []
    for place in places:
        write_elevation(making / "elevation", place, seed)
        write_soil_samples(making / "soil", truth, place, facts["laboratory"], seasons[0], seed)
        for season in seasons:
            new, yields = _draw(making, place, season, was)
            names += new
            here = (fields["season"] == season) & (fields["district"] == place.district)
            fields.loc[here, "yield_t_ha"] = _field_means(yields, place, fields[here])
            with_monitor = here & fields["field_id"].isin(monitored(was.work, season, facts["monitor"], seed))
            write_monitors(making / "yield_monitors", truth, place, yields, fields[with_monitor], facts, seed)
            write_trials(making / "trials", truth, place, yields, was.work[here], facts, seed)
            step(f"{place.district} {season}")
    _write_records(making, fields.assign(production_t=fields["yield_t_ha"] * fields["area_ha"]), was, max(seasons))
    _write_parcels(making, was, crs)
    dirty(folder, names, seed)
    if faults:
        spoil(folder, names, seed)
        spoil_records(making, outlines, seed)
    write_catalogue(making / "catalog", names, seed)
    shutil.rmtree(path, ignore_errors=True)
    making.rename(path)
    return path / "catalog" / "catalog.json"


def setting(
    outlines: gpd.GeoDataFrame,
    told: pd.DataFrame | None,
    facts: Mapping[str, Any],
    seasons: Sequence[int],
    seed: int,
    crs: str,
    world: str,
) -> tuple[list[Ground], Past]:
    """The ground of each district, in their order, and what happened on it."""
    districts = sorted(outlines["district"].unique())
    places = [ground(outlines, district, crs, facts, max(seasons), seed) for district in districts]
    return places, past(facts, seed, sampled(places, _SAMPLES, seed), on_record(seasons), told, world)


def on_record(seasons: Sequence[int]) -> list[int]:
    """The seasons of which there are records: those that are drawn, and so many before them."""
    return sorted({*range(max(seasons) - _SEASONS_ON_RECORD + 1, max(seasons) + 1), *seasons})


def _draw(making: Path, place: Ground, season: int, was: Past) -> tuple[list[str], np.ndarray]:
    """One district's passes of one season, truth beside; the items' ids, and the map (y, x) of the yield [t/ha]."""
    work = was.work[(was.work["season"] == season) & (was.work["district"] == place.district)]
    days = was.days[(was.days["place"] == place.district) & was.days["radiation_mj_m2"].notna()]
    drawn = season_of(place, work, days[days["day"].dt.year == season], was)
    due = looks_of(drawn, was.facts, was.seed)
    truth: dict[str, np.ndarray] = {}
    states: tuple[State, ...] = ()
    for day, (states, around) in enumerate(evenings(drawn)):
        if day not in due:
            continue
        cover = below(drawn, states, around)
        bands, classes = seen(due[day], cover, was)
        write_pass(making / "catalog" / COLLECTION / due[day].name, due[day], bands, classes)
        truth |= truth_of_look(due[day], cover)
    yields = harvest(drawn, states)
    _write_truth(making / "truth", drawn, {"yield_t_ha": to_20_m(yields), **truth})
    _write_harms(making / "truth", drawn)
    return [look.name for look in due.values()], yields


def _field_means(yields_t_ha: np.ndarray, place: Ground, fields: pd.DataFrame) -> np.ndarray:
    """The mean yield of each field and parcel [t/ha], NaN where nothing is harvested."""
    number = place.field.ravel()
    counted = number > 0
    sums = np.bincount(number[counted], yields_t_ha.ravel()[counted])
    sizes = np.bincount(number[counted])
    own = fields["field_id"].map({field_id: i + 1 for i, field_id in enumerate(place.field_ids)}).to_numpy()
    return np.where(fields["yield_t_ha"].notna(), sums[own] / sizes[own], np.nan)


def _write_truth(folder: Path, drawn: Season, truth: Mapping[str, np.ndarray]) -> None:
    """The truth of a district's season, a row a 20 m pixel and a row a field. The pipeline never opens it."""
    place, season = drawn.place, drawn.season
    field = place.on_record[::2, ::2]
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


def _write_records(making: Path, fields: pd.DataFrame, was: Past, season: int) -> None:
    """What farms and offices know of the harvests, and their truth."""
    fields.to_csv(making / "truth" / "fields.csv", index=False)
    write_harvest(making / "harvest", fields, was.facts, was.seed)
    write_summaries(making / "harvest_summaries", fields, season, was.facts, was.seed)
    write_statistics(making / "statistics", fields, sorted(fields["season"].unique()), was.facts, was.seed)


def _write_parcels(making: Path, was: Past, crs: str) -> None:
    """The register of parcels, and what truly became of those beyond the fields."""
    (making / "parcels").mkdir()
    register(was.estate.fields, crs).to_file(making / "parcels" / "parcels.geojson", driver="GeoJSON")
    beyond = was.work[was.work["use"] != "field"].merge(was.estate.fields[["field_id", "idle_since"]], on="field_id")
    known = ["field_id", "district", "season", "use", "idle_since", "crop", "area_ha", "woody", "tilled"]
    beyond[known].rename(columns={"field_id": "parcel_id"}).to_csv(making / "truth" / "parcels.csv", index=False)
