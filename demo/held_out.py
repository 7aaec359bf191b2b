"""Held-out pictures of a model's data set: of its test split, which it never saw."""

import functools

import torch

from duet import data
from duet.data import DATASETS, DataError, ImageSet
from duet.store.checkpoint import Checkpoint

MOST = 300


def held_out(checkpoint: Checkpoint) -> ImageSet | None:
    """At most MOST of them, the same each time, in the model's own shape; None where the files are
    not at hand."""
    found = _some(checkpoint.data) if checkpoint.data in DATASETS else None
    fits = found is not None and found.image_shape == tuple(checkpoint.model.image_shape)
    return found if fits else None


@functools.lru_cache(maxsize=8)
def _some(name: str) -> ImageSet | None:
    try:
        whole = data.load(name, "test", download=False)
    except DataError:
        return None
    chosen = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))[:MOST]
    return ImageSet(
        whole.name, whole.split, whole.images[chosen], whole.labels[chosen], whole.class_names,
        whole.domain, whole.facts,
    )
