"""Yield maps of combine monitors: points of each field cleaned, drawn, scaled to what was weighed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rasterio.features import geometry_mask
from shapely import Geometry

from agro.agromaps.barn_weight import in_barn
from agro.agromaps.yield_cleaning import Cleaned, CleaningRules, clean
from agro.agromaps.yield_map import FieldYield, field_yield
from agro.domain.errors import AgroError, Refusal
from agro.domain.grid import Grid, around
from agro.domain.harvest import Known
from agro.domain.layers import LAYERS
from agro.sources.yield_monitor import read_monitors
from agro.store import history
from agro.store.index import Index, opened
from agro.store.publish import digest, file_name, writing
from agro.store.stac import bbox_of
from flows.harvest_records import keep_records, known_of
from flows.keeping import Result, content_of, keep
from flows.plan import Land, read_land
from flows.settings import CONFIGS, Settings, facts
from flows.simulated import records_of
from flows.yield_points import Drive, drives_of

ALGORITHM = 1  # raise it when the same points give another map
_PIXEL_M = LAYERS["yield_t_ha"].resolution_m
_RULES = tuple(name for name in CleaningRules.__dataclass_fields__ if name not in ("highest_t_ha", "delay_s"))
_APART = 100_000  # [1] between the numbers of passes of two files
_POINT_COLUMNS = (
    *("field_id", "file", "log", "number", "lon", "lat", "clock_s", "yield_t_ha", "moisture_pct", "swath_m"),
    *("pass_no", "cleaned_t_ha", "flagged", "reason"),
)


@dataclass(frozen=True)
class TakenIn:
    """What the monitors say: a row a field and season, a row a point, and what was refused."""

    fields: pd.DataFrame
    points: pd.DataFrame
    refused: tuple[Refusal, ...]


def take_in(settings: Settings, field_id: str | None, today: date) -> TakenIn:
    """Take the records of the harvest and the monitors into the store; what there is now, of one field or of all."""
    land = read_land(settings)
    records = records_of(settings, land)
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        refused = keep_records(settings, land, records, index, today)
        refused += make_yield_maps(settings, land, records.yield_monitors, index, today)
        fields, points = history.yields(store, "fields"), history.yields(store, "points")
    if field_id is not None and len(fields):
        fields, points = (table[table["field_id"] == field_id] for table in (fields, points))
    return TakenIn(fields, points, tuple(refused))


def make_yield_maps(settings: Settings, land: Land, source: Path | None, index: Index, today: date) -> list[Refusal]:
    """The yield map of every field with points, by season and district, where it is not made yet; what was refused."""
    if source is None:
        return []
    rules = facts(CONFIGS / "harvest.toml")
    identity = content_of(source)
    weighed = history.records(index.store, "harvest")
    harvests = [r.place for r in index.items("harvest") if r.properties["agro:field_ids"] == land.field_ids][-1:]
    own = {name: rules[name] for name in ("barn", "monitor", "bounds")}
    run = digest([identity, land.key, land.seasons_key, harvests, own, land.crs, ALGORITHM])
    made = [r for r in index.items("yield_maps") if r.properties["agro:run"] == run]
    if made and all(index.at(place) for place in made[0].properties["agro:together"]):
        return []
    known = known_of(today)
    read, refused = read_monitors(source, known.crops, today)
    drives, without = drives_of(read, land, known)
    refused += without
    groups: dict[tuple[int, str], list[Drive]] = {}
    districts = land.outlines["district"].where(land.outlines["district"].notna(), "fields")
    for drive in drives:
        groups.setdefault((drive.season, str(districts.iloc[drive.field])), []).append(drive)
    places = {key: f"yield_maps/{key[0]}/{file_name(key[1])}--{run}" for key in sorted(groups)}
    for key, place in places.items():
        if index.at(place):
            continue
        result, bad = _district(groups[key], land, weighed, rules, known)
        refused += bad
        properties = {
            "datetime": result.properties["day"],
            "agro:season": key[0],
            "agro:district": key[1],
            "agro:inputs": identity,
            "agro:parents": harvests,
            "agro:run": run,
            "agro:together": list(places.values()),
            "agro:parameters": rules["monitor"],
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(index.store, index, place, Result(properties, result.bbox, result.layers, result.tables))
    return refused


def _district(
    drives: Sequence[Drive], land: Land, weighed: pd.DataFrame, rules: Mapping[str, Any], known: Known
) -> tuple[Result, list[Refusal]]:
    """The maps of one district and season: two layers, a row a point with its reason, a row a field."""
    numbers = sorted({drive.field for drive in drives})
    grid = around(land.crs, tuple(land.on_grid.iloc[numbers].total_bounds), _PIXEL_M)
    layers = {name: np.full(grid.shape, np.nan) for name in ("yield_t_ha", "yield_se")}
    point_rows, field_rows, refused = [], [], []
    for number in numbers:
        own = [drive for drive in drives if drive.field == number]
        field_id, outline = str(land.outlines["field_id"].iloc[number]), land.on_grid.iloc[number]
        points, row = _cleaned(own, outline, rules, known)
        point_rows.append(points.assign(field_id=field_id))
        row |= {"field_id": field_id, "season": own[0].season, "crop": own[0].crop, "refused": ""}
        window = grid.cut_to(outline.bounds) or grid
        try:
            about, maps = _map(points, outline, window, _harvest(weighed, field_id, own[0]), rules["monitor"])
            row |= about
        except AgroError as error:
            refused.append(error.about(field_id=field_id))
            row["refused"], maps = error.refusal.code, {}
        place = window.rows_and_columns_in(grid)
        for name, pixels in maps.items():
            layers[name][place] = np.where(np.isfinite(pixels), pixels, layers[name][place])
        field_rows.append(row)
    fields = pd.DataFrame(field_rows)
    if "yield_t_ha" in fields:
        fields = in_barn(fields, rules["barn"]["factor"], rules["barn"]["factor_se"])
    tables = {"points": pd.concat(point_rows, ignore_index=True)[list(_POINT_COLUMNS)], "fields": fields}
    days = pd.concat([drive.points["day"] for drive in drives]).dropna()
    last = days.max() if len(days) else min(pd.Timestamp(drives[0].season, 12, 31), pd.Timestamp(known.today))
    day = {"day": f"{last:%Y-%m-%d}T00:00:00Z"}
    return Result(day, bbox_of(grid), {name: (pixels, grid) for name, pixels in layers.items()}, tables), refused


def _cleaned(
    drives: Sequence[Drive], outline: Geometry, rules: Mapping[str, Any], known: Known
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The points of a field's files, each cleaned by itself, and what is to be said of it."""
    own, limit = rules["monitor"], known.bounds.get(drives[0].crop)
    highest = own["point_above_field"] * limit.highest_t_ha if limit else float("inf")
    cleaned: list[Cleaned] = []
    for drive in drives:
        delay_s = 0.0 if drive.monitored.delay_corrected else None
        limits = CleaningRules(highest_t_ha=highest, delay_s=delay_s, **{name: own[name] for name in _RULES})
        cleaned.append(clean(drive.points, outline, limits))
    tables = [
        one.points.assign(
            file=drive.monitored.where,
            pass_no=one.points["pass_no"].where(one.points["pass_no"] < 0, n * _APART + one.points["pass_no"]),
        )
        for n, (drive, one) in enumerate(zip(drives, cleaned, strict=True))
    ]
    points = pd.concat(tables, ignore_index=True)
    moisture = [d.monitored.at_moisture_pct for d in drives if d.monitored.at_moisture_pct is not None]
    return points, {
        "files": len(drives),
        "points": len(points),
        "kept": int((points["reason"] == "").sum()),
        "left_out": "; ".join(f"{reason} {n}" for reason, n in points["reason"].value_counts().items() if reason),
        "delay_s": "; ".join(f"{one.delay.delay_s:.1f}" for one in cleaned),
        "delay_sure": all(one.delay.sure for one in cleaned),
        "weight_basis": drives[0].monitored.weight_basis,
        "at_moisture_pct": moisture[0] if moisture else float("nan"),
    }


