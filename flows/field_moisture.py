"""Wetness in per cent of field capacity, where enough measurements of the surface allow it; else it is relative."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rasterio.features import rasterize

from agro.agromaps.field_capacity import Anchor, AnchorRules, anchor, of_field_capacity
from agro.agromaps.fieldstats import field_pixels, field_rows
from agro.domain.errors import Refusal
from agro.domain.layers import LAYERS, Quality
from agro.sources.soil_moisture import read_soil_moisture
from agro.sources.tables import plain
from agro.store.index import Index
from agro.store.maps import joined
from agro.store.publish import Published, Store, digest, file_name, now, read_asset
from agro.store.stac import bbox_of
from agro.store.tables import from_parquet
from flows.keeping import Result, content_of, keep
from flows.plan import Land
from flows.settings import CONFIGS, Settings, facts

ALGORITHM = 1  # raise it when the same measurements and wetness give other per cents
_TOGETHER = pd.Timedelta(days=1)  # a look this near to a measurement saw the same moisture. source: ours
_PIXEL_M = LAYERS["wetness"].resolution_m


def make_field_moisture(
    settings: Settings, land: Land, source: Path | None, store: Store, index: Index, today: date
) -> list[Refusal]:
    """What measurements say of wetness, and every wetness map of the fields that it holds for; what was refused."""
    if source is None:
        return []
    rules, wetness = facts(CONFIGS / "moisture.toml")["anchor"], newest_wetness(index)
    measured, refused = read_soil_moisture(source, set(land.outlines["field_id"]), _soils(), today)
    pairs, parents = _pairs(store, measured, wetness)
    key = digest([content_of(source), parents, rules, ALGORITHM])
    place = f"moisture_anchors/{key}"
    if not index.at(place):
        anchors, few = anchor(pairs, AnchorRules(**rules))
        refused += few
        properties = {
            "datetime": now(),
            "agro:anchors": {group: asdict(one) for group, one in anchors.items()},
            "agro:refused": [one.reason for one in few],
            "agro:inputs": content_of(source),
            "agro:parents": parents,
            "agro:parameters": rules,
            "agro:simulated": settings.imagery.source == "twin",
        }
        keep(store, index, place, Result(properties, None, tables={"pairs": pairs}))
    anchored = index.at(place)
    assert anchored is not None  # noqa: S101  it was just kept
    anchors = {group: _anchor(one) for group, one in anchored.properties["agro:anchors"].items()}
    soils = {field: group for field, group in _soil_of_fields(measured).items() if group in anchors}
    for result in wetness if soils else ():
        _keep_map(settings, land, result, anchored, anchors, soils, store, index)
    return refused


def newest_wetness(index: Index) -> list[Published]:
    """The newest wetness of each pass, by the day of the pass."""
    newest = {str(one.properties["agro:acquisition_id"]): one for one in index.items("moisture")}
    return sorted(newest.values(), key=lambda one: str(one.properties["datetime"]))


def _soils() -> dict[str, float]:
    """Field capacity [m3/m3] by every word for a soil; `-` where nobody says which."""
    found = {"-": float(facts(CONFIGS / "water.toml")["soil"]["field_capacity"])}
    for code, row in facts(CONFIGS / "soils.toml")["groups"].items():
        for word in (code, row["english"], row["russian"]):
            found[plain(word)] = float(row["field_capacity_m3_m3"])
    return found


def _soil_of_fields(measured: pd.DataFrame) -> dict[str, str]:
    """The soil that the measurements say of each field; fields that were not measured stay relative."""
    groups = measured.groupby("field_id")["soil_group"] if len(measured) else {}
    return {str(field_id): str(own.mode().iloc[0]) for field_id, own in groups}


def _pairs(store: Store, measured: pd.DataFrame, wetness: list[Published]) -> tuple[pd.DataFrame, list[str]]:
    """Each measurement with the field's wetness of a look within a day, and the results that told it."""
    columns = ["soil_group", "seen_on", "wetness", "field_capacity_pct"]
    days = pd.to_datetime(measured["seen_on"]).unique()
    near = [one for one in wetness if any(abs(_day(one) - day) <= _TOGETHER for day in days)]
    tables = [from_parquet(read_asset(store, one, "fields")).assign(day=_day(one)) for one in near]
    if not tables:
        return pd.DataFrame({name: [] for name in columns}), []
    rows = pd.concat(tables, ignore_index=True)
    soil_seen = (rows["layer"] == "wetness") & (rows["n_px"] > 0) & ~rows["flag"].str.contains("wetness_domain")
    rows = rows.loc[soil_seen, ["field_id", "day", "p50"]]
    both = measured.assign(at=pd.to_datetime(measured["seen_on"])).merge(rows, on="field_id")
    both = both.assign(apart=(both["day"] - both["at"]).abs())
    both = both[both["apart"] <= _TOGETHER].sort_values("apart", kind="stable")
    both = both.drop_duplicates(["field_id", "soil_group", "seen_on", "field_capacity_pct"])
    return both.rename(columns={"p50": "wetness"})[columns].reset_index(drop=True), sorted(one.place for one in near)


