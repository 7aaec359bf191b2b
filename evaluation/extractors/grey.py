"""The network of the extractors for 28x28 grey pictures."""

from torch import nn

from evaluation.extractors.base import Classifier

FEATURE_DIM = 64


class GreyClassifier(Classifier):
    """uint8 [N, 1, 28, 28] -> (features float32 [N, 64], logits float32 [N, 10]); `widths` are the
    channels at 28 and 14, at 14 and 7, and at 4 pixels a side."""

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 96)) -> None:
        first, second, third = widths
        body = nn.Sequential(
            *_stage(1, first, stride=1),
            *_stage(first, first, stride=2),  # 14x14
            *_stage(first, second, stride=1),
            *_stage(second, second, stride=2),  # 7x7
            *_stage(second, third, stride=2),  # 4x4
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(third * 4 * 4, FEATURE_DIM),
            nn.SiLU(),
        )
        super().__init__(body, FEATURE_DIM, num_classes=10)


def _stage(channels_in: int, channels_out: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(channels_out), nn.SiLU()]
