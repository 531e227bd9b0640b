"""A prescription as GeoJSON, its zones as features that any GIS shows, and back without loss."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from shapely.geometry import mapping, shape

from agro.domain.errors import Refusal, Told, TornFile
from agro.domain.work import Prescription, Product, Zone

_OWN = "agro:prescription"
_PLAIN = ("prescription_id", "field_id", "field_name", "farm_id", "customer", "season", "crop", "planned_yield_t_ha")
_RATES = ("default_kg_ha", "outside_kg_ha", "lost_kg_ha")


def to_geojson(prescription: Prescription) -> bytes:
    """The prescription: one feature a zone, everything else beside them."""
    own: dict[str, Any] = {name: getattr(prescription, name) for name in _PLAIN}
    own |= {name: list(getattr(prescription, name)) for name in _RATES}
    own["made_on"], own["outline_version"] = prescription.made_on.isoformat(), prescription.outline_version
    own["boundary"] = mapping(prescription.boundary)
    own["products"] = [vars(product) | {"content_pct": dict(product.content_pct)} for product in prescription.products]
    own["why_uniform"] = _plain(prescription.why_uniform)
    content = {
        "type": "FeatureCollection",
        "name": prescription.prescription_id,
        _OWN: own,
        "features": [_feature(zone, prescription.products) for zone in prescription.zones],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def from_geojson(content: bytes, where: str) -> Prescription:
    """The prescription that `to_geojson` wrote. Raises TornFile."""
    try:
        table = json.loads(content)
        own = table[_OWN]
        products = tuple(Product(**row) for row in own["products"])
        plain: dict[str, Any] = {name: own[name] for name in _PLAIN} | {name: tuple(own[name]) for name in _RATES}
        return Prescription(
            **plain,
            made_on=date.fromisoformat(own["made_on"]),
            outline_version=own["outline_version"],
            boundary=shape(own["boundary"]),
            products=products,
            zones=tuple(_zone(feature, products) for feature in table["features"]),
            why_uniform=_told(own["why_uniform"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TornFile(
            "PRESCRIPTION-TORN",
            "{where}: is no prescription of ours ({met})",
            "take zones.geojson as the store has it",
            where=where,
            met=f"{type(error).__name__}: {error}"[:160],
        ) from None


def _feature(zone: Zone, products: tuple[Product, ...]) -> dict[str, Any]:
    rates = {f"rate_kg_ha:{product.code}": rate for product, rate in zip(products, zone.rate_kg_ha, strict=True)}
    doses = {f"dose_kg_ha:{nutrient}": dose for nutrient, dose in zone.dose_kg_ha.items()}
    about = {"zone": zone.number, "area_ha": zone.area_ha, **rates, **doses, "why": zone.why}
    return {"type": "Feature", "properties": about, "geometry": mapping(zone.outline)}


def _zone(feature: Mapping[str, Any], products: tuple[Product, ...]) -> Zone:
    about = feature["properties"]
    return Zone(
        number=about["zone"],
        outline=shape(feature["geometry"]),
        area_ha=about["area_ha"],
        rate_kg_ha=tuple(about[f"rate_kg_ha:{product.code}"] for product in products),
        dose_kg_ha={name.partition(":")[2]: dose for name, dose in about.items() if name.startswith("dose_kg_ha:")},
        why=about["why"],
    )


def _plain(value: Any) -> Any:
    """A sentence with its facts, down to plain JSON values."""
    if isinstance(value, Refusal | Told):
        return {type(value).__name__: {name: _plain(part) for name, part in vars(value).items()}}
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _told(value: Any) -> Any:
    """What `_plain` made, back."""
    if not isinstance(value, dict):
        return value
    inner = {name: _told(part) for name, part in value.items()}
    if set(inner) == {"Refusal"}:
        return Refusal(**inner["Refusal"])
    return Told(**inner["Told"]) if set(inner) == {"Told"} else inner