def _day(result: Published) -> pd.Timestamp:
    return pd.Timestamp(str(result.properties["datetime"])[:10])


def _anchor(content: Mapping[str, Any]) -> Anchor:
    values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in content.items()}
    return Anchor(**values)


def _keep_map(
    settings: Settings,
    land: Land,
    wetness: Published,
    anchored: Published,
    anchors: Mapping[str, Anchor],
    soils: Mapping[str, str],
    store: Store,
    index: Index,
) -> None:
    """One look's map in per cent of field capacity and its field rows, with the error of dates left out."""
    own = land.outlines["field_id"].isin(list(soils))
    versions = sorted(zip(land.outlines["field_id"][own], land.outlines["version"][own], strict=True))
    name = file_name(str(wetness.properties["agro:acquisition_id"]))
    told = digest([wetness.place, anchored.properties["agro:anchors"], dict(soils), versions, ALGORITHM])
    place = f"field_moisture/{_day(wetness).year}/{name}--{told}"
    if index.at(place):
        return
    relative, grid = joined(store, [wetness], "wetness")
    flag, _ = joined(store, [wetness], "wetness_flag")
    groups = sorted(anchors)
    shapes = [
        (land.on_grid.iloc[i], groups.index(soils[land.outlines["field_id"].iloc[i]]) + 1) for i in np.flatnonzero(own)
    ]
    number = rasterize(shapes, grid.shape, fill=0, transform=grid.transform, dtype="int16")
    by_number = {n: anchors[group] for n, group in enumerate(groups, start=1)}
    seen = relative.where(flag == 0)  # under leaves it is no soil that was seen
    map_ = of_field_capacity(seen, xr.DataArray(number, dims=("y", "x")), by_number)
    ids = [str(one) for one in land.outlines["field_id"][own]]
    pixels = field_pixels(ids, list(land.on_grid[own.to_numpy()]), _PIXEL_M)
    clear = xr.where(map_.notnull(), int(Quality.CLEAR), int(Quality.CLOUD))  # type: ignore[no-untyped-call]
    few, low = settings.fields.few_px, settings.fields.low_clear_fraction
    rows = field_rows(map_.to_dataset(name="field_capacity"), clear, grid, pixels, few, low)
    rows = rows[rows["n_px"] > 0].reset_index(drop=True)
    rows = rows.assign(soil_group=[soils[one] for one in rows["field_id"]])
    rows = rows.assign(se=[anchors[group].rmse_pct for group in rows["soil_group"]])
    rows = rows.assign(acquired_at=pd.Timestamp(str(wetness.properties["datetime"])).as_unit("us"))
    properties = {
        "datetime": wetness.properties["datetime"],
        "agro:acquisition_id": wetness.properties["agro:acquisition_id"],
        "agro:parents": [wetness.place, anchored.place],
        "agro:simulated": wetness.properties["agro:simulated"],
    }
    layers = {"field_capacity": (map_.values, grid)}
    keep(store, index, place, Result(properties, bbox_of(grid), layers, {"fields": rows}))
