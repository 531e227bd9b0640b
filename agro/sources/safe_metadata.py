"""What a Sentinel-2 L2A product says of itself: MTD_MSIL2A.xml and MTD_TL.xml, read and never assumed."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as xml

import numpy as np
import shapely

from agro.domain.errors import BadInput
from agro.domain.grid import Grid

# Our bands: the product's name, the pixel that is taken [m], the name in the list of offsets.
BANDS: dict[str, tuple[str, int, str]] = {
    "blue": ("B02", 10, "B2"),
    "green": ("B03", 10, "B3"),
    "red": ("B04", 10, "B4"),
    "rededge1": ("B05", 20, "B5"),
    "rededge2": ("B06", 20, "B6"),
    "rededge3": ("B07", 20, "B7"),
    "nir": ("B08", 10, "B8"),
    "nir08": ("B8A", 20, "B8A"),
    "swir16": ("B11", 20, "B11"),
    "swir22": ("B12", 20, "B12"),
    "scl": ("SCL", 20, ""),
}
_ORDER = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")  # source: ESA PSD, bandId
_OFFSETS_SINCE = (4, 0)  # the processing baseline from which each product lists its offsets. source: ESA PSD 14.9
_SHARES = (  # of the pixels, in per cent, as the product counts them
    *("NODATA_PIXEL", "SATURATED_DEFECTIVE_PIXEL", "DARK_FEATURES", "CLOUD_SHADOW", "VEGETATION", "NOT_VEGETATED"),
    *("WATER", "UNCLASSIFIED", "MEDIUM_PROBA_CLOUDS", "HIGH_PROBA_CLOUDS", "THIN_CIRRUS", "SNOW_ICE"),
    "DEGRADED_MSI_DATA",
)
_ESA = {
    "name": "ESA",
    "roles": ["producer", "processor", "licensor"],
    "url": "https://earth.esa.int/web/guest/home",
}
_HALF_TURN_DEG = 180.0


@dataclass(frozen=True)
class Described:
    """A product by its metadata: identity, time (UTC), ground, and for each of our bands its file, scale and offset.

    scale, offset  [1] reflectance = counts * scale + offset, by our names of bands; classes have none
    bbox           (west, south, east, north) [deg]; east of the antimeridian lies beyond it: west > east
    files          the path of each band inside the product
    grids          where the pixels lie, by pixel size [m]
    """

    item_id: str
    product: str
    acquired_at: datetime
    footprint: shapely.Geometry
    bbox: tuple[float, float, float, float]
    grids: Mapping[int, Grid]
    files: Mapping[str, str]
    scale: float
    offset: Mapping[str, float]
    properties: Mapping[str, Any]


def described(product: xml.Element, tile: xml.Element, where: str) -> Described:
    """The product by its two metadata files. Raises BadInput where one does not say what has to be known."""
    level = _text(product, "PROCESSING_LEVEL", where)
    if not level.startswith("Level-2A"):
        raise BadInput(
            "SAFE-LEVEL",
            "{where}: is a product of {met}; reflectance at the ground is in Level-2A",
            "download the L2A product, or make it with Sen2Cor",
            where=where,
            met=level,
        )
    name = _text(product, "PRODUCT_URI", where).removesuffix(".SAFE")
    found = re.fullmatch(r"(S2[A-D])_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T(\d{2}[C-X][A-Z]{2})_\d{8}T\d{6}", name)
    datastrip = _text(tile, "DATASTRIP_ID", where)
    sensed = re.search(r"_S(\d{8}T\d{6})_", datastrip)
    if found is None or sensed is None:
        raise _unsaid(where, "PRODUCT_URI, DATASTRIP_ID")
    turned = _footprint(_text(product, "EXT_POS_LIST", where), where)
    grids = _grids(tile, where)
    properties = _properties(product, tile, where) | _of_tile(found[2], grids[10].crs, turned)
    west, south, east, north = turned.bounds
    quantification = _number(product, "BOA_QUANTIFICATION_VALUE", where)
    if not quantification >= 1:
        raise _unsaid(where, "BOA_QUANTIFICATION_VALUE")
    return Described(
        f"{found[1]}_T{found[2]}_{sensed[1]}_L2A",
        name,
        _instant(_text(product, "PRODUCT_START_TIME", where), where),
        _cut(turned),
        (west, south, _turned_back(east), north),
        grids,
        _files(product, where),
        1 / quantification,
        {band: count / quantification for band, count in _offsets(product, where).items()},
        properties | {"s2:datastrip_id": datastrip},
    )


def _offsets(product: xml.Element, where: str) -> dict[str, float]:
    """What is added to the counts of each band: as listed; 0 only where the baseline is older than any offset."""
    names = {e.get("bandId"): e.get("physicalBand") for e in product.iter("Spectral_Information")}
    names = names or {str(n): name for n, name in enumerate(_ORDER)}
    listed = {names.get(e.get("band_id")): _counts(e.text, where) for e in product.iter("BOA_ADD_OFFSET")}
    major, _, minor = _text(product, "PROCESSING_BASELINE", where).partition(".")
    old = major.isdigit() and minor.isdigit() and (int(major), int(minor)) < _OFFSETS_SINCE
    offsets = {}
    for band, (_, _, physical) in BANDS.items():
        if not physical:
            continue
        count = listed.get(physical, 0.0 if old and not listed else None)
        if count is None:
            raise BadInput(
                "SAFE-OFFSET",
                "{where}: lists no BOA_ADD_OFFSET of {met}, and its processing baseline {baseline} has them",
                "download the product's MTD_MSIL2A.xml again",
                where=where,
                met=physical,
                baseline=f"{major}.{minor}",
            )
        offsets[band] = count
    return offsets


def _files(product: xml.Element, where: str) -> dict[str, str]:
    """The path of each of our bands; a band that is not listed is missing."""
    listed = [(e.text or "").strip() for e in product.iter("IMAGE_FILE")]
    formats = {e.get("imageFormat") for e in product.iter("Granule")}
    ending = ".tif" if formats == {"GeoTIFF"} else ".jp2"  # some makers write GeoTIFF
    files = {}
    for band, (name, size, _) in BANDS.items():
        path = next((p for p in listed if p.endswith(f"_{name}_{size}m")), None)
        if path is None:
            raise incomplete(where, f"{name}_{size}m")
        files[band] = path + ending
    return files


def incomplete(where: str, met: str) -> BadInput:
    """What to say of a product that lacks a file."""
    return BadInput(
        "SAFE-INCOMPLETE",
        "{where}: the product has no {met}",
        "download it again, whole: a band that is missing cannot be made up",
        where=where,
        met=met,
    )


def _grids(tile: xml.Element, where: str) -> dict[int, Grid]:
    code = _text(tile, "HORIZONTAL_CS_CODE", where)
    grids = {}
    for size in (10, 20):
        shape, place = (tile.find(f".//{tag}[@resolution='{size}']") for tag in ("Size", "Geoposition"))
        if shape is None or place is None:
            raise _unsaid(where, "Tile_Geocoding")
        height, width, west, north = (
            int(_number(part, tag, where))
            for part, tag in ((shape, "NROWS"), (shape, "NCOLS"), (place, "ULX"), (place, "ULY"))
        )
        grids[size] = Grid(code, west, north, size, height, width)
    return grids


def _footprint(text: str, where: str) -> shapely.Geometry:
    """The ground [deg] of a list of latitudes and longitudes; what lies beyond the antimeridian has 180 to 360."""
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        raise _unsaid(where, "EXT_POS_LIST") from None
    step = 3 if len(numbers) % 3 == 0 and all(h == 0 for h in numbers[2::3]) else 2  # some list heights of 0 too
    points = [(round(x, 6), round(y, 6)) for y, x in zip(numbers[::step], numbers[1::step], strict=False)]
    if len(points) < 4:
        raise _unsaid(where, "EXT_POS_LIST")
    if max(x for x, _ in points) - min(x for x, _ in points) > _HALF_TURN_DEG:
        points = [(round(x + 360, 6) if x < 0 else x, y) for x, y in points]
    shape = shapely.Polygon(points)
    return shape if shape.is_valid else shapely.make_valid(shape)


def _cut(turned: shapely.Geometry) -> shapely.Geometry:
    """The same in -180..180, as two parts where it crosses the antimeridian."""
    if turned.bounds[2] <= _HALF_TURN_DEG:
        return turned
    here, beyond = (turned.intersection(shapely.box(x, -90, x + _HALF_TURN_DEG, 90)) for x in (0, _HALF_TURN_DEG))
    return shapely.union_all([here, shapely.transform(beyond, lambda xy: xy - [360.0, 0.0])])


def _turned_back(longitude_deg: float) -> float:
    return round(longitude_deg - 360, 6) if longitude_deg > _HALF_TURN_DEG else longitude_deg


def _properties(product: xml.Element, tile: xml.Element, where: str) -> dict[str, Any]:
    """As the STAC extensions eo, sat, view and sentinel-2 name it."""
    zeniths, azimuths = _angles(tile.findall(".//Mean_Viewing_Incidence_Angle"), where)
    (sun_zenith,), (sun_azimuth,) = _angles(tile.findall(".//Mean_Sun_Angle")[:1], where)
    datatake = product.find(".//Datatake")
    shares = {
        f"s2:{tag.lower()}_percentage": _number(tile, f"{tag}_PERCENTAGE", where)
        for tag in _SHARES
        if tile.find(f".//{tag}_PERCENTAGE") is not None
    }
    return {
        "platform": _text(product, "SPACECRAFT_NAME", where).casefold(),
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "providers": [_ESA],
        "eo:cloud_cover": _number(product, "Cloud_Coverage_Assessment", where),
        "sat:relative_orbit": int(_number(product, "SENSING_ORBIT_NUMBER", where)),
        "sat:orbit_state": _text(product, "SENSING_ORBIT_DIRECTION", where).casefold(),
        "view:sun_elevation": 90.0 - sun_zenith,
        "view:sun_azimuth": sun_azimuth,
        "view:incidence_angle": float(np.mean(zeniths)),
        "view:azimuth": _mean_azimuth(azimuths),
        "s2:product_uri": _text(product, "PRODUCT_URI", where),
        "s2:product_type": _text(product, "PRODUCT_TYPE", where),
        "s2:processing_baseline": _text(product, "PROCESSING_BASELINE", where),
        "s2:generation_time": _text(product, "GENERATION_TIME", where),
        "s2:datatake_id": "" if datatake is None else datatake.get("datatakeIdentifier", ""),
        "s2:datatake_type": _text(product, "DATATAKE_TYPE", where),
        "s2:tile_id": _text(tile, "TILE_ID", where),
        "s2:reflectance_conversion_factor": _number(product, "U", where),
        **shares,
        **({"eo:snow_cover": shares["s2:snow_ice_percentage"]} if "s2:snow_ice_percentage" in shares else {}),
    }


def _of_tile(tile: str, crs: str, turned: shapely.Geometry) -> dict[str, Any]:
    middle = turned.centroid
    return {
        "grid:code": f"MGRS-{tile}",
        "mgrs:utm_zone": int(tile[:2]),
        "mgrs:latitude_band": tile[2],
        "mgrs:grid_square": tile[3:],
        "proj:code": crs,
        "proj:centroid": {"lat": round(middle.y, 5), "lon": round(_turned_back(middle.x), 5)},
    }


def _angles(elements: Sequence[xml.Element], where: str) -> tuple[list[float], list[float]]:
    if not elements:
        raise _unsaid(where, "Mean_Sun_Angle, Mean_Viewing_Incidence_Angle")
    return [_number(e, "ZENITH_ANGLE", where) for e in elements], [_number(e, "AZIMUTH_ANGLE", where) for e in elements]


def _mean_azimuth(azimuths_deg: Sequence[float]) -> float:
    """The mean direction [deg], clockwise from north; the mean of 359 and 1 is 0."""
    turned = np.exp(1j * np.radians(azimuths_deg)).mean()
    return math.degrees(math.atan2(turned.imag, turned.real)) % 360.0


def _text(element: xml.Element, tag: str, where: str) -> str:
    text = element.findtext(f".//{tag}")
    if text is None or not text.strip():
        raise _unsaid(where, tag)
    return text.strip()


def _number(element: xml.Element, tag: str, where: str) -> float:
    return _counts(_text(element, tag, where), where)


def _counts(text: str | None, where: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _unsaid(where, str(text)[:40])
    return number


def _instant(text: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise _unsaid(where, "PRODUCT_START_TIME") from None


def _unsaid(where: str, met: str) -> BadInput:
    return BadInput(
        "SAFE-METADATA",
        "{where}: its metadata do not say {met}, or not so that it can be read",
        "download the product again",
        where=where,
        met=met,
    )
