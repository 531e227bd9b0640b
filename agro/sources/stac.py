"""Imagery from a static STAC catalogue on disk: items of Earth Search, CDSE or Planetary Computer with local assets."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pystac
import shapely
from pystac.stac_io import DefaultStacIO

from agro.domain.errors import AgroError, BadInput, Refusal, TornFile
from agro.domain.grid import Grid
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition, Band
from agro.sources.guard import Tree, read_text
from agro.sources.stac_properties import angles, crs, datatake, first, nodata, tile
from agro.sources.stac_scale import scale_and_offset

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import xarray as xr

    from agro.sources.counts import Reader

_SHA256 = "1220"  # multihash: sha-256, 32 bytes follow
_OLDEST_YEAR = 1984  # [a] a look older than this is a clock that was never set
_COUNTS_LIMIT = 1_000_000  # items in one catalogue; beyond this it is a service, not a folder


def find(
    catalog: Path,
    collections: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    bbox: tuple[float, float, float, float],
    until: datetime | None = None,
    unlinked: bool = False,
    understood: Callable[..., Acquisition] | None = None,
) -> tuple[list[Acquisition], list[Refusal]]:
    """All acquisitions of the catalogue over bbox (west, south, east, north) [deg], oldest first, known by `until`.

    `unlinked`: items that lie in a collection's folder without a link are taken too. `understood` makes an acquisition
    of an item, where it is not one of reflectance.
    `aliases` gives for each band name the asset names that mean it, best first. What cannot be used comes back as
    refusals, by name; only a catalogue that cannot be opened at all raises BadInput.
    """
    found: dict[str, Acquisition] = {}
    refused: dict[str, Refusal] = {}
    doubled: set[str] = set()
    tree = Tree(catalog.parent)
    for href, name, load in _items(catalog, tree, collections, unlinked, refused):
        item_id = name
        try:
            item, item_assets = load()
            item_id = item.id
            acquired_at = acquired_at_of(item)
            late = until is not None and acquired_at > until
            if late or item.collection_id not in collections or not _over(item, bbox):
                continue
            acquisition = (understood or acquisition_of)(item, item_assets, acquired_at, aliases, tree)
            if found.setdefault(item_id, acquisition) != acquisition:
                doubled.add(item_id)
        except AgroError as error:
            refused[href] = error.about(acquisition_id=_printable(item_id))
        except Exception as error:  # an item can be malformed in more ways than anybody lists; it sinks no other
            refused[href] = malformed(href, error).about(acquisition_id=_printable(item_id))
    for item_id in doubled:
        refused[item_id] = _conflict(item_id).about(acquisition_id=_printable(item_id))
    kept = (acquisition for item_id, acquisition in found.items() if item_id not in doubled)
    return sorted(kept, key=lambda a: (a.acquired_at, a.acquisition_id)), list(refused.values())


def read(acquisition: Acquisition, grid: Grid, bands: Sequence[str]) -> xr.Dataset:
    """Counts Dataset (y, x) `uint16` [1] of the named bands on the grid; 0 = nothing there.

    Raises TornFile or BadInput where an asset cannot be read: a failed read is never nodata.
    """
    import xarray as xr  # here: deciding that nothing is new must not wait for it

    with reading(acquisition, [(grid, bands)]) as reader:
        return xr.Dataset({name: (("y", "x"), reader.read(name, grid)) for name in bands})


def reading(acquisition: Acquisition, plan: Sequence[tuple[Grid, Sequence[str]]]) -> AbstractContextManager[Reader]:
    """A reader of many windows, from any number of threads; `plan` says which windows of which bands will be read."""
    from agro.sources import counts

    bands = {
        name: counts.BandFile(Path(band.href), acquisition.crs, band.nodata, classes=name == SCENE_CLASS_BAND)
        for name, band in acquisition.bands.items()
    }
    return counts.reading(bands, plan)


def bounds(acquisition: Acquisition, crs: str) -> tuple[float, float, float, float]:
    """The ground that the image covers, (west, south, east, north) [m] in `crs`, by the headers of its files.

    Checks each file against the checksum that its catalogue declares. Raises TornFile or BadInput.
    """
    from agro.sources.raster import bounds_on

    every = []
    for band in acquisition.bands.values():
        check_declared(band)
        every.append(bounds_on(Path(band.href), acquisition.crs, crs))
    west, south, east, north = zip(*every, strict=True)
    return min(west), min(south), max(east), max(north)


def check_declared(band: Band) -> None:
    """Refuse a file that is not the one whose checksum its catalogue declares."""
    if band.checksum is None or not band.checksum.startswith(_SHA256):
        return  # none declared, or by another function than sha-256
    path = Path(band.href)
    if not path.is_file():
        return  # the reader says it better
    with path.open("rb") as file:
        met = hashlib.file_digest(file, "sha256").hexdigest()
    if met != band.checksum.removeprefix(_SHA256):
        raise TornFile(
            "RASTER-CHECKSUM",
            "{where}: is not the file that its item declares (the sha-256 differs)",
            "download it again",
            where=path.name,
        )


class _GuardedIO(DefaultStacIO):
    """Reads JSON from inside the catalogue's folder only."""

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self.tree = tree

    def read_text_from_href(self, href: str) -> str:
        path = self.tree.file(href, href.rsplit("/", 1)[-1])
        return read_text(path, str(path.name))

    def json(self, href: str) -> dict[str, Any]:
        where = "/".join(href.rsplit("/", 2)[-2:])
        try:
            content = json.loads(self.read_text_from_href(href))
        except (ValueError, RecursionError) as error:
            raise BadInput(
                "STAC-JSON", "{where}: not JSON ({met})", "download it again", where=where, met=str(error)[:120]
            ) from None
        if not isinstance(content, dict):
            raise BadInput("STAC-JSON", "{where}: not JSON ({met})", "download it again", where=where, met="no object")
        return content


