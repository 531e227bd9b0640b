"""Letters to farms, each only when something changed for it since its last one."""

import csv
import os
from datetime import datetime
from typing import Any

import geopandas as gpd
import pandas as pd

from agro.domain.errors import AgroError, BadInput, Refusal
from agro.domain.land import Crop
from agro.reports.farm_message import News, letter
from agro.reports.words import say
from agro.store import stac as items
from agro.store.index import Index
from agro.store.letters import MailServer, message, put, send
from agro.store.publish import Published, Store, digest, file_name, publish, read_asset
from agro.store.tables import from_parquet, to_parquet
from flows.alert_rows import alert_of
from flows.settings import Settings, crops

_RANK = {"new": 0, "confirmed": 1, "over": 2}


def tell_farms(
    settings: Settings, store: Store, index: Index, alerts: Published
) -> tuple[tuple[str, ...], tuple[Refusal, ...]]:
    """Tell each farm what is new in `alerts`: the farms that got a letter, and what went wrong.

    A letter is handed over first and recorded then; who dies between sends the same Message-ID once more.
    """
    now: gpd.GeoDataFrame = from_parquet(read_asset(store, alerts, "alerts"), outlines=True)
    last: dict[str, Published] = {result.properties["agro:farm"]: result for result in index.items("messages")}
    told, failed = [], []
    addresses = _addresses(settings)
    for farm in sorted({*now["farm_id"], *last}):
        mine = now[now["farm_id"] == farm]
        before = _told_before(store, last.get(farm))
        since = pd.Timestamp(alerts.properties["datetime"]) - pd.Timedelta(days=settings.watch.days)
        news = _news(mine, before, since, settings.ui.language)
        if not news or (farm in last and last[farm].properties["datetime"] > alerts.properties["datetime"]):
            continue
        try:
            index.add(_hand_over(settings, store, alerts, farm, mine, news, addresses.get(farm)))
            told.append(farm)
        except AgroError as error:
            failed.append(error.refusal)
    return tuple(told), tuple(failed)


def _told_before(store: Store, last: Published | None) -> gpd.GeoDataFrame | None:
    return from_parquet(read_asset(store, last, "alerts"), outlines=True) if last else None


def _news(mine: gpd.GeoDataFrame, before: gpd.GeoDataFrame | None, since: pd.Timestamp, language: str) -> list[News]:
    """What changed for a farm, new ones first, larger parts first. What began before `since` just ages away."""
    known = {} if before is None else dict(zip(before["alert_id"], before["looks"], strict=True))
    open_now = set(mine["alert_id"])
    became: list[tuple[str, Any]] = []
    for row in mine.itertuples():
        if row.alert_id not in known:
            became.append(("new", row))
        elif known[row.alert_id] == 1 and row.looks > 1:
            became.append(("confirmed", row))
    if before is not None:
        became += [("over", row) for row in before.itertuples() if row.alert_id not in open_now and row.since >= since]
    became.sort(key=lambda one: (_RANK[one[0]], -one[1].area_ha))
    grown = {crop.code: crop for crop in crops()}
    return [news_of(row, how, grown.get(row.crop), language) for how, row in became]


def news_of(row: Any, became: str, crop: Crop | None, language: str) -> News:
    """The news of an alert's row: what became of it, of which field, and where to look."""
    places = tuple((point.x, point.y) for point in row.geometry.geoms)
    name = crop.name(language) if crop else row.crop
    mown = crop.mown if crop else not row.crop
    return News(alert_of(row), became, row.field_id, name or None, row.field_area_ha, places, mown)


def _hand_over(
    settings: Settings,
    store: Store,
    alerts: Published,
    farm: str,
    mine: gpd.GeoDataFrame,
    news: list[News],
    address: str | None,
) -> Published:
    language, simulated = settings.ui.language, bool(alerts.properties["agro:simulated"])
    named = farm or say("Fields without a farm", language)
    seen = str(alerts.properties["datetime"])
    told = letter(named, news, datetime.fromisoformat(seen), simulated, language)
    key = digest([farm, alerts.place, [[one.alert.field_id, one.became, str(one.alert.since)] for one in news]])
    attached = {
        "places.kml": ("application/vnd.google-earth.kml+xml", told.kml),
        "places.gpx": ("application/gpx+xml", told.gpx),
    }
    content = message(key, settings.messages.sender, address, told.subject, told.text, attached)
    if address and settings.messages.smtp:
        send(_server(settings), settings.messages.sender, address, content)
    else:
        put(settings.messages.outbox, f"{seen[:10]}-{file_name(farm or 'fields')}-{key}.eml", content)
    place = f"messages/{seen[:4]}/{file_name(farm or '-')}--{key}"
    properties = {
        "datetime": seen,
        "agro:kind": "messages",
        "agro:farm": farm,
        "agro:parents": [alerts.place],
        "agro:by_mail": bool(address and settings.messages.smtp),
        "agro:simulated": simulated,
    }
    assets = {
        "letter": {"href": "letter.eml", "type": "message/rfc822", "title": "the letter", "roles": ["data"]},
        "alerts": items.table_asset("alerts.parquet", "the open alerts that it leaves the farm with"),
    }
    item = items.item(place.rsplit("/", 1)[-1], None, properties, assets)
    table = to_parquet(mine.reset_index(drop=True))
    return publish(store, place, {"letter": content, "alerts": table}, item)


def _server(settings: Settings) -> MailServer:
    host, _, port = settings.messages.smtp.rpartition(":")
    return MailServer(host, int(port), settings.messages.user, os.environ.get("AGRO_SMTP_PASSWORD", ""))


def _addresses(settings: Settings) -> dict[str, str]:
    """Who reads the letters of which farm. The file belongs to the configuration, as facts do."""
    path = settings.messages.addresses
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            if not {"farm_id", "email"} <= set(lines.fieldnames or ()):
                raise KeyError(", ".join(lines.fieldnames or ()))
            rows = list(lines)
        return {row["farm_id"].strip(): row["email"].strip() for row in rows if "@" in row["email"]}
    except (OSError, UnicodeDecodeError, KeyError, AttributeError, TypeError, csv.Error) as error:
        raise BadInput(
            "MAIL-ADDRESSES",
            "{where}: not a table of addresses ({met})",
            "write CSV, UTF-8, with the columns farm_id and email",
            where=str(path),
            met=str(error),
        ) from None
