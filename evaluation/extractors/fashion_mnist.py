"""The extractor for Fashion-MNIST: the digits' network, half as wide again."""

from evaluation.extractors.base import Recipe, classifier
from evaluation.extractors.distortions import flipped_and_shifted
from evaluation.extractors.grey import GreyClassifier


def build() -> GreyClassifier:
    return GreyClassifier((48, 96, 128))


ENTRY = classifier(
    "fashion-mnist", (1, 28, 28), Recipe(build, flipped_and_shifted, epochs=18, learning_rate=3e-3)
)
