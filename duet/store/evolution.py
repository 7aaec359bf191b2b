"""evolution.png: what became of 16 fixed latents in a run, a row of them for each of some steps.

A sheet of sprites without gaps, for whoever plays it back. The rows' steps stand in the PNG's text
"steps", and in the checkpoint's training.json.
"""

import os
from dataclasses import dataclass
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
from duet.store.records import MEND, RecordError

COLUMNS = 16
MOST_PIXELS = 64  # of a side: the sheet of a million steps stays below a checkpoint's limit
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
    texts = PngInfo()
    texts.add_text("steps", " ".join(map(str, sheet.steps)))
    with replacing(path) as scratch:
        to_pil(torch.cat([*sheet.rows], dim=1)).save(scratch, pnginfo=texts)


def read(path: Path) -> Sheet | None:
    """The sheet in a file, None where there is no file. It may be a stranger's: its size is looked
    at before a pixel is decoded. Raises RecordError."""
    if not os.path.lexists(path):
        return None
    try:
        if not path.is_file():  # a pipe would be waited on for ever
            raise ValueError("it is no file")
        with Image.open(path, formats=["PNG"]) as picture:
            return _sheet(picture)
    except Exception as error:  # Pillow's decoders raise whatever they stumble on
        raise _unusable(path, str(error)) from error


def check(path: Path, sheet: Sheet, steps: tuple[int, ...], model: LatentModel) -> None:
    """RecordError where the sheet in a file is not of these steps, or not of this model's
    pictures."""
    if sheet.steps != steps:
        raise _unusable(path, "its rows are of other steps than training.json says")
    images = torch.zeros(COLUMNS, *model.image_shape, dtype=torch.uint8)
    found, wanted = sheet.rows.shape[1:], _side_by_side(model.domain.to_pixels(images)).shape
    if found != wanted:
        raise _unusable(path, f"its rows are {list(found)}, the model's {list(wanted)}")


def _unusable(path: Path, reason: str) -> RecordError:
    return RecordError(f"{path} cannot be used ({reason}); {MEND}")


def _sheet(picture: Image.Image) -> Sheet:
    """Raises ValueError or KeyError where it is none."""
    width, height = picture.size
    if width > COLUMNS * MOST_PIXELS or height > MOST_ROWS * MOST_PIXELS:
        raise ValueError(f"it has {width}×{height} pixels")
    if picture.mode not in ("L", "RGB") or width % COLUMNS:
        raise ValueError(f"no {COLUMNS} pictures of grey or colour stand side by side in it")
    pixels = np.array(picture)  # the texts may stand behind the pixels
    assert isinstance(picture, PngImageFile)
    steps = tuple(int(word) for word in picture.text["steps"].split())
    if not steps or steps[0] < 0 or list(steps) != sorted(set(steps)):
        raise ValueError("its steps do not rise")
    rows = np.split(pixels.reshape(height, width, -1).transpose(2, 0, 1), len(steps), 1)
    return Sheet(steps, torch.from_numpy(np.stack(rows)))


def _side_by_side(images: torch.Tensor) -> torch.Tensor:
    """uint8 [COLUMNS, C, H, W] -> [C, h, COLUMNS * w]; above MOST_PIXELS a side: area means."""
    shrink = MOST_PIXELS / max(images.shape[2:])
    if shrink < 1:
        size = [max(1, int(side * shrink)) for side in images.shape[2:]]
        images = F.interpolate(images.float(), size, mode="area").round().to(torch.uint8)
    return torch.cat([*images], dim=2)
