"""A strip trial that would tell whether to vary: doses side by side along the way of work, repeated, drawn by lot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import Geometry
from shapely.affinity import rotate

from agro.domain.errors import BadInput

_HEADLAND_WIDTHS = 2  # [1] widths of the implement left out all round: there the machine turns
_SLANT_M = 1.0  # [m] less of it, so that an edge not quite straight costs no lane
_FEWEST_REPS = 2  # [1]
_EDGE_M = 3.0  # [m] of a strip's side, and
_ENTRY_M = 20.0  # [m] of its ends, that are not read: spreading and threshing overlap there
_COVERED = 0.5  # [1] of a strip without its sides and ends: less of it in a log says nothing of its dose
_POWER = 1.645 + 0.842  # [1] one-sided 5 % and power of 80 %


@dataclass(frozen=True)
class Design:
    """How a trial is laid out: doses [kg/ha] of nutrient, repetitions, width [m], the shortest strip [m]."""

    doses_kg_ha: tuple[float, ...]
    repetitions: int
    width_m: float
    shortest_m: float


def doses_around(
    uniform_kg_ha: float, shares: Sequence[float], least_step_kg_ha: float, cap_kg_ha: float
) -> tuple[float, ...]:
    """The doses of a trial: none, the uniform one, below and above it.

    uniform_kg_ha     [kg/ha]
    shares            [1] of it
    least_step_kg_ha  [kg/ha] between neighbouring doses
    cap_kg_ha         [kg/ha] never passed
    returns           rising [kg/ha], at least three
    source            ours
    """
    gap = max(uniform_kg_ha * float(np.min(np.diff(shares))), least_step_kg_ha)
    gap = max(min(gap, cap_kg_ha / (len(shares) - 1)), min(least_step_kg_ha, cap_kg_ha / 2))
    doses = np.minimum(np.arange(len(shares)) * gap, cap_kg_ha)
    return tuple(float(dose) for dose in np.unique(np.round(doses, 1)))


def lay_out(field: Geometry, design: Design, seed: int) -> gpd.GeoDataFrame:
    """The strips of a trial.

    field    outline [m], in a metric system
    design   doses, repetitions, width and length
    seed     [1] decides the lot; the same seed gives the same trial
    returns  one row a strip: rep, strip, dose_kg_ha [kg/ha], area_ha [ha], geometry [m]; strips lie inside the field
             less its headland, parallel to its longest side, each repetition side by side
    raises   BadInput TRIAL-SMALL where not even two repetitions fit
    source   ours: randomised blocks along the way of work
    """
    heading = driving_direction(field)
    middle = field.centroid
    headland_m = _HEADLAND_WIDTHS * design.width_m - _SLANT_M
    inner = rotate(field.buffer(-headland_m), -heading, origin=middle)
    lanes = _lanes(inner, design, rotate(field, -heading, origin=middle).bounds[1])
    chosen = _blocks(lanes, design)
    random = np.random.default_rng(seed)
    rows, shapes = [], []
    for rep, block in enumerate(chosen, start=1):
        for number, (lane, dose) in enumerate(
            zip(block, random.permutation(np.asarray(design.doses_kg_ha)), strict=True), start=1
        ):
            rows.append({"rep": rep, "strip": number, "dose_kg_ha": float(dose), "area_ha": lane.area / 1e4})
            shapes.append(rotate(lane, heading, origin=middle))
    return gpd.GeoDataFrame(rows, geometry=shapes)


def driving_direction(field: Geometry) -> float:
    """Along which angle the field is worked.

    field    outline [m]
    returns  [deg] counter-clockwise from east: the longest side of the narrowest box around the field
    source   ours: fewest turns
    """
    corners = np.asarray(shapely.get_coordinates(field.minimum_rotated_rectangle))
    sides = np.diff(corners[:3], axis=0)
    longest = sides[int(np.argmax((sides**2).sum(axis=1)))]
    return float(np.degrees(np.arctan2(longest[1], longest[0])))


def tells_apart_kg_ha(design: Design, strip_sd_t_ha: float, curvature_t_kg2: float) -> float:
    """Which difference of the best dose between two zones the trial would show.

    design           doses and repetitions
    strip_sd_t_ha    [t/ha] between strips of one dose
    curvature_t_kg2  [t/ha per (kg/ha)^2] of the response, below 0
    returns          [kg/ha] found in four trials of five
    source           error of a slope over the curvature; strips that cross both zones
    """
    doses = np.tile(design.doses_kg_ha, design.repetitions)
    slope_se = strip_sd_t_ha / (np.std(doses) * len(doses) ** 0.5)
    return float(_POWER * 2**0.5 * slope_se / abs(2 * curvature_t_kg2))


def read_trial(plots: gpd.GeoDataFrame, harvest: gpd.GeoDataFrame) -> pd.DataFrame:
    """The yields of a trial's strips, once its yield map is there.

    plots    the strips from `lay_out` [m]
    harvest  points with yield_t_ha [t/ha] and any other columns, in the same metric system
    returns  the rows of harvest that lie well inside a strip, with its rep, strip and dose_kg_ha [kg/ha]
    source   ours: sides and ends of strips are not read, because machines overlap there
    """
    inside = plots[["rep", "strip", "dose_kg_ha"]].set_geometry([_core(one) for one in plots.geometry], crs=plots.crs)
    found = gpd.sjoin(harvest, inside, predicate="within")
    return pd.DataFrame(found.drop(columns=["index_right", "geometry"])).reset_index(drop=True)


def as_driven(plots: gpd.GeoDataFrame, strokes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The strips of a trial with the doses that a machine put out by its log.

    plots    the strips from `lay_out` [m]
    strokes  points with off_kg_ha, applied less prescribed [kg/ha], and area_ha [ha], in the same metric system
    returns  the plots with dose_kg_ha [kg/ha] as it was put out; strips that the log hardly covers are left out
    source   ours: the mean over a strip without its sides and ends, where neighbours and turns mix in
    """
    cores = gpd.GeoDataFrame(geometry=[_core(one) for one in plots.geometry], index=plots.index, crs=plots.crs)
    found = gpd.sjoin(strokes, cores, predicate="within")
    ground = found["area_ha"].groupby(found["index_right"]).sum()
    off = (found["off_kg_ha"] * found["area_ha"]).groupby(found["index_right"]).sum() / ground
    known = ground.index[ground >= _COVERED * cores.area.loc[ground.index] / 1e4]
    kept = plots.loc[plots.index.isin(known)]
    return kept.assign(dose_kg_ha=(kept["dose_kg_ha"] + off.loc[kept.index]).clip(lower=0.0))


