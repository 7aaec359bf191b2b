"""Our VAE for colour: a latent that keeps its place in the picture, and a flow as its prior.

A vector has to name everything in a picture at once, and what it cannot name comes out as a blur. A
small grid of latents leaves the detail where it is; what such grids look like, of each class, a
second network learns (LSGM, Vahdat et al., "Score-based generative modeling in latent space", 2021;
Rombach et al., "High-resolution image synthesis with latent diffusion models", 2022). To whoever
samples, the latent is that flow's standard normal noise, as it is in our other VAE.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from duet.models.base import LatentModel, ModelError
from duet.models.networks import (
    Coarser,
    Finer,
    ResidualConfig,
    activate,
    conv3x3,
    residual_blocks,
)
from duet.models.velocity import FlowPrior

MOST_GUIDANCE = 10.0


@dataclass(frozen=True)
class SpatialVAEConfig(ResidualConfig):
    """The fields of the shared networks; `prior_width` and `prior_depth` of the velocity network;
    how its flow is followed: `flow_steps`, and `guidance` (1: none). `latent_dim` fills the grid of
    the coarsest stage."""

    prior_width: int
    prior_depth: int
    flow_steps: int
    guidance: float = field(default=1.0, kw_only=True)

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        **ResidualConfig.BOUNDS, "prior_width": (1, 512), "prior_depth": (0, 16),
        "flow_steps": (1, 64),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        _, height, width = self.coarsest
        if self.latent_dim % (height * width):
            raise ModelError(
                f"latent_dim must be a multiple of {height * width} for a grid of "
                f"{height}x{width}, not {self.latent_dim}"
            )
        if type(self.guidance) not in (int, float) or not 1 <= self.guidance <= MOST_GUIDANCE:
            raise ModelError(
                f"guidance must be a number in 1..{MOST_GUIDANCE:g}, not {self.guidance!r:.40}"
            )

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the grid."""
        _, height, width = self.coarsest
        return self.latent_dim // (height * width), height, width

    @property
    def _prior_places(self) -> int:
        """Of the grid, its sides made even."""
        _, height, width = self.coarsest
        return (height + height % 2) * (width + width % 2)

    @property
    def layer_values(self) -> int:
        return max(super().layer_values, 2 * self.prior_width * self._prior_places)  # guided: twice

    @property
    def work(self) -> int:
        """Multiplications for one image, the flow's among them."""
        channels, own = self.latent_shape[0], self.prior_width
        block = 2 * 9 * own * own  # at half the side and twice the width as much
        ends, middle = 2 * 9 * channels * own, 2 * 2 * own * own
        velocity = self._prior_places * (ends + middle + 4 * self.prior_depth * block)
        return super().work + 2 * (self.flow_steps + 1) * velocity


class SpatialEncoder(nn.Module):
    """Images float [N, C', H, W] -> `features` channels [N, features, *grid]."""

    def __init__(self, config: ResidualConfig, features: int) -> None:
        super().__init__()
        channels = config.channels
        self.from_pixels = conv3x3(4 * config.network_channels, channels[0])
        self.stages = nn.Sequential(
            *[Coarser(fine, coarse, config.depth) for fine, coarse in pairwise(channels)]
        )
        self.low = residual_blocks(channels[-1], config.depth)
        self.out = conv3x3(channels[-1], features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.from_pixels(F.pixel_unshuffle(images, 2))
        return self.out(activate(self.low(self.stages(x))))


class SpatialDecoder(nn.Module):
    """The encoder, mirrored: latents [N, C, *grid] -> images float [N, C', H, W], as the domain has
    them in networks."""

    def __init__(self, config: ResidualConfig, latent_channels: int) -> None:
        super().__init__()
        channels = config.channels[::-1]
        self.squash = config.network_domain.squash
        self.enter = conv3x3(latent_channels, channels[0])
        self.low = residual_blocks(channels[0], config.depth)
        self.stages = nn.Sequential(
            *[Finer(coarse, fine, config.depth) for coarse, fine in pairwise(channels)]
        )
        self.to_pixels = conv3x3(channels[-1], 4 * config.network_channels)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.stages(self.low(self.enter(z)))
        return self.squash(F.pixel_shuffle(self.to_pixels(activate(x)), 2).float())


class SpatialVAE(LatentModel):
    """A variational autoencoder (Kingma & Welling, 2014) that knows no classes, and a prior over
    its latents that does."""

    Config = SpatialVAEConfig
    title = "VAE"
    role = "variational"
    about = (
        "A variational autoencoder with a spatial latent, a calibrated Gaussian decoder (σ-VAE) "
        "and a perceptual term; its class-conditional prior was learned by flow matching. Averaged "
        "weights. It also encodes images."
    )
    limits = (
        "Fine texture is softer than in the data, and parts of a picture need not agree with each "
        "other. With guidance, samples are more typical of their class than the data are. Encoding "
        "follows the flow backwards in a few steps, which is exact only to their error."
    )
    config: SpatialVAEConfig

    def __init__(self, config: SpatialVAEConfig) -> None:
        super().__init__(config)
        channels, *_ = config.latent_shape
        self.encoder = SpatialEncoder(config, 2 * channels)
        self.decoder = SpatialDecoder(config, channels)
        self.prior = FlowPrior(
            channels, config.num_classes, config.prior_width, config.prior_depth,
            config.flow_steps, config.guidance,
        )

    def posterior(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images float [N, C', H, W] -> mean and log variance [N, C, *grid] of q(z | x)."""
        mean, log_variance = self.encoder(images).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-14, 8)

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        noise = z.unflatten(1, self.config.latent_shape)
        return self.decoder(self.prior(noise, labels))

    def encode(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Images float [N, C', H, W] -> the latents z [N, latent_dim] that decode to the posterior
        mean's reconstruction, but for the error of the flow's steps."""
        return self.prior.inverse(self.posterior(images)[0], labels).flatten(1)
