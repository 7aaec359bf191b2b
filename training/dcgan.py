"""The baseline's recipe: TensorFlow's DCGAN tutorial (networks in duet/models/dcgan.py)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch

from duet.core.domains import PIXELS
from duet.models import ModelConfig
from duet.models.dcgan import DCGAN, DCGANDiscriminator
from training.config import OPERATIONAL, BatchSize, TrainConfig
from training.losses import dcgan_discriminator_loss, dcgan_generator_loss
from training.objective import Batch, Objective, Phase, detached

LATENT_DIM = 100


@dataclass(frozen=True)
class DCGANTraining(TrainConfig):
    """The classic DCGAN on MNIST, the reference that everything is measured against."""

    recipe: ClassVar[str] = "dcgan"
    least_batch_size: ClassVar[int] = 2

    steps: Annotated[int, OPERATIONAL] = 11_719
    """Optimiser steps in all; 11,719 are the tutorial's 50 epochs of 60,000 images."""
    batch_size: BatchSize = 256
    learning_rate: float = 1e-4
    """Of both Adams."""


class DCGANObjective(Objective):
    """Binary cross-entropy, both networks updated from the same forward pass, as the tutorial
    does. No weight average: the tutorial has none."""

    def __init__(
        self, config: DCGANTraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        shape = ModelConfig(image_shape, num_classes=0, latent_dim=LATENT_DIM, domain=domain)
        self.model = DCGAN(shape)
        self.discriminator = DCGANDiscriminator()
        networks = {"generator": self.model, "discriminator": self.discriminator}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=config.learning_rate, eps=1e-7)
            for name, network in networks.items()
        }

    def phases(self, batch: Batch) -> Iterator[Phase]:
        with self.autocast():
            generated = self.model.decode(batch.noise, batch.labels)
            real = self.discriminator(batch.images).float()
            fake = self.discriminator(generated).float()
        losses = {
            "generator": dcgan_generator_loss(fake),
            "discriminator": dcgan_discriminator_loss(real, fake),
        }
        yield Phase(minimise=losses, report=detached(**losses))
