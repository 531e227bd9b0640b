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

import numpy as np

from agro.domain.errors import BadInput, Refusal, TornFile
from agro.domain.grid import LATTICE_M, Block, grid_around
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition, Angles
from agro.imagery.offset_check import check_offset
from flows.hub_settings import SERVICES, Api, Hub
from flows.orchestra import home
from flows.settings import Settings

if TYPE_CHECKING:
    from agro.sources.hub_client import Client
    from agro.sources.stac_api import Api as StacApi

_ASKED_BLOCKS = 4  # more without a leaf are not asked


def border_m(settings: Settings) -> int:
    """How far beyond the mapped ground clouds and shadows are looked for [m]."""
    imagery = settings.imagery
    return math.ceil(max(imagery.cloud_margin_m, imagery.shadow_margin_m) / LATTICE_M) * LATTICE_M


def find_at_service(
    settings: Settings,
    aliases: Mapping[str, Sequence[str]],
    bbox: tuple[float, float, float, float],
    until: datetime | None,
) -> tuple[list[Acquisition], list[Refusal]]:
    """What the service lists over bbox (west, south, east, north) [deg] since the day that the settings name."""
    hub, collections = settings.imagery.source == "sentinel-hub", settings.imagery.collections
    since = settings.hub.since if hub else settings.api.since
    if since is None:
        raise BadInput(
            "CFG-SINCE",
            "{where} is not set: every look since then will be asked for",
            "give the first day with --set {where}=2026-04-01",
            where="hub.since" if hub else "api.since",
        )
    period = datetime.combine(since, time.min, UTC), until or datetime.now(UTC)
    if period[0] >= period[1]:
        return [], []
    if hub:
        from agro.sources import sentinel_hub  # here: other runs must not wait for the package

        client, cloud_pct = client_of(settings.hub), settings.hub.most_cloud_pct
        return sentinel_hub.find(client, collections, aliases, bbox, period, cloud_pct)
    from agro.sources import stac_api

    return stac_api.find(api_of(settings.api), collections, aliases, bbox, period, settings.api.most_cloud_pct)


@contextmanager
def on_disk(
    looks: Sequence[Acquisition],
    blocks: Sequence[Block],
    bands: Sequence[str],
    settings: Settings,
    refused: list[Refusal] | None = None,
) -> Iterator[list[Acquisition]]:
    """The looks with local files for the blocks and a margin around them, as long as they are needed.

    Where `refused` is given, a look that cannot be used is told there and left out. A service that is down raises.
    """
    with TemporaryDirectory(prefix="agro-looks-") as name:
        local = []
        for number, look in enumerate(looks):
            folder = Path(name, str(number))
            folder.mkdir()
            try:
                there = _fetched(look, blocks, bands, settings, folder) if blocks else look
                _check_offset(there, blocks)
                local.append(there)
            except (BadInput, TornFile) as error:
                if refused is None:
                    raise
                refused.append(error.about(acquisition_id=look.acquisition_id))
        yield local


def _fetched(
    look: Acquisition, blocks: Sequence[Block], bands: Sequence[str], settings: Settings, folder: Path
) -> Acquisition:
    if settings.imagery.source not in SERVICES:
        return look
    crs, squares, margin_m = blocks[0].crs, [block.bounds for block in blocks], border_m(settings)
    if settings.imagery.source == "sentinel-hub":
        from agro.sources import sentinel_hub

        return sentinel_hub.fetch(client_of(settings.hub), look, squares, crs, bands, folder, margin_m)
    from agro.sources import stac_api

    ground = grid_around(list(blocks), LATTICE_M).padded(margin_m)
    return stac_api.fetch(api_of(settings.api), look, ground.bounds, crs, bands, folder)


def _check_offset(look: Acquisition, blocks: Sequence[Block]) -> None:
    """Refuse a look of which green leaves say that its counts and its declared offset do not belong together.

    The first blocks that show leaves tell, for one offset holds for a whole look. Flights have no classes of their own.
    """
    from agro.sources import stac

    band = look.bands.get("red")
    if band is None or band.scale is None or band.offset is None or not look.collection.startswith("sentinel-2"):
        return
    for block in blocks[:_ASKED_BLOCKS]:
        read = stac.read(look, block.grid(LATTICE_M), ["red", SCENE_CLASS_BAND])
        counts = read["red"].values.astype("float32")
        red = np.where(counts == 0, np.nan, counts * band.scale + band.offset)
        if check_offset(red, read[SCENE_CLASS_BAND].values, look.acquisition_id):
            return


def with_angles_of(look: Acquisition, properties: Mapping[str, Any]) -> Acquisition:
    """The look with the angles that a published part of it carries, where its source names none."""
    elevation = properties.get("view:sun_elevation")
    if look.angles.complete or elevation is None:
        return look
    rest = [properties.get(name) for name in ("view:sun_azimuth", "view:off_nadir", "view:azimuth")]
    return replace(look, angles=Angles(90.0 - elevation, *rest))


@lru_cache(maxsize=1)
def api_of(api: Api) -> StacApi:
    """The STAC API and who asks it: one in a process, so that a token serves many passes. Raises BadInput."""
    from agro.sources import stac_api
    from agro.sources.login import login_of
    from agro.sources.web import Patience

    patience = Patience(api.attempts, api.timeout_s, api.deadline_s)
    login = login_of(api.credentials, api.token_url, api.login_hosts, patience)
    return stac_api.Api(api.url, patience, login, api.sign)


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
