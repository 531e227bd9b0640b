"""Imagery of Sentinel Hub: what its catalogue lists, and counts that its Process API cuts to the ground we need.

Counts are asked for in digital numbers, harmonised by the service: since processing baseline 04.00 it takes off the
offset of -1000 itself, so reflectance is counts * 0.0001 for every baseline (`harmonizeValues`, its default, is named
in each request). 10 m bands are asked for on 10 m and 20 m bands on 20 m, on the tile's own lattice: nothing is
resampled. What comes is written into a folder of the caller's, checked there, and read as any local file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pystac
from sentinelhub import CRS, BBox, DataCollection, MimeType, SentinelHubCatalog, SentinelHubRequest
from sentinelhub.exceptions import BaseSentinelHubException

from agro.domain.errors import BadInput, Refusal, SourceDown
from agro.domain.grid import Grid
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition, Angles, Band
from agro.sources import stac
from agro.sources.hub_cuts import middle_of, mosaic, seen
from agro.sources.listed_items import one_of_many
from agro.sources.stac_properties import crs, datatake, tile

if TYPE_CHECKING:
    import xarray as xr

    from agro.sources.hub_client import Client

_SCALE = 1e-4  # [1] of digital numbers, after harmonisation. source: Sentinel Hub, Sentinel-2 L2A, units
_NAME = re.compile(r"B\d[\dA]|SCL")  # how the service calls a band
_FINE = {"B02", "B03", "B04", "B08"}  # bands on 10 m
_TILE = re.compile(r"_T(\d\d[A-Z]{3})(?:_|$)")
_BASELINE = re.compile(r"_N(\d\d)(\d\d)_")
_MOST_ITEMS = 100_000  # more than that over one region is an endless list
_A_TILE_S = timedelta(seconds=1)  # catalogue times are whole seconds; neighbours along the orbit are 14 s away
_ANGLES = ("sunZenithAngles", "sunAzimuthAngles", "viewZenithMean", "viewAzimuthMean")
_ANGLES_SIDE_PX = 16  # [px] they change by a degree over a whole tile
_PIXELS_A_UNIT = 512 * 512  # source: Sentinel Hub, "Definition of a processing unit": 3 bands of 16 bits
_LEAST_SHARE, _LEAST_UNITS = 0.01, 0.005  # [1, PU] of one request, same source, the dearer of its two wordings


def find(
    client: Client,
    collections: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    bbox: tuple[float, float, float, float],
    period: tuple[datetime, datetime],
    most_cloud_pct: float = 100.0,
) -> tuple[list[Acquisition], list[Refusal]]:
    """All acquisitions that the catalogue lists over bbox (west, south, east, north) [deg] in a period, oldest first.

    Looks that the catalogue calls cloudier than `most_cloud_pct` are passed over: their pixels would be paid for. Of
    several products of one look the newest counts. What cannot be used comes back as refusals, by name.
    """
    bands = {
        name: key for name, keys in aliases.items() if (key := next(filter(_NAME.fullmatch, keys), None)) is not None
    }
    newest: dict[str, Acquisition] = {}
    refused: dict[str, Refusal] = {}
    for collection in collections:
        for feature in _features(client, collection, bbox, period, most_cloud_pct):
            name = str(feature.get("id"))
            with one_of_many(name, refused):
                look = _acquisition(feature, collection, bands)
                newest[look.look_id] = max(look, newest.get(look.look_id, look), key=lambda one: one.acquisition_id)
    return sorted(newest.values(), key=lambda a: (a.acquired_at, a.acquisition_id)), list(refused.values())


def read(client: Client, acquisition: Acquisition, grid: Grid, bands: Sequence[str]) -> xr.Dataset:
    """Counts Dataset (y, x) `uint16` [1] of the named bands on the grid; 0 = nothing there. Raises AgroError."""
    with TemporaryDirectory(prefix="agro-hub-") as folder:
        look = fetch(client, acquisition, [grid.bounds], grid.crs, bands, Path(folder))
        return stac.read(look, grid, bands)


def fetch(
    client: Client,
    look: Acquisition,
    squares: Sequence[tuple[float, float, float, float]],
    squares_crs: str,
    bands: Sequence[str],
    folder: Path,
    margin_m: float = 0.0,
) -> Acquisition:
    """The look with its counts as local files and with its angles, for the squares (west, south, east, north) [m].

    Only the squares and their margin are asked for, together where they touch, and of them only what the look's
    footprint covers. Raises SourceDown, BadInput or TornFile where anything that comes is not what was asked for.
    """
    place = look.crs or squares_crs
    cuts = seen(look, squares, squares_crs, place, margin_m)
    if not cuts:
        raise BadInput(
            "SCENE-ELSEWHERE",
            "{where}: shows other ground than its footprint says",
            "mend the item's geometry or its files",
            where=look.acquisition_id,
        )
    files: dict[str, Band] = {}
    empty = True
    for size in (10, 20):
        names = [name for name in bands if name in look.bands and (_key(look, name) in _FINE) == (size == 10)]
        if not names:
            continue
        answers = _answers(client, look, [_Ask(cut.at(size), [_key(look, n) for n in names]) for cut in cuts])
        made = mosaic(look.acquisition_id, answers, names, [cut.at(size) for cut in cuts], folder)
        empty = empty and not made.filled
        files |= {name: replace(look.bands[name], href=str(path)) for name, path in made.files.items()}
    if empty:
        raise SourceDown(
            "HUB-EMPTY",
            "{where}: the service gave no pixel of a look that its catalogue lists over the fields",
            "run again later: the product may not be there yet",
            where=look.acquisition_id,
        )
    return replace(look, bands=files, angles=_angles(client, look, cuts))


@dataclass(frozen=True)
class _Ask:
    """One request: its pixels, the service's names of the bands."""

    cut: Grid
    keys: Sequence[str]
    angles: bool = False

    @property
    def units(self) -> float:
        """What it costs in processing units, by the service's own rule."""
        share = max(self.cut.height * self.cut.width / _PIXELS_A_UNIT, _LEAST_SHARE)
        return max(share * len(self.keys) / 3 * (2 if self.angles else 1), _LEAST_UNITS)

    @property
    def evalscript(self) -> str:
        """Counts as they are, 0 where nothing was measured; a count of 0 where something was becomes 1."""
        listed, number = ", ".join(f'"{key}"' for key in self.keys), len(self.keys)
        if self.angles:
            return _script(listed, "DEGREES", number, "FLOAT32", ", ".join(f"s.{key}" for key in self.keys))
        values = ", ".join(f"s.dataMask ? Math.max(1, s.{key}) : 0" for key in self.keys)
        return _script(f'{listed}, "dataMask"', "DN", number, "UINT16", values)


