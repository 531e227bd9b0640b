import numpy as np
import pytest
from combine import Drive, drive, wavy
from shapely.geometry import box

from agro.agromaps.barn_weight import in_barn
from agro.agromaps.block_kriging import Variogram, Witnesses, krige_blocks, mean_error, variogram_of
from agro.agromaps.yield_cleaning import CleaningRules, clean
from agro.agromaps.yield_map import field_yield, scale_to, segments
from agro.domain.errors import BadInput

HOW = Drive(width_m=200, length_m=300)
FIELD = box(HOW.x_m, HOW.y_m, HOW.x_m + HOW.width_m, HOW.y_m + HOW.length_m)
X, Y = (axis.ravel() for axis in np.meshgrid(np.arange(5.0, 200, 10), np.arange(5.0, 300, 10)))
PIXELS = np.column_stack([HOW.x_m + X, HOW.y_m + Y])


def truth() -> np.ndarray:
    inner = np.arange(10) - 4.5
    whole: np.ndarray = np.mean([wavy(X + a, Y + b) for a in inner for b in inner], axis=0)
    return whole


def test_kriging_by_hand() -> None:
    """Four points around one, all equally far: the mean of the four, whatever the variogram."""
    xy = np.array([[0.0, 10.0], [10.0, 0.0], [0.0, -10.0], [-10.0, 0.0]])
    shape = Variogram(1.0, 0.2, 60.0)
    known = Witnesses(xy, np.array([1.0, 2.0, 3.0, 6.0]), np.arange(4))
    value, error = krige_blocks(known, shape, np.zeros((1, 2)), 10.0, 25.0)
    assert value[0] == pytest.approx(3.0) and 0 < error[0] < 1
    far, _ = krige_blocks(known, shape, np.array([[100.0, 0.0]]), 10.0, 25.0)
    assert np.isnan(far[0])


def test_pure_noise_is_told_by_the_mean_of_the_nearest() -> None:
    random = np.random.default_rng(0)
    xy, values = random.uniform(0, 100, (32, 2)), random.normal(3, 1, 32)
    value, error = krige_blocks(
        Witnesses(xy, values, np.arange(32)), Variogram(1.0, 1.0, 10.0), np.array([[50.0, 50.0]]), 10.0, 100.0
    )
    assert value[0] == pytest.approx(values.mean()) and error[0] == pytest.approx(np.sqrt(1 / 32), rel=1e-6)


@pytest.mark.parametrize("range_m", [60.0, 150.0])
def test_a_variogram_that_was_drawn_is_found(range_m: float) -> None:
    random = np.random.default_rng(3)
    xy = random.uniform(0, 600, (1500, 2))
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    drawn = np.linalg.cholesky(0.8 * np.exp(-3 * apart / range_m) + 1e-9 * np.eye(len(xy))) @ random.normal(size=1500)
    found = variogram_of(Witnesses(xy, drawn + random.normal(0, np.sqrt(0.2), 1500), np.zeros(1500), 0.05))
    assert found.sill == pytest.approx(1.0, rel=0.35) and found.nugget == pytest.approx(0.2, abs=0.2)
    assert 0.4 * range_m < found.range_m < 2.5 * range_m


def test_what_a_pass_errs_in_alike_is_found_and_told() -> None:
    random = np.random.default_rng(5)
    x, y = np.meshgrid(np.arange(0, 400, 10.0), np.arange(0, 400, 10.0))
    xy, group = np.column_stack([x.ravel(), y.ravel()]), np.repeat(np.arange(40), 40)
    values = (
        np.sin(x.ravel() / 60) * np.cos(y.ravel() / 60) + random.normal(0, 0.1, 1600) + random.normal(0, 0.3, 40)[group]
    )
    known = Witnesses(xy, values, group)
    shape = variogram_of(known)
    assert shape.common == pytest.approx(0.09, abs=0.045) and shape.nugget < 0.04
    _, error = krige_blocks(known, shape, np.array([[205.0, 205.0]]), 10.0, 25.0)
    _, without = krige_blocks(known, Variogram(shape.sill, shape.nugget, shape.range_m, shape.power), np.array([[205.0, 205.0]]), 10.0, 25.0)  # fmt: skip
    assert error[0] > 1.5 * without[0]


