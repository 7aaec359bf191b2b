"""One picture: from a file's bytes to a square of uint8 pixels. Pillow does the reading.

The largest centred square is cut out and resized with Pillow's antialiased bicubic filter, the one
that clean-fid settled on (Parmar et al., "On aliased resizing and surprising subtleties in GAN
evaluation", 2022). A camera's EXIF orientation is obeyed, what is transparent shows the background,
16 bits become 8, CMYK becomes RGB without a colour profile, and of an animation the first frame is
taken.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from duet.core.checks import whole
from duet.data.base import DataError

Colour = Literal["grey", "rgb", "auto"]
CHANNELS = {"grey": 1, "rgb": 3}
BACKGROUND = "white"
SIZES = (28, 32, 48, 64)
SMALLEST_SIDE = 8
# Not EPS and its like: Pillow hands those to other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B"}
# A photograph may be decoded at an eighth of its size by JPEG itself, as long as the antialiased
# resize still has this many pixels to average along each side of one.
DRAFT = 4


class PictureError(DataError):
    """A file is no picture that can be used; the message says why, not which."""


@dataclass(frozen=True)
class Decoding:
    """How pictures become pixels. image_size: side in pixels, a multiple of 4, None for one that
    suits the pictures; colour: "auto" is grey where every picture is stored in grey; skip_broken:
    leave out, and list, what cannot be used instead of refusing the whole."""

    image_size: int | None = None
    colour: Colour = "auto"
    skip_broken: bool = False

    def __post_init__(self) -> None:
        if self.image_size is not None:
            size = whole("image_size", self.image_size, SMALLEST_SIDE, 1024)
            if size % 4:
                raise DataError(f"image_size {size} is not a multiple of 4")
        if self.colour not in (*CHANNELS, "auto"):
            raise DataError(f"colour {self.colour!r:.40}: known are grey, rgb, auto")

    def settle(self, looks: Sequence["Look"]) -> tuple[int, int]:
        """(image size, channels) of a set of pictures that look so: as asked, else as suits them.
        The size is the largest of SIZES that half of the pictures reach, so that few are enlarged.
        """
        size, colour = self.image_size, self.colour
        if size is None:
            median = np.median([look.side for look in looks])
            size = max((s for s in SIZES if s <= median), default=SIZES[0])
        if colour == "auto":
            colour = "grey" if all(look.mode in GREY_MODES for look in looks) else "rgb"
        return size, CHANNELS[colour]

    def check(self, name: str, image_shape: tuple[int, int, int]) -> None:
        """Raise DataError where a set of pictures that are decoded already is not as asked."""
        channels, side, _ = image_shape
        if self.image_size not in (None, side):
            raise DataError(f"image_size {self.image_size}: {name} has {side}×{side} pixels")
        if CHANNELS.get(self.colour, channels) != channels:
            raise DataError(f"colour {self.colour}: {name} has {channels} channel(s)")


@dataclass(frozen=True)
class Look:
    """What a picture's header says: width and height in pixels, Pillow's mode."""

    width: int
    height: int
    mode: str

    @property
    def side(self) -> int:
        """Of the largest square in it."""
        return min(self.width, self.height)


@contextlib.contextmanager
def strict_pillow() -> Iterator[None]:
    """Around all decoding: what Pillow suspects to be a decompression bomb is refused, its other
    worries are not worth a line each. Process-wide, so not to be entered by each thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def look(content: bytes) -> Look:
    """The header alone; PictureError where there is none, or a size that cannot be used."""
    with _opened(content) as picture:
        return Look(*picture.size, picture.mode)


def decode(content: bytes, size: int, channels: int) -> np.ndarray:
    """uint8 [channels, size, size]; PictureError for what cannot be decoded."""
    with _opened(content) as picture:
        picture.draft(None, (DRAFT * size, DRAFT * size))
        upright = ImageOps.exif_transpose(picture)
        opaque = _opaque(upright)
        square = _square(opaque, size).convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(square)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


@contextlib.contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if min(picture.size) < SMALLEST_SIDE:
                width, height = picture.size
                raise PictureError(f"of {width}×{height} pixels, less than {SMALLEST_SIDE} a side")
            yield picture
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError("not a picture that Pillow can read") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PictureError(f"of more than {Image.MAX_IMAGE_PIXELS:,} pixels") from error
    except MemoryError as error:
        raise PictureError("too large for this machine's memory") from error
    except Exception as error:  # Pillow's decoders raise whatever they stumble on
        raise PictureError(f"damaged ({str(error) or type(error).__name__:.80})") from error


def _opaque(picture: Image.Image) -> Image.Image:
    """Mode L or RGB, what was transparent over the background."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bits(picture)
    if picture.has_transparency_data:
        # By way of RGBA: a palette's transparency means nothing to RGB, which would show junk.
        canvas = Image.new("RGBA", picture.size, BACKGROUND)
        return Image.alpha_composite(canvas, picture.convert("RGBA")).convert("RGB")
    return picture.convert("L" if picture.mode in GREY_MODES else "RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit grey, [0, 65535] -> [0, 255]; other wide numbers have no range that is known."""
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise PictureError("stored in 32-bit numbers of an unknown range; save it in 8 or 16 bits")
    if isinstance(transparent := picture.info.get("transparency"), int):  # one level of a PNG
        values = np.where(values == transparent, 65535, values)
    return Image.fromarray(np.rint(values / 257.0).astype(np.uint8))


def _square(picture: Image.Image, size: int) -> Image.Image:
    """The largest centred square, resized."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return square.resize((size, size), Image.Resampling.BICUBIC)  # a copy where they are equal
