"""Extractors made on the spot for somebody's own pictures, kept in the cache by the images' hash.

Where the pictures have classes, a classifier of them. Where not, a network that learned to tell by
which quarter turn a picture was rotated (Gidaris et al., "Unsupervised representation learning by
predicting image rotations", 2018): that wants to know what is in it, and needs no second network or
large batch as contrastive learning does.
"""

import functools
import json
import math
import re
from pathlib import Path

from duet.core.tensors import TensorFileError, load_tensors
from duet.core.turns import TURNS, turned
from duet.data import ImageSet, cache_root
from evaluation.errors import EvaluationError
from evaluation.extractors.base import Classifier, ExtractorEntry, Recipe
from evaluation.extractors.distortions import flipped_and_shifted
from evaluation.extractors.residual import ResidualClassifier

NAME = re.compile("own-[0-9a-f]{16}")
IMAGES_SEEN = 150_000  # minutes on one core; few pictures are passed over often


def name_of(images_sha256: str) -> str:
    """What the extractor of a training split is called."""
    return f"own-{images_sha256[:16]}"


def weights_path(name: str) -> Path:
    return cache_root() / "extractors" / f"{name}.safetensors"


def entry_for(images: ImageSet) -> ExtractorEntry:
    """The entry of an extractor that is yet to be trained on a split."""
    classes = len(images.class_names)
    return _entry(name_of(images.sha256), images.image_shape, classes, len(images))


def find(name: str) -> ExtractorEntry | None:
    """The entry of an extractor in the cache, None where there is none of that name."""
    path = weights_path(name)
    if not NAME.fullmatch(name) or not path.is_file():
        return None
    try:
        _, about = load_tensors(path)
        channels, height, width = json.loads(about["image_shape"])
        return _entry(name, (channels, height, width), int(about["classes"]), IMAGES_SEEN)
    except (TensorFileError, KeyError, ValueError, TypeError) as error:
        raise EvaluationError(
            f"{path} cannot be used ({error}); delete it, and make it anew by: "
            "python -m evaluation train-extractor --data PATH"
        ) from error


def _entry(
    name: str, image_shape: tuple[int, int, int], classes: int, images: int
) -> ExtractorEntry:
    has_classes = classes > 1
    recipe = Recipe(
        functools.partial(_build, image_shape[0], classes if has_classes else TURNS),
        flipped_and_shifted, epochs=math.ceil(IMAGES_SEEN / images), learning_rate=3e-3,
        task=None if has_classes else turned,
    )
    return ExtractorEntry(
        f"duet-{name}", image_shape=image_shape, weights=weights_path(name), recipe=recipe,
        knows_classes=has_classes,
    )


def _build(channels: int, answers: int) -> Classifier:
    return ResidualClassifier(channels, widths=(32, 64, 128), feature_dim=64, num_classes=answers)
