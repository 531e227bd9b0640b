"""Work on a field: products, zones and the prescription that a machine drives.

Rates are of product as weighed (`rate_kg_ha`), doses are of nutrient (`dose_kg_ha`); the two are never mixed.
Outlines are shapely geometries in EPSG:4326.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from agro.domain.errors import Refusal

if TYPE_CHECKING:
    from shapely import MultiPolygon, Polygon

NUTRIENTS = ("n", "p2o5", "k2o", "s", "caco3")  # caco3: lime, as calcium carbonate


@dataclass(frozen=True)
class Product:
    """A fertiliser or lime: what share of its weight is what [%], its price [RUB/t], None where nobody said it."""

    code: str
    english: str
    russian: str
    content_pct: Mapping[str, float]
    price_rub_t: float | None = None
    density_kg_l: float | None = None


@dataclass(frozen=True)
class Zone:
    """A part of a field with one rate: one number [kg/ha] for each product of the prescription, in their order.

    `area_ha` is geodesic (WGS 84): a UTM area differs by up to 0.08 %, which would show in a proof to 0.1 %.
    """

    number: int
    outline: "MultiPolygon"
    area_ha: float
    rate_kg_ha: tuple[float, ...]
    dose_kg_ha: Mapping[str, float]
    why: str = ""


@dataclass(frozen=True)
class Prescription:
    """What to apply where on one field.

    `zones` cover the boundary without overlap; what needs nothing (a protection strip) is a zone of rate 0.
    `why_uniform` says why one rate is better; None where the rate varies. The three fallback rates [kg/ha] stand for
    a place outside all zones, a place outside the field, and a lost position, one number for each product.
    """

    prescription_id: str
    field_id: str
    field_name: str
    farm_id: str
    customer: str
    season: int
    crop: str
    planned_yield_t_ha: float
    made_on: date
    outline_version: str
    boundary: "MultiPolygon | Polygon"
    products: tuple[Product, ...]
    zones: tuple[Zone, ...]
    why_uniform: Refusal | None
    default_kg_ha: tuple[float, ...]
    outside_kg_ha: tuple[float, ...]
    lost_kg_ha: tuple[float, ...]

    @property
    def total_kg(self) -> tuple[float, ...]:
        """Kilograms of each product over all zones: what is to be ordered."""
        return tuple(sum(zone.rate_kg_ha[i] * zone.area_ha for zone in self.zones) for i in range(len(self.products)))


@dataclass(frozen=True)
class Machine:
    """What applies it: working width [m], limits of the rate [kg/ha], its step [kg/ha], its terminal."""

    implement_width_m: float
    lowest_kg_ha: float
    highest_kg_ha: float
    step_kg_ha: float
    terminal: str
