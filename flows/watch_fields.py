"""After a pass was published: which fields, or parts of them, fall behind; and a letter to each farm it is news for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import geopandas as gpd
import pandas as pd
from prefect import flow
from shapely import MultiPoint

from agro.agromaps.alerts import AlertRule, fields_behind, parts_behind
from agro.domain.alert import Alert
from agro.domain.errors import BadInput, Refusal
from agro.domain.land import OUTLINE_COLUMNS
from agro.store import history
from agro.store.index import Index, opened
from agro.store.publish import Published, Store, digest, writing
from flows.keeping import Result, keep
from flows.looks import clear_looks, each_field
from flows.plan import crops_of
from flows.settings import CONFIGS, Settings, facts, load
from flows.tell_farms import tell_farms

_LAYER = "ndvi"
_ENOUGH_CLEAR = 0.5  # [1] of a field: looks that show less do not speak for the whole of it


@dataclass(frozen=True)
class Watched:
    """What came of a watch: the open alerts, the farms that got a letter, what could not be told."""

    alerts: int
    told: tuple[str, ...]
    failed: tuple[Refusal, ...]


@flow(name="watch-fields")
def watch_fields(config: str = "default", overrides: Sequence[str] = ()) -> Watched:
    """Compare the newest looks with the ones before, and tell the farms. config and overrides as for `after_pass`."""
    return watch(load(config, overrides))


def watch(settings: Settings, until: date | None = None) -> Watched:
    """The same without Prefect; with `until`, as the end of that day (UTC) would have seen it."""
    with writing(settings.store.path, settings.store.wait_s) as store, opened(store) as index:
        result = _current_alerts(settings, store, index, until)
        told, failed = tell_farms(settings, store, index, result)
    return Watched(int(result.properties["agro:alerts"]), told, failed)


def _current_alerts(settings: Settings, store: Store, index: Index, until: date | None) -> Published:
    """The alerts of the newest look, made where they are not published yet."""
    rows = history.fieldstats(store)
    rows = rows[rows["layer"] == _LAYER]
    if until is not None:
        rows = rows[rows["acquired_at"] <= datetime.combine(until, time.max, UTC)]
    if rows.empty:
        raise BadInput(
            "WATCH-NOTHING",
            "no pass with {layer} is published by then",
            "choose a later day or another layer",
            layer=_LAYER,
        )
    newest = rows["acquired_at"].max()
    rows = rows[rows["acquired_at"] >= newest - timedelta(days=settings.watch.days)]
    outlines = history.outlines(store)
    crops = crops_of(outlines, history.seasons(store), newest.year)
    rule = AlertRule(**{name: value for name, value in facts(CONFIGS / "alerts.toml").items() if name != "version"})
    first = rows["acquired_at"].min().isoformat()[:10]
    last = newest.isoformat().replace("+00:00", "Z")
    tables = [table for table in index.items("fieldstats") if first <= table.properties["datetime"] <= last]
    parents = [table.place for table in tables]
    fields = [[str(cell) for cell in row] for row in outlines[list(OUTLINE_COLUMNS)].itertuples(index=False)]
    key = digest([parents, fields, sorted(crops.items()), asdict(rule)])
    place = f"alerts/{newest.year}/{newest:%Y%m%dT%H%M%S}--{key}"
    standing = index.at(place)
    if standing is not None:
        return standing
    alerts = _alerts(store, outlines, rows, crops, rule)
    table = _table(alerts, outlines, crops)
    properties = {
        "datetime": last,
        "agro:parents": parents,
        "agro:alerts": len(table),
        "agro:parameters": asdict(rule),
        "agro:simulated": any(table.properties["agro:simulated"] for table in tables),
    }
    return keep(store, index, place, Result(properties, tuple(outlines.total_bounds), tables={"alerts": table}))


def _alerts(
    store: Store, outlines: gpd.GeoDataFrame, rows: pd.DataFrame, crops: dict[str, str], rule: AlertRule
) -> list[tuple[Alert, str]]:
    """All open alerts, each with the CRS of its places."""
    looks = clear_looks(store, outlines, rows, _LAYER, rows["acquired_at"].min())
    if looks is None:
        return []
    found = [
        (alert, looks.crs)
        for field_id, maps, corner in each_field(looks)
        for alert in parts_behind(field_id, maps, looks.seen_at, corner, float(looks.pixels.resolution_m), rule)
    ]
    area_ha = dict(zip(outlines["field_id"], outlines["area_ha"], strict=True))
    told = rows[rows["clear_fraction"] >= _ENOUGH_CLEAR].assign(crop=rows["field_id"].map(crops))
    told["district"] = told["field_id"].map(dict(zip(outlines["field_id"], outlines["district"], strict=True)))
    for _, mine in told.dropna(subset=["crop"]).groupby(["district", "crop"], dropna=False):
        medians = mine.pivot_table(index="acquired_at", columns="field_id", values="p50")
        found += [(alert, looks.crs) for alert in fields_behind(medians, area_ha, rule)]
    return found


def _table(alerts: list[tuple[Alert, str]], outlines: gpd.GeoDataFrame, crops: dict[str, str]) -> gpd.GeoDataFrame:
    """A row an alert; the geometry holds the places to go to, in EPSG:4326."""
    farms = dict(zip(outlines["field_id"], outlines["farm_id"], strict=True))
    named = dict(zip(outlines["field_id"], outlines["area_ha"], strict=True))
    table: dict[str, list[Any]] = {
        "alert_id": [f"{a.field_id} {a.what} {a.since:%Y-%m-%d} {_spot(a)}" for a, _ in alerts],
        "field_id": [a.field_id for a, _ in alerts],
        "farm_id": [farms[a.field_id] if isinstance(farms[a.field_id], str) else "" for a, _ in alerts],
        "crop": [crops.get(a.field_id, "") for a, _ in alerts],
        "field_area_ha": [float(named[a.field_id]) for a, _ in alerts],
        "what": [a.what for a, _ in alerts],
        "since": pd.to_datetime([a.since for a, _ in alerts], utc=True).as_unit("us"),
        "last_look": pd.to_datetime([a.last_look for a, _ in alerts], utc=True).as_unit("us"),
        "area_ha": [a.area_ha for a, _ in alerts],
        "drop": [a.drop for a, _ in alerts],
        "noise": [a.noise for a, _ in alerts],
        "looks": [a.looks for a, _ in alerts],
    }
    places = [MultiPoint(list(a.worst)) if a.worst else MultiPoint() for a, _ in alerts]
    crs = alerts[0][1] if alerts else 4326
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(places, crs=crs)).to_crs(4326)


def _spot(alert: Alert) -> str:
    return f"{alert.worst[0][0]:.0f},{alert.worst[0][1]:.0f}" if alert.worst else ""
