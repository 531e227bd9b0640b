import math
from dataclasses import replace

import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from agro.agromaps.moisture import WetnessRules, agreement, shortwave_transform, wetness, wetness_of_groups
from agro.agromaps.moisture_edges import Edge, Edges
from agro.domain.layers import LAYERS

LACHISH = Edges("lachish", "swir22", "linear", Edge(-0.154980, 3.312686), Edge(-0.278092, 6.785908), 0.2, 0.9)
DOUBLING = Edges("g", "swir22", "exponential", Edge(1.0, math.log(4)), Edge(2.0, math.log(4)), 0.1, 0.9)
FLAT = Edges("g", "swir22", "linear", Edge(1.0, 0.0), Edge(2.0, 0.0), 0.2, 0.9)
RULES = WetnessRules(canopy_ndvi=0.8, reflectance_se=0.005, reflectance_se_share=0.05, ndvi_se=0.02)


def layer(*values: float) -> xr.DataArray:
    return xr.DataArray([list(values)], dims=("y", "x"))


def reflecting(*transformed: float) -> xr.DataArray:
    """The reflectance whose transform is given: R^2 - 2 (1 + STR) R + 1 = 0."""
    s = np.asarray(transformed)
    return layer(*(1 + s - np.sqrt((1 + s) ** 2 - 1)))


def test_transform_known_answers() -> None:
    got = shortwave_transform(layer(0.10, 0.20, 0.30, 1.0, 0.0, -0.01, np.nan)).values[0]
    np.testing.assert_allclose(got, [4.05, 1.60, 0.816667, 0, np.nan, np.nan, np.nan], atol=1e-6)


def test_wetness_known_answer_of_the_published_edges() -> None:
    got = wetness(layer(0.5), layer(3 - 2 * math.sqrt(2)), LACHISH, RULES)
    assert float(got["wetness"][0, 0]) == pytest.approx(0.309041, abs=1e-6)
    assert float(got["wetness_flag"][0, 0]) == 0
    assert np.isnan(got["wetness_se"].values).all()


def test_exponential_edges_by_hand() -> None:
    """At NDVI 0.5 the edges are 1 * 2 and 2 * 2: a transform of 3 lies half way."""
    got = wetness(layer(0.5, 0.5), reflecting(3.0, 2.2), DOUBLING, RULES)
    np.testing.assert_allclose(got["wetness"].values[0], [0.5, 0.1], atol=1e-9)


@pytest.mark.parametrize(
    ("ndvi", "transformed", "value", "flag"),
    [
        (0.5, 1.25, 0.25, 0),
        (0.5, 0.9, 0.0, 1),
        (0.5, 2.3, 1.0, 1),
        (0.5, 2.5, np.nan, 8),
        (0.85, 1.5, 0.5, 2),
        (0.95, 1.5, 0.5, 6),
        (0.15, 1.5, 0.5, 4),
        (0.15, 0.5, 0.0, 5),
        (np.nan, 1.5, np.nan, np.nan),
        (0.5, np.nan, np.nan, np.nan),
    ],
)
def test_what_is_out_of_the_ordinary_is_flagged(ndvi: float, transformed: float, value: float, flag: float) -> None:
    got = wetness(layer(ndvi), reflecting(transformed), FLAT, RULES)
    np.testing.assert_allclose(got["wetness"].values[0, 0], value, atol=1e-9)
    np.testing.assert_equal(float(got["wetness_flag"].values[0, 0]), flag)
    if np.isfinite(flag):
        assert LAYERS["wetness_flag"].lowest <= flag <= LAYERS["wetness_flag"].highest


def test_where_the_edges_meet_nothing_is_told() -> None:
    meeting = replace(FLAT, wet=Edge(1.0, 1.0))
    got = wetness(layer(0.0, -0.1, 0.5), reflecting(1.0, 1.0, 1.25), meeting, RULES)
    np.testing.assert_allclose(got["wetness"].values[0], [np.nan, np.nan, 0.5], atol=1e-9)
    np.testing.assert_array_equal(got["wetness_flag"].values[0], [4, 4, 0])


@given(st.floats(0.2, 0.9), st.floats(0.01, 0.6), st.floats(0.001, 0.1))
def test_a_darker_surface_is_never_drier(ndvi: float, swir: float, darker: float) -> None:
    pair = wetness(layer(ndvi, ndvi), layer(swir + darker, swir), LACHISH, RULES)["wetness"].values[0]
    seen = pair[np.isfinite(pair)]
    assert ((seen >= 0) & (seen <= 1)).all()
    assert not np.isfinite(pair).all() or pair[1] >= pair[0]
    assert np.isfinite(pair[0]) or not np.isfinite(pair[1])  # once under water, darker stays under water