@pytest.mark.parametrize("noise_t_ha", [0.1, 0.4])
def test_the_error_of_the_map_is_as_large_as_it_says(noise_t_ha: float) -> None:
    how = Drive(width_m=200, length_m=300, noise_t_ha=noise_t_ha)
    kept = clean(drive(how), FIELD, CleaningRules(highest_t_ha=8)).kept
    drawn = field_yield(kept, PIXELS, (10.0, 25.0), None, 0.05)
    away = np.abs(drawn.yield_t_ha - truth())
    inside = (np.abs(X - 100) < 80) & (np.abs(Y - 150) < 130)
    assert np.isfinite(away).all() and drawn.seen_fraction == 1
    assert 0.8 < (away[inside] < 1.645 * drawn.yield_se[inside]).mean() < 0.99
    assert away[inside].mean() < 0.4 * noise_t_ha + 0.02
    assert abs(drawn.mean_t_ha - truth().mean()) < 2 * drawn.mean_se_t_ha


def test_the_published_protocol_alone_costs_twice_the_error() -> None:
    """Local Moran takes one side of an even noise: high among low and low among high, so contrasts grow."""
    points = drive(Drive(width_m=200, length_m=300, noise_t_ha=0.4))
    inside, error = (np.abs(X - 100) < 80) & (np.abs(Y - 150) < 130), {}
    for confirmed in (True, False):
        kept = clean(points, FIELD, CleaningRules(highest_t_ha=8, confirmed=confirmed)).kept
        away = field_yield(kept, PIXELS, (10.0, 25.0), None, 0.05).yield_t_ha - truth()
        error[confirmed] = np.sqrt(np.mean(away[inside] ** 2))
    assert error[True] < 0.8 * error[False]


def test_the_map_is_what_was_weighed() -> None:
    kept = clean(drive(HOW), FIELD, CleaningRules(highest_t_ha=8)).kept
    plain = field_yield(kept, PIXELS, (10.0, 25.0), None, 0.05)
    scaled = field_yield(kept, PIXELS, (10.0, 25.0), 3.3, 0.01)
    assert scaled.yield_t_ha.mean() == pytest.approx(3.3) and scaled.mean_t_ha == pytest.approx(3.3)
    assert scaled.scale == pytest.approx(3.3 / plain.mean_t_ha)
    assert scaled.yield_se == pytest.approx(plain.yield_se * scaled.scale)
    assert scaled.mean_se_t_ha < plain.mean_se_t_ha  # a monitor that nobody calibrated is less sure than the scales


def test_a_harvest_that_cannot_be_of_these_points() -> None:
    assert scale_to(3.0, np.array([2.0, 4.0, np.nan])) == 1.0
    for weighed in (0.5, 9.0):
        with pytest.raises(BadInput, match="YIELD-SCALE"):
            scale_to(weighed, np.array([2.0, 4.0]))


def test_too_few_points_make_no_map() -> None:
    kept = clean(drive(HOW), FIELD, CleaningRules(highest_t_ha=8)).kept.head(40)
    with pytest.raises(BadInput, match="YIELD-FEW"):
        field_yield(kept, PIXELS, (10.0, 25.0), None, 0.05)


def test_segments_of_a_pass_by_hand() -> None:
    xy = np.column_stack([np.zeros(6), [0.0, 4, 8, 12, 16, 100]])
    found = segments(xy, np.array([1.0, 2, 3, 5, 6, 9]), np.array([0, 0, 0, 0, 0, 1]), 10.0)
    assert found.xy[:, 1].tolist() == [4, 14, 100] and found.values.tolist() == [2, 5.5, 9]
    assert found.group.tolist() == [0, 0, 1]
    assert found.noise == pytest.approx((1 + 1 + 1) / 3 / 2 / 2)


def test_the_error_of_a_mean_of_like_and_of_unlike_pixels() -> None:
    places, error = np.column_stack([np.arange(100) * 10.0, np.zeros(100)]), np.full(100, 0.2)
    assert mean_error(Variogram(1, 0, 1.0), places, error) == pytest.approx(0.02, rel=1e-6)
    assert mean_error(Variogram(1, 0, 1e7), places, error) == pytest.approx(0.2, rel=1e-3)


def test_bunker_weight_is_brought_to_the_barn_with_its_error() -> None:
    import pandas as pd

    table = pd.DataFrame({"yield_t_ha": [2.0, 3.0], "weight_basis": ["bunker", "barn"]})
    out = in_barn(table, 0.91, 0.02)
    assert out["barn_t_ha"].tolist() == pytest.approx([1.82, 3.0])
    assert out["barn_t_ha_se"].tolist() == pytest.approx([0.04, 0.0]) and out["converted"].tolist() == [True, False]
    assert out["yield_t_ha"].tolist() == [2.0, 3.0]
