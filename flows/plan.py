"""What is to be done: the fields, the passes over them, and which of them the store has already."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from agro.domain.errors import BadInput, Refusal, TornFile
from agro.domain.grid import Block, blocks_over
from agro.domain.imagery import SCENE_CLASS_BAND, Acquisition
from agro.domain.land import OUTLINE_COLUMNS
from agro.domain.layers import KEPT, LAYERS, VEGETATION
from agro.sources import stac
from agro.sources.outlines import read_outlines
from agro.sources.season_fields import read_season_fields
from agro.store.index import Index
from agro.store.publish import Published, digest, file_name, whole
from flows.hub_settings import SERVICES
from flows.imagery_doors import find_at_service
from flows.settings import Settings, band_aliases, crop_codes, crops
from flows.simulated import twin_catalog

ALGORITHM = 2  # raise it when the same input gives other pixels or rows: everything is then made again, beside the old
_FARTHEST_DEG = 9.0  # [deg] from a zone's middle: beyond it UTM's scale is off by more than a per cent
BANDS = (*dict.fromkeys(band for name in (*VEGETATION, *KEPT) for band in LAYERS[name].bands), SCENE_CLASS_BAND)


@dataclass(frozen=True)
class Land:
    """The fields of a run: their outlines in EPSG:4326 and on the grid's CRS, what grew there, what was refused."""

    outlines: gpd.GeoDataFrame
    seasons: pd.DataFrame
    refused: tuple[Refusal, ...]
    crs: str
    on_grid: gpd.GeoSeries = field(repr=False)

    @cached_property
    def key(self) -> str:
        """The version of the outlines, all together."""
        return digest(_rows(self.outlines[[name for name in OUTLINE_COLUMNS if name != "area_ha"]]))

    @cached_property
    def field_ids(self) -> str:
        """Of which fields the land consists, whatever their outlines."""
        return digest(sorted(self.outlines["field_id"].to_numpy()))

    @cached_property
    def seasons_key(self) -> str:
        """The version of the season table."""
        return digest(_rows(self.seasons))


def _rows(table: pd.DataFrame) -> list[list[str | None]]:
    return [[_said(value) for value in row] for row in table.to_numpy().tolist()]


def _said(value: Any) -> str | None:
    return value if isinstance(value, str) else None if pd.isna(value) else str(value)


@dataclass(frozen=True)
class Pass:
    """One acquisition and what of it is missing: the blocks to map, and the table of the fields below it."""

    acquisition: Acquisition
    inputs: str
    fields: tuple[int, ...]
    outlines: str
    blocks: tuple[Block, ...]
    parts: tuple[Published, ...]
    table_place: str | None

    @property
    def part_key(self) -> str:
        """The key of the part that maps the missing blocks."""
        return digest([self.inputs, [block.block_id for block in self.blocks]])


@dataclass(frozen=True)
class Plan:
    """A run's work."""

    land: Land
    todo: tuple[Pass, ...]
    refused: tuple[Refusal, ...]
    already_published: int
    outlines_place: str | None
    seasons_place: str | None
    layers: tuple[str, ...]
    simulated: bool

    @property
    def acquisitions_found(self) -> int:
        """All matching acquisitions, the refused ones too."""
        return len(self.todo) + self.already_published + sum(1 for r in self.refused if r.acquisition_id is not None)


def make_plan(settings: Settings, index: Index, until: date | None) -> Plan:
    """Read the fields, find the passes over them, subtract what is published. No pixel is read."""
    simulated = settings.imagery.source == "twin"
    land = read_land(settings)
    acquisitions, refused = find_over(settings, land, until)
    known, tables = _by(index, "passes", "agro:inputs"), _by(index, "fieldstats", "agro:acquisition_id")
    grounds: dict[str | None, Below] = {}
    todo, done, layers = [], 0, dict[str, None]()
    for acquisition in acquisitions:
        footprint = acquisition.footprint
        below = grounds[footprint] if footprint in grounds else grounds.setdefault(footprint, below_of(footprint, land))
        if not below.fields:
            continue
        inputs = digest(identity_of(acquisition, settings))
        parts = [part for part in known.get(inputs, []) if part.properties["proj:code"] == land.crs]
        one = _missing(acquisition, below, settings, index, parts, tables.get(acquisition.acquisition_id, []))
        layers |= dict.fromkeys(layer for part in one.parts for layer in part.properties["agro:layers"])
        if one.blocks or one.table_place:
            todo.append(one)
        else:
            done += 1
    shown = tuple(layer for layer in layers if LAYERS[layer].statistics)
    return Plan(land, tuple(todo), tuple(refused), done, *_land_places(land, index), shown, simulated)


