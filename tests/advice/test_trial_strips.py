"""Strips of a trial: inside the field, along its longer side, every dose once a repetition, and read when the yield is there."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate

from agro.advice.trial import Design, doses_around, driving_direction, lay_out, read_trial, tells_apart_kg_ha
from agro.domain.errors import BadInput

DESIGN = Design((0.0, 30.0, 60.0, 90.0, 120.0), 4, 24.0, 120.0)
FIELD = shapely.Polygon([(0, 0), (1200, 100), (1150, 700), (500, 650), (0, 600)], [[(300, 200), (350, 200), (350, 260), (300, 260)]])  # fmt: skip


def test_every_dose_once_a_repetition_side_by_side_and_inside() -> None:
    strips = lay_out(FIELD, DESIGN, 1)
    assert strips.groupby("rep")["dose_kg_ha"].apply(lambda doses: tuple(sorted(doses))).unique().tolist() == [DESIGN.doses_kg_ha]  # fmt: skip
    assert strips["rep"].nunique() == 4
    inner = FIELD.buffer(-46.9)
    assert all(inner.covers(strip) for strip in strips.geometry)
    overlap = shapely.union_all(strips.geometry).area
    assert overlap == pytest.approx(strips.area.sum()) == pytest.approx(1e4 * strips["area_ha"].sum())
    for strip in strips.geometry:
        away = (driving_direction(strip) - driving_direction(FIELD) + 90) % 180 - 90
        assert away == pytest.approx(0, abs=1e-6)


def test_strips_are_passes_of_a_machine_that_begins_at_the_edge() -> None:
    """600 m less a headland of 48 m on each side: lanes begin at whole widths of 24 m from the southern edge."""
    strips = lay_out(shapely.box(0, 0, 900, 600), DESIGN, 1)
    south = strips.geometry.bounds["miny"].to_numpy()
    assert np.allclose(south / 24, np.round(south / 24)) and len(set(south)) == 20 and south.min() == 48


def test_the_lot_decides_and_the_same_seed_draws_the_same() -> None:
    assert lay_out(FIELD, DESIGN, 1).equals(lay_out(FIELD, DESIGN, 1))
    assert not lay_out(FIELD, DESIGN, 1)["dose_kg_ha"].equals(lay_out(FIELD, DESIGN, 2)["dose_kg_ha"])


@given(st.floats(250, 1500), st.floats(250, 1500), st.floats(0, 180), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_strips_never_leave_a_field_of_any_size_and_turn(long: float, wide: float, turn: float, seed: int) -> None:
    field = rotate(shapely.box(0, 0, long, wide), turn)
    try:
        strips = lay_out(field, DESIGN, seed)
    except BadInput as error:
        assert error.refusal.code == "TRIAL-SMALL"
        return
    assert field.buffer(1e-6).covers(shapely.union_all(strips.geometry)) and strips["rep"].nunique() >= 2


def test_a_small_field_gets_no_trial() -> None:
    with pytest.raises(BadInput, match="TRIAL-SMALL"):
        lay_out(shapely.box(0, 0, 400, 100), DESIGN, 1)


@pytest.mark.parametrize("uniform", [0.0, 20.0, 45.0, 60.0, 120.0])
def test_doses_rise_from_none_to_at_most_the_cap(uniform: float) -> None:
    doses = doses_around(uniform, (0.0, 0.5, 1.0, 1.5, 2.0), 15.0, 120.0)
    assert doses[0] == 0 and doses[-1] <= 120 and len(doses) == 5 and min(np.diff(doses)) >= 14.9


def test_more_repetitions_tell_smaller_differences_apart() -> None:
    few, many = (tells_apart_kg_ha(Design(DESIGN.doses_kg_ha, reps, 24.0, 120.0), 0.2, -6e-5) for reps in (2, 8))
    assert many == pytest.approx(few / 2)
    doses = np.tile(DESIGN.doses_kg_ha, 2)
    assert few == pytest.approx(2.487 * 2**0.5 * 0.2 / (np.std(doses) * 10**0.5) / 1.2e-4, rel=1e-3)


def test_the_yields_of_strips_are_read_without_their_sides_and_ends() -> None:
    strips = lay_out(FIELD, DESIGN, 1)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(5, 1200, 10.0), np.arange(5, 700, 10.0)))
    points = gpd.GeoDataFrame({"yield_t_ha": 2.0 + 0.001 * x}, geometry=gpd.points_from_xy(x, y))
    read = read_trial(strips, points)
    assert set(zip(read["rep"], read["strip"], strict=True)) == set(zip(strips["rep"], strips["strip"], strict=True))
    assert read["dose_kg_ha"].isin(DESIGN.doses_kg_ha).all() and read["yield_t_ha"].min() >= 2.0
    assert 0.5 < len(read) / (1e4 * strips["area_ha"].sum() / 100) < 0.9  # a pixel a point; the edges are left out
