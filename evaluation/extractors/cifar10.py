"""The extractor for CIFAR-10: a ResNet of nine layers and two million weights."""

import torch
from torch import nn

from evaluation.extractors.base import Classifier, Recipe, classifier, nesterov
from evaluation.extractors.distortions import flipped_and_shifted

FEATURE_DIM = 128


class ColourClassifier(Classifier):
    """uint8 [N, 3, H, W] -> (features float32 [N, 128], logits float32 [N, 10]), H and W at least
    8; after the networks of Page ("How to train your ResNet", 2018) and Jordan ("94% on CIFAR-10 in
    3.29 seconds on a single GPU", 2024), each of whose stages halves the picture at once."""

    def __init__(self) -> None:
        body = nn.Sequential(
            *_layer(3, 24),
            Stage(24, 64),  # 16x16
            Stage(64, 256),  # 8x8
            Stage(256, 256),  # 4x4
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(256, FEATURE_DIM, bias=False),
            nn.BatchNorm1d(FEATURE_DIM),
            nn.SiLU(),
        )
        super().__init__(body, FEATURE_DIM, num_classes=10)


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


ENTRY = classifier(
    "cifar10", (3, 32, 32),
    Recipe(
        ColourClassifier, flipped_and_shifted, epochs=12, learning_rate=0.2, optimizer=nesterov,
        batch_size=256, label_smoothing=0.1,
    ),
)