def find_over(settings: Settings, land: Land, until: date | None) -> tuple[list[Acquisition], list[Refusal]]:
    """All acquisitions over the fields, oldest first, and what could not be used. No pixel is read."""
    imagery = settings.imagery
    aliases = band_aliases(imagery.bands, imagery.collections)
    west, south, east, north = land.outlines.total_bounds
    bbox = (west, south, east, north)
    wanted = {name: names for name, names in aliases.items() if name in BANDS}
    last = datetime.combine(until, time.max, UTC) if until else None
    if imagery.source in SERVICES:
        return find_at_service(settings, wanted, bbox, last)
    catalog = twin_catalog(settings, land) if imagery.source == "twin" else imagery.catalog
    if catalog is None:
        raise BadInput(
            "CFG-CATALOG",
            "imagery.catalog is not set",
            "give the catalogue's JSON file with --set imagery.catalog=PATH",
        )
    return stac.find(catalog, imagery.collections, wanted, bbox, last, imagery.unlinked)


def _land_places(land: Land, index: Index) -> tuple[str | None, str | None]:
    """Where the outlines and the season table are still to be published."""
    rivals = [r for r in index.items("outlines") if r.properties["agro:field_ids"] == land.field_ids]
    outlines = missing_place(f"outlines/{land.key}", rivals, index)
    if land.seasons.empty:
        return outlines, None
    rivals = [r for r in index.items("season_fields") if r.properties["agro:field_ids"] == land.field_ids]
    return outlines, missing_place(f"season_fields/{land.seasons_key}", rivals, index)


def crops_of(outlines: gpd.GeoDataFrame, seasons: pd.DataFrame, season: int) -> dict[str, str]:
    """The code of what each field grows in a season, where somebody said it: in the season table, else its outline."""
    grown = seasons[seasons["season"] == season] if len(seasons) else seasons
    told = [(outlines["field_id"], outlines["crop"])] + ([(grown["field_id"], grown["crop"])] if len(grown) else [])
    codes = crop_codes()
    return {
        field_id: codes.get(word, word)
        for ids, words in told
        for field_id, word in zip(ids, words, strict=True)
        if isinstance(word, str)
    }


def read_land(settings: Settings) -> Land:
    """The outlines and the season table that the settings name."""
    if settings.fields.path is None:
        raise BadInput("CFG-FIELDS", "fields.path is not set", "give a file of outlines with --set fields.path=PATH")
    bounds = settings.region.bounds or None
    outlines, refused = read_outlines(
        settings.fields.path, settings.fields.layer or None, settings.fields.encoding or None, bounds
    )
    if outlines.empty:
        raise BadInput(
            "FIELDS-NONE",
            "{where}: none of {count} outlines can be used. {met}",
            "mend the outlines",
            where=settings.fields.path.name,
            count=len(refused),
            met=refused[0] if refused else "",
        )
    seasons = pd.DataFrame()
    if settings.fields.seasons is not None:
        seasons, bad_rows = read_season_fields(settings.fields.seasons, crops(), set(outlines["field_id"]))
        refused += bad_rows
    crs = _zone(outlines) if settings.grid.crs == "auto" else _metric(settings.grid.crs)
    outlines, far = _near(outlines, crs)
    return Land(outlines, seasons, (*refused, *far), crs, outlines.geometry.to_crs(crs))


