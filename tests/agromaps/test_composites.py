"""The median of several looks and their wetness, compiled, against the readable functions and a few pixels by hand."""

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from readable import plane

from agro.agromaps.composite_kernels import edge_rows, median_of, transform_table, wetness_of
from agro.agromaps.composites import median_of_looks
from agro.agromaps.moisture import WetnessRules, wetness_of_groups
from agro.agromaps.moisture_edges import Edge, Edges
from agro.domain.layers import LAYERS
from agro.imagery.kernels import count_tables
from agro.imagery.reflectance import reflectance
from agro.store.rasters import decode, encode

MARK = -32_768
RULES = WetnessRules(0.6, 0.01, 0.02, 0.02)
LINEAR = Edges("a", "swir16", "linear", Edge(0.3, 1.0), Edge(4.0, 6.0), 0.0, 1.0)
BENT = Edges("b", "swir16", "exponential", Edge(0.4, 0.8), Edge(3.0, 1.5), 0.0, 1.0)
MEET = Edges("c", "swir16", "linear", Edge(2.0, 0.0), Edge(2.5, -1.0), 0.0, 1.0)


def test_medians_by_hand() -> None:
    """Three looks, two, one, none."""
    looks = [np.array([row], "int16") for row in ([7, 10, MARK, MARK], [-3, MARK, MARK, MARK], [5, 13, 9, MARK])]
    assert median_of("ndvi", np.stack(looks)).tolist() == [[5, 11, 9, MARK]]
    values = xr.DataArray(np.array([[[0.2, np.nan]], [[0.4, np.nan]], [[0.9, np.nan]]]), dims=("time", "y", "x"))
    np.testing.assert_array_equal(median_of_looks(values).values, [[0.4, np.nan]])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12))
def test_medians_equal_the_readable_ones_within_a_step(seed: int, number: int) -> None:
    random = np.random.default_rng(seed)
    looks = [random.integers(-10_000, 10_001, (7, 19)).astype("int16") for _ in range(number)]
    for look in looks:
        look[random.random(look.shape) < 0.4] = MARK
    values = xr.DataArray(np.stack([decode(LAYERS["ndvi"], look) for look in looks]), dims=("time", "y", "x"))
    theirs = encode(LAYERS["ndvi"], median_of_looks(values).values)
    ours = median_of("ndvi", np.stack(looks))
    np.testing.assert_array_equal(ours == MARK, theirs == MARK)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([(1e-4, 0.0), (1e-4, -0.1)]))
def test_wetness_equals_the_readable_one_within_a_step(seed: int, scaling: tuple[float, float]) -> None:
    random = np.random.default_rng(seed)
    ndvi = encode(LAYERS["ndvi"], np.where(random.random((16, 22)) < 0.05, np.nan, random.uniform(-0.1, 1, (16, 22))))
    counts = (random.uniform(-0.02, 0.6, (8, 11)) / scaling[0] - scaling[1] / scaling[0]).clip(0).astype("uint16")
    believed, group = random.random((8, 11)) < 0.9, random.choice([0, 1, 2, 255], (8, 11)).astype("uint8")
    edges = {0: LINEAR, 1: BENT, 2: MEET}
    ours = wetness_of(ndvi, counts, transform_table(count_tables(*scaling)), believed, group, edge_rows(edges))
    green = plane(decode(LAYERS["ndvi"], ndvi)).coarsen(y=2, x=2).reduce(np.mean).where(plane(believed))
    band = reflectance(plane(counts), *scaling).where(plane(believed))
    theirs = wetness_of_groups(green, band, plane(group), edges, RULES)["wetness"].values
    stored = encode(LAYERS["wetness"], theirs)
    differ = (ours == MARK) != (stored == MARK)
    flood = (
        np.abs(theirs - 1) < 1e-4
    )  # only where the pixel stands at the very limit of standing water may rounding tell
    assert not (differ & ~flood).any() and differ.mean() < 0.02
    both = (ours != MARK) & (stored != MARK)
    assert both.any() and np.abs(ours.astype(int) - stored)[both].max() <= 1
    assert (ours[group == 255] == MARK).all()
