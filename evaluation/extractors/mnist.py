"""The extractor for handwritten digits."""

from evaluation.extractors.base import Recipe, classifier
from evaluation.extractors.distortions import turned_and_scaled
from evaluation.extractors.grey import GreyClassifier

ENTRY = classifier(
    "mnist", (1, 28, 28), Recipe(GreyClassifier, turned_and_scaled, epochs=12, learning_rate=3e-3)
)
