import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readable import plane, readable_classes

from agro.domain.errors import BadInput
from agro.domain.layers import Quality
from agro.imagery.kernels import as_index, believed_in, classes_of, count_tables
from agro.imagery.reflectance import for_ratios, reflectance


def test_a_table_by_hand() -> None:
    plain, in_ratios = count_tables(1e-4, -0.1)
    assert np.isnan(plain[0]) and np.isnan(plain[799])
    assert plain[800] == np.float32(-0.02) and plain[11_000] == np.float32(1.0)
    assert in_ratios[800] == in_ratios[1000] == np.float32(1e-4)


@pytest.mark.parametrize("kind", ["uint16", "int16"])
def test_every_count_has_the_reflectance_of_the_readable_function(kind: str) -> None:
    limits = np.iinfo(kind)
    counts = np.arange(limits.min, limits.max + 1).astype(kind).reshape(256, 256)
    value = reflectance(plane(counts), 2.5e-5, -0.1)
    tables = count_tables(2.5e-5, -0.1, signed=kind == "int16")
    np.testing.assert_array_equal(tables[0][as_index(counts)], value.values)
    np.testing.assert_array_equal(tables[1][as_index(counts)], for_ratios(value).values)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([0.0, 20.0, 60.0, 100.0, 130.0, 240.0]),
    st.sampled_from([0.0, 100.0, 45.0]),
    st.floats(0, 0.3),
)
def test_classes_equal_the_readable_function(seed: int, cloud_m: float, shadow_m: float, share: float) -> None:
    random = np.random.default_rng(seed)
    scene = np.where(
        random.random((41, 33)) < share, random.integers(0, 12, (41, 33)), random.choice([4, 5], (41, 33))
    ).astype("uint8")
    for border in (0, 12):
        got = classes_of(scene, border, cloud_m, shadow_m)
        np.testing.assert_array_equal(got, readable_classes(scene, border, cloud_m, shadow_m))


def test_a_cloud_in_the_border_hides_what_it_reaches() -> None:
    scene = np.full((30, 30), 4, "uint8")
    scene[15, 2] = 9
    got = classes_of(scene, 5, 100, 100)
    assert got.shape == (20, 20) and (got[:, 2] == Quality.CLOUD).sum() == 1 and (got[:, 3:] == Quality.CLEAR).all()
    assert believed_in(got).sum() == (got == Quality.CLEAR).sum()


def test_a_class_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadInput, match="MASK-CLASS"):
        classes_of(np.full((4, 4), 42, "uint8"), 0, 100, 100)
