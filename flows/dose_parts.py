"""A field's ground: which parts ask for which doses, where nothing may be applied, and their outlines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from shapely import Geometry, MultiPolygon

from agro.advice.balance import Soil
from agro.advice.decision import surely_differ
from agro.advice.dose_zones import dose_classes
from agro.advice.doses import Dose, Plan, dose, plain_dose
from agro.advice.prescription import Part
from agro.agromaps.zone_shape import outlines, workable
from agro.domain.errors import Told
from agro.domain.grid import Grid
from agro.store.terminal_drive import polygon_ha
from flows.field_soil import Known

_CLOSE_KG_HA = 5.0  # [kg/ha] of nutrient that a pixel may be off its zone on average. ours
_SMALLEST_HA = 0.5  # [ha] of a part. ours
_SLIVER = 1e-6  # [1] of the field: smaller pieces of a cut are rounding


@dataclass(frozen=True)
class Field:
    """One field: outlines in EPSG:4326 and [m], its pixels of 10 m and which are inside, widths and limits."""

    outline: Geometry
    on_grid: Geometry
    crs: str
    grid: Grid
    inside: np.ndarray
    width_m: float
    step_kg_ha: float


@dataclass(frozen=True)
class Ways:
    """How each nutrient varies: by its soil, or by zones that a trial proved; `by_zone` on the field's pixels."""

    plan: Plan
    known: Mapping[str, Known]
    by_zone: Mapping[str, np.ndarray]
    sure: float
    most: int


@dataclass(frozen=True)
class Parts:
    """The parts of a field [m] with the doses of each [kg/ha] and their soil; one part: one rate."""

    outlines: tuple[Geometry, ...]
    doses: Mapping[str, np.ndarray]
    contents: Mapping[str, np.ndarray]


def parts_of(field: Field, ways: Ways, mean: Mapping[str, Dose]) -> Parts:
    """The fewest parts that surely ask for different doses; the whole field where there are none."""
    whole = Parts(
        (field.on_grid,),
        {name: np.array([float(one.dose[0])]) for name, one in mean.items()},
        {name: np.array([float(known.soil.content_mg_kg)]) for name, known in ways.known.items()},
    )
    pixels = {**_by_soil(field, ways), **ways.by_zone}
    if not pixels:
        return whole
    drawn = workable(
        dose_classes(np.stack(list(pixels.values())), field.inside, _CLOSE_KG_HA, ways.most),
        field.grid.resolution_m,
        field.width_m,
        _SMALLEST_HA,
    )
    _, classes = np.unique(drawn, return_inverse=True)
    zone = np.where(field.inside, classes.reshape(drawn.shape) + (0 if (drawn == 0).any() else 1), 0).astype("uint8")
    count = int(zone.max())
    if count < 2:
        return whole
    doses, contents = dict(whole.doses), dict(whole.contents)
    for name, values in pixels.items():
        if name in ways.by_zone:
            doses[name] = _means(values, zone, count)
            continue
        known = ways.known[name]
        soil = _soil_of(known, zone, count)
        found = dose(name, ways.plan, soil, known.class_of)
        if surely_differ(found.draws, field.step_kg_ha, ways.sure):
            doses[name], contents[name] = found.dose, np.asarray(soil.content_mg_kg)
    if all(len(one) == 1 for one in doses.values()):
        return whole
    shapes = outlines(zone, field.grid, field.on_grid)
    kept = [i for i, shape in enumerate(shapes) if not shape.is_empty]
    return Parts(tuple(shapes[i] for i in kept), _each(doses, kept), _each(contents, kept))


def _each(values: Mapping[str, np.ndarray], kept: list[int]) -> dict[str, np.ndarray]:
    """One figure a part, also where all have the field's."""
    return {name: one[kept] if len(one) > 1 else np.repeat(one, len(kept)) for name, one in values.items()}


def _by_soil(field: Field, ways: Ways) -> dict[str, np.ndarray]:
    """(y, x) the dose that each pixel of 10 m asks for, of the nutrients whose soil is mapped [kg/ha]."""
    pixels = {}
    for name, known in ways.known.items():
        if known.surface is None or name in ways.by_zone:
            continue
        soil = replace(known.soil, content_mg_kg=known.surface[0])
        asked = plain_dose(name, ways.plan, soil, known.class_of)
        asked = np.where(np.isfinite(known.surface[0]), asked, np.nan)
        pixels[name] = asked.repeat(2, axis=0).repeat(2, axis=1)
    return pixels


