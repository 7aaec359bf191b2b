"""neighbours.png: some samples of a checkpoint, and some pictures that it never saw, each at the
left of the training pictures nearest to it. Who copies has twins among the samples only.

The evaluation, which has the pictures, writes it; the page and the card, which have none, show it.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from duet.models import LatentModel
from duet.store import sprites
from duet.store.sprites import Texts

ROWS, NEAREST = 8, 5
COLUMNS = 2 * (1 + NEAREST)
SUBJECT = "weights_sha256"


@dataclass(frozen=True)
class Neighbours:
    """Pictures uint8 [ROWS, 1 + NEAREST, 1 or 3, h, w]: the first of each row, then the training
    pictures nearest to it, the nearest first."""

    samples: torch.Tensor
    held_out: torch.Tensor


def write(path: Path, found: Neighbours, texts: Texts) -> None:
    """Write a sheet whole: the samples' rows at the left, those of held-out pictures at the right.
    `texts` say what decides it, the weights under SUBJECT."""
    both = torch.cat([found.samples, found.held_out], dim=1)  # [ROWS, COLUMNS, C, h, w]
    small = sprites.shrunk(both.flatten(0, 1)).unflatten(0, both.shape[:2])
    sprites.write(path, small.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2), texts)


def read(path: Path, model: LatentModel, weights_sha256: str) -> Neighbours | None:
    """The sheet in a file, None where there is no file. RecordError where it is none, or of another
    model."""
    empty = torch.zeros(1, *model.image_shape, dtype=torch.uint8)
    wanted = sprites.shrunk(model.domain.to_pixels(empty)).shape[1:]

    def understand(pixels: torch.Tensor, texts: Texts) -> Neighbours:
        if texts[SUBJECT] != weights_sha256:
            raise ValueError("it is of other weights")
        channels, height, width = wanted
        if pixels.shape != (channels, ROWS * height, COLUMNS * width):
            raise ValueError(f"it is {list(pixels.shape)}, not {ROWS} rows of {list(wanted)}")
        cells = pixels.unflatten(1, (ROWS, height)).unflatten(3, (COLUMNS, width))
        rows = cells.permute(1, 3, 0, 2, 4)
        return Neighbours(rows[:, : 1 + NEAREST], rows[:, 1 + NEAREST :])

    return sprites.read(path, COLUMNS, ROWS, understand)
