"""What a visitor judges copying by: samples and held-out pictures, each beside the training
pictures nearest to it, by the eye's own measure: coarse pixels, in which nothing was learnt."""

import torch

from duet.data import ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.neighbours import NEAREST, ROWS, SUBJECT, Neighbours
from evaluation import nearness
from evaluation.copies import coarse
from evaluation.reference import random_part

SEED = 0  # of the samples and of the choice of held-out pictures: nobody picks them


def neighbours_of(checkpoint: Checkpoint, train: ImageSet, test: ImageSet) -> Neighbours:
    """Samples 0 .. ROWS-1 of a checkpoint and as many held-out pictures, with theirs."""
    points = coarse(train.images)

    def rows(images: torch.Tensor) -> torch.Tensor:
        _, found = nearness.nearest(points, coarse(images), NEAREST)
        beside = torch.cat([images[:, None], train.images[found]], dim=1)
        shown = checkpoint.model.domain.to_pixels(beside.flatten(0, 1))
        return shown.unflatten(0, beside.shape[:2])

    held_out = test.images[random_part(test, ROWS, SEED)]
    return Neighbours(rows(checkpoint.sample(ROWS, seed=SEED)), rows(held_out))


def texts_of(checkpoint: Checkpoint, train: ImageSet, test: ImageSet) -> dict[str, str]:
    """All that decides the sheet."""
    return {
        SUBJECT: checkpoint.weights_sha256, "training_sha256": train.sha256,
        "held_out_sha256": test.sha256, "seed": str(SEED),
    }
