import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agro.agromaps.clusters import (
    Clusters,
    clearest,
    fuzziness_performance_index,
    fuzzy_clusters,
    main_components,
    normalised_entropy,
)


def planted(count: int, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 1.2 * random.integers(0, count, (6000, 1)) + random.normal(0, noise, (6000, 1))


def test_the_indices_of_three_pixels_by_hand() -> None:
    """Squares .82 + .68 + .68 over 3 = .726667; FPI 1 - (2 x .726667 - 1) / 1."""
    membership = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]])
    assert (membership**2).sum(axis=1).mean() == pytest.approx(0.726667, abs=1e-6)
    assert fuzziness_performance_index(membership) == pytest.approx(0.546667, abs=1e-6)
    entropy = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1) + 2 * (0.8 * np.log(0.8) + 0.2 * np.log(0.2))) / 3
    assert normalised_entropy(membership) == pytest.approx(entropy / np.log(2))


@pytest.mark.parametrize("count", [2, 3, 6])
def test_crisp_is_0_and_even_is_1(count: int) -> None:
    crisp, even = np.eye(count), np.full((4, count), 1 / count)
    assert fuzziness_performance_index(crisp) == pytest.approx(0) == normalised_entropy(crisp)
    assert fuzziness_performance_index(even) == pytest.approx(1) == normalised_entropy(even)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("fuzziness", [1.3, 1.5])
def test_as_many_clusters_are_found_as_were_planted(count: int, fuzziness: float) -> None:
    """Five too: the textbook's entropy finds two of them."""
    values = planted(count, 0.2)
    best = clearest([fuzzy_clusters(values, c, fuzziness, 20, 1) for c in range(2, 7)])
    assert best.count == count
    np.testing.assert_allclose(best.centres[:, 0], 1.2 * np.arange(count), atol=0.05)


def test_indices_that_tie_ask_for_the_fewer() -> None:
    two, three, four = (
        Clusters(np.zeros((c, 1)), fpi, nce) for c, fpi, nce in ((2, 0.3, 0.3), (3, 0.104, 0.2), (4, 0.1, 0.1))
    )
    assert clearest([two, three, four]).count == 3
    assert clearest([two, four]).count == 4


def test_the_order_of_the_pixels_and_the_run_change_nothing() -> None:
    values = np.random.default_rng(3).normal(size=(7000, 3))
    one, again = (fuzzy_clusters(v, 4, 1.4, 20, 1) for v in (values, values[::-1]))
    np.testing.assert_array_equal(one.centres, again.centres)
    assert (one.fpi, one.nce) == (again.fpi, again.nce)


def test_a_sample_gives_the_centres_of_all_pixels() -> None:
    values = planted(3)
    many = np.concatenate([values] * 10) + np.random.default_rng(1).normal(0, 1e-4, (60_000, 1))
    few = fuzzy_clusters(values[:4000], 3, 1.4, 20, 1)
    np.testing.assert_allclose(fuzzy_clusters(many, 3, 1.4, 20, 1).centres, few.centres, atol=0.03)


def test_fewer_values_than_clusters_still_end() -> None:
    clusters = fuzzy_clusters(np.array([[0.0], [1.0]]), 4, 1.4, 5, 1)
    assert clusters.count == 4 and np.isfinite(clusters.centres).all()
    assert set(clusters.of(np.array([[0.0], [1.0]]))) <= {0, 1, 2, 3}


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.floats(1.2, 2.0), st.integers(0, 1000))
def test_the_indices_stay_between_0_and_1(count: int, fuzziness: float, seed: int) -> None:
    found = fuzzy_clusters(np.random.default_rng(seed).normal(size=(200, 2)), count, fuzziness, 3, seed)
    assert -1e-9 <= found.fpi <= 1 + 1e-9 and -1e-9 <= found.nce <= 1 + 1e-9
    assert (np.diff(found.centres[:, 0]) >= 0).all()


def test_main_components_keep_what_was_asked_and_their_length() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 4000))
    values = np.stack([one, one, one, one, other, 0.1 * random.normal(size=4000)], axis=1)
    parts = main_components(values, 0.9)
    assert parts.shape == (4000, 2)
    assert abs(np.corrcoef(parts[:, 0], one)[0, 1]) > 0.999
    assert parts.var(axis=0).sum() >= 0.9 * values.var(axis=0).sum()
    whole = main_components(values, 1.0)
    np.testing.assert_allclose(whole.var(axis=0).sum(), values.var(axis=0).sum())
