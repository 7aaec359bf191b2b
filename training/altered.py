"""Fewer images than there are, wrong labels, repeats: made on purpose, to learn what they cost."""

import dataclasses

import numpy as np
import torch

from duet.data import ImageSet
from training.config import TrainConfig, TrainingError

ALTERED = ("train_images", "wrong_labels", "duplicates")  # the settings that say so
# Spawn keys of three numbers, as training/randomness.py wants them; one a purpose.
CHOICE, LABELS, REPEATS = (0, 0, 1), (0, 0, 2), (0, 0, 3)


def altered(images: ImageSet, config: TrainConfig) -> ImageSet:
    """What a run trains on of a set: the whole as it is, by default. All is chosen by the seed; of
    the same seed, fewer images are some of the more."""
    if config.train_images is None and not config.wrong_labels and not config.duplicates:
        return images
    count = config.train_images or len(images)
    if count > len(images):
        raise TrainingError(f"--train-images {count}: {images.name} has {len(images)} to train on")
    chosen = _generator(config, CHOICE).permutation(len(images))[:count]
    if config.duplicates:
        chosen = _with_repeats(chosen, config)
    labels = images.labels[torch.from_numpy(chosen)]
    if config.wrong_labels:
        labels = _with_wrong(labels, len(images.class_names), config)
    return dataclasses.replace(
        images, images=images.images[torch.from_numpy(chosen)], labels=labels, files=()
    )


def _with_repeats(chosen: np.ndarray, config: TrainConfig) -> np.ndarray:
    """The last share of the images replaced by some of the others, each as likely."""
    kept = max(1, round(len(chosen) * (1 - config.duplicates)))
    again = _generator(config, REPEATS).integers(0, kept, len(chosen) - kept)
    return np.concatenate([chosen[:kept], chosen[:kept][again]])


def _with_wrong(labels: torch.Tensor, classes: int, config: TrainConfig) -> torch.Tensor:
    """A share of the labels replaced by one of the other classes, each as likely."""
    if classes < 2:
        raise TrainingError("--wrong-labels is for images of two classes or more")
    generator = _generator(config, LABELS)
    places = torch.from_numpy(
        generator.permutation(len(labels))[: round(len(labels) * config.wrong_labels)]
    )
    labels = labels.clone()
    away = torch.from_numpy(generator.integers(1, classes, len(places)))
    labels[places] = (labels[places] + away) % classes
    return labels


def _generator(config: TrainConfig, purpose: tuple[int, ...]) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(config.seed, spawn_key=purpose))
