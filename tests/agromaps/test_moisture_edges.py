import json
import math
import tomllib
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.agromaps.field_capacity import AnchorRules
from agro.agromaps.moisture import WetnessRules
from agro.agromaps.moisture_counts import COUNT_COLUMNS, add_counts, edge_counts
from agro.agromaps.moisture_edges import Edge, EdgeRules, Edges, fit_all_edges, fit_edges, largest_move
from agro.domain.errors import BadInput

CONFIG = tomllib.loads((Path(__file__).parents[2] / "configs" / "moisture.toml").read_text())
RULES = EdgeRules(**CONFIG["edges"])
DATES = [date(year, 5, day) for year in (2020, 2021) for day in range(1, 7)]
NDVI = np.repeat(np.arange(0.2025, 0.8, 0.005), 400)  # 400 pixels in each bin
PLACE = np.tile((np.arange(400) + 0.5) / 400, len(NDVI) // 400)  # even between the edges


def grid(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values.reshape(-1, 400), dims=("y", "x"))


def counted(transform: np.ndarray, ndvi: np.ndarray = NDVI, dates: list[date] = DATES, name: str = "g") -> pd.DataFrame:
    number = xr.zeros_like(grid(ndvi), dtype="int16")
    return add_counts([edge_counts(grid(ndvi), grid(transform), number, [name], day) for day in dates])


def even(dry: tuple[float, float], wet: tuple[float, float], shape: str = "linear") -> np.ndarray:
    low, high = Edges("g", "swir22", shape, Edge(*dry), Edge(*wet), 0, 1).at(NDVI)  # type: ignore[arg-type]
    return np.asarray(low + PLACE * (high - low))


def test_the_configuration_holds_every_rule() -> None:
    for section, rules in (("edges", EdgeRules), ("wetness", WetnessRules), ("anchor", AnchorRules)):
        assert set(CONFIG[section]) == {field.name for field in fields(rules)}
    assert CONFIG["radar"]["fewest_looks"] >= 1


def test_linear_edges_by_hand() -> None:
    """Pixels spread evenly from 1 + 2 V to 2 + 4 V: 5 % and 95 % lie a twentieth of the width inside."""
    edges = fit_edges(counted(even((1, 2), (2, 4))), RULES)
    assert edges.dry.intercept == pytest.approx(1 + 0.05 * 1, abs=0.01)
    assert edges.dry.slope == pytest.approx(2 + 0.05 * 2, abs=0.02)
    assert edges.wet.intercept == pytest.approx(2 - 0.05 * 1, abs=0.01)
    assert edges.wet.slope == pytest.approx(4 - 0.05 * 2, abs=0.02)
    assert edges.dry.r2 > 0.999 and edges.wet.r2 > 0.999  # type: ignore[operator]
    assert (edges.n_dates, edges.seasons, edges.band) == (12, (2020, 2021), "swir22")
    assert edges.n_px == 12 * len(NDVI)
    assert (edges.ndvi_low, edges.ndvi_high) == pytest.approx((0.21, 0.795))


def test_exponential_edges_are_given_as_values_not_as_logarithms() -> None:
    """The same spread at all greenness: intercepts are exp of what the fit of logarithms finds."""
    edges = fit_edges(counted(even((0.6, 1.7), (1.2, 1.7), "exponential")), replace(RULES, shape="exponential"))
    assert edges.dry.intercept == pytest.approx(0.6 + 0.05 * 0.6, rel=0.005)
    assert edges.wet.intercept == pytest.approx(1.2 - 0.05 * 0.6, rel=0.005)
    assert (edges.dry.slope, edges.wet.slope) == pytest.approx((1.7, 1.7), abs=0.01)
    assert edges.dry.intercept > math.log(0.63) > -1  # the logarithm is negative here; taken for the value it is absurd
    dry, wet = edges.at(0.5)
    assert (dry, wet) == pytest.approx((0.63 * math.exp(0.85), 1.17 * math.exp(0.85)), rel=0.005)


def test_counting_loses_little_against_the_pixels_themselves() -> None:
    """Plain NumPy on all pixels, bin by bin, with the same rules."""
    random = np.random.default_rng(3)
    transform = np.exp(0.2 + 1.8 * NDVI + 0.6 * random.standard_normal(len(NDVI)))
    edges = fit_edges(counted(transform), RULES)
    points = []
    for ndvi in np.unique(NDVI):
        if edges.ndvi_low < ndvi < edges.ndvi_high:
            own = transform[ndvi == NDVI]
            low, high = np.quantile(own, (0.25, 0.75))
            reach = 1.5 * (high - low) / 1.349
            kept = own[(own >= low - reach) & (own <= high + reach)]
            points.append((ndvi, *np.quantile(kept, (0.05, 0.95))))
    at = np.array(points)
    for ndvi in (0.3, 0.5, 0.7):
        for got, column in zip(edges.at(ndvi), (1, 2), strict=True):
            slope, intercept = np.polyfit(at[:, 0], at[:, column], 1)
            assert got == pytest.approx(intercept + slope * ndvi, rel=0.008)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.integers(1, 5))
