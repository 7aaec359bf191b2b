"""Held-out pictures of a model's data set, which it never saw: those of the sheets that ship with
the page (python -m evaluation sheet)."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from demo import facts, quiz
from duet.store.checkpoint import Checkpoint
from duet.store.sheet import SheetRecord


@dataclass(frozen=True)
class HeldOut:
    """uint8 [N, C, H, W] in the model's own shape, and int64 [N]."""

    images: torch.Tensor
    labels: torch.Tensor


def held_out(checkpoint: Checkpoint) -> HeldOut | None:
    """The same each time; None where no sheet is of what the model was made from."""
    found = _sheets(facts.STAGE / facts.REAL).get(checkpoint.made_from.images_sha256)
    fits = found is not None and found.images.shape[1:] == tuple(checkpoint.model.image_shape)
    return found if fits else None


@functools.lru_cache(maxsize=1)
def _sheets(folder: Path) -> dict[str | None, HeldOut]:
    return {
        data: _cut(folder / name, record) for data, (name, record) in quiz.read_all(folder).items()
    }


def _cut(path: Path, record: SheetRecord) -> HeldOut:
    """A sheet's pictures, one by one."""
    channels, height, width = record.image_shape
    with Image.open(path) as picture:
        pixels = np.array(picture.convert("L" if channels == 1 else "RGB"))
    sheet = torch.from_numpy(pixels).view(*pixels.shape[:2], channels)
    cells = sheet.unfold(0, height, height).unfold(1, width, width)  # [rows, columns, C, H, W]
    return HeldOut(cells.flatten(0, 1)[: len(record.labels)], torch.tensor(record.labels))
