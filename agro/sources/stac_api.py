"""Imagery of a STAC API, such as Earth Search: items by search, and of their files only the parts that are needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pystac
import rasterio
from pystac_client import Client
from pystac_client.stac_api_io import StacApiIO
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from agro.domain.errors import AgroError, BadInput, Refusal, SourceDown
from agro.domain.grid import LATTICE_M, Grid
from agro.domain.imagery import Acquisition
from agro.sources import stac
from agro.sources.guard import driver_of
from agro.sources.hub_cuts import written
from agro.sources.listed_items import one_of_many
from agro.sources.login import Login
from agro.sources.raster import check_counts, crs_of, told
from agro.sources.remote_file import RemoteFile
from agro.sources.web import Patience, asked, checked_address, place

if TYPE_CHECKING:
    import xarray as xr

_LARGEST_PAGE_BYTES = 100_000_000  # [byte]
_MOST_ITEMS = 100_000  # more than that over one region is an endless list


@dataclass(frozen=True)
class Api:
    """A STAC API: its root, how long it is waited for, who asks, and the address that signs hrefs, where it has one."""

    url: str
    patience: Patience
    login: Login = field(repr=False)
    sign: str = ""


def find(
    api: Api,
    collections: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    bbox: tuple[float, float, float, float],
    period: tuple[datetime, datetime],
    most_cloud_pct: float = 100.0,
) -> tuple[list[Acquisition], list[Refusal]]:
    """All acquisitions that the API lists over bbox (west, south, east, north) [deg] in a period, oldest first.

    Looks that an item calls cloudier than `most_cloud_pct` are passed over. What cannot be used comes back as refusals.
    """
    found: dict[str, Acquisition] = {}
    refused: dict[str, Refusal] = {}
    for number, (item, inherited) in enumerate(_items(api, collections, bbox, period)):
        if number >= _MOST_ITEMS:
            raise _no_list(api, f"more than {_MOST_ITEMS} items")
        name = str(item.id)
        with one_of_many(name, refused):
            if float(item.properties.get("eo:cloud_cover") or 0.0) <= most_cloud_pct:
                _take_https(item)
                found[name] = stac.acquisition_of(item, inherited, stac.acquired_at_of(item), aliases, None)
    return sorted(found.values(), key=lambda a: (a.acquired_at, a.acquisition_id)), list(refused.values())


def _take_https(item: pystac.Item) -> None:
    """Of files that lie on S3 first, take the address over https that the item gives beside it."""
    for asset in item.assets.values():
        other = (asset.extra_fields.get("alternate") or {}).get("https") or {}
        if asset.href.startswith("s3://") and str(other.get("href", "")).startswith("https://"):
            asset.href = str(other["href"])


def read(api: Api, acquisition: Acquisition, grid: Grid, bands: Sequence[str]) -> xr.Dataset:
    """Counts Dataset (y, x) `uint16` [1] of the named bands on the grid; 0 = nothing there. Raises AgroError."""
    with TemporaryDirectory(prefix="agro-api-") as folder:
        look = fetch(api, acquisition, grid.bounds, grid.crs, bands, Path(folder))
        return stac.read(look, grid, bands)


def fetch(
    api: Api,
    look: Acquisition,
    bounds: tuple[float, float, float, float],
    bounds_crs: str,
    bands: Sequence[str],
    folder: Path,
) -> Acquisition:
    """The look with the parts of its files within bounds (west, south, east, north) [m] as local files."""
    files = {}
    for name in bands:
        if name in look.bands:
            path = folder / f"{name}.tif"
            path.write_bytes(_part(api, look, name, bounds, bounds_crs))
            files[name] = replace(look.bands[name], href=str(path), checksum=None)
    return replace(look, bands=files)


def _part(api: Api, look: Acquisition, name: str, bounds: tuple[float, float, float, float], bounds_crs: str) -> bytes:
    """The part of a band's file that shows the bounds, as a small file of its own."""
    band = look.bands[name]
    where = Path(f"{look.acquisition_id}, {name}")
    with RemoteFile(_signed(api, band.href, str(where)), api.login) as remote:
        driver = driver_of(remote.head, where.name)
        try:
            with told(where), rasterio.open(remote, driver=driver) as source:
                check_counts(source, where)
                crs = crs_of(source, where, look.crs)
                own = transform_bounds(bounds_crs, crs, *bounds, densify_pts=21)
                grown = own[0] - LATTICE_M, own[1] - LATTICE_M, own[2] + LATTICE_M, own[3] + LATTICE_M
                window = from_bounds(*grown, source.transform).round_offsets(op="floor").round_lengths(op="ceil")
                whole = Window(0, 0, source.width, source.height)
                if not rasterio.windows.intersect(window, whole):
                    raise BadInput(
                        "SCENE-ELSEWHERE",
                        "{where}: shows other ground than its footprint says",
                        "mend the item's geometry or its files",
                        where=look.acquisition_id,
                    )
                window = window.intersection(whole)
                nodata = source.nodata
                return written(source.read(1, window=window), crs, source.window_transform(window), nodata)
        except AgroError as error:
            raise (remote.failure or error) from None


