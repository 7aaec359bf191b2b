"""The stored part of the training split is a random one, whatever order its file has."""

import numpy as np
import pytest
import torch

from duet import data
from duet.core.tensors import load_tensors, save_tensors
from duet.data import DataError, ImageSet
from evaluation import patches
from evaluation import reference as reference_module
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor, open_extractor
from evaluation.reference import SEED, build, open_reference, random_part
from evaluation.sets import SetId

NAMES = tuple("0123456789")


def odd_set(count=2501, seed=0):
    """Unbalanced classes, two groups that alternate in the file (one brighter), some duplicates."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(10, count, p=np.arange(1, 11) / 55)
    images = rng.integers(0, 60, (count, 1, 28, 28)).astype(np.uint8)
    images[::2] += 120
    images[-5:] = images[:5]
    labels[-5:] = labels[:5]
    return ImageSet("odd", "train", torch.from_numpy(images), torch.from_numpy(labels), NAMES)


def reordered(images, order):
    order = torch.as_tensor(np.ascontiguousarray(order))
    return ImageSet(
        images.name, images.split, images.images[order], images.labels[order], images.class_names
    )


@pytest.mark.parametrize("order", ["class", "writer", "brightness", "backwards"])
def test_the_same_images_are_chosen_in_every_order(order):
    images = odd_set()
    brightness = images.images.float().mean(dim=(1, 2, 3)).numpy()
    orders = {
        "class": np.argsort(images.labels.numpy(), kind="stable"),
        "writer": np.argsort(np.arange(len(images)) % 2, kind="stable"),
        "brightness": np.argsort(brightness),
        "backwards": np.arange(len(images))[::-1],
    }
    other = reordered(images, orders[order])
    chosen, again = random_part(images, 600, 0), random_part(other, 600, 0)
    kept, kept_again = images.images[chosen], other.images[again]
    assert torch.equal(kept, kept_again)
    assert len(set(chosen.tolist())) == 600


def test_the_part_is_balanced_as_the_whole_and_random():
    images = odd_set()
    chosen = random_part(images, 600, 0)
    share = torch.bincount(images.labels[chosen], minlength=10) / 600
    whole = torch.bincount(images.labels, minlength=10) / len(images)
    assert (share - whole).abs().max() < 1 / 600
    assert abs((chosen % 2 == 0).double().mean() - 0.5) < 0.07  # both writers
    for modulus in (3, 6):
        rests = torch.bincount(chosen % modulus, minlength=modulus) / 600
        assert (rests - 1 / modulus).abs().max() < 0.08
    assert (chosen.diff() > 0).double().mean() < 0.6  # in random order: a part of it is random too
    assert not torch.equal(random_part(images, 600, 1), chosen)
    assert sorted(random_part(images, 9999, 0).tolist()) == list(range(len(images)))


class PixelMean(torch.nn.Module):
    """uint8 [N, 1, 28, 28] -> two features: brightness of the picture and of its left half."""

    def forward(self, images):
        x = images.float() / 255
        features = torch.stack([x.mean(dim=(1, 2, 3)), x[..., :14].mean(dim=(1, 2, 3))], 1)
        return features, features


@pytest.fixture
def pixel_mean():
    return Extractor("pixels", PixelMean(), "0" * 64, None, torch.device("cpu"))


def test_statistics_are_of_all_and_features_of_a_part(pixel_mean, tmp_path, monkeypatch):
    monkeypatch.setattr(reference_module, "FOLDER", tmp_path)
    monkeypatch.setattr(reference_module, "STORED_FEATURES", 300)
    images = odd_set()
    build(images, pixel_mean)
    found = open_reference(SetId.of(images), pixel_mean)
    everything, _ = PixelMean()(images.images)
    chosen = random_part(images, 300, 0)  # neither the first nor evenly spread
    torch.testing.assert_close(found.features.features, everything[chosen])
    everything = everything.double().numpy()
    np.testing.assert_allclose(found.features.statistics["mu"], everything.mean(0), rtol=1e-6)
    covariance = np.cov(everything, rowvar=False)
    np.testing.assert_allclose(found.features.statistics["sigma"], covariance, rtol=1e-5)
    assert found.features.statistics["sigma"].dtype == np.float64
    assert found.features.features.shape == (300, 2)
    assert (found.about.features, found.about.images, found.about.seed) == (300, 2501, 0)


def test_classes_and_patches_are_kept_of_all_images(pixel_mean, tmp_path, monkeypatch):
    """Statistics of each class with 100 images and more, in the order of the classes."""
    monkeypatch.setattr(reference_module, "FOLDER", tmp_path)
    images = odd_set()
    build(images, pixel_mean)
    found = open_reference(SetId.of(images), pixel_mean).features
    everything, _ = PixelMean()(images.images)
    sizes = torch.bincount(images.labels).tolist()
    assert min(sizes) < 100 < max(sizes)
    for label, (size, known) in enumerate(zip(sizes, found.class_statistics, strict=True)):
        assert (known is None) == (size < 100)
        if known is not None:
            own = everything[images.labels == label].double().numpy()
            np.testing.assert_allclose(known["mu"], own.mean(0), rtol=1e-6)
            np.testing.assert_allclose(known["sigma"], np.cov(own, rowvar=False), rtol=1e-5)
    assert patches.distance(images.images, found.patches) < 15  # other places of the same images
    assert patches.distance(255 - images.images, found.patches) > 50
    monkeypatch.setattr(reference_module, "MOST_CLASS_VALUES", 39)  # ten classes of 2 x 2
    build(images, pixel_mean)
    assert open_reference(SetId.of(images), pixel_mean).features.class_statistics is None


@pytest.mark.parametrize("damage", ["not finite", "of an older version", "flat", "few", "narrow"])
def test_a_reference_that_says_nothing_is_refused(pixel_mean, tmp_path, monkeypatch, damage):
    monkeypatch.setattr(reference_module, "FOLDER", tmp_path)
    images = odd_set(400)
    path = build(images, pixel_mean)
    tensors, about = load_tensors(path)
    if damage == "not finite":
        tensors["features"][3, 1] = torch.nan
    elif damage == "flat":
        tensors["features"] = tensors["features"].flatten().clone()
    elif damage == "few":
        tensors["features"] = tensors["features"][1:].clone()
    elif damage == "narrow":
        tensors["sigma"] = tensors["sigma"][:1].clone()
    else:
        del tensors["patch_moments"]
    save_tensors(path, tensors, about)
    words = "numbers that are not finite" if damage == "not finite" else "another version of Duet"
    with pytest.raises(EvaluationError, match=f"{words}.*make it anew"):
        open_reference(SetId.of(images), pixel_mean)


def test_statistics_are_taken_in_float64(pixel_mean):
    """A large offset: float32 means would be wrong in the fourth digit."""
    from evaluation.fidelity import statistics

    features = torch.randn(5000, 2) + 1000
    exact = features.double().numpy()
    np.testing.assert_allclose(statistics(features)["mu"], exact.mean(0), rtol=1e-12)


def squared_mmds(points: torch.Tensor, sides: torch.Tensor) -> torch.Tensor:
    """KID's unbiased estimate in float64 of points [N, D] on the sides bool [R, N], R times."""
    kernel = (points.double() @ points.double().T / points.shape[1] + 1) ** 3
    kernel.fill_diagonal_(0)
    ones, twos = sides.double(), (~sides).double()
    n, m = ones.sum(1), twos.sum(1)
    among = [(side @ kernel * side).sum(1) / (k * (k - 1)) for side, k in ((ones, n), (twos, m))]
    return sum(among) - 2 * (ones @ kernel * twos).sum(1) / (n * m)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
