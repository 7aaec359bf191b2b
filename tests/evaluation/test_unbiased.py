"""FID without the bias of its sample size, where the truth is known."""

import numpy as np
import pytest
import torch

from evaluation import fidelity, unbiased
from evaluation.unbiased import frechet_limit, parts_of

REAL = {"mu": np.zeros(4), "sigma": np.eye(4)}


def test_parts_are_large_enough_for_the_dimensions():
    assert parts_of(50_000, 64, 8) == [1, 2, 4, 8]
    assert parts_of(2000, 64, 8) == [1, 2, 4]
    assert parts_of(511, 64, 8) == [1]
    assert parts_of(100, 64, 8) == []
    assert parts_of(50_000, 2048, 8) == [1, 2, 4]
    assert parts_of(50_000, 64, 0) == []


def test_it_is_the_line_through_the_fids_of_the_parts():
    """Odd counts; the means and covariances of joined parts are those of their images."""
    features = torch.randn(1003, 4, generator=torch.Generator().manual_seed(0)) + 30
    sizes, distances = [], []
    for count in (1, 2, 4):
        # Halves of halves, as np.array_split cuts them in four.
        quarters = np.array_split(features.double().numpy(), 4)
        step = 4 // count
        parts = [np.concatenate(quarters[i : i + step]) for i in range(0, 4, step)]
        statistics = [{"mu": p.mean(0), "sigma": np.cov(p, rowvar=False)} for p in parts]
        distances.append(np.mean([fidelity.frechet_distance(s, REAL) for s in statistics]))
        sizes.append(count / 1003)
    design = np.stack([np.ones(3), sizes], 1)
    limit = np.linalg.lstsq(design, np.array(distances), rcond=None)[0][0]
    assert frechet_limit(features, REAL, [1, 2, 4]) == pytest.approx(limit, rel=1e-9)


def test_it_is_free_of_most_of_the_bias_and_hardly_noisier():
    """Samples of the real distribution itself: the truth is 0."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(60):
        features = torch.from_numpy(random.standard_normal((1000, 4)))
        plain = fidelity.frechet_distance(fidelity.statistics(features), REAL)
        found.append((plain, frechet_limit(features, REAL, unbiased.parts_of(1000, 4, 8))))
    (plain, limit), spread = np.mean(found, 0), np.std(found, 0)
    assert plain > 0.006
    assert abs(limit) < plain / 4
    assert spread[1] < 1.5 * spread[0]


def by_random_subsets(features, random):
    """The authors' way: FIDs of 15 sizes, each of random images, a line through them."""
    sizes = np.linspace(len(features) // 10, len(features), 15).astype(int)
    distances = [
        fidelity.frechet_distance(
            fidelity.statistics(features[random.permutation(len(features))[:size]]), REAL
        )
        for size in sizes
    ]
    return np.polyfit(1 / sizes, distances, 1)[1]


def test_parts_are_no_noisier_than_random_subsets():
    """Standard deviations 0.0087 and 0.0091."""
    random = np.random.default_rng(1)
    found = []
    for _ in range(40):
        features = torch.from_numpy(random.standard_normal((1000, 4)) * 1.1)
        limit = frechet_limit(features, REAL, unbiased.parts_of(1000, 4, 8))
        found.append((limit, by_random_subsets(features, random)))
    spread = np.std(found, 0)
    assert spread[0] < 1.05 * spread[1]