def _items(
    catalog: Path, tree: Tree, collections: Sequence[str], unlinked: bool, refused: dict[str, Refusal]
) -> Iterator[tuple[str, str, Any]]:
    """Each item link below the catalogue: its address, the id that its file's name suggests, and a reader.

    A part of the catalogue that cannot be read goes to `refused`, and the rest goes on; the root itself raises.
    """
    io = _GuardedIO(tree)
    if not catalog.is_file():
        raise BadInput(
            "CATALOG-MISSING", "{where}: there is no such catalogue", "check imagery.catalog", where=str(catalog)
        )
    queue: list[tuple[str, pystac.Collection | None]] = [(str(catalog.resolve()), None)]
    seen: set[str] = set()
    while queue:
        href, collection = queue.pop(0)
        if href in seen:
            continue
        seen.add(href)
        try:
            node = _node(io.json(href), href)
        except AgroError as error:
            if len(seen) == 1:
                raise
            refused[href] = error.refusal
            continue
        collection = node if isinstance(node, pystac.Collection) else collection
        queue += [(link.absolute_href, collection) for link in node.get_child_links()]
        if collection is not None and collection.id not in collections:
            continue
        addresses = [link.absolute_href for link in node.get_item_links()]
        if unlinked and isinstance(node, pystac.Collection):
            addresses += sorted(str(path) for path in Path(href).parent.glob("*/*.json") if _is_item(path))
        for address in addresses:
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _COUNTS_LIMIT:
                raise BadInput(
                    "STAC-TOO-MANY",
                    "{where}: more than {limit} items",
                    "split the catalogue",
                    where=str(catalog),
                    limit=_COUNTS_LIMIT,
                )
            path = Path(address)
            name = path.parent.name if path.stem == "item" else path.stem
            yield address, name, lambda a=address, c=collection: _item(io, a, c)


def _is_item(path: Path) -> bool:
    """Whether a file that nobody links is an item; what cannot be read yet is taken for one and refused by name."""
    try:
        return bool(json.loads(path.read_bytes()).get("type") == "Feature")
    except (ValueError, AttributeError, OSError, RecursionError):
        return path.stem == path.parent.name


def _node(raw: dict[str, Any], href: str) -> pystac.Catalog:
    kind = pystac.Collection if raw.get("type") == "Collection" else pystac.Catalog
    try:
        node = kind.from_dict(raw, href=href, preserve_dict=True)
        node.set_self_href(href)
    except Exception as error:  # whatever pystac says of a malformed catalogue
        raise BadInput(
            "STAC-CATALOG",
            "{where}: not a STAC catalogue ({met})",
            "check imagery.catalog",
            where=href,
            met=_said(error),
        ) from None
    return node


def _item(io: _GuardedIO, href: str, collection: pystac.Collection | None) -> tuple[pystac.Item, Mapping[str, Any]]:
    """An item, and what its collection says of the assets of all its items."""
    raw = io.json(href)
    try:
        old = not str(raw.get("stac_version")).startswith("1.")
        item = pystac.Item.from_dict({**raw, "links": []}, href=href, migrate=old, preserve_dict=False)
        if not isinstance(item.id, str) or not item.id:
            raise ValueError("id is missing")
        item.id.encode()  # what is no text could be written nowhere
        if not isinstance(item.properties, dict):
            raise ValueError("properties are missing")
    except Exception as error:  # whatever pystac says of a malformed item
        raise malformed(href, error) from None
    item.collection_id = item.collection_id or (collection.id if collection else None)
    return item, (collection.extra_fields.get("item_assets") or {}) if collection else {}


