"""Our GAN: the shared decoder as generator, the shared encoder as discriminator."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from duet.models.base import LatentModel, ModelConfig, ModelError
from duet.models.networks import ImageDecoder, ImageEncoder, activate

DISCRIMINATOR_FEATURES = 128
MAX_LAYER_VALUES = 2**24  # float32: 64 MiB


@dataclass(frozen=True)
class GANConfig(ModelConfig):
    """`width`: channels at half resolution (twice that at a quarter); `depth`: blocks a stage."""

    width: int
    depth: int

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        **ModelConfig.BOUNDS, "width": (1, 1024), "depth": (0, 32),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width * self.image_shape[1] * self.image_shape[2] > MAX_LAYER_VALUES:
            raise ModelError(
                f"width {self.width} at {self.image_shape[1:]} pixels is more than "
                f"{MAX_LAYER_VALUES} values a layer and image"
            )


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
        "It has no encoder: it cannot reconstruct a given image. Rare ways to write a digit are "
        "drawn less often than they occur."
    )
    config: GANConfig

    def __init__(self, config: GANConfig) -> None:
        super().__init__(config)
        self.generator = ImageDecoder(
            config.latent_dim, config.num_classes, config.image_shape, config.width, config.depth
        )

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.generator(z, labels)


class Discriminator(nn.Module):
    """Images float [N, C, H, W], labels int64 [N] -> logits [N].

    The label enters by projection, psi(f) + <embed(y), f> (Miyato & Koyama, "cGANs with projection
    discriminator", 2018, equation 4).
    """

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.encoder = ImageEncoder(
            config.image_shape, config.width, config.depth, DISCRIMINATOR_FEATURES
        )
        self.score = nn.Linear(DISCRIMINATOR_FEATURES, 1)
        self.embed = nn.Embedding(max(config.num_classes, 1), DISCRIMINATOR_FEATURES)
        nn.init.normal_(self.embed.weight, std=DISCRIMINATOR_FEATURES**-0.5)

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        features = activate(self.encoder(images))
        return self.score(features).squeeze(1) + (self.embed(labels) * features).sum(1)
