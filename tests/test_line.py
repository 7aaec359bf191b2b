"""The whole line: a toy data set, model, recipe, extractor, metric and score, known only to this
test by a row each, are trained, shipped, scored and shown without a change anywhere else. (A tab is
added so in tests/demo/test_blocks.py, a domain in tests/models/test_domains.py.)"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

import duet
from demo import actions, catalogue
from demo.actions import Endpoint
from duet.models import MODELS, LatentModel, ModelConfig
from duet.store.metrics import ScoreRecord
from duet.store.scores import SCORES, Score
from evaluation import harness
from evaluation import reference as reference_module
from evaluation.__main__ import main as evaluation_main
from evaluation.extractors import EXTRACTORS
from evaluation.extractors.base import Classifier, classifier
from evaluation.extractors.base import Recipe as ExtractorRecipe
from evaluation.metrics import METRICS, Metric
from training.__main__ import main as training_main
from training.config import TrainConfig
from training.objective import Objective, Phase
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
    def __init__(self, config, image_shape, num_classes, domain):
        super().__init__(config)
        self.model = ToyModel(ModelConfig(image_shape, 0, 4))
        self.optimizers = {"toy": torch.optim.SGD(self.model.parameters(), lr=0.1)}

    def phases(self, batch):
        error = (self.model.decode(batch.noise, batch.labels) - batch.images).square().mean()
        yield Phase({"toy": error}, {"error": error.detach()})


def toy_classifier():
    """Features: eight random sums of the pixels."""
    body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(28 * 28, 8), torch.nn.SiLU())
    return Classifier(body, feature_dim=8, num_classes=10)


def toy_metric(features, protocol):
    return {"toy_width": ScoreRecord(float(features.shape[1]), count=len(features))}


def add_rows(monkeypatch, tmp_path):
    """One row a registry; the data set's is the fixture toy_data's."""
    monkeypatch.setitem(MODELS, "toy", ToyModel)
    monkeypatch.setitem(RECIPES, "toy", Recipe(ToyTraining, ToyObjective))
    recipe = ExtractorRecipe(toy_classifier, torch.Tensor.float, epochs=1, learning_rate=1e-3)
    entry = replace(
        classifier("toy", (1, 28, 28), recipe), weights=tmp_path / "toy-extractor.safetensors"
    )
    digits = replace(EXTRACTORS["mnist"], serves=("mnist",))  # which toy_data lets serve the toy
    monkeypatch.setitem(EXTRACTORS, "mnist", digits)
    monkeypatch.setitem(EXTRACTORS, "toy", entry)
    score = Score("toy", "Toy width", 1, True, 0, group="detail")
    monkeypatch.setitem(SCORES, "toy_width", score)
    monkeypatch.setattr(harness, "METRICS", (*METRICS, Metric(toy_metric, ("features",))))
    monkeypatch.setattr(reference_module, "FOLDER", tmp_path / "reference")


def test_a_registered_toy_goes_through_the_whole_line(
    toy_data, tmp_path, monkeypatch, capsys
):
    add_rows(monkeypatch, tmp_path)

    # Train two steps, from the command line.
    out = tmp_path / "toy-toy"
    assert training_main(["toy", "--data", "toy", "--steps", "2", "--batch-size", "16",
                          "--out", str(out), "--device", "cpu"]) == 0
    folder = out / "checkpoint"

    # Load and sample.
    loaded = duet.load(folder)
    assert (loaded.name, loaded.architecture) == ("toy-toy", "toy")
    assert (loaded.data, loaded.made_from.images_sha256) == ("toy", toy_data.sha256)
    assert loaded.model.sample(3).shape == (3, 1, 28, 28)

    # Play with it in the demo.
    offer = catalogue.load_sources([str(folder)])
    assert offer.default_pair() == ("toy-toy", "toy-toy")
    shown = actions.sample(offer.checkpoints["toy-toy"], count=4, seed=2)
    assert torch.equal(shown.images, loaded.model.sample(4, seed=2))
    frames = actions.interpolate(loaded, Endpoint(0), Endpoint(1), steps=3).frames
    assert torch.equal(frames[2], loaded.model.sample(1, seed=1)[0])

    # Score, verify, and put the scores into the card.
    state = str(tmp_path / "extractor")
    assert evaluation_main(["train-extractor", "--data", "toy", "--out", state]) == 0
    assert evaluation_main(["reference", "--data", "toy"]) == 0
    assert evaluation_main(["measure", str(folder), "--samples", "200"]) == 0
    assert evaluation_main(["verify", str(folder)]) == 0
    assert training_main(["card", str(folder)]) == 0
    scores = duet.load(folder).metrics.published("toy").scores
    assert scores["toy_width"].value == 8
    distance = scores["frechet_distance"].value
    assert f"{distance:.3f}" in (folder / "README.md").read_text(encoding="utf-8")
    shown = capsys.readouterr().out
    assert "real held-out images" in shown
    assert "Toy width ↑" in shown
