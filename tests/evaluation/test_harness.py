"""What the harness hands over, seen by an extractor that counts pixels."""

import dataclasses

import numpy as np
import pytest
import torch

import duet
from duet import data
from duet.core.errors import DuetError
from duet.store.checkpoint import save
from duet.store.config import DataRecord
from duet.store.metrics import ReferenceRecord, ScoreRecord
from evaluation import fidelity, manifolds, metrics, path_length, reconstruction
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.harness import (
    Request,
    check_fit,
    generate,
    measure_held_out,
    protocol_of,
    record,
    score,
)
from evaluation.intervals import part_protocol
from evaluation.manifolds import Manifolds
from evaluation.metrics import FeatureSet
from evaluation.reference import BATCH, Reference, extract, random_part


class PixelSum(torch.nn.Module):
    def forward(self, images):
        flat = images.flatten(1).double()
        features = torch.stack([flat.sum(1), flat @ torch.arange(flat.shape[1]).double()], 1)
        return features.float(), features.float()


@pytest.fixture
def pixel_sum():
    return Extractor("pixels", PixelSum(), "0" * 64, (1, 28, 28), torch.device("cpu"))


@pytest.fixture
def checkpoint(folder):
    return duet.load(folder)


def test_every_image_of_the_request_is_measured_once(checkpoint, pixel_sum):
    """More than two batches, a stream that is not 0, a truncation that is not 1."""
    count = 2 * BATCH + 17
    request = Request(count, seed=3, truncation=0.7)
    found = generate(checkpoint, pixel_sum, request)
    images = checkpoint.model.sample(count, seed=3, truncation=0.7)
    expected, _ = PixelSum()(images)
    # Other batches may round single pixels by a level.
    torch.testing.assert_close(found.features, expected, rtol=1e-3, atol=4)
    assert len(found.features.unique(dim=0)) == count
    for other in (Request(count), Request(count, 3), Request(count, 0, 0.7)):
        assert not torch.allclose(generate(checkpoint, pixel_sum, other).features, expected)


def reference_of(features):
    statistics = fidelity.statistics(features)
    about = ReferenceRecord("toy", "train", 9, "0" * 64, len(features), "r", 0, "0" * 64)
    return Reference(FeatureSet(features, None, statistics), about)


@pytest.mark.parametrize(
    ("samples", "stored", "limit", "subset", "splits"),
    [
        (300, 700, 300, 300, 1),
        (900, 400, 400, 400, 1),
        (12_000, 1500, 1500, 1000, 2),
        (50_000, 20_000, 10_000, 1000, 10),
    ],
)
def test_the_protocol_says_what_was_compared(pixel_sum, samples, stored, limit, subset, splits):
    protocol = protocol_of(Request(samples), pixel_sum, reference_of(torch.randn(stored, 2)))
    assert protocol.manifold_images == limit
    assert protocol.kernel_subset_size == subset
    assert protocol.inception_score_splits == splits


def test_metrics_see_equal_counts_and_the_protocols_numbers(pixel_sum, monkeypatch):
    calls = {}

    def spy(name, result):
        def called(*arguments):
            calls[name] = arguments
            return result
        return called

    four = Manifolds(precision=0.5, recall=0.25, density=2, coverage=0.125)
    monkeypatch.setattr(manifolds.RealManifold, "compare", spy("manifolds", four))
    monkeypatch.setattr(fidelity, "kernel_distance", spy("kid", (0.1, 0.01)))
    monkeypatch.setattr(fidelity, "inception_score", spy("is", (2.0, 0.2)))
    features = torch.randn(600, 2)
    found = FeatureSet(features, features, fidelity.statistics(features))
    real = torch.randn(400, 2)
    asked = Request(600, repeats=0)
    measured = record(found, pixel_sum, reference_of(real), asked, "0" * 64)
    manifold, shown = calls["manifolds"]
    assert torch.equal(shown, features[:400])
    assert torch.equal(manifold.cloud.points, real)
    assert manifold.neighborhood == metrics.NEIGHBORHOOD == 3
    assert [id(side) for side in calls["kid"][:2]] == [id(features), id(real)]
    assert calls["kid"][2:] == (100, 400)
    assert calls["is"][1] == 1
    assert measured.scores["precision"].value == 0.5
    assert measured.scores["recall"].value == 0.25
    assert measured.scores["density"].value == 2
    assert measured.scores["coverage"].value == 0.125
    assert measured.scores["f_score"].value == pytest.approx(1 / 3)
    assert measured.scores["kernel_distance"] == ScoreRecord(0.1, 0.01, None, 600)
    counts = {key: score.count for key, score in measured.scores.items()}
    assert counts == dict.fromkeys(counts, 400) | dict.fromkeys(
        ("inception_score", "frechet_distance", "frechet_limit", "kernel_distance"), 600
    )
    assert {"density", "coverage"} < set(counts)
    unknown = record(
        dataclasses.replace(found, logits=None), pixel_sum, reference_of(real), asked, "0"
    )
    assert "inception_score" not in unknown.scores


