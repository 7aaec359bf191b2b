"""Extractors made on the spot for somebody's own pictures, kept in the cache by the images' hash;
those that shipped models are scored by lie beside this file.

Where the pictures have classes, a classifier of them. Where not, a network that learned to tell by
which quarter turn a picture was rotated (Gidaris et al., "Unsupervised representation learning by
predicting image rotations", 2018): that wants to know what is in it, and needs no second network or
large batch as contrastive learning does.
"""

import functools
import math
import re
from pathlib import Path

from duet.core.checks import whole
from duet.core.files import parse_json
from duet.core.tensors import TensorFileError, load_tensors
from duet.core.turns import TURNS, turned
from duet.data import ImageSet
from duet.data.classes import MOST_CLASSES
from evaluation.errors import EvaluationError
from evaluation.extractors.base import Classifier, ExtractorEntry, Recipe
from evaluation.extractors.distortions import flipped_and_shifted
from evaluation.extractors.residual import ResidualClassifier
from evaluation.sets import shipped_or_cached

NAME = re.compile("own-[0-9a-f]{16}")
# Passes: minutes on one core, and no more than few pictures bear. What a network knows by heart is
# elsewhere in its space than what it has not seen: FID of real held-out emoji was 0.6 above that of
# as many training ones after 10 passes, 0.1 after 12, 1.4 after 25, 2.5 after 87, at the same
# test accuracy (docs/log.md).
IMAGES_SEEN, MOST_PASSES, LEAST_STEPS = 150_000, 12, 100
BATCH = 128
MOST_SIDE = 4096  # of a picture


def name_of(images_sha256: str) -> str:
    """What the extractor of a training split is called."""
    return f"own-{images_sha256[:16]}"


def weights_path(name: str) -> Path:
    return shipped_or_cached(Path(__file__).parent, "extractors", f"{name}.safetensors")


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
        sides = parse_json(about["image_shape"].encode())
        channels, height, width = (whole("image_shape", side, 1, MOST_SIDE) for side in sides)
        classes = whole("classes", int(about["classes"]), 0, MOST_CLASSES)
        return _entry(name, (channels, height, width), classes, IMAGES_SEEN)
    except (TensorFileError, AttributeError, KeyError, ValueError, TypeError) as error:
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
        flipped_and_shifted, epochs=_passes(images), learning_rate=3e-3, batch_size=BATCH,
        task=None if has_classes else turned,
    )
    return ExtractorEntry(
        f"duet-{name}", image_shape=image_shape, weights=weights_path(name), recipe=recipe,
        knows_classes=has_classes,
    )


def _passes(images: int) -> int:
    """How often so many images are passed over."""
    steps = max(1, images // BATCH)
    return max(min(math.ceil(IMAGES_SEEN / images), MOST_PASSES), math.ceil(LEAST_STEPS / steps))


def _build(channels: int, answers: int) -> Classifier:
    return ResidualClassifier(channels, widths=(32, 64, 128), feature_dim=64, num_classes=answers)
