"""What the loop hands over, seen by a spy: an objective that writes down all that it is given."""

import dataclasses
import itertools
import json
import signal
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from duet.core.domains import DOMAINS, Pixels
from duet.core.files import read_json
from duet.core.tensors import load_tensors
from duet.data import DATASETS, DataSet, Facts, ImageSet
from duet.models.gan import GAN, GANConfig
from training.__main__ import main, strip_flags
from training.config import TrainConfig, TrainingError
from training.loop import train
from training.objective import Objective, Phase
from training.randomness import noise_seed
from training.recipes import RECIPES, Recipe

CLASSES = tuple("abcde")
SPLITS = {"train": 0, "test": 128}  # the split is in the pixels too


@dataclass(frozen=True)
class SpyTraining(TrainConfig):
    """Writes down what it sees."""

    recipe: ClassVar[str] = "spy"


class SpyObjective(Objective):
    """Learns nothing; `seen` has a row a step."""

    seen: ClassVar[list[dict]] = []

    def __init__(self, config, image_shape, num_classes, domain):
        super().__init__(config)
        self.shape = (image_shape, num_classes, domain)
        self.model = GAN(GANConfig(image_shape, num_classes, latent_dim=3, width=2, depth=0))
        self.optimizers = {"spy": torch.optim.SGD(self.model.parameters(), lr=0.5)}

    def learning_rate(self, base, step):
        return base / (step + 1)

    def phases(self, batch):
        self.seen.append({
            "images": batch.images, "labels": batch.labels, "noise": batch.noise,
            "drawn": torch.rand(()).item(), "training": self.training and self.model.training,
            "rate": self.optimizers["spy"].param_groups[0]["lr"], "shape": self.shape,
            "weights": self.model.generator.seed.weight.detach().clone(),
        })
        loss = self.model.decode(batch.noise, batch.labels).square().mean() * 0
        yield Phase({"spy": loss}, {"loss": loss.detach()})


@pytest.fixture
def spied(monkeypatch, tmp_path):
    """spied(seed=1) -> what a run of 6 steps of 8 images hands over, a row a step; the 30 images
    are sorted by class, of which there are few of the first and many of the last."""
    labels = torch.repeat_interleave(torch.arange(5), torch.tensor([2, 3, 5, 8, 12]))
    index = torch.arange(30)

    def load(root, split, download):
        images = torch.zeros(30, 1, 8, 8, dtype=torch.uint8) + SPLITS[split]
        images[:, 0, 0, 0], images[:, 0, 0, 1] = 20 * labels, index  # who it is, in the pixels
        images[:, 0, 7, 7] = 255
        return ImageSet("coded", split, images, labels, CLASSES)

    monkeypatch.setitem(DATASETS, "coded", DataSet(Facts("coded", "Coded", CLASSES, ""), load))
    monkeypatch.setitem(RECIPES, "spy", Recipe(SpyTraining, SpyObjective))

    def start(name="run", **settings):
        SpyObjective.seen.clear()
        config = SpyTraining(
            data="coded", batch_size=8, steps=6, save_every=1, device="cpu", out=tmp_path / name
        )
        train(dataclasses.replace(config, **settings), "python -m training spy")
        return list(SpyObjective.seen)

    return start


def levels(images, row, column):
    """Pixels in [-1, 1] as the levels 0..255 that they were."""
    return ((images[:, 0, row, column] + 1) * 127.5).round().long()


def test_images_come_from_the_training_split_as_networks_have_them(spied):
    for row in spied():
        images = row["images"]
        assert images.dtype == torch.float32
        assert (images.min(), images.max()) == (-1, 1)
        assert (levels(images, 4, 4) == SPLITS["train"]).all()
        assert row["shape"] == ((1, 8, 8), 5, "pixels")


def test_labels_belong_to_their_images(spied):
    for row in spied():
        assert len(set(row["labels"].tolist())) > 1
        assert (levels(row["images"], 0, 0) == 20 * row["labels"]).all()


def test_every_step_sees_other_images_and_all_are_seen(spied):
    chosen = [levels(row["images"], 0, 1).tolist() for row in spied(steps=15)]
    assert len(set(map(tuple, chosen))) == 15
    assert sorted(itertools.chain(*chosen)) == sorted(4 * list(range(30)))


