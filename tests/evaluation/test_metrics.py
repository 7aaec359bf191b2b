"""Metrics of our own, each against an independent computation."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from duet.store.metrics import ScoreRecord
from evaluation import fidelity, patches, specks
from evaluation import metrics as metrics_module
from evaluation.metrics import METRICS, FeatureSet, least_class_images


def component_sizes(bright):
    """By flood fill from each pixel in turn."""
    left, sizes = set(zip(*map(np.ndarray.tolist, bright.nonzero()), strict=True)), []
    while left:
        edge, size = [left.pop()], 0
        while edge:
            y, x = edge.pop()
            size += 1
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= around
            edge += around
        sizes.append(size)
    return sizes


def test_specks_are_the_small_components_that_a_flood_fill_finds():
    """At many densities: lone pixels, long snakes, everything touching."""
    rng = np.random.default_rng(0)
    chance = rng.choice([0.002, 0.01, 0.3, 0.6, 0.8], (300, 1, 1))
    bright = rng.random((300, 15, 17)) < chance
    images = torch.from_numpy(np.where(bright, 17, 16).astype(np.uint8))[:, None]
    expected = [min(component_sizes(picture), default=5) <= 4 for picture in bright]
    assert 0.2 < np.mean(expected) < 0.9
    assert specks.has_speck(images).tolist() == expected
    pixels = specks.pixels_of(images)
    assert not pixels[images <= specks.LEVEL].any()
    without = images.masked_fill(pixels, 0)
    assert not specks.has_speck(without).any()
    assert (without == images)[~pixels].all()
    assert specks.speckled_share(images) == np.mean(expected)


@pytest.mark.parametrize(
    ("picture", "found"),
    [
        ("#....,.....,.....", True),
        ("##...,##...,.....", True),
        ("##...,##...,..#..", False),  # five, by a corner
        ("####.,.....,.....", True),
        ("#####,.....,.....", False),
        ("#...#,.#.#.,..#..", False),  # a V of five
        (".....,.....,.....", False),
        ("#####,.....,#....", True),  # beside a large one
    ],
)
def test_specks_by_eye(picture, found):
    rows = [[255 * (c == "#") for c in row] for row in picture.split(",")]
    assert specks.has_speck(torch.tensor([[rows]], dtype=torch.uint8)).tolist() == [found]


def test_dim_pixels_are_no_specks():
    images = torch.zeros(2, 1, 9, 9, dtype=torch.uint8)
    images[0, 0, 4, 4], images[1, 0, 4, 4] = 16, 17
    assert specks.has_speck(images).tolist() == [False, True]


@pytest.mark.slow
def test_the_share_of_speckled_digits_is_the_known_one(mnist):
    """1,499 of 60,000, counted by the flood fill above."""
    assert specks.speckled_share(mnist("train").images) == 1499 / 60_000


def test_dim_specks_are_counted_from_black_on():
    images = torch.zeros(4, 1, 9, 9, dtype=torch.uint8)
    images[0, 0, 4, 4], images[1, 0, 4, 4], images[2, 0, :, 4] = 1, 17, 1
    assert specks.speckled_share(images) == 0.25
    assert specks.speckled_share(images, level=0) == 0.5


def class_distance(features, labels, real, least):
    (metric,) = (m for m in METRICS if m.real == ("class_statistics",))
    found = FeatureSet(features, None, {}, labels=labels)
    against = FeatureSet(features, None, {}, class_statistics=real)
    protocol = SimpleNamespace(class_images=least)
    return metric(found, against, protocol)


def test_frechet_distance_by_class_by_hand():
    """Diagonal Gaussians apart, of known distance but for sampling; one class of too few images on
    either side is left out of the mean, and named."""
    random = np.random.default_rng(0)
    labels = torch.from_numpy(random.choice(4, 9000, p=(0.5, 0.3, 0.195, 0.005)))
    shift = np.array([0.0, 1.0, 2.0, 9.0])[labels][:, None]
    features = torch.from_numpy(random.standard_normal((9000, 3)) + shift)
    unit = {"mu": np.zeros(3), "sigma": np.eye(3)}
    score = class_distance(features, labels, (unit, None, unit, unit), 100)
    found = score["class_frechet_distance"]
    first, second, third, fourth = found.by_class
    assert (second, fourth) == (None, None)
    assert first == pytest.approx(0, abs=0.01)
    assert third == pytest.approx(3 * 2**2, rel=0.03)
    own = features[labels == 2]
    exact = {"mu": own.mean(0).numpy(), "sigma": np.cov(own.numpy(), rowvar=False)}
    assert third == pytest.approx(fidelity.frechet_distance(exact, unit))
    assert found.value == pytest.approx((first + third) / 2)
    assert found.count == (labels == 0).sum() + (labels == 2).sum()
    assert class_distance(features, labels, (None, None, None, unit), 100) == {}


def test_a_reference_of_no_classes_has_no_distance_by_class():
    features = torch.randn(9, 3)
    assert class_distance(features, torch.zeros(9).long(), None, 1) == {}
    assert class_distance(features, None, ({"mu": 0},), 1) == {}
    assert least_class_images(64) == 128
    assert least_class_images(3) == 100


def test_a_real_manifold_is_found_once(monkeypatch):
    made = []
    monkeypatch.setattr(metrics_module, "RealManifold", lambda *given: made.append(given) or given)
    real = FeatureSet(torch.randn(9, 2), None, {})
    assert real.manifold(5, 3) is real.manifold(5, 3)
    assert [(len(features), k) for features, k in made] == [(5, 3)]
    real.manifold(6, 3)
    assert len(made) == 2


def test_specks_of_the_darkest_grey_are_dim_ones():
    images = torch.zeros(4, 1, 9, 9, dtype=torch.uint8)
    images[:3, 0, 4, 4] = torch.tensor([1, 16, 17], dtype=torch.uint8)
    found = metrics_module._specks(images, None)
    assert {key: (score.value, score.count) for key, score in found.items()} == {
        "specks": (0.25, 4), "dim_specks": (0.75, 4),
    }


def test_two_numbers_of_parts_tell_the_limit_of_fid():
    """16 images of two dimensions, eight a part; 15 are too few, and so are none asked for."""
    features, real = torch.randn(16, 2), {"mu": np.zeros(2), "sigma": np.eye(2)}

    def limit(count, most):
        protocol = SimpleNamespace(limit_parts=most, rng_seed=7)
        return metrics_module._frechet_limit(features[:count], real, protocol)

    assert limit(16, 8)["frechet_limit"].count == 16
    assert limit(15, 8) == limit(16, 1) == limit(16, None) == {}


def test_a_class_of_the_least_images_is_compared():
    labels = torch.tensor([0] * 6 + [1] * 5)
    unit = {"mu": np.zeros(2), "sigma": np.eye(2)}
    found = class_distance(torch.randn(11, 2), labels, (unit, unit), 6)["class_frechet_distance"]
    assert found.by_class[1] is None
    assert found.value == found.by_class[0]


def test_patches_are_of_as_many_images_as_the_protocol_says():
    images = torch.randint(0, 256, (9, 1, 28, 28), dtype=torch.uint8)
    real = patches.describe(images)
    found = metrics_module._patch_distance(images, real, SimpleNamespace(patch_images=5))
    assert found["patch_distance"] == ScoreRecord(patches.distance(images[:5], real), count=5)
