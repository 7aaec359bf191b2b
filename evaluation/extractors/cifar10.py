"""The extractor for CIFAR-10: two million weights."""

from evaluation.extractors.base import Recipe, classifier, nesterov
from evaluation.extractors.distortions import flipped_and_shifted
from evaluation.extractors.residual import ResidualClassifier


def build() -> ResidualClassifier:
    return ResidualClassifier(3, widths=(64, 256, 256), feature_dim=128, num_classes=10)


ENTRY = classifier(
    "cifar10", (3, 32, 32),
    Recipe(
        build, flipped_and_shifted, epochs=12, learning_rate=0.2, optimizer=nesterov,
        batch_size=256, label_smoothing=0.1,
    ),
)