def test_every_step_has_its_own_noise(spied):
    rows = spied()
    for row in rows:
        assert row["noise"].shape == (8, 3)
        assert row["noise"].unique(dim=0).shape == (8, 3)
    assert len({row["noise"].sum().item() for row in rows}) == 6
    assert len({row["drawn"] for row in rows}) == 6
    assert abs(torch.stack([row["noise"] for row in rows]).mean().item()) < 0.4
    for seed in (0, 7):
        for step, row in enumerate(spied(f"seed{seed}", seed=seed)):
            torch.manual_seed(noise_seed(seed, step))
            assert torch.equal(row["noise"], torch.randn(8, 3))


def test_a_batch_may_be_all_the_images_there_are(spied):
    (row,) = spied(batch_size=30, steps=1)
    assert sorted(levels(row["images"], 0, 1).tolist()) == list(range(30))
    with pytest.raises(TrainingError, match=r"more than the 30 images .* pass --batch-size 16"):
        spied("b", batch_size=31)


def test_networks_go_to_the_device_of_the_images(spied, monkeypatch):
    moved, move = [], SpyObjective.to
    monkeypatch.setattr(
        SpyObjective, "to", lambda self, **where: moved.append(where) or move(self, **where)
    )
    spied(steps=1)
    assert moved[0]["device"] == torch.device("cpu")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_after_its_step(spied, monkeypatch, tmp_path, capsys, number, code):
    """What was done is saved; no checkpoint is made; --resume goes on."""
    unbroken = spied("a")
    whole = (tmp_path / "a" / "checkpoint" / "model.safetensors").read_bytes()
    SpyObjective.seen.clear()
    phases = SpyObjective.phases

    def stopping(self, batch):
        if len(self.seen) == 2:
            signal.raise_signal(number)
        yield from phases(self, batch)

    monkeypatch.setattr(SpyObjective, "phases", stopping)
    flags = ["spy", "--data", "coded", "--batch-size", "8", "--steps", "6", "--device", "cpu",
             "--save-every", "4", "--out", str(tmp_path / "b")]
    assert main(flags) == code
    shown, said = capsys.readouterr()
    assert shown == ""
    assert f"stopped at step 3 of 6, all saved in {tmp_path / 'b'}; go on with" in said
    assert len(SpyObjective.seen) == 3
    about = json.loads(load_tensors(tmp_path / "b" / "state.safetensors")[1]["duet"])
    assert about["step"] == 3
    assert not (tmp_path / "b" / "checkpoint").exists()
    assert main([*flags, "--resume"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'b' / 'checkpoint'}\n"
    assert [row["drawn"] for row in SpyObjective.seen] == [row["drawn"] for row in unbroken]
    assert (tmp_path / "b" / "checkpoint" / "model.safetensors").read_bytes() == whole


def test_steps_are_saved_and_logged_now_and_then(spied, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(
        "training.loop.save_state", lambda path, objective, config, progress:
        saved.append(progress.step)
    )
    spied(steps=7, save_every=3)
    assert saved == [0, 3, 6, 7]
    rows = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [3, 6, 7]


def test_the_seed_decides_weights_order_and_noise(spied):
    one, again, other = spied("a"), spied("b"), spied("c", seed=1)
    for first, same, differs in zip(one, again, other, strict=True):
        for key in ("images", "noise", "weights"):
            assert torch.equal(first[key], same[key])
            assert not torch.equal(first[key], differs[key])
        assert first["drawn"] == same["drawn"] != differs["drawn"]


def test_a_resumed_run_sees_what_an_unbroken_one_sees(spied):
    unbroken = spied("a")
    spied("b", steps=4)
    rest = spied("b", resume=True)
    assert len(rest) == 2
    for row, same in zip(unbroken[4:], rest, strict=True):
        assert torch.equal(row["images"], same["images"])
        assert torch.equal(row["noise"], same["noise"])
        assert (row["drawn"], row["rate"]) == (same["drawn"], same["rate"])


def test_networks_are_in_training_mode_after_every_save(spied):
    assert all(row["training"] for row in spied())


def test_the_learning_rate_follows_the_schedule(spied):
    assert [row["rate"] for row in spied()] == pytest.approx([0.5 / step for step in range(1, 7)])


def test_the_recorded_command_begins_the_run(spied, tmp_path):
    """A resumed run equals an unbroken one: who repeats its command wants no --resume."""
    spied("run", steps=2)
    flags = ["--data", "coded", "--batch-size", "8", "--device", "cpu"]
    flags += ["--out", str(tmp_path / "run")]
    assert main(["spy", *flags, "--steps", "3", "--resume"]) == 0
    expected = " ".join(["python -m training spy", *flags, "--steps 3"])
    for record in ("run.json", "checkpoint/training.json"):
        assert read_json(tmp_path / "run" / record)["command"] == expected
    about = json.loads(load_tensors(tmp_path / "run" / "state.safetensors")[1]["duet"])
    assert about["step"] == 3


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["gan", "--resume", "--steps", "3"], ["gan", "--steps", "3"]),
        (["gan", "--push-to-hub", "me/x", "--seed", "1"], ["gan", "--seed", "1"]),
        (["gan", "--push_to_hub=me/x", "--seed=1"], ["gan", "--seed=1"]),
        (["gan", "--log-with", "trackio", "--seed", "1"], ["gan", "--seed", "1"]),
        (["gan", "--out", "runs/a_b"], ["gan", "--out", "runs/a_b"]),
    ],
)
def test_flags_that_leave_the_weights_alone_are_stripped(arguments, kept):
    assert strip_flags(arguments) == kept