def _signed(api: Api, href: str, where: str) -> str:
    """The address as it may be read: only https is, and some providers sign each for a while."""
    if not href.startswith(("https://", "http://")):
        raise BadInput(
            "STAC-HREF",
            "{where}: the file lies at {met}, only https can be read",
            "take a provider or collection whose files are served over https",
            where=where,
            met=href[:80],
        )
    checked_address(href, where)
    if not api.sign:
        return href
    url = checked_address(api.sign, "api.sign")
    answer = asked(api.patience, "GET", f"{url}?href={quote(href, safe='')}", dict, 1_000_000)
    try:
        return checked_address(str(answer.json()["href"]), where)
    except (ValueError, KeyError, TypeError):
        raise SourceDown(
            "STAC-SIGN", "{where}: does not sign the file's address", "check api.sign", where=place(url)
        ) from None


class _Io(StacApiIO):
    """The package's reader of pages, with our patience and login."""

    def __init__(self, login: Login) -> None:
        super().__init__()
        self._login = login

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """One page, as text."""
        verb = (method or "GET").upper()
        body: dict[str, Any] = {"json": parameters} if verb == "POST" else {"params": _plain(parameters or {})}
        answer = self._login.asked(verb, href, headers or {}, _LARGEST_PAGE_BYTES, follow=verb == "GET", **body)
        if not answer.ok:
            raise SourceDown(
                "STAC-API",
                "{where}: refuses the request (HTTP {met})",
                "check api.url and imagery.collections",
                where=place(href),
                met=answer.status_code,
            )
        return answer.text


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in parameters.items()}


def _items(
    api: Api, collections: Sequence[str], bbox: tuple[float, float, float, float], period: tuple[datetime, datetime]
) -> Iterator[tuple[pystac.Item, Mapping[str, Any]]]:
    """The items, and what their collection says of the assets of all of them."""
    try:
        client = Client.open(checked_address(api.url, "api.url"), stac_io=_Io(api.login))
        for name in collections:
            collection = client.get_collection(name)
            inherited = (collection.extra_fields.get("item_assets") if collection else None) or {}
            search = client.search(collections=[name], bbox=list(bbox), datetime=period, limit=100)
            yield from ((item, inherited) for item in search.items())
    except AgroError:
        raise
    except Exception as error:  # whatever the package says of an answer that is no catalogue
        raise _no_list(api, f"{type(error).__name__}: {error}") from None


def _no_list(api: Api, met: str) -> SourceDown:
    return SourceDown(
        "STAC-API-LIST",
        "{where}: its catalogue gives no list of items ({met})",
        "check api.url; a login page may stand in between",
        where=place(api.url),
        met=met[:120],
    )
