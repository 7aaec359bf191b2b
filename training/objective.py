"""What an objective gives: networks, optimisers, and the losses of a step. No update is made here:
that is the driver's (training/driver.py), the same for every recipe."""

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import torch
from torch import nn

from duet.models import LatentModel
from training.config import TrainConfig
from training.schedule import inverse_square_root

Losses = dict[str, torch.Tensor]  # name -> scalar


class Batch(NamedTuple):
    """What a step sees: images float [N, C, H, W] as networks have them, their labels int64 [N],
    and standard normal noise float [N, latent_dim]."""

    images: torch.Tensor
    labels: torch.Tensor
    noise: torch.Tensor


class Phase(NamedTuple):
    """A part of a step after which networks move.

    minimise: for each optimiser that moves now the loss which its parameters descend; all of them
    see the networks as they were before the phase. report: what the log tells, detached.
    """

    minimise: Losses
    report: Losses


class Objective(nn.Module):
    """Networks as submodules and `optimizers` by name: together the whole training state.

    A subclass builds them from its configuration, an image shape, a number of classes (0:
    unlabelled) and the name of a domain, and gives the phases of a step.
    """

    max_gradient_norm: ClassVar[float | None] = None  # of each optimiser's parameters together

    model: LatentModel
    average: LatentModel | None  # of the model's weights over training
    optimizers: dict[str, torch.optim.Optimizer]

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        self.average = None

    @property
    def shipped(self) -> LatentModel:
        """The model that samples: the averaged one where there is one."""
        return self.model if self.average is None else self.average

    def learning_rate(self, base: float, step: int) -> float:
        """The rate of step number `step`, from 0, of an optimiser that was built with `base`."""
        return base

    def phases(self, batch: Batch) -> Iterator[Phase]:
        """The phases of one step, in order. The driver makes each one's update before it asks for
        the next, which therefore sees the networks as they have become."""
        raise NotImplementedError

    def autocast(self) -> torch.autocast:
        device_type = next(self.parameters()).device.type
        return torch.autocast(
            device_type, torch.bfloat16, enabled=self.config.precision == "bfloat16"
        )


class DecayingObjective(Objective):
    """One whose rates fall without a horizon, as those of all our own recipes do."""

    def learning_rate(self, base: float, step: int) -> float:
        return inverse_square_root(base, step)


@contextlib.contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """What is computed here goes through the network, not into its weights: no gradient of theirs
    will be wanted, so nothing is kept for one."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def adversarial_adams(
    generator: nn.Module, discriminator: nn.Module, **options: Any
) -> dict[str, torch.optim.Optimizer]:
    """An Adam for each of two networks, by the names that their phases use."""
    networks = {"generator": generator, "discriminator": discriminator}
    return {n: torch.optim.Adam(network.parameters(), **options) for n, network in networks.items()}


def detached(**losses: torch.Tensor) -> Losses:
    """Losses for a report, cut from their graphs."""
    return {name: loss.detach() for name, loss in losses.items()}
