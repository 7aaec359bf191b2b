"""The whole line: a toy data set and a toy model, known only to this test, are trained, shipped,
scored and shown without a change anywhere else."""

from dataclasses import dataclass
from typing import ClassVar

import torch

import duet
from demo import actions, catalogue
from demo.actions import Endpoint
from duet.models import MODELS, LatentModel, ModelConfig
from evaluation import reference as reference_module
from evaluation import report
from evaluation.__main__ import main as evaluation_main
from training.__main__ import main as training_main
from training.config import TrainConfig
from training.objective import Objective
from training.recipes import RECIPES, Recipe


class ToyModel(LatentModel):
    """A linear map from latents to pixels."""

    title = "Toy"
    role = "variational"

    def __init__(self, config):
        super().__init__(config)
        self.map = torch.nn.Linear(config.latent_dim, 28 * 28)

    def decode(self, z, labels):
        return self.map(z).unflatten(1, self.image_shape)


@dataclass(frozen=True)
class ToyTraining(TrainConfig):
    """Pulls the toy's pixels toward the batch mean."""

    recipe: ClassVar[str] = "toy"


class ToyObjective(Objective):
    def __init__(self, config, image_shape, num_classes):
        super().__init__(config)
        self.model = ToyModel(ModelConfig(image_shape, 0, 4))
        self.optimizers = {"toy": torch.optim.SGD(self.model.parameters(), lr=0.1)}

    @property
    def shipped(self):
        return self.model

    def step(self, step, images, labels):
        error = (self.model.decode(torch.randn(len(images), 4), labels) - images).square().mean()
        self.optimizers["toy"].zero_grad()
        error.backward()
        self.optimizers["toy"].step()
        return {"error": error.detach()}


def test_a_registered_toy_goes_through_the_whole_line(
    toy_data, tmp_path, monkeypatch, capsys, extractor
):
    monkeypatch.setitem(MODELS, "toy", ToyModel)
    monkeypatch.setitem(RECIPES, "toy", Recipe(ToyTraining, ToyObjective))
    for module in (reference_module, report):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "reference")

    # Train two steps, from the command line.
    out = tmp_path / "toy-toy"
    assert training_main(["toy", "--data", "toy", "--steps", "2", "--batch-size", "16",
                          "--out", str(out), "--device", "cpu"]) == 0
    folder = out / "checkpoint"

    # Load and sample.
    loaded = duet.load(folder)
    assert (loaded.name, loaded.architecture) == ("toy-toy", "toy")
    assert loaded.model.sample(3).shape == (3, 1, 28, 28)

    # Play with it in the demo.
    offer = catalogue.load_sources([str(folder)])
    assert offer.default_pair() == ("toy-toy", "toy-toy")
    shown = actions.sample(offer.checkpoints["toy-toy"], count=4, seed=2)
    assert torch.equal(shown.images, loaded.model.sample(4, seed=2))
    frames = actions.interpolate(loaded, Endpoint(0), Endpoint(1), steps=3).frames
    assert torch.equal(frames[2], loaded.model.sample(1, seed=1)[0])

    # Score, verify, and put the scores into the card.
    assert evaluation_main(["reference", "--data", "toy"]) == 0
    assert evaluation_main(["measure", str(folder), "--samples", "200"]) == 0
    assert evaluation_main(["verify", str(folder)]) == 0
    assert training_main(["card", str(folder)]) == 0
    distance = duet.load(folder).metrics.published("mnist").scores["frechet_distance"].value
    assert f"{distance:.3f}" in (folder / "README.md").read_text(encoding="utf-8")
    assert "real held-out images" in capsys.readouterr().out