def _harvest(weighed: pd.DataFrame, field_id: str, drive: Drive) -> pd.Series | None:
    """What was weighed of this field, crop and season."""
    if weighed.empty:
        return None
    same = (weighed["season"] == drive.season) & (weighed["crop"] == drive.crop)
    rows = weighed[(weighed["field_id"] == field_id) & same]
    return rows.iloc[-1] if len(rows) else None


def _map(
    points: pd.DataFrame, outline: Geometry, window: Grid, weighed: pd.Series | None, rules: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What is to be said of a field's yield, and its two layers on the window."""
    row, column = np.nonzero(geometry_mask([outline], window.shape, window.transform, invert=True))
    pixels = np.column_stack([window.west_m + _PIXEL_M * (column + 0.5), window.north_m - _PIXEL_M * (row + 0.5)])
    told = None if weighed is None else float(weighed["yield_t_ha"])
    common = rules["calibration_cv"] if weighed is None else rules["weighing_cv"]
    kept = points[points["reason"] == ""]
    drawn: FieldYield = field_yield(kept, pixels, (_PIXEL_M, rules["map_reach_m"]), told, common)
    maps = {name: np.full(window.shape, np.nan) for name in ("yield_t_ha", "yield_se")}
    for name, whole in maps.items():
        whole[row, column] = getattr(drawn, name)
    about = {
        "yield_t_ha": drawn.mean_t_ha,
        "yield_se_t_ha": drawn.mean_se_t_ha,
        "pixel_se_t_ha": float(np.nanmean(drawn.yield_se)),
        "seen_fraction": drawn.seen_fraction,
        "scale": drawn.scale,
        "scaled_to": "monitor" if weighed is None else "weighed harvest",
    }
    return about | ({} if weighed is None else {"weight_basis": str(weighed["weight_basis"])}), maps
