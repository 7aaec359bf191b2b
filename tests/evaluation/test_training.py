"""How extractors of ours are trained, step by step, and what their networks compute."""

import dataclasses
import os
import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from duet.core.stop import Interrupted
from duet.core.tensors import load_tensors, save_tensors
from duet.data import DATASETS, DataSet, Facts, ImageSet
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS, ExtractorEntry, extractor_for, own, training
from evaluation.extractors import distortions as distortions_module
from evaluation.extractors.base import Classifier, Recipe, adam, nesterov
from evaluation.extractors.residual import ResidualClassifier
from evaluation.extractors.training import STATE, Plan, accuracy, train
from evaluation.sets import SetId

CPU = torch.device("cpu")
PLAN = Plan("halves", "0" * 64, epochs=2, seed=3)


def build() -> Classifier:
    return Classifier(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4)), 4, 2)


def halves(count: int = 41, split: str = "train") -> ImageSet:
    """The second class is bright."""
    labels = (torch.arange(count) > count // 3).long()
    images = torch.randint(0, 90, (count, 1, 8, 8), dtype=torch.uint8)
    images[labels == 1] += 120
    return ImageSet("halves", split, images, labels, ("dark", "bright"))


RECIPE = Recipe(build, torch.Tensor.float, epochs=2, learning_rate=0.01, batch_size=20)


def seeds(*entropy):
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])


def test_the_numbers_of_earlier_trainings_stay(tmp_path):
    """Weights, the distortions of each step and the test's questions have seeds of their own."""
    drawn = []

    def spy(images):
        drawn.append(torch.initial_seed())
        return images.float()

    network = train(dataclasses.replace(RECIPE, distort=spy, learning_rate=0.0), halves(), PLAN,
                    tmp_path, False, CPU)
    assert drawn == [seeds(3, 1, step) for step in range(4)]
    torch.manual_seed(seeds(3, 0, 0))
    assert torch.equal(network.head.weight, build().head.weight)

    def task(images):
        drawn.append(torch.initial_seed())
        return images, torch.zeros(len(images), dtype=torch.int64)

    accuracy(network, dataclasses.replace(RECIPE, task=task), halves())
    assert drawn[-1] == seeds(0, 2, 0)


class Bar:
    """Notes what a progress bar is told."""

    def __init__(self, log, *given, **named):
        self.log = log
        log.append((given, named))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def set_postfix(self, **named):
        self.log.append(named)

    def update(self):
        self.log.append("step")


def test_the_bar_tells_every_step_and_goes_on_where_it_was(tmp_path, monkeypatch):
    log, calls = [], []
    monkeypatch.setattr(training, "progress_bar", lambda *given, **named: Bar(log, *given, **named))

    def stopped(images):
        calls.append(images)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return images.float()

    recipe = dataclasses.replace(RECIPE, epochs=40)
    plan = dataclasses.replace(PLAN, epochs=20)
    with pytest.raises(Interrupted):
        train(dataclasses.replace(recipe, distort=stopped), halves(), plan, tmp_path, False, CPU)
    assert log[0] == ((40, "halves", "step"), {"initial": 0})
    assert log[2::2] == ["step"] * 3
    assert {told["refresh"] for told in log[1::2]} == {False}
    log.clear()
    train(recipe, halves(), plan, tmp_path, True, CPU)
    assert log[0] == ((40, "halves", "step"), {"initial": 3})
    assert log.count("step") == 37
    assert float(log[-2]["right"]) > 0.9
    assert float(log[-2]["loss"]) < float(log[1]["loss"])


