"""Our GAN's recipe: relativistic pairing with two zero-centred gradient penalties, after R3GAN
(Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN", 2024), made light."""

from dataclasses import dataclass
from typing import ClassVar, cast

import torch

from duet.models import LatentModel
from duet.models.gan import GAN, Discriminator, GANConfig
from training.config import TrainConfig
from training.ema import averaged_copy, update_average
from training.losses import gradient_penalty, relativistic_loss
from training.objective import Losses, Objective, set_learning_rate

LATENT_DIM = 64
DEPTH = 1
# The penalties are expectations: a part of the batch estimates them at a part of the cost.
PENALTY_SHARE = 4


@dataclass(frozen=True)
class GANTraining(TrainConfig):
    """Our class-conditional GAN for small images."""

    recipe: ClassVar[str] = "gan"

    steps: int = 10_000
    """Optimiser steps in all; with --resume, a larger number goes on training."""
    batch_size: int = 64
    """Images a step."""
    learning_rate: float = 5e-4
    """Of both Adams, for the first 2,000 steps; then it falls as 1/sqrt(step)."""
    penalty: float = 1.0
    """Weight gamma of the R1 and R2 gradient penalties."""
    width: int = 48
    """Channels at half resolution, in both networks."""


class GANObjective(Objective):
    """Discriminator and generator in turn, on the same latents; labels pair real with fake."""

    def __init__(
        self, config: GANTraining, image_shape: tuple[int, int, int], num_classes: int
    ) -> None:
        super().__init__(config)
        self.settings = config
        shape = GANConfig(image_shape, num_classes, LATENT_DIM, config.width, DEPTH)
        self.model = GAN(shape)
        self.discriminator = Discriminator(shape)
        self.average = averaged_copy(self.model)
        networks = {"generator": self.model, "discriminator": self.discriminator}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=(0.0, 0.99))
            for name, network in networks.items()
        }

    @property
    def shipped(self) -> LatentModel:
        return cast(LatentModel, self.average)

    def step(self, step: int, images: torch.Tensor, labels: torch.Tensor) -> Losses:
        for optimizer in self.optimizers.values():
            set_learning_rate(optimizer, self.settings.learning_rate, step)
        z = torch.randn(len(images), LATENT_DIM, device=images.device)
        with self.autocast():
            generated = self.model.decode(z, labels)
        losses = self._discriminator_phase(images, generated.detach(), labels)
        losses |= self._generator_phase(images, generated, labels)
        update_average(self.average, self.model, step)
        return losses

    def _discriminator_phase(
        self, images: torch.Tensor, generated: torch.Tensor, labels: torch.Tensor
    ) -> Losses:
        part = slice(max(1, len(images) // PENALTY_SHARE))
        with self.autocast():
            real = self.discriminator(images, labels).float()
            fake = self.discriminator(generated, labels).float()
            r1 = gradient_penalty(self.discriminator, images[part], labels[part])
            r2 = gradient_penalty(self.discriminator, generated[part], labels[part])
        loss = relativistic_loss(real, fake)
        self._update("discriminator", loss + self.settings.penalty / 2 * (r1 + r2))
        return {"discriminator": loss.detach(), "r1": r1.detach(), "r2": r2.detach()}

    def _generator_phase(
        self, images: torch.Tensor, generated: torch.Tensor, labels: torch.Tensor
    ) -> Losses:
        self.discriminator.requires_grad_(False)
        with self.autocast():
            real = self.discriminator(images, labels).float()
            fake = self.discriminator(generated, labels).float()
        loss = relativistic_loss(fake, real)
        self._update("generator", loss)
        self.discriminator.requires_grad_(True)
        return {"generator": loss.detach()}

    def _update(self, name: str, loss: torch.Tensor) -> None:
        self.optimizers[name].zero_grad()
        loss.backward()
        self.optimizers[name].step()
