"""A picture into a model's latent space and back: by its encoder, or else by a search.

A model that encodes answers at once. Another, a GAN above all, has to be searched, step by step
(duet/models/nearest.py).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from demo import actions
from duet.core.domains import PIXELS
from duet.models.base import BATCH_VALUES, LatentModel, ModelError
from duet.models.nearest import STEPS, search

MOST_LABELS = 256  # of a model's classes that are tried where nobody says which
# Grey levels: what weighs a wrong pixel against an unlikely latent. demo/stage/reader.js reads a
# drawing by the same rule, and says how well.
DEVIATION = 40


@dataclass(frozen=True)
class Reconstruction:
    """What a model makes of `original`: `z` float32 [latent_dim] and `label` draw `image`; both
    pictures are uint8 [C, H, W]. A search is at `step` of `steps`, an encoder answers in one."""

    original: torch.Tensor
    image: torch.Tensor
    z: torch.Tensor
    label: int
    step: int = 1
    steps: int = 1

    @property
    def error(self) -> float:
        """The root mean square difference, in grey levels, as /nearest gives it."""
        return float((self.image.float() - self.original.float()).square().mean().sqrt())

    @property
    def psnr(self) -> float | None:
        """The peak signal-to-noise ratio in decibels; None where both pictures are the same."""
        return 20 * math.log10(255 / self.error) if self.error else None


def reconstruct(
    model: LatentModel, image: torch.Tensor, label: int | None = None, *, steps: int = STEPS,
    seed: int = 0,
) -> Iterator[Reconstruction]:
    """`model`'s own picture of `image`, uint8 [C, H, W], of class `label` or of whichever explains
    it best: one answer of a model that encodes, of another the best so far at each of `steps` steps
    of a search that starts from `seed`. Wants eval mode.

    Raises, at the call, ModelError for an image of another shape or type, an unknown label and a
    model of other things than pictures; ArgumentError for steps and seeds out of range.
    """
    if not encodes(model):
        found = search(model, image, label, steps=steps, seed=seed)
        return (
            Reconstruction(image, best.image, best.z, best.label, best.step, best.steps)
            for best in found
        )
    if image.dtype != torch.uint8 or tuple(image.shape) != tuple(model.image_shape):
        raise ModelError(f"the picture must be uint8 {list(model.image_shape)}, as the model draws")
    return iter([_read(model, image, label)])


def interpolate(
    model: LatentModel, start: Reconstruction, end: Reconstruction, steps: int = 16,
    path: str = "spherical",
) -> torch.Tensor:
    """Images uint8 [steps, C, H, W] on the way between two pictures in the model's latent space,
    from its picture of the one to its picture of the other."""
    first, last = ((found.z, torch.tensor(found.label)) for found in (start, end))
    return actions.frames(model, first, last, steps, path)


def encodes(model: LatentModel) -> bool:
    """Whether pictures can be made latents without a search."""
    return model.config.domain == PIXELS and hasattr(model, "encode")


@torch.no_grad()
def encode(model: LatentModel, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W], int64 [N] -> float32 [N, latent_dim] on the CPU, of a model that encodes;
    ModelError for another."""
    if not encodes(model):
        raise ModelError("This model does not encode pictures.")
    function: Any = model.encode
    device = next(model.parameters()).device
    z: torch.Tensor = function(model.domain.to_network(images).to(device), labels.to(device))
    return z.cpu()


def _read(model: LatentModel, image: torch.Tensor, label: int | None) -> Reconstruction:
    """By the encoder. A class that nobody says is the one that makes picture and latent likeliest,
    up to what all of them share."""
    if label is not None:
        labels = torch.tensor([model.check_label(label)])
    else:
        most = max(1, min(MOST_LABELS, BATCH_VALUES // model.config.layer_values))
        labels = torch.arange(min(max(model.num_classes, 1), most))
    z = encode(model, image.expand(len(labels), *image.shape), labels)
    images = model.render(z, labels)
    errors = (images.float() - image.float()).square().flatten(1).sum(1)
    best = int((errors / DEVIATION**2 + z.square().sum(1)).argmin())
    # Copies: a view would keep all that was tried.
    return Reconstruction(image, images[best].clone(), z[best].clone(), int(labels[best]))
