"""Modes covered and their divergence: closed forms, the stacked extractor, the way to a table."""

import dataclasses
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import duet
from duet.data import DATASETS, Facts, ImageSet
from duet.hub.card import text
from duet.store import records
from duet.store.checkpoint import METRICS
from duet.store.metrics import MetricsRecord
from duet.store.scores import HEADLINES, headline_columns
from evaluation import modes
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS, serving
from evaluation.fidelity import open_extractor
from evaluation.harness import Request, protocol_of
from evaluation.intervals import part_protocol
from evaluation.metrics import METRICS as ALL
from evaluation.metrics import FeatureSet

K, N = 1000, 26_000


def shuffled(classes):
    return torch.from_numpy(np.random.default_rng(0).permutation(np.asarray(classes)))


def scores(classes):
    return modes.covered(classes, K), modes.reverse_kl(classes, K)


def test_a_perfect_sampler_covers_all_evenly():
    assert scores(shuffled(np.arange(N) % K)) == (K, pytest.approx(0, abs=1e-12))


def test_a_collapsed_sampler_covers_few():
    """Every tenth class only; then a single one."""
    assert scores(shuffled(np.arange(N) % 100 * 10)) == (100, pytest.approx(math.log(10)))
    assert scores(torch.full((N,), 999)) == (1, pytest.approx(math.log(K)))


