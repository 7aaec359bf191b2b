"""The two halves that our GAN and our VAE share: latents -> images and images -> features.

Same widths, same blocks on both sides, so that what differs between the two is the objective.
Residual blocks without normalisation, the last convolution of each starting at zero, as in R3GAN
(Huang et al., "The GAN is dead; long live the GAN!", 2024, section 4), at a size two CPU cores can
train: the full resolution is only ever touched by pixel (un)shuffling (Shi et al., 2016).
"""

import torch
import torch.nn.functional as F
from torch import nn

from duet.core.domains import leaky_clamp
from duet.models.base import ModelError

SLOPE = 0.2  # of every leaky ReLU


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))), [N, C, H, W] -> the same shape; the identity at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(activate(self.conv1(activate(x))))


class ImageDecoder(nn.Module):
    """Latents [N, latent_dim] and labels int64 [N] -> images float [N, C, H, W], hardly beyond
    [-1, 1]."""

    def __init__(
        self, latent_dim: int, num_classes: int, image_shape: tuple[int, int, int],
        width: int, depth: int,
    ) -> None:
        super().__init__()
        channels, height, width_px = check_sides(image_shape)
        self.seed_shape = (2 * width, height // 4, width_px // 4)
        self.embed = nn.Embedding(max(num_classes, 1), latent_dim)
        self.seed = nn.Linear(2 * latent_dim, 2 * width * height * width_px // 16)
        self.low = nn.Sequential(*[ResidualBlock(2 * width) for _ in range(depth)])
        self.widen = conv3x3(2 * width, 4 * width)  # then one pixel shuffle: 2x the side
        self.high = nn.Sequential(*[ResidualBlock(width) for _ in range(depth)])
        self.to_pixels = conv3x3(width, 4 * channels)

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = self.seed(torch.cat([z, self.embed(labels)], dim=1)).unflatten(1, self.seed_shape)
        x = self.low(x)
        x = F.pixel_shuffle(self.widen(activate(x)), 2)
        x = self.high(x)
        return leaky_clamp(F.pixel_shuffle(self.to_pixels(activate(x)), 2).float())


class ImageEncoder(nn.Module):
    """Images float [N, C, H, W] -> features [N, features]. The decoder, mirrored."""

    def __init__(
        self, image_shape: tuple[int, int, int], width: int, depth: int, features: int
    ) -> None:
        super().__init__()
        channels, height, width_px = check_sides(image_shape)
        self.from_pixels = conv3x3(4 * channels, width)
        self.high = nn.Sequential(*[ResidualBlock(width) for _ in range(depth)])
        self.narrow = conv3x3(4 * width, 2 * width)
        self.low = nn.Sequential(*[ResidualBlock(2 * width) for _ in range(depth)])
        self.out = nn.Linear(2 * width * height * width_px // 16, features)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.high(self.from_pixels(F.pixel_unshuffle(images, 2)))
        x = self.low(self.narrow(F.pixel_unshuffle(activate(x), 2)))
        return self.out(activate(x).flatten(1))


def activate(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, SLOPE)


def conv3x3(channels_in: int, channels_out: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    nn.init.kaiming_normal_(conv.weight, SLOPE, nonlinearity="leaky_relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # there is one: bias=True
    return conv


def check_sides(image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    if image_shape[1] % 4 or image_shape[2] % 4:
        raise ModelError(f"image height and width must be multiples of 4, not {image_shape[1:]}")
    return image_shape
