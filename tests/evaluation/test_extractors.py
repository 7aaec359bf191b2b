"""Extractors as a table, and the one loop that trains ours."""

import dataclasses
import os
import signal

import pytest
import torch

from duet.core.lock import Locked, locked
from duet.core.stop import Interrupted
from duet.core.tensors import load_tensors, save_tensors
from duet.data import DATASETS, DataSet, Facts, ImageSet
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS, ExtractorEntry, extractor_for, training
from evaluation.extractors.base import Classifier, Recipe, adam, nesterov
from evaluation.extractors.distortions import flipped_and_shifted, turned_and_scaled
from evaluation.extractors.training import STATE, Plan, accuracy, one_cycle, train
from evaluation.fidelity import open_extractor
from evaluation.sets import SetId

CPU = torch.device("cpu")
OURS = [name for name, entry in EXTRACTORS.items() if entry.recipe is not None]


def build() -> Classifier:
    linear = torch.nn.Linear(64, 8)
    body = torch.nn.Sequential(
        torch.nn.Flatten(), linear, torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.SiLU()
    )
    return Classifier(body, 8, 2)


def two_classes(split: str, count: int = 101) -> ImageSet:
    """8x8 grey noise, sorted by class: the second is brighter below the middle."""
    generator = torch.Generator().manual_seed(len(split))
    images = torch.randint(0, 60, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = (torch.arange(count) > count // 3).long()
    images[labels == 1, :, 4:] += 100
    return ImageSet("halves", split, images, labels, ("dark", "bright"))


RECIPE = Recipe(build, flipped_and_shifted, epochs=3, learning_rate=0.05, batch_size=20)
SETS = {split: two_classes(split) for split in ("train", "test")}


def plan(**changes) -> Plan:
    return Plan(**{"data": "halves", "images_sha256": "0" * 64, "epochs": 3, "seed": 0} | changes)


@pytest.mark.parametrize("optimizer", [adam, nesterov])
def test_a_resumed_training_equals_an_unbroken_one(tmp_path, optimizer):
    recipe = dataclasses.replace(RECIPE, optimizer=optimizer)
    straight = train(recipe, SETS["train"], plan(), tmp_path / "straight", False, CPU)
    calls = []

    def stopped(images):
        calls.append(len(images))
        if len(calls) == 7:  # the fifth step of an epoch is its last
            os.kill(os.getpid(), signal.SIGTERM)
        return flipped_and_shifted(images)

    stopping = dataclasses.replace(recipe, distort=stopped)
    with pytest.raises(Interrupted, match="stopped at step 7 of 15") as caught:
        train(stopping, SETS["train"], plan(), tmp_path / "run", False, CPU)
    assert caught.value.signum == signal.SIGTERM
    resumed = train(recipe, SETS["train"], plan(), tmp_path / "run", True, CPU)
    assert calls == [20] * 7
    for key, value in straight.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def test_a_training_learns_and_scales_its_features(tmp_path):
    network = train(RECIPE, SETS["train"], plan(), tmp_path, False, CPU)
    assert not network.training
    assert accuracy(network, RECIPE, SETS["test"]) > 0.95
    features, _ = network(SETS["train"].images)
    assert features.square().mean().sqrt().item() == pytest.approx(1, abs=1e-4)
    right = accuracy(network, RECIPE, SETS["test"])
    wrong = dataclasses.replace(SETS["test"], labels=1 - SETS["test"].labels)
    assert accuracy(network, RECIPE, wrong) == pytest.approx(1 - right)


def test_every_epoch_has_its_own_order_and_every_step_its_own_distortion(tmp_path, monkeypatch):
    """One image a batch, told by its first pixel; all are seen in each epoch."""
    images = torch.arange(6, dtype=torch.uint8).reshape(6, 1, 1, 1).expand(6, 1, 8, 8).contiguous()
    six = ImageSet("six", "train", images, torch.tensor([0, 0, 0, 1, 1, 1]), ("a", "b"))
    seen, noise = [], []

    def spy(batch):
        seen.append(batch[:, 0, 0, 0].tolist())
        noise.append(torch.rand(()).item())
        return batch.float()

    recipe = dataclasses.replace(RECIPE, distort=spy, batch_size=3)
    train(recipe, six, plan(epochs=2), tmp_path / "a", False, CPU)
    first, second = seen[0] + seen[1], seen[2] + seen[3]
    assert sorted(first) == sorted(second) == list(range(6))
    assert first != second
    assert len(set(noise)) == 4
    before = list(seen)
    train(recipe, six, plan(epochs=2, seed=1), tmp_path / "b", False, CPU)
    assert seen[4:] != before
    assert set(noise[4:]).isdisjoint(noise[:4])


def test_the_state_is_saved_now_and_then(tmp_path, monkeypatch):
    calls = []

    def killed(images):
        calls.append(images)
        if len(calls) == 4:
            raise KeyError("as kill -9 would")
        return images.float()

    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    recipe = dataclasses.replace(RECIPE, distort=killed)
    with pytest.raises(KeyError):
        train(recipe, SETS["train"], plan(), tmp_path, False, CPU)
    _, about = load_tensors(tmp_path / STATE)
    assert about["step"] == "3"


@pytest.mark.parametrize(
    ("change", "about", "said"),
    [
        ({"optimizer.0.exp_avg": torch.zeros(3)}, {}, r"damaged: .*optimizer\.0\.exp_avg"),
        ({"network.head.bias": torch.tensor([0.0, torch.nan])}, {}, r"damaged: .*head\.bias"),
        ({"optimizer.x": torch.zeros(1)}, {}, r"damaged: .*optimizer\.x"),
        ({}, {"plan": "{"}, "holds no such training"),
        ({}, {"plan": "[1]"}, "holds no such training"),
        ({}, {"plan": "7" * 99}, "holds no such training"),
        ({}, {"step": "many"}, "holds no such training"),
        ({}, {"step": "-3"}, "holds no such training"),
    ],
)
def test_damaged_states_are_refused_in_words(tmp_path, change, about, said):
    once = dataclasses.replace(RECIPE, batch_size=101)  # a step an epoch
    train(once, SETS["train"], plan(), tmp_path, False, CPU)
    tensors, texts = load_tensors(tmp_path / STATE)
    save_tensors(tmp_path / STATE, tensors | change, texts | about)
    with pytest.raises(EvaluationError, match=f"--resume: .*{said}"):
        train(once, SETS["train"], plan(), tmp_path, True, CPU)


def test_states_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(EvaluationError, match="--resume: there is no state"):
        train(RECIPE, SETS["train"], plan(), tmp_path, True, CPU)
    train(RECIPE, SETS["train"], plan(), tmp_path, False, CPU)  # its state stays: no weights yet
    with pytest.raises(EvaluationError, match="go on with it by --resume"):
        train(RECIPE, SETS["train"], plan(), tmp_path, False, CPU)
    with pytest.raises(EvaluationError, match=r"seed=0.*not.*seed=1"):
        train(RECIPE, SETS["train"], plan(seed=1), tmp_path, True, CPU)
    tensors, about = load_tensors(tmp_path / STATE)
    for lost in ("optimizer.3.", "network.head.bias"):
        kept = {key: value for key, value in tensors.items() if not key.startswith(lost)}
        save_tensors(tmp_path / STATE, kept, about)
        with pytest.raises(EvaluationError, match="is damaged"):
            train(RECIPE, SETS["train"], plan(), tmp_path, True, CPU)
    (tmp_path / STATE).write_bytes(b"no tensors")
    with pytest.raises(EvaluationError, match="holds no such training"):
        train(RECIPE, SETS["train"], plan(), tmp_path, True, CPU)


def test_a_training_that_diverges_writes_nothing(tmp_path):
    recipe = dataclasses.replace(RECIPE, distort=lambda images: images * float("nan"))
    with pytest.raises(EvaluationError, match="not finite at step 0"):
        train(recipe, SETS["train"], plan(), tmp_path, False, CPU)
    assert not (tmp_path / STATE).exists()


def test_two_trainings_in_one_folder_are_refused(tmp_path):
    with locked(tmp_path), pytest.raises(Locked, match="another process is at work"):
        train(RECIPE, SETS["train"], plan(), tmp_path, False, CPU)


def test_recipes_are_followed(tmp_path, monkeypatch):
    """Smoothing and learning rate as the recipe says, at the middle of the cycle's fall."""
    seen, rates = [], []
    entropy = training.F.cross_entropy

    def spy(logits, answers, label_smoothing):
        seen.append(label_smoothing)
        return entropy(logits, answers)

    class Optimizer(torch.optim.SGD):
        def step(self):
            rates.append(self.param_groups[0]["lr"])

    monkeypatch.setattr(training.F, "cross_entropy", spy)
    recipe = dataclasses.replace(
        RECIPE, label_smoothing=0.3, learning_rate=7.0, optimizer=lambda p: Optimizer(p, lr=1)
    )
    train(recipe, SETS["train"], plan(), tmp_path, False, CPU)
    assert seen == [0.3] * 15
    assert rates == [7 * one_cycle((step + 1) / 16) for step in range(15)]


def test_the_optimisers_are_the_published_ones():
    weights = [torch.nn.Parameter(torch.ones(3))]
    expected = torch.optim.SGD(weights, momentum=0.9, nesterov=True, weight_decay=5e-4)
    assert nesterov(weights).defaults == expected.defaults
    assert adam(weights).defaults == torch.optim.Adam(weights).defaults


def test_the_cycle_rises_and_falls():
    shares = [one_cycle(step / 100) for step in range(101)]
    peak = shares.index(max(shares))
    assert (peak, shares[peak], shares[0]) == (20, 1.0, 0.0)
    assert shares[-1] == pytest.approx(0)
    assert shares == sorted(shares[: peak + 1]) + sorted(shares[peak + 1 :], reverse=True)
    assert one_cycle(0.6) == pytest.approx(0.5)


def test_flips_and_shifts_are_just_that():
    """A picture of all different pixels: each result is one of 2 x 5 x 5, and all come up."""
    image = torch.arange(36, dtype=torch.uint8).reshape(1, 1, 6, 6) * 7
    padded = [
        torch.nn.functional.pad(x.float(), (2, 2, 2, 2), mode="reflect")
        for x in (image, image.flip(-1))
    ]
    possible = {
        tuple(p[..., y : y + 6, x : x + 6].flatten().tolist())
        for p in padded for y in range(5) for x in range(5)
    }
    found = flipped_and_shifted(image.expand(2000, 3, 6, 6))
    assert found.shape == (2000, 3, 6, 6)
    assert torch.equal(found[:, 0], found[:, 2])
    assert {tuple(x.flatten().tolist()) for x in found[:, 0]} == possible


def test_turns_and_scales_stay_in_range():
    image = torch.zeros(300, 1, 28, 28, dtype=torch.uint8)
    image[:, :, 13:15, 5:23] = 255
    found = turned_and_scaled(image)
    assert found.min() >= 0
    assert found.max() < 255.001
    assert len(found.unique(dim=0)) == 300
    assert (found.mean() / image.float().mean() - 1).abs() < 0.05
    # The bar's angle by its second moments: uniform within 10 degrees, hence 5.8 of deviation.
    mass = found[:, 0] / found.sum(dim=(1, 2, 3), keepdim=True)[:, 0]
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    y = y - (mass * y).sum((1, 2), keepdim=True)
    x = x - (mass * x).sum((1, 2), keepdim=True)
    across, along = (mass * x * y).sum((1, 2)), (mass * (x.square() - y.square())).sum((1, 2))
    angles = torch.rad2deg(torch.atan2(2 * across, along) / 2)
    assert angles.std().item() == pytest.approx(5.8, abs=0.6)
    assert angles.abs().max() < 10.5


@pytest.mark.parametrize("name", OURS)
def test_each_extractor_of_ours_keeps_the_contract(name):
    entry = EXTRACTORS[name]
    network = entry.recipe.build().eval()
    assert entry.serves[0] in DATASETS or not entry.weights.exists()
    assert entry.weights.name == f"{entry.serves[0]}.safetensors"
    assert sum(4 * value.numel() for value in network.state_dict().values()) < 10_000_000
    images = torch.randint(0, 256, (3, *entry.image_shape), dtype=torch.uint8)
    features, logits = network(images)
    assert logits.shape == (3, len(DATASETS[name].facts.class_names))
    assert features.shape[0] == 3
    assert 4 * 10_000 * features.shape[1] < 10_000_000  # the reference's file
    assert torch.equal(network(images.float())[0], features)
    torch.testing.assert_close(network(images[1:2])[0], features[1:2], rtol=1e-3, atol=1e-5)
    network.feature_rms.fill_(2)
    assert torch.equal(network(images)[0], features / 2)
    assert torch.equal(network(images)[1], logits)
    assert entry.recipe.distort(images).shape == images.shape


def test_an_extractor_serves_its_data_sets():
    for name in ("mnist", "fashion-mnist", "cifar10", "stacked-mnist"):
        assert extractor_for(SetId(name, None)) == name
    assert extractor_for(SetId("mnist", None), "inception") == "inception"
    with pytest.raises(EvaluationError, match="no extractor serves cats; train one by"):
        extractor_for(SetId("cats", "0" * 64))


@pytest.fixture
def halves(monkeypatch, tmp_path):
    """A data set and an extractor from the outside: two rows."""
    facts = Facts("halves", "Halves", ("dark", "bright"), about="Noise")
    entry = ExtractorEntry(
        "duet-halves", image_shape=(1, 8, 8), serves=("halves",), recipe=RECIPE,
        weights=tmp_path / "halves.safetensors",
    )
    monkeypatch.setitem(DATASETS, "halves", DataSet(facts, lambda root, split, _: SETS[split]))
    monkeypatch.setitem(EXTRACTORS, "halves", entry)
    return entry


def test_the_command_trains_an_extractor_from_the_outside(halves, tmp_path, capsys):
    command = ["train-extractor", "--data", "halves", "--out", str(tmp_path / "run"), "--seed", "4"]
    assert main(command) == 0
    assert "test accuracy 1.0000" in capsys.readouterr().out
    _, about = load_tensors(halves.weights)
    assert about == {
        "data": "halves", "images_sha256": SETS["train"].sha256, "epochs": "3",
        "seed": "4", "test_accuracy": "1.0", "image_shape": "[1, 8, 8]", "classes": "2",
    }
    assert not (tmp_path / "run" / STATE).exists()
    opened = open_extractor("halves", CPU)
    features, logits = opened(SETS["test"].images)
    assert (logits.argmax(1) == SETS["test"].labels).all()
    assert features.shape == (101, 8)
    assert main([*command, "--epochs", "1"]) == 0
    assert load_tensors(halves.weights)[1]["epochs"] == "1"


def test_the_accuracy_is_of_the_test_images(halves, tmp_path, capsys, monkeypatch):
    wrong = dataclasses.replace(SETS["test"], labels=1 - SETS["test"].labels)
    monkeypatch.setitem(SETS, "test", wrong)
    command = ["train-extractor", "--data", "halves", "--out", str(tmp_path / "run")]
    assert main([*command, "--epochs", "4"]) == 0
    assert "test accuracy 0.0000" in capsys.readouterr().out


def test_a_stopped_command_says_how_to_go_on(halves, tmp_path, capsys, monkeypatch):
    def stopped(images):
        os.kill(os.getpid(), signal.SIGTERM)
        return images.float()

    stopping = dataclasses.replace(halves, recipe=dataclasses.replace(RECIPE, distort=stopped))
    monkeypatch.setitem(EXTRACTORS, "halves", stopping)
    command = ["train-extractor", "--data", "halves", "--out", str(tmp_path / "run")]
    assert main(command) == 143
    assert "go on with the same command and --resume" in capsys.readouterr().err
    assert not halves.weights.exists()
    monkeypatch.setitem(EXTRACTORS, "halves", halves)
    assert main(command) == 2
    assert main([*command, "--resume"]) == 0
    assert halves.weights.exists()


@pytest.mark.parametrize(
    ("flag", "value"), [("--epochs", "0"), ("--epochs", "-3"), ("--seed", "-1")]
)
def test_numbers_that_make_no_training_are_refused(halves, tmp_path, capsys, flag, value):
    command = ["train-extractor", "--data", "halves", "--out", str(tmp_path / "run"), flag, value]
    assert main(command) == 2
    assert f"{flag} must be a whole number in" in capsys.readouterr().err
    assert not halves.weights.exists()


def test_other_images_are_refused(halves, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(
        EXTRACTORS, "halves", dataclasses.replace(halves, image_shape=(3, 8, 8))
    )
    assert main(["train-extractor", "--data", "halves", "--out", str(tmp_path / "run")]) == 2
    assert "takes images of (3, 8, 8), halves has (1, 8, 8)" in capsys.readouterr().err
    assert main(["train-extractor", "--data", "toys"]) == 2


def test_an_extractor_is_not_trained_on_another_set_that_it_serves(toy_data, tmp_path, capsys):
    before = EXTRACTORS["mnist"].weights.read_bytes()
    assert main(["train-extractor", "--data", "toy", "--out", str(tmp_path / "run")]) == 2
    assert "trained on mnist; pass --data mnist" in capsys.readouterr().err
    assert EXTRACTORS["mnist"].weights.read_bytes() == before
