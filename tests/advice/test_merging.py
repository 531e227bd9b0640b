"""Zones joined to a terminal's limit: no other choice loses less, and the kilograms stay."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from prescriptions import KCL, UREA, degrees, prescribed
from shapely import MultiPolygon, box

from agro.advice.merging import merged
from agro.domain.errors import BadInput

SIDE_M = 100.0


def strips(rates, widths=None, products=(UREA,)):
    """Strips beside each other, of one height and these widths [m]."""
    edges = np.cumsum([0, *(widths or [SIDE_M] * len(rates))])
    shapes = [degrees(box(low, 0, high, SIDE_M)) for low, high in pairwise(edges)]
    return prescribed(shapes, [tuple(np.atleast_1d(rate).astype(float)) for rate in rates], products)


def lost_kg(rates, areas, groups) -> float:
    total = 0.0
    for group in groups:
        own, land = np.array(rates, float)[list(group)], np.array(areas)[list(group)]
        total += float((land * np.abs(own - land @ own / land.sum())).sum() / 2)
    return total


def all_groups(items, count):
    """Every way to put items into so many groups."""
    if count == 1:
        yield [items]
        return
    first, rest = items[0], items[1:]
    for size in range(len(rest) - count + 2):
        for others in combinations(rest, size):
            left = [item for item in rest if item not in others]
            yield from ([[first, *others], *groups] for groups in all_groups(left, count - 1))


def test_what_fits_stays_as_it_is() -> None:
    made = strips([100, 150, 200])
    assert merged(made, 3, 3, 0.1) == (made, 0.0)


def test_by_hand() -> None:
    """100, 105, 200, 300 in three: the first two become 102.5; 2.5 kg/ha of one hectare land elsewhere."""
    found, lost = merged(strips([100, 105, 200, 300]), 3, 10, 0.1)
    assert [zone.rate_kg_ha[0] for zone in found.zones] == pytest.approx([102.5, 200, 300], rel=1e-4)
    assert lost == pytest.approx(2.5 / 705, rel=1e-3)
    assert sum(zone.area_ha for zone in found.zones) == pytest.approx(4, rel=5e-3)
    assert len(found.zones[0].outline.geoms) == 1  # neighbours become one polygon


@pytest.mark.parametrize("seed", range(12))
def test_no_other_choice_of_neighbours_in_rate_loses_less(seed: int) -> None:
    chance = np.random.default_rng(seed)
    count, most = int(chance.integers(4, 8)), int(chance.integers(2, 4))
    rates, widths = chance.integers(0, 60, count) * 5.0, list(chance.uniform(30, 300, count))
    made = strips(rates, widths)
    areas = [zone.area_ha for zone in made.zones]
    order = list(np.argsort(rates, kind="stable"))
    cuts = combinations(range(1, count), most - 1)
    least = min(
        lost_kg(rates, areas, [order[a:b] for a, b in zip((0, *cut), (*cut, count), strict=True)]) for cut in cuts
    )
    found, lost = merged(made, most, 100, 1.0)
    assert len(found.zones) == most
    assert lost * made.total_kg[0] == pytest.approx(least, rel=1e-6, abs=1e-6)
    assert found.total_kg[0] == pytest.approx(made.total_kg[0], rel=1e-9)
    any_way = min(lost_kg(rates, areas, groups) for groups in all_groups(list(range(count)), most))
    assert least <= 1.1 * any_way + 1e-9  # joining zones that are far apart in rate gains little where it gains at all


def test_several_products_keep_their_kilograms() -> None:
    made = strips([(100, 50), (100, 60), (200, 50), (210, 55)], products=(UREA, KCL))
    found, lost = merged(made, 2, 10, 0.5)
    assert [zone.rate_kg_ha for zone in found.zones] == [
        pytest.approx((100, 55), rel=1e-3),
        pytest.approx((205, 52.5), rel=1e-3),
    ]
    assert found.total_kg == pytest.approx(made.total_kg, rel=1e-9) and 0 < lost < 0.03


def test_polygons_too_many_go_to_the_neighbour_that_loses_least() -> None:
    ground = box(0, 0, 400, 200)
    spots = [box(20, 20, 40, 40), box(200, 100, 230, 130), box(350, 20, 360, 30)]
    rest = ground
    for spot in spots:
        rest = rest - spot
    made = prescribed([degrees(rest), degrees(MultiPolygon(spots))], [(100.0,), (150.0,)])
    found, lost = merged(made, 10, 2, 0.1)
    assert sum(len(zone.outline.geoms) for zone in found.zones) == 2
    assert found.zones[1].area_ha == pytest.approx(0.09, rel=1e-2)  # the largest spot stays
    assert found.total_kg == pytest.approx(made.total_kg, rel=1e-9) and 0 < lost < 0.01


def test_a_loss_too_great_and_islands_that_nothing_touches() -> None:
    with pytest.raises(BadInput, match=r"RX-MERGE.*in 1 zones 33.3 %.*at most 10.0 %"):
        merged(strips([0, 100, 200]), 1, 10, 0.1)
    apart = prescribed([degrees(box(200 * n, 0, 200 * n + 100, 100)) for n in range(4)], [(100.0,)] * 4)
    with pytest.raises(BadInput, match=r"RX-POLYGONS.*4 separate polygons.*takes 3"):
        merged(apart, 10, 3, 0.1)
