"""Flags about somebody's own pictures, as duet/core/flags.py has those about anything."""

from typing import Annotated

from typing_extensions import Doc

from duet.data.decode import Colour

ImageSize = Annotated[
    int | None, Doc("Side of own pictures in pixels, a multiple of 4 (default: suits them).")
]
PictureColour = Annotated[
    Colour, Doc("Own pictures as grey or rgb; auto: grey where every one is stored in grey.")
]
SkipBroken = Annotated[bool, Doc("Leave out, and list, own pictures that cannot be used.")]


def decoding_flags(image_size: int | None, colour: Colour, skip_broken: bool) -> list[str]:
    """The words that give a command these values, where they are not its defaults."""
    words = [] if image_size is None else ["--image-size", str(image_size)]
    words += [] if colour == "auto" else ["--colour", colour]
    return words + (["--skip-broken"] if skip_broken else [])