def test_an_extractor_that_cannot_see_the_images_is_refused(checkpoint, extractor):
    check_fit(checkpoint, extractor)
    with pytest.raises(EvaluationError, match=r"takes images of \(3, 8, 8\)"):
        check_fit(checkpoint, dataclasses.replace(extractor, image_shape=(3, 8, 8)))


class Reads(torch.nn.Module):
    """Logits for the class that the first pixel names."""

    def forward(self, images):
        logits = torch.nn.functional.one_hot(images[:, 0, 0, 0].long() % 10, 10).float()
        return images[:, 0, 0, :2].float(), logits


def reading(**changes):
    return Extractor("mnist", Reads(), "0" * 64, (1, 28, 28), torch.device("cpu"), **changes)


def test_agreement_is_of_the_labels_that_were_drawn(checkpoint, monkeypatch):
    """More than one batch; a model whose images are of their class but for every fourth one."""

    def render(z, labels):
        images = torch.zeros(len(labels), 1, 28, 28, dtype=torch.uint8)
        wrong = (z[:, 0] > 0.6745).long()  # a quarter of a normal distribution
        images[:, 0, 0, 0] = ((labels + wrong) % 10).to(torch.uint8)
        return images

    monkeypatch.setattr(checkpoint.model, "render", render)
    request = Request(2 * BATCH + 9, seed=3)
    found = generate(checkpoint, reading(), request)
    right = found.labels == found.logits.argmax(1)
    assert right.double().mean() == pytest.approx(0.75, abs=0.06)
    measured = record(found, reading(), reference_of(torch.randn(150, 2)), request, "0" * 64)
    assert measured.scores["label_agreement"].value == right.double().mean()
    for other in (reading(knows_classes=False), dataclasses.replace(reading(), name="cifar10")):
        assert generate(checkpoint, other, request).labels is None


def test_the_labels_of_real_images_are_their_own(toy_data):
    images = toy_data.images.clone()
    images[:, 0, 0, 0] = toy_data.labels.to(torch.uint8)
    images[::3, 0, 0, 0] += 1
    real = dataclasses.replace(toy_data, images=images)
    measured = measure_held_out(real, reading(), reference_of(torch.randn(150, 2)))
    assert measured.scores["label_agreement"].value == pytest.approx(2 / 3)
    assert measured.subject_sha256 == real.sha256
    assert measured.protocol.samples == 300


def test_specks_are_counted_in_grey_images_only(pixel_sum):
    images = torch.zeros(300, 1, 28, 28, dtype=torch.uint8)
    images[::2, :, 5, 5] = 200
    found = extract(images.split(BATCH), 300, pixel_sum, "specks")
    assert torch.equal(found.images, images)
    measured = record(found, pixel_sum, reference_of(torch.randn(150, 2)), Request(300), "0" * 64)
    assert measured.scores["specks"].value == 0.5
    assert measured.scores["dim_specks"].value == 0.5
    colour = extract(images.expand(-1, 3, -1, -1).split(BATCH), 300, pixel_sum, "colour")
    assert colour.images.shape == (300, 3, 28, 28)
    assert colour.grey_images is None


def test_intervals_are_of_the_parts_scores(pixel_sum, monkeypatch):
    """1,100 samples make four parts of 275, however many were asked for; nothing else changes."""
    monkeypatch.setattr("evaluation.harness.KID_SUBSETS", 8)
    features, real = torch.randn(1100, 2), reference_of(torch.randn(1300, 2))
    found = FeatureSet(features, features, fidelity.statistics(features))
    measured = record(found, pixel_sum, real, Request(1100, repeats=7), "0" * 64)
    assert measured.protocol.repeats == 4
    assert not any("interval" in words for words in measured.warnings)
    part = part_protocol(measured.protocol)
    parts = [score(each, real, dataclasses.replace(part, repeats=0)) for each in
             found.parts(4, measured.protocol.rng_seed)]
    for key, one in measured.scores.items():
        shares = np.std([each[key].value for each in parts], ddof=1)
        half = 3.18245 * shares * (parts[0][key].count / one.count) ** 0.5
        assert one.interval == pytest.approx((one.value - half, one.value + half), rel=1e-3)
    bare = record(found, pixel_sum, real, Request(1100, repeats=1), "0" * 64)
    assert bare.protocol.repeats == 0
    assert bare.warnings == (
        "no intervals: they take two repeats or more, and 500 images or more",
    )
    without = {k: dataclasses.replace(s, interval=None) for k, s in measured.scores.items()}
    assert bare.scores == without


