"""Pictures that visitors and programs hand in: bounded, decoded in memory, never kept."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from demo.options import Option
from duet.core.errors import DuetError
from duet.data import decode as files

MOST_BYTES = 4 * 2**20  # of a file: a photograph of a telephone, made a little smaller
MOST_PIXELS = 25_000_000  # a hundred megabytes once decoded
DATA_URL = "data:"


class UploadError(DuetError):
    """What was handed in is no picture that can be used; the message says why."""


@dataclass(frozen=True)
class Picture(Option):
    """A picture's file as text, for who calls without a browser."""

    @property
    def wanted(self) -> str:
        return f"a picture's file (PNG, JPEG …) in base64, of at most {MOST_BYTES >> 20} MB"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.refusal(value)
        return value


def decode(data: Any, image_shape: Sequence[int]) -> torch.Tensor:
    """A picture's file, as bytes or as base64 (a data URL too), -> uint8 [C, H, W] of a model's
    `image_shape`: the largest centred square, resized as duet.data resizes."""
    channels, height, width = image_shape
    if height != width or channels not in files.CHANNELS.values():
        raise UploadError(f"This model draws {height}×{width} values of {channels} channels, "
                          "which no picture can be made into.")
    content = data if isinstance(data, bytes) else _from_text(data)
    if len(content) > MOST_BYTES:
        raise _too_large()
    try:
        seen = files.look(content)
        if seen.width * seen.height > MOST_PIXELS:
            raise files.PictureError(f"of more than {MOST_PIXELS:,} pixels")
        pixels = files.decode(content, height, channels)
    except files.PictureError as error:
        raise UploadError(f"The picture cannot be used: it is {error}.") from error
    return torch.from_numpy(pixels.copy())


def _from_text(text: Any) -> bytes:
    if not isinstance(text, str):
        raise UploadError("A picture must be the text of its file in base64, no file object.")
    encoded = text.partition(",")[2] if text.startswith(DATA_URL) else text
    encoded = "".join(encoded.split())  # tools break it into lines
    if len(encoded) > MOST_BYTES * 4 // 3 + 100:
        raise _too_large()
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        raise UploadError("A picture must be the text of its file in base64; this text is none.")
    return content


def _too_large() -> UploadError:
    return UploadError(f"A picture may have {MOST_BYTES >> 20} MB; make it smaller and try again.")
