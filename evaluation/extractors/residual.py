"""The network of the extractors for colour and for pictures of any size: a ResNet of 9 layers."""

import itertools

import torch
from torch import nn

from evaluation.extractors.base import Classifier

STEM = 24  # channels at full resolution


class ResidualClassifier(Classifier):
    """uint8 [N, C, H, W] -> (features float32 [N, D], logits float32 [N, K]), H and W at least 8;
    `widths` are the channels at a half, a quarter and an eighth of them, `stem` those before. After
    the networks of Page ("How to train your ResNet", 2018) and Jordan ("94% on CIFAR-10 in 3.29
    seconds on a single GPU", 2024), each of whose stages halves the picture at once."""

    def __init__(
        self, channels: int, widths: tuple[int, int, int], feature_dim: int, num_classes: int,
        stem: int = STEM,
    ) -> None:
        body = nn.Sequential(
            *_layer(channels, stem),
            *(Stage(*pair) for pair in itertools.pairwise((stem, *widths))),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], feature_dim, bias=False),
            nn.BatchNorm1d(feature_dim),
            nn.SiLU(),
        )
        super().__init__(body, feature_dim, num_classes)


class Stage(nn.Module):
    """A convolution to half the size, and one with a bridge over it."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(*_layer(channels_in, channels_out, nn.MaxPool2d(2)))
        self.bridged = nn.Sequential(*_layer(channels_out, channels_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.narrow(x)
        return x + self.bridged(x)


def _layer(channels_in: int, channels_out: int, *pool: nn.Module) -> list[nn.Module]:
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return [conv, *pool, nn.BatchNorm2d(channels_out), nn.SiLU()]
