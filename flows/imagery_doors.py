"""Where imagery comes from: a catalogue on disk, or a service that is asked for what the fields need of each look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from agro.domain.errors import BadInput, Refusal
from agro.domain.grid import LATTICE_M, Block
from agro.domain.imagery import Acquisition, Angles
from flows.hub_settings import Hub
from flows.orchestra import home
from flows.settings import Settings

if TYPE_CHECKING:
    from agro.sources.hub_client import Client


def border_m(settings: Settings) -> int:
    """How far beyond the mapped ground clouds and shadows are looked for [m]."""
    imagery = settings.imagery
    return math.ceil(max(imagery.cloud_margin_m, imagery.shadow_margin_m) / LATTICE_M) * LATTICE_M


def find_at_hub(
    settings: Settings,
    aliases: Mapping[str, Sequence[str]],
    bbox: tuple[float, float, float, float],
    until: datetime | None,
) -> tuple[list[Acquisition], list[Refusal]]:
    """What Sentinel Hub lists over bbox (west, south, east, north) [deg] since `hub.since`."""
    from agro.sources import sentinel_hub  # here: other runs must not wait for the package

    hub = settings.hub
    if hub.since is None:
        raise BadInput(
            "CFG-HUB-SINCE",
            "hub.since is not set, and every look since then will be paid for",
            "give the first day with --set hub.since=2026-04-01",
        )
    period = datetime.combine(hub.since, time.min, UTC), until or datetime.now(UTC)
    if period[0] >= period[1]:
        return [], []
    collections = settings.imagery.collections
    return sentinel_hub.find(client_of(hub), collections, aliases, bbox, period, hub.most_cloud_pct)


@contextmanager
def on_disk(
    looks: Sequence[Acquisition], blocks: Sequence[Block], bands: Sequence[str], settings: Settings
) -> Iterator[list[Acquisition]]:
    """The looks with local files for the blocks and a margin around them, as long as they are needed."""
    if settings.imagery.source != "sentinel-hub" or not blocks:
        yield list(looks)
        return
    from agro.sources import sentinel_hub

    client, squares = client_of(settings.hub), [block.bounds for block in blocks]
    with TemporaryDirectory(prefix="agro-hub-") as name:
        local = []
        for number, look in enumerate(looks):
            folder = Path(name, str(number))
            folder.mkdir()
            margin_m = border_m(settings)
            local.append(sentinel_hub.fetch(client, look, squares, blocks[0].crs, bands, folder, margin_m))
        yield local


def with_angles_of(look: Acquisition, properties: Mapping[str, Any]) -> Acquisition:
    """The look with the angles that a published part of it carries, where its source names none."""
    elevation = properties.get("view:sun_elevation")
    if look.angles.complete or elevation is None:
        return look
    rest = [properties.get(name) for name in ("view:sun_azimuth", "view:off_nadir", "view:azimuth")]
    return replace(look, angles=Angles(90.0 - elevation, *rest))


@lru_cache(maxsize=1)
def client_of(hub: Hub) -> Client:
    """Who asks the service: one in a process, so that a token serves many passes. Raises BadInput."""
    from agro.sources.hub_budget import Budget
    from agro.sources.hub_client import Client, Service, read_account
    from agro.sources.web import Patience

    account = read_account(hub.credentials)
    patience = Patience(hub.attempts, hub.timeout_s, hub.deadline_s)
    budget = Budget(hub.ledger or home() / "hub", account.name, hub.monthly_units, hub.monthly_requests)
    return Client(Service(hub.base_url, hub.token_url, patience, hub.connections), account, budget)
