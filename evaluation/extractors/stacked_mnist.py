"""The extractor for stacked MNIST: that for digits, a channel at a time (Lin et al., "PacGAN: the
power of two samples in generative adversarial networks", 2018)."""

import dataclasses

import torch

from evaluation.extractors import mnist
from evaluation.extractors.base import ExtractorEntry
from evaluation.extractors.mnist import MnistClassifier

CHANNELS = 3


class StackedClassifier(MnistClassifier):
    """uint8 [N, 3, 28, 28] -> (features float32 [N, 192], logits float32 [N, 1000]).

    The logit of class 100 a + 10 b + c is the sum of those of its digits, so that its probability
    is their product.
    """

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features, logits = super().forward(images.flatten(0, 1)[:, None])
        first, second, third = logits.unflatten(0, (-1, CHANNELS)).unbind(1)
        together = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
        return features.unflatten(0, (-1, CHANNELS)).flatten(1), together.flatten(1)


DIGITS = mnist.ENTRY
assert DIGITS.recipe is not None
ENTRY = ExtractorEntry(
    "duet-stacked-mnist", image_shape=(CHANNELS, 28, 28), weights=DIGITS.weights,
    recipe=dataclasses.replace(DIGITS.recipe, build=StackedClassifier),
    serves=("mnist", "stacked-mnist"),  # trained on the first, whose own row comes before
)
