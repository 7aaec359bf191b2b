"""The baseline for colour and for sides of a power of two: the DCGAN of Radford et al.,
"Unsupervised representation learning with deep convolutional generative adversarial networks",
2016, section 3 and Figure 1.

Figure 1 draws 64x64 from 1024 channels at 4x4, halved with each doubling of the side. Here it is
256 of them, which at 32x32 is the usual 256, 128, 64, and keeps a checkpoint below 10 MB. Kernels
are 4x4, as in the authors' Torch code (the figure says 5x5); weights, batch norm's too, begin as it
does.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from duet.core.domains import PIXELS
from duet.models.base import LatentModel, ModelConfig, ModelError

COARSEST_SIDE = 4
COARSEST_CHANNELS = 256
SIDES = (16, 32, 64)
SLOPE = 0.2
WEIGHT_STD = 0.02


class RadfordDCGAN(LatentModel):
    """100-d normal noise, projected to 4x4; transposed convolutions of stride 2; tanh."""

    title = "DCGAN (Radford)"
    role = "baseline"
    about = (
        "The classic DCGAN of Radford et al. (2016), kept faithful as the baseline that Duet "
        "measures its own models against. Unconditional."
    )
    limits = "Many samples show nothing that the data hold, and a class cannot be chosen."

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        channels = _channels(config)
        self.project = nn.ConvTranspose2d(config.latent_dim, channels[0], COARSEST_SIDE, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(count) for count in channels])
        sizes = pairwise((*channels, config.image_shape[0]))
        self.ups = nn.ModuleList([
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
            for before, after in sizes
        ])
        _initialise(self)

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = self.project(z[:, :, None, None])
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = up(F.relu(norm(x)))
        return x.tanh()


class RadfordDiscriminator(nn.Module):
    """The generator, mirrored: images float [N, C, H, W] -> logits [N]. No batch norm on the layer
    that sees the image."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        channels = _channels(config)[::-1]
        sizes = pairwise((config.image_shape[0], *channels))
        self.downs = nn.ModuleList([
            nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False) for before, after in sizes
        ])
        self.norms = nn.ModuleList([
            nn.Identity(), *(nn.BatchNorm2d(count) for count in channels[1:])
        ])
        self.score = nn.Conv2d(channels[-1], 1, COARSEST_SIDE, bias=False)
        _initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images
        for down, norm in zip(self.downs, self.norms, strict=True):
            x = F.leaky_relu(norm(down(x)), SLOPE)
        return self.score(x).flatten()


def _channels(config: ModelConfig) -> list[int]:
    """Of the generator's hidden layers, the coarsest first. ModelError for images it cannot
    draw."""
    channels, height, width = config.image_shape
    drawn = channels in (1, 3) and height == width and width in SIDES
    if not drawn or (config.num_classes, config.domain) != (0, PIXELS):
        raise ModelError(
            "a DCGAN draws unconditional pixels, grey or in colour, of 16, 32 or 64 a side, or "
            f"1x28x28; not {channels}x{height}x{width}"
        )
    doublings = (width // COARSEST_SIDE).bit_length() - 1
    return [COARSEST_CHANNELS >> doubling for doubling in range(doublings)]


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=WEIGHT_STD)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, mean=1, std=WEIGHT_STD)
