"""A prior over spatial latents: noise flows into latents along a learned velocity field.

Flow matching (Lipman et al., "Flow matching for generative modeling", 2023): between noise z_0 and
a latent z_1 lies the straight line z_t = (1 - t) z_0 + t z_1, and a network that has learned
E[z_1 - z_0 | z_t, t, y] is the velocity of a flow whose noise arrives as latents of class y.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from duet.models.networks import conv3x3

CONDITION = 128  # features of time and label
FREQUENCIES = 16


class ConditionedBlock(nn.Module):
    """A residual block, [N, C, H, W] -> the same shape, that a condition [N or 1, CONDITION] scales
    and shifts in its middle (FiLM, Perez et al., 2018); the identity at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.film = nn.Linear(CONDITION, 2 * channels)
        self.conv2 = conv3x3(channels, channels)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        scale, shift = self.film(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.conv1(F.silu(x)) * (1 + scale) + shift
        return x + self.conv2(F.silu(hidden))


class Velocity(nn.Module):
    """Latents [N, C, H, W] at times [N] or [1] in 0..1, labels int64 [N] -> their velocity, of the
    same shape. A small U-Net: `depth` blocks as the latents are, twice as many at half the side
    (rounded up) and twice the width, `depth` again. Label `num_classes` stands for any."""

    def __init__(self, channels: int, num_classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(num_classes + 1, CONDITION)
        self.time = nn.Linear(2 * FREQUENCIES, CONDITION)
        self.enter = conv3x3(channels, width)
        self.before = _blocks(width, depth)
        self.narrow = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.middle = _blocks(2 * width, 2 * depth)
        self.widen = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.after = _blocks(width, depth)
        self.exit = conv3x3(width, channels)
        nn.init.zeros_(self.exit.weight)

    def forward(
        self, z: torch.Tensor, times: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        condition = F.silu(self.time(time_features(times)) + self.embed(labels))
        fine = self.enter(z)
        for block in self.before:
            fine = block(fine, condition)
        height, width = fine.shape[2:]
        coarse = self.narrow(F.pad(fine, (0, width % 2, 0, height % 2)))
        for block in self.middle:
            coarse = block(coarse, condition)
        fine = fine + self.widen(coarse)[:, :, :height, :width]
        for block in self.after:
            fine = block(fine, condition)
        return self.exit(F.silu(fine)).float()


class FlowPrior(nn.Module):
    """Standard normal noise [N, C, H, W] and labels [N] <-> latents of p(z | y), in `steps` steps
    of Adams and Bashforth's method of second order, the first by the midpoint: it asks for a
    velocity a step, and one more.

    `guidance` above 1 draws what is more typical of its class than the data are: the velocity is
    v(z) + guidance (v(z | y) - v(z)) (Ho & Salimans, "Classifier-free diffusion guidance", 2022).
    """

    def __init__(
        self, channels: int, num_classes: int, width: int, depth: int, steps: int, guidance: float
    ) -> None:
        super().__init__()
        self.any_label, self.steps = num_classes, steps
        self.guidance = guidance if num_classes else 1.0
        self.velocity = Velocity(channels, num_classes, width, depth)

    def forward(self, noise: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        z = noise
        known: tuple[float, torch.Tensor] | None = None  # another time, and the velocity at it
        for start, end in pairwise(self._times()):
            velocity, stride = self._guided(z, start, labels), end - start
            if known is None:
                known = start + stride / 2, self._halfway(z, velocity, start, stride, labels)
            slope = (known[1] - velocity) / (known[0] - start)
            z = z + stride * (velocity + stride / 2 * slope)
            known = start, velocity
        return z

    def inverse(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Back along the same flow: latents -> noise, but for the error of its steps, which are
        all by the midpoint: the longest comes first."""
        for start, end in pairwise(self._times()[::-1]):
            velocity, stride = self._guided(z, start, labels), end - start
            z = z + stride * self._halfway(z, velocity, start, stride, labels)
        return z

    def _times(self) -> list[float]:
        """Where the steps end, from 0 to 1: shorter near the noise, where the flow bends most."""
        return [share / (2 - share) for share in (i / self.steps for i in range(self.steps + 1))]

    def _halfway(
        self, z: torch.Tensor, velocity: torch.Tensor, start: float, stride: float,
        labels: torch.Tensor,
    ) -> torch.Tensor:
        """The velocity at the midpoint of a step."""
        return self._guided(z + stride / 2 * velocity, start + stride / 2, labels)

    def _guided(self, z: torch.Tensor, time: float, labels: torch.Tensor) -> torch.Tensor:
        times = torch.full((1,), time, device=z.device)
        if self.guidance == 1:
            return self.velocity(z, times, labels)
        both = torch.cat([labels, torch.full_like(labels, self.any_label)])
        velocity = self.velocity(torch.cat([z, z]), times, both)
        given, free = velocity.unflatten(0, (2, -1)).unbind()  # not chunk: exporting, N is open
        return free + self.guidance * (given - free)


def time_features(times: torch.Tensor) -> torch.Tensor:
    """Times [N] in 0..1 -> cosines and sines of 1..FREQUENCIES quarter turns, [N, 2 FREQUENCIES]"""
    turns = torch.arange(1, FREQUENCIES + 1, device=times.device) * (math.pi / 2)
    angles = times[:, None] * turns
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _blocks(channels: int, depth: int) -> nn.ModuleList:
    return nn.ModuleList([ConditionedBlock(channels) for _ in range(depth)])