def test_random_training_images_are_at_no_distance_from_their_reference(name):
    """KID of training images that are not stored against those that are lies among those of both
    mixed up, which are 0 but for chance; of the stride of six that was stored once it was 0.0148.
    Of own pictures all are stored."""
    try:
        train = data.load(name, "train", download=False)
    except DataError as error:
        pytest.skip(f"needs the images of {name}: {error}")
    extractor = open_extractor(name, torch.device("cpu"))
    stored = open_reference(SetId.of(train), extractor).features.features
    others = torch.ones(len(train), dtype=torch.bool)
    kept = random_part(train, len(stored), SEED)
    others[kept] = False
    random = np.random.default_rng(5)
    chosen = torch.from_numpy(random.permutation(others.nonzero()[:, 0].numpy())[:1500])
    features = torch.cat([extractor(batch)[0] for batch in train.images[chosen].split(250)])
    assert (extractor(train.images[kept[:9]])[0] - stored[:9]).abs().max() < 1e-3
    points = torch.cat([features, stored[:3000]])
    own = torch.arange(len(points)) < len(features)
    mixed = [own[random.permutation(len(own))] for _ in range(200)]
    found, *by_chance = squared_mmds(points, torch.stack([own, *mixed]))
    spread = torch.stack(by_chance).std()
    assert abs(found) < 4 * spread
    assert 4 * spread < 0.014
