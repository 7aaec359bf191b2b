"""The perceptual term: a small network that we train beside the VAE, and how far apart two pictures
are to it.

It learns to tell by which quarter turn a picture was rotated (Gidaris et al., "Unsupervised
representation learning by predicting image rotations", 2018), which wants to know shapes and
textures, and no labels: own pictures have it without classes. It shares nothing with the extractors
that score us: their own features in the loss would flatter the very number that they measure.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from duet.core.domains import gaussian_nll
from duet.core.turns import TURNS, turned
from duet.models.networks import Coarser, ResidualConfig, activate, conv3x3
from training.processes import whole

DEPTH = 1


class Features(nn.Module):
    """Square images float [N, C', H, H] -> which quarter turn, logits [N, TURNS]; half as wide as
    the networks of `config`, and a stage deeper where that halves the side."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        channels, side = list(config.channels), config.coarsest[1]
        if side % 2 == 0:
            channels.append(2 * channels[-1])
        widths = [max(1, c // 2) for c in channels]
        self.enter = conv3x3(4 * config.network_channels, widths[0])
        self.stages = nn.ModuleList([Coarser(a, b, DEPTH) for a, b in pairwise(widths)])
        self.answer = nn.Linear(widths[-1], TURNS)

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """What its stages see, the finest first: float [N, C, side, side] each."""
        maps = [self.enter(F.pixel_unshuffle(images, 2))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.answer(activate(self.maps(images)[-1]).mean(dim=(2, 3))).float()


def rotation_loss(features: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of its answers, each image turned at random."""
    rotated, turns = turned(images)
    return F.cross_entropy(features(rotated), turns)


def perceptual_nll(
    features: Features, reconstruction: torch.Tensor, images: torch.Tensor
) -> torch.Tensor:
    """What the features add to -log p(x | z), in nats an image: each map is an observation with its
    own calibrated variance, as the pixels are, so its scale does not matter, and may drift as the
    network learns. All maps together count as much as the pixels do."""
    with torch.no_grad():
        seen = features.maps(images)
    drawn = features.maps(reconstruction)
    shares = [
        gaussian_nll(whole(a.float()), whole(b.float())) / b[0].numel()
        for a, b in zip(drawn, seen, strict=True)
    ]
    return images[0].numel() * torch.stack(shares).mean()
