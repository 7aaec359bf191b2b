"""evolution.png: what became of 16 fixed latents, a row of them for each of some points of a run.

A sheet of sprites without gaps, for whoever plays it back. The rows' steps stand in the PNG's text
"steps", and in the checkpoint's training.json.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from duet.core import latents
from duet.core.files import replacing
from duet.core.pixels import to_pil
from duet.models import LatentModel

COLUMNS = 16
POINTS_A_DECADE = 10
MOST_PIXELS = 64  # of a side: the sheet of a million steps stays below a checkpoint's limit


def is_point(step: int) -> bool:
    """Whether a row is kept of a step: of 0, and of ten a decade, in equal ratios. A run changes
    about as much from step 100 to 200 as from 1,000 to 2,000, and no horizon is needed."""
    if step < 1:
        return step == 0
    power = round(POINTS_A_DECADE * math.log10(step)) / POINTS_A_DECADE
    return round(10**power) == step


def drawn(model: LatentModel, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A model's pictures as they are shown: uint8 [N, 1 or 3, H, W]; its mode stays as it was."""
    was_training = model.training
    images = model.eval().render(z, labels)
    model.train(was_training)
    return model.domain.to_pixels(images)


class Evolution:
    """The rows, by step: uint8 [C, H, COLUMNS * W] each. What is in `path` of up to step `done` is
    kept."""

    def __init__(self, path: Path, done: int) -> None:
        self.path = path
        self._rows = {step: row for step, row in _read(path).items() if step <= done}

    @property
    def steps(self) -> tuple[int, ...]:
        return tuple(sorted(self._rows))

    def go_back(self, step: int) -> None:
        """Forget what comes after a step."""
        self._rows = {known: row for known, row in self._rows.items() if known <= step}

    def see(self, step: int, model: LatentModel) -> None:
        """Draw a row, if one is kept of this step."""
        if is_point(step):
            self._rows[step] = _row(model)

    def write(self, step: int, model: LatentModel) -> None:
        """Write the sheet, its last row the present one, which goes when the run goes on unless it
        is of a point."""
        self._rows = {known: row for known, row in self._rows.items() if is_point(known)}
        self._rows[step] = _row(model)
        sheet = torch.cat([self._rows[known] for known in self.steps], dim=1)
        texts = PngInfo()
        texts.add_text("steps", " ".join(map(str, self.steps)))
        with replacing(self.path) as scratch:
            to_pil(sheet).save(scratch, pnginfo=texts)


def _row(model: LatentModel) -> torch.Tensor:
    z, labels = latents.draw(0, range(COLUMNS), model.latent_dim, model.num_classes)
    if model.num_classes:
        labels = torch.arange(COLUMNS) % model.num_classes
    return torch.cat([*_small(drawn(model, z, labels))], dim=2)


def _small(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W], no side above MOST_PIXELS: means over areas."""
    shrink = MOST_PIXELS / max(images.shape[2:])
    if shrink >= 1:
        return images
    size = [max(1, int(side * shrink)) for side in images.shape[2:]]
    return F.interpolate(images.float(), size, mode="area").round().to(torch.uint8)


def _read(path: Path) -> dict[int, torch.Tensor]:
    """The rows of a sheet; none where there is none, or where it cannot be used, which is said."""
    if not path.exists():
        return {}
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            assert isinstance(picture, PngImageFile)
            pixels = np.array(picture)
            steps = [int(word) for word in picture.text["steps"].split()]
        if not steps:
            raise ValueError("it names no step")
        rows = np.split(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1), len(steps), 1)
    except (OSError, KeyError, ValueError) as error:
        print(f"warning: {path} cannot be used ({error}); it begins anew", file=sys.stderr)
        return {}
    return {step: torch.from_numpy(row) for step, row in zip(steps, rows, strict=True)}
