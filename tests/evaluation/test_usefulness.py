"""What generated images are worth: on small pictures whose truth is known."""

import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import duet
from duet.core.errors import DuetError
from duet.data import DataError, ImageSet
from duet.store import records
from duet.store.checkpoint import METRICS, save
from duet.store.config import DataRecord
from duet.store.metrics import MetricsRecord
from duet.store.studies import GainRecord, MeanRecord
from evaluation import usefulness
from evaluation.__main__ import main
from evaluation.commands import utility as command
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS
from evaluation.extractors.base import Classifier, Recipe
from evaluation.extractors.distortions import flipped_and_shifted
from evaluation.usefulness import Bench, Plan, check_classes, mean_of, recipe_for, some_of

CPU = torch.device("cpu")
NAMES = ("rows", "columns", "chequers", "none")


def bars(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """uint8 [N, 1, 8, 8]: noise, and a pattern that shifts and mirrors leave as it is."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 160, (len(labels), 1, 8, 8), generator=generator)
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    patterns = torch.stack([row % 2, column % 2, (row + column) % 2, 0 * row])
    return (images + 95 * patterns[labels][:, None]).to(torch.uint8)


def make(sizes: tuple[int, ...], split: str, seed: int) -> ImageSet:
    """Sorted by class, unbalanced."""
    labels = torch.arange(4).repeat_interleave(torch.tensor(sizes))
    return ImageSet("bars", split, bars(labels, seed), labels, NAMES)


TRAIN, TEST = make((60, 45, 40, 31), "train", 0), make((90, 60, 40, 100), "test", 1)
PLAN = Plan(per_class=(24, 1), generated=40, repeats=2, steps=60, seed=4)


def small() -> Classifier:
    body = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(8)
    )
    return Classifier(body, 8, 4)


QUICK = Recipe(small, torch.Tensor.float, epochs=1, learning_rate=0.03)


class Generator:
    """Draws what `told` makes of a label; keeps what it was asked for."""

    num_classes = 4

    def __init__(self, told=lambda label: label):
        self.told, self.asked = told, []

    def to(self, device):
        return self

    def sample(self, count, *, seed, first, label, truncation):
        self.asked.append((count, seed, first, label, truncation))
        return bars(torch.full((count,), self.told(label)), hash((seed, first)) % 1000 + 7)


def checkpoint(generator):
    return SimpleNamespace(
        model=generator, name="toy", class_names=NAMES, weights_sha256="a" * 64
    )


@pytest.fixture(scope="module")
def bench():
    made = Bench(TRAIN, TEST, PLAN, CPU)
    made.recipe = QUICK
    return made


@pytest.fixture(scope="module")
def truth(bench):
    return bench.study(checkpoint(Generator()))


def test_true_images_help_who_has_few(truth):
    few, more = truth.gains
    assert (few.per_class, more.per_class) == (1, 24)
    assert few.gain.value > 0.05
    assert few.gain.value > more.gain.value
    for gain in truth.gains:
        assert gain.gain.value == pytest.approx(gain.both.value - gain.real.value)
    assert truth.generated_to_real.value > 0.6
    assert truth.real_to_generated.value > 0.6


def test_wrong_labels_are_seen_both_ways(bench, truth):
    wrong = bench.study(checkpoint(Generator(lambda label: (label + 1) % 4)))
    assert wrong.generated_to_real.value < 0.25 < truth.generated_to_real.value
    assert wrong.real_to_generated.value < 0.25 < truth.real_to_generated.value
    assert wrong.gains[0].gain.value < truth.gains[0].gain.value
    assert [gain.real for gain in wrong.gains] == [gain.real for gain in truth.gains]


def test_each_repetition_draws_anew_as_planned(bench, truth):
    generator = Generator()
    one = bench.study(checkpoint(generator))
    assert generator.asked == [
        (40, seed, 40 * label, label, 1.0) for seed in (4, 5) for label in range(4)
    ]
    assert one == truth
    assert (one.repeats, one.seed, one.generated_per_class, one.steps) == (2, 4, 40, 60)
    assert one.held_out.sha256 == TEST.sha256 != one.training.sha256 == TRAIN.sha256


def test_who_learns_what(monkeypatch):
    """The real ones, those and the generated ones, the generated ones alone; the most real ones'
    network answers in the reverse."""
    learnt, tested = [], []
    learn, accuracy = usefulness.learn, usefulness.accuracy

    def spy_learn(network, optimizer, recipe, images, labels, seed, step, steps):
        learnt.append((len(images), labels.bincount().tolist(), seed, step, steps))
        return learn(network, optimizer, recipe, images, labels, seed, step, steps)

    def spy_accuracy(network, recipe, images):
        assert not network.training
        tested.append((len(images), images.split))
        return accuracy(network, recipe, images)

    monkeypatch.setattr(usefulness, "learn", spy_learn)
    monkeypatch.setattr(usefulness, "accuracy", spy_accuracy)
    plan = Plan(per_class=(2, 5), generated=3, repeats=2, steps=1)
    Bench(TRAIN, TEST, plan, CPU).study(checkpoint(Generator()))
    real = [(count, seed) for seed in (0, 1) for count in (2, 5)]
    added = [(count, seed) for seed in (0, 1) for count in (5, 8, 3)]
    assert learnt == [(4 * n, [n] * 4, seed, 0, 1) for n, seed in real + added]
    once = [(290, "test")] * 3 + [(12, "generated")]
    assert tested == [(290, "test")] * 4 + once * 2


def test_every_classifier_is_told(monkeypatch):
    """Two numbers of images and two repetitions; then one more that learns from generated ones."""
    made = []

    class Bar:
        def __init__(self, *given):
            made.append([*given, 0])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def update(self):
            made[-1][-1] += 1

    monkeypatch.setattr(usefulness, "progress_bar", Bar)
    plan = Plan(per_class=(5, 2, 5), generated=3, repeats=2, steps=1)
    bench = Bench(TRAIN, TEST, plan, CPU)
    bench.recipe = QUICK
    assert [list(found) for found in bench.real] == [[2, 5]] * 2
    found = bench.study(checkpoint(Generator()))
    assert made == [[4, "real images", "classifier", 4], [6, "toy", "classifier", 6]]
    assert (found.training.split, found.held_out.split, found.device) == ("train", "test", "cpu")
    assert (found.truncation, found.subject_sha256) == (1.0, "a" * 64)
    assert found.versions.keys() == {"python", "torch", "torch-fidelity", "numpy"}
    Bench(TRAIN, TEST, dataclasses.replace(plan, per_class=(31,)), CPU)  # as many as there are


def test_the_command_in_words(truth):
    low, more = (
        GainRecord(count, MeanRecord(0.5, 0, (0.4, 0.6)), MeanRecord(0.55, 0, (0.5, 0.6)),
                   MeanRecord(gain, 0, (-0.01, 0.11)))
        for count, gain in ((10, 0.05), (1000, -0.0321))
    )
    record = dataclasses.replace(
        truth, gains=(more, low), generated_per_class=1234,
        generated_to_real=MeanRecord(0.25, 0, (0.2, 0.3)),
        real_to_generated=MeanRecord(0.75, 0, (0.7, 0.8)),
    )
    lines = command._words("a/b", record).splitlines()
    assert lines[0] == (
        "a/b: 1,234 generated images a class, 2 repetitions, tested on 290 held-out images"
    )
    assert [re.split(" {2,}", line.strip()) for line in lines[1:4]] == [
        ["real images a class", "alone", "with generated", "gained"],
        ["1,000", "50.0 % (40.0 … 60.0)", "55.0 % (50.0 … 60.0)", "-3.2 % (-1.0 … +11.0)"],
        ["10", "50.0 % (40.0 … 60.0)", "55.0 % (50.0 … 60.0)", "+5.0 % (-1.0 … +11.0)"],
    ]
    assert lines[3].startswith(" " * 17 + "10  ")
    assert lines[4:] == [
        "trained on generated, tested on real: 25.0 % (20.0 … 30.0)",
        "trained on 1,000 real a class, tested on generated: 75.0 % (70.0 … 80.0)",
    ]


@pytest.mark.parametrize("told", ["copies", "utility"])
def test_the_real_images_are_those_that_the_flags_name(folder, monkeypatch, told, tmp_path):
    (tmp_path / "mine").mkdir()
    asked = []

    def load(*given, **named):
        asked.append((given, named))
        raise DataError("enough")

    monkeypatch.setattr("duet.data.load", load)
    assert main([told, str(folder)]) == 2
    mine = str(tmp_path / "mine")
    assert main([told, str(folder), "--data", mine, "--data-dir", "here", "--skip-broken"]) == 2
    decoding = {"image_size": 28, "colour": "grey", "skip_broken": False}
    assert asked == [
        (("toy", "train", None, True), decoding),
        ((mine, "train", Path("here"), True), decoding | {"skip_broken": True}),
    ]


def test_more_of_one_seed_contain_the_fewer():
    few, more, other = some_of(TRAIN, 3, 0), some_of(TRAIN, 24, 0), some_of(TRAIN, 3, 1)
    assert few.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert more.labels.bincount().tolist() == [24] * 4
    seen = {image.numpy().tobytes() for image in more.images}
    assert len(seen) == 96
    assert all(image.numpy().tobytes() in seen for image in few.images)
    assert not torch.equal(few.images, other.images)
    known = {image.numpy().tobytes(): int(label) for image, label
             in zip(TRAIN.images, TRAIN.labels, strict=True)}
    assert [known[image.numpy().tobytes()] for image in more.images] == more.labels.tolist()


def test_distortions_suit_the_data_set(toy_data):
    assert recipe_for(TRAIN).distort is flipped_and_shifted
    assert recipe_for(toy_data).distort is EXTRACTORS["mnist"].recipe.distort


def test_means_by_hand():
    found = mean_of([1.0, 2.0, 3.0])
    margin = 4.302653 / 3**0.5  # Student's t of 2 degrees at 0.975
    assert found.value == 2
    assert found.spread == pytest.approx(1)
    assert found.interval == pytest.approx((2 - margin, 2 + margin), rel=1e-4)
    assert mean_of([0.5, 0.5]) == MeanRecord(0.5, 0.0, (0.5, 0.5))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"per_class": ()}, "--per-class names no number"),
        ({"per_class": (10, 0)}, "--per-class must be a whole number"),
        ({"generated": 0}, "--generated must be"), ({"repeats": 1}, "--repeats must be"),
        ({"steps": 0}, "--steps must be"), ({"seed": -1}, "--seed must be"),
        ({"truncation": 2}, "--truncation must be"),
    ],
)
def test_plans_that_cannot_be_are_named(change, said):
    with pytest.raises(DuetError, match=said):
        dataclasses.replace(PLAN, **change)


def test_more_images_than_there_are_are_refused():
    with pytest.raises(EvaluationError, match="--per-class 32: none of bars has 31 train"):
        Bench(TRAIN, TEST, dataclasses.replace(PLAN, per_class=(3, 32)), CPU)


@pytest.mark.parametrize(("classes", "said"), [(0, "draws no classes"), (1, "one class only")])
def test_models_without_classes_are_refused(classes, said):
    with pytest.raises(EvaluationError, match=said):
        check_classes(SimpleNamespace(name="a", model=SimpleNamespace(num_classes=classes)))
    check_classes(SimpleNamespace(name="a", model=SimpleNamespace(num_classes=2)))


def test_the_command_prints_and_keeps(folder, toy_data, capsys):
    arguments = ["--per-class", "2", "--generated", "2", "--repeats", "2", "--steps", "1"]
    assert main(["utility", str(folder), *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"{folder}: 2 generated images a class, 2 repetitions, tested on 200 held-out images"
    )
    assert lines[1].split("  ")[0].strip() == "real images a class"
    assert [line.split(":")[0] for line in lines[3:]] == [
        "trained on generated, tested on real",
        "trained on 2 real a class, tested on generated",
    ]
    (kept,) = records.read(MetricsRecord, folder / METRICS).utility
    assert kept.subject_sha256 == duet.load(folder).weights_sha256
    assert main(["utility", str(folder), *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {str(folder): json.loads(json.dumps(dataclasses.asdict(kept)))}
    assert records.read(MetricsRecord, folder / METRICS).utility == (kept,)


def test_the_command_refuses_a_model_without_classes(tmp_path, toy_data, tiny_gan, capsys):
    path = tmp_path / "plain"
    path.mkdir()
    config = dataclasses.replace(tiny_gan.config, num_classes=0)
    save(path, type(tiny_gan)(config), name="plain", made_from=DataRecord("toy", "Toy", ()))
    assert main(["utility", str(path)]) == 2
    assert "plain draws no classes" in capsys.readouterr().err
