"""Sheets of pictures side by side, without gaps, in PNGs whose texts say what they are of.

They may be a stranger's: a sheet's size is looked at before a pixel is decoded.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from duet.core.files import replacing
from duet.core.pixels import to_pil
from duet.store.records import MEND, RecordError

MOST_PIXELS = 64  # of a picture's side: any sheet stays below a checkpoint's limit

T = TypeVar("T")
Texts = Mapping[str, str]


def shrunk(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W], above MOST_PIXELS a side the means of areas."""
    shrink = MOST_PIXELS / max(images.shape[2:])
    if shrink >= 1:
        return images
    size = [max(1, int(side * shrink)) for side in images.shape[2:]]
    return F.interpolate(images.float(), size, mode="area").round().to(torch.uint8)


def write(path: Path, pixels: torch.Tensor, texts: Texts) -> None:
    """Write a sheet uint8 [1 or 3, H, W] whole."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    with replacing(path) as scratch:
        to_pil(pixels).save(scratch, pnginfo=info)


def read(
    path: Path, columns: int, most_rows: int, understand: Callable[[torch.Tensor, Texts], T]
) -> T | None:
    """What `understand` makes of a sheet's pixels uint8 [C, H, W] and texts, None where there is no
    file. RecordError where it is no sheet of so many pictures across, or `understand` raises."""
    if not os.path.lexists(path):
        return None
    try:
        if not path.is_file():  # a pipe would be waited on for ever
            raise ValueError("it is no file")
        with Image.open(path, formats=["PNG"]) as picture:
            width, height = picture.size
            if width > columns * MOST_PIXELS or height > most_rows * MOST_PIXELS:
                raise ValueError(f"it has {width}×{height} pixels")
            if picture.mode not in ("L", "RGB") or width % columns:
                raise ValueError(f"no {columns} pictures of grey or colour stand side by side")
            pixels = np.array(picture)  # the texts may stand behind the pixels
            assert isinstance(picture, PngImageFile)
            channels_first = pixels.reshape(height, width, -1).transpose(2, 0, 1)
            return understand(torch.from_numpy(channels_first.copy()), picture.text)
    except Exception as error:  # Pillow's decoders raise whatever they stumble on
        raise unusable(path, str(error)) from error


def unusable(path: Path, reason: str) -> RecordError:
    return RecordError(f"{path} cannot be used ({reason}); {MEND}")
