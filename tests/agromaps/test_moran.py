import numpy as np
import pytest
from scipy import stats

from agro.agromaps.moran import against_neighbours, fitting, influential, neighbour_means


def field(seed: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    xy = random.uniform(0, 300, (n, 2))
    values = 3 + np.sin(xy[:, 0] / 60) + random.normal(0, 0.3, n)
    values[:3] += (3.0, -2.5, 2.0)
    return xy, values


def test_means_of_neighbours_by_hand() -> None:
    xy = np.array([[0.0, 0.0], [30.0, 0.0], [70.0, 0.0], [500.0, 0.0]])
    means, count = neighbour_means(xy, np.array([1.0, 2.0, 4.0, 9.0]), 40.0)
    assert count.tolist() == [1, 2, 1, 0]
    assert means[:3].tolist() == [2.0, 2.5, 2.0] and np.isnan(means[3])


def test_means_of_neighbours_against_every_pair() -> None:
    xy, values = field()
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    near = (apart <= 40) & ~np.eye(len(xy), dtype=bool)
    means, count = neighbour_means(xy, values, 40.0)
    assert (count == near.sum(1)).all()
    assert means == pytest.approx(near @ values / near.sum(1))


def test_influence_against_fits_without_each_point() -> None:
    """The definitions themselves: leave a point out, fit again, see what moved."""
    xy, values = field(1, 120)
    means, _ = neighbour_means(xy, values, 60.0)
    n, k = len(values), 2
    design = np.column_stack([np.ones(n), values])
    beta, rss = np.linalg.lstsq(design, means, rcond=None)[:2]
    variance = rss[0] / (n - k)
    inverse = np.linalg.inv(design.T @ design)
    expected = []
    for i in range(n):
        rest = np.arange(n) != i
        without, left = np.linalg.lstsq(design[rest], means[rest], rcond=None)[:2]
        own = left[0] / (n - 1 - k)
        hat = design[i] @ inverse @ design[i]
        dfbetas = (beta - without) / np.sqrt(own * np.diag(inverse))
        dffits = design[i] @ (beta - without) / np.sqrt(own * hat)
        ratio = np.linalg.det(own * np.linalg.inv(design[rest].T @ design[rest])) / np.linalg.det(variance * inverse)
        moved = design @ (beta - without)
        cook = moved @ moved / (k * variance)
        expected.append(
            (np.abs(dfbetas) > 1).any()
            or abs(dffits) > 3 * np.sqrt(k / (n - k))
            or abs(1 - ratio) > 3 * k / (n - k)
            or stats.f.cdf(cook, k, n - k) > 0.5
            or hat > 3 * k / n
        )
    assert influential(values, means).tolist() == expected
    assert 3 <= sum(expected) < 30


def test_local_moran_by_its_conditional_permutations() -> None:
    """Its expectation and variance are those of the neighbours drawn anew from the other points."""
    xy, values = field(2, 60)
    means, count = neighbour_means(xy, values, 80.0)
    random, away = np.random.default_rng(0), values - values.mean()
    lower = []
    for i in range(len(values)):
        others = np.delete(away, i)
        drawn = np.array([random.choice(others, count[i], replace=False).mean() for _ in range(4000)])
        index = away[i] * (means[i] - values.mean()) / (away**2).mean()
        again = away[i] * drawn / (away**2).mean()
        lower.append(stats.norm.cdf((index - again.mean()) / again.std()) < 0.05 and index < 0)
    found = against_neighbours(values, means, count, 0.05)
    assert (found == lower).mean() > 0.96 and found[1] == lower[1]


def test_a_patch_fits_and_a_spike_does_not() -> None:
    x, y = np.meshgrid(np.arange(30) * 5.0, np.arange(30) * 5.0)
    xy = np.column_stack([x.ravel(), y.ravel()])
    values = 3 + np.random.default_rng(0).normal(0, 0.1, len(xy))
    patch = np.hypot(xy[:, 0] - 60, xy[:, 1] - 60) < 20
    values[patch] += 3
    values[0] += 3
    means, _ = neighbour_means(xy, values, 40.0)
    inner = np.hypot(xy[:, 0] - 60, xy[:, 1] - 60) < 12
    bent, fits = influential(values, means), fitting(xy, values)
    assert bent[inner].all() and fits[inner].all()  # the plot alone would take a patch of high yield for errors
    assert bent[0] and not fits[0]