def _zone(outlines: gpd.GeoDataFrame) -> str:
    """The UTM zone that the outlines were drawn in, else the one that holds most of them."""
    if "utm" in outlines.attrs:
        return str(outlines.attrs["utm"])
    middles = outlines.geometry.representative_point()
    zones = [
        (32600 if y >= 0 else 32700) + min(int((x + 180) // 6) + 1, 60)
        for x, y in zip(middles.x, middles.y, strict=True)
    ]
    return f"EPSG:{Counter(sorted(zones)).most_common(1)[0][0]}"


def _near(outlines: gpd.GeoDataFrame, crs: str) -> tuple[gpd.GeoDataFrame, list[Refusal]]:
    """The outlines that a UTM zone can map, and the ones so far from it that lengths would no longer hold."""
    code = int(crs.removeprefix("EPSG:"))
    if code // 100 not in (326, 327):
        return outlines, []
    middles = outlines.geometry.representative_point()
    away = ((middles.x - (code % 100 * 6 - 183) + 180) % 360 - 180).abs()
    refused = [
        BadInput(
            "GEOM-FAR",
            "field {field_id}: {degrees} degrees from the middle of zone {crs}, in which the other fields are mapped",
            "check its coordinates; map fields of far zones in a run and store of their own",
            field_id=field_id,
            degrees=round(degrees),
            crs=crs,
        ).about(field_id=field_id)
        for field_id, degrees in zip(outlines["field_id"], away, strict=True)
        if degrees > _FARTHEST_DEG
    ]
    return outlines[(away <= _FARTHEST_DEG).to_numpy()].reset_index(drop=True), refused


def _metric(code: str) -> str:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = CRS(code)
    except CRSError:
        crs = None
    if crs is None or not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        raise BadInput(
            "CFG-CRS",
            "grid.crs is {met}, expected a projected system in metres",
            "give auto or, for instance, EPSG:32645",
            met=code,
        )
    return code


def _by(index: Index, kind: str, name: str) -> dict[str, list[Published]]:
    """The results of a kind by one of their properties, oldest first."""
    known: dict[str, list[Published]] = {}
    for result in index.items(kind):
        known.setdefault(result.properties[name], []).append(result)
    return known


@dataclass(frozen=True)
class Below:
    """What lies below one footprint: the fields' numbers, their blocks, the version of their outlines, their ids."""

    fields: tuple[int, ...]
    blocks: frozenset[Block]
    outlines: str
    field_ids: str


def below_of(footprint: str | None, land: Land) -> Below:
    """The fields and blocks below a footprint (WKT, degrees); all of them where it is not known."""
    if footprint is None:
        fields = tuple(range(len(land.outlines)))
    else:
        shown = shapely.from_wkt(footprint)
        shapely.prepare(shown)
        fields = tuple(np.flatnonzero(shapely.intersects(shown, np.asarray(land.outlines.geometry.array))).tolist())
    bounds = land.on_grid.bounds.to_numpy()
    blocks = frozenset(block for i in fields for block in blocks_over(land.crs, tuple(bounds[i])))
    rows = land.outlines.iloc[list(fields)]
    ids, versions = (rows[column].to_numpy() for column in ("field_id", "version"))
    return Below(fields, blocks, digest(sorted(zip(ids, versions, strict=True))), digest(sorted(ids)))


def _missing(
    acquisition: Acquisition,
    below: Below,
    settings: Settings,
    index: Index,
    parts: list[Published],
    tables: list[Published],
) -> Pass:
    """What is missing of one acquisition that lies over some field."""
    sound = tuple(part for part in parts if _sound(index, part.place))
    mapped = {block_id for part in sound for block_id in part.properties["agro:blocks"]}
    blocks = tuple(sorted(block for block in below.blocks if block.block_id not in mapped))
    inputs = digest(identity_of(acquisition, settings))
    one = Pass(acquisition, inputs, below.fields, below.outlines, blocks, sound, None)
    parents = [*(part.place for part in sound), *([pass_place(one)] if blocks else [])]
    rivals = [table for table in tables if table.properties["agro:field_ids"] == below.field_ids]
    return replace(one, table_place=missing_place(_table_place(one, settings, parents), rivals, index))


def missing_place(place: str, rivals: Sequence[Published], index: Index) -> str | None:
    """Where a result is still to be published, or None where it stands whole and is the newest of its rivals.

    `rivals` are the results that speak of the same things, oldest first. Who goes back to earlier outlines or
    parameters wants their results to be current again: they are published once more, as a copy.
    """
    own = [rival.place for rival in rivals if rival.place == place or rival.place.startswith(f"{place}~")]
    if not own:
        return place
    if rivals[-1].place != own[-1]:
        return f"{place}~{len(own) + 1}"
    return None if _sound(index, own[-1]) else own[-1]


def pass_place(one: Pass) -> str:
    """Where the part that maps the missing blocks will stand."""
    look = one.acquisition
    return f"passes/{look.acquired_at.year}/{file_name(look.acquisition_id)}--{one.part_key}"


def _table_place(one: Pass, settings: Settings, parents: list[str]) -> str:
    """Where the table of the fields below the pass will stand."""
    look = one.acquisition
    thresholds = [settings.fields.few_px, settings.fields.low_clear_fraction, settings.imagery.low_sun_zenith_deg]
    key = digest([sorted(parents), one.outlines, thresholds, ALGORITHM])
    return f"fieldstats/{look.acquired_at.year}/{file_name(look.acquisition_id)}--{key}"


def parameters(settings: Settings) -> dict[str, Any]:
    """The parameters that decide a map's pixels."""
    imagery = settings.imagery
    return {
        "cloud_margin_m": imagery.cloud_margin_m,
        "shadow_margin_m": imagery.shadow_margin_m,
        "lai_net": imagery.lai_net,
        "algorithm": ALGORITHM,
    }


def identity_of(acquisition: Acquisition, settings: Settings) -> list[Any]:
    """All that decides a map's pixels, wherever the catalogue lies: bands, their files' sizes, angles, parameters."""
    look = acquisition
    bands = [[b.name, Path(b.href).name, b.scale, b.offset, b.nodata, b.size, b.checksum] for b in look.bands.values()]
    angles = look.angles
    sun_and_view = [angles.sun_zenith_deg, angles.sun_azimuth_deg, angles.view_zenith_deg, angles.view_azimuth_deg]
    return [
        look.acquisition_id,
        look.acquired_at.isoformat(),
        look.platform,
        look.collection,
        look.crs,
        look.processing_baseline,
        bands,
        sun_and_view,
        parameters(settings),
    ]


def _sound(index: Index, place: str) -> bool:
    """Whether a result is whole; a torn one is made again, and set aside then."""
    try:
        whole(index.store, place)
    except TornFile:
        return False
    return True
