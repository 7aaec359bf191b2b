"""Which pictures something belongs to: a data set's name alone would let two folders called "cats"
share a reference."""

from pathlib import Path
from typing import NamedTuple

from duet import data
from duet.data import DATASETS, Colour, ImageSet, cache_root
from duet.store.checkpoint import Checkpoint
from evaluation.errors import EvaluationError


class SetId(NamedTuple):
    """A training split: the data set's name, and the SHA-256 of its images, None where an old
    checkpoint does not tell it."""

    name: str
    images_sha256: str | None

    @classmethod
    def of(cls, origin: Checkpoint | ImageSet) -> "SetId":
        """Of what a checkpoint was made from, or of a training split at hand."""
        if isinstance(origin, ImageSet):
            return cls(origin.name, origin.sha256)
        return cls(origin.made_from.name, origin.made_from.images_sha256)

    @property
    def title(self) -> str:
        return DATASETS[self.name].facts.title if self.name in DATASETS else self.name

    @property
    def digits(self) -> str:
        """What tells it from others of its name, in file names; EvaluationError without a hash."""
        if self.images_sha256 is None:
            raise EvaluationError(
                f"{self.name} is not a registered data set, and the checkpoint does not say by "
                "hash which images it was made from; train it anew"
            )
        return self.images_sha256[:16]

    def path(self, shipped: Path, kind: str, ending: str) -> Path:
        """A file of it: beside the code for a registered data set, else by hash, where it was
        shipped or else in the cache."""
        if self.name in DATASETS:
            return shipped / f"{self.name}-{ending}"
        return shipped_or_cached(shipped, kind, f"{self.digits}-{ending}")


def shipped_or_cached(shipped: Path, kind: str, name: str) -> Path:
    """Where a file about somebody's own pictures lies: beside the code where we ship it, else in
    the cache."""
    path = shipped / name
    return path if path.exists() else cache_root() / kind / name


def both_splits(
    name: str, data_dir: Path | None, image_size: int | None, colour: Colour, skip_broken: bool
) -> tuple[ImageSet, ImageSet]:
    """The training and the held-out images."""
    train, test = (
        data.load(
            name, split, data_dir, image_size=image_size, colour=colour, skip_broken=skip_broken
        )
        for split in ("train", "test")
    )
    return train, test
