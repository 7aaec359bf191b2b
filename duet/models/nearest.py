"""The picture of a model that comes nearest to a given one, found by search.

A model that encodes answers at once; for a GAN the latent has to be sought, by gradient descent on
z through the fixed generator (Lipton & Tripathi, "Precise recovery of latent vectors from
generative adversarial networks", 2017). The landscape is rugged: many starts are tried, and the
worse half is dropped again and again (successive halving: Jamieson & Talwalkar, "Non-stochastic
best arm identification and hyperparameter optimization", 2016), which finds the class too where
none is given.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from duet.core import latents
from duet.core.checks import whole
from duet.core.domains import Pixels
from duet.models.base import BATCH_VALUES, LatentModel, ModelError

STEPS, MOST_STEPS = 100, 1000
CANDIDATES = 256  # latents that are only looked at
STARTS = 16  # the best of them, from which the search goes
ROUNDS = 4  # equally long; the better half of the starts goes on into the next
LEARNING_RATE = 0.1
SQUARE = 4  # pixels a side that the blurred look takes for one
SHELL_WEIGHT = 0.1


@dataclass(frozen=True)
class Nearest:
    """The best until `step` of `steps`: `z` float32 [latent_dim] and `label` draw `image`, uint8
    [C, H, W]. `errors` has for each step so far the root mean square error of the best until then,
    in grey levels; the last is that of `image`."""

    step: int
    steps: int
    z: torch.Tensor
    label: int
    image: torch.Tensor
    errors: tuple[float, ...]


def nearest(
    model: LatentModel, image: torch.Tensor, label: int | None = None, *, steps: int = STEPS,
    seed: int = 0,
) -> Nearest:
    """The end of `search`."""
    *_, found = search(model, image, label, steps=steps, seed=seed)
    return found


def search(
    model: LatentModel, image: torch.Tensor, label: int | None = None, *, steps: int = STEPS,
    seed: int = 0,
) -> Iterator[Nearest]:
    """Seek the z whose picture is nearest to `image`, uint8 [C, H, W], of class `label` or of
    whichever fits best; yields the best so far at each of `steps` steps.

    What is found depends on the arguments alone: the starts are drawn from `seed`. Wants eval mode.
    Raises, at the call, ModelError for an image of another shape or type, a label that the model
    does not know and a model of other things than pictures; ArgumentError for steps and seeds out
    of range.
    """
    if not isinstance(model.domain, Pixels):
        raise ModelError("only pictures can be sought, and this model draws something else")
    if image.dtype != torch.uint8 or tuple(image.shape) != tuple(model.image_shape):
        raise ModelError(
            f"the picture must be uint8 {list(model.image_shape)}, as the model draws, not "
            f"{str(image.dtype).removeprefix('torch.')} {list(image.shape)}"
        )
    whole("steps", steps, 1, MOST_STEPS)
    count = max(1, min(CANDIDATES, BATCH_VALUES // model.config.layer_values))
    z, _ = latents.draw(seed, range(count), model.latent_dim, 0)
    labels = torch.arange(count) % max(model.num_classes, 1)
    if label is not None:
        labels = torch.full_like(labels, model.check_label(label))
    return _search(model, image, z, labels, steps)


def _search(
    model: LatentModel, image: torch.Tensor, z: torch.Tensor, labels: torch.Tensor, steps: int
) -> Iterator[Nearest]:
    least, errors = math.inf, list[float]()
    for costs, tried, classes in _descend(model, image, z, labels, steps):
        i = int(costs.argmin())
        if not errors or float(costs[i]) < least:
            least, best, label = float(costs[i]), tried[i].clone(), int(classes[i])
            drawn = model.render(best[None], classes[i : i + 1])[0]
            error = float((drawn.float() - image.float()).square().mean().sqrt())
        errors.append(error)
        yield Nearest(len(errors), steps, best.cpu(), label, drawn, tuple(errors))


def _descend(
    model: LatentModel, image: torch.Tensor, z: torch.Tensor, labels: torch.Tensor, steps: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Costs [N], z [N, latent_dim] and labels [N] before each step of Adam, N ever smaller."""
    device = next(model.parameters()).device
    target = model.domain.to_network(image[None]).to(device)
    z, labels = z.to(device), labels.to(device)
    with torch.no_grad():
        costs = _costs(model, target, z, labels)
    for number in range(ROUNDS):
        kept = costs.argsort(stable=True)[: max(1, STARTS >> number)]
        z, labels, costs = z[kept].detach().requires_grad_(), labels[kept], costs[kept]
        optimizer = torch.optim.Adam([z], lr=LEARNING_RATE)
        for _ in range(steps * number // ROUNDS, steps * (number + 1) // ROUNDS):
            with torch.enable_grad():
                costs = _costs(model, target, z, labels)
                (z.grad,) = torch.autograd.grad(costs.sum(), z)
            costs = costs.detach()
            yield costs, z.detach(), labels
            optimizer.step()


def _costs(
    model: LatentModel, target: torch.Tensor, z: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """What is made small, [N]: the mean squared error, sharp and blurred, and the squared distance
    of z's mean square from 1, which it is near for nearly all that the prior draws."""
    difference = model.decode(z, labels) - target
    square = min(SQUARE, *difference.shape[2:])
    blurred = F.avg_pool2d(difference, square, ceil_mode=True)
    errors = [each.square().flatten(1).mean(1) for each in (difference, blurred)]
    return errors[0] + errors[1] + SHELL_WEIGHT * (z.square().mean(1) - 1).square()