def _script(bands: str, units: str, number: int, sample_type: str, values: str) -> str:
    return (
        "//VERSION=3\n"
        "function setup() {\n"
        f'  return {{input: [{{bands: [{bands}], units: "{units}"}}],\n'
        f'          output: {{bands: {number}, sampleType: "{sample_type}"}}}};\n'
        "}\n"
        f"function evaluatePixel(s) {{ return [{values}]; }}\n"
    )


def _answers(client: Client, look: Acquisition, asks: Sequence[_Ask]) -> Iterator[bytes]:
    """The service's answers, in order, a few under way at once and none of them kept by anybody else."""
    many = client.service.connections
    for first in range(0, len(asks), many):
        requests = [_request(client, look, ask) for ask in asks[first : first + many]]
        for answer in client.download(requests, max_threads=many, decode_data=False):
            yield answer.content


def _request(client: Client, look: Acquisition, ask: _Ask) -> Any:
    base = client.config.sh_base_url
    # the package takes the service's address from the collection, and knows a name with one address only
    collection = DataCollection.SENTINEL2_L2A.define_from(
        f"AGRO_{look.collection}_{base}", api_id=look.collection, service_url=base
    )
    request = SentinelHubRequest(
        evalscript=ask.evalscript,
        input_data=[
            SentinelHubRequest.input_data(
                collection,
                time_interval=(look.acquired_at - _A_TILE_S, look.acquired_at + _A_TILE_S),
                other_args={"processing": {"harmonizeValues": True}},
            )
        ],
        responses=[SentinelHubRequest.output_response("default", MimeType.TIFF)],
        bbox=BBox(ask.cut.bounds, CRS(ask.cut.crs.removeprefix("EPSG:"))),
        size=(ask.cut.width, ask.cut.height),
        config=client.config,
    ).download_list[0]
    request.extra_params["units"] = ask.units
    return request


