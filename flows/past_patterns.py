"""How the pixels of each field differed in its past seasons: made once a season and district, read after every pass."""

from collections.abc import Sequence
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd

from agro.agromaps.alerts import AlertRule, FieldLooks
from agro.agromaps.expectation import STAGES, completed, near_infrared, season_patterns
from agro.store.index import Index
from agro.store.publish import Published, Store, digest, file_name, read_asset
from agro.store.tables import from_parquet
from flows.keeping import Result, keep
from flows.looks import Looks, clear_looks, field_corner, field_maps

ALGORITHM = 1  # raise it when the same looks give other patterns
LAYERS_USED = ("ndvi", "evi2")
_COLUMNS = tuple(f"{band}_{stage}" for band in ("ndvi", "nir") for stage in STAGES)
_GROWING = (4, 9)  # months of a season, first and last: what stands later is another crop. assumption
_STEP = 0.05  # [1] deviations: finer says nothing, and packs ill


def green_looks(store: Store, outlines: gpd.GeoDataFrame, rows: pd.DataFrame) -> tuple[Looks, Looks] | None:
    """NDVI and near infrared [1] of the same clear looks; None where there is none."""
    if rows.empty:
        return None
    green, other = (clear_looks(store, outlines, rows, layer, rows["acquired_at"].min()) for layer in LAYERS_USED)
    return None if green is None or other is None else (green, with_near_infrared(green, other))


def with_near_infrared(green: Looks, other: Looks) -> Looks:
    """The near infrared of the looks of NDVI, by those of EVI2; NaN where there is none of the instant."""
    values = np.full(green.values.shape, np.nan, "float32")
    for number, instant in enumerate(green.seen_at):
        if instant in other.seen_at:
            values[number] = near_infrared(green.values[number], other.values[other.seen_at.index(instant)])
    return Looks(values, green.seen_at, green.pixels, green.crs)


def patterns_of(green: Looks, bright: Looks, rule: AlertRule) -> np.ndarray:
    """A season's patterns (column, pixel) of NDVI and of near infrared, in deviations of each field [1]."""
    pixels = green.pixels
    found = np.full((len(_COLUMNS), green.values.shape[1]), np.nan, "float32")
    edge_px = rule.edge_m / pixels.resolution_m
    for number in range(len(pixels.field_ids)):
        inside = _inside(green, number)
        if not inside.size:
            continue
        ndvi = field_maps(pixels, number, green.values)
        own = [
            season_patterns(maps, ndvi, inside, rule.least_green, rule.pattern_seen, edge_px)
            for maps in (ndvi, field_maps(pixels, number, bright.values))
        ]
        found[:, pixels.start[number] : pixels.start[number + 1]] = _listed(np.concatenate(own), green, number)
    found[:] = np.round(found / _STEP) * _STEP
    return found


def field_looks(green: Looks, bright: Looks, past: Sequence[np.ndarray], number: int) -> FieldLooks | None:
    """One field's looks and the patterns of its past seasons, oldest first; None where it has no pixel."""
    pixels, inside, stages = green.pixels, _inside(green, number), len(STAGES)
    if not inside.size:
        return None
    seasons = [field_maps(pixels, number, patterns) for patterns in past]
    ndvi, nir = (completed([season[part] for season in seasons]) for part in (slice(stages), slice(stages, None)))
    nothing = np.empty((0, *inside.shape), "float32")
    return FieldLooks(
        pixels.field_ids[number],
        field_maps(pixels, number, green.values),
        field_maps(pixels, number, bright.values),
        green.seen_at,
        inside,
        ndvi if len(ndvi) else nothing,
        nir if len(nir) else nothing,
        field_corner(pixels, number),
        float(pixels.resolution_m),
    )


def _inside(looks: Looks, number: int) -> np.ndarray:
    inside: np.ndarray = np.isfinite(
        field_maps(looks.pixels, number, np.ones((1, looks.values.shape[1]), "float32"))[0]
    )
    return inside


def _listed(maps: np.ndarray, looks: Looks, number: int) -> np.ndarray:
    mine = slice(looks.pixels.start[number], looks.pixels.start[number + 1])
    rows, columns = looks.pixels.rows[mine], looks.pixels.columns[mine]
    listed: np.ndarray = maps[:, rows - rows.min(), columns - columns.min()]
    return listed


def published_patterns(
    store: Store, index: Index, outlines: gpd.GeoDataFrame, rows: pd.DataFrame, newest: datetime, rule: AlertRule
) -> list[Published]:
    """The patterns of a district's fields in the seasons before a look, made where they are not published yet.

    `rows` are those of the fields in all seasons, of the two layers.
    """
    found = []
    grown = rows[rows["acquired_at"].dt.month.between(*_GROWING)]
    for year in range(newest.year - rule.past_seasons, newest.year):
        mine = grown[grown["acquired_at"].dt.year == year]
        if len(mine):
            found += _of_season(store, index, outlines, mine, year, rule)
    return found


def _of_season(
    store: Store, index: Index, outlines: gpd.GeoDataFrame, rows: pd.DataFrame, year: int, rule: AlertRule
) -> list[Published]:
    seen = set(rows["acquisition_id"])
    tables = [t for t in index.items("fieldstats") if t.properties["agro:acquisition_id"] in seen]
    district = _district(outlines)
    versions = sorted(zip(outlines["field_id"], outlines["version"], strict=True))
    used = {n: getattr(rule, n) for n in ("least_green", "pattern_seen", "edge_m")}
    key = digest([[table.place for table in tables], versions, used, ALGORITHM])
    place = f"patterns/{year}/{file_name(district or '-')}--{key}"
    standing = index.at(place)
    if standing is not None:
        return [standing]
    looks = green_looks(store, outlines, rows)
    if looks is None:
        return []
    green, pixels = looks[0], looks[0].pixels
    columns = dict(zip(_COLUMNS, patterns_of(*looks, rule), strict=True))
    owner = np.repeat(np.array(pixels.field_ids, dtype=object), np.diff(pixels.start))
    table = pd.DataFrame({"field_id": owner, "row": pixels.rows, "column": pixels.columns, **columns})
    properties = {
        "datetime": f"{green.seen_at[-1]:%Y-%m-%dT%H:%M:%SZ}",
        "agro:season": year,
        "agro:district": district,
        "proj:code": green.crs,
        "agro:parents": [table.place for table in tables],
        "agro:parameters": used,
        "agro:simulated": any(table.properties["agro:simulated"] for table in tables),
    }
    return [keep(store, index, place, Result(properties, tuple(outlines.total_bounds), tables={"patterns": table}))]


def _district(outlines: gpd.GeoDataFrame) -> str:
    name = outlines["district"].iloc[0]
    return name if isinstance(name, str) else ""


def read_patterns(store: Store, published: Sequence[Published], looks: Looks) -> list[np.ndarray]:
    """The patterns (column, pixel) of each season on the pixels of the looks; without those of another grid."""
    own = [one for one in published if one.properties["proj:code"] == looks.crs]
    tables = [from_parquet(read_asset(store, one, "patterns")) for one in own]
    return [table[list(_COLUMNS)].to_numpy("float32").T for table in tables]