@pytest.mark.parametrize(
    ("recipe", "stages"), [("gan", 3), ("vae", 2), ("vae --latent vector", 3)]
)
def test_data_without_classes_train_an_unconditional_model(recipe, stages, monkeypatch, tmp_path):
    """32 pixels of colour, no class: as many stages as suit, no labels."""
    class Unlabelled(ImageSet):
        def __post_init__(self):
            """There is nothing to check a label against."""

    images = torch.randint(0, 256, (20, 3, 32, 32), dtype=torch.uint8)
    plain = Unlabelled("plain", "train", images, torch.zeros(20, dtype=torch.int64), ())
    facts = Facts("plain", "Plain", (), "")
    monkeypatch.setitem(DATASETS, "plain", DataSet(facts, lambda *_: plain))
    flags = ["--data", "plain", "--batch-size", "4", "--width", "4", "--steps", "1"]
    flags += ["--device", "cpu"]
    command = [*recipe.split(), *flags]
    assert main([*command, "--out", str(tmp_path / "a")]) == 0
    config = read_json(tmp_path / "a" / "checkpoint" / "config.json")
    assert (config["config"]["num_classes"], config["config"]["stages"]) == (0, stages)
    assert main([*command, "--stages", "2", "--out", str(tmp_path / "b")]) == 0
    assert read_json(tmp_path / "b" / "checkpoint" / "config.json")["config"]["stages"] == 2
    assert main([*command, "--stages", "6", "--out", str(tmp_path / "c")]) == 2
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("recipe", ["gan", "vae"])
def test_networks_are_of_the_data_sets_domain(recipe, monkeypatch):
    monkeypatch.setitem(DOMAINS, "tiles", Pixels())
    chosen = RECIPES[recipe]
    objective = chosen.objective(chosen.config(width=4), (1, 8, 8), 0, "tiles")
    assert objective.shipped.config.domain == "tiles"


def test_classes_that_are_modes_are_told_to_no_model(monkeypatch, tmp_path):
    """Three channels of 28 pixels, as stacked MNIST has them: an unconditional model, which still
    knows what its data's classes are called."""
    images = torch.randint(0, 256, (20, 3, 28, 28), dtype=torch.uint8)
    facts = Facts("stacks", "Stacks", CLASSES, "", classes_are_modes=True)
    labels = torch.arange(20) % len(CLASSES)
    stacks = ImageSet("stacks", "train", images, labels, CLASSES, facts=facts)
    monkeypatch.setitem(DATASETS, "stacks", DataSet(facts, lambda *_: stacks))
    flags = ["--data", "stacks", "--batch-size", "4", "--width", "4", "--steps", "1"]
    assert main(["gan", *flags, "--device", "cpu", "--out", str(tmp_path / "run")]) == 0
    config = read_json(tmp_path / "run" / "checkpoint" / "config.json")
    assert config["config"]["num_classes"] == 0
    assert config["data"]["class_names"] == list(CLASSES)
