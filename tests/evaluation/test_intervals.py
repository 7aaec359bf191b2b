"""Intervals by sectioning hold the truth as often as they say."""

import dataclasses

import numpy as np
import pytest
import torch

from duet.store.metrics import ScoreRecord
from evaluation import fidelity, intervals
from evaluation.intervals import part_protocol, with_intervals
from evaluation.metrics import FeatureSet, _manifolds


def test_an_interval_by_hand():
    """t of 3 degrees of freedom is 3.182; a part of a quarter spreads twice as far as the whole."""
    values = [1.0, 3.0, 2.0, 6.0]
    scores = {"a": ScoreRecord(2.5, count=400), "b": ScoreRecord(1.0, count=400)}
    parts = [{"a": ScoreRecord(value, count=100)} for value in values]
    parts[0]["b"] = ScoreRecord(1.0, count=100)  # the others have none
    found = with_intervals(scores, parts)
    half = 3.18245 * np.std(values, ddof=1) / 2
    assert found["a"].interval == pytest.approx((2.5 - half, 2.5 + half), rel=1e-4)
    assert found["b"] == scores["b"]


def test_parts_that_are_larger_than_their_share_spread_less():
    """Precision sees the first 100 of 400 images, each part of a quarter all of its 100."""
    parts = [{"a": ScoreRecord(value, count=100)} for value in (1.0, 2.0)]
    (low, high) = with_intervals({"a": ScoreRecord(5.0, count=100)}, parts)["a"].interval
    assert high - low == pytest.approx(2 * 12.7062 * np.std([1, 2], ddof=1), rel=1e-4)


def test_a_part_is_scored_as_its_share_of_the_whole(measurement):
    protocol = measurement(repeats=4, patch_images=7).protocol
    part = part_protocol(protocol)
    assert (part.samples, part.inception_score_splits) == (12_500, 2)
    assert (part.kernel_subsets, part.kernel_subset_size) == (25, 1000)
    small = part_protocol(dataclasses.replace(protocol, samples=2000, inception_score_splits=1))
    assert (small.inception_score_splits, small.kernel_subset_size) == (1, 500)
    assert dataclasses.replace(
        part, samples=50_000, inception_score_splits=10, kernel_subsets=100
    ) == protocol


def numbered(count=103):
    """Features that tell their image, all else derived from them."""
    rows = torch.arange(count)
    return FeatureSet(
        rows[:, None].float().repeat(1, 2), rows[:, None] + 1.0, {}, rows.view(-1, 1, 1, 1) + 2,
        rows + 3, rows[:50].double(), rows[:20, None].repeat(1, 2).double(),
    )


def test_parts_are_disjoint_random_and_whole():
    whole = numbered()
    parts = list(whole.parts(4, seed=1))
    together = torch.cat([part.features for part in parts])
    assert sorted(together[:, 0].tolist()) == list(range(103))
    assert {len(part.features) for part in parts} == {25, 26}
    assert not torch.equal(together, whole.features)
    for part in parts:
        rows = part.features[:, 0]
        assert torch.equal(part.logits[:, 0], rows + 1)
        assert torch.equal(part.images.flatten(), rows.long() + 2)
        assert torch.equal(part.labels, rows.long() + 3)
        np.testing.assert_allclose(part.statistics["mu"], rows.double().mean().numpy())
    assert torch.equal(torch.cat([part.speeds for part in parts]), whole.speeds)
    assert torch.equal(torch.cat([p.reconstruction for p in parts]), whole.reconstruction)
    assert torch.equal(next(iter(whole.parts(4, 1))).features, parts[0].features)
    assert not torch.equal(next(iter(whole.parts(4, 2))).features, parts[0].features)
    bare = FeatureSet(whole.features, None, {})
    assert [part.logits for part in bare.parts(2, 0)] == [None, None]


@pytest.mark.slow
def test_the_interval_of_fid_holds_its_expectation():
    """300 models' worth of Gaussian samples, 800 each, 10 parts: 95 % within three standard errors,
    though the parts' own mean lies far above, which a bootstrap would take for the truth."""
    random = np.random.default_rng(0)
    real = {"mu": np.zeros(5), "sigma": np.eye(5)}

    def scored(features):
        distance = fidelity.frechet_distance(fidelity.statistics(features), real)
        return {"fid": ScoreRecord(distance, count=len(features))}

    found = []
    for _ in range(300):
        features = torch.from_numpy(random.standard_normal((800, 5)) * 1.1 + 0.2)
        parts = [scored(part) for part in features.chunk(10)]
        found.append((with_intervals(scored(features), parts)["fid"], parts))
    expected = np.mean([score.value for score, _ in found])
    holds = np.mean([score.interval[0] <= expected <= score.interval[1] for score, _ in found])
    assert abs(holds - intervals.CONFIDENCE) < 3 * (0.95 * 0.05 / 300) ** 0.5
    parts_mean = np.mean([part["fid"].value for _, parts in found for part in parts])
    widths = np.mean([score.interval[1] - score.interval[0] for score, _ in found])
    assert parts_mean > expected + widths / 2


def test_the_intervals_of_manifolds_hold_their_expectation(measurement):
    """Of as many samples as there are real ones, 80 times: at most three standard errors from 95 %,
    less the little that the parts' own size costs. Among all real ones coverage's held it half of
    the times."""
    generator, count = torch.Generator().manual_seed(0), 300
    real = FeatureSet(torch.randn(count, 4, generator=generator), None, {})
    protocol = measurement(
        samples=count, repeats=10, manifold_images=count, part_manifold_images=30, neighborhood=3
    ).protocol
    found = []
    for _ in range(80):
        drawn = 0.9 * torch.randn(count, 4, generator=generator) + 0.15
        whole, *parts = (
            _manifolds(features, real.manifold, asked)
            for features, asked in [
                (drawn, protocol), *((part, part_protocol(protocol)) for part in drawn.chunk(10))
            ]
        )
        found.append(with_intervals(whole, parts))
    for key in ("precision", "recall", "density", "coverage"):
        expected = np.mean([scores[key].value for scores in found])
        holds = np.mean([s[key].interval[0] <= expected <= s[key].interval[1] for s in found])
        assert holds > 0.95 - 0.05 - 3 * (0.95 * 0.05 / 80) ** 0.5, key
