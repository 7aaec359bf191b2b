"""What a word on the command line names: a checkpoint, a data set's split, pictures, an array."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duet
from duet import data
from duet.data import DATASETS, SPLITS, WHOLE, Colour, DataError, ImageSet
from duet.data.decode import SMALLEST_SIDE, Decoding
from duet.data.pictures import sizes
from duet.store.checkpoint import CONFIG, Checkpoint, is_shipped
from evaluation import arrays
from evaluation.errors import EvaluationError

SHOWN_SIZES = 3


@dataclass(frozen=True)
class Opening:
    """How pictures are found and decoded: the data sets' folder (duet.data.data_root), and what
    duet.data.decode.Decoding says of own ones."""

    data_dir: Path | None = None
    image_size: int | None = None
    colour: Colour = "auto"
    skip_broken: bool = False

    def load(self, name_or_path: str, split: str) -> ImageSet:
        return data.load(
            name_or_path, split, self.data_dir, image_size=self.image_size, colour=self.colour,
            skip_broken=self.skip_broken,
        )


class Source(NamedTuple):
    """What was named, in the command line's words, and what that is. Of a folder or zip of
    pictures `training` is the part that `--data` would train on, else None."""

    text: str
    origin: Checkpoint | ImageSet
    training: ImageSet | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        if isinstance(self.origin, Checkpoint):
            return self.origin.model.image_shape
        return self.origin.image_shape


def open_source(text: str, opening: Opening) -> Source:
    """A data set ("cifar10", the training split, or "cifar10:test"); a folder or zip of pictures,
    all of them ("cats"), or what training holds out or keeps of them ("cats:test", "cats:train");
    an array of pictures (.npy, .npz); a checkpoint as duet.load knows it: a folder, a shipped name,
    an id on the Hub with or without @revision. Raises EvaluationError and what duet.load does."""
    name, split = _parted(text)
    if name in DATASETS:
        return Source(text, _published(name, split or "train", opening))
    if Path(name).suffix.lower() in arrays.SUFFIXES:
        return Source(text, _array(text, opening))
    if _holds_pictures(name):
        return _pictures(text, name, split or WHOLE, opening)
    return Source(text, duet.load(text))


def _parted(text: str) -> tuple[str, str | None]:
    """A name and the split behind its colon, None where there is none."""
    name, _, split = text.rpartition(":")
    return (name, split) if name and split in (*SPLITS, WHOLE) else (text, None)


def _holds_pictures(name: str) -> bool:
    """Whether there is something that is no checkpoint; as for duet.load, a shipped one's name goes
    before a folder that is none."""
    path = os.path.expanduser(name)
    is_checkpoint = os.path.isfile(os.path.join(path, CONFIG)) or is_shipped(name)
    return os.path.exists(path) and not is_checkpoint


def _published(name: str, split: str, opening: Opening) -> ImageSet:
    try:
        return opening.load(name, split)
    except DataError as error:
        raise EvaluationError(str(error)) from error


def _array(text: str, opening: Opening) -> ImageSet:
    images = arrays.load(data.path_of(text))
    try:
        Decoding(opening.image_size, opening.colour).check(images.name, images.image_shape)
    except DataError as error:
        raise EvaluationError(f"{error}; an array is taken as it is") from error
    return images


def _pictures(text: str, name: str, split: str, opening: Opening) -> Source:
    """Pictures of their own size, unless another is asked for: to resize them unasked would change
    every score."""
    try:
        if opening.image_size is None:
            size = _own_size(data.path_of(name))
            opening = Opening(opening.data_dir, size, opening.colour, opening.skip_broken)
        return Source(text, opening.load(name, split), opening.load(name, "train"))
    except DataError as error:
        raise EvaluationError(
            f"{name} is no checkpoint (it has no {CONFIG}), and its pictures cannot be used: "
            f"{error}"
        ) from error


def _own_size(path: Path) -> int | None:
    """The side of pictures that are all squares of one size; None where none can be read, which
    decoding tells. Raises EvaluationError for others."""
    found = sizes(path)
    if not found:
        return None
    shown = ", ".join(f"{w}×{h}: {count:,}" for (w, h), count in found.most_common(SHOWN_SIZES))
    if len(found) > 1:
        raise EvaluationError(
            f"{path} holds pictures of {len(found)} sizes ({shown}, …); make them alike, or have "
            "all of them resized by --image-size"
        )
    ((width, height),) = found
    if width != height or width % 4 or width < SMALLEST_SIDE:
        raise EvaluationError(
            f"{path} holds pictures of {width}×{height} pixels; squares whose side is a multiple "
            "of 4 are taken as they are, others only by --image-size"
        )
    return width
