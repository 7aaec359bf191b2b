"""The two halves that our GAN and our VAE share: latents -> images and images -> features.

Same widths, same blocks on both sides, so that what differs between the two is the objective.
Residual blocks without normalisation, the last convolution of each starting at zero, as in R3GAN
(Huang et al., "The GAN is dead; long live the GAN!", 2024, section 4), at a size two CPU cores can
train: the full resolution is only ever touched by pixel (un)shuffling (Shi et al., 2016).

A network has `stages`, each at half the side of the one above: stage 0 at half the image's side.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from duet.models.base import ModelConfig, ModelError

SLOPE = 0.2  # of every leaky ReLU
MAX_WIDENING = 4
MAX_LAYER_VALUES = 2**24  # float32: 64 MiB
MAX_WORK = 2**36  # a few seconds on two cores
LEAST_COARSE_SIDE = 4


@dataclass(frozen=True)
class ResidualConfig(ModelConfig):
    """`width`: channels of stage 0; twice that at stage 1, four times from stage 2 on. `depth`:
    blocks a stage. `stages`: how often the side is halved; it must divide so."""

    width: int
    depth: int
    stages: int = field(default=2, kw_only=True)

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        **ModelConfig.BOUNDS, "width": (1, 1024), "depth": (0, 32), "stages": (2, 6),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        sides, multiple = self.image_shape[1:], 2**self.stages
        if any(side % multiple for side in sides):
            raise ModelError(
                f"image height and width must be multiples of {multiple} for {self.stages} stages, "
                f"not {sides}"
            )
        if self.layer_values > MAX_LAYER_VALUES:
            raise ModelError(
                f"width {self.width} at {sides} pixels is more than {MAX_LAYER_VALUES} values a "
                "layer and image"
            )
        if self.work > MAX_WORK:
            raise ModelError(
                f"width {self.width}, depth {self.depth} and {self.stages} stages at {sides} "
                f"pixels are more than {MAX_WORK} multiplications an image"
            )

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each stage, the finest first."""
        return tuple(self.width * min(2**stage, MAX_WIDENING) for stage in range(self.stages))

    @property
    def coarsest(self) -> tuple[int, int, int]:
        """(channels, height, width) of the last stage."""
        _, height, width = self.image_shape
        return self.channels[-1], height >> self.stages, width >> self.stages

    @property
    def layer_values(self) -> int:
        _, height, width = self.image_shape
        return max(super().layer_values, self.width * (height // 2) * (width // 2))

    @property
    def work(self) -> int:
        """Multiplications of the 3x3 convolutions for one image."""
        _, height, width = self.image_shape
        to_finer = (self.network_channels, *self.channels)
        return sum(
            9 * (height >> stage + 1) * (width >> stage + 1) * own * (2 * self.depth * own + 4 * to)
            for stage, (to, own) in enumerate(pairwise(to_finer))
        )


def recommended_stages(image_shape: tuple[int, int, int]) -> int:
    """Stages for images of that shape: as many as leave a coarsest side of 4 or more, at least 2.
    28 pixels: 2, which leave 7; 32: 3, which leave 4; 64: 4; 128: 5."""
    low, high = ResidualConfig.BOUNDS["stages"]
    sides = image_shape[1:]
    fitting = (
        stages for stages in range(low, high + 1)
        if all(side % 2**stages == 0 and side >> stages >= LEAST_COARSE_SIDE for side in sides)
    )
    return max(fitting, default=low)


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))), [N, C, H, W] -> the same shape; the identity at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(activate(self.conv1(activate(x))))


class Finer(nn.Module):
    """From the last blocks of one stage to those of the next finer: [N, C, H, W] ->
    [N, C', 2H, 2W]."""

    def __init__(self, channels: int, finer_channels: int, depth: int) -> None:
        super().__init__()
        self.widen = conv3x3(channels, 4 * finer_channels)
        self.blocks = residual_blocks(finer_channels, depth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(F.pixel_shuffle(self.widen(activate(x)), 2))


class Coarser(nn.Module):
    """`Finer`, mirrored: [N, C', 2H, 2W] -> [N, C, H, W]."""

    def __init__(self, channels: int, coarser_channels: int, depth: int) -> None:
        super().__init__()
        self.blocks = residual_blocks(channels, depth)
        self.narrow = conv3x3(4 * channels, coarser_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.narrow(F.pixel_unshuffle(activate(self.blocks(x)), 2))


class ImageDecoder(nn.Module):
    """Latents [N, latent_dim] and labels int64 [N] -> images float [N, C', H, W], as the domain
    has them in networks (pixels: hardly beyond [-1, 1]).

    The first and the last stage have names of their own, as in checkpoints of two stages.
    """

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.squash = config.network_domain.squash
        self.coarsest = config.coarsest
        finest, *coarser = config.channels
        self.embed = nn.Embedding(max(config.num_classes, 1), config.latent_dim)
        self.seed = nn.Linear(2 * config.latent_dim, math.prod(self.coarsest))
        self.low = residual_blocks(coarser[-1], config.depth)
        self.middle = nn.Sequential(
            *[Finer(low, high, config.depth) for low, high in pairwise(reversed(coarser))]
        )
        self.widen = conv3x3(coarser[0], 4 * finest)  # then one pixel shuffle: 2x the side
        self.high = residual_blocks(finest, config.depth)
        self.to_pixels = conv3x3(finest, 4 * config.network_channels)

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = self.seed(torch.cat([z, self.embed(labels)], dim=1)).unflatten(1, self.coarsest)
        x = self.middle(self.low(x))
        x = F.pixel_shuffle(self.widen(activate(x)), 2)
        x = self.high(x)
        return self.squash(F.pixel_shuffle(self.to_pixels(activate(x)), 2).float())


class ImageEncoder(nn.Module):
    """Images float [N, C', H, W] -> features [N, features]. The decoder, mirrored."""

    def __init__(self, config: ResidualConfig, features: int) -> None:
        super().__init__()
        finest, *coarser = config.channels
        self.from_pixels = conv3x3(4 * config.network_channels, finest)
        self.high = residual_blocks(finest, config.depth)
        self.narrow = conv3x3(4 * finest, coarser[0])
        self.middle = nn.Sequential(
            *[Coarser(high, low, config.depth) for high, low in pairwise(coarser)]
        )
        self.low = residual_blocks(coarser[-1], config.depth)
        self.out = nn.Linear(math.prod(config.coarsest), features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.high(self.from_pixels(F.pixel_unshuffle(images, 2)))
        x = self.narrow(F.pixel_unshuffle(activate(x), 2))
        x = self.low(self.middle(x))
        return self.out(activate(x).flatten(1))


def residual_blocks(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*[ResidualBlock(channels) for _ in range(depth)])


def activate(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, SLOPE)


def conv3x3(channels_in: int, channels_out: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    nn.init.kaiming_normal_(conv.weight, SLOPE)  # of a leaky ReLU
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # there is one: bias=True
    return conv
