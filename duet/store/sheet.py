"""real/NAME.json beside real/NAME.png: held-out images in one picture, to be told from generated
ones. The evaluation, which has the data, writes it; the page, which has none, shows it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from duet.store.records import STRICT, Count, Digest, Line, Name, Text, Word

Size = Annotated[int, Field(ge=1, le=4096)]


@dataclass(frozen=True)
class SheetRecord:
    """Images `indices` of the held-out split with their `labels`, row by row in `columns`, each
    [C, H, W].
    `images_sha256`: of the training split, by which models name their data; `picture_sha256`: of
    the PNG's bytes."""

    __pydantic_config__ = STRICT

    data: Name
    title: Line
    licence: Word
    credit: Text
    images_sha256: Digest
    held_out_sha256: Digest
    indices: Annotated[tuple[Count, ...], Field(min_length=1, max_length=1000)]
    labels: Annotated[tuple[Count, ...], Field(min_length=1, max_length=1000)]
    columns: Size
    image_shape: tuple[Size, Size, Size]
    picture_sha256: Digest
    schema: Literal[1] = 1