def malformed(href: str, error: Exception) -> BadInput:
    """What to say of an item that is none."""
    return BadInput(
        "STAC-ITEM",
        "{where}: not a STAC item ({met})",
        "download it again",
        where=_printable(href.rsplit("/", 1)[-1]),
        met=_printable(_said(error)),
    )


def _conflict(item_id: str) -> BadInput:
    return BadInput(
        "SCENE-CONFLICT",
        "{where}: two different items have this id",
        "keep one of them, or give the second its own id",
        where=_printable(item_id),
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def acquired_at_of(item: pystac.Item) -> datetime:
    """The instant of the look (UTC)."""
    text = item.properties.get("datetime") or item.properties.get("start_datetime")
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        instant = None
    if (
        instant is None
        or instant.tzinfo is None
        or instant.year < _OLDEST_YEAR
        or instant > datetime.now(UTC) + timedelta(days=1)
    ):
        raise BadInput(
            "SCENE-TIME",
            "{where}: the time of the look is {met}; expected an instant with its zone, not in the future",
            "mend `datetime` in the item",
            where=item.id,
            met=str(text),
        )
    return instant.astimezone(UTC)


def _over(item: pystac.Item, bbox: tuple[float, float, float, float]) -> bool:
    ground = footprint_of(item)
    return ground is None or bool(ground.intersects(shapely.box(*bbox)))


def footprint_of(item: pystac.Item) -> shapely.Geometry | None:
    """The ground that the item says it shows, in degrees; None where it does not say."""
    try:
        if item.geometry:
            shape = shapely.geometry.shape(item.geometry)
            return shape if shape.is_valid else shapely.make_valid(shape)
        if item.bbox:
            box = item.bbox
            return shapely.box(box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1])
    except Exception as error:
        raise BadInput(
            "STAC-FOOTPRINT",
            "{where}: its outline cannot be read ({met})",
            "mend `geometry` in the item",
            where=item.id,
            met=_said(error),
        ) from None
    return None


def acquisition_of(
    item: pystac.Item,
    item_assets: Mapping[str, Any],
    acquired_at: datetime,
    aliases: Mapping[str, Sequence[str]],
    tree: Tree | None,
) -> Acquisition:
    """What an item says of a look of reflectance; without a tree its files lie elsewhere and are not looked at."""
    properties = item.properties
    baseline = first(properties, "s2:processing_baseline", "processing:version", "sentinel2:processing_baseline")
    bands = {}
    for name, keys in aliases.items():
        key = next((key for key in keys if key in item.assets), None)
        if key is None:
            continue
        asset = item.assets[key]
        href = asset.get_absolute_href() or asset.href
        path = tree.file(href, f"{item.id}, {key}") if tree else None
        inherited = item_assets.get(key) or {}
        applied = properties.get("earthsearch:boa_offset_applied") is True
        scale, offset = (None, None)
        if name != SCENE_CLASS_BAND:
            scale, offset = scale_and_offset(asset.extra_fields, baseline, applied, f"{item.id}, {key}", inherited)
        bands[name] = Band(
            name,
            str(path or href),
            scale,
            offset,
            nodata(asset.extra_fields, inherited),
            _size(path) if path else None,
            asset.extra_fields.get("file:checksum"),
        )
    if not bands:
        raise BadInput(
            "STAC-BANDS",
            "{where}: names no band that is known",
            "add its asset names to configs/bands.toml",
            where=item.id,
        )
    if SCENE_CLASS_BAND not in bands:
        raise BadInput(
            "STAC-NO-SCL",
            "{where}: has no scene classification, so nobody knows what is cloud",
            "give the SCL asset of the L2A product",
            where=item.id,
        )
    footprint = footprint_of(item)
    return Acquisition(
        acquisition_id=item.id,
        acquired_at=acquired_at,
        platform=str(properties.get("platform") or properties.get("constellation") or "unknown"),
        collection=str(item.collection_id),
        bands=bands,
        angles=angles(properties),
        footprint=footprint.wkt if footprint is not None else None,
        crs=crs(item),
        processing_baseline=None if baseline is None else str(baseline),
        tile=tile(properties),
        datatake=datatake(item),
    )


def _size(path: Path) -> int | None:
    """A file's bytes; none where it is no file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:120]