@pytest.mark.parametrize("repeats", [-1, 101])
def test_repeats_out_of_range_are_refused(repeats):
    with pytest.raises(DuetError, match=r"--repeats must be a whole number in 0\.\.100"):
        Request(500, repeats=repeats)


def test_features_that_cannot_be_scored_are_an_error(pixel_sum):
    real = reference_of(torch.randn(300, 2))

    def scored(features, against=real):
        statistics = {"mu": np.zeros(2), "sigma": np.eye(2)}
        found = FeatureSet(features, None, statistics)
        return record(found, pixel_sum, against, Request(300), "0" * 64)

    broken = torch.randn(300, 2)
    broken[7, 1] = torch.nan
    with pytest.raises(EvaluationError, match="features of the images are not finite"):
        scored(broken)
    with pytest.raises(EvaluationError, match="features of the reference are not finite"):
        scored(torch.randn(300, 2), dataclasses.replace(
            real, features=dataclasses.replace(real.features, features=broken)
        ))
    with pytest.raises(EvaluationError, match="3 dimensions, those of the reference 2"):
        scored(torch.randn(300, 3))
    few = reference_of(torch.randn(3, 2))
    with pytest.raises(EvaluationError, match="3 images have no 3 neighbours"):
        scored(torch.randn(300, 2), few)


def test_what_is_to_be_taken_with_care_is_stored(pixel_sum):
    """Fewer images than dimensions, than a subset, than two repeats, than a class wants."""
    features = torch.randn(120, 130)
    labels = torch.arange(120) % 3
    statistics = {"mu": np.zeros(130), "sigma": np.eye(130)}
    real = reference_of(torch.randn(400, 130))
    classes = ({"mu": np.zeros(130), "sigma": np.eye(130)},) * 2 + (None,)
    real = dataclasses.replace(
        real, features=dataclasses.replace(real.features, class_statistics=classes)
    )
    found = FeatureSet(features, None, statistics, labels=labels)
    measured = record(found, pixel_sum, real, Request(120), "0" * 64)
    assert measured.warnings == (
        "FID of 120 images in 130 dimensions: their covariance is singular",
        "FID∞ is left out: it takes 1,040 images or more, not 120",
        "KID: a subset holds all images, so its spread says little",
        "no intervals: they take two repeats or more, and 500 images or more",
        "FID by class leaves out classes of fewer than 260 images: 0, 1, 2",
    )
    assert {"frechet_limit", "class_frechet_distance"}.isdisjoint(measured.scores)


def test_the_model_itself_is_looked_at(checkpoint, pixel_sum, monkeypatch):
    """A pair of latents for ten images, of the stream and truncation that were asked for; no
    reconstruction of a model that encodes nothing."""
    calls = []

    def spy(*arguments):
        calls.append(arguments)
        return torch.ones(4, dtype=torch.float64)

    monkeypatch.setattr(path_length, "squared_speeds", spy)
    found = generate(checkpoint, pixel_sum, Request(140, seed=5, truncation=0.5))
    assert calls == [(checkpoint.model, pixel_sum, 14, 5, 0.5, "tiny")]
    assert torch.equal(found.speeds, torch.ones(4, dtype=torch.float64))
    assert found.reconstruction is None


def test_held_out_images_are_reconstructed(tmp_path, tiny_vae, toy_data, extractor):
    """A random part of the 200 toys of the test split, in random order."""
    save(tmp_path, tiny_vae, name="vae", made_from=DataRecord("toy", "Toy", toy_data.class_names))
    vae = duet.load(tmp_path)
    found = generate(vae, extractor, Request(110))
    real = data.load("toy", "test")
    chosen = random_part(real, 110, 0)
    expected = reconstruction.errors(vae, real.images[chosen], real.labels[chosen], extractor)
    assert torch.equal(found.reconstruction, expected)