def test_order_and_grouping_of_passes_never_matter(order: list[int], cut: int) -> None:
    random = np.random.default_rng(5)
    passes = []
    for day in range(6):
        ndvi, transform = (
            xr.DataArray(random.uniform(low, high, (4, 5)), dims=("y", "x")) for low, high in ((0, 1), (0.2, 8))
        )
        passes.append(edge_counts(ndvi, transform, xr.zeros_like(ndvi), ["g"], date(2020, 5, 1 + day % 3)))
    whole = add_counts(passes)
    shuffled = [passes[i] for i in order]
    parts = add_counts([add_counts(shuffled[:cut]), add_counts(shuffled[cut:])])
    pd.testing.assert_frame_equal(parts, whole)
    assert whole["n_px"].sum() == 6 * 20


def test_block_by_block_equals_whole_and_lazy_equals_loaded() -> None:
    random = np.random.default_rng(7)
    ndvi, transform = (
        xr.DataArray(random.uniform(low, high, (8, 8)), dims=("y", "x")) for low, high in ((0, 1), (0.2, 8))
    )
    group = xr.DataArray(random.integers(-1, 2, (8, 8)), dims=("y", "x"))
    day = date(2020, 5, 1)
    whole = edge_counts(ndvi, transform, group, ["a", "b"], day)
    blocks = [
        edge_counts(*(layer[rows, columns] for layer in (ndvi, transform, group)), ["a", "b"], day)
        for rows in (slice(0, 3), slice(3, 8))
        for columns in (slice(0, 5), slice(5, 8))
    ]
    pd.testing.assert_frame_equal(add_counts(blocks), add_counts([whole]))
    assert isinstance(ndvi.chunk(3).data, dask.array.Array)
    pd.testing.assert_frame_equal(edge_counts(ndvi.chunk(3), transform.chunk(3), group, ["a", "b"], day), whole)


def test_only_what_is_clear_and_in_a_field_counts() -> None:
    ndvi = xr.DataArray([[0.5, np.nan, 0.5, 0.5, -0.2, 0.5, 1.0]], dims=("y", "x"))
    transform = xr.DataArray([[2.0, 2.0, np.nan, 2.0, 2.0, 0.0, 2.0]], dims=("y", "x"))
    group = xr.DataArray([[1, 1, 1, -1, 1, 1, 1]], dims=("y", "x"))
    got = edge_counts(ndvi, transform, group, ["a", "b"], date(2020, 5, 1))
    assert got["group"].tolist() == ["b", "b"] and got["ndvi_bin"].tolist() == [100, 199]
    assert list(add_counts([got.iloc[:0]]).columns) == list(COUNT_COLUMNS)


