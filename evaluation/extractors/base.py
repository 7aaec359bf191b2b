"""What an extractor is to the rest: an entry of the table, and the networks that we train."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from duet.core.domains import DOMAINS, PIXELS

FOLDER = Path(__file__).parent
Shape = tuple[int, int, int]
Distortion = Callable[[torch.Tensor], torch.Tensor]


class Classifier(nn.Module):
    """uint8 [N, C, H, W] -> (features float32 [N, D], logits float32 [N, K]).

    The features are `body`'s output, the last hidden layer. They are divided by `feature_rms`,
    measured once on the training images and stored with the weights, so that they have root mean
    square 1 and KID's polynomial kernel (x.y/D + 1)^3 is of order one. Where the layer ends in SiLU
    rather than ReLU no unit is dead, hence no covariance singular.
    """

    feature_rms: torch.Tensor

    def __init__(self, body: nn.Module, feature_dim: int, num_classes: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(feature_dim, num_classes)
        self.register_buffer("feature_rms", torch.ones(()))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.body(DOMAINS[PIXELS].to_network(images))
        return hidden / self.feature_rms, self.head(hidden)


def adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters)


def nesterov(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, momentum=0.9, nesterov=True, weight_decay=5e-4)


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained: `epochs` passes in one learning-rate cycle that peaks at
    `learning_rate`; `distort` turns uint8 images into float ones, still in 0..255. `task` makes
    up a question and its answers from the images [N, C, H, W] alone; None: name the class."""

    build: Callable[[], Classifier]
    distort: Distortion
    epochs: int
    learning_rate: float
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] = adam
    batch_size: int = 128
    label_smoothing: float = 0.0
    task: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | None = None


@dataclass(frozen=True)
class ExtractorEntry:
    """How torch-fidelity knows it, which of its layers serve, and where its weights are.

    image_shape: the one (C, H, W) it takes; None: any, grey repeated to three channels.
    serves: the data sets that are measured by it unless something else is asked for; the first is
        the one that it was trained on.
    weights: their file; None where `fetch` brings it on first use, in PyTorch's own format, which
        may hold code, instead of safetensors.
    recipe: how we trained it; None for a network from elsewhere.
    knows_classes: its logits are of classes, not of a task made up to learn from.
    """

    registered_name: str
    feature_layer: str = "features"
    logits_layer: str = "logits"
    image_shape: Shape | None = None
    serves: tuple[str, ...] = ()
    weights: Path | None = None
    fetch: Callable[[], Path] | None = None
    recipe: Recipe | None = None
    knows_classes: bool = True

    def find_weights(self) -> Path:
        """The file of its weights, fetched first where they come from elsewhere."""
        found = self.weights if self.fetch is None else self.fetch()
        assert found is not None
        return found


def classifier(data: str, image_shape: Shape, recipe: Recipe) -> ExtractorEntry:
    """The entry of a classifier of our own for one data set, its weights beside the code."""
    return ExtractorEntry(
        f"duet-{data}", image_shape=image_shape, serves=(data,), recipe=recipe,
        weights=FOLDER / f"{data}.safetensors",
    )
