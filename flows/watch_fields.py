"""After a pass was published: which fields, or parts of them, fall behind; and a letter to each farm it is news for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

import geopandas as gpd
import pandas as pd
from prefect import flow

from agro.agromaps.alerts import AlertRule, parts_behind
from agro.agromaps.expectation import near_infrared
from agro.agromaps.neighbours import fields_behind
from agro.domain.alert import Alert
from agro.domain.errors import BadInput, Refusal
from agro.domain.land import OUTLINE_COLUMNS
from agro.store import history
from agro.store.index import Index, opened
from agro.store.publish import Published, Store, digest, writing
from flows.alert_rows import table_of
from flows.keeping import Result, keep
from flows.past_patterns import LAYERS_USED, field_looks, green_looks, published_patterns, read_patterns
from flows.plan import crops_of
from flows.settings import CONFIGS, Settings, facts, load
from flows.tell_farms import tell_farms

ALGORITHM = 4  # raise it when the same looks give other alerts
_ENOUGH_CLEAR = 0.5  # [1] of a field: looks that show less do not speak for the whole of it


@dataclass(frozen=True)
class Watched:
    """What came of a watch: the open alerts, the farms that got a letter, what could not be told."""

    alerts: int
    told: tuple[str, ...]
    failed: tuple[Refusal, ...]


@dataclass(frozen=True)
class _District:
    """A district's outlines, the rows of its newest looks, the patterns of its past seasons."""

    outlines: gpd.GeoDataFrame
    rows: pd.DataFrame
    past: list[Published]


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
    rows = rows[rows["layer"].isin(LAYERS_USED)]
    if until is not None:
        rows = rows[rows["acquired_at"] <= datetime.combine(until, time.max, UTC)]
    if rows.empty:
        raise BadInput(
            "WATCH-NOTHING",
            "no pass with {layer} is published by then",
            "choose a later day or another layer",
            layer=LAYERS_USED[0],
        )
    newest = rows["acquired_at"].max()
    now = rows[rows["acquired_at"] >= newest - timedelta(days=settings.watch.days)]
    outlines = history.outlines(store)
    crops = crops_of(outlines, history.seasons(store), newest.year)
    rule = AlertRule(**{name: value for name, value in facts(CONFIGS / "alerts.toml").items() if name != "version"})
    districts = [
        _District(own, now, published_patterns(store, index, own, _rows_of(own, rows), newest, rule))
        for own in _by_district(outlines)
    ]
    first = now["acquired_at"].min().isoformat()[:10]
    last = newest.isoformat().replace("+00:00", "Z")
    tables = [table for table in index.items("fieldstats") if first <= table.properties["datetime"] <= last]
    parents = [table.place for table in tables] + [one.place for own in districts for one in own.past]
    fields = [[str(cell) for cell in row] for row in outlines[list(OUTLINE_COLUMNS)].itertuples(index=False)]
    key = digest([parents, fields, sorted(crops.items()), asdict(rule), ALGORITHM])
    place = f"alerts/{newest.year}/{newest:%Y%m%dT%H%M%S}--{key}"
    standing = index.at(place)
    if standing is not None:
        return standing
    table = table_of([found for own in districts for found in _alerts(store, own, crops, rule)], outlines, crops)
    properties = {
        "datetime": last,
        "agro:parents": parents,
        "agro:alerts": len(table),
        "agro:parameters": asdict(rule),
        "agro:simulated": any(table.properties["agro:simulated"] for table in tables),
    }
    return keep(store, index, place, Result(properties, tuple(outlines.total_bounds), tables={"alerts": table}))


def _by_district(outlines: gpd.GeoDataFrame) -> list[gpd.GeoDataFrame]:
    """The outlines of each district; fields without one are a district of their own."""
    return [own.reset_index(drop=True) for _, own in outlines.groupby("district", dropna=False)]


def _rows_of(outlines: gpd.GeoDataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["field_id"].isin(outlines["field_id"]) & (rows["n_px"] > 0)]


def _alerts(store: Store, own: _District, crops: dict[str, str], rule: AlertRule) -> list[tuple[Alert, str]]:
    """All open alerts of a district, each with the CRS of its places."""
    rows = _rows_of(own.outlines, own.rows)
    looks = green_looks(store, own.outlines, rows)
    if looks is None:
        return []
    green, bright = looks
    past = read_patterns(store, own.past, green)
    fields = [field_looks(green, bright, past, number) for number in range(len(green.pixels.field_ids))]
    found = [alert for field in fields if field is not None for alert in parts_behind(field, rule)]
    area_ha = dict(zip(own.outlines["field_id"], own.outlines["area_ha"], strict=True))
    told = rows[rows["clear_fraction"] >= _ENOUGH_CLEAR].assign(crop=rows["field_id"].map(crops))
    for _, mine in told.dropna(subset=["crop"]).groupby("crop"):
        ndvi, other = (
            mine[mine["layer"] == layer].pivot_table(index="acquired_at", columns="field_id", values="p50")
            for layer in LAYERS_USED
        )
        nir = near_infrared(ndvi.to_numpy(), other.reindex_like(ndvi).to_numpy())
        found += fields_behind(ndvi, pd.DataFrame(nir, ndvi.index, ndvi.columns), area_ha, rule)
    return [(alert, green.crs) for alert in found]
