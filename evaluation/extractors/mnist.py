"""The extractor for handwritten digits: a small network without bridges."""

from torch import nn

from evaluation.extractors.base import Classifier, Recipe, classifier
from evaluation.extractors.distortions import turned_and_scaled

FEATURE_DIM = 64


class MnistClassifier(Classifier):
    """uint8 [N, 1, 28, 28] -> (features float32 [N, 64], logits float32 [N, 10])."""

    def __init__(self) -> None:
        body = nn.Sequential(
            *_stage(1, 32, stride=1),
            *_stage(32, 32, stride=2),  # 14x14
            *_stage(32, 64, stride=1),
            *_stage(64, 64, stride=2),  # 7x7
            *_stage(64, 96, stride=2),  # 4x4
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(96 * 4 * 4, FEATURE_DIM),
            nn.SiLU(),
        )
        super().__init__(body, FEATURE_DIM, num_classes=10)


def _stage(channels_in: int, channels_out: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(channels_out), nn.SiLU()]


ENTRY = classifier(
    "mnist", (1, 28, 28), Recipe(MnistClassifier, turned_and_scaled, epochs=12, learning_rate=3e-3)
)
