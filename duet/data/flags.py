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