def test_the_error_is_that_of_the_dates() -> None:
    """Dates that all say the same leave no error; dates that differ leave one that their number lessens."""
    same = fit_edges(counted(even((1, 2), (2, 4))), RULES)
    assert max(same.standard_errors) < 1e-9
    random = np.random.default_rng(11)
    shifts = random.normal(0, 0.2, 48)

    def shifted(n: int) -> Edges:
        days = [date(year, 5, day) for day in range(1, n // 2 + 1) for year in (2020, 2021)]
        cloud = even((2, 2), (3, 4))
        return fit_edges(add_counts([counted(cloud + shifts[i], dates=[day]) for i, day in enumerate(days)]), RULES)

    few, many = shifted(12), shifted(48)
    assert 0.02 < many.standard_errors[0] < few.standard_errors[0] < 0.5


def test_flooded_pixels_do_not_lift_the_wet_edge() -> None:
    """Nearly half of what is thinly covered stands under water."""
    cloud = counted(even((1, 2), (2, 4)))
    water = np.where(NDVI < 0.35, 20.0, np.nan)
    flooded = add_counts([cloud, counted(np.where(PLACE < 0.8, water, np.nan))])
    assert flooded["n_px"].sum() > 1.15 * cloud["n_px"].sum()
    for ndvi in (0.25, 0.5, 0.75):
        assert fit_edges(flooded, RULES).at(ndvi) == pytest.approx(fit_edges(cloud, RULES).at(ndvi), rel=0.02)


def test_edges_through_json_and_back() -> None:
    edges = fit_edges(counted(even((1, 2), (2, 4)), dates=DATES), RULES)
    for one in (edges, replace(edges, covariance=None)):
        assert Edges.from_json(json.loads(json.dumps(one.as_json(), allow_nan=False))) == one
    assert all(math.isnan(error) for error in replace(edges, covariance=None).standard_errors)


@pytest.mark.parametrize(
    "change", [{"form": 2}, {"shape": "cubic"}, {"dry": {"slope": 1}}, {"more": 1}, {"seasons": None}]
)
def test_other_json_is_refused(change: dict[str, object]) -> None:
    content = fit_edges(counted(even((1, 2), (2, 4))), RULES).as_json()
    with pytest.raises(BadInput, match="EDGES-FORM"):
        Edges.from_json({**content, **change})


def test_json_without_a_part_is_refused() -> None:
    with pytest.raises(BadInput, match="EDGES-FORM"):
        Edges.from_json({})


def refused(counts: pd.DataFrame, rules: EdgeRules = RULES) -> str:
    with pytest.raises(BadInput) as error:
        fit_edges(counts, rules)
    return error.value.refusal.reason


def test_one_season_is_refused() -> None:
    counts = counted(even((1, 2), (2, 4)), dates=DATES[:6])
    assert refused(counts) == "g: clear passes of 1 season(s), moisture edges need 2"
    assert refused(counts.iloc[:0]).startswith("?: clear passes of 0 season(s)")


def test_a_season_of_four_clear_dates_is_refused() -> None:
    counts = counted(even((1, 2), (2, 4)), dates=DATES[:10])
    assert "2020: 6, 2021: 4" in refused(counts)


def test_a_date_of_a_few_pixels_is_no_clear_date() -> None:
    full = counted(even((1, 2), (2, 4)), dates=DATES[:10])
    few = full.head(10).assign(n_px=1)
    counts = add_counts([full, *(few.assign(seen_on=day) for day in DATES[10:])])
    assert "2020: 6, 2021: 4" in refused(counts)


def test_too_few_bins_are_refused() -> None:
    ndvi = np.where(np.arange(len(NDVI)) % 2, 0.3, 0.7)
    transform = even((1, 2), (2, 4))
    assert "bins of NDVI hold 20 pixels, moisture edges need 50 %" in refused(counted(transform, ndvi))


def test_a_wet_edge_below_the_dry_one_is_refused() -> None:
    assert "is not above the dry one" in refused(counted(even((1, 4), (3, 1))))


def test_one_bad_group_never_sinks_the_rest() -> None:
    counts = add_counts(
        [
            counted(even((1, 2), (2, 4)), name="topki/wheat"),
            counted(even((1, 2), (2, 4)), dates=DATES[:3], name="topki/oats"),
        ]
    )
    edges, refusals = fit_all_edges(counts, RULES)
    assert list(edges) == ["topki/wheat"] and [refusal.code for refusal in refusals] == ["EDGES-SEASONS"]
    assert "topki/oats" in refusals[0].reason


def test_how_far_edges_moved_by_hand() -> None:
    """Wet at 3 before and at 4 now, dry at 1: what was wet is now two thirds."""
    held, fitted = (Edges("g", "swir22", "linear", Edge(1, 0), Edge(wet, 0), 0.2, 0.8) for wet in (3, 4))
    assert largest_move(held, held) == 0
    assert largest_move(held, fitted) == pytest.approx(1 / 3)
    grown = Edges("g", "swir22", "exponential", Edge(1, 0), Edge(3, 0), 0.2, 0.8)
    assert largest_move(held, grown) == float("inf")
