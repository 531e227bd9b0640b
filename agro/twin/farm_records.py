"""What farms write down, as files: harvests, the harvest as it comes, combine monitors, nitrogen trials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.affinity import rotate, translate
from shapely.geometry import box

from agro.twin.chance import chance
from agro.twin.harvest import harvest_records, weighing
from agro.twin.land import Ground
from agro.twin.monitor import drive, logged
from agro.twin.trial import as_weighed, laid_out

_SECTION_M = 30.0  # [m] of a strip whose yield is one row
_GRAIN = ("spring_wheat", "barley", "oats", "winter_rye", "pea")


def write_harvest(folder: Path, fields: pd.DataFrame, facts: Mapping[str, Any], seed: int) -> None:
    """harvest.csv of all fields on record, semicolons and decimal commas; `fields` are those of the truth."""
    folder.mkdir(exist_ok=True)
    table = harvest_records(fields[fields["mapped"]], facts, seed)
    table.to_csv(folder / "harvest.csv", sep=";", decimal=",", index=False)


def write_summaries(folder: Path, fields: pd.DataFrame, season: int, facts: Mapping[str, Any], seed: int) -> None:
    """A season's grain as it came: every third day what each district has threshed so far, by the bunker's weight."""
    folder.mkdir(exist_ok=True)
    grain = fields[(fields["season"] == season) & fields["crop"].isin(_GRAIN) & (fields["use"] != "abandoned")]
    wet = [weighing(one, facts["care"], seed).over_barn for one in grain.itertuples(index=False)]
    grain = grain.assign(bunker_t=grain["production_t"] * wet)
    rows = []
    days = pd.date_range(grain["harvested_on"].min(), pd.Timestamp(grain["harvested_on"].max()), freq="3D")
    for day in days.date:
        for (district, crop), own in grain.groupby(["district", "crop"]):
            done = own[own["harvested_on"] <= day]
            total = round(done["area_ha"].sum()), round(done["bunker_t"].sum(), -1), round(own["area_ha"].sum())
            rows.append((day, district, crop, *total, "bunker"))
    columns = ["day", "district", "crop", "threshed_ha", "bunker_t", "planned_ha", "weight_basis"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / f"{season}.csv", sep=";", decimal=",", index=False)


def write_monitors(
    folder: Path, truth: Path, place: Ground, yields_t_ha: np.ndarray, fields: pd.DataFrame, facts: Mapping[str, Any],
    seed: int,
) -> None:  # fmt: skip
    """Raw points of those fields of one season that had a monitor, a file each, and their truth."""
    rules = facts["monitor"]
    for one in fields.itertuples(index=False):
        field_id, season = str(one.field_id), int(str(one.season))
        random = chance(seed, "monitor", field_id, season)
        weighed = weighing(one, facts["care"], seed, in_bunker=True)
        went = drive(place.field == place.field_ids.index(field_id) + 1, place, rules["swath_m"], random)
        start = pd.Timestamp(one.harvested_on) + pd.Timedelta(hours=3)  # UTC: ten by the clock of Kuzbass
        points, real = logged(went, yields_t_ha, place, rules, weighed, random)
        clock = start + pd.to_timedelta(points.pop("seconds"), unit="s")
        points.insert(0, "time", clock.dt.strftime("%Y-%m-%dT%H:%M:%S"))
        folder.mkdir(exist_ok=True)
        points.to_csv(folder / f"{season}-{field_id}.csv", index=False)
        real.to_parquet(truth / f"monitor-{season}-{field_id}.parquet", index=False)


def write_trials(
    folder: Path, truth: Path, place: Ground, yields_t_ha: np.ndarray, work: pd.DataFrame, facts: Mapping[str, Any],
    seed: int,
) -> None:  # fmt: skip
    """The trials of one district and season, a file a field: sections of strips with what the combine weighed there."""
    for one in work[work["trial"] & work["mapped"]].itertuples(index=False):
        number = place.field_ids.index(one.field_id) + 1
        index = np.flatnonzero(place.field.ravel() == number)
        x, y = place.x_y_m(index)
        strips = laid_out(one.field_id, one.season, x, y, facts["trial"], seed)
        true = yields_t_ha.ravel()[index]
        weigh = weighing(one, facts["care"], seed, in_bunker=True)
        random = chance(seed, "weighed", one.field_id, one.season)
        pixels = pd.DataFrame({"strip": strips.strip, "rep": strips.rep, "n_kg_ha": strips.n_kg_ha, "true_t_ha": true})
        pixels["yield_t_ha"] = as_weighed(true, strips, weigh.scale * weigh.over_barn, random)
        pixels["section"] = np.floor(strips.along_m / _SECTION_M).astype(int)
        pixels = pixels[pixels["strip"] >= 0]
        rows = pixels.groupby(["strip", "section", "rep", "n_kg_ha"], as_index=False).agg(
            yield_t_ha=("yield_t_ha", "mean"), true_t_ha=("true_t_ha", "mean"), pixels=("strip", "size")
        )
        rows = rows[rows["pixels"] >= 4]
        middle = float(x.mean()), float(y.mean())
        shapes = [_section(row, strips.turn, middle, facts["trial"]) for row in rows.itertuples(index=False)]
        table = gpd.GeoDataFrame(rows.drop(columns=["pixels", "true_t_ha"]), geometry=shapes, crs=place.grid.crs)
        table = table.assign(
            field_id=one.field_id, season=one.season, crop=one.crop, yield_t_ha=rows["yield_t_ha"].round(2)
        )
        table = table.assign(weight_basis="bunker", moisture_pct=round(weigh.moisture_pct, 1))
        (folder / str(one.season)).mkdir(parents=True, exist_ok=True)
        table.to_crs(4326).to_file(folder / str(one.season) / f"{one.field_id}.geojson", driver="GeoJSON")
        rows.to_csv(truth / f"trial-{one.season}-{one.field_id}.csv", index=False)


def _section(row: Any, turn: float, middle: tuple[float, float], rules: Mapping[str, Any]) -> Any:
    width, half = rules["strip_width_m"], len(rules["rates_kg_ha"]) * rules["reps"] / 2
    low = (row.strip - half) * width
    place = box(row.section * _SECTION_M, low, (row.section + 1) * _SECTION_M, low + width)
    return translate(rotate(place, turn, origin=(0, 0), use_radians=True), *middle)


def spoil_records(making: Path, outlines: gpd.GeoDataFrame, seed: int) -> None:
    """What must be told by name: a harvest written twice, one in centners, a field drawn twice."""
    random = chance(seed, "record faults")
    path = making / "harvest" / "harvest.csv"
    lines = path.read_text().splitlines()
    twice, centners = random.choice(np.arange(1, len(lines)), 2, replace=False)
    cells = lines[centners].split(";")
    cells[5] = f"{10 * float(cells[5].replace(',', '.')):.1f}".replace(".", ",")
    other = lines[twice].split(";")
    other[5] = f"{float(other[5].replace(',', '.')) + 0.4:.2f}".replace(".", ",")
    lines[centners] = ";".join(cells)
    path.write_text("\n".join([*lines, ";".join(other)]) + "\n")
    (making / "fields").mkdir()
    drawn = outlines[["field_id", "district", "geometry"]]
    both = pd.concat([drawn, drawn.iloc[[int(random.integers(len(drawn)))]]], ignore_index=True)
    gpd.GeoDataFrame(both, crs=outlines.crs).to_file(making / "fields" / "drawn-twice.geojson", driver="GeoJSON")
