"""Our GAN's recipe: relativistic pairing with two zero-centred gradient penalties, after R3GAN
(Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN", 2024), made light."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from duet.core.domains import PIXELS
from duet.models.gan import GAN, Discriminator, GANConfig
from training.config import BatchSize, ResidualTraining, Steps
from training.ema import averaged_copy
from training.losses import gradient_penalty, relativistic_loss
from training.objective import Batch, Objective, Phase, detached, frozen
from training.schedule import inverse_square_root

LATENT_DIM = 64
DEPTH = 1
# The penalties are expectations: a part of the batch estimates them at a part of the cost.
PENALTY_SHARE = 4


@dataclass(frozen=True)
class GANTraining(ResidualTraining):
    """Our class-conditional GAN for small images."""

    recipe: ClassVar[str] = "gan"
    widths: ClassVar[dict[int, int]] = {28: 48, 32: 48, 48: 44, 64: 36}

    steps: Steps = 10_000
    batch_size: BatchSize = 64
    learning_rate: float = 5e-4
    """Of both Adams, for the first 2,000 steps; then it falls as 1/sqrt(step)."""
    penalty: float = 1.0
    """Weight gamma of the R1 and R2 gradient penalties."""


class GANObjective(Objective):
    """Discriminator and generator in turn, on the same latents; labels pair real with fake."""

    def __init__(
        self, config: GANTraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        self.penalty = config.penalty
        shape = GANConfig(
            image_shape, num_classes, LATENT_DIM, config.width_for(image_shape), DEPTH,
            stages=config.stages_for(image_shape), domain=domain,
        )
        self.model = GAN(shape)
        self.discriminator = Discriminator(shape)
        self.average = averaged_copy(self.model)
        networks = {"generator": self.model, "discriminator": self.discriminator}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=(0.0, 0.99))
            for name, network in networks.items()
        }

    def learning_rate(self, base: float, step: int) -> float:
        return inverse_square_root(base, step)

    def phases(self, batch: Batch) -> Iterator[Phase]:
        with self.autocast():
            generated = self.model.decode(batch.noise, batch.labels)
        yield self.discriminator_phase(batch.images, generated.detach(), batch.labels)
        yield self.generator_phase(batch.images, generated, batch.labels)

    def discriminator_phase(
        self, images: torch.Tensor, generated: torch.Tensor, labels: torch.Tensor
    ) -> Phase:
        part = slice(max(1, len(images) // PENALTY_SHARE))
        with self.autocast():
            real = self.discriminator(images, labels).float()
            fake = self.discriminator(generated, labels).float()
            r1 = gradient_penalty(self.discriminator, images[part], labels[part])
            r2 = gradient_penalty(self.discriminator, generated[part], labels[part])
        loss = relativistic_loss(real, fake)
        return Phase(
            minimise={"discriminator": loss + self.penalty / 2 * (r1 + r2)},
            report=detached(discriminator=loss, r1=r1, r2=r2),
        )

    def generator_phase(
        self, images: torch.Tensor, generated: torch.Tensor, labels: torch.Tensor
    ) -> Phase:
        with self.autocast(), frozen(self.discriminator):
            real = self.discriminator(images, labels).float()
            fake = self.discriminator(generated, labels).float()
        loss = relativistic_loss(fake, real)
        return Phase(minimise={"generator": loss}, report=detached(generator=loss))