def test_a_state_of_no_step_goes_on(tmp_path, monkeypatch):
    """It has no moments yet."""
    monkeypatch.setattr(training, "SAVE_SECONDS", -1)
    broken = dataclasses.replace(RECIPE, distort=lambda images: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(broken, halves(), PLAN, tmp_path, False, CPU)
    assert load_tensors(tmp_path / STATE)[1]["step"] == "0"
    train(RECIPE, halves(), PLAN, tmp_path, True, CPU)


@pytest.mark.parametrize("change", [{"plan": ...}, {"plan": 5}, {"step": None}, {"step": "1.5"}])
def test_states_that_say_nothing_of_use_are_refused(tmp_path, change):
    train(RECIPE, halves(), PLAN, tmp_path, False, CPU)
    tensors, about = load_tensors(tmp_path / STATE)
    about = {key: value for key, value in (about | change).items() if value is not ...}
    save_tensors(tmp_path / STATE, tensors, about)
    with pytest.raises(EvaluationError, match="holds no such training"):
        train(RECIPE, halves(), PLAN, tmp_path, True, CPU)


def test_the_accuracy_is_of_all_images(tmp_path):
    """More than a batch of them; the network reads the answer, but for the last."""
    images = halves(2103)
    images.images[:, 0, 0, 0] = images.labels.to(torch.uint8)
    images.images[-1, 0, 0, 0] = 0

    class Reads(Classifier):
        def forward(self, batch):
            return batch, F.one_hot(batch[:, 0, 0, 0].long(), 2)

    assert accuracy(Reads(torch.nn.Identity(), 1, 2), RECIPE, images) == 2102 / 2103


def test_a_training_has_a_place_and_a_seed_of_its_own(tmp_path, monkeypatch):
    """Unless it is given others."""
    monkeypatch.chdir(tmp_path)
    places = []

    def distort(images):
        places.append([path for path in ("runs/extractor-halves", "mine")
                       if (tmp_path / path / ".lock").exists()])
        return images.float()

    entry = ExtractorEntry(
        "duet-halves", image_shape=(1, 8, 8), serves=("halves",),
        recipe=dataclasses.replace(RECIPE, distort=distort), weights=tmp_path / "x.safetensors",
    )
    sets = {split: halves(split=split) for split in ("train", "test")}
    facts = Facts("halves", "Halves", ("dark", "bright"), about="Noise")
    monkeypatch.setitem(DATASETS, "halves", DataSet(facts, lambda root, split, _: sets[split]))
    monkeypatch.setitem(EXTRACTORS, "halves", entry)
    assert main(["train-extractor", "--data", "halves"]) == 0
    assert places[0] == ["runs/extractor-halves"]
    assert load_tensors(entry.weights)[1]["seed"] == "0"
    (tmp_path / "runs/extractor-halves/.lock").unlink()
    places.clear()
    assert main(["train-extractor", "--data", "halves", "--out", "mine"]) == 0
    assert places[0] == ["mine"]


def test_a_residual_network_by_hand():
    network = ResidualClassifier(3, (4, 6, 8), feature_dim=5, num_classes=2).eval()
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.add_(0.1 * torch.rand_like(value))
    parts = [module for module in network.modules() if isinstance(
        module, torch.nn.Conv2d | torch.nn.BatchNorm2d | torch.nn.Linear | torch.nn.BatchNorm1d)]
    values = iter(parts)

    def layer(x, pooled=False):
        x = F.conv2d(x, next(values).weight, padding=1)
        if pooled:
            x = F.max_pool2d(x, 2)
        x = next(values)(x)
        return x * torch.sigmoid(x)

    images = torch.randint(0, 256, (2, 3, 20, 16), dtype=torch.uint8)
    x = layer(images / 127.5 - 1)
    assert x.shape[1] == 24
    for width in (4, 6, 8):
        x = layer(x, pooled=True)
        assert x.shape[1] == width
        x = x + layer(x)
    assert x.shape[2:] == (2, 2)
    x = F.linear(x.amax(dim=(2, 3)), next(values).weight)
    x = next(values)(x)
    x = x * torch.sigmoid(x)
    features, logits = network(images)
    torch.testing.assert_close(features, x / network.feature_rms)
    torch.testing.assert_close(logits, network.head(x))
    assert next(values) is network.head
    linear = [module for module in network.body if isinstance(module, torch.nn.Linear)]
    assert [module.bias for module in linear] == [None]


@pytest.mark.parametrize("name", [name for name, e in EXTRACTORS.items() if e.recipe])
def test_the_shipped_extractors_are_what_their_recipes_make(name):
    """By their shapes; and what else they are trained by."""
    entry = EXTRACTORS[name]
    tensors, _ = load_tensors(entry.weights)
    network = entry.recipe.build()
    assert {k: v.shape for k, v in network.state_dict().items()} == {
        k: v.shape for k, v in tensors.items()
    }
    known = {
        "mnist": (12, 3e-3, 128, 0.0, adam), "fashion-mnist": (16, 3e-3, 128, 0.0, adam),
        "cifar10": (12, 0.2, 256, 0.1, nesterov),
    }[name]
    recipe = entry.recipe
    assert known == (
        recipe.epochs, recipe.learning_rate, recipe.batch_size, recipe.label_smoothing,
        recipe.optimizer,
    )
    dropped = [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)]
    assert dropped == ([0.3] if name == "mnist" else [])


