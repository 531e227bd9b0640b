"""Zones joined where a terminal takes fewer: those that lose least, and what is lost by it."""

from dataclasses import replace

import numpy as np
from shapely import MultiPolygon, Polygon, get_parts, union_all

from agro.domain.errors import BadInput
from agro.domain.work import Prescription, Zone

_Groups = list[list[int]]  # which zones, by place, become one


def merged(
    prescription: Prescription, most_zones: int, most_polygons: int, most_lost: float
) -> tuple[Prescription, float]:
    """The prescription in so few zones and polygons as a terminal takes.

    Joined zones get the mean rate by area, so the kilograms stay. With one product zones next to each other in rate are
    joined, and no other choice of them loses less; with several the pair that loses least is joined again and again.
    Polygons too many are given to the zone that they touch, the one that loses least first.

    most_lost  [1] share of the kilograms that may come to lie elsewhere
    returns    the prescription, itself where it fits; and the share [1] of all kilograms that lies elsewhere
    raises     BadInput where it does not fit, or more would be lost
    source     ours; the exact choice is the dynamic programme of Fisher 1958, J. Am. Stat. Assoc. 53:789
    """
    if len(prescription.zones) <= most_zones and _polygon_count(prescription.zones) <= most_polygons:
        return prescription, 0.0
    zones = list(prescription.zones)
    groups = _groups(zones, most_zones) if len(zones) > most_zones else [[n] for n in range(len(zones))]
    joined = [_joined(number, [zones[n] for n in group]) for number, group in enumerate(groups, 1)]
    while _polygon_count(joined) > most_polygons:
        joined = _without_smallest_loss(joined, prescription, most_polygons)
    found = replace(prescription, zones=tuple(joined))
    lost = _lost(prescription, found)
    if lost > most_lost:
        raise BadInput(
            "RX-MERGE",
            "{field}: in {limit} zones {lost} % of the product would lie elsewhere, at most {most} % may",
            "take a terminal that takes more zones, or fewer zones in the prescription",
            field=prescription.field_id,
            limit=most_zones,
            lost=f"{100 * lost:.1f}",
            most=f"{100 * most_lost:.1f}",
        )
    return found, lost


def _polygon_count(zones: list[Zone] | tuple[Zone, ...]) -> int:
    return sum(len(zone.outline.geoms) for zone in zones)


def _groups(zones: list[Zone], most: int) -> _Groups:
    rates = np.array([zone.rate_kg_ha for zone in zones])
    areas = np.array([zone.area_ha for zone in zones])
    return _one_product(rates[:, 0], areas, most) if rates.shape[1] == 1 else _many_products(rates, areas, most)


def _loss(rates: np.ndarray, areas: np.ndarray) -> float:
    """Kilograms that lie elsewhere where all of these get their mean; rates (zones, products)."""
    mean = areas @ rates / areas.sum()
    return float((areas[:, None] * np.abs(rates - mean)).sum() / 2)


def _one_product(rates: np.ndarray, areas: np.ndarray, most: int) -> _Groups:
    """Cuts of the rates in order, with the least loss: best[k][j] is that of the first j zones in k groups."""
    order = np.argsort(rates, kind="stable")
    own, land, count = rates[order][:, None], areas[order], len(rates)
    cost = np.zeros((count + 1, count + 1))
    for low in range(count):
        for high in range(low + 1, count + 1):
            cost[low, high] = _loss(own[low:high], land[low:high])
    best = np.full((most + 1, count + 1), np.inf)
    cut = np.zeros((most + 1, count + 1), int)
    best[0, 0] = 0.0
    for k in range(1, most + 1):
        for j in range(k, count + 1):
            ways = best[k - 1, :j] + cost[:j, j]
            cut[k, j] = int(np.argmin(ways))
            best[k, j] = ways[cut[k, j]]
    groups, end = [], count
    for k in range(most, 0, -1):
        groups.append([int(n) for n in order[cut[k, end] : end]])
        end = cut[k, end]
    return groups[::-1]


def _many_products(rates: np.ndarray, areas: np.ndarray, most: int) -> _Groups:
    groups = [[n] for n in range(len(rates))]
    while len(groups) > most:
        pairs = [(a, b) for b in range(len(groups)) for a in range(b)]
        costs = [_loss(rates[groups[a] + groups[b]], areas[groups[a] + groups[b]]) for a, b in pairs]
        lost = [_loss(rates[group], areas[group]) for group in groups]
        first, second = pairs[
            int(np.argmin([cost - lost[a] - lost[b] for cost, (a, b) in zip(costs, pairs, strict=True)]))
        ]
        groups[first] += groups.pop(second)
    return groups


def _joined(number: int, zones: list[Zone]) -> Zone:
    """One zone of several: their ground, their mean rates and doses, the reason of the largest."""
    areas = np.array([zone.area_ha for zone in zones])
    rates = areas @ np.array([zone.rate_kg_ha for zone in zones]) / areas.sum()
    nutrients = zones[0].dose_kg_ha
    doses = {
        name: float(areas @ [zone.dose_kg_ha.get(name, 0.0) for zone in zones] / areas.sum()) for name in nutrients
    }
    ground = union_all([zone.outline for zone in zones])
    largest = zones[int(np.argmax(areas))]
    return Zone(number, _polygons(ground), float(areas.sum()), tuple(map(float, rates)), doses, largest.why)


def _polygons(shape: MultiPolygon | Polygon) -> MultiPolygon:
    return MultiPolygon([one for one in get_parts(shape) if isinstance(one, Polygon)])


def _without_smallest_loss(zones: list[Zone], prescription: Prescription, most: int) -> list[Zone]:
    """The zones with that polygon given to a zone that it touches by which the fewest kilograms move."""
    ways = []
    for giver, zone in enumerate(zones):
        whole = zone.outline.area
        for place, part in enumerate(zone.outline.geoms):
            area_ha = zone.area_ha * part.area / whole
            for taker, other in enumerate(zones):
                if taker != giver and other.outline.intersection(part).length > 0:
                    rates = np.array([zone.rate_kg_ha, other.rate_kg_ha])
                    ways.append((_loss(rates, np.array([area_ha, other.area_ha])), giver, taker, place, area_ha))
    if not ways:
        raise BadInput(
            "RX-POLYGONS",
            "{field}: {met} separate polygons, and the terminal takes {limit}",
            "take a terminal that takes more, or one that reads rates by cells",
            field=prescription.field_id,
            met=_polygon_count(zones),
            limit=most,
        )
    _, giver, taker, place, area_ha = min(ways)
    rest = list(zones[giver].outline.geoms)
    given = replace(zones[giver], outline=MultiPolygon([rest.pop(place)]), area_ha=area_ha)
    kept = list(zones)
    kept[taker] = _joined(zones[taker].number, [zones[taker], given])
    if rest:
        kept[giver] = replace(zones[giver], outline=MultiPolygon(rest), area_ha=zones[giver].area_ha - area_ha)
    else:
        del kept[giver]
    return kept


def _lost(before: Prescription, after: Prescription) -> float:
    """The share of all kilograms [1] that lies elsewhere after than before."""
    moved = np.zeros(len(before.products))
    for zone in before.zones:
        whole = zone.outline.area
        for other in after.zones:
            share = zone.outline.intersection(other.outline).area / whole
            moved += share * zone.area_ha * np.abs(np.subtract(zone.rate_kg_ha, other.rate_kg_ha)) / 2
    return float(moved.sum() / max(sum(before.total_kg), 1e-9))
