"""evolution.png: what became of 16 fixed latents in a run, a row of them for each of some steps.

A sheet of sprites without gaps, for whoever plays it back. The rows' steps stand in the PNG's text
"steps", and in the checkpoint's training.json.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from duet.core import latents
from duet.models import LatentModel
from duet.store import sprites
from duet.store.sprites import Texts

COLUMNS = 16
STEPS = "steps"
MOST_ROWS = 200  # ten a decade are fewer, up to any step that can be counted


@dataclass(frozen=True)
class Sheet:
    """`rows`: uint8 [R, 1 or 3, H, COLUMNS * W], one of each of `steps`, which rise."""

    steps: tuple[int, ...]
    rows: torch.Tensor


def drawn(model: LatentModel, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A model's pictures as they are shown: uint8 [N, 1 or 3, H, W]; its mode stays as it was."""
    was_training = model.training
    images = model.eval().render(z, labels)
    model.train(was_training)
    return model.domain.to_pixels(images)


def row(model: LatentModel) -> torch.Tensor:
    """The 16 latents as a model draws them now, where it knows classes one after the other: uint8
    [1 or 3, H, COLUMNS * W]."""
    z, labels = latents.draw(0, range(COLUMNS), model.latent_dim, model.num_classes)
    if model.num_classes:
        labels = torch.arange(COLUMNS) % model.num_classes
    return _side_by_side(drawn(model, z, labels))


def write(path: Path, sheet: Sheet) -> None:
    """Write a sheet whole."""
    sprites.write(path, torch.cat([*sheet.rows], dim=1), {STEPS: " ".join(map(str, sheet.steps))})


def read(path: Path) -> Sheet | None:
    """The sheet in a file, None where there is no file. Raises RecordError."""
    return sprites.read(path, COLUMNS, MOST_ROWS, _sheet)


def check(path: Path, sheet: Sheet, steps: tuple[int, ...], model: LatentModel) -> None:
    """RecordError where the sheet in a file is not of these steps, or not of this model's
    pictures."""
    if sheet.steps != steps:
        raise sprites.unusable(path, "its rows are of other steps than training.json says")
    images = torch.zeros(COLUMNS, *model.image_shape, dtype=torch.uint8)
    found, wanted = sheet.rows.shape[1:], _side_by_side(model.domain.to_pixels(images)).shape
    if found != wanted:
        raise sprites.unusable(path, f"its rows are {list(found)}, the model's {list(wanted)}")


def _sheet(pixels: torch.Tensor, texts: Texts) -> Sheet:
    """Raises ValueError or KeyError where it is none."""
    steps = tuple(int(word) for word in texts[STEPS].split())
    if not steps or steps[0] < 0 or list(steps) != sorted(set(steps)):
        raise ValueError("its steps do not rise")
    if pixels.shape[1] % len(steps):
        raise ValueError(f"its rows are not {len(steps)} of one height")
    return Sheet(steps, torch.stack(pixels.chunk(len(steps), dim=1)))


def _side_by_side(images: torch.Tensor) -> torch.Tensor:
    """uint8 [COLUMNS, C, H, W] -> [C, h, COLUMNS * w]."""
    return torch.cat([*sprites.shrunk(images)], dim=2)
