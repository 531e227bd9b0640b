"""The response of a trial: parabola and plateau, the dose that earns most, and its interval."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agro.domain.errors import BadInput
from models.response import best_dose, best_interval, best_of, fit, predict

DOSES = np.array([0.0, 30.0, 60.0, 90.0, 120.0])


def trial(
    curve, reps: int = 4, noise: float = 0.0, strip_noise: float = 0.0, points: int = 1, seed: int = 3
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = [
        (f"{rep}/{i}", dose, curve(dose) + shift + random.normal(0, noise))
        for rep in range(reps)
        for i, dose in enumerate(DOSES)
        for shift in [random.normal(0, strip_noise)]
        for _ in range(points)
    ]
    return pd.DataFrame(rows, columns=["strip", "dose_kg_ha", "yield_t_ha"])


def test_a_parabola_is_found_as_it_is_and_its_best_dose_by_hand() -> None:
    """y = 2 + 0.016 x - 8e-5 x^2; a kilogram costs 0.0048 t: (0.016 - 0.0048) / 1.6e-4 = 70."""
    found = fit(trial(lambda x: 2 + 0.016 * x - 8e-5 * x**2))
    assert (found.intercept_t_ha, found.slope, found.curve) == pytest.approx((2.0, 0.016, -8e-5))
    assert best_of(found, 0.0048) == pytest.approx(70.0)
    assert predict(found, [0.0, 100.0, 130.0]) == pytest.approx([2.0, 2.8, np.nan], nan_ok=True)


def test_a_plateau_is_found_and_never_passed() -> None:
    top = 70.0
    found = fit(trial(lambda x: 2 + 0.02 * (min(x, top) - min(x, top) ** 2 / (2 * top))), "plateau")
    assert found.top_kg_ha == pytest.approx(top, abs=2.0)
    assert predict(found, 120.0) == pytest.approx(2.7, abs=0.02)
    assert best_of(found, 0.0) == pytest.approx(top, abs=2.0)


@pytest.mark.parametrize(
    ("slope", "curve", "best"),
    [(0.01, 1e-5, 120.0), (0.001, 1e-6, 0.0), (0.1, -1e-5, 120.0), (0.001, -1e-5, 0.0)],
)
def test_where_the_curve_is_not_concave_the_better_end_is_taken(slope: float, curve: float, best: float) -> None:
    assert best_dose(slope, curve, 0.005, 120.0) == best


@given(st.floats(-0.05, 0.05), st.floats(-1e-3, 1e-3), st.floats(0.0, 0.02))
@example(0.03125, -5e-324, 0.0)
def test_the_best_dose_earns_at_least_what_any_other_does(slope: float, curve: float, ratio: float) -> None:
    best = float(best_dose(slope, curve, ratio, 120.0))
    others = np.linspace(0, 120, 61)
    assert 0 <= best <= 120
    assert (
        slope * best + curve * best**2 - ratio * best
        >= (slope * others + curve * others**2 - ratio * others).max() - 1e-9
    )


def test_strips_share_their_error_and_its_size_is_found() -> None:
    found = fit(trial(lambda x: 2 + 0.016 * x - 8e-5 * x**2, reps=30, noise=0.1, strip_noise=0.3, points=20))
    assert found.between_t_ha == pytest.approx(0.3, abs=0.05) and found.residual_t_ha == pytest.approx(0.1, abs=0.01)
    assert found.strips == 150


def test_the_interval_holds_the_truth_and_narrows_with_more_strips() -> None:
    def curve(x: float) -> float:
        return 2 + 0.016 * x - 8e-5 * x**2

    found = [best_interval(trial(curve, 6, 0.05, 0.1, seed=seed), 0.0048, draws=400) for seed in range(40)]
    assert sum(one.low_kg_ha <= 70 <= one.high_kg_ha for one in found) >= 32  # of 40, at 90 %
    few = best_interval(trial(curve, 3, 0.05, 0.1), 0.0048)
    many = best_interval(trial(curve, 24, 0.05, 0.1), 0.0048)
    assert many.high_kg_ha - many.low_kg_ha < 0.6 * (few.high_kg_ha - few.low_kg_ha)
    dear = best_interval(trial(curve, 24, 0.05, 0.1), 0.0048, price_cv=0.3)
    assert dear.high_kg_ha - dear.low_kg_ha > many.high_kg_ha - many.low_kg_ha


def test_two_doses_make_no_curve() -> None:
    with pytest.raises(BadInput, match="RESPONSE-FEW"):
        fit(pd.DataFrame({"dose_kg_ha": [0.0, 60.0], "yield_t_ha": [2.0, 2.5]}))
