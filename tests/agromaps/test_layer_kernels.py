"""The compiled loops against the readable functions, and against a few pixels by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readable import readable_layers
from workshop import BANDS_10, BANDS_20

from agro.agromaps.kernels import _tanh, band_of, index_of, leaf_area
from agro.agromaps.vegetation import INDICES
from agro.domain.imagery import Angles
from agro.domain.layers import LAYERS, Quality
from agro.imagery.kernels import as_index, believed_in, count_tables

ANGLES = Angles(40.0, 160.0, 3.0, 40.0)
MARK = -32_768


def test_four_pixels_by_hand() -> None:
    """(0.4 - 0.1) / (0.4 + 0.1) = 0.6; a cloud, a pixel that was not measured, and a dark one held at one count."""
    counts = {"red": np.array([[1000, 1000, 0, 500]], "uint16"), "nir": np.array([[4000, 4000, 4000, 4000]], "uint16")}
    counts = {name: band.repeat(2, axis=0) for name, band in counts.items()}
    tables = dict.fromkeys(counts, count_tables(1e-4, 0.0))
    believed = np.array([[True, False, True, True], [True] * 4])
    assert index_of("ndvi", counts, tables, believed)[0].tolist() == [6000, MARK, MARK, 7778]
    dark = dict.fromkeys(counts, count_tables(1e-4, -0.1))
    assert index_of("ndvi", counts, dark, believed)[0].tolist() == [9993, MARK, MARK, MARK]  # 0.0001 and 0.3; -0.05


def test_a_mask_may_be_twice_as_coarse() -> None:
    counts = dict.fromkeys(("red", "nir"), np.full((4, 4), 3000, "uint16"))
    believed = np.array([[True, False], [False, True]])
    got = index_of("ndvi", counts, dict.fromkeys(counts, count_tables(1e-4, 0.0)), believed)
    assert (got != MARK).astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([(1e-4, 0.0), (1e-4, -0.1), (1e-4, -0.7), (2e-5, 0.0), (1 / 32_767, -0.01)]),
    st.sampled_from(["2.1", "3A", "3B"]),
    st.booleans(),
)
def test_equal_to_the_readable_functions(seed: int, scaling: tuple[float, float], net: str, signed: bool) -> None:
    """Indices to the last bit; leaf area within a step of its encoding, its flag equal."""
    random = np.random.default_rng(seed)
    classes = random.choice(list(Quality), (23, 17), p=[0.05, 0.6, 0.1, 0.05, 0.05, 0.05, 0.1]).astype("uint8")
    lowest, highest = (-3000, 9000) if signed else (0, 16_000)
    counts = {
        name: random.integers(lowest, highest, (46, 34) if name in BANDS_10 else (23, 17)).astype(
            "int16" if signed else "uint16"
        )
        for name in (*BANDS_10, *BANDS_20)
    }
    for band in counts.values():
        band[random.random(band.shape) < 0.02] = 0
    tables = dict.fromkeys(counts, count_tables(*scaling, signed))
    believed, places = believed_in(classes), {name: as_index(band) for name, band in counts.items()}
    names = (*INDICES, "lai", "lai_flag", "swir22")
    truth = readable_layers(counts, dict.fromkeys(counts, scaling), classes, ANGLES, net, names)
    for name in INDICES:
        np.testing.assert_array_equal(index_of(name, places, tables, believed), truth[name], err_msg=name)
    np.testing.assert_array_equal(band_of("swir22", places["swir22"], tables["swir22"], believed), truth["swir22"])
    area, flag = leaf_area(places, tables, believed, ANGLES, net)
    seen = truth["lai"] != MARK
    np.testing.assert_array_equal(area != MARK, seen)
    assert np.abs(area.astype(int) - truth["lai"]).max(initial=0, where=seen) <= 1
    np.testing.assert_array_equal(flag, truth["lai_flag"])


def test_the_tangent_is_one() -> None:
    x = np.linspace(-12, 12, 4001, dtype="float32")
    ours = np.array([_tanh(value) for value in x])
    assert np.abs(ours - np.tanh(x.astype("float64"))).max() < 4e-7


@pytest.mark.parametrize("angles", [Angles(85.0, 160.0, 3.0, 40.0), Angles(40.0, 160.0, 30.0, 40.0)])
def test_angles_outside_the_domain_flag_every_pixel(angles: Angles) -> None:
    counts = {n: np.full((4, 4) if n in BANDS_10 else (2, 2), 1500, "uint16") for n in (*BANDS_10, *BANDS_20)}
    tables = dict.fromkeys(counts, count_tables(1e-4, 0.0))
    _, flag = leaf_area(counts, tables, np.ones((2, 2), bool), angles)
    assert (flag & 1).all() and flag.dtype == LAYERS["lai_flag"].dtype
