"""The baseline's recipe: TensorFlow's DCGAN tutorial (networks in duet/models/dcgan.py)."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from duet.models import LatentModel, ModelConfig
from duet.models.dcgan import DCGAN, DCGANDiscriminator
from training.config import TrainConfig
from training.losses import dcgan_discriminator_loss, dcgan_generator_loss
from training.objective import Losses, Objective

LATENT_DIM = 100


@dataclass(frozen=True)
class DCGANTraining(TrainConfig):
    """The classic DCGAN on MNIST, the reference that everything is measured against."""

    recipe: ClassVar[str] = "dcgan"

    steps: int = 11_719
    """Optimiser steps in all; 11,719 are the tutorial's 50 epochs of 60,000 images."""
    batch_size: int = 256
    """Images a step."""
    learning_rate: float = 1e-4
    """Of both Adams."""


class DCGANObjective(Objective):
    """Binary cross-entropy, both networks updated from the same forward pass, as the tutorial
    does. No weight average: the tutorial has none."""

    def __init__(
        self, config: DCGANTraining, image_shape: tuple[int, int, int], num_classes: int
    ) -> None:
        super().__init__(config)
        self.model = DCGAN(ModelConfig(image_shape, num_classes=0, latent_dim=LATENT_DIM))
        self.discriminator = DCGANDiscriminator()
        networks = {"generator": self.model, "discriminator": self.discriminator}
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=config.learning_rate, eps=1e-7)
            for name, network in networks.items()
        }

    @property
    def shipped(self) -> LatentModel:
        return self.model

    def step(self, step: int, images: torch.Tensor, labels: torch.Tensor) -> Losses:
        z = torch.randn(len(images), LATENT_DIM, device=images.device)
        with self.autocast():
            generated = self.model.decode(z, labels)
            real = self.discriminator(images).float()
            fake = self.discriminator(generated).float()
        losses = {
            "generator": dcgan_generator_loss(fake),
            "discriminator": dcgan_discriminator_loss(real, fake),
        }
        networks = {"generator": self.model, "discriminator": self.discriminator}
        for name, network in networks.items():
            parameters = list(network.parameters())
            gradients = torch.autograd.grad(losses[name], parameters, retain_graph=True)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
        for optimizer in self.optimizers.values():
            optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}