def test_a_biased_sampler_has_the_divergence_of_its_frequencies():
    """Even numbers twice as often as odd ones: 4/3 and 2/3 of their share."""
    even, odd = np.arange(N) % 500 * 2, np.arange(N // 2) % 500 * 2 + 1
    expected = 0.5 * (4 / 3 * math.log(4 / 3) + 2 / 3 * math.log(2 / 3))
    assert scores(shuffled(np.concatenate([even, odd]))) == (K, pytest.approx(expected))


def test_a_rare_mode_counts_by_one_sample():
    classes = np.arange(N) % (K - 1)
    classes[17] = K - 1
    assert modes.covered(shuffled(classes), K) == K


def test_chance_alone_has_the_divergence_that_is_told():
    """(K - 1) / 2N, give or take sqrt((K - 1) / 2) / N, over 20 draws."""
    rng = np.random.default_rng(1)
    found = [modes.reverse_kl(torch.from_numpy(rng.integers(0, K, N)), K) for _ in range(20)]
    deviation = math.sqrt((K - 1) / 2) / N
    # The next term of the expansion, (K^2 - 1) / 12 N^2, adds 0.0001.
    assert np.mean(found) == pytest.approx((K - 1) / (2 * N), abs=deviation / 2)
    assert np.std(found, ddof=1) == pytest.approx(deviation, rel=0.5)


def metric(logits, images):
    (found,) = (m for m in ALL if m.function.__name__ == "_modes")
    features = FeatureSet(torch.zeros(len(logits), 1), logits, {})
    return found(features, features, SimpleNamespace(mode_images=images))


def test_modes_are_of_the_first_images_and_where_they_were_asked_for():
    """Ten images of four classes, the fourth of them only among the last two."""
    classes = torch.tensor([0, 1, 2, 0, 0, 1, 2, 0, 3, 3])
    logits = torch.nn.functional.one_hot(classes, 4).float()
    found = metric(logits, 8)
    assert (found["modes"].value, found["modes"].count) == (3, 8)
    expected = 0.5 * math.log(2) + 2 * 0.25 * math.log(1)
    assert found["mode_divergence"].value == pytest.approx(expected)
    assert found["mode_divergence"].count == 8
    assert metric(logits, 10)["modes"].value == 4
    assert metric(logits, None) == {}


def test_the_stacked_extractor_is_the_digits_own_a_channel_at_a_time(toy_data, extractor):
    """Features side by side; the class is the three digits read as a number."""
    stacked = open_extractor("stacked-mnist", torch.device("cpu"))
    channels = toy_data.images[:90, 0].unflatten(0, (30, 3))
    features, logits = stacked(channels)
    parts = [extractor(channels[:, [channel]]) for channel in range(3)]
    expected = torch.cat([part for part, _ in parts], dim=1)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
    first, second, third = (found.argmax(1) for _, found in parts)
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert torch.equal(logits.argmax(1), 100 * first + 10 * second + third)
    chances = logits.softmax(1)[:, 123]
    product = math.prod(found.softmax(1)[:, digit] for digit, (_, found) in enumerate(parts, 1))
    torch.testing.assert_close(chances, product, rtol=1e-3, atol=1e-12)
    assert stacked.weights_sha256 == extractor.weights_sha256


def test_the_stacked_extractor_is_trained_as_the_digits_own(capsys, monkeypatch):
    images = torch.zeros(2, 3, 28, 28, dtype=torch.uint8)
    stacked = ImageSet("stacked-mnist", "train", images, torch.zeros(2).long(), ("000",))
    monkeypatch.setattr("duet.data.load", lambda *_, **__: stacked)
    assert (serving("mnist"), serving("stacked-mnist")) == ("mnist", "stacked-mnist")
    assert main(["train-extractor", "--data", "stacked-mnist"]) == 2
    assert "trained on mnist; pass --data mnist" in capsys.readouterr().err


@pytest.fixture
def natural(toy_data, monkeypatch):
    """The toy data as a set whose classes are modes."""
    facts = Facts("toy", "Toy", toy_data.class_names, about="Bars", classes_are_modes=True)
    known = dataclasses.replace(DATASETS["toy"], facts=facts)
    monkeypatch.setitem(DATASETS, "toy", known)


def asked(reference, extractor, **request):
    return protocol_of(Request(**request), extractor, reference).mode_images


def test_modes_are_counted_when_asked_for(reference, extractor):
    assert asked(reference, extractor) is None
    assert asked(reference, extractor, modes=True) == modes.SAMPLES == 26_000
    assert asked(reference, extractor, samples=500, modes=True) == 500
    stranger = dataclasses.replace(extractor, name="fashion-mnist")
    assert asked(reference, stranger) is None
    with pytest.raises(EvaluationError, match="--modes: the extractor fashion-mnist does not name"):
        asked(reference, stranger, modes=True)


def test_modes_are_counted_unasked_where_classes_are_modes(natural, reference, extractor):
    assert asked(reference, extractor) == 26_000
    assert asked(reference, dataclasses.replace(extractor, name="fashion-mnist")) is None


def test_modes_have_no_interval(reference, extractor):
    protocol = protocol_of(Request(samples=5000, modes=True), extractor, reference)
    assert protocol.repeats == 10
    assert part_protocol(protocol).mode_images is None
    assert protocol.without_counts().mode_images is None


def measured(folder):
    return records.read(MetricsRecord, folder / METRICS).measurements[-1]


def test_modes_are_stored_shown_and_verified(folder, reference, capsys):
    assert main(["measure", str(folder), "--samples", "200", "--modes"]) == 0
    heading, row = capsys.readouterr().out.splitlines()[:2]
    found = measured(folder).scores
    assert "Modes ↑  KL of modes ↓ (nats)" in heading
    assert f"{found['modes'].value:.0f}" in row.split()
    assert 1 <= found["modes"].value <= 10
    assert (found["modes"].count, found["modes"].interval) == (200, None)
    assert main(["verify", str(folder)]) == 0
    assert "as stored" in capsys.readouterr().out


def test_tables_have_columns_for_modes_where_a_row_has_them(folder, reference, capsys):
    assert headline_columns([{"precision"}, {"specks", "unknown"}]) == HEADLINES
    assert list(headline_columns([{"precision"}, {"modes", "specks"}])) == [*HEADLINES, "modes"]
    assert main(["measure", str(folder), "--samples", "200"]) == 0
    assert "Modes" not in capsys.readouterr().out
    assert main(["measure", str(folder), "--samples", "200", "--modes"]) == 0
    assert "| KL of modes |" in text(duet.load(folder))


def test_a_space_that_knows_no_classes_is_refused_before_the_work(folder, reference, capsys):
    command = ["measure", str(folder), "--modes", "--extractor", "stacked-mnist"]
    assert main(command) == 2
    assert "takes images of (3, 28, 28)" in capsys.readouterr().err


def test_the_real_images_stand_beside(natural, folder, reference, toy_data, capsys):
    """Without a flag: the reference command counts the held-out images' modes, and so does
    measure of pictures against the set."""
    assert main(["reference", "--data", "toy"]) == 0
    assert main(["measure", str(folder), "--samples", "200"]) == 0
    _, real, model = capsys.readouterr().out.splitlines()[1:4]
    for row, name in ((real, "real held-out images"), (model, "tiny")):
        assert row.startswith(name)
        after_headlines = row.removeprefix(name).split()[5:7]
        assert re.fullmatch(r"\d+ \d\.\d{4}", " ".join(after_headlines))
    assert main(["measure", "toy:test", "--against", "toy", "--samples", "200"]) == 0
    assert "Modes ↑" in capsys.readouterr().out


def test_models_are_not_told_what_they_have_to_find(toy_data, natural):
    facts = DATASETS["toy"].facts
    taught = dataclasses.replace(toy_data, facts=facts).as_taught()
    assert torch.equal(taught.images, toy_data.images)
    assert (taught.class_names, int(taught.labels.abs().max())) == ((), 0)
    assert taught.facts.class_names == toy_data.class_names
    assert toy_data.as_taught() is toy_data
    plain = dataclasses.replace(toy_data, facts=dataclasses.replace(facts, classes_are_modes=False))
    assert plain.as_taught() is plain
    assert [name for name, row in DATASETS.items() if row.facts.classes_are_modes] == [
        "stacked-mnist", "toy"
    ]


def test_the_stacked_extractors_row_is_registered():
    entry = EXTRACTORS["stacked-mnist"]
    assert entry.weights == EXTRACTORS["mnist"].weights
    assert entry.image_shape == (3, 28, 28)