@pytest.mark.parametrize("shape", ["linear", "exponential"])
def test_the_error_is_that_of_small_steps(shape: str) -> None:
    """Each input moved a little in turn, against the propagated error."""
    root = np.array([[0.03, 0, 0, 0], [0.02, 0.05, 0, 0], [0.01, 0, 0.06, 0], [0, 0.03, 0.02, 0.09]])
    covariance = root @ root.T
    coefficients = np.array([0.4, 1.9, 1.1, 2.0])

    def place(values: np.ndarray) -> float:
        dry, wet = Edge(values[0], values[1]), Edge(values[2], values[3])
        edges = Edges("g", "swir22", shape, dry, wet, 0.1, 0.9)  # type: ignore[arg-type]
        return float(wetness(layer(values[4]), layer(values[5]), edges, RULES)["wetness"][0, 0])

    start = np.array([*coefficients, 0.4, 0.2])
    steps = [(place(start + d) - place(start - d)) / 2e-6 for d in 1e-6 * np.eye(6)]
    expected = np.array(steps[:4]) @ covariance @ np.array(steps[:4])
    expected += (steps[4] * 0.02) ** 2 + (steps[5] * (0.005 + 0.05 * 0.2)) ** 2
    dry, wet = Edge(*coefficients[:2]), Edge(*coefficients[2:])
    edges = Edges("g", "swir22", shape, dry, wet, 0.1, 0.9, tuple(map(tuple, covariance)))  # type: ignore[arg-type]
    got = wetness(layer(0.4), layer(0.2), edges, RULES)
    assert 0 < float(got["wetness"][0, 0]) < 1
    assert float(got["wetness_se"][0, 0]) == pytest.approx(math.sqrt(expected), rel=1e-5)


def test_zero_and_negative_reflectance_give_nothing_and_no_warning() -> None:
    got = wetness(layer(0.5, 0.5), layer(0.0, -0.01), replace(FLAT, covariance=((0.01,) * 4,) * 4), RULES)
    assert all(np.isnan(values).all() for values in got.values())


def test_each_group_by_its_own_edges() -> None:
    ndvi, swir = layer(0.5, 0.5, 0.5), reflecting(3.0, 1.5, 1.5)
    got = wetness_of_groups(ndvi, swir, layer(0, 1, 2), {0: DOUBLING, 1: FLAT}, RULES)
    np.testing.assert_allclose(got["wetness"].values[0], [0.5, 0.5, np.nan], atol=1e-9)
    np.testing.assert_array_equal(got["wetness_flag"].values[0], [0, 0, np.nan])


def test_block_by_block_equals_whole_and_stays_lazy() -> None:
    random = np.random.default_rng(1)
    ndvi, swir = (
        xr.DataArray(random.uniform(low, high, (6, 6)), dims=("y", "x")) for low, high in ((0, 1), (0.02, 0.5))
    )
    known = replace(LACHISH, covariance=((0.01,) * 4,) * 4)
    group = xr.full_like(ndvi, 0)
    whole = wetness_of_groups(ndvi, swir, group, {0: known}, RULES)
    lazy = wetness_of_groups(ndvi.chunk(2), swir.chunk(2), group.chunk(2), {0: known}, RULES)
    assert all(isinstance(values.data, dask.array.Array) for values in lazy.values())
    xr.testing.assert_allclose(lazy.compute(), whole, atol=0, rtol=0)


def test_agreement_with_a_water_balance() -> None:
    days = pd.date_range("2021-05-01", periods=7)
    rising = np.arange(7.0)
    seen = pd.DataFrame(
        {
            "with": rising,
            "against": -rising,
            "few": [*rising[:5], np.nan, np.nan],
            "still": 0.5,
            "alone": rising,
            "nearly": [0, 2, 1, 3, 4, 6, 5],
        },
        index=days,
    )
    balance = pd.Series(rising**2, index=days)[::-1]  # the same dates in another order
    modelled = pd.DataFrame(dict.fromkeys(("with", "against", "few", "still", "nearly"), balance))
    got = agreement(seen, modelled).set_index("field_id")
    assert got["flag"].tolist() == ["", "low_agreement", "not_enough_dates", "no_change", "not_enough_dates", ""]
    np.testing.assert_allclose(got["spearman_rho"], [1, -1, np.nan, np.nan, np.nan, 1 - 6 * 4 / (7 * 48)])
    assert got["n_dates"].tolist() == [7, 7, 5, 7, 0, 7]
