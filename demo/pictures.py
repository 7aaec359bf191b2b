"""Images put together and enlarged for the eye: every pixel a clean square."""

import base64
import math

import torch
from PIL import Image

from demo import png
from duet.core.pixels import grid, to_pil

PICTURE_WIDTH = 960  # enough for a half page on a sharp screen
ANIMATION_WIDTH = 336  # style.css shows it as wide
STRIP_COLUMNS = 8
ONE_WAY_MS = 1600
HOLD_MS = 500


def sheet(images: torch.Tensor) -> Image.Image:
    """uint8 [N, C, H, W] -> one picture, as near to a square as N allows."""
    return _enlarged(grid(images, columns=math.ceil(math.sqrt(len(images)))), PICTURE_WIDTH)


def film_strip(frames: torch.Tensor) -> Image.Image:
    """uint8 [N, C, H, W] -> one picture, read like a text: row by row."""
    return _enlarged(grid(frames, columns=min(len(frames), STRIP_COLUMNS)), PICTURE_WIDTH)


def animation(frames: torch.Tensor) -> bytes:
    """uint8 [N, C, H, W] -> an endless animated PNG that runs there and back, resting at the ends.

    An animated PNG is lossless, and here smaller and written faster than lossless WebP or GIF.
    """
    there_and_back = torch.cat([frames, frames[1:-1].flip(0)])
    pictures = [_enlarged(frame, ANIMATION_WIDTH) for frame in there_and_back]
    durations = [max(40, min(200, ONE_WAY_MS // len(frames)))] * len(pictures)
    durations[0] = durations[len(frames) - 1] = HOLD_MS
    return png.animated(pictures, durations)


def data_url(rows: torch.Tensor) -> str:
    """uint8 [R, C, H, W] -> an address that holds the PNG of all, one below the other."""
    picture = png.still(to_pil(torch.cat([*rows], dim=1)))
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def _enlarged(image: torch.Tensor, width: int) -> Image.Image:
    """uint8 [C, H, W] -> a picture whose longer side is at least `width`. The page makes all of
    them equally wide, so whatever the models' sizes, none is blown up there and blurred."""
    return to_pil(image, scale=math.ceil(width / max(image.shape[1:])))
