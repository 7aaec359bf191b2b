"""Our GAN: the shared decoder as generator, the shared encoder as discriminator."""

from dataclasses import dataclass

import torch
from torch import nn

from duet.models.base import LatentModel
from duet.models.networks import ImageDecoder, ImageEncoder, ResidualConfig, activate

DISCRIMINATOR_FEATURES = 128


@dataclass(frozen=True)
class GANConfig(ResidualConfig):
    """The fields of the shared networks, which the discriminator has too."""


class GAN(LatentModel):
    """Class-conditional generator; unconditional where num_classes is 0."""

    Config = GANConfig
    title = "GAN"
    role = "adversarial"
    about = (
        "A class-conditional GAN: residual networks without normalisation, relativistic pairing "
        "loss with R1 and R2 gradient penalties (after R3GAN), averaged weights."
    )
    limits = (
        "It has no encoder: it cannot reconstruct a given image. What is rare in the data is drawn "
        "less often than it occurs."
    )
    config: GANConfig

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        self.generator = ImageDecoder(config)

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.generator(z, labels)


class Discriminator(nn.Module):
    """Images float [N, C, H, W], labels int64 [N] -> logits [N].

    The label enters by projection, psi(f) + <embed(y), f> (Miyato & Koyama, "cGANs with projection
    discriminator", 2018, equation 4).
    """

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.encoder = ImageEncoder(config, DISCRIMINATOR_FEATURES)
        self.score = nn.Linear(DISCRIMINATOR_FEATURES, 1)
        self.embed = nn.Embedding(max(config.num_classes, 1), DISCRIMINATOR_FEATURES)
        nn.init.normal_(self.embed.weight, std=DISCRIMINATOR_FEATURES**-0.5)

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        features = activate(self.encoder(images))
        return self.score(features).squeeze(1) + (self.embed(labels) * features).sum(1)