def _angles(client: Client, look: Acquisition, cuts: Sequence[Grid]) -> Angles:
    """Sun and view over the ground, as the service has them beside the bands; unknown where it has none."""
    if look.angles.complete:
        return look.angles
    middle = middle_of(max(cuts, key=lambda cut: cut.height * cut.width).at(10), _ANGLES_SIDE_PX)
    with TemporaryDirectory(prefix="agro-hub-") as folder:
        answers = _answers(client, look, [_Ask(middle, _ANGLES, angles=True)])
        made = mosaic(look.acquisition_id, answers, _ANGLES, [middle], Path(folder), kind="float32")
        values = [made.values(name) for name in _ANGLES]
    valid = np.isfinite(values).all(axis=0) & (values[0] > 0) & (values[0] < 90)
    if not valid.any():
        return look.angles
    place_of = np.flatnonzero(valid.ravel())[valid.sum() // 2]  # a pixel, for a mean of azimuths may mean nothing
    return Angles(*(round(float(value.ravel()[place_of]), 3) for value in values))


def _features(
    client: Client,
    collection: str,
    bbox: tuple[float, float, float, float],
    period: tuple[datetime, datetime],
    most_cloud_pct: float,
) -> Iterator[Mapping[str, Any]]:
    catalog = SentinelHubCatalog(config=client.config)
    catalog.client = client
    wanted = f"eo:cloud_cover <= {most_cloud_pct:g}" if most_cloud_pct < 100 else None
    try:
        found = catalog.search(collection, bbox=BBox(bbox, CRS.WGS84), time=period, filter=wanted, limit=100)
        for number, feature in enumerate(found):
            if number >= _MOST_ITEMS:
                raise ValueError(f"more than {_MOST_ITEMS} items")
            yield feature
    except (ValueError, KeyError, TypeError, AttributeError, BaseSentinelHubException) as error:
        raise SourceDown(
            "HUB-CATALOG",
            "{where}: its catalogue gives no list of items ({met})",
            "check hub.base_url; a login page may stand in between",
            where=client.config.sh_base_url,
            met=f"{type(error).__name__}: {error}"[:120],
        ) from None


def _acquisition(feature: Mapping[str, Any], collection: str, bands: Mapping[str, str]) -> Acquisition:
    """What the catalogue says of one look: it names no assets, for its pixels are made when they are asked for."""
    plain = {"stac_version": "1.0.0", **feature, "links": [], "assets": {}, "collection": collection}
    item = pystac.Item.from_dict(plain, preserve_dict=False)
    footprint = stac.footprint_of(item)
    in_name, baseline = _TILE.search(item.id), _BASELINE.search(item.id)
    return Acquisition(
        acquisition_id=item.id,
        acquired_at=stac.acquired_at_of(item),
        platform=str(item.properties.get("platform") or "unknown"),
        collection=collection,
        bands={name: _band(name, f"{collection}/{key}") for name, key in bands.items()},
        footprint=footprint.wkt if footprint is not None else None,
        crs=crs(item),
        processing_baseline=".".join(baseline.groups()) if baseline else None,
        tile=tile(item.properties) or (in_name[1] if in_name else None),
        datatake=datatake(item),
    )


def _band(name: str, href: str) -> Band:
    return Band(name, href) if name == SCENE_CLASS_BAND else Band(name, href, _SCALE, 0.0)


def _key(look: Acquisition, name: str) -> str:
    return look.bands[name].href.rpartition("/")[2]