@pytest.mark.parametrize(
    ("classes", "knows", "answers"), [((), False, 4), (("a",), False, 4), (("a", "b"), True, 2)]
)
def test_own_pictures_get_the_network_that_suits_them(classes, knows, answers):
    images = torch.zeros(101, 3, 16, 16, dtype=torch.uint8)
    pictures = ImageSet("cats", "train", images, torch.zeros(101, dtype=torch.int64), classes)
    entry = own.entry_for(pictures)
    assert (entry.knows_classes, entry.image_shape, entry.serves) == (knows, (3, 16, 16), ())
    assert (entry.recipe.task is None) == knows
    assert entry.recipe.epochs == 100  # a step each
    assert (entry.recipe.learning_rate, entry.recipe.batch_size) == (3e-3, 128)
    built = entry.recipe.build().state_dict()
    known = ResidualClassifier(3, (32, 64, 128), 64, answers).state_dict()  # as Fashion-MNIST's
    assert {k: v.shape for k, v in built.items()} == {k: v.shape for k, v in known.items()}
    assert set(own.turned(images)[1].tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("count", "passes"), [(1, 100), (255, 100), (256, 50), (1725, 12), (20_000, 8), (200_000, 1)]
)
def test_few_pictures_are_not_passed_over_until_they_are_known_by_heart(count, passes):
    nothing = torch.zeros(count, 1, 1, 1, dtype=torch.uint8)
    pictures = ImageSet("cats", "train", nothing, torch.zeros(count, dtype=torch.int64), ())
    assert own.entry_for(pictures).recipe.epochs == passes


@pytest.mark.parametrize(
    "about",
    [None, {"classes": "1"}, {"classes": "many", "image_shape": "[1, 8, 8]"},
     {"classes": "1", "image_shape": "[8, 8]"}, {"classes": "1", "image_shape": 5},
     {"classes": "1", "image_shape": "7"}, {"image_shape": "[1, 8, 8]"}],
)
def test_a_damaged_extractor_of_ones_own_is_named(tmp_path, monkeypatch, about):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path))
    name = "own-0123456789abcdef"
    path = own.weights_path(name)
    path.parent.mkdir()
    if about is None:
        path.write_bytes(b"no tensors")
    else:
        save_tensors(path, {"a": torch.zeros(1)}, about)
    with pytest.raises(EvaluationError, match=f"{name}.safetensors cannot be used .*make it anew"):
        own.find(name)
    other = own.weights_path(f"{name}-x")
    path.rename(other)
    assert own.find(f"{name}-x") is None
    assert own.find(name) is None


def test_pictures_that_nothing_serves_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path))
    for digest in (None, "0" * 64):
        with pytest.raises(EvaluationError, match="no extractor serves cats; train one by"):
            extractor_for(SetId("cats", digest))


@pytest.mark.parametrize(
    ("angle", "scale", "shift", "shape"),
    [
        (0.5, 0.5, (0.5, 0.5), (28, 28)), (1.0, 0.5, (0.5, 0.5), (28, 28)),
        (0.0, 0.5, (0.5, 0.5), (28, 28)), (0.5, 1.0, (0.5, 0.5), (28, 28)),
        (0.5, 0.0, (0.5, 0.5), (28, 28)), (0.5, 0.5, (1.0, 0.5), (28, 40)),
        (0.5, 0.5, (0.5, 0.0), (28, 40)), (1.0, 0.0, (0.25, 1.0), (28, 28)),
    ],
)
def test_turns_scales_and_shifts_are_as_large_as_they_are_drawn(
    monkeypatch, angle, scale, shift, shape
):
    """A blob is seen at the place that the drawn numbers, in 0..1, send it to."""
    drawn = iter([torch.full((2,), angle), torch.full((2,), scale), torch.tensor([shift] * 2)])

    def rand(*size):
        numbers = next(drawn)
        assert numbers.shape == size
        return numbers

    monkeypatch.setattr(distortions_module.torch, "rand", rand)
    height, width = shape
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    place = centre + np.array([5.0, -3.0])
    blob = 250 * torch.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 4)
    found = distortions_module.turned_and_scaled(blob.to(torch.uint8).expand(2, 1, *shape))
    assert found.dtype == torch.float32
    mass = found[1, 0] / found[1, 0].sum()
    seen = np.array([(mass * x).sum().item(), (mass * y).sum().item()])

    radians, factor = np.radians(10 * (2 * angle - 1)), 1 + 0.1 * (2 * scale - 1)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    moved = 2 * (2 * np.array(shift) - 1)  # pixels
    np.testing.assert_allclose(factor * turn @ (seen - centre) + moved, place - centre, atol=0.06)