def _soil_of(known: Known, zone: np.ndarray, count: int) -> Soil:
    """The mean soil of each zone; its error is the map's, because the map errs alike over a zone."""
    assert known.surface is not None  # noqa: S101  only mapped nutrients vary by soil
    content, error = (layer.repeat(2, axis=0).repeat(2, axis=1) for layer in known.surface)
    return replace(known.soil, content_mg_kg=_means(content, zone, count), se_mg_kg=_means(error, zone, count))


def _means(values: np.ndarray, zone: np.ndarray, count: int) -> np.ndarray:
    told = np.isfinite(values) & (zone > 0)
    sums = np.bincount(zone[told], values[told], minlength=count + 1)
    found = sums[1:] / np.maximum(np.bincount(zone[told], minlength=count + 1)[1:], 1)
    return np.asarray(found)


@dataclass(frozen=True)
class Closed:
    """Ground [m] where something may not be applied: which nutrients (`*`: all), and why."""

    ground: Geometry
    nutrients: frozenset[str]
    why: Told


def as_zones(field: Field, parts: Parts, closed: list[Closed], why: Sequence[str]) -> list[Part]:
    """The parts with their outlines in EPSG:4326 and geodesic ground; closed ground is cut out as parts of its own."""
    pieces: list[tuple[Geometry, int, frozenset[str]]] = [
        (shape, i, frozenset()) for i, shape in enumerate(parts.outlines)
    ]
    for one in closed:
        cut = []
        for shape, i, nutrients in pieces:
            cut.append((shape.difference(one.ground), i, nutrients))
            cut.append((shape.intersection(one.ground), i, nutrients | one.nutrients))
        pieces = [piece for piece in cut if piece[0].area > _SLIVER * field.on_grid.area]
    pieces = _together(pieces)
    shapes = gpd.GeoSeries([_polygons(shape) for shape, _, _ in pieces], crs=field.crs).to_crs(4326)
    return [
        Part(
            shape,
            polygon_ha(shape),
            {name: float(values[i]) for name, values in parts.doses.items()},
            why[i],
            nutrients,
        )
        for shape, (_, i, nutrients) in zip(shapes, pieces, strict=True)
    ]


def _together(pieces: list[tuple[Geometry, int, frozenset[str]]]) -> list[tuple[Geometry, int, frozenset[str]]]:
    """Ground where nothing may be applied is one part, whatever its soil."""
    bare = [shape for shape, _, nutrients in pieces if "*" in nutrients]
    if len(bare) < 2:
        return pieces
    rest = [piece for piece in pieces if "*" not in piece[2]]
    return [*rest, (shapely.union_all(bare), 0, frozenset({"*"}))]


def with_strips(field: Field, parts: list[Part], strips: gpd.GeoDataFrame, nutrient: str) -> list[Part]:
    """The parts with a trial driven in them: strips of one dose are one part, the rest is cut by them."""
    mean = {
        name: sum(p.dose_kg_ha[name] * p.area_ha for p in parts) / sum(p.area_ha for p in parts)
        for name in parts[0].dose_kg_ha
    }
    closed = [part.outline for part in parts if part.closed]
    all_strips = shapely.union_all(strips.geometry)
    tried = []
    for tried_kg_ha, rows in strips.groupby("dose_kg_ha"):
        ground = _polygons(shapely.union_all(rows.geometry).difference(shapely.union_all(closed)))
        if not ground.is_empty:
            tried.append(Part(ground, polygon_ha(ground), {**mean, nutrient: float(tried_kg_ha)}))
    rest = []
    for part in parts:
        left = part.outline if part.closed else _polygons(part.outline.difference(all_strips))
        if left.area > _SLIVER * field.outline.area:
            rest.append(replace(part, outline=left, area_ha=polygon_ha(left)))
    return [*rest, *tried]


def _polygons(shape: Geometry) -> MultiPolygon:
    """The polygons of a shape alone, as one."""
    return MultiPolygon([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
