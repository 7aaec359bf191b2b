"""The one place where values change range: what the numbers of a data set are, to a network and to
the eye.

Outside, everything is uint8 [N, C, H, W]; within networks, float [N, C', H, W]. What lies between
is a data set's domain: pixels today. A categorical grid (the tiles of a level, the notes of a
melody) would be one more class: C is 1, the value a category, C' the number of categories.
"""

import abc
import math

import torch
import torch.nn.functional as F
from PIL import Image

from duet.core.pixels import to_pil


class Domain(abc.ABC):
    """How values enter a network, leave it, look, and how likely they are. To add one: a class,
    and a row of DOMAINS for each parametrisation of it."""

    @abc.abstractmethod
    def network_channels(self, channels: int) -> int:
        """C' of a network for values of C channels."""

    @abc.abstractmethod
    def to_network(self, values: torch.Tensor) -> torch.Tensor:
        """uint8 [..., C, H, W] -> float32 [..., C', H, W]."""

    @abc.abstractmethod
    def squash(self, x: torch.Tensor) -> torch.Tensor:
        """A network's last layer: any float32 [N, C', H, W] -> the range that `to_network` gives,
        with a gradient everywhere."""

    @abc.abstractmethod
    def to_values(self, outputs: torch.Tensor) -> torch.Tensor:
        """A network's float [..., C', H, W] -> the nearest values uint8 [..., C, H, W]."""

    @abc.abstractmethod
    def to_pixels(self, values: torch.Tensor) -> torch.Tensor:
        """uint8 values [N, C, H, W] -> as they are shown: uint8 grey or colour pixels
        [N, 1 or 3, height, width]."""

    @abc.abstractmethod
    def negative_log_likelihood(
        self, outputs: torch.Tensor, images: torch.Tensor
    ) -> torch.Tensor:
        """-log p(images | outputs), the mean over a batch [N, C', H, W], in nats an image."""

    def picture(self, value: torch.Tensor, scale: int = 1) -> Image.Image:
        """One uint8 [C, H, W] as a PIL picture, enlarged `scale` times."""
        return to_pil(self.to_pixels(value[None])[0], scale)


class Pixels(Domain):
    """Brightness: uint8 [0, 255] outside, float [-1, 1] in networks, channel by channel."""

    def network_channels(self, channels: int) -> int:
        return channels

    def to_network(self, values: torch.Tensor) -> torch.Tensor:
        return values.float() / 127.5 - 1

    def squash(self, x: torch.Tensor) -> torch.Tensor:
        return leaky_clamp(x)

    def to_values(self, outputs: torch.Tensor) -> torch.Tensor:
        """Clamped, then rounded to the nearest level."""
        return ((outputs.float() + 1) * 127.5).clamp(0, 255).round().to(torch.uint8)

    def to_pixels(self, values: torch.Tensor) -> torch.Tensor:
        return values

    def negative_log_likelihood(
        self, outputs: torch.Tensor, images: torch.Tensor
    ) -> torch.Tensor:
        return gaussian_nll(outputs, images)


def leaky_clamp(x: torch.Tensor) -> torch.Tensor:
    """Clamp to [-1, 1], but with a slope of 0.01 outside.

    Black must come out exactly black, or a discriminator sees nothing but that; tanh does it too,
    yet it let a generator that had gone all black at the start wait a thousand steps for a gradient
    above Adam's epsilon (docs/log.md).
    """
    inside = F.hardtanh(x)
    return inside + 0.01 * (x - inside)


def gaussian_nll(reconstruction: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """-log p(x | z) under one Gaussian variance for all pixels at its optimum, the mean squared
    error itself: D/2 (log(2 pi MSE) + 1), D pixels an image (Rybkin et al., "Simple and effective
    VAE training with calibrated decoders", 2021, equation 5 with the optimum of section 4)."""
    pixels = images[0].numel()
    error = (reconstruction - images).square().mean()
    return pixels / 2 * ((2 * math.pi * error.clamp_min(1e-8)).log() + 1)


PIXELS = "pixels"  # the domain of whatever does not name another
DOMAINS: dict[str, Domain] = {
    PIXELS: Pixels(),
}
