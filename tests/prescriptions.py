"""Prescriptions for tests: one that is checked by hand, and any number of odd fields with holes."""

from datetime import date

import numpy as np
import shapely
from pyproj import Geod
from shapely import MultiPoint, MultiPolygon, Point, Polygon, box

from agro.domain.work import Machine, Prescription, Product, Zone

UREA = Product("urea", "Urea", "Карбамид", {"n": 46.2}, 35_000)
KCL = Product("kcl", "Potassium chloride", "Калий хлористый", {"k2o": 60.0}, 28_000)
UAN = Product("uan32", "UAN 32", "КАС-32", {"n": 32.0}, 22_000, density_kg_l=1.32)
SPREADER = Machine(24.0, 50.0, 600.0, 5.0, "any")
LON, LAT = 86.05, 55.35
_GEOD = Geod(ellps="WGS84")


def degrees(shape, lon=LON, lat=LAT):
    """Metres east and north of a place, as degrees."""
    north = 1 / 111_320
    return shapely.transform(
        shape, lambda xy: np.column_stack([lon + xy[:, 0] * north / np.cos(np.radians(lat)), lat + xy[:, 1] * north])
    )


def area_ha(shape) -> float:
    return abs(_GEOD.geometry_area_perimeter(shape)[0]) / 1e4


def prescribed(zones, rates, products=(UREA,), fallback=0.0, **more) -> Prescription:
    """Zones (polygons in degrees) with their rates [kg/ha], one tuple a zone."""
    made = tuple(
        Zone(n, _multi(shape), area_ha(shape), tuple(rate), {}, "")
        for n, (shape, rate) in enumerate(zip(zones, rates, strict=True), 1)
    )
    count = len(products)
    about = {"prescription_id": "rx-1", "field_id": "topki-017", "field_name": "Дальнее за логом", "farm_id": "Заря"}
    about |= {"customer": "ООО «Заря Кузбасса»", "season": 2026, "crop": "spring_wheat", "planned_yield_t_ha": 2.5}
    about |= {"made_on": date(2026, 4, 20), "outline_version": "v1", "boundary": _joined(zones), "why_uniform": None}
    about |= {"default_kg_ha": (fallback,) * count, "outside_kg_ha": (0.0,) * count, "lost_kg_ha": (fallback,) * count}
    return Prescription(products=tuple(products), zones=made, **(about | more))


def _multi(shape) -> MultiPolygon:
    return shape if isinstance(shape, MultiPolygon) else MultiPolygon([shape])


def _joined(zones):
    return shapely.union_all(zones, grid_size=1e-9)


def two_halves(**more) -> Prescription:
    """400 x 200 m, the west at 100 kg/ha, the east at 200: 4 ha each, 400 and 800 kg."""
    return prescribed([degrees(box(0, 0, 200, 200)), degrees(box(200, 0, 400, 200))], [(100.0,), (200.0,)], **more)


def odd_field(seed: int, products=(UREA,)) -> Prescription:
    """A field of an odd shape with up to three holes, cut into zones like a cracked plate; 2 to 300 ha."""
    chance = np.random.default_rng(seed)
    ground = _ground(chance)
    count = int(chance.integers(2, 8))
    west, south, east, north = ground.bounds
    seeds = MultiPoint(np.column_stack([chance.uniform(west, east, count), chance.uniform(south, north, count)]))
    pieces = [ground.intersection(cell) for cell in shapely.voronoi_polygons(seeds, extend_to=ground.envelope).geoms]
    pieces = [_polygons(piece) for piece in pieces]
    pieces = [piece for piece in pieces if not piece.is_empty and piece.area > 500]
    zones = [degrees(piece) for piece in pieces]
    rates = [tuple(5.0 * float(v) for v in chance.integers(0, 60, len(products))) for _ in zones]
    rates[0] = tuple(max(rate, 50.0) for rate in rates[0])
    return prescribed(
        zones,
        rates,
        products,
        fallback=float(5 * chance.integers(0, 30)),
        boundary=degrees(_polygons(shapely.union_all(pieces))),
    )


def raster_field(seed: int, products=(UREA,)) -> Prescription:
    """The same cut from pixels of 10 m in UTM, as maps of zones are: borders are stairs, askew to the meridians."""
    from pyproj import Transformer
    from rasterio.features import rasterize, shapes
    from rasterio.transform import from_origin

    one = odd_field(seed, products)
    to_utm, back = (Transformer.from_crs(a, b, always_xy=True).transform for a, b in ((4326, 32645), (32645, 4326)))
    drawn = [(shapely.transform(z.outline, lambda xy: np.column_stack(to_utm(*xy.T))), z.number) for z in one.zones]
    west, south, east, north = shapely.union_all([shape for shape, _ in drawn]).bounds
    place = from_origin(west // 20 * 20 - 20, north // 20 * 20 + 40, 10, 10)
    size = int((north - south) / 10) + 12, int((east - west) / 10) + 12
    pixels = rasterize(drawn, size, transform=place, dtype="int32")
    found: dict[int, list] = {}
    for shape, number in shapes(pixels, pixels > 0, transform=place):
        found.setdefault(int(number), []).append(shapely.geometry.shape(shape))
    zones = [
        shapely.transform(_polygons(shapely.union_all(found[n])), lambda xy: np.column_stack(back(*xy.T)))
        for n in sorted(found)
    ]
    rates = [one.zones[n - 1].rate_kg_ha for n in sorted(found)]
    return prescribed(zones, rates, products, fallback=one.default_kg_ha[0], boundary=_joined(zones))


def _ground(chance: np.random.Generator) -> Polygon:
    reach = float(np.exp(chance.uniform(np.log(80), np.log(900))))
    angles = np.linspace(0, 2 * np.pi, int(chance.integers(5, 60)), endpoint=False)
    wave = sum(chance.normal(0, 0.25 / k) * np.cos(k * angles + chance.uniform(0, 6.3)) for k in range(1, 5))
    radii = reach * np.clip(1 + wave, 0.25, 2.0)
    stretch = chance.uniform(0.4, 1.0)
    ground = Polygon(np.column_stack([radii * np.cos(angles), stretch * radii * np.sin(angles)])).buffer(0)
    for _ in range(int(chance.integers(0, 4))):
        middle = chance.uniform(-0.4, 0.4, 2) * reach * np.array([1, stretch])
        ground = ground.difference(
            Point(*middle).buffer(reach * chance.uniform(0.04, 0.15), quad_segs=int(chance.integers(1, 6)))
        )
    return max(ground.geoms, key=lambda one: one.area) if isinstance(ground, MultiPolygon) else ground


def _polygons(shape):
    found = [one for one in getattr(shape, "geoms", [shape]) if isinstance(one, Polygon) and one.area > 0]
    return MultiPolygon(found)
