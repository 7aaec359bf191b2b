"""PNG files, still and animated, quickly: runs of equal pixels, which is what enlarged ones are."""

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

# Of Pillow, for zlib's run-length strategy. Its default takes twice as long for larger files.
RUNS: dict[str, Any] = {"compress_level": 3, "compress_type": 3}


def still(picture: Image.Image) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **RUNS)
    return buffer.getvalue()


def animated(pictures: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    """Pictures of one size and mode, each shown for so many milliseconds, over and over."""
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, "PNG", save_all=True, append_images=pictures[1:], duration=durations, loop=0,
        **RUNS,
    )
    return buffer.getvalue()