def _core(strip: Geometry) -> Geometry:
    """A strip without its sides and ends."""
    heading = driving_direction(strip)
    level = rotate(strip, -heading, origin=strip.centroid)
    west, south, east, north = level.bounds
    core = shapely.box(west + _ENTRY_M, south + _EDGE_M, east - _ENTRY_M, north - _EDGE_M)
    return rotate(shapely.intersection(level, core), heading, origin=strip.centroid)


def _lanes(inner: Geometry, design: Design, edge_m: float) -> list[Geometry]:
    """Whole lanes of the field, level, from south to north: the longest piece of each that is a full width wide.

    They are lanes that the machine drives when it begins at the field's southern edge: a strip is one of its passes.
    """
    if inner.is_empty:
        return []
    west, south, east, north = inner.bounds
    low = edge_m + np.ceil((south - edge_m) / design.width_m) * design.width_m
    count = int((north - low) / design.width_m)
    lanes = []
    for i in range(count):
        bottom, top = low + i * design.width_m, low + (i + 1) * design.width_m
        across = [shapely.intersection(inner, shapely.LineString([(west, y), (east, y)])) for y in np.linspace(bottom, top, 5)]  # fmt: skip  # noqa: E501
        span = _common_span(across)
        lanes.append(shapely.box(span[0], bottom, span[1], top) if span else shapely.Polygon())
    return [lane if lane.is_empty or inner.buffer(1e-6).covers(lane) else shapely.Polygon() for lane in lanes]


def _common_span(lines: Sequence[Geometry]) -> tuple[float, float] | None:
    """The longest stretch that all the lines have in common."""
    spans = [(-np.inf, np.inf)]
    for line in lines:
        pieces = [part.bounds for part in getattr(line, "geoms", [line]) if not part.is_empty]
        both = [(max(a, p[0]), min(b, p[2])) for a, b in spans for p in pieces]
        spans = [(a, b) for a, b in both if a < b]
    return max(spans, key=lambda span: span[1] - span[0]) if spans else None


def _blocks(lanes: Sequence[Geometry], design: Design) -> list[list[Geometry]]:
    """Repetitions: neighbouring lanes, cut to one length, and cut along where that makes room for more."""
    doses, pieces = len(design.doses_kg_ha), []
    start = 0
    while start + doses <= len(lanes):
        group = lanes[start : start + doses]
        span = None if any(lane.is_empty for lane in group) else _common_span_of(group)
        if span and span[1] - span[0] >= design.shortest_m:
            pieces.append((group, span))
            start += doses
        else:
            start += 1
    room = sum(int((b - a) // design.shortest_m) for _, (a, b) in pieces)
    if room < _FEWEST_REPS:
        raise BadInput(
            "TRIAL-SMALL",
            "no trial fits: two repetitions of {doses} strips, {width} m wide and {length} m long, are needed beside the headland",  # noqa: E501
            "try it on a larger field, with a narrower machine, or with fewer doses",
            doses=doses,
            width=design.width_m,
            length=design.shortest_m,
        )
    pieces.sort(key=lambda piece: piece[1][0] - piece[1][1])
    cuts = [1] * len(pieces)
    while sum(cuts) < design.repetitions:
        longest = max(range(len(pieces)), key=lambda k: (pieces[k][1][1] - pieces[k][1][0]) / (cuts[k] + 1))
        a, b = pieces[longest][1]
        if (b - a) / (cuts[longest] + 1) < design.shortest_m:
            break
        cuts[longest] += 1
    blocks = [
        [shapely.box(left, lane.bounds[1], right, lane.bounds[3]) for lane in group]
        for (group, (a, b)), count in zip(pieces, cuts, strict=True)
        for left, right in zip(*_ends(a, b, count), strict=True)
    ]
    return blocks[: design.repetitions]


def _common_span_of(lanes: Sequence[Geometry]) -> tuple[float, float] | None:
    a, b = max(lane.bounds[0] for lane in lanes), min(lane.bounds[2] for lane in lanes)
    return (a, b) if a < b else None


def _ends(a: float, b: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    ends = np.linspace(a, b, count + 1)
    return ends[:-1], ends[1:]
